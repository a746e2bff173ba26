"""Small ledgers for tests, and what goes into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gurney.core import (
    DICOMObjectLevels,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
)
from gurney.manners import Retries
from gurney.transfer.ledger import Claim, Ledger
from gurney.transfer.parcels import Delivered, Parcel

AT_ONCE = Retries(attempts=3, first_wait=0.0)
ONCE = Retries(attempts=1)


def references(study: str, series: int = 1, instances: int = 3) -> tuple[InstanceReference, ...]:
    return tuple(
        InstanceReference(study, f"{study}.{s}", f"{study}.{s}.{n}")
        for s in range(1, series + 1)
        for n in range(1, instances + 1)
    )


def claim(
    study: str,
    wanted: Sequence[InstanceReference] | None = None,
    *,
    whole: DICOMObjectLevels = DICOMObjectLevels.STUDY,
    expected: Expectation | None = None,
    **more: Any,
) -> Claim:
    named = tuple(references(study) if wanted is None else wanted)
    told = expected or Expectation(len(named), "instance listing")
    return Claim(study_uid=study, references=named, expectation=told, whole=whole, **more)


def planned(ledger: Ledger, *claims: Claim) -> list[int]:
    """Plan an item for each of *claims*; return the items."""
    known = len(list(ledger.items()))
    places = [f"row {known + n}" for n in range(1, len(claims) + 1)]
    items = ledger.announce((place, ledger.digest(place)) for place in places)
    for item, each in zip(items, claims, strict=True):
        ledger.planned([item], [each])
    return items


def outcome(
    reference: InstanceReference, status: OutcomeStatus = OutcomeStatus.STORED, **more: Any
) -> Outcome:
    if status is OutcomeStatus.STORED:
        return Outcome(
            reference=reference,
            status=status,
            path=f"{reference}.dcm",
            size=7,
            checksum="sha256:" + "0a" * 32,
            transfer_syntax="1.2.840.10008.1.2.1",
            protocol="WADO-RS",
            **more,
        )
    fields: dict[str, Any] = {"reason": "for a reason", **more}
    return Outcome(reference=reference, status=status, **fields)


def delivered(
    parcel: Parcel,
    status: OutcomeStatus = OutcomeStatus.STORED,
    only: Iterable[InstanceReference] | None = None,
) -> Delivered:
    wanted = parcel.references if only is None else only
    outcomes = tuple(outcome(reference, status) for reference in wanted)
    return Delivered(parcel=parcel.number, outcomes=outcomes)


def fetch_all(ledger: Ledger, now: float = 0.0) -> None:
    """Have everything that is due stored."""
    for parcel in ledger.parcels(500, now):
        ledger.record(delivered(parcel), ONCE, now)
