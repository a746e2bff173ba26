"""Laws of receipts: they survive JSON, and claim completeness only when it is proved."""

from __future__ import annotations

import csv
import io
import pickle
from contextlib import suppress
from datetime import timezone

from hypothesis import given
from hypothesis import strategies as st

from gurney.core import (
    Completeness,
    Expectation,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Receipt,
    StudyReceipt,
)
from gurney.testing.strategies import instance_references, references, texts, uids

IN_PLACE = [OutcomeStatus.STORED, OutcomeStatus.ALREADY_THERE]
GOOD = [*IN_PLACE, OutcomeStatus.WITHHELD]


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    status = draw(st.sampled_from(OutcomeStatus))
    named = instance_references() if status in GOOD else st.none() | references()
    return Outcome(
        reference=draw(named),
        status=status,
        reason="" if status in IN_PLACE else draw(st.text(min_size=1)),
        path=draw(texts()) if status in IN_PLACE else "",
        size=draw(st.integers(0, 2**40)),
        checksum=draw(st.sampled_from(["", "sha256:00"])),
        transfer_syntax=draw(st.sampled_from(["", "1.2.840.10008.1.2.1"])),
        protocol=draw(st.sampled_from(["", "file", "WADO-RS", "C-GET"])),
        retries=draw(st.integers(0, 5)),
        notes=tuple(draw(st.lists(st.text(), max_size=2))),
        stored_as=draw(st.none() | instance_references()) if status in IN_PLACE else None,
    )


def expectations() -> st.SearchStrategy[Expectation]:
    reasons = st.lists(texts(), max_size=2).map(tuple)
    counts = st.none() | st.integers(0, 4)
    return st.builds(Expectation, counts, texts(), st.sampled_from(Completeness), reasons)


def study_receipts() -> st.SearchStrategy[StudyReceipt]:
    return st.builds(StudyReceipt, uids(), expectations(), st.lists(outcomes(), max_size=4))


def receipts() -> st.SearchStrategy[Receipt]:
    times = st.none() | st.datetimes(timezones=st.just(timezone.utc))
    return st.builds(
        Receipt,
        st.lists(study_receipts(), max_size=3),
        reasons=st.lists(texts(), max_size=2),
        archive=st.text(),
        started=times,
        finished=times,
    )


@given(receipts())
def test_json_round_trip(receipt: Receipt) -> None:
    """Nothing is lost, times included, and the answer is the same."""
    other = Receipt.from_json(receipt.to_json())

    assert receipt == other
    assert (receipt.started, receipt.finished) == (other.started, other.finished)
    assert receipt.complete is other.complete
    assert receipt.to_json() == other.to_json()


@given(receipts())
def test_pickle_round_trip(receipt: Receipt) -> None:
    """As JSON."""
    assert receipt == pickle.loads(pickle.dumps(receipt))


@given(study_receipts())
def test_completeness_is_proved_or_not_claimed(receipt: StudyReceipt) -> None:
    """Re-stated: as many distinct instances as expected, none missing, all of them known."""
    expected = receipt.expectation
    here = {outcome.reference for outcome in receipt.outcomes if outcome.status in GOOD}
    proved = (
        expected.completeness is Completeness.COMPLETE
        and not expected.reasons
        and not receipt.missing
        and expected.count is not None
        and len(here) >= expected.count
    )

    assert proved is receipt.complete
    assert proved is (receipt.reasons == ())


@given(receipts())
def test_every_named_outcome_is_here_missing_or_unexpected(receipt: Receipt) -> None:
    """Nothing vanishes between the counts."""
    unasked = [
        outcome.reference
        for outcome in receipt.outcomes
        if outcome.status is OutcomeStatus.UNEXPECTED and outcome.reference
    ]
    good = [outcome.reference for outcome in receipt.outcomes if outcome.good]
    named = [outcome.reference for outcome in receipt.outcomes if outcome.reference]

    assert len(named) == len(good) + len(receipt.missing) + len(unasked)
    assert len(receipt.outcomes) == sum(receipt.counts.values())
    assert set(OutcomeStatus) == receipt.counts.keys()
    assert receipt.verified_bytes == sum(o.size for o in receipt.outcomes if o.status in IN_PLACE)


@given(receipts())
def test_csv_has_a_line_for_each_outcome(receipt: Receipt) -> None:
    """In order, whatever is in a reason; what cannot be printed becomes a space."""
    rows = list(csv.DictReader(io.StringIO(receipt.to_csv(), newline="")))

    assert len(receipt.outcomes) + 1 == len(receipt.to_csv().splitlines())
    for outcome, row in zip(receipt.outcomes, rows, strict=True):
        assert outcome.status.value == row["status"]
        assert str(outcome.size) == row["size"]
        assert str(outcome.stored_as or "") == row["stored_as"]
        assert outcome.reason.isprintable() is (outcome.reason == row["reason"])


@given(receipts(), st.integers(0, 10_000), st.characters())
def test_changed_receipt_reads_or_is_refused(receipt: Receipt, place: int, put: str) -> None:
    """Any one character may be wrong; there is no error but ours."""
    text = receipt.to_json()
    place %= len(text)

    with suppress(InvalidInputError):
        Receipt.from_json(text[:place] + put + text[place + 1 :])
