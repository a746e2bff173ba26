"""Bringing the index up to date: only files that are new or differ are read."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from itertools import islice
from typing import Final, NamedTuple

from .directory import note_missing, note_named
from .reading import FileRow, HeaderRow, digest_of, read
from .report import FileStatus
from .scanning import Entry, scan
from .schema import transaction

__all__ = ["Changes", "is_of", "refresh"]

_BATCH: Final = 5000  # files read between two commits
_PIECE: Final = 1000  # entries that are hashed together


class Changes(NamedTuple):
    """How many files are different from what the index said, and what it is of now."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    fingerprint: bytes | None = None  # None if files came or went while they were read


def refresh(
    connection: sqlite3.Connection,
    root: bytes,
    ours: frozenset[bytes],
    writing: Callable[[], AbstractContextManager[None]],
) -> Changes:
    """Bring the index up to date with the files in *root*, but for those that are *ours*.

    Nothing is written, nor locked, if nothing has changed: one fingerprint says so. Otherwise
    *writing* keeps others out; whoever had to wait finds the work done. Every so many files the
    work is committed, so that little is lost if the process is killed.

    Raises
    ------
    ArchiveUnavailableError
        If *root* cannot be read.
    """
    known = _known(connection, root, ours)
    if known is not None:
        return Changes(fingerprint=known)
    with writing():
        fingerprint = _look_around(connection, root, ours)
        return _update(connection, root, fingerprint)


def is_of(connection: sqlite3.Connection, root: bytes, changes: Changes) -> bool:
    """Whether the index is still that of *root*, really, after *changes*.

    Another process may have looked at other files meanwhile, be it earlier or in another folder.
    """
    found: object = connection.execute("SELECT root, fingerprint FROM archive").fetchone()
    return found == (root, changes.fingerprint)


def _known(connection: sqlite3.Connection, root: bytes, ours: frozenset[bytes]) -> bytes | None:
    """Return the fingerprint if the files are the same as the last time.

    What could not be read is tried again.
    """
    (known,) = connection.execute(
        "SELECT fingerprint FROM archive"
        " WHERE NOT EXISTS (SELECT 1 FROM file WHERE status = ? AND problem IS NOT NULL)",
        (FileStatus.UNREADABLE.value,),
    ).fetchone() or (None,)
    if known is None:
        return None
    digest = blake2b()
    for _ in _fingerprinted(scan(root, ours), digest):
        pass
    return digest.digest() if digest.digest() == known else None


def _look_around(connection: sqlite3.Connection, root: bytes, ours: frozenset[bytes]) -> bytes:
    """Put all that is there into the table ``seen``, on disk if it is large; fingerprint it."""
    digest = blake2b()
    connection.execute("DROP TABLE IF EXISTS temp.seen")
    connection.execute(
        "CREATE TEMP TABLE seen (path BLOB, size INTEGER, mtime INTEGER, wrong TEXT)"
    )
    with transaction(connection):
        entries = _fingerprinted(scan(root, ours), digest)
        connection.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", entries)
    return digest.digest()


def _fingerprinted(entries: Iterator[Entry], digest: blake2b) -> Iterator[Entry]:
    while some := list(islice(entries, _PIECE)):
        digest.update(repr(some).encode())
        yield from some


def _update(connection: sqlite3.Connection, root: bytes, fingerprint: bytes) -> Changes:
    added = changed = done = 0
    is_as_seen = True
    while True:
        with transaction(connection, "IMMEDIATE"):
            batch = _next_batch(connection, done)
            if not batch:
                break
            done = batch[-1].number
            changes, as_seen = _read_batch(connection, root, batch)
            connection.execute("UPDATE archive SET fingerprint = NULL")
        added, changed = added + changes.added, changed + changes.changed
        is_as_seen = is_as_seen and as_seen
    with transaction(connection, "IMMEDIATE"):
        removed = _remove_vanished(connection)
        _compare_copies(connection, root)
        note_missing(connection, root)
        # What came or went meanwhile may go back to what was seen: it is looked at again.
        settled = fingerprint if is_as_seen else None
        connection.execute("UPDATE archive SET fingerprint = ?", (settled,))
    return Changes(added, changed, removed, settled)


class _Different(NamedTuple):
    """A file that is not as the index says, or that it does not know."""

    number: int
    known_as: tuple[str, str | None] | None  # status and problem
    entry: Entry


def _next_batch(connection: sqlite3.Connection, done: int) -> list[_Different]:
    """What could not be read always differs: its size is not what the index says."""
    rows = connection.execute(
        "SELECT seen.rowid, status, problem, seen.* FROM seen LEFT JOIN file USING (path)"
        " WHERE (file.size IS NOT seen.size OR file.mtime IS NOT seen.mtime)"
        " AND seen.rowid > ? ORDER BY seen.rowid LIMIT ?",
        (done, _BATCH),
    )
    return [
        _Different(number, None if status is None else (status, problem), tuple(entry))
        for number, status, problem, *entry in rows
    ]


def _read_batch(
    connection: sqlite3.Connection, root: bytes, batch: Iterable[_Different]
) -> tuple[Changes, bool]:
    """Read files into the index, the headers that they share once; say if all are as seen."""
    files: list[FileRow] = []
    headers: dict[bytes, HeaderRow] = {}
    vanished: list[tuple[int]] = []
    added = changed = 0
    as_seen = True
    for number, known_as, entry in batch:
        found = read(root, entry)
        if found is None:
            vanished.append((number,))
            continue
        file, header = found
        as_seen = as_seen and (file.size, file.mtime) == entry[1:3]
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
    return Changes(added, changed), as_seen and not vanished


def _still_unreadable(known_as: tuple[str, str | None], file: FileRow) -> bool:
    return file.status == FileStatus.UNREADABLE.value and known_as == (file.status, file.problem)


def _remove_vanished(connection: sqlite3.Connection) -> int:
    removed = 0
    (differ,) = connection.execute(
        "SELECT (SELECT COUNT(*) FROM seen) <> (SELECT COUNT(*) FROM file)"
    ).fetchone()
    if differ:
        vanished = connection.execute("DELETE FROM file WHERE path NOT IN (SELECT path FROM seen)")
        removed = vanished.rowcount
    connection.execute(
        "DELETE FROM header WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.header = header.id)"
    )
    return removed


def _compare_copies(connection: sqlite3.Connection, root: bytes) -> None:
    """Keep a digest of each file that shares its UIDs with another."""
    keys = connection.execute(
        "SELECT DISTINCT key FROM"
        " (SELECT key FROM file WHERE key IS NOT NULL GROUP BY key HAVING COUNT(*) > 1)"
        " JOIN file USING (key) WHERE digest IS NULL"
    ).fetchall()
    for key in keys:
        copies = connection.execute("SELECT id, path, size FROM file WHERE key = ?", key).fetchall()
        connection.executemany("UPDATE file SET digest = ? WHERE id = ?", _digests(root, copies))


def _digests(
    root: bytes, copies: Collection[tuple[int, bytes, int]]
) -> Iterator[tuple[bytes, int]]:
    """Yield a digest for each of *copies*; one whose size is unique need not be read."""
    sizes = Counter(size for _, _, size in copies)
    for number, path, size in copies:
        digest = b""
        if sizes[size] > 1:
            try:
                digest = digest_of(root, path)
            except OSError:  # nobody knows what it is: no other has a digest like this
                digest = path
        yield digest, number
