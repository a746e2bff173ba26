"""What is served: data sets in memory, or any archive that can be searched and downloaded from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from pydicom.dataset import Dataset

from gurney.core import (
    Completeness,
    DICOMFile,
    DICOMObjectLevels,
    Downloader,
    DownloadError,
    ExtendedQuery,
    InstanceReference,
    Match,
    QueryError,
    QueryLevels,
    Searcher,
    SearchResult,
    Study,
    UnsupportedParameterError,
    encode,
    level_of_keyword,
    matcher,
    put,
    text,
    texts,
)

from ..holdings import Held, Holdings
from .asked import UNIQUE, Level
from .commands import Status
from .stored import Stored, from_dataset, from_file

__all__ = ["Archive", "IncompleteError", "SearcherAndDownloader", "Served", "archive_of"]


class SearcherAndDownloader(Searcher, Downloader, Protocol):
    """Any archive."""


Served = Iterable[Dataset] | SearcherAndDownloader
"""What `DIMSEServer` can be given to serve."""


class IncompleteError(Exception):
    """What was *found* is not all that there is, or may not be."""

    def __init__(self, completeness: Completeness, found: Sequence[Dataset]) -> None:
        super().__init__(completeness.value)
        self.completeness: Completeness = completeness
        self.found: Sequence[Dataset] = found

    @property
    def status(self) -> int:
        """What an answer ends with in place of success (PS3.4 C.4.1.1.4)."""
        is_cut = self.completeness is Completeness.CAPPED
        return Status.OUT_OF_RESOURCES if is_cut else Status.CANNOT_PROCESS


class Archive(Protocol):
    """What the server asks."""

    @property
    def syntaxes(self) -> Mapping[str, Collection[str]]:
        """Transfer syntaxes of what is stored, by SOP class, as far as that is known."""
        ...

    def find(self, level: Level, identifier: Dataset, /) -> Sequence[Dataset]:
        """Return what is known of each object of *level* that matches: one data set each.

        Raises
        ------
        QueryError
            If a key is not legal for its VR.
        IncompleteError
            If it is not known that all were found.
        """
        ...

    def instances(self, uids: Mapping[Level, Sequence[str]], /) -> Sequence[Stored]:
        """Return the instances under all of the unique keys given; all for none."""
        ...


def archive_of(served: Served) -> Archive:
    """Return what the server asks."""
    return _Memory(served) if isinstance(served, Iterable) else _Face(served)


class _Memory:
    """Data sets in memory, in the order in which they were given."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._holdings: Holdings = Holdings(datasets)
        self._stored: dict[InstanceReference, Stored] = {}

    @property
    def syntaxes(self) -> Mapping[str, Collection[str]]:
        """Of all instances."""
        found: dict[str, set[str]] = {}
        for held in self._holdings.instances:
            syntax = text(getattr(held.dataset, "file_meta", Dataset()), "TransferSyntaxUID")
            found.setdefault(text(held.dataset, "SOPClassUID"), set()).add(syntax)
        return found

    def find(self, level: Level, identifier: Dataset, /) -> Sequence[Dataset]:
        """Return an instance of each object: it stands for all of them, as in `Holdings`."""
        match = matcher(identifier)
        found: dict[tuple[str, ...], Dataset] = {}
        for held in self._holdings.instances:
            key = _key(held.item, level)
            if key not in found and set(match(held.item).values()) <= {Match.MATCHED}:
                found[key] = held.item
        return list(found.values())

    def instances(self, uids: Mapping[Level, Sequence[str]], /) -> Sequence[Stored]:
        """Return them, each made once."""
        return [
            self._of(held)
            for held in self._holdings.instances
            if all(text(held.item, UNIQUE[level]) in given for level, given in uids.items())
        ]

    def _of(self, held: Held) -> Stored:
        if held.reference not in self._stored:
            stored = from_dataset(held.reference, held.dataset, held.content)
            self._stored[held.reference] = stored
        return self._stored[held.reference]


# What a Searcher is asked by; the rest of the keys is compared here.
_ASKED_BY: Final = """
    StudyInstanceUID SeriesInstanceUID AccessionNumber PatientName PatientID ModalitiesInStudy
    InstitutionName PatientSex StudyDescription SeriesDescription InstitutionalDepartmentName
    PatientBirthDate
""".split()
_DEPTH: Final = {
    Level.PATIENT: QueryLevels.STUDY,
    Level.STUDY: QueryLevels.STUDY,
    Level.SERIES: QueryLevels.SERIES,
    Level.IMAGE: QueryLevels.INSTANCE,
}


