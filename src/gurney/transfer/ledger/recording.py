"""What became of instances: one outcome each, whatever comes late, twice, or in another order."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

import attrs

from gurney.core import DICOMObjectReference, InstanceReference, Outcome, OutcomeStatus
from gurney.manners import Retries

from ..parcels import Delivered
from .handing import Handing, Live
from .outcomes import BAD_FROM, CODES, COLUMNS, PENDING, Row, row_of
from .strays import note_stray
from .tallies import add, moved
from .texts import Texts, encodable

__all__ = ["Recorder", "lost", "retry_failed"]

_NAMES: Final = {code: status.value for status, code in CODES.items()} | {PENDING: "pending"}
_IN_PLACE: Final = {CODES[OutcomeStatus.STORED], CODES[OutcomeStatus.ALREADY_THERE]}
_DOUBLE: Final = (
    "the transform gave it the UIDs of another instance, and made the same of both; have it give "
    "each a SOP Instance UID of its own"
)
_NO_LONGER: Final = "was stored, and is not there any more"


@attrs.frozen
class _Known:
    """What the ledger knows of an instance: where it is, and what became of it so far."""

    instance: int
    study: int
    code: int = PENDING
    attempts: int = 0
    retries: int = 0
    size: int = 0

    @property
    def good(self) -> bool:
        return PENDING < self.code < BAD_FROM

    @property
    def bad(self) -> bool:
        return self.code >= BAD_FROM

    @property
    def stored(self) -> int:
        return self.size if self.code in _IN_PLACE else 0


@attrs.frozen
class _Change:
    """What becomes of an instance: its line, and when it is due if it is pending again."""

    before: _Known
    row: Row
    due: float = 0.0

    @property
    def after(self) -> _Known:
        return attrs.evolve(self.before, code=self.row[0], size=self.row[5])


@attrs.frozen
class Recorder:
    """Writes what became of one parcel.

    Attributes
    ----------
    live
        The parcel; `None` if it is over already, and this report is late.
    run
        The number of the run that is going on.
    """

    db: sqlite3.Connection
    texts: Texts
    handing: Handing
    live: Live | None
    retries: Retries
    run: int | None
    now: float

    def record(self, delivered: Delivered) -> None:
        """Write it."""
        known = self._known(delivered.outcomes)
        told: dict[DICOMObjectReference | None, Outcome] = {}
        for outcome in delivered.outcomes:
            name = outcome.reference
            if outcome.status is OutcomeStatus.UNEXPECTED or name not in known:
                note_stray(self.db, outcome)
            elif name not in told or (outcome.good and not told[name].good):
                told[name] = outcome
        _refuse_doubles(self.db, told, known)
        changes = [
            change
            for name, outcome in told.items()
            if (change := self._change(outcome, known[name])) is not None
        ]
        _write(self.db, changes, self.run)
        _account(self.db, self.handing, changes, self._members)
        if self.live is not None:
            self._close(self.live, known, changes)
        self._traffic(delivered)

    @property
    def _members(self) -> Collection[int]:
        return set(self.live.numbers.values()) if self.live else ()

    def _known(self, outcomes: Iterable[Outcome]) -> dict[DICOMObjectReference | None, _Known]:
        """What is known of the members of the parcel, and of whatever else has an outcome."""
        known: dict[DICOMObjectReference | None, _Known] = {}
        if self.live is not None:
            study, numbers = self.live.study, self.live.numbers
            lines = {line[0]: line[1:] for line in _lines(self.db, numbers.values())}
            for member, number in numbers.items():
                known[member] = _Known(number, study, *lines.get(number, ()))
        for name in {outcome.reference for outcome in outcomes} - known.keys():
            found = _look_up(self.db, name) if isinstance(name, InstanceReference) else None
            if found is not None:
                known[name] = found
        return known

    def _change(self, outcome: Outcome, before: _Known) -> _Change | None:
        """Return what *outcome* changes; `None` if nothing."""
        if before.good:
            return None
        in_hand = self.live is not None and outcome.reference in self.live.numbers
        code = CODES[outcome.status]
        attempts = before.attempts + 1 if in_hand else max(before.attempts, 1)
        retries = before.retries + outcome.retries
        if outcome.good:
            return _Change(before, row_of(outcome, code, attempts, retries, self.texts))
        if before.bad or not in_hand:
            return None
        if outcome.status is OutcomeStatus.REFUSED or attempts >= self.retries.attempts:
            return _Change(before, row_of(outcome, code, attempts, retries, self.texts))
        due = self.now + self.retries.wait_before(attempts)
        return _Change(before, row_of(outcome, PENDING, attempts, retries, self.texts), due)

    def _close(
        self,
        live: Live,
        known: dict[DICOMObjectReference | None, _Known],
        changes: Iterable[_Change],
    ) -> None:
        """What is still pending is loose again: at once, if that was not its own fault."""
        changed = {change.before.instance: change for change in changes}
        due: list[float] = []
        for name, number in live.numbers.items():
            if number in changed:
                if changed[number].row[0] == PENDING:
                    due.append(changed[number].due)
            elif known[name].code == PENDING:
                due.append(self.now if known[name].attempts else 0.0)
        if due:
            moved(self.db, live.study, loose=len(due), due=min(due))
        self.db.execute("DELETE FROM parcel WHERE number = ?", (live.parcel.number,))

    def _traffic(self, delivered: Delivered) -> None:
        add(self.db, {"received": delivered.received, "refusals": delivered.refusals})
        self.db.executemany(
            "INSERT INTO archive VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET bytes = bytes + excluded.bytes",
            delivered.by_archive,
        )


def _refuse_doubles(
    db: sqlite3.Connection,
    told: dict[DICOMObjectReference | None, Outcome],
    known: Mapping[DICOMObjectReference | None, _Known],
) -> None:
    """Refuse what a transform gave the UIDs of another instance: there is one file of both."""
    owners: dict[str, int] = {}
    for name, outcome in told.items():
        if not (outcome.in_place and outcome.stored_as):
            continue
        number, stored_as = known[name].instance, str(outcome.stored_as)
        asked = "SELECT instance FROM outcome WHERE stored_as = ? AND status IN (1, 2)"
        taken = [owner for (owner,) in db.execute(asked, (stored_as,))]
        if owners.setdefault(stored_as, (taken or [number])[0]) != number:
            told[name] = Outcome(
                reference=outcome.reference, status=OutcomeStatus.REFUSED, reason=_DOUBLE
            )


def lost(
    db: sqlite3.Connection,
    texts: Texts,
    handing: Handing,
    references: Iterable[InstanceReference],
) -> int:
    """Make pending what was stored; return how many."""
    found = (_look_up(db, reference) for reference in references)
    again = {known.instance: known for known in found if known is not None and known.good}
    reason = texts.number(_NO_LONGER)
    changes = [_Change(known, _from_zero(known, reason)) for known in again.values()]
    _write(db, changes, None)
    _account(db, handing, changes, ())
    return len(changes)


def retry_failed(db: sqlite3.Connection) -> int:
    """Make pending what has an outcome that is not good; return how many."""
    studies = db.execute("SELECT id, bad FROM study WHERE bad > 0").fetchall()
    asked = "SELECT status, count(*) FROM outcome WHERE status > 3 GROUP BY status"
    again: dict[str, int] = {_NAMES[code]: count for code, count in db.execute(asked)}
    db.execute(
        "UPDATE outcome SET status = 0, retries = retries + attempts, attempts = 0, due = 0"
        " WHERE status > 3"
    )
    for study, bad in studies:
        moved(db, study, bad=-bad, loose=bad, due=0.0)
    count = sum(again.values())
    add(db, {"pending": count} | {name: -number for name, number in again.items()})
    return count


def _from_zero(known: _Known, reason: int | None) -> Row:
    asked_again = known.retries + known.attempts
    return (PENDING, 0, asked_again, reason, None, 0, None, None, None, None, None, None)


def _write(db: sqlite3.Connection, changes: Iterable[_Change], run: int | None) -> None:
    db.executemany(
        f"INSERT OR REPLACE INTO outcome (instance, run, due, {COLUMNS})"  # noqa: S608  constants
        f" VALUES (?, ?, ?{', ?' * len(COLUMNS.split(', '))})",
        [(change.before.instance, run, change.due, *change.row) for change in changes],
    )


def _account(
    db: sqlite3.Connection,
    handing: Handing,
    changes: Iterable[_Change],
    members: Collection[int],
) -> None:
    """Keep the figures; what is loose of the *members* of a parcel is for who closes it."""
    tally, stored = Counter[str](), 0
    studies: dict[int, Counter[str]] = {}
    for change in changes:
        before, after = change.before, change.after
        tally[_NAMES[before.code]] -= 1
        tally[_NAMES[after.code]] += 1
        stored += after.stored - before.stored
        study = studies.setdefault(before.study, Counter())
        study["good"] += after.good - before.good
        study["bad"] += after.bad - before.bad
        number = before.instance
        if number not in members and not handing.holds(before.study, number):
            study["loose"] += (after.code == PENDING) - (before.code == PENDING)
    for number, figures in studies.items():
        moved(db, number, **figures, due=0.0)
    add(db, {**tally, "stored bytes": stored})


def _lines(db: sqlite3.Connection, numbers: Collection[int]) -> Iterator[tuple[int, ...]]:
    """Yield what the ledger has of instances: number, status, attempts, retries, size."""
    asked = "SELECT instance, status, attempts, retries, size FROM outcome WHERE instance "
    first, last = min(numbers), max(numbers)
    if last - first < 4 * len(numbers):  # as they nearly always are
        yield from db.execute(f"{asked} BETWEEN ? AND ?", (first, last))
    else:
        for number in numbers:
            yield from db.execute(f"{asked} = ?", (number,))


def _look_up(db: sqlite3.Connection, name: InstanceReference) -> _Known | None:
    found = db.execute(
        "SELECT i.id, t.id FROM study t JOIN series s ON s.study = t.id"
        " JOIN instance i ON i.series = s.id WHERE t.uid = ? AND s.uid = ? AND i.uid = ?",
        [encodable(uid) for uid in name.uids],
    ).fetchone()
    if found is None:
        return None
    line = next(_lines(db, [found[0]]), None)
    return _Known(*found, *(line[1:] if line else ()))
