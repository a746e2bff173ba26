"""An outcome as a line of the table ``outcome``, and back.

Nearly all of a million lines differ in their UIDs, size and checksum alone; the rest is kept once.
A path is kept as its pattern, with a mark for each UID in it, where that makes many paths alike.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from gurney.core import InstanceReference, Outcome, OutcomeStatus, parse_reference

from .texts import Texts, several

__all__ = ["BAD_FROM", "CODES", "COLUMNS", "PENDING", "Row", "row_of", "to_outcome"]

PENDING: Final = 0
"""Code of what is to be fetched again."""

CODES: Final = {
    OutcomeStatus.STORED: 1,
    OutcomeStatus.ALREADY_THERE: 2,
    OutcomeStatus.WITHHELD: 3,
    OutcomeStatus.FAILED: 4,
    OutcomeStatus.MISSING: 5,
    OutcomeStatus.REFUSED: 6,
}
"""Codes of what has its outcome."""

BAD_FROM: Final = 4
"""The first code of those that are not good."""

_STATUS: Final = {code: status for status, code in CODES.items()}

COLUMNS: Final = (
    "status, attempts, retries, reason, path, size, algorithm, checksum, transfer_syntax, "
    "protocol, notes, stored_as"
)

Row: TypeAlias = tuple[
    int, int, int, int | None, int | str | None, int, int | None, bytes | str | None,
    int | None, int | None, int | None, str | None,
]  # fmt: skip
"""The columns of an outcome, in their order."""

_STUDY, _SERIES, _INSTANCE = "\x01", "\x02", "\x03"  # in hardly any path
_has_mark: Final = re.compile(r"[\x01-\x03]").search


def row_of(outcome: Outcome, code: int, attempts: int, retries: int, texts: Texts) -> Row:
    """Return the line of *outcome*, with a *code* and figures of its own."""
    algorithm, checksum = _checksum(outcome.checksum)
    return (
        code,
        attempts,
        retries,
        texts.number(outcome.reason),
        _path(outcome, texts),
        outcome.size,
        texts.number(algorithm),
        checksum,
        texts.number(outcome.transfer_syntax),
        texts.number(outcome.protocol),
        texts.number(json.dumps(outcome.notes)) if outcome.notes else None,
        str(outcome.stored_as) if outcome.stored_as else None,
    )


def to_outcome(reference: InstanceReference, row: Row, texts: Texts, pending: str) -> Outcome:
    """Return the outcome of *reference*; what is pending is missing, and *pending* says why."""
    (
        code, attempts, retries, reason, path, size, algorithm, checksum,
        syntax, protocol, notes, stored_as,
    ) = row  # fmt: skip
    again = retries + max(attempts - 1, 0)
    if code == PENDING:
        last = texts.value(reason)
        why = f"{pending}; the last attempt: {last}" if last else pending
        return Outcome(reference=reference, status=OutcomeStatus.MISSING, reason=why, retries=again)
    name = _instance(stored_as)
    return Outcome(
        reference=reference,
        status=_STATUS[code],
        reason=texts.value(reason),
        path=_filled(path, name or reference, texts),
        size=size,
        checksum=_to_checksum(texts.value(algorithm), checksum),
        transfer_syntax=texts.value(syntax),
        protocol=texts.value(protocol),
        retries=again,
        notes=several(texts.value(notes)) if notes is not None else (),
        stored_as=name,
    )


def _instance(text: str | None) -> InstanceReference | None:
    if text is None:
        return None
    reference = parse_reference(text)
    assert isinstance(reference, InstanceReference)
    return reference


def _path(outcome: Outcome, texts: Texts) -> int | str | None:
    path, name = outcome.path, outcome.stored_as or outcome.reference
    if not isinstance(name, InstanceReference) or _has_mark(path):
        return path or None
    pattern = path.replace(name.instance_uid, _INSTANCE)
    if pattern == path:  # like no other
        return path or None
    pattern = pattern.replace(name.series_uid, _SERIES).replace(name.study_uid, _STUDY)
    return texts.number(pattern)


def _filled(path: int | str | None, name: InstanceReference, texts: Texts) -> str:
    if not isinstance(path, int):
        return path or ""
    pattern = texts.value(path)
    with_study = pattern.replace(_STUDY, name.study_uid).replace(_SERIES, name.series_uid)
    return with_study.replace(_INSTANCE, name.instance_uid)


def _checksum(text: str) -> tuple[str, bytes | str | None]:
    algorithm, _, digits = text.partition(":")
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        return "", text
    if algorithm and f"{algorithm}:{digest.hex()}" == text:
        return algorithm, digest
    return "", text or None


def _to_checksum(algorithm: str, checksum: bytes | str | None) -> str:
    return f"{algorithm}:{checksum.hex()}" if isinstance(checksum, bytes) else checksum or ""
