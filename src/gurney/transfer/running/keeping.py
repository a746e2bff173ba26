"""A receipt is written beside what it proves, under the next free name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from os import link
from pathlib import Path
from secrets import token_hex
from typing import Final

from gurney.core import StorageError

from ..reporting import Report

__all__ = ["keep_receipt", "receipts_in"]

_is_ours: Final = re.compile(r"gurney-receipt(?:-(\d{1,9}))?\.json").fullmatch


def receipts_in(folder: Path) -> list[Path]:
    """Return the receipts in *folder*, oldest first."""
    return [path for _, path in sorted(_numbered_in(folder))]


def keep_receipt(report: Report, folder: Path) -> Path:
    """Write the receipt of *report* into *folder*, whole or not at all, and return where it is.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    draft = folder / f".gurney-receipt-{token_hex(8)}.part"
    try:
        report.write_json(draft)
        first = 1 + max((number for number, _ in _numbered_in(folder)), default=0)
        for number in count(first):
            path = folder / ("gurney-receipt.json" if number == 1 else _name(number))
            if _is_placed(draft, path):
                return path
        raise AssertionError  # the numbers do not end
    except OSError as error:
        raise StorageError(
            f"the receipt cannot be written beside the output: {error.strerror}; make room, and"
            " run again"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _numbered_in(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.iterdir():
        found = _is_ours(path.name)
        if found is not None and path.is_file():
            yield int(found.group(1) or 1), path


def _name(number: int) -> str:
    return f"gurney-receipt-{number}.json"


def _is_placed(draft: Path, path: Path) -> bool:
    """Give *draft* its final name; say whether that was free."""
    if path.exists():
        return False
    try:
        link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        draft.rename(path)
    return True
