"""Who has worked on a transfer, how it went on, and what it is agreed on."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Mapping
from typing import cast

import attrs

from gurney.core import InvalidInputError

from .values import Run, Sample, Setting

__all__ = ["agree", "begin", "end", "number", "runs", "sample", "samples", "settings"]


def settings(db: sqlite3.Connection) -> dict[str, Setting]:
    """Return what has been agreed on."""
    found = db.execute("SELECT name, value FROM setting ORDER BY name").fetchall()
    return {name: _setting(value) for name, value in found}


def agree(db: sqlite3.Connection, asked: Mapping[str, Setting]) -> None:
    """Keep what is new of *asked*; the rest must be as it is kept."""
    kept = settings(db)
    for name, value in asked.items():
        if name in kept and kept[name] != value:
            raise InvalidInputError(
                f"this transfer has {name} {_shown(kept[name])}, and is asked for {name} "
                f"{_shown(value)}; leave it as it was, or give another transfer another ledger"
            )
    rows = [(name, json.dumps(value)) for name, value in asked.items()]
    db.executemany("INSERT OR IGNORE INTO setting VALUES (?, ?)", rows)


def begin(db: sqlite3.Connection, run: str, doing: str, now: float) -> int:
    """Note that *run* begins; return its number."""
    made = db.execute(
        "INSERT INTO run (name, doing, pid, host, began) VALUES (?, ?, ?, ?, ?)",
        (run, doing, os.getpid(), socket.gethostname(), now),
    ).lastrowid
    assert made is not None
    return made


def end(db: sqlite3.Connection, run: str, now: float, why: str) -> None:
    """Note that *run* ended."""
    db.execute("UPDATE run SET ended = ?, why = ? WHERE name = ?", (now, why, run))


def runs(db: sqlite3.Connection) -> tuple[Run, ...]:
    """Return all runs, in order."""
    asked = "SELECT name, doing, pid, host, began, ended, why FROM run ORDER BY id"
    names = [field.name for field in attrs.fields(Run)]
    return tuple(Run(**dict(zip(names, row, strict=True))) for row in db.execute(asked))


def number(db: sqlite3.Connection, run: str) -> int:
    """Return the number of *run*."""
    found = db.execute("SELECT id FROM run WHERE name = ?", (run,)).fetchone()
    if found is None:
        raise InvalidInputError(f"the ledger knows no run {run!r}; see Ledger.runs for all")
    return int(found[0])


def sample(db: sqlite3.Connection, taken: Sample) -> None:
    """Keep a sample."""
    db.execute("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)", attrs.astuple(taken))


def samples(db: sqlite3.Connection, since: float) -> tuple[Sample, ...]:
    """Return the samples since a time, in order."""
    names = [field.name for field in attrs.fields(Sample)]
    rows = db.execute("SELECT * FROM sample WHERE time >= ? ORDER BY time", (since,))
    return tuple(Sample(**dict(zip(names, row, strict=True))) for row in rows)


def _setting(text: str) -> Setting:
    value: object = json.loads(text)
    if isinstance(value, list):
        return tuple(str(each) for each in cast("list[object]", value))
    assert value is None or isinstance(value, (str, int, float, bool))
    return value


def _shown(value: Setting) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
