"""A cohort as people hand it over: a table saved by a spreadsheet, or a list of references."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Final, TextIO, overload

import attrs

from gurney.core import InvalidInputError, parse_reference

from .items import Item, Wanted
from .rows import Columns, RowError, column_names, has_only_uids, is_heading, wanted

__all__ = ["Cohort", "read_cohort"]

_TOLD: Final = 10  # mistakes in one message: who has more mends the export, not the rows
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


@attrs.frozen(repr=False)
class Cohort(Sequence[Item]):
    """What a list asks for: each thing once, in order.

    Attributes
    ----------
    items
        References; queries, for rows that do not name a study by its UID.
    notes
        What was passed over: other columns, rows that say the same as an earlier one.
    """

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __repr__(self) -> str:
        return f"Cohort({len(self)} items)"


def read_cohort(source: str | PathLike[str] | TextIO, name: str = "") -> Cohort:
    r"""Return what a table or a list of references asks for.

    A table has a heading, with any of the columns StudyInstanceUID, SeriesInstanceUID,
    SOPInstanceUID, AccessionNumber, PatientID and StudyDate (``20240131`` or ``2024-01-31``), in
    any order; others are passed over. Cells are parted by comma, semicolon or tab. Receipts, and
    what ``gurney find`` writes as CSV, are such tables.

    - A row with a StudyInstanceUID asks for what its UIDs name, whatever else it says.
    - Any other row asks for all studies that match all of its cells; with a SeriesInstanceUID, for
      that series only.

    A list has a reference in each line: ``study``, ``study/series`` or ``study/series/instance``.
    Empty lines, and those that begin with ``#``, do not count.

    Parameters
    ----------
    source
        The path of a file in UTF-8 or, with a byte order mark, UTF-16; or an open file. Columns
        that are passed over may be in another encoding.
    name
        What to call it in messages; else its file name.

    Raises
    ------
    InvalidInputError
        If it cannot be read, is empty, or holds what cannot be meant: ten mistakes are told at
        once, by row and column, never with what is in a cell.

    Examples
    --------
    >>> from io import StringIO
    >>> cohort = read_cohort(StringIO("AccessionNumber;StudyDate\nA-1;2024-01-31\n"), "c.csv")
    >>> cohort[0]
    Item(place='row 2 of c.csv')
    >>> cohort[0].wanted.to_short_string()
    'AccessionNumber=A-1, min_study_date=20240131, max_study_date=20240131'
    >>> read_cohort(StringIO("1.2\n1.2/3/4/5\n"), "list.txt")
    Traceback (most recent call last):
    gurney.core.errors.InvalidInputError: list.txt cannot be used: line 2 is not a reference: ...
    """
    name = name or _name_of(source)
    text = _text_of(source, name).removeprefix(_MARK)
    lines = text.splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if _counts(line)), None)
    if first is None:
        raise InvalidInputError(f"{name} is empty; did the command that made it fail?")
    if lines[first].lstrip().startswith(("{", "[")):
        raise InvalidInputError(f"{name} is JSON; give one reference a line, or CSV")
    collected = _Collected(name)
    if is_heading(lines[first]):
        _read_table(lines[first:], first, collected)
    else:
        _read_list(lines, collected)
    return collected.cohort()


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#") and not _is_excels(line)


_is_excels: Final = re.compile(r"\s*\"?sep=.\"?\s*", re.IGNORECASE).fullmatch
"""The line by which Excel is told what parts the cells."""


def _read_table(lines: Sequence[str], before: int, collected: _Collected) -> None:
    """Read a table that begins with its heading, after so many other lines.

    Rows are counted as a spreadsheet does: one with line breaks in a cell is one.
    """
    delimiter = max(",;\t", key=lines[0].count)
    text = io.StringIO("".join(lines), newline="")
    rows = csv.reader(text, delimiter=delimiter, strict=True)  # a quote left open is a mistake
    row = before + 1
    try:
        columns = Columns.of(next(rows))
        for row, cells in enumerate(rows, before + 2):
            if any(cell.strip() for cell in cells):
                collected.take(f"row {row}", columns, cells)
    except csv.Error as error:
        raise InvalidInputError(
            f"{collected.name} cannot be read as a table after row {row}: {error}"
        ) from error
    except RowError as error:  # of the heading
        raise InvalidInputError(f"{collected.name} cannot be used: row {row}{error}") from None
    collected.note(columns)


def _read_list(lines: Sequence[str], collected: _Collected) -> None:
    numbered = [(number, line) for number, line in enumerate(lines, 1) if _counts(line)]
    if not any("." in line for _, line in numbered):
        raise InvalidInputError(
            f"{collected.name} is neither a table, whose first row names its columns (any of"
            f" {column_names()}), nor a list of references, which would have dots"
        )
    for number, line in numbered:
        collected.take_line(f"line {number}", line)


class _Collected:
    """The items and the mistakes of one table or list, so far."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._items: dict[Wanted, Item] = {}
        self._repeated: int = 0
        self._mistakes: int = 0
        self._told: list[str] = []
        self._notes: list[str] = []

    def take(self, place: str, columns: Columns, cells: Sequence[str]) -> None:
        """Take a row of a table."""
        try:
            self._add(place, wanted(columns, cells))
        except RowError as error:
            self._complain(f"{place}{error}")

    def take_line(self, place: str, line: str) -> None:
        """Take a line of a list."""
        try:
            if any(character in line for character in ',;\t"'):
                raise InvalidInputError("it is one of a table, which needs a heading")
            if not has_only_uids(line):
                raise InvalidInputError("a UID is numbers with dots between them")
            self._add(place, parse_reference(line))
        except InvalidInputError as error:
            self._complain(f"{place} is not a reference: {error}")

    def note(self, columns: Columns) -> None:
        """Say which columns are passed over."""
        meant = f"; was one meant for {' or '.join(columns.misspelt)}?" if columns.misspelt else ""
        if columns.others:
            known = ", ".join(name for name in columns.names if name)
            self._notes.append(f"{self.name}: nothing is read but {known}{meant}")
        if columns.beside_uids:
            passed = ", ".join(columns.beside_uids)
            self._notes.append(f"{self.name}: not read in rows with a StudyInstanceUID: {passed}")

    def cohort(self) -> Cohort:
        """Return all of it.

        Raises
        ------
        InvalidInputError
            If there are mistakes.
        """
        if self._mistakes:
            more = self._mistakes - len(self._told)
            rest = f"; and {more} more" if more else ""
            raise InvalidInputError(f"{self.name} cannot be used: {'; '.join(self._told)}{rest}")
        if self._repeated:
            self._notes.append(f"{self.name}: {self._repeated} repeat what is asked for before")
        return Cohort(tuple(self._items.values()), tuple(self._notes))

    def _add(self, place: str, what: Wanted) -> None:
        self._repeated += what in self._items
        self._items.setdefault(what, Item(f"{place} of {self.name}", what))

    def _complain(self, mistake: str) -> None:
        self._mistakes += 1
        if len(self._told) < _TOLD:
            self._told.append(mistake)


# ---------------------------------------------------------------- files

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _name_of(source: str | PathLike[str] | TextIO) -> str:
    if isinstance(source, (str, PathLike)):
        return Path(source).name
    name: object = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else "the list"


def _text_of(source: str | PathLike[str] | TextIO, name: str) -> str:
    try:
        text = _decoded(Path(source)) if isinstance(source, (str, PathLike)) else source.read()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInputError(f"{name} cannot be read: {reason}") from error
    if text.startswith("PK\x03\x04"):
        raise InvalidInputError(f"{name} is a spreadsheet's own file; save it as CSV in UTF-8")
    if "\0" in text:
        raise InvalidInputError(f"{name} is no text in UTF-8: it holds zero bytes; save it so")
    return text


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(_UTF_16):
        return content.decode("utf-16")
    return content.decode("utf-8", "surrogateescape")  # columns that nobody reads may be otherwise
