"""What a file holds, and whether two hold the same. Memory is that of a chunk."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

from gurney.core import (
    CHUNK_SIZE,
    InvalidInputError,
    Walked,
    walk_file,
)

__all__ = [
    "Readable",
    "algorithm_of",
    "checksum_of",
    "identical",
    "is_no_file",
    "look",
    "same_data_set",
    "size_of",
]

_NOBODY: Final = (FileNotFoundError, NotADirectoryError)


class Readable(Protocol):
    """Bytes that can be read again and again: a `Path`, an object in a store."""

    def open(self, mode: Literal["rb"], /) -> AbstractContextManager[BinaryIO]:
        """Return a file, at its start, that can seek."""
        ...


def is_no_file(path: Path) -> bool:
    """Return whether something else than a file is at *path*: a folder, a link, a device."""
    mode = _mode(path)
    return mode is not None and not stat.S_ISREG(mode)


def size_of(path: Path) -> int | None:
    """Return the size of the file at *path*; `None` if there is no file."""
    try:
        found = path.lstat()
    except _NOBODY:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def look(path: Path, keywords: Iterable[str] = ()) -> Walked | None:
    """Walk over the file at *path*; `None` if there is no file."""
    if not stat.S_ISREG(_mode(path) or 0):
        return None
    try:
        with path.open("rb", buffering=0) as file:
            return walk_file(file, keywords)
    except _NOBODY:  # gone meanwhile
        return None


def same_data_set(one: Readable, first: Walked, other: Readable, second: Walked) -> bool:
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


def identical(one: Readable, other: Readable) -> bool:
    """Return whether two files hold the same bytes."""
    with one.open("rb") as a, other.open("rb") as b:
        length = a.seek(0, 2)
        if length != b.seek(0, 2):
            return False
        a.seek(0)
        b.seek(0)
        return _same(a, b, length)


def algorithm_of(checksum: str | None) -> str | None:
    """Return *checksum* as hashlib writes it.

    Raises
    ------
    InvalidInputError
        If there is no such algorithm.
    """
    if checksum is None:
        return None
    try:
        digest = hashlib.new(checksum, usedforsecurity=False)
    except ValueError:
        digest = None
    if digest is None or not digest.digest_size:  # SHAKE has no size of its own
        raise InvalidInputError(f"no checksum {checksum!r}; sha256, blake2b and md5 are known")
    return digest.name


def checksum_of(content: Readable, algorithm: str) -> str:
    """Return ``algorithm:hex digits`` of all bytes of *content*."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with content.open("rb") as file:
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
