"""Receipts in files: written beside what they prove, whole or not at all, never over another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

from gurney.core import StorageError

from .disk import give_name
from .temporary import Temporary

__all__ = ["keep_receipt", "receipts_in", "write_new"]

_is_ours: Final = re.compile(r"gurney-receipt(?:-(\d{1,9}))?\.json").fullmatch


def receipts_in(folder: Path) -> list[Path]:
    """Return the receipts in *folder*, oldest first."""
    return [path for _, path in sorted(_numbered_in(folder))]


def keep_receipt(pieces: Iterable[str], folder: Path) -> Path:
    """Write a receipt, given in *pieces*, into *folder* under the next free name.

    The first is ``gurney-receipt.json``, later ones are ``gurney-receipt-2.json`` and so on.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    StorageError
        If it cannot be written; nothing is left behind then.
    """
    try:
        first = 1 + max((number for number, _ in _numbered_in(folder)), default=0)
        return _placed(pieces, folder, (folder / _name(number) for number in count(first)))
    except OSError as error:
        raise _unwritable("the receipt", error) from error


def write_new(pieces: Iterable[str], path: Path) -> None:
    """Write text, given in *pieces*, to the new file *path*.

    Raises
    ------
    StorageError
        If it cannot be written, or is there already; nothing is left behind then.
    """
    try:
        _placed(pieces, path.absolute().parent, [path])
    except FileExistsError as error:
        raise StorageError(
            f"{path.name} is there already and is not overwritten; name another file"
        ) from error
    except OSError as error:
        raise _unwritable(path.name, error) from error


def _placed(pieces: Iterable[str], folder: Path, names: Iterable[Path]) -> Path:
    """Write *pieces* in *folder*, and give them the first of *names* that is free."""
    with Temporary(folder) as draft:
        for piece in pieces:
            draft.write(piece.encode())
        draft.finish(durable=True)
        for path in names:
            if give_name(draft.path, path):
                return path
    raise FileExistsError


def _numbered_in(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.iterdir():
        found = _is_ours(path.name)
        if found is not None and path.is_file():
            yield int(found.group(1) or 1), path


def _name(number: int) -> str:
    return "gurney-receipt.json" if number == 1 else f"gurney-receipt-{number}.json"


def _unwritable(what: str, error: OSError) -> StorageError:
    reason = error.strerror or type(error).__name__
    return StorageError(
        f"{what} cannot be written: {reason}; make room, or change permissions, and run again"
    )
