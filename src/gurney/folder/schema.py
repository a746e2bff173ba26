"""The tables of an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

__all__ = ["APPLICATION", "prepare", "transaction"]

APPLICATION: Final = 0x67726E79
"""Marks a database as an index of ours."""

_VERSION: Final = 1

_TABLES: Final = """
-- One row. The fingerprint is that of all paths, sizes and times; NULL while files are read.
CREATE TABLE archive (root BLOB NOT NULL, fingerprint BLOB);

-- What files of one series have in common. One row for each distinct content, so that a series
-- in which all files agree has one.
CREATE TABLE header (
    id BLOB PRIMARY KEY,                -- digest of the rest
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    class_uid TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL,
    study BLOB NOT NULL,                -- elements about the study
    series BLOB NOT NULL                -- elements about the series
);
CREATE INDEX header_study ON header (study_uid, series_uid);
CREATE INDEX header_series ON header (series_uid);

CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,          -- relative to the root
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,             -- in nanoseconds
    status TEXT NOT NULL,
    problem TEXT,                       -- what kind; NULL: none
    detail TEXT NOT NULL,               -- what exactly
    header BLOB,                        -- of an indexed file, as all that follow
    key INTEGER,                        -- hash of the three UIDs
    instance_uid TEXT,
    number INTEGER,                     -- InstanceNumber
    content BLOB,                       -- elements about the instance
    digest BLOB                         -- of all bytes, if there is another copy
);
CREATE INDEX file_header ON file (header, key);
CREATE INDEX file_key ON file (key);
CREATE INDEX file_problem ON file (status, problem, path) WHERE problem IS NOT NULL;
CREATE INDEX file_copy ON file (key) WHERE digest IS NOT NULL;

-- Files that a DICOMDIR names, and those of them that are not there.
CREATE TABLE named (directory BLOB NOT NULL, path BLOB NOT NULL, missing INTEGER NOT NULL);
CREATE INDEX named_directory ON named (directory);
CREATE INDEX named_missing ON named (directory, path) WHERE missing;
"""


def prepare(
    connection: sqlite3.Connection,
    root: bytes,
    writing: Callable[[], AbstractContextManager[None]],
) -> None:
    """Make the tables, and make them anew if they are of another version or archive."""
    if _is_ready(connection, root):
        return
    with writing(), transaction(connection, "IMMEDIATE"):
        if not _is_ready(connection, root):  # another process may have been here meanwhile
            _drop_tables(connection)
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO archive VALUES (?, NULL)", (root,))
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "") -> Generator[None, None, None]:
    """Do all of it or nothing; what is read fits together. To write, *kind* is ``IMMEDIATE``."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # some errors have ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_ready(connection: sqlite3.Connection, root: bytes) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        return False
    found: object = connection.execute("SELECT root FROM archive").fetchone()
    return found == (root,)


def _drop_tables(connection: sqlite3.Connection) -> None:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in found:
        connection.execute(f'DROP TABLE "{name}"')
