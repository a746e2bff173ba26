"""What a file on disk holds, and whether two hold the same. Memory is that of a chunk."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from gurney.core import (
    CHUNK_SIZE,
    Walked,
    walk_file,
)

__all__ = ["checksum_of", "identical", "is_no_file", "look", "same_data_set"]

_NOBODY: Final = (FileNotFoundError, NotADirectoryError)


def is_no_file(path: Path) -> bool:
    """Return whether something else than a file is at *path*: a folder, a link, a device."""
    mode = _mode(path)
    return mode is not None and not stat.S_ISREG(mode)


def look(path: Path, keywords: Iterable[str] = ()) -> Walked | None:
    """Walk over the file at *path*; `None` if there is no file."""
    if not stat.S_ISREG(_mode(path) or 0):
        return None
    try:
        with path.open("rb", buffering=0) as file:
            return walk_file(file, keywords)
    except _NOBODY:  # gone meanwhile
        return None


def same_data_set(one: Path, first: Walked, other: Path, second: Walked) -> bool:
    """Return whether two files hold one data set in one transfer syntax.

    What is before it, the file meta, is rewritten by every DICOM node on the way (D31).
    """
    length = first.end - first.data_set_offset
    if length != second.end - second.data_set_offset:
        return False
    if first.transfer_syntax != second.transfer_syntax:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        a.seek(first.data_set_offset)
        b.seek(second.data_set_offset)
        return _same(a, b, length)


def identical(one: Path, other: Path) -> bool:
    """Return whether two files hold the same bytes."""
    length = one.stat().st_size
    if length != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        return _same(a, b, length)


def checksum_of(path: Path, algorithm: str) -> str:
    """Return ``algorithm:hex digits`` of all bytes at *path*."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_SIZE):
            digest.update(chunk)
    return f"{algorithm}:{digest.hexdigest()}"


def _mode(path: Path) -> int | None:
    """What is at *path* itself, not where a link leads; `None` if nothing is."""
    try:
        return path.lstat().st_mode
    except _NOBODY:
        return None


def _same(a: BinaryIO, b: BinaryIO, length: int) -> bool:
    while length > 0:
        chunk = a.read(min(CHUNK_SIZE, length))
        if not chunk or chunk != b.read(len(chunk)):
            return False
        length -= len(chunk)
    return True
