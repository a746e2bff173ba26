"""Parcels on their way out: cut from what is pending, kept until they are recorded."""

from __future__ import annotations

import sqlite3
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain

import attrs

from gurney.core import DICOMObjectLevels, InstanceReference

from ..parcels import Parcel
from .cutting import Cut, Loose, cut
from .outcomes import PENDING

__all__ = ["Handing", "Live"]


@attrs.frozen
class Live:
    """A parcel that is not over, with the numbers of its study and instances in the ledger."""

    parcel: Parcel
    study: int
    numbers: Mapping[InstanceReference, int]


class Handing:
    """The parcels that are not over: out with somebody, or ready to be handed out.

    They are kept in the table ``parcel`` before they are handed out, so that after a restart the
    same instances come under the same number.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db: sqlite3.Connection = db
        self._out: dict[int, Live] = {}
        self._ready: deque[Live] = deque()
        self._is_loaded: bool = False

    @property
    def some_are_ready(self) -> bool:
        """Whether there are parcels that are cut and not handed out."""
        self.load()
        return bool(self._ready)

    def load(self) -> None:
        """Take up the parcels that an earlier process has left."""
        if not self._is_loaded:
            self._ready.extend(_kept(self._db))
            self._is_loaded = True

    def next(self) -> Parcel | None:
        """Hand out a parcel that is ready; `None` if none is."""
        if not self._ready:
            return None
        live = self._ready.popleft()
        self._out[live.parcel.number] = live
        return live.parcel

    def cut(self, limit: int, now: float) -> list[Live] | None:
        """Cut all that is due of one study; `None` if there is none.

        Give the result to `keep` when it is committed.
        """
        study = _study_due(self._db, now)
        if study is None:
            return None
        number, uid, total, whole = study
        taken = set(chain.from_iterable(live.numbers.values() for live in self._of(number)))
        due, waiting = _loose(self._db, number, taken, now)
        made = [
            _made(self._db, number, uid, each)
            for each in cut(due, limit, total if whole == total else 0)
        ]
        self._db.execute(
            "UPDATE study SET loose = ?, due = ? WHERE id = ?",
            (len(waiting), min(waiting, default=0.0), number),
        )
        return made

    def keep(self, made: list[Live]) -> None:
        """Have *made* ready."""
        self._ready.extend(made)

    def give_back(self, number: int) -> None:
        """Have a parcel ready again that was out."""
        live = self._out.pop(number, None)
        if live is not None:
            self._ready.append(live)

    def find(self, number: int) -> Live | None:
        """Return a parcel that is not over."""
        if number in self._out:
            return self._out[number]
        return next((live for live in self._ready if live.parcel.number == number), None)

    def over(self, live: Live) -> None:
        """Forget a parcel that has been recorded."""
        if self._out.pop(live.parcel.number, None) is None:
            self._ready.remove(live)

    def holds(self, study: int, instance: int) -> bool:
        """Whether an instance is in a parcel that is not over."""
        return any(instance in live.numbers.values() for live in self._of(study))

    def _of(self, study: int) -> Iterator[Live]:
        lives = chain(self._out.values(), self._ready)
        return (live for live in lives if live.study == study)


def _study_due(db: sqlite3.Connection, now: float) -> tuple[int, str, int, int] | None:
    """Return the number, UID, size and known size of the study to be cut next."""
    asked = "SELECT id, uid, total, whole FROM study WHERE loose > 0 AND "
    found: tuple[int, str, int, int] | None = (
        db.execute(
            f"{asked} due > 0 AND due <= ? ORDER BY due, item, place LIMIT 1", (now,)
        ).fetchone()
        or db.execute(f"{asked} due = 0 ORDER BY item, place LIMIT 1").fetchone()
    )
    return found


def _loose(
    db: sqlite3.Connection, study: int, taken: set[int], now: float
) -> tuple[list[Loose], list[float]]:
    """Return what is pending and due in tree order, and when the rest will be."""
    asked = (
        "SELECT i.id, s.uid, i.uid, s.total, s.whole, coalesce(o.due, 0)"
        " FROM series s JOIN instance i ON i.series = s.id"
        " LEFT JOIN outcome o ON o.instance = i.id"
        " WHERE s.study = ? AND coalesce(o.status, ?) = ? ORDER BY s.uid, i.uid"
    )
    due: list[Loose] = []
    waiting: list[float] = []
    for number, series, uid, total, whole, when in db.execute(asked, (study, PENDING, PENDING)):
        if number in taken:
            continue
        if when > now:
            waiting.append(when)
        else:
            due.append(Loose(number, series, uid, total if total == whole else 0))
    return due, waiting


def _made(db: sqlite3.Connection, study: int, uid: str, made: Cut) -> Live:
    numbers = array("q", (each.number for each in made.members)).tobytes()
    number = db.execute(
        "INSERT INTO parcel (study, whole, instances) VALUES (?, ?, ?)",
        (study, int(made.whole), numbers),
    ).lastrowid
    assert number is not None
    names = [InstanceReference(uid, each.series_uid, each.uid) for each in made.members]
    ids = (each.number for each in made.members)
    return Live(Parcel(number, tuple(names), made.whole), study, dict(zip(names, ids, strict=True)))


def _kept(db: sqlite3.Connection) -> Iterator[Live]:
    asked = (
        "SELECT p.number, p.study, p.whole, p.instances, s.uid"
        " FROM parcel p JOIN study s ON s.id = p.study ORDER BY p.number"
    )
    named = "SELECT s.uid, i.uid FROM instance i JOIN series s ON s.id = i.series WHERE i.id = ?"
    for number, study, whole, instances, uid in db.execute(asked).fetchall():
        ids = array("q")
        ids.frombytes(instances)
        names = [InstanceReference(uid, *db.execute(named, (each,)).fetchone()) for each in ids]
        parcel = Parcel(number, tuple(names), DICOMObjectLevels(whole))
        yield Live(parcel, study, dict(zip(names, ids, strict=True)))
