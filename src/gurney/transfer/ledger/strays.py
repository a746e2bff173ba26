"""What came unasked: each once, and told in the end."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

import attrs

from gurney.core import InstanceReference, Outcome, OutcomeStatus, parse_reference

from .tallies import add
from .texts import encodable

__all__ = ["Strays", "note_stray", "strays", "strays_of", "studies_of_strays"]


def note_stray(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Keep *outcome*, unless it is kept already; whatever else it says, it is unexpected."""
    if outcome.status is not OutcomeStatus.UNEXPECTED:
        reason = f"nobody expects it; {outcome.status.value} {outcome.reason}".rstrip()
        outcome = attrs.evolve(outcome, status=OutcomeStatus.UNEXPECTED, reason=reason)
    name = str(outcome.reference) if outcome.reference else _look(outcome)
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    uids = [encodable(uid) for uid in outcome.reference.uids] if outcome.reference else []
    made = db.execute(
        "INSERT OR IGNORE INTO stray (digest, study_uid, series_uid, instance_uid, outcome)"
        " VALUES (?, ?, ?, ?, ?)",
        (digest, *uids, *[None] * (3 - len(uids)), _to_json(outcome)),
    )
    add(db, {OutcomeStatus.UNEXPECTED.value: made.rowcount})


def strays_of(db: sqlite3.Connection, study_uid: str) -> list[Outcome]:
    """Return what came of a study that nobody expects, in order of its name."""
    asked = "SELECT outcome FROM stray_seen WHERE study_uid = ? AND NOT expected"
    found = [_from_json(text) for (text,) in db.execute(asked, (encodable(study_uid),))]
    return sorted(found, key=lambda outcome: str(outcome.reference))


def studies_of_strays(db: sqlite3.Connection) -> Iterator[str]:
    """Yield the UIDs of studies that nobody expects, sorted."""
    asked = (
        "SELECT DISTINCT study_uid FROM stray WHERE study_uid IS NOT NULL"
        " AND study_uid NOT IN (SELECT uid FROM study) ORDER BY study_uid"
    )
    return (uid for (uid,) in db.execute(asked))


@attrs.frozen
class Strays:
    """How many instances came unasked.

    Attributes
    ----------
    unexpected
        Nobody expects them.
    repeated
        They are expected, and came a second time, or with others.
    nameless
        They cannot be named.
    """

    unexpected: int
    repeated: int
    nameless: int


def strays(db: sqlite3.Connection) -> Strays:
    """Return how many came unasked."""
    asked = "SELECT count(*), count(study_uid), coalesce(sum(expected), 0) FROM stray_seen"
    every, named, repeated = db.execute(asked).fetchone()
    return Strays(named - repeated, repeated, every - named)


def _look(outcome: Outcome) -> str:
    """What tells something without a name from others."""
    return json.dumps([outcome.reason, outcome.path, outcome.size, outcome.checksum])


def _to_json(outcome: Outcome) -> str:
    return json.dumps(
        {
            "reference": str(outcome.reference) if outcome.reference else None,
            "status": outcome.status.value,
            "reason": outcome.reason,
            "path": outcome.path,
            "size": outcome.size,
            "checksum": outcome.checksum,
            "transfer_syntax": outcome.transfer_syntax,
            "protocol": outcome.protocol,
            "retries": outcome.retries,
            "notes": outcome.notes,
            "stored_as": str(outcome.stored_as) if outcome.stored_as else None,
        }
    )


def _from_json(text: str) -> Outcome:
    fields = json.loads(text)
    stored_as = parse_reference(fields["stored_as"]) if fields["stored_as"] else None
    fields |= {
        "reference": parse_reference(fields["reference"]) if fields["reference"] else None,
        "status": OutcomeStatus(fields["status"]),
        "notes": tuple(fields["notes"]),
        "stored_as": stored_as if isinstance(stored_as, InstanceReference) else None,
    }
    return Outcome(**fields)
