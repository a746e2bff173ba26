"""What a query asks to be returned and the index does not hold: read from the files."""

from __future__ import annotations

import sqlite3
from typing import Final

from pydicom.dataset import Dataset

from ..core import DICOMObjectLevels, ExtendedQuery, level_of_keyword
from ..core.walk import walk_file
from .headers import KEYWORDS, tag_of
from .paths import in_words, open_at
from .reading import HeaderRow

__all__ = ["MoreFields"]

_COMPUTED: Final = frozenset(
    """
    ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
    NumberOfSeriesRelatedInstances AvailableTransferSyntaxUID SpecificCharacterSet
    """.split()
)
_KNOWN: Final = _COMPUTED.union(KEYWORDS)
_NEVER: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DATA_SET: Final = 0x00080000  # below: file meta and others that are no part of the data set


class MoreFields:
    """Adds the ``include_fields`` of *query* to what is found, from one file for each object."""

    def __init__(self, connection: sqlite3.Connection, root: bytes, query: ExtendedQuery) -> None:
        self._connection: sqlite3.Connection = connection
        self._root: bytes = root
        self._by_level: dict[DICOMObjectLevels, list[str]] = {
            level: [] for level in DICOMObjectLevels
        }
        self._notes: dict[str, None] = {}
        depth = DICOMObjectLevels.from_query_level(query.query_level)
        for keyword in query.include_fields:
            self._sort_in(keyword, depth)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be added, and why."""
        return tuple(self._notes)

    def add_to_study(self, data: Dataset, header: HeaderRow) -> None:
        """Add what describes a study, from one of the files that have *header*."""
        self._add_of_header(data, header, DICOMObjectLevels.STUDY)

    def add_to_series(self, data: Dataset, header: HeaderRow) -> None:
        """Add what describes a series, from one of the files that have *header*."""
        self._add_of_header(data, header, DICOMObjectLevels.SERIES)

    def add_to_instance(self, data: Dataset, path: bytes) -> None:
        """Add what describes an instance, from its file."""
        if self._by_level[DICOMObjectLevels.INSTANCE]:
            self._add(data, path, DICOMObjectLevels.INSTANCE)

    def _sort_in(self, keyword: str, depth: DICOMObjectLevels) -> None:
        level = level_of_keyword(keyword)
        if keyword in _NEVER or tag_of(keyword) < _DATA_SET:
            self._note(f"{keyword} is not returned by a search; fetch the instances")
        elif level < depth:
            self._note(f"{keyword} describes {_PLURAL[level]}; search at {level.name} level for it")
        elif keyword not in _KNOWN:
            self._by_level[level].append(keyword)

    def _add_of_header(self, data: Dataset, header: HeaderRow, level: DICOMObjectLevels) -> None:
        if self._by_level[level]:
            (path,) = self._connection.execute(
                "SELECT path FROM file WHERE header = ? ORDER BY problem IS NOT NULL, path LIMIT 1",
                (header.id,),
            ).fetchone()
            self._add(data, path, level)

    def _add(self, data: Dataset, path: bytes, level: DICOMObjectLevels) -> None:
        keywords = self._by_level[level]
        try:
            with open_at(self._root, path) as file:
                walked = walk_file(file, keywords)
        except OSError as error:
            wanted = ", ".join(keywords)
            self._note(f"{wanted} cannot be read from a file: {in_words(error)}")
            return
        tags = {tag_of(keyword) for keyword in keywords}
        for tag, element in walked.dataset.items():
            if tag in tags:
                data[tag] = element
        for oddity in walked.oddities:
            if "left out" in oddity:
                self._note(f"{oddity}; fetch the instances to see it")

    def _note(self, note: str) -> None:
        self._notes[note] = None


_PLURAL: Final = {DICOMObjectLevels.SERIES: "series", DICOMObjectLevels.INSTANCE: "instances"}
