"""What is wanted, and what the archive said of it: items, claims, and the instances in them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    Expectation,
    InvalidInputError,
    unique,
)

from .tallies import add, moved
from .texts import several
from .values import Announced, Claim

__all__ = ["Found", "announce", "announced", "doubts", "expectation", "fail", "plan", "unplanned"]

_STATES: Final = {0: "unplanned", 1: "planned", 2: "failed"}
_OWN_COUNT: Final = "the archive's own count"
_ASKED: Final = {
    "": "SELECT id, place, state, reason, notes FROM item ORDER BY id",
    "unplanned": "SELECT id, place, state, reason, notes FROM item"
    " WHERE state <> 1 AND state = 0 ORDER BY id",
    "failed": "SELECT id, place, state, reason, notes FROM item"
    " WHERE state <> 1 AND state = 2 ORDER BY id",
    "planned": "SELECT id, place, state, reason, notes FROM item WHERE state = 1 ORDER BY id",
    "doubtful": "SELECT id, place, state, reason, notes FROM item"
    " WHERE state = 1 AND reason <> '' ORDER BY id",
    "noted": "SELECT id, place, state, reason, notes FROM item WHERE notes <> '[]' ORDER BY id",
}
_SILENT: Final = "nobody said why"
_NOBODY: Final = "nobody"
_JOINT: Final = " and "


_DOUBTFUL: Final = """
    WITH doubtful (id) AS (
        SELECT item FROM claim WHERE completeness <> 'complete' UNION SELECT item FROM unresolved
        UNION SELECT id FROM item WHERE completeness <> 'complete'
    )
    SELECT id FROM doubtful
    UNION SELECT part_of FROM doubtful JOIN item USING (id) WHERE part_of IS NOT NULL
    ORDER BY 1
