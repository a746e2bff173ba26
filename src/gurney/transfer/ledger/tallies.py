"""Figures that are kept as things go on, so that nobody has to count a million lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from gurney.core import OutcomeStatus

from .values import Counts

__all__ = ["add", "counts", "moved"]


def add(db: sqlite3.Connection, changes: Mapping[str, int]) -> None:
    """Add *changes* to the figures."""
    rows = [(name, value) for name, value in changes.items() if value]
    db.executemany(
        "INSERT INTO tally VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        rows,
    )


def moved(
    db: sqlite3.Connection,
    study: int,
    *,
    total: int = 0,
    good: int = 0,
    bad: int = 0,
    loose: int = 0,
    due: float | None = None,
) -> None:
    """Add to the figures of a study; loose instances that are added are due from *due* on."""
    before = db.execute(
        "SELECT total, good, bad, loose, due FROM study WHERE id = ?", (study,)
    ).fetchone()
    after = [old + new for old, new in zip(before, (total, good, bad, loose), strict=False)]
    first = before[4]
    if due is not None and loose > 0:
        first = min(first, due) if before[3] > 0 else due
    db.execute(
        "UPDATE study SET total = ?, good = ?, bad = ?, loose = ?, due = ? WHERE id = ?",
        (*after, first, study),
    )
    was, now = (_Finished(*figures[:3]) for figures in (before, after))
    add(db, {"finished": now.at_all - was.at_all, "incomplete": now.badly - was.badly})


def counts(db: sqlite3.Connection) -> Counts:
    """Return all figures."""
    tally = dict(db.execute("SELECT name, value FROM tally").fetchall())
    asked = "SELECT state, count(*) FROM item WHERE state <> 1 GROUP BY state"
    states = dict(db.execute(asked).fetchall())
    return Counts(
        items=tally.get("items", 0),
        unplanned=states.get(0, 0),
        unplannable=states.get(2, 0),
        studies=tally.get("studies", 0),
        finished_studies=tally.get("finished", 0),
        incomplete_studies=tally.get("incomplete", 0),
        instances=tally.get("instances", 0),
        pending=tally.get("pending", 0),
        by_status={status: tally.get(status.value, 0) for status in OutcomeStatus},
        stored_bytes=tally.get("stored bytes", 0),
        received=tally.get("received", 0),
        refusals=tally.get("refusals", 0),
        by_archive=dict(db.execute("SELECT name, bytes FROM archive ORDER BY name").fetchall()),
    )


class _Finished:
    """Whether nothing of a study is pending, and whether that is for the worse."""

    def __init__(self, total: int, good: int, bad: int) -> None:
        self.at_all: bool = total == good + bad
        self.badly: bool = self.at_all and bad > 0
