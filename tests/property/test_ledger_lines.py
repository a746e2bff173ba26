"""Laws of what a ledger keeps: outcomes come back, and parcels hold each instance once."""

from __future__ import annotations

import tempfile
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from gurney.core import (
    DICOMObjectLevels,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
)
from gurney.manners import Retries
from gurney.testing.strategies import instance_references, odd_uids
from gurney.transfer.ledger import Claim, Ledger
from gurney.transfer.ledger.cutting import Loose, cut
from gurney.transfer.parcels import Delivered

KEPT = [status for status in OutcomeStatus if status is not OutcomeStatus.UNEXPECTED]
texts = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """An outcome of any kind, with a path that often has UIDs in it, as paths do."""
    plain = odd_uids().filter(lambda uid: uid.isprintable())
    reference = draw(instance_references() | st.builds(InstanceReference, plain, plain, plain))
    stored_as = draw(st.none() | instance_references())
    uids = (stored_as or reference).uids
    parts = draw(st.lists(st.sampled_from(uids) | texts, max_size=4))
    digits = st.binary(max_size=8).map(bytes.hex)
    return Outcome(
        reference=reference,
        status=draw(st.sampled_from(KEPT)),
        reason=draw(texts) or "for a reason",
        path=draw(st.sampled_from("/.\x01\x02\x03")).join(parts),
        size=draw(st.integers(0, 1 << 50)),
        checksum=draw(texts | digits.map("sha256:{}".format) | digits),
        transfer_syntax=draw(texts),
        protocol=draw(texts),
        retries=draw(st.integers(0, 99)),
        notes=tuple(draw(st.lists(texts, max_size=2))),
        stored_as=stored_as,
    )


@settings(deadline=None)
@given(outcomes())
def test_outcomes_come_back_to_the_letter(outcome: Outcome) -> None:
    """Whatever is told of an instance is in the receipt as it was told."""
    assert isinstance(outcome.reference, InstanceReference)
    claim = Claim(
        study_uid=outcome.reference.study_uid,
        references=(outcome.reference,),
        expectation=Expectation(1, "a listing"),
    )
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder) as ledger:
        items = ledger.announce([("row 1", b"1")])
        ledger.planned(items, [claim])
        (parcel,) = ledger.parcels(1, 0.0)
        told = Delivered(parcel=parcel.number, outcomes=(outcome,))
        ledger.record(told, Retries(attempts=1), 0.0)
        (study,) = ledger.studies("pending")

    assert (outcome,) == study.outcomes


@st.composite
def loose(draw: st.DrawFn) -> list[Loose]:
    """What is pending of a study: series of several sizes, some not all there."""
    found: list[Loose] = []
    for series in range(draw(st.integers(0, 4))):
        size, more = draw(st.integers(1, 6)), draw(st.integers(0, 1))
        found += (
            Loose(100 * series + number, f"1.{series}", f"1.{series}.{number}", size + more)
            for number in range(size)
        )
    return found


@given(loose(), st.integers(1, 9), st.integers(0, 24))
def test_each_instance_is_in_one_parcel(pending: list[Loose], limit: int, known: int) -> None:
    """None is forgotten, none comes twice, and no parcel is too large or empty."""
    parcels = list(cut(pending, limit, known))
    members = [each for parcel in parcels for each in parcel.members]

    assert sorted(each.number for each in pending) == sorted(each.number for each in members)
    assert all(1 <= len(parcel.members) <= limit for parcel in parcels)


@given(loose(), st.integers(1, 9), st.integers(0, 24))
def test_nothing_is_called_whole_that_is_not(pending: list[Loose], limit: int, known: int) -> None:
    """Whole studies are all of it; of whole series, all of each is in the parcel."""
    for parcel in cut(pending, limit, known):
        if parcel.whole is DICOMObjectLevels.STUDY:
            assert known == len(parcel.members) == len(pending)
        elif parcel.whole is DICOMObjectLevels.SERIES:
            for _, group in groupby(parcel.members, lambda each: each.series_uid):
                series = list(group)
                assert series[0].all_of_series == len(series)