"""


def announce(
    db: sqlite3.Connection, items: Iterable[tuple[str, bytes]], part_of: int | None
) -> list[int]:
    """Note *items*; return their numbers."""
    numbers: list[int] = []
    new = 0
    added = "INSERT OR IGNORE INTO item (digest, place, part_of) VALUES (?, ?, ?)"
    asked = "SELECT id, part_of FROM item WHERE digest = ?"
    for place, digest in items:
        new += db.execute(added, (digest, place, part_of)).rowcount
        number, whole = db.execute(asked, (digest,)).fetchone()
        if whole is not None and whole != part_of:  # what is wanted itself stays so
            db.execute("UPDATE item SET part_of = ? WHERE id = ?", (part_of, number))
        numbers.append(number)
    add(db, {"items": new})
    return numbers


def unplanned(db: sqlite3.Connection, failed: bool) -> list[int]:
    """Return the numbers of items that are to be planned, those that were tried before last."""
    asked = "SELECT id FROM item WHERE state <> 1 AND state = ? ORDER BY id"
    statements = [(asked, (0,)), (asked, (2,)), (_DOUBTFUL, ())] if failed else [(asked, (0,))]
    found = (row for statement, values in statements for row in db.execute(statement, values))
    return list(unique(number for (number,) in found))


def announced(db: sqlite3.Connection, state: str) -> Iterator[Announced]:
    """Yield the items, or those of one state."""
    for number, place, code, reason, notes in db.execute(_ASKED[state]):
        yield Announced(number, place, _STATES[code], reason, several(notes))


def fail(db: sqlite3.Connection, items: Iterable[int], reason: str) -> None:
    """Note that *items* could not be planned."""
    rows = [(reason, item) for item in items]
    db.executemany("UPDATE item SET state = 2, reason = ? WHERE id = ? AND state <> 1", rows)
    _forget_parts(db, [item for _, item in rows], 0)


def _forget_parts(db: sqlite3.Connection, items: Iterable[int], state: int) -> None:
    """Forget what was a part of *items* and is in a *state*: it is not listed any more."""
    rows = [(item, state) for item in items]
    gone = db.executemany("DELETE FROM item WHERE part_of = ? AND state = ?", rows).rowcount
    add(db, {"items": -gone})


@attrs.frozen
class Found:
    """What was looked up together, and whether the search for it has found everything."""

    items: tuple[int, ...]
    notes: tuple[str, ...]
    reasons: tuple[str, ...]
    completeness: Completeness


def plan(db: sqlite3.Connection, found: Found, claims: Iterable[Claim]) -> None:
    """Note what was found."""
    items = sorted(set(found.items))
    for statement in ("DELETE FROM claim WHERE item = ?", "DELETE FROM unresolved WHERE item = ?"):
        db.executemany(statement, [(item,) for item in items])
    places = Counter[int]()
    for claim in claims:
        item = items[0] if claim.item is None else claim.item
        if item not in items:
            raise InvalidInputError(
                f"study {claim.study_uid} is claimed by item {item}, which is not among those "
                "planned; name one of them, or none"
            )
        _claim(db, claim, item, places[item])
        places[item] += 1
    reason = "; ".join(unique(found.reasons))
    completeness = found.completeness
    if reason and completeness is Completeness.COMPLETE:
        completeness = Completeness.UNKNOWN
    notes = json.dumps(list(unique(found.notes)))
    db.executemany(
        "UPDATE item SET state = 1, reason = ?, completeness = ?, notes = ? WHERE id = ?",
        [(reason, completeness.value, notes if item == items[0] else "[]", item) for item in items],
    )
    for state in (0, 2):
        _forget_parts(db, items, state)


def doubts(db: sqlite3.Connection) -> tuple[tuple[Completeness, str, int], ...]:
    """Return why it is not known that everything was found, and how often; commonest first."""
    counted = Counter[tuple[str, str]]()
    asked = (
        "SELECT completeness, reasons, count(*) FROM claim WHERE completeness <> 'complete'"
        " GROUP BY completeness, reasons"
    )
    for completeness, reasons, count in db.execute(asked):
        for reason in several(reasons) or [_SILENT]:
            counted[completeness, reason] += count
    asked = (
        "SELECT completeness, reason, count(*) FROM item WHERE completeness <> 'complete'"
        " GROUP BY completeness, reason"
    )
    for completeness, reason, count in db.execute(asked):
        counted[completeness, reason or _SILENT] += count
    for reason, count in db.execute("SELECT reason, count(*) FROM unresolved GROUP BY reason"):
        counted[Completeness.UNKNOWN.value, reason or _SILENT] += count
    return tuple(
        (Completeness(completeness), reason, count)
        for (completeness, reason), count in counted.most_common()
    )


def expectation(db: sqlite3.Connection, study: int, total: int) -> Expectation:
    """Return how many instances a study of *total* known ones should have, by all claims.

    As one question would have it: each claim must reach its own count, and so must the study.
    """
    claims = db.execute(
        "SELECT named, digest, count, source, completeness, reasons FROM claim WHERE study = ?"
        " ORDER BY item, place",
        (study,),
    ).fetchall()
    if not claims:
        reason = "what was planned later does not name this study any more"
        return Expectation(total, "an earlier listing", Completeness.UNKNOWN, (reason,))
    counts = {(digest, count): (count or 0) - named for named, digest, count, *_ in claims}
    known = all(claim[2] is not None for claim in claims)
    beyond = sum(max(0, more) for more in counts.values())
    sources = unique(source for claim in claims for source in claim[3].split(_JOINT))
    telling = [source for source in sources if source != _NOBODY]
    telling.sort(key=lambda source: source == _OWN_COUNT)  # last, as if one had asked for all
    return Expectation(
        count=max(total + beyond, *(claim[2] for claim in claims)) if known else None,
        source=_JOINT.join(telling) or _NOBODY,
        completeness=Completeness.of_all(Completeness(claim[4]) for claim in claims),
        reasons=tuple(unique(reason for claim in claims for reason in several(claim[5]))),
    )


def _claim(db: sqlite3.Connection, claim: Claim, item: int, place: int) -> None:
    study = _study(db, claim.study_uid, item, place)
    new = _instances(db, claim, study)
    named = set(claim.references)
    if claim.whole is DICOMObjectLevels.STUDY:
        db.execute("UPDATE study SET whole = max(whole, ?) WHERE id = ?", (len(named), study))
    moved(db, study, total=new, loose=new, due=0.0)
    add(db, {"instances": new, "pending": new})
    digest = hashlib.blake2b(digest_size=16)
    for reference in sorted(named):
        digest.update(f"{reference}\n".encode("utf-8", "surrogatepass"))
    told = claim.expectation
    db.execute(
        "INSERT INTO claim"
        " (study, item, place, named, digest, count, source, completeness, reasons)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            study, item, place, len(named), digest.digest(), told.count, told.source,
            told.completeness.value, json.dumps(told.reasons),
        ),
    )  # fmt: skip
    db.executemany(
        "INSERT OR REPLACE INTO unresolved VALUES (?, ?, ?, ?)",
        [(study, item, str(reference), reason) for reference, reason in claim.unresolved],
    )


def _study(db: sqlite3.Connection, uid: str, item: int, place: int) -> int:
    found = db.execute("SELECT id, item, place FROM study WHERE uid = ?", (uid,)).fetchone()
    if found is None:
        made = db.execute(
            "INSERT INTO study (uid, item, place) VALUES (?, ?, ?)", (uid, item, place)
        )
        add(db, {"studies": 1, "finished": 1})  # of nothing, so far
        assert made.lastrowid is not None
        return made.lastrowid
    number, *order = found
    if [item, place] < order:
        db.execute("UPDATE study SET item = ?, place = ? WHERE id = ?", (item, place, number))
    return int(number)


def _instances(db: sqlite3.Connection, claim: Claim, study: int) -> int:
    """Note the instances of *claim*; return how many are new."""
    uids: dict[str, dict[str, None]] = {}
    for reference in claim.references:
        if reference.study_uid != claim.study_uid:
            raise InvalidInputError(
                f"a claim of study {claim.study_uid} names {reference}; make one for each study"
            )
        uids.setdefault(reference.series_uid, {})[reference.instance_uid] = None
    new = 0
    for series_uid, members in uids.items():
        series = _series(db, study, series_uid)
        rows = [(series, uid) for uid in members]
        made = db.executemany("INSERT OR IGNORE INTO instance (series, uid) VALUES (?, ?)", rows)
        whole = len(members) if claim.whole >= DICOMObjectLevels.SERIES else 0
        db.execute(
            "UPDATE series SET total = total + ?, whole = max(whole, ?) WHERE id = ?",
            (made.rowcount, whole, series),
        )
        new += made.rowcount
    for series_uid, modality in claim.modalities.items():
        db.execute(
            "UPDATE series SET modality = ? WHERE study = ? AND uid = ?",
            (modality, study, series_uid),
        )
    return new


def _series(db: sqlite3.Connection, study: int, uid: str) -> int:
    db.execute("INSERT OR IGNORE INTO series (study, uid) VALUES (?, ?)", (study, uid))
    asked = "SELECT id FROM series WHERE study = ? AND uid = ?"
    (number,) = db.execute(asked, (study, uid)).fetchone()
    return int(number)
