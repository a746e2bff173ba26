"""Receipts in files: written beside what they prove, never over an earlier one, and read back."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from itertools import count
from os import fsync, link
from pathlib import Path
from typing import Final

from gurney.core import InvalidInputError, Receipt

from .exits import WrongUseError

__all__ = ["NAME", "check_free", "keep", "read", "receipts_in", "write"]

NAME: Final = "gurney-receipt.json"
"""The first receipt in a folder; later ones are ``gurney-receipt-2.json`` and so on."""

_is_ours: Final = re.compile(r"gurney-receipt(?:-(\d{1,9}))?\.json").fullmatch


def receipts_in(folder: Path) -> list[Path]:
    """Return the receipts in *folder*, oldest first."""
    numbered = [(int(found.group(1) or 1), path) for path, found in _ours(folder)]
    return [path for _, path in sorted(numbered)]


def keep(receipt: Receipt, folder: Path) -> Path:
    """Write *receipt* into *folder* under the next free name, and return where it is."""
    existing = [int(found.group(1) or 1) for _, found in _ours(folder)]
    text = receipt.to_json()
    for number in count(max(existing, default=0) + 1):
        path = folder / (NAME if number == 1 else f"gurney-receipt-{number}.json")
        if _place(text, path):
            return path
    raise AssertionError  # the numbers do not end


def write(receipt: Receipt, path: Path) -> None:
    """Write *receipt* to *path*: as CSV if its name ends in ``.csv``, else as JSON."""
    text = receipt.to_csv() if path.suffix.lower() == ".csv" else receipt.to_json()
    if not _place(text, path):
        raise WrongUseError(_taken(path))


def check_free(path: Path) -> None:
    """Refuse to write a receipt where something is already, before anything is fetched."""
    if path.exists():
        raise WrongUseError(_taken(path))
    if not path.absolute().parent.is_dir():
        raise WrongUseError(f"--receipt {path.name}: there is no such folder; make it first")


def read(path: Path) -> Receipt:
    """Return the receipt at *path*."""
    try:
        return Receipt.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise WrongUseError(f"the receipt {path.name} cannot be read: {reason}") from error
    except InvalidInputError as error:
        raise WrongUseError(f"{path.name} is {error}") from error


def _ours(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    for path in folder.iterdir():
        found = _is_ours(path.name)
        if found is not None and path.is_file():
            yield path, found


def _taken(path: Path) -> str:
    return f"--receipt {path.name} is there already; receipts are not overwritten, name another"


def _place(text: str, path: Path) -> bool:
    """Write *text* whole or not at all; `False` if *path* is taken."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.absolute().parent, prefix=".gurney-"
    ) as draft:
        draft.write(text)
        draft.flush()
        fsync(draft.fileno())
        try:
            link(draft.name, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            try:
                with path.open("x", encoding="utf-8", newline="") as file:
                    file.write(text)
            except FileExistsError:
                return False
    return True