class _Face:
    """A searcher and downloader of anyone's."""

    def __init__(self, archive: SearcherAndDownloader) -> None:
        self._archive: SearcherAndDownloader = archive

    @property
    def syntaxes(self) -> Mapping[str, Collection[str]]:
        """Not known before instances are read."""
        return {}

    def find(self, level: Level, identifier: Dataset, /) -> Sequence[Dataset]:
        """Search by what a query can hold, and compare the rest."""
        match = matcher(identifier)
        values = _query(identifier, _DEPTH[level]).parameters()
        values["include_fields"] = tuple(_fields(identifier, _DEPTH[level]))
        studies, asked_by = self._studies(values)
        found: dict[tuple[str, ...], Dataset] = {}
        for item in _items(studies, DICOMObjectLevels.from_query_level(_DEPTH[level])):
            answers = match(item)
            doubtful = {key for key, answer in answers.items() if answer is not Match.MATCHED}
            unknown = {key for key in doubtful if answers[key] is Match.UNVERIFIED}
            if doubtful <= unknown and {str(key) for key in unknown} <= asked_by:
                found.setdefault(_key(item, level), item)
        if isinstance(studies, SearchResult) and not studies.complete:
            raise IncompleteError(studies.completeness, list(found.values()))
        return list(found.values())

    def instances(self, uids: Mapping[Level, Sequence[str]], /) -> Sequence[Stored]:
        """Return them; nothing is read yet."""
        identifier = Dataset()
        for level, given in uids.items():
            put(identifier, UNIQUE[level], list(given))
        return [self._stored(item) for item in self.find(Level.IMAGE, identifier)]

    def _studies(self, values: dict[str, Any]) -> tuple[Sequence[Study], set[str]]:
        """Search, without what this searcher does not support; return what was searched by, too."""
        try:
            found = self._archive.find_studies(ExtendedQuery(**values))
        except UnsupportedParameterError as error:
            if error.parameter not in values:
                raise
            return self._studies({name: values[name] for name in values if name != error.parameter})
        return found, {word for word in values if word[0].isupper()}

    def _stored(self, item: Dataset) -> Stored:
        reference = InstanceReference(*_key(item, Level.IMAGE)[1:])
        return from_file(reference, text(item, "SOPClassUID"), partial(self._file, reference))

    def _file(self, reference: InstanceReference) -> DICOMFile:
        files = getattr(self._archive, "files", None)
        if files is None:
            content = encode(self._archive.get_dataset(reference))
            return DICOMFile(iter([content]), reference)
        file: DICOMFile | None = next(iter(files([reference])), None)
        if file is None:
            raise DownloadError(str(reference), "the archive gives nothing")
        return file


def _query(identifier: Dataset, depth: QueryLevels) -> ExtendedQuery:
    values: dict[str, Any] = {"query_level": depth}
    for keyword in _ASKED_BY:
        given = texts(identifier, keyword)
        if given and given != ("*",):
            values[keyword] = "\\".join(given)
    first, to, last = text(identifier, "StudyDate").partition("-")
    values["min_study_date"], values["max_study_date"] = first, last if to else first
    return _as_far_as_legal(values)


def _as_far_as_legal(values: dict[str, Any]) -> ExtendedQuery:
    """Leave out what no query takes, say a wildcard in a UID; it is compared afterwards."""
    taken: dict[str, Any] = {}
    for name, value in values.items():
        try:
            ExtendedQuery(**{name: value})
        except QueryError:
            continue
        taken[name] = value
    return ExtendedQuery(**taken)


def _fields(identifier: Dataset, depth: QueryLevels) -> list[str]:
    lowest = DICOMObjectLevels.from_query_level(depth)
    keywords = [element.keyword for element in identifier if element.keyword not in _NO_KEYS]
    if depth is QueryLevels.INSTANCE:
        keywords.append("SOPClassUID")
    return [word for word in keywords if word and level_of_keyword(word) >= lowest]


_NO_KEYS: Final = ("SpecificCharacterSet", "QueryRetrieveLevel", "RetrieveAETitle")


def _items(studies: Iterable[Study], depth: DICOMObjectLevels) -> Iterator[Dataset]:
    """Yield what is known of each object of *depth*, and of those above it."""
    for study in studies:
        of_study = _joined(study.data, "StudyInstanceUID", study.uid)
        if depth is DICOMObjectLevels.STUDY:
            yield of_study
            continue
        for series in study.series:
            of_series = _joined(series.data, "SeriesInstanceUID", series.uid, of_study)
            if depth is DICOMObjectLevels.SERIES:
                yield of_series
                continue
            for one in series.instances:
                yield _joined(one.data, "SOPInstanceUID", one.uid, of_series)


def _joined(data: Dataset, keyword: str, uid: str, upper: Dataset | None = None) -> Dataset:
    item = Dataset()
    for part in (upper, data):
        if part is not None:
            for element in part:  # each with the character set of its part
                item.add(element)
    put(item, keyword, [uid])
    return item


def _key(item: Dataset, level: Level) -> tuple[str, ...]:
    """Return unique keys, from the patient down: what is one object."""
    levels = tuple(Level)
    if level is Level.PATIENT:
        return (text(item, UNIQUE[level]),)
    below = levels[1 : levels.index(level) + 1]
    return ("", *(text(item, UNIQUE[one]) for one in below))
