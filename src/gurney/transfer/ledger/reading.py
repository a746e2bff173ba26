"""What a ledger has to tell: receipts of studies, what is stored, why something is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from gurney.core import (
    Completeness,
    DICOMObjectReference,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    StudyReceipt,
    parse_reference,
)

from .claims import expectation
from .outcomes import COLUMNS, to_outcome
from .strays import strays_of, studies_of_strays
from .texts import Texts

__all__ = [
    "count_unresolved",
    "failures",
    "incomplete",
    "is_complete",
    "modalities",
    "receipts",
    "stored",
    "unresolved",
]

_AT_ONCE = 1000  # lines read at a time, so that others may be written in between
_NOBODY = Expectation(0, "nobody asked for this study")


def receipts(
    db: sqlite3.Connection, texts: Texts, pending: str, *, incomplete: bool = False
) -> Iterator[StudyReceipt]:
    """Yield the receipts of all studies; *pending* says why something has not been fetched."""
    for number, uid, total, good in _studies(db):
        expected = expectation(db, number, total)
        if incomplete and _is_complete(expected, total, good, bool(unresolved(db, number))):
            continue
        outcomes = [
            *_outcomes(db, texts, number, uid, pending),
            *(
                Outcome(reference=reference, status=OutcomeStatus.MISSING, reason=reason)
                for reference, reason in unresolved(db, number).items()
            ),
            *strays_of(db, uid),
        ]
        yield StudyReceipt(uid, expected, outcomes)
    if not incomplete:
        for uid in studies_of_strays(db):
            yield StudyReceipt(uid, _NOBODY, strays_of(db, uid))


def is_complete(db: sqlite3.Connection) -> bool:
    """Whether every study is complete."""
    return all(
        _is_complete(expectation(db, number, total), total, good, bool(unresolved(db, number)))
        for number, _, total, good in _studies(db)
    )


def unresolved(db: sqlite3.Connection, study: int) -> dict[DICOMObjectReference, str]:
    """Return what of a study could not be completed, and why."""
    asked = "SELECT reference, reason FROM unresolved WHERE study = ? ORDER BY reference, item"
    first: dict[DICOMObjectReference, str] = {}
    for name, reason in db.execute(asked, (study,)):
        first.setdefault(parse_reference(name), reason)
    return first


def stored(db: sqlite3.Connection, texts: Texts, before: int | None) -> Iterator[Outcome]:
    """Yield what is stored; of runs with a number less than *before*, if it is given."""
    asked = (
        f"SELECT o.instance, t.uid, s.uid, i.uid, {COLUMNS} FROM outcome o"  # noqa: S608  a constant
        " JOIN instance i ON i.id = o.instance JOIN series s ON s.id = i.series"
        " JOIN study t ON t.id = s.study"
        " WHERE o.instance > ? AND o.status IN (1, 2) AND coalesce(o.run, 0) < ?"
        " ORDER BY o.instance LIMIT ?"
    )
    last, bound = 0, before if before is not None else 1 << 62
    while lines := db.execute(asked, (last, bound, _AT_ONCE)).fetchall():
        for _, study, series, instance, *row in lines:
            yield to_outcome(InstanceReference(study, series, instance), tuple(row), texts, "")
        last = lines[-1][0]


def failures(db: sqlite3.Connection, texts: Texts, most: int) -> tuple[tuple[str, int], ...]:
    """Return why instances have no good outcome, and how many; the commonest first."""
    asked = (
        "SELECT reason, count(*) AS number FROM outcome WHERE status > 3"
        " GROUP BY reason ORDER BY number DESC, reason LIMIT ?"
    )
    return tuple((texts.value(reason), count) for reason, count in db.execute(asked, (most,)))


def incomplete(db: sqlite3.Connection, most: int) -> tuple[tuple[str, int], ...]:
    """Return studies of which nothing is pending and something is missing, and how much."""
    asked = (
        "SELECT uid, bad FROM study WHERE bad > 0 AND good + bad = total"
        " ORDER BY item, place LIMIT ?"
    )
    return tuple((uid, bad) for uid, bad in db.execute(asked, (most,)))


def modalities(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many instances are expected of each modality; empty if none is known."""
    asked = "SELECT modality, sum(total) FROM series GROUP BY modality ORDER BY modality"
    found: dict[str, int] = dict(db.execute(asked).fetchall())
    return found if any(found) else {}


def count_unresolved(db: sqlite3.Connection) -> int:
    """Return how many things could not be completed."""
    asked = "SELECT count(*) FROM (SELECT DISTINCT study, reference FROM unresolved)"
    return int(db.execute(asked).fetchone()[0])


def _studies(db: sqlite3.Connection) -> Iterator[tuple[int, str, int, int]]:
    return iter(db.execute("SELECT id, uid, total, good FROM study ORDER BY item, place"))


def _outcomes(
    db: sqlite3.Connection, texts: Texts, study: int, uid: str, pending: str
) -> Iterator[Outcome]:
    asked = (
        f"SELECT s.uid, i.uid, {COLUMNS} FROM series s"  # noqa: S608  a constant
        " JOIN instance i ON i.series = s.id"
        " LEFT JOIN outcome o ON o.instance = i.id WHERE s.study = ? ORDER BY s.uid, i.uid"
    )
    for series, instance, *row in db.execute(asked, (study,)):
        reference = InstanceReference(uid, series, instance)
        if row[0] is None:
            yield Outcome(reference=reference, status=OutcomeStatus.MISSING, reason=pending)
        else:
            yield to_outcome(reference, tuple(row), texts, pending)


def _is_complete(expected: Expectation, total: int, good: int, is_unresolved: bool) -> bool:
    """As `StudyReceipt.complete`, by figures."""
    return (
        expected.completeness is Completeness.COMPLETE
        and not expected.reasons
        and not is_unresolved
        and good == total
        and expected.count is not None
        and good >= expected.count
    )
