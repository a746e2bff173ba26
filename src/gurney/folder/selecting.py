"""Which studies match? UIDs are looked up, all else is compared by the rules of the core.

What a file says is the truth here: an attribute that it does not have matches no key. But text
that is evidently damaged, or a date that is not precise enough, may match: it is included, and
noted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import attrs
from pydicom.dataset import Dataset

from ..core import ExtendedQuery, Matches
from ..core.matching import matcher
from ..core.values import put, texts
from .headers import CHARACTER_SET, SERIES_TAGS, STUDY_TAGS, tag_of, unpack
from .reading import HeaderRow

__all__ = ["Selected", "modalities", "select"]


@attrs.frozen
class Selected:
    """A study that matches.

    Attributes
    ----------
    headers
        All of the study; never empty. Ordered by series UID.
    matching
        Those of them that match the keys about the study; never empty.
    series
        Those of the series that match, of each series the ones that do; never empty.
    doubts
        Keywords of keys that may match.
    """

    headers: tuple[HeaderRow, ...]
    matching: tuple[HeaderRow, ...]
    series: tuple[HeaderRow, ...]
    doubts: tuple[str, ...]

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return self.headers[0].study_uid


def select(connection: sqlite3.Connection, query: ExtendedQuery) -> Iterator[Selected]:
    """Yield the studies that match *query*, by UID, one by one."""
    test = _Test(query)
    for _, headers in groupby(_candidates(connection, query), attrgetter("study_uid")):
        selected = test(tuple(headers))
        if selected is not None:
            yield selected


def _candidates(connection: sqlite3.Connection, query: ExtendedQuery) -> Iterator[HeaderRow]:
    """Yield the headers of the studies that have the UIDs asked for."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (level TEXT, uid TEXT)")
    connection.execute("DELETE FROM wanted")
    # While another process refreshes the index, there may be headers that no file has any more.
    conditions = ["EXISTS (SELECT 1 FROM file WHERE file.header = header.id)"]
    for level, uids, condition in (
        ("study", query.StudyInstanceUID, "study_uid IN ({})"),
        ("series", query.SeriesInstanceUID,
         "study_uid IN (SELECT study_uid FROM header WHERE series_uid IN ({}))"),
    ):  # fmt: skip
        if uids:
            rows = [(level, uid) for uid in uids.split("\\")]
            connection.executemany("INSERT INTO wanted VALUES (?, ?)", rows)
            wanted = f"SELECT uid FROM wanted WHERE level = '{level}'"  # noqa: S608  text is ours
            conditions.append(condition.format(wanted))
    found = connection.execute(
        f"SELECT * FROM header WHERE {' AND '.join(conditions)}"  # noqa: S608  text is ours
        " ORDER BY study_uid, series_uid, id"
    )
    return (HeaderRow(*row) for row in found)


class _Test:
    """A query, ready to be compared with studies."""

    def __init__(self, query: ExtendedQuery) -> None:
        about_study = attrs.evolve(
            query, StudyInstanceUID="", SeriesInstanceUID="", SeriesDescription=""
        )
        about_series = ExtendedQuery(SeriesDescription=query.SeriesDescription)
        self._study: _Keys = _Keys(about_study)
        self._series: _Keys = _Keys(about_series)
        self._series_uids: frozenset[str] = frozenset(query.SeriesInstanceUID.split("\\")) - {""}
        self._by_modality: bool = bool(query.ModalitiesInStudy)

    def __call__(self, headers: tuple[HeaderRow, ...]) -> Selected | None:
        found = modalities(headers) if self._by_modality else ()
        matching, doubts = self._study.matching(headers, found)
        if not matching:
            return None
        wanted = headers
        if self._series_uids:
            wanted = tuple(header for header in headers if header.series_uid in self._series_uids)
        series, more_doubts = self._series.matching(wanted)
        if not series:
            return None
        return Selected(headers, matching, series, (*doubts, *more_doubts))


class _Keys:
    """Keys that one header has to match, all of them."""

    def __init__(self, query: ExtendedQuery) -> None:
        identifier = query.identifier()
        tags = frozenset(map(int, identifier.keys()))
        self._match: Callable[[Dataset], Matches] = matcher(identifier)
        self._tags: frozenset[int] = tags | {CHARACTER_SET}
        self._about_study: bool = bool(tags & STUDY_TAGS)
        self._about_series: bool = bool(tags & SERIES_TAGS)

    def matching(
        self, headers: Sequence[HeaderRow], modalities: Sequence[str] = ()
    ) -> tuple[tuple[HeaderRow, ...], tuple[str, ...]]:
        """Return those of *headers* that match; if none surely does, those that may, and why."""
        contents = {self._relevant(header) for header in headers}
        doubts = {content: self._doubts(content, modalities) for content in contents}
        judged = [(header, doubts[self._relevant(header)]) for header in headers]
        sure = tuple(header for header, doubt in judged if doubt == ())
        if sure:
            return sure, ()
        perhaps = [(header, doubt) for header, doubt in judged if doubt is not None]
        keywords = dict.fromkeys(keyword for _, doubt in perhaps for keyword in doubt)
        return tuple(header for header, _ in perhaps), tuple(keywords)

    def _relevant(self, header: HeaderRow) -> tuple[bytes, ...]:
        """Return what the keys are about: in this the headers of a study often agree."""
        return (header.study,) * self._about_study + (header.series,) * self._about_series

    def _doubts(
        self, content: tuple[bytes, ...], modalities: Sequence[str]
    ) -> tuple[str, ...] | None:
        """Return the keywords of which *content* says nothing certain; `None` if it is out."""
        dataset = Dataset()
        for part in content:
            dataset.update(unpack(part, self._tags))
        if modalities:
            put(dataset, "ModalitiesInStudy", modalities)
        matches = self._match(dataset)
        if not matches.matched:
            return None
        doubts = matches.unverified
        return doubts if all(tag_of(keyword) in dataset for keyword in doubts) else None


_MODALITY = frozenset({tag_of("Modality"), CHARACTER_SET})


def modalities(headers: Sequence[HeaderRow]) -> tuple[str, ...]:
    """Return what kinds of series there are, sorted."""
    found = set[str]()
    for content in {header.series for header in headers}:
        found.update(texts(unpack(content, _MODALITY), "Modality"))
    return tuple(sorted(found - {""}))
