"""Which files there are: a walk over folders that follows links, and never in circles."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from heapq import heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from ..core import ArchiveUnavailableError
from .paths import in_words, join, printable, real

__all__ = ["NOT_REGULAR", "UNREADABLE", "Entry", "scan"]

UNREADABLE: Final = -1
"""The size of what is there and cannot be looked at."""

NOT_REGULAR: Final = "not a regular file"
"""What is wrong with a socket or a device. One must not even open it."""

Entry: TypeAlias = "tuple[bytes, int, int, str]"
"""Path relative to the root, size in bytes, mtime in nanoseconds, what is wrong with it."""


class _Folder(NamedTuple):
    path: bytes
    target: bytes  # where it really is, if it was reached by a link; else empty


def scan(root: bytes, ours: frozenset[bytes]) -> Iterator[Entry]:
    """Yield every file in or below *root*, except those that are *ours*, in no order.

    Links are followed, after all else: what lies in *root*, or is reached by two links, is found
    once. Folders are read as they come, so memory does not depend on how much they hold.

    Parameters
    ----------
    root
        A folder.
    ours
        Real paths to leave out.

    Raises
    ------
    ArchiveUnavailableError
        If *root* is not a folder that can be read.
    """
    try:
        os.scandir(root).close()
    except OSError as error:
        raise ArchiveUnavailableError(
            f"{printable(root)} cannot be read as a folder ({in_words(error)}); "
            f"check the path, and that its disk is there"
        ) from error
    return _scan(root, ours)


def _scan(root: bytes, ours: frozenset[bytes]) -> Iterator[Entry]:
    start = len(join(root, b""))
    inside = join(real(root), b"")
    ours = frozenset(path[len(inside) :] for path in ours if path.startswith(inside))
    folders = [_Folder(root, b"")]
    links: list[bytes] = []  # a heap, so that of two links the first by name is followed
    linked = {inside[:-1]}
    while folders or links:
        folder = folders.pop() if folders else _followed(heappop(links))
        if folder.target:
            if folder.target in linked or folder.target.startswith(inside):
                continue
            linked.add(folder.target)
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False):  # nearly all are
                        path = entry.path[start:]
                        if path not in ours:
                            found = entry.stat(follow_symlinks=False)
                            yield path, found.st_size, found.st_mtime_ns, ""
                    elif entry.is_dir(follow_symlinks=False):
                        target = folder.target and join(folder.target, entry.name)
                        folders.append(_Folder(entry.path, target))
                    elif _is_folder(entry):
                        heappush(links, entry.path)
                    elif not (real(entry.path).startswith(inside) and _leads(entry)):
                        yield from _look(entry, start)
        except OSError as error:
            yield from _failure(folder.path[start:] or b".", error)


def _look(entry: os.DirEntry[bytes], start: int) -> Iterator[Entry]:
    path = entry.path[start:]
    try:
        found = entry.stat()
    except OSError as error:
        yield from _failure(path, error, is_link=entry.is_symlink())
        return
    if stat.S_ISREG(found.st_mode):
        yield path, found.st_size, found.st_mtime_ns, ""
    else:
        yield path, 0, 0, NOT_REGULAR


def _followed(link: bytes) -> _Folder:
    return _Folder(link, real(link))


def _is_folder(link: os.DirEntry[bytes]) -> bool:
    with suppress(OSError):
        return link.is_dir()
    return False


def _leads(link: os.DirEntry[bytes]) -> bool:
    """Whether *link* leads to something."""
    with suppress(OSError):
        link.stat()
        return True
    return False


def _failure(path: bytes, error: OSError, *, is_link: bool = False) -> Iterator[Entry]:
    """Yield what cannot be looked at; what has just vanished is not there."""
    vanished = isinstance(error, FileNotFoundError)
    if is_link or not vanished:
        reason = "a link to nothing" if vanished else in_words(error)
        yield path, UNREADABLE, error.errno or 0, reason
