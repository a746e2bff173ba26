"""References as people hand them over: as arguments, as lines of a file, as columns of a table."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gurney.core import DICOMObjectReference, InvalidInputError, parse_reference, unique

from .exits import WrongUseError

__all__ = ["read_file", "references_in", "references_of"]

STANDARD_INPUT: Final = "-"

# A search result as CSV, or a receipt as CSV: the names of the columns from the study downwards.
_COLUMNS: Final = (
    ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    ("study_uid", "series_uid", "instance_uid"),
)


def references_of(arguments: Iterable[str]) -> list[DICOMObjectReference]:
    """Return the references that were typed: ``study``, ``study/series`` or all three.

    Raises
    ------
    WrongUseError
        It says which argument is none.
    """
    return [_parsed(text, f"reference {n}") for n, text in enumerate(arguments, 1)]


def read_file(name: str) -> list[DICOMObjectReference]:
    """Return the references in the file *name*; ``-`` is standard input.

    Raises
    ------
    WrongUseError
        If it cannot be read, or a line of it is no reference.
    """
    try:
        if name == STANDARD_INPUT:
            if sys.stdin is None:  # it was closed
                raise WrongUseError("--from - reads standard input, which is closed")
            text = sys.stdin.read()
        else:
            text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise WrongUseError(f"--from {Path(name).name} cannot be read: {reason}") from error
    return references_in(text)


def references_in(text: str) -> list[DICOMObjectReference]:
    r"""Return the references in *text*, each once.

    One a line; empty lines and those that begin with ``#`` do not count. Or CSV as gurney writes
    it, known by its heading: of each row, what is deepest.

    Raises
    ------
    WrongUseError
        If a line is no reference, or there is none where one is needed.

    Examples
    --------
    >>> [str(reference) for reference in references_in("# mine\n1.2/1.2.3\n\n1.3\n")]
    ['1.2/1.2.3', '1.3']
    >>> [str(r) for r in references_in("StudyInstanceUID,SeriesInstanceUID\n1.2,1.2.3\n1.3,\n")]
    ['1.2/1.2.3', '1.3']
    """
    lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines(keepends=True)
    counted = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not counted:
        raise WrongUseError("the list of references is empty; did the command that made it fail?")
    first, heading = counted[0]
    if heading.lstrip().startswith(("{", "[")):
        raise WrongUseError("the list of references is JSON; give one a line, or CSV")
    columns = next((names for names in _COLUMNS if names[0] in heading), None)
    if columns is None:
        return list(unique(_parsed(line, f"line {number}") for number, line in counted))
    try:
        return list(unique(_rows("".join(lines[first - 1 :]), columns)))
    except csv.Error as error:
        raise WrongUseError(f"the table of references cannot be read: {error}") from error


def _rows(text: str, columns: Sequence[str]) -> Iterator[DICOMObjectReference]:
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)  # a spreadsheet may have saved it
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        uids = [(row.get(name) or "").strip() for name in columns]
        while uids and not uids[-1]:
            uids.pop()
        yield _parsed("/".join(uids), f"line {reader.line_num} of the table")


def _parsed(text: str, where: str) -> DICOMObjectReference:
    try:
        return parse_reference(text)
    except InvalidInputError as error:
        raise WrongUseError(f"{where} is not a reference: {error}") from error
