"""A row of a table: what it asks for, or what is wrong with it. What is in a cell is never told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import attrs

from gurney.core import (
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    Query,
    SeriesReference,
    StudyReference,
    check_uid,
)

from .items import Wanted

__all__ = ["Columns", "RowError", "column_names", "has_only_uids", "is_heading", "wanted"]

_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_KEYS: Final = ("AccessionNumber", "PatientID", "StudyDate")
_NAMES: Final[Mapping[str, str]] = {name.lower(): name for name in (*_UIDS, *_KEYS)} | {
    "studyuid": "StudyInstanceUID",  # these three as receipts have them
    "seriesuid": "SeriesInstanceUID",
    "instanceuid": "SOPInstanceUID",
}
_NOT_IN_NAMES: Final = re.compile(r"[\W_]+")


class RowError(Exception):
    """A row cannot be meant: says in which column, and why; goes after the number of the row."""


def column_names() -> str:
    """Return the columns that are read, as a message lists them."""
    return ", ".join((*_UIDS, *_KEYS))


def is_heading(line: str) -> bool:
    """Say whether *line* names columns that `wanted` knows.

    Examples
    --------
    >>> is_heading('"Patient ID";"study_uid"'), is_heading("1.2/1.2.3")
    (True, False)
    """
    return any(_plain(cell) in _NAMES for cell in re.split(r"[,;\t]", line))


@attrs.frozen
class Columns:
    """The heading of a table.

    Attributes
    ----------
    names
        For each column the keyword it stands for; empty if it is to be passed over.
    others
        How many are passed over.
    misspelt
        Keywords that one of those may have been meant for.
    """

    names: tuple[str, ...]
    others: int
    misspelt: tuple[str, ...]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Columns:
        """Return what the cells of a heading say.

        Raises
        ------
        RowError
            If two of them say the same.
        """
        names = tuple(_NAMES.get(_plain(cell), "") for cell in cells)
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice:
            raise RowError(f" names {twice} twice; leave one of these columns out")
        others = [cell for cell, name in zip(cells, names, strict=True) if not name]
        near = (get_close_matches(_plain(cell), _NAMES, n=1, cutoff=0.85) for cell in others)
        misspelt = {_NAMES[found[0]] for found in near if found} - set(names)
        return cls(names, len(others), tuple(sorted(misspelt)))

    @property
    def beside_uids(self) -> tuple[str, ...]:
        """The keywords that are not read in rows with a StudyInstanceUID."""
        return tuple(
            name for name in _KEYS if "StudyInstanceUID" in self.names and name in self.names
        )

    @property
    def known(self) -> frozenset[str]:
        """The keywords for which there is a column."""
        return frozenset(self.names) - {""}


def has_only_uids(line: str) -> bool:
    """Say whether *line* is UIDs, by their form, with a ``/`` between two.

    Examples
    --------
    >>> has_only_uids("1.2/1.2.3"), has_only_uids("Doe.Jane"), has_only_uids("20240131")
    (True, False, False)
    """
    return all(map(_has_form_of_uid, line.strip().split("/")))


def wanted(columns: Columns, cells: Sequence[str]) -> Wanted:
    """Return what a row asks for.

    Raises
    ------
    RowError
        If it cannot be meant.
    """
    if any(cell.strip() for cell in cells[len(columns.names) :]):
        raise RowError(" has more cells than the heading")
    named = zip(columns.names, cells, strict=False)
    said = {name: cell for name, cell in named if name and cell.strip()}
    if "StudyInstanceUID" in said:  # the rest is not needed, and may be as old archives have it
        return _reference({name: _checked(name, said[name]) for name in _UIDS if name in said})
    row = {name: _checked(name, cell) for name, cell in said.items()}
    if "SOPInstanceUID" in row:
        raise RowError(", SOPInstanceUID: needs a StudyInstanceUID and a SeriesInstanceUID beside")
    return _query(columns, row)


def _reference(row: Mapping[str, str]) -> Wanted:
    study, series, instance = (row.get(name, "") for name in _UIDS)
    if instance and not series:
        raise RowError(", SOPInstanceUID: needs a SeriesInstanceUID beside")
    if instance:
        return InstanceReference(study, series, instance)
    if not all(_has_form_of_uid(uid) for uid in (study, series) if uid):
        # Real archives hold such; but a name may stand here, too: known by its place, as any value
        return Query(StudyInstanceUID=study, SeriesInstanceUID=series)
    return SeriesReference(study, series) if series else StudyReference(study)


def _query(columns: Columns, row: Mapping[str, str]) -> Query:
    if not row:
        raise RowError(f" is empty in {_listed(columns.known)}")
    if not row.keys() - {"StudyDate"}:
        raise RowError(" has a StudyDate alone, which would mean everybody's studies of that day")
    if not row.keys() - {"PatientID"} and (others := columns.known - {"PatientID"}):
        empty = _listed(others)
        raise RowError(
            f" has a PatientID alone, which would mean all studies of the patient; fill {empty}"
        )
    day = row.get("StudyDate")
    return Query(
        AccessionNumber=row.get("AccessionNumber", ""),
        PatientID=row.get("PatientID", ""),
        SeriesInstanceUID=row.get("SeriesInstanceUID", ""),
        min_study_date=day,
        max_study_date=day,
    )


def _listed(names: frozenset[str]) -> str:
    return " or ".join(name for name in (*_UIDS, *_KEYS) if name in names)


def _plain(cell: str) -> str:
    return _NOT_IN_NAMES.sub("", cell).lower()


# ---------------------------------------------------------------- cells

_as_text: Final = re.compile(r'="(.*)"').fullmatch
"""How some programs keep a spreadsheet from taking a text for a number."""

_is_rounded: Final = re.compile(r"[-+]?\d+([.,]\d+)?E\+\d+", re.IGNORECASE).fullmatch
_is_spreadsheet_error: Final = re.compile(r"#(N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|DIV/0!)").fullmatch
_FAULTS: Final = (
    (re.compile(r"[\ud800-\udfff]").search, "is not UTF-8; save the table so"),
    (re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]").search, "holds a control character"),
    (
        _is_rounded,
        "a spreadsheet has rounded the number; format the column as text before the numbers go in",
    ),
    (_is_spreadsheet_error, "holds an error of the spreadsheet"),
)
_FAULTS_OF_KEYS: Final = (
    (re.compile(r"[*?]").search, "has a wildcard; write it out"),
    (re.compile(r'""').fullmatch, "has two quotes, which would mean all that have none"),
    (re.compile(r"\\").search, "has a backslash, which stands between two values; one a row"),
)
_between_uids: Final = re.compile(r"[,;\"']").search
_has_form_of_uid: Final = re.compile(r"\d+(\.\d+)+", re.ASCII).fullmatch
_date: Final = re.compile(
    r"(\d{4})([-.])(\d\d)\2(\d\d)(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII
).fullmatch
"""ISO 8601, as old archives have it, and with the midnight that programs put behind a day."""


def _checked(name: str, cell: str) -> str:
    cell = cell.strip()
    quoted = _as_text(cell)
    value = quoted[1].strip() if quoted else cell
    faults = _FAULTS if name in _UIDS else (*_FAULTS, *_FAULTS_OF_KEYS)
    for is_faulty, why in faults:
        if is_faulty(value):
            raise RowError(f", {name}: {why}")
    try:
        if name in _UIDS:
            return _uid(value)
        if name == "StudyDate":
            return _day(value)
    except InvalidUIDError as error:
        raise RowError(f", {name}: {error}") from None
    except InvalidInputError:
        raise RowError(f", {name}: is no day of the form 20240131 or 2024-01-31") from None
    if not value:
        raise RowError(f", {name}: is blank")
    return value


def _uid(value: str) -> str:
    if _between_uids(value):
        raise InvalidUIDError("holds a comma, semicolon or quote; one UID a row")
    try:
        return check_uid(value)
    except InvalidUIDError:  # its text may hold the value
        raise InvalidUIDError("is no UID, which is numbers with dots between them") from None


def _day(value: str) -> str:
    found = _date(value)
    day = "".join(found.group(1, 3, 4)) if found else value
    if not day:
        raise InvalidInputError("blank")
    Query(min_study_date=day)
    return day
