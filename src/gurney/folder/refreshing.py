"""Bringing the index up to date: only files that are new or differ are read."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple

from .directory import note_missing, note_named
from .reading import FileRow, HeaderRow, digest_of, read
from .report import FileStatus
from .scanning import Entry, scan

__all__ = ["Changes", "refresh"]

_BATCH: Final = 5000  # files read between two commits


class Changes(NamedTuple):
    """How many files are different from what the index said."""

    added: int = 0
    changed: int = 0
    removed: int = 0


def refresh(
    connection: sqlite3.Connection,
    root: bytes,
    ours: frozenset[bytes],
    writing: Callable[[], AbstractContextManager[None]],
) -> Changes:
    """Bring the index up to date with the files in *root*, but for those that are *ours*.

    Nothing is written, nor locked, if nothing has changed. Otherwise *writing* keeps others out:
    whoever waited for them finds the work done. Every so many files the work is committed, so
    that little is lost if the process is killed.

    Raises
    ------
    ArchiveUnavailableError
        If *root* cannot be read.
    """
    version = _data_version(connection)
    _look_around(connection, root, ours)
    if not _differs(connection):
        return Changes()
    with writing():
        if _data_version(connection) != version:  # another process has done the work meanwhile
            _look_around(connection, root, ours)
        return _update(connection, root)


def _data_version(connection: sqlite3.Connection) -> int:
    """Return a number that differs once another connection has changed the index."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


def _look_around(connection: sqlite3.Connection, root: bytes, ours: frozenset[bytes]) -> None:
    """Put all that is there into the table ``seen``; it is on disk if it is large."""
    connection.execute("DROP TABLE IF EXISTS temp.seen")
    connection.execute("CREATE TEMP TABLE seen (path BLOB, size INTEGER, mtime INTEGER, wrong TEXT)")
    with _transaction(connection):
        connection.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", scan(root, ours))


# What could not be read differs always, because its size is not what the index says.
_DIFFERENT: Final = """
    FROM seen LEFT JOIN file ON file.path = seen.path
    WHERE (file.size IS NOT seen.size OR file.mtime IS NOT seen.mtime)
"""
_NUMBERS_DIFFER: Final = "(SELECT COUNT(*) FROM seen) <> (SELECT COUNT(*) FROM file)"


def _differs(connection: sqlite3.Connection) -> bool:
    """Whether a file is new or differs; or one is gone, because then the numbers differ."""
    query = f"SELECT EXISTS (SELECT 1 {_DIFFERENT}) OR {_NUMBERS_DIFFER}"  # noqa: S608
    (differs,) = connection.execute(query).fetchone()
    return bool(differs)


def _update(connection: sqlite3.Connection, root: bytes) -> Changes:
    connection.execute("DROP TABLE IF EXISTS temp.touched")
    connection.execute("CREATE TEMP TABLE touched (key INTEGER)")
    added = changed = done = 0
    while True:
        with _transaction(connection, "IMMEDIATE"):
            batch = _next_batch(connection, done)
            if not batch:
                break
            done = batch[-1].number
            changes = _read_batch(connection, root, batch)
        added, changed = added + changes.added, changed + changes.changed
    with _transaction(connection, "IMMEDIATE"):
        removed = _remove_vanished(connection)
        _compare_copies(connection, root)
        note_missing(connection, root)
    return Changes(added, changed, removed)


class _Different(NamedTuple):
    """A file that is not as the index says, or that it does not know."""

    number: int
    known_as: tuple[str, str | None] | None  # status and problem
    entry: Entry


def _next_batch(connection: sqlite3.Connection, done: int) -> list[_Different]:
    query = (
        "SELECT seen.rowid, file.status, file.problem, seen.*"  # noqa: S608
        f"{_DIFFERENT} AND seen.rowid > ? ORDER BY seen.rowid LIMIT ?"
    )
    return [
        _Different(number, None if status is None else (status, problem), tuple(entry))
        for number, status, problem, *entry in connection.execute(query, (done, _BATCH))
    ]


def _read_batch(
    connection: sqlite3.Connection, root: bytes, batch: Iterable[_Different]
) -> Changes:
    """Read files into the index, the headers that they share once."""
    files: list[FileRow] = []
    headers: dict[bytes, HeaderRow] = {}
    vanished: list[tuple[int]] = []
    added = changed = 0
    for number, known_as, entry in batch:
        found = read(root, entry)
        if found is None:
            vanished.append((number,))
            continue
        file, header = found
        if header is not None:
            headers[header.id] = header
        if file.status == FileStatus.DICOMDIR.value and not note_named(connection, root, file.path):
            file = file._replace(problem="a list of files that cannot be read")
        files.append(file)
        added += known_as is None
        changed += known_as is not None and not _still_unreadable(known_as, file)
    connection.executemany("DELETE FROM seen WHERE rowid = ?", vanished)
    connection.executemany(
        "INSERT OR IGNORE INTO header VALUES (?, ?, ?, ?, ?, ?, ?)", headers.values()
    )
    connection.executemany(
        "INSERT OR REPLACE INTO file (path, size, mtime, status, problem, detail,"
        " header, key, instance_uid, number, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        files,
    )
    keys = [(file.key,) for file in files if file.key is not None]
    connection.executemany("INSERT INTO touched VALUES (?)", keys)
    return Changes(added, changed)


def _still_unreadable(known_as: tuple[str, str | None], file: FileRow) -> bool:
    return file.status == FileStatus.UNREADABLE.value and known_as == (file.status, file.problem)


def _remove_vanished(connection: sqlite3.Connection) -> int:
    (differ,) = connection.execute(f"SELECT {_NUMBERS_DIFFER}").fetchone()
    removed = 0
    if differ:
        vanished = connection.execute("DELETE FROM file WHERE path NOT IN (SELECT path FROM seen)")
        removed = vanished.rowcount
    connection.execute(
        "DELETE FROM header WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.header = header.id)"
    )
    return removed


def _compare_copies(connection: sqlite3.Connection, root: bytes) -> None:
    """Keep a digest of each file that was touched, or has a copy that was."""
    keys = connection.execute(
        "SELECT key FROM file WHERE key IN (SELECT key FROM touched)"
        " GROUP BY key HAVING COUNT(*) > 1"
    ).fetchall()
    for key in keys:
        copies = connection.execute("SELECT id, path, size FROM file WHERE key = ?", key).fetchall()
        digests = [(digest, number) for number, digest in _digests(root, copies)]
        connection.executemany("UPDATE file SET digest = ? WHERE id = ?", digests)


def _digests(
    root: bytes, copies: Collection[tuple[int, bytes, int]]
) -> Iterator[tuple[int, bytes]]:
    """Yield a digest for each of *copies*; one whose size is unique need not be read."""
    sizes = Counter(size for _, _, size in copies)
    for number, path, size in copies:
        if sizes[size] == 1:
            yield number, b""
        else:
            try:
                yield number, digest_of(os.path.join(root, path))
            except OSError:  # nobody knows what it is: nothing else has a digest like this
                yield number, path


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
