"""Several receipts of one folder as one: what was ever asked for, and what is still in doubt.

A doubt of an earlier download is settled by a later one from the same archive that covers the same
things and is free of doubt. Nothing else settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gurney.core import (
    Completeness,
    DICOMObjectReference,
    Expectation,
    Outcome,
    OutcomeStatus,
    Receipt,
    StudyReceipt,
    unique,
)

__all__ = ["merged"]

_UNASKED: Final = OutcomeStatus.UNEXPECTED


def merged(receipts: Sequence[Receipt]) -> Receipt:
    """Return what *receipts*, oldest first, say together.

    Of several outcomes of one instance, a good one stands until the instance is stored anew, or is
    there though it was withheld once.

    Examples
    --------
    >>> receipt = Receipt([], reasons=["the search was cut short"], archive="a")
    >>> merged([receipt, Receipt([], archive="b")]).reasons
    ('the search was cut short',)
    """
    if len(receipts) == 1:
        return receipts[0]
    parts: dict[str, list[tuple[str, StudyReceipt]]] = {}
    for receipt in receipts:
        for study in receipt.studies:
            parts.setdefault(study.study_uid, []).append((receipt.archive, study))
    later = [receipts[n + 1 :] for n in range(len(receipts))]
    return Receipt(
        [_merged_study(uid, group) for uid, group in parts.items()],
        reasons=unique(
            reason
            for receipt, others in zip(receipts, later, strict=True)
            if not any(_settles(other, receipt) for other in others)
            for reason in receipt.reasons
        ),
        archive=", ".join(unique(receipt.archive for receipt in receipts)),
    )


def _settles(later: Receipt, earlier: Receipt) -> bool:
    """Whether *later* covers all that *earlier* asked for, and has no doubt of its own."""
    studies = {study.study_uid: study for study in later.studies}
    return (
        len(earlier.studies) > 0
        and later.archive == earlier.archive
        and not later.reasons
        and all(
            study.study_uid in studies and _covers(studies[study.study_uid], study)
            for study in earlier.studies
        )
    )


def _covers(later: StudyReceipt, earlier: StudyReceipt) -> bool:
    """A study that could not be listed is covered by no list of instances: it may hold others."""
    return (
        later.expectation.completeness is Completeness.COMPLETE
        and later.expectation.count is not None
        and set(_asked(later)) >= set(_asked(earlier))
    )


def _merged_study(uid: str, parts: Sequence[tuple[str, StudyReceipt]]) -> StudyReceipt:
    """Of the receipts of one study, oldest first, each with the name of its archive."""
    if len(parts) == 1:
        return parts[0][1]
    standing = [
        study
        for n, (archive, study) in enumerate(parts)
        if not any(other == archive and _covers(later, study) for other, later in parts[n + 1 :])
    ]
    outcomes = _merged_outcomes(study for _, study in parts)
    return StudyReceipt(uid, _expectation(standing, outcomes), outcomes)


def _merged_outcomes(studies: Iterable[StudyReceipt]) -> list[Outcome]:
    latest: dict[DICOMObjectReference | None, Outcome] = {}
    for study in studies:
        for outcome in study.outcomes:
            if outcome.status is _UNASKED:
                continue
            known = latest.get(outcome.reference)
            if known is None or not known.good or _supersedes(outcome, known):
                latest[outcome.reference] = outcome
    return [*latest.values()]


def _supersedes(outcome: Outcome, known: Outcome) -> bool:
    return outcome.status is OutcomeStatus.STORED or (outcome.in_place and not known.in_place)


def _expectation(standing: Sequence[StudyReceipt], outcomes: Sequence[Outcome]) -> Expectation:
    counts = [study.expectation.count for study in standing]
    beyond = sum(max(0, (s.expectation.count or 0) - len(_asked(s))) for s in standing)
    return Expectation(
        count=None if None in counts else len(outcomes) + beyond,
        source=" and ".join(unique(study.expectation.source for study in standing)),
        completeness=Completeness.of_all(study.expectation.completeness for study in standing),
        reasons=tuple(unique(r for study in standing for r in study.expectation.reasons)),
    )


def _asked(study: StudyReceipt) -> list[DICOMObjectReference]:
    """What was expected, whatever became of it."""
    return [o.reference for o in study.outcomes if o.reference and o.status is not _UNASKED]
