"""Paths as bytes, as the file system has them: they need not be text.

All of them are relative to the root of the archive, unless said otherwise. `pathlib` does not take
bytes, so this is where `os.path` is met.
"""
# ruff: noqa: PTH100, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["absolute", "in_words", "join", "name_of", "open_at", "parent_of", "printable", "real"]


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return *path* from the top; unlike `Path.resolve`, links are left as they are."""
    return Path(os.path.abspath(path))


def real(path: bytes | Path) -> bytes:
    """Return where *path* really is, links followed."""
    return os.path.realpath(os.fsencode(path))


def join(*parts: bytes) -> bytes:
    """Return the path of what is below what comes before it."""
    return os.path.join(*parts)


def parent_of(path: bytes) -> bytes:
    """Return the folder that *path* is in; empty at the top."""
    return os.path.dirname(path)


def name_of(path: bytes) -> bytes:
    """Return the last part of *path*."""
    return os.path.basename(path)


def open_at(root: bytes, path: bytes) -> BinaryIO:
    """Open the file *path* of the archive at *root* for reading, without a buffer.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return open(os.path.join(root, path), "rb", buffering=0)


def printable(path: bytes) -> str:
    r"""Return *path* for people, with ``/``; what is not text is escaped, as are line breaks.

    Examples
    --------
    >>> printable(b"a/b\n\xff.dcm")
    'a/b\\n\\udcff.dcm'
    """
    text = os.fsdecode(path)
    if os.sep != "/":
        text = text.replace(os.sep, "/")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def in_words(error: OSError) -> str:
    """Return what went wrong, without a path."""
    return (error.strerror or type(error).__name__).lower()
