"""Which files there are: a walk over folders that follows links, and never in circles."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from heapq import heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from ..core import TRANSFER_FOLDER, ArchiveUnavailableError
from .paths import in_words, join, printable, real

__all__ = ["Entry", "NOT_REGULAR", "UNREADABLE", "scan"]

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
    once. Folders are read as they come, so memory does not depend on how much they hold. What a
    transfer remembers, in a folder of its own directly in *root*, is passed over.

    Parameters
    ----------
    root
        A folder.
    ours
        Real paths to leave out.

    Raises
    ------
    ArchiveUnavailableError
        If *root* is not a folder that can be read, or is another at the end than at the start.
    """
    try:
        os.scandir(root).close()
    except OSError as error:
        raise _unavailable(root, error) from error
    return _Scan(root, ours).run()


class _Scan:
    """A walk that is under way."""

    def __init__(self, root: bytes, ours: frozenset[bytes]) -> None:
        self._root: bytes = root
        self._start: int = len(join(root, b""))
        self._inside: bytes = join(real(root), b"")
        inside = len(self._inside)
        self._ours: frozenset[bytes] = frozenset(
            path[inside:] for path in ours if path.startswith(self._inside)
        )
        self._folders: list[_Folder] = [_Folder(root, b"")]
        self._links: list[bytes] = []  # a heap: of two links the first by name is followed
        self._linked: set[bytes] = {self._inside[:-1]}

    def run(self) -> Iterator[Entry]:
        """Yield all; a root that goes meanwhile looks empty, so it has to be there at the end."""
        start = _identity(self._root)
        yield from self._walk()
        if _identity(self._root) != start:
            raise ArchiveUnavailableError(
                f"{printable(self._root)} was replaced while it was read; search again"
            )

    def _walk(self) -> Iterator[Entry]:
        while self._folders or self._links:
            folder = self._folders.pop() if self._folders else _followed(heappop(self._links))
            if folder.target:
                if folder.target in self._linked or folder.target.startswith(self._inside):
                    continue
                self._linked.add(folder.target)
            try:
                yield from self._read(folder)
            except OSError as error:
                yield from _failure(folder.path[self._start :] or b".", error)

    def _read(self, folder: _Folder) -> Iterator[Entry]:
        """Yield the files in *folder*, and keep its folders and links for later.

        Nearly all entries are files, and nothing is done more often: hence no calls for them.
        """
        start, ours = self._start, self._ours
        remembered = join(self._root, os.fsencode(TRANSFER_FOLDER))
        with os.scandir(folder.path) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    path = entry.path[start:]
                    if path in ours:
                        continue
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError as error:
                        yield from _failure(path, error)
                    else:
                        yield path, found.st_size, found.st_mtime_ns, ""
                elif entry.is_dir(follow_symlinks=False):
                    if entry.path == remembered:
                        continue
                    target = folder.target and join(folder.target, entry.name)
                    self._folders.append(_Folder(entry.path, target))
                elif entry.is_symlink():
                    yield from self._follow(entry)
                else:
                    yield entry.path[start:], 0, 0, NOT_REGULAR

    def _follow(self, link: os.DirEntry[bytes]) -> Iterator[Entry]:
        if _is_folder(link):
            heappush(self._links, link.path)
        elif not (real(link.path).startswith(self._inside) and _leads(link)):
            yield _end_of(link, self._start)


def _identity(root: bytes) -> tuple[int, int]:
    try:
        found = os.stat(root)  # noqa: PTH116  it is bytes
    except OSError as error:
        raise _unavailable(root, error) from error
    return found.st_dev, found.st_ino


def _unavailable(root: bytes, error: OSError) -> ArchiveUnavailableError:
    return ArchiveUnavailableError(
        f"{printable(root)} cannot be read as a folder ({in_words(error)}); "
        f"check the path, and that its disk is there"
    )


def _end_of(link: os.DirEntry[bytes], start: int) -> Entry:
    path = link.path[start:]
    try:
        found = link.stat()
    except OSError as error:
        wrong = "a link to nothing" if isinstance(error, FileNotFoundError) else in_words(error)
        return path, UNREADABLE, error.errno or 0, wrong
    if stat.S_ISREG(found.st_mode):
        return path, found.st_size, found.st_mtime_ns, ""
    return path, 0, 0, NOT_REGULAR


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


def _failure(path: bytes, error: OSError) -> Iterator[Entry]:
    """Yield what is there and cannot be looked at; what has just vanished is not there."""
    if not isinstance(error, FileNotFoundError):
        yield path, UNREADABLE, error.errno or 0, in_words(error)
