"""The tables of a ledger, and how a database of them is opened."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gurney.core import InvalidInputError, StorageError

from .failures import translated

__all__ = ["NAME", "open_to_read", "open_to_write", "transaction"]

NAME: Final = "ledger.db"
"""The database in the folder of a ledger."""

_APPLICATION: Final = 0x67726E6C
_VERSION: Final = 1
_PATIENCE: Final = 60.0  # seconds that one statement waits for another process that writes

_TABLES: Final = """
-- What the transfer is agreed on, as JSON; and the key of all digests.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE secret (salt BLOB NOT NULL);

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    doing TEXT NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    began REAL NOT NULL,
    ended REAL,
    why TEXT NOT NULL DEFAULT ''
);

-- What is wanted, and the parts of what stands for much. States: 0 unplanned, 1 planned, 2 failed.
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    place TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    completeness TEXT NOT NULL DEFAULT 'complete',
    notes TEXT NOT NULL DEFAULT '[]',
    part_of INTEGER
);
CREATE INDEX item_open ON item (state) WHERE state <> 1;
CREATE INDEX item_part ON item (part_of) WHERE part_of IS NOT NULL;

-- Studies come in the order of item, place. Of the instances of a study, `total` are expected,
-- `good` and `bad` have their outcome; the others are pending: in a parcel, or loose, the first of
-- these from the time `due` on. `whole` is how many a listing named that named all of them.
CREATE TABLE study (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    item INTEGER NOT NULL,
    place INTEGER NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,
    good INTEGER NOT NULL DEFAULT 0,
    bad INTEGER NOT NULL DEFAULT 0,
    loose INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    whole INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX study_loose ON study (due, item, place) WHERE loose > 0;
CREATE INDEX study_bad ON study (item, place) WHERE bad > 0;

-- What each question of the planning said of a study: `named` instances, whose digest tells
-- whether two claims name the same.
CREATE TABLE claim (
    id INTEGER PRIMARY KEY,
    study INTEGER NOT NULL,
    item INTEGER NOT NULL,
    place INTEGER NOT NULL,
    named INTEGER NOT NULL,
    digest BLOB NOT NULL,
    count INTEGER,
    source TEXT NOT NULL,
    completeness TEXT NOT NULL,
    reasons TEXT NOT NULL
);
CREATE INDEX claim_study ON claim (study, item, place);
CREATE INDEX claim_item ON claim (item);

-- Studies and series of which not even the instances are known.
CREATE TABLE unresolved (
    study INTEGER NOT NULL,
    item INTEGER NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (study, reference, item)
) WITHOUT ROWID;
CREATE INDEX unresolved_item ON unresolved (item);

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    study INTEGER NOT NULL,
    uid TEXT NOT NULL,
    modality TEXT NOT NULL DEFAULT '',
    total INTEGER NOT NULL DEFAULT 0,
    whole INTEGER NOT NULL DEFAULT 0,
    UNIQUE (study, uid)
);

-- Written once. What becomes of it is in `outcome`; it has no line there until it was tried.
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    uid TEXT NOT NULL,
    UNIQUE (series, uid)
);

-- `status` and the other columns: see `outcomes`. What recurs is in `text`.
CREATE TABLE outcome (
    instance INTEGER PRIMARY KEY,
    status INTEGER NOT NULL,
    run INTEGER,
    attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    due REAL NOT NULL,
    reason INTEGER,
    path,
    size INTEGER NOT NULL,
    algorithm INTEGER,
    checksum,
    transfer_syntax INTEGER,
    protocol INTEGER,
    notes INTEGER,
    stored_as TEXT
);
CREATE INDEX outcome_bad ON outcome (reason) WHERE status > 3;
CREATE INDEX outcome_stored_as ON outcome (stored_as) WHERE stored_as IS NOT NULL;

CREATE TABLE text (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);

-- Parcels that are not over; the numbers of those that are never come again.
CREATE TABLE parcel (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    study INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    instances BLOB NOT NULL
);

-- What came unasked, each once, as JSON.
CREATE TABLE stray (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    study_uid TEXT,
    series_uid TEXT,
    instance_uid TEXT,
    outcome TEXT NOT NULL
);
CREATE INDEX stray_study ON stray (study_uid);
CREATE VIEW stray_seen AS SELECT study_uid, outcome, EXISTS (
    SELECT 1 FROM study t JOIN series s ON s.study = t.id JOIN instance i ON i.series = s.id
    WHERE t.uid = study_uid AND s.uid = series_uid AND i.uid = instance_uid
) AS expected FROM stray;

CREATE TABLE sample (
    time REAL NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    received INTEGER NOT NULL,
    under_way INTEGER NOT NULL,
    lim INTEGER NOT NULL,
    waiting TEXT NOT NULL,
    until REAL
);
CREATE INDEX sample_time ON sample (time);

-- Figures that are kept as things go on.
CREATE TABLE tally (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE archive (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""


def open_to_write(folder: Path) -> sqlite3.Connection:
    """Open the database in *folder*; make both, for their owner alone, if they are not there."""
    path = folder / NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageError(
            f"no ledger can be made in {folder.name} ({error.strerror}); "
            "check who may write there, or name another folder for the ledger"
        ) from error
    with translated(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        with _closed_if_it_fails(connection):
            is_ready = _is_ready(connection, path)
            _tune(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute("PRAGMA synchronous = NORMAL")  # a lost tail is on the disk
            if not is_ready:
                _make(connection, path)
    return connection


def open_to_read(folder: Path) -> sqlite3.Connection:
    """Open the database in *folder*, which another process may be writing."""
    path = folder / NAME
    if not path.is_file():
        raise InvalidInputError(
            f"there is no ledger in {folder.name}; name the folder of a transfer, or plan one"
        )
    with translated(path):
        try:
            return _reader(path, "mode=ro")
        except sqlite3.OperationalError:  # a medium where nothing can be written, not even a lock
            if path.with_name(f"{NAME}-wal").exists():
                raise
            return _reader(path, "immutable=1")


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Generator[None]:
    """Do all of it or nothing."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have ended it already
            connection.execute("ROLLBACK")
        raise


def _reader(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(address, timeout=_PATIENCE, isolation_level=None, uri=True)
    with _closed_if_it_fails(connection):
        if not _is_ready(connection, path):
            raise InvalidInputError(f"the ledger {NAME} is empty; plan the transfer first")
        _tune(connection)
    return connection


@contextmanager
def _closed_if_it_fails(connection: sqlite3.Connection) -> Generator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _tune(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA cache_size = -32000")  # kB


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are there; `False` if nothing is; an error if it is something else."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == _APPLICATION and version > _VERSION:
        raise InvalidInputError(
            f"the ledger {path.name} was written by a later version of gurney; update gurney"
        )
    if tables and application != _APPLICATION:
        raise InvalidInputError(
            f"{path.name} is there, and is no ledger of gurney's; name another folder"
        )
    return bool(tables)


def _make(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection):
        if _is_ready(connection, path):  # another process has been here meanwhile
            return
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
