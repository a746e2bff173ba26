"""What a backend supports, as data. What is claimed is tested; what is not has to be refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from gurney.core import CHUNK_SIZE, DICOMObjectLevels, Query, QueryLevels

__all__ = ["DownloaderFeatures", "SearcherFeatures", "StorageFeatures", "keys_of"]

_NO_KEYS: Final = frozenset({"query_level", "include_fields"})
_LISTS: Final = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "ModalitiesInStudy"})
_WILDCARDS: Final = frozenset(
    """
    AccessionNumber PatientName PatientID InstitutionName InstitutionalDepartmentName PatientSex
    StudyDescription SeriesDescription
    """.split()
)


def keys_of(query_class: type[Query]) -> frozenset[str]:
    """Return the parameters of a class of queries by which studies are chosen.

    Examples
    --------
    >>> from gurney.core import ExtendedQuery
    >>> sorted(keys_of(ExtendedQuery) - keys_of(Query))[:2]
    ['InstitutionName', 'InstitutionalDepartmentName']
    """
    return frozenset(attrs.fields_dict(query_class)) - _NO_KEYS


def _levels(items: Iterable[QueryLevels]) -> frozenset[QueryLevels]:
    return frozenset(items)


def _keywords(items: Iterable[str]) -> frozenset[str]:
    return frozenset(items)


@attrs.frozen(kw_only=True)
class SearcherFeatures:
    r"""What a searcher supports. By default, all that a plain `Query` can ask for.

    Attributes
    ----------
    levels
        How deep it searches.
    keys
        The parameters by which it chooses studies. All that the kit knows: those of
        `ExtendedQuery`.
    wildcards
        Those of its keys that may hold ``*`` and ``?``.
    lists
        Those of its keys that may hold several values, separated by a backslash.
    include_fields
        Whether it returns further attributes that are asked for.
    states_completeness
        Whether it says of a complete result that it is complete.

    Examples
    --------
    >>> by_uid_only = SearcherFeatures(keys=["StudyInstanceUID"], lists=[])
    >>> list(by_uid_only.unclaimed(Query(PatientID="x")))
    ['PatientID']
    """

    levels: frozenset[QueryLevels] = attrs.field(default=frozenset(QueryLevels), converter=_levels)
    keys: frozenset[str] = attrs.field(default=keys_of(Query), converter=_keywords)
    wildcards: frozenset[str] = attrs.field(default=_WILDCARDS, converter=_keywords)
    lists: frozenset[str] = attrs.field(default=_LISTS, converter=_keywords)
    include_fields: bool = True
    states_completeness: bool = True

    def unclaimed(self, query: Query) -> Iterator[str]:
        """Yield the parameters of *query* that have to be refused."""
        if query.query_level not in self.levels:
            yield "query_level"
        if query.include_fields and not self.include_fields:
            yield "include_fields"
        for name, value in query.parameters().items():
            if name in _NO_KEYS:
                continue
            has_wildcard = name in _WILDCARDS and not {"*", "?"}.isdisjoint(value)
            has_list = name in _LISTS and "\\" in value
            if (
                name not in self.keys
                or (has_wildcard and name not in self.wildcards)
                or (has_list and name not in self.lists)
            ):
                yield name


@attrs.frozen(kw_only=True)
class DownloaderFeatures:
    """What a downloader supports.

    Attributes
    ----------
    max_level
        The highest objects that it takes without knowing what is in them. Whatever is deeper it
        takes too.
    keeps_bytes
        Whether `files` gives the very bytes that the archive was filled with.
    chunk_size
        The most bytes in a chunk of a file.
    """

    max_level: DICOMObjectLevels = DICOMObjectLevels.STUDY
    keeps_bytes: bool = True
    chunk_size: int = CHUNK_SIZE


@attrs.frozen(kw_only=True)
class StorageFeatures:
    """What a storage supports.

    Attributes
    ----------
    keeps_bytes
        Whether it keeps the very bytes of a file; else it keeps the same data set.
    concurrent
        Whether it can store one instance while it is storing another.
    """

    keeps_bytes: bool = True
    concurrent: bool = True
