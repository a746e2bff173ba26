"""From a query to study trees, with what is odd about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from sys import intern
from typing import NamedTuple, TypeAlias

import attrs
from pydicom.dataset import Dataset

from ..core import ExtendedQuery, Instance, QueryLevels, Series, Study
from ..core.values import number, put, text
from .fields import MoreFields
from .headers import CHARACTER_SET, StoredDataset, tag_of, unpack
from .oddities import copies_that_differ, damaged_files
from .reading import HeaderRow
from .selecting import Selected, modalities, select

__all__ = ["Found", "find"]


@attrs.frozen
class Found:
    """The studies that match, in order, and what is odd about them."""

    studies: tuple[Study, ...]
    notes: tuple[str, ...]


def find(connection: sqlite3.Connection, root: bytes, query: ExtendedQuery) -> Found:
    """Return the studies that match *query*, filled down to its level.

    Studies are in order of date and time, series and instances of their numbers; those without
    come last, and UIDs decide between equals.
    """
    fields = MoreFields(connection, root, query)
    studies: list[tuple[str, str, str, Study]] = []
    notes: list[str] = []
    for selected in select(connection, query):
        study = _Builder(connection, query.query_level, fields, selected).study()
        notes.extend(_oddities(selected))
        date, time = text(study.data, "StudyDate"), text(study.data, "StudyTime")
        studies.append((date or "~", time or "~", study.uid, study))
    studies.sort(key=itemgetter(0, 1, 2))
    uids = {uid for _, _, uid, _ in studies}
    notes.extend(copies_that_differ(connection, uids))
    notes.extend(damaged_files(connection, uids))
    return Found(tuple(study for *_, study in studies), (*notes, *fields.notes))


def _oddities(selected: Selected) -> Iterable[str]:
    patients = {header.study for header in selected.headers}
    if len(patients) > 1 and len(set(_patients(patients))) > 1:
        yield f"study {selected.uid} holds more than one PatientID"
    if selected.doubts:
        yield (
            f"study {selected.uid} is included although {', '.join(selected.doubts)} may not match:"
            f" what its files say is damaged, or not precise enough"
        )


_PATIENT = frozenset({tag_of("PatientID"), CHARACTER_SET})


def _patients(headers: Iterable[bytes]) -> Iterable[str]:
    for header in headers:
        dataset = unpack(header, _PATIENT)
        if "PatientID" in dataset:
            yield text(dataset, "PatientID")


class _Count(NamedTuple):
    files: int
    instances: int


class _Builder:
    """Makes a tree of one study that matches."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        level: QueryLevels,
        fields: MoreFields,
        selected: Selected,
    ) -> None:
        self._connection: sqlite3.Connection = connection
        self._level: QueryLevels = level
        self._fields: MoreFields = fields
        self._selected: Selected = selected
        self._counts: dict[bytes, _Count] = self._count()

    def study(self) -> Study:
        selected = self._selected
        by_series = {
            uid: tuple(headers)
            for uid, headers in groupby(selected.headers, attrgetter("series_uid"))
        }
        instances = {uid: self._instances_in(headers) for uid, headers in by_series.items()}
        header = self._usual(selected.matching)
        data = unpack(header.study)
        classes = sorted({header.class_uid for header in selected.headers} - {""})
        put(data, "ModalitiesInStudy", modalities(selected.headers))
        put(data, "SOPClassesInStudy", classes)
        put(data, "NumberOfStudyRelatedSeries", [len(by_series)])
        put(data, "NumberOfStudyRelatedInstances", [sum(instances.values())])
        self._fields.add_to_study(data, header)
        if self._level is QueryLevels.STUDY:
            return Study(selected.uid, data)
        series = [
            self._series(uid, tuple(headers), instances[uid])
            for uid, headers in groupby(selected.series, attrgetter("series_uid"))
        ]
        series.sort(key=lambda item: (_rank(number(item.data, "SeriesNumber")), item.uid))
        return Study(selected.uid, data, series)

    def _series(self, uid: str, headers: Sequence[HeaderRow], instances: int) -> Series:
        header = self._usual(headers)
        data = unpack(header.series)
        put(data, "NumberOfSeriesRelatedInstances", [instances])
        self._fields.add_to_series(data, header)
        if self._level is QueryLevels.SERIES:
            return Series(uid, data)
        return Series(uid, data, self._instances(uid))

    def _instances(self, series_uid: str) -> Iterable[Instance]:
        """Of several copies, a whole one is preferred, then the first by path."""
        rows: list[_InstanceRow] = self._connection.execute(
            "SELECT instance_uid, number, content, class_uid, transfer_syntax, path"
            " FROM header JOIN file ON file.header = header.id"
            " WHERE study_uid = ? AND series_uid = ?"
            " ORDER BY number IS NULL, number, instance_uid, problem IS NOT NULL, path",
            (self._selected.uid, series_uid),
        ).fetchall()
        seen = set[str]()
        for uid, _, content, class_uid, syntax, path in rows:
            if uid not in seen:
                seen.add(uid)
                yield Instance(uid, self._instance_data(uid, content, class_uid, syntax, path))

    def _instance_data(
        self, uid: str, content: bytes, class_uid: str, syntax: str, path: bytes
    ) -> Dataset:
        uids = (
            ("SOPInstanceUID", uid),
            ("SOPClassUID", intern(class_uid)),
            ("AvailableTransferSyntaxUID", intern(syntax)),
        )
        data = StoredDataset(content, tuple(item for item in uids if item[1]))
        self._fields.add_to_instance(data, path)
        return data

    def _usual(self, headers: Iterable[HeaderRow]) -> HeaderRow:
        """Return the one of *headers* that most files have."""
        return max(headers, key=lambda header: (self._counts[header.id].files, header.id))

    def _count(self) -> dict[bytes, _Count]:
        rows = self._connection.execute(
            "SELECT header.id, COUNT(*), COUNT(DISTINCT key)"
            " FROM header JOIN file ON file.header = header.id"
            " WHERE study_uid = ? GROUP BY header.id",
            (self._selected.uid,),
        )
        return {header: _Count(files, instances) for header, files, instances in rows}

    def _instances_in(self, headers: Sequence[HeaderRow]) -> int:
        """How many instances a series has; its headers may each have a copy of the same one."""
        if len(headers) == 1:
            return self._counts[headers[0].id].instances
        (count,) = self._connection.execute(
            "SELECT COUNT(DISTINCT key) FROM header JOIN file ON file.header = header.id"
            " WHERE study_uid = ? AND series_uid = ?",
            headers[0][1:3],
        ).fetchone()
        return int(count)


_InstanceRow: TypeAlias = "tuple[str, int | None, bytes, str, str, bytes]"


def _rank(value: int | None) -> tuple[bool, int]:
    return value is None, value or 0
