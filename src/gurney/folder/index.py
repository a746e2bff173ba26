"""Where the index lies, who may write it, and what happens when it is damaged.

An index is an sqlite3 database that can always be made anew from the files, so trouble with it
never stops a search: a damaged one is rebuilt, and where none can be written it is kept in memory.
Both are noted. It holds patient data: only its owner may read it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

from ..core import ArchiveUnavailableError, InvalidInputError
from .paths import absolute, in_words, real
from .places import default_index
from .schema import APPLICATION, prepare

__all__ = ["DamagedIndexError", "Index", "open_index", "transaction"]

T = TypeVar("T")

_PATIENCE: Final = 600.0  # seconds that one process waits for another that writes
_HEADER: Final = b"SQLite format 3\0"
_SUFFIXES: Final = ("", "-journal", "-lock", "-lock-journal")


class DamagedIndexError(Exception):
    """The index contradicts itself. Never leaves this package: the index is rebuilt."""


class Index:
    """The index of the archive at *root*, in the file *path*, or in memory if that is `None`.

    Attributes
    ----------
    path
        The file; `None` if the index is in memory.
    notes
        What became of it: rebuilt, moved into memory.
    """

    def __init__(self, root: bytes, path: Path | None) -> None:
        self.path: Path | None = path
        self.notes: list[str] = []
        self._root: bytes = root
        self._memory: sqlite3.Connection | None = None
        self._in_use: RLock = RLock()  # the connection in memory is one for all threads

    def __del__(self) -> None:
        if self._memory is not None:
            self._memory.close()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do *work* with a connection; do it again if the index had to be rebuilt or moved.

        Raises
        ------
        ArchiveUnavailableError
            If another process is writing the index, and does not end.
        """
        try:
            return self._attempt(work)
        except (sqlite3.Error, DamagedIndexError, OSError) as error:
            self._remedy(error)
        try:
            return self._attempt(work)
        except (sqlite3.Error, DamagedIndexError, OSError) as error:
            self._move_into_memory(error)
        return self._attempt(work)

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Keep every other writer out: only one process at a time brings the index up to date.

        The lock is that of an empty database beside the index: it ends with its process, and
        readers of the index are not held up by it.
        """
        if self.path is None:
            yield
            return
        with closing(_connect(_beside(self.path, "-lock"))) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield

    def files(self) -> frozenset[bytes]:
        """Return the files that the index consists of: they are no part of the archive."""
        if self.path is None:
            return frozenset()
        return frozenset(real(_beside(self.path, suffix)) for suffix in _SUFFIXES)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        path = self.path
        if path is None:
            with self._in_use:
                return work(self._in_memory())
        with closing(self._open(path)) as connection:
            return work(connection)

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = _connect(path)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -16000")  # kB
            prepare(connection, self._root)
        except BaseException:
            connection.close()
            raise
        return connection

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            prepare(self._memory, self._root)
        return self._memory

    # ------------------------------------------------------------------ when it fails

    def _remedy(self, error: Exception) -> None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise ArchiveUnavailableError(
                f"another process has been writing the index for {_PATIENCE:.0f} seconds; "
                f"wait for it to end, or give this archive an index of its own"
            ) from error
        if self.path is not None and _is_damage(error):
            self._rebuild(self.path)
        else:
            self._move_into_memory(error)

    def _rebuild(self, path: Path) -> None:
        """Delete the damaged index, unless another process has done so."""
        try:
            found = path.stat().st_ino
            with self.writing():
                if path.stat().st_ino == found:
                    for suffix in ("-journal", ""):
                        _beside(path, suffix).unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            self._move_into_memory(error)
        else:
            self.notes.append("the index was damaged and has been rebuilt")

    def _move_into_memory(self, error: Exception) -> None:
        if self.path is None:
            raise error
        self.path = None
        self.notes.append(_moved(error))


def open_index(root: bytes, wanted: str | os.PathLike[str] | None) -> Index:
    """Return the index of *root*: in the file *wanted*, in ``:memory:``, or in the user's cache.

    Raises
    ------
    InvalidInputError
        If *wanted* exists and is something else: it would be overwritten.
    """
    real_root = real(root)
    if wanted == ":memory:":
        return Index(real_root, None)
    if wanted is not None:
        path = absolute(wanted)
        _check_replaceable(path)
        return Index(real_root, path)
    try:
        return Index(real_root, default_index(real_root))
    except OSError as error:
        index = Index(real_root, None)
        index.notes.append(_moved(error))
        return index


def _check_replaceable(path: Path) -> None:
    head = b""
    with suppress(OSError), path.open("rb") as file:  # if it does not exist, that is as well
        head = file.read(100)
    ours = head[:16] == _HEADER and head[68:72] == APPLICATION.to_bytes(4, "big")
    if head and not ours:
        raise InvalidInputError(
            f"{path.name} exists and is no index of gurney's; name a file that does not exist yet"
        )


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "") -> Generator[None, None, None]:
    """Do all of it or nothing; what is read fits together. To write, *kind* is ``IMMEDIATE``."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    """Open *path*, which is created for its owner alone."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _is_damage(error: Exception) -> bool:
    """Whether *error* says that the contents are wrong, and not that they cannot be reached."""
    if isinstance(error, sqlite3.OperationalError):
        return "no such" in str(error) or "malformed" in str(error)
    return isinstance(error, (sqlite3.Error, DamagedIndexError))


def _moved(error: Exception) -> str:
    return f"the index cannot be kept on disk ({_reason(error)}); it is kept in memory"


def _reason(error: Exception) -> str:
    """In words, without a path."""
    if isinstance(error, OSError):
        return in_words(error)
    return str(error) if isinstance(error, sqlite3.Error) else "damaged"
