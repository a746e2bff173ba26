"""Outcomes become a receipt; what is missing becomes an error for those who take no receipts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from gurney.core import (
    Completeness,
    DICOMObjectReference,
    Expectation,
    IncompleteDownloadError,
    IncompleteResultWarning,
    Outcome,
    OutcomeStatus,
    Receipt,
    SearchError,
    StudyReceipt,
    unique,
)

from .resolution import Resolution

__all__ = ["complain", "doubt", "receipt_of"]


def receipt_of(
    resolution: Resolution, outcomes: Iterable[Outcome], reasons: Iterable[str] = ()
) -> Receipt:
    """Return the receipt of a download: per study what was expected, and what became of it."""
    place: dict[DICOMObjectReference | None, int] = {
        reference: n for n, reference in enumerate(resolution.references)
    }
    by_study: dict[str, list[Outcome]] = {uid: [] for uid in resolution.expectations}
    nameless = 0
    for outcome in outcomes:
        if outcome.reference is None:
            nameless += 1
        else:
            by_study.setdefault(outcome.reference.study_uid, []).append(outcome)
    strays = [f"{nameless} instances came that cannot be named"] if nameless else []
    return Receipt(
        [
            StudyReceipt(
                uid,
                resolution.expectations.get(uid, Expectation(0, "nobody asked for this study")),
                sorted(group, key=lambda outcome: place.get(outcome.reference, len(place))),
            )
            for uid, group in by_study.items()
        ],
        reasons=[*reasons, *strays],
    )


def complain(receipt: Receipt) -> None:
    """Raise if something is known to be missing; warn if nobody knows whether something is."""
    missing = {
        str(outcome.reference): outcome.reason
        for outcome in receipt.outcomes
        if not outcome.good and outcome.status is not OutcomeStatus.UNEXPECTED
    }
    for study in receipt.studies:
        if not study.complete and not study.missing and not _may_be_complete(study):
            missing[study.study_uid] = "; ".join(study.reasons)
    if missing:
        raise IncompleteDownloadError(missing)
    if not receipt.complete:
        _warn([*receipt.reasons, *(r for study in receipt.studies for r in study.reasons)])


def doubt(resolution: Resolution, reasons: Iterable[str]) -> None:
    """Raise if the listings behind *resolution* are known to be short; warn if nobody knows."""
    expectations = resolution.expectations.values()
    doubts = [*reasons, *(reason for each in expectations for reason in each.reasons)]
    if any(each.completeness is Completeness.CAPPED for each in expectations):
        raise SearchError(f"a listing was cut short: {'; '.join(unique(doubts))}")
    if doubts:
        _warn(doubts)


def _warn(reasons: Iterable[str]) -> None:
    message = f"nobody can say whether this is everything: {'; '.join(unique(reasons))}"
    warnings.warn(message, IncompleteResultWarning, stacklevel=4)


def _may_be_complete(study: StudyReceipt) -> bool:
    expectation = study.expectation
    return (
        expectation.completeness is Completeness.UNKNOWN
        and expectation.count is not None
        and study.received >= expectation.count
    )
