"""Where answers are kept: a sqlite3 database, bounded by age and size; threads may share it."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Final

from gurney.core import InvalidInputError

__all__ = ["Shelf"]

_APPLICATION: Final = 0x67757243  # "gurC"; so that no database of somebody else's is written to
_TABLE: Final = """
    CREATE TABLE answer (
        question TEXT NOT NULL, depth INTEGER NOT NULL, kept REAL NOT NULL, used REAL NOT NULL,
        size INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (question, depth)
    ) WITHOUT ROWID;
    CREATE INDEX by_use ON answer (used);
"""


class Shelf:
    """Keeps texts under a question and a depth.

    Parameters
    ----------
    path
        A file, made with permissions for its owner only; `None` keeps all in memory.
    max_age
        Seconds after which a text is forgotten.
    max_size
        Bytes of all texts together; what was used longest ago is forgotten first.
    clock
        Seconds since any fixed moment; with *path*, the same moment in all processes.
    """

    def __init__(
        self, path: Path | None, max_age: float, max_size: int, clock: Callable[[], float]
    ) -> None:
        self.max_age: float = max_age
        self.max_size: int = max_size
        self._clock: Callable[[], float] = clock
        self._lock: RLock = RLock()
        self._database: sqlite3.Connection = _opened(path)
        weakref.finalize(self, self._database.close)  # who drops a cache need not close it

    def get(self, question: str, depth: int) -> tuple[str, int, float] | None:
        """Return the shallowest text of at least this *depth*, its depth and its age in seconds."""
        now = self._clock()
        with self._changing() as database:
            row = database.execute(
                "SELECT content, depth, kept FROM answer WHERE question = ? AND depth >= ?"
                " AND kept > ? AND kept <= ? ORDER BY depth LIMIT 1",
                (question, depth, now - self.max_age, now),
            ).fetchone()
            if row is None:
                return None
            content, found, kept = row
            database.execute(
                "UPDATE answer SET used = ? WHERE question = ? AND depth = ?",
                (now, question, found),
            )
        return str(content), int(found), now - float(kept)

    def put(self, question: str, depth: int, content: str) -> None:
        """Keep *content*, unless it alone is larger than the bound."""
        size, now = len(content.encode()), self._clock()
        with self._changing() as database:
            database.execute("DELETE FROM answer WHERE kept <= ?", (now - self.max_age,))
            database.execute(
                "DELETE FROM answer WHERE question = ? AND depth = ?", (question, depth)
            )
            if size > self.max_size:
                return
            self._make_room(database, size)
            database.execute(
                "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?)",
                (question, depth, now, now, size, content),
            )

    def remove(self, question: str, depth: int) -> None:
        """Forget one text."""
        with self._changing() as database:
            database.execute(
                "DELETE FROM answer WHERE question = ? AND depth = ?", (question, depth)
            )

    def clear(self) -> None:
        """Forget everything."""
        with self._changing() as database:
            database.execute("DELETE FROM answer")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _make_room(self, database: sqlite3.Connection, size: int) -> None:
        (taken,) = database.execute("SELECT COALESCE(SUM(size), 0) FROM answer").fetchone()
        oldest = database.execute("SELECT question, depth, size FROM answer ORDER BY used")
        for question, depth, held in oldest.fetchall() if taken + size > self.max_size else ():
            database.execute(
                "DELETE FROM answer WHERE question = ? AND depth = ?", (question, depth)
            )
            taken -= held
            if taken + size <= self.max_size:
                break

    @contextmanager
    def _changing(self) -> Generator[sqlite3.Connection]:
        """One transaction, of one thread."""
        with self._lock, self._database as database:
            database.execute("BEGIN IMMEDIATE")
            yield database


def _opened(path: Path | None) -> sqlite3.Connection:
    shown = path.name if path is not None else "memory"
    try:
        database = _connected(path)
    except (OSError, sqlite3.Error) as error:
        raise InvalidInputError(
            f"{shown} cannot be opened as a cache ({type(error).__name__}); see whether its folder"
            " is there, and may be written to"
        ) from error
    try:
        _prepare(database)
    except (sqlite3.DatabaseError, InvalidInputError) as error:
        database.close()
        raise InvalidInputError(
            f"{shown} is not a cache of gurney's; name another file, or remove it"
        ) from error
    return database


def _connected(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    name = ":memory:" if path is None else path
    return sqlite3.connect(name, timeout=30.0, isolation_level=None, check_same_thread=False)


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    with closing(database.execute("PRAGMA application_id")) as cursor:
        (application,) = cursor.fetchone()
    with closing(database.execute("SELECT COUNT(*) FROM sqlite_master")) as cursor:
        (tables,) = cursor.fetchone()
    if not tables and not application:
        for statement in _TABLE.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
    elif application != _APPLICATION:
        raise InvalidInputError("another program's database")
    database.execute("COMMIT")
