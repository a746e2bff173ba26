"""Where the index lies, who may write it, and what happens when it is damaged.

An index is an sqlite3 database that can always be made anew from the files, so trouble with it
never stops a search: a damaged one is replaced, and where none can be written it is kept in
memory. Both are noted. It holds patient data: only its owner may read it.

Beside it lie two empty databases, for their locks, which end with their process: ``-use`` is
shared by all who use the index, and exclusive for who replaces it; ``-writer`` is for who brings
it up to date. Nobody may open any of these files by other means: to close one drops the locks
that other threads have on it, and to delete one in use mixes up journals
(https://www.sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

from ..core import ArchiveUnavailableError, InvalidInputError, SearchError
from .paths import absolute, in_words, real
from .places import default_index
from .schema import APPLICATION, prepare

__all__ = ["DamagedIndexError", "Index", "open_index"]

T = TypeVar("T")

MEMORY: Final = ":memory:"
_HEADER: Final = b"SQLite format 3\0"
_PATIENCE: Final = 600.0  # seconds that one process waits for another that writes
_USE, _WRITER = "-use", "-writer"
_SUFFIXES: Final = ("", "-journal", _USE, f"{_USE}-journal", _WRITER, f"{_WRITER}-journal")


class DamagedIndexError(SearchError):
    """The index contradicts itself. If it is noticed during a search, the index is rebuilt."""

    def __str__(self) -> str:
        return "the index of the folder is damaged; delete its file and search again"


class Index:
    """The index of the archive at *root*, in the file *path*, or in memory if that is `None`.

    Attributes
    ----------
    path
        The file; `None` if the index is in memory.
    wanted
        Where the caller wants it to be; `None` for the default.
    root
        Where the archive really is.
    notes
        What became of it: rebuilt, moved into memory.
    """

    def __init__(self, root: bytes, path: Path | None, wanted: Path | str | None = None) -> None:
        self.path: Path | None = path
        self.wanted: Path | str | None = wanted
        self.notes: list[str] = []
        self.root: bytes = root
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
        path = self.path
        if path is not None:
            try:
                return self._on_disk(path, work)
            except (sqlite3.Error, DamagedIndexError, OSError) as error:
                self._move_into_memory(error)
        with self._in_use:
            return work(self._in_memory())

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Keep every other writer out; readers are not held up."""
        if self.path is None:
            yield
        else:
            with _exclusive(_beside(self.path, _WRITER)):
                yield

    def files(self) -> frozenset[bytes]:
        """Return the files that the index consists of: they are no part of the archive."""
        if self.path is None:
            return frozenset()
        return frozenset(real(_beside(self.path, suffix)) for suffix in _SUFFIXES)

    def _on_disk(self, path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.wanted is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _in_use(path), closing(_connect(path)) as connection:
            found = _identity(path)
            try:
                return work(self._prepared(connection))
            except (sqlite3.Error, DamagedIndexError) as error:
                if not _is_damage(error):
                    raise
        if _replace(path, found):
            self.notes.append("the index was damaged and has been rebuilt")
        with _in_use(path), closing(_connect(path)) as connection:
            return work(self._prepared(connection))

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        return self._prepared(self._memory)

    def _prepared(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16000")  # kB
        prepare(connection, self.root, self.writing)
        return connection

    def _move_into_memory(self, error: Exception) -> None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise ArchiveUnavailableError(
                f"another process has been writing the index for {_PATIENCE:.0f} seconds; "
                f"wait for it to end, or give this archive an index of its own"
            ) from error
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
    if wanted == MEMORY:
        return Index(real_root, None, MEMORY)
    if wanted is not None:
        path = absolute(wanted)
        _check_replaceable(path)
        return Index(real_root, path, path)
    try:
        return Index(real_root, default_index(real_root))
    except OSError as error:
        index = Index(real_root, None)
        index.notes.append(_moved(error))
        return index


def _check_replaceable(path: Path) -> None:
    try:
        ours = not path.is_file() or _is_ours(path)
    except (OSError, sqlite3.OperationalError):  # it cannot be read now: nor will it be overwritten
        return
    if not ours:
        raise InvalidInputError(
            f"{path.name} exists and is no index of gurney's; name a file that does not exist yet"
        )


def _is_ours(path: Path) -> bool:
    """Whether *path* is an index, be it empty or damaged."""
    in_use = _in_use(path) if _beside(path, _USE).exists() else nullcontext()
    try:
        address = f"{path.as_uri()}?mode=ro"
        with in_use, closing(sqlite3.connect(address, timeout=_PATIENCE, uri=True)) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            return bool(pages == 0 or application == APPLICATION)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # it is damaged, or no database: there are no locks to be dropped
        with path.open("rb") as file:
            head = file.read(100)
        ours = head[:16] == _HEADER and int.from_bytes(head[68:72], "big") == APPLICATION
        return ours or not head  # another process may be replacing it


def _connect(path: Path) -> sqlite3.Connection:
    """Open *path*; make it if need be, for its owner alone."""
    is_new = not path.exists()
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    if is_new:
        path.chmod(0o600)
    return connection


@contextmanager
def _in_use(path: Path) -> Generator[None, None, None]:
    """Keep the index at *path* from being replaced."""
    with closing(_connect(_beside(path, _USE))) as lock:
        lock.execute("BEGIN")
        lock.execute("SELECT * FROM sqlite_master").fetchall()
        yield


@contextmanager
def _exclusive(path: Path) -> Generator[None, None, None]:
    """Lock *path* against everybody else."""
    with closing(_connect(path)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def _replace(path: Path, damaged: tuple[int, ...]) -> bool:
    """Delete the index if it is still the *damaged* one; False if another process has done so."""
    with _exclusive(_beside(path, _USE)):
        if not path.exists() or _identity(path) != damaged:
            return False
        for suffix in ("-journal", ""):
            _beside(path, suffix).unlink(missing_ok=True)
        return True


def _identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _is_damage(error: Exception) -> bool:
    """Whether *error* says that the contents are wrong, and not that they cannot be reached.

    An I/O error may be either: a file that ends too early is one.
    """
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error) for words in ("no such", "malformed", "disk I/O error"))
    return True


def _moved(error: Exception) -> str:
    return f"the index cannot be kept on disk ({_reason(error)}); it is kept in memory"


def _reason(error: Exception) -> str:
    """In words, without a path."""
    if isinstance(error, OSError):
        return in_words(error)
    return str(error) if isinstance(error, sqlite3.Error) else "damaged"
