"""A receipt: one outcome per instance, and one answer."""

from __future__ import annotations

import csv
import io
import json
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from gurney.core import (
    Completeness,
    Expectation,
    InstanceReference,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Receipt,
    SeriesReference,
    StudyReceipt,
    StudyReference,
)

STORED, THERE, FAILED, MISSING, REFUSED, WITHHELD, UNEXPECTED = OutcomeStatus
IN_PLACE = [STORED, THERE]
BAD = [FAILED, MISSING, REFUSED]


def outcome(status: OutcomeStatus, uid: str = "1.1.1", **more: Any) -> Outcome:
    more["reason"] = "" if status in IN_PLACE else "for a reason"
    return Outcome(reference=InstanceReference("1", "1.1", uid), status=status, **more)


def study(*outcomes: Outcome, expected: int | None = None, **more: Any) -> StudyReceipt:
    count = len(outcomes) if expected is None else expected
    return StudyReceipt("1", Expectation(count, "instance listing", **more), outcomes)


# ---------------------------------------------------------------- outcomes


@pytest.mark.parametrize("status", OutcomeStatus)
def test_outcome_that_is_not_good_needs_a_reason(status: OutcomeStatus) -> None:
    """Whoever reads a receipt next week asks why."""
    reference = InstanceReference("1", "1.1", "1.1.1")
    if status in IN_PLACE:
        assert Outcome(reference=reference, status=status).good
        assert Outcome(reference=reference, status=status).in_place
        return

    assert not outcome(status).in_place
    assert outcome(status).good is (status is WITHHELD)
    with pytest.raises(InvalidInputError, match=f"'{status.value}' needs a reason"):
        Outcome(reference=reference, status=status)


# ---------------------------------------------------------------- one study


@pytest.mark.parametrize(
    ("receipt", "reasons"),
    [
        (study(outcome(STORED)), ()),
        (study(outcome(THERE)), ()),
        (study(outcome(STORED), outcome(THERE, "1.1.2")), ()),
        (study(outcome(STORED), outcome(WITHHELD, "1.1.2")), ()),
        (study(expected=0), ()),
        (study(outcome(UNEXPECTED), expected=0), ()),
        (study(outcome(STORED), outcome(UNEXPECTED, "1.1.2"), expected=1), ()),
        *((study(outcome(bad)), ("1 of 1 did not arrive whole",)) for bad in BAD),
        (
            study(outcome(STORED), outcome(MISSING, "1.1.2"), outcome(FAILED, "1.1.3")),
            ("2 of 3 did not arrive whole",),
        ),
        (
            study(outcome(STORED), expected=2),
            ("1 instances are here, instance listing says 2",),
        ),
        (
            study(outcome(UNEXPECTED), expected=1),
            ("0 instances are here, instance listing says 1",),
        ),
        (
            StudyReceipt("1", Expectation(None, "nobody"), [outcome(STORED)]),
            ("nobody could say how many instances there are",),
        ),
        (
            study(outcome(STORED), completeness=Completeness.CAPPED, reasons=("it stops at 1",)),
            ("it stops at 1",),
        ),
        (
            study(outcome(STORED), completeness=Completeness.UNKNOWN),
            ("instance listing may not have named everything",),
        ),
        (study(outcome(STORED), reasons=("something is odd",)), ("something is odd",)),
    ],
)
def test_study_is_complete_if_and_only_if_nothing_speaks_against_it(
    receipt: StudyReceipt, reasons: tuple[str, ...]
) -> None:
    """Every instance expected is whole, and the expectation is known to be all."""
    assert reasons == receipt.reasons
    assert (not reasons) is receipt.complete


def test_one_instance_twice_is_one_instance() -> None:
    """Two outcomes of one instance do not make up for another that is not there."""
    twice = study(outcome(STORED), outcome(THERE), expected=2)

    assert 1 == twice.received
    assert not twice.complete


def test_study_adds_up_its_outcomes() -> None:
    """Bytes and syntaxes of what is here; retries and protocols of all that was tried."""
    implicit, explicit = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
    receipt = study(
        outcome(STORED, "1", size=10, transfer_syntax=explicit, protocol="WADO-RS", retries=2),
        outcome(THERE, "2", size=5, transfer_syntax=implicit, protocol="file"),
        outcome(STORED, "3", size=1, transfer_syntax=explicit, protocol="WADO-RS"),
        outcome(FAILED, "4", size=99, transfer_syntax="x", protocol="C-GET", retries=3),
        outcome(UNEXPECTED, "5", size=7),
    )

    assert 3 == receipt.received
    assert 16 == receipt.verified_bytes
    assert 5 == receipt.retries
    assert ("C-GET", "WADO-RS", "file") == receipt.protocols
    assert {implicit: 1, explicit: 2} == receipt.transfer_syntaxes


def test_missing_is_what_to_ask_for_again() -> None:
    """In order; not what came unasked, nor what has no name."""
    nameless = Outcome(reference=None, status=FAILED, reason="not DICOM")
    receipt = study(
        outcome(STORED, "1"),
        outcome(FAILED, "3"),
        outcome(MISSING, "2"),
        outcome(REFUSED, "4"),
        outcome(UNEXPECTED, "5"),
        nameless,
    )

    assert ["1/1.1/3", "1/1.1/2", "1/1.1/4"] == [str(reference) for reference in receipt.missing]


# ---------------------------------------------------------------- the whole


def test_receipt_is_complete_if_all_studies_are_and_the_search_was() -> None:
    """The answer."""
    whole, half = study(outcome(STORED)), study(outcome(MISSING))

    assert Receipt([whole, whole]).complete
    assert Receipt([]).complete
    assert not Receipt([whole, half]).complete
    assert not Receipt([whole], reasons=["the search was capped"]).complete
    assert not Receipt([whole], reasons="the search was capped").complete
    assert ("x y",) == Receipt([], reasons="x y").reasons


def test_receipt_counts_every_status() -> None:
    """A zero is an answer too."""
    receipt = Receipt([study(outcome(STORED), outcome(FAILED, "2")), study(outcome(STORED, "3"))])

    none = dict.fromkeys(OutcomeStatus, 0)
    assert {**none, STORED: 2, FAILED: 1} == receipt.counts
    assert 3 == len(receipt.outcomes)
    assert (InstanceReference("1", "1.1", "2"),) == receipt.missing


def test_repr_says_it_in_a_line() -> None:
    """Loudly."""
    many = [outcome(STORED, f"1.{n}") for n in range(5000)]

    assert "Receipt(complete: 5000 instances of 1 studies)" == repr(Receipt([study(*many)]))
    assert "Receipt(INCOMPLETE: 0 instances of 1 studies)" == repr(
        Receipt([study(outcome(MISSING))])
    )


def test_receipts_of_one_download_are_equal_whenever_it_ran() -> None:
    """What came counts, not how long it took."""
    now = datetime(2024, 1, 1, tzinfo=timezone.utc)

    assert Receipt([study(outcome(STORED))]) == Receipt([study(outcome(STORED))], started=now)


# ---------------------------------------------------------------- JSON


@pytest.fixture
def receipt() -> Receipt:
    """Return a receipt with all that a receipt can hold."""
    time = datetime(2024, 1, 1, 12, 30, 15, 250, tzinfo=timezone.utc)
    full = Outcome(
        reference=InstanceReference("1", "1.1", "1.1.1"),
        status=STORED,
        path="1/1.1/1.1.1.dcm",
        size=123,
        checksum="sha256:00ff",
        transfer_syntax="1.2.840.10008.1.2.1",
        protocol="WADO-RS",
        retries=1,
        notes=("odd, but whole", 'with "quotes"'),
    )
    listed = Outcome(reference=SeriesReference("1", "1.2"), status=MISSING, reason="not\nlisted")
    nameless = Outcome(reference=None, status=FAILED, reason="not DICOM; ü")
    expectation = Expectation(7, "instance listing", Completeness.CAPPED, ("it stops at 7",))
    studies = [
        StudyReceipt("1", expectation, [full, listed, nameless]),
        StudyReceipt("2", Expectation(None, "nobody"), []),
    ]
    return Receipt(studies, ["a reason"], "https://pacs.example/rs", time, time)


def test_json_reads_back(receipt: Receipt) -> None:
    """A receipt outlives the process, times included."""
    other = Receipt.from_json(receipt.to_json())

    assert receipt == other
    assert (receipt.started, receipt.finished) == (other.started, other.finished)
    assert receipt.to_json() == other.to_json()


def test_json_without_times_reads_back() -> None:
    """Not every receipt has them."""
    receipt = Receipt([])

    assert receipt == Receipt.from_json(receipt.to_json())
    assert None is Receipt.from_json(receipt.to_json()).started


def test_json_holds_the_figures_for_those_who_only_read(receipt: Receipt) -> None:
    """`jq .complete` is the answer."""
    content = json.loads(receipt.to_json())
    first = content["studies"][0]

    assert "gurney receipt 1" == content["format"]
    assert False is content["complete"]
    assert False is first["complete"]
    assert 1 == first["received"]
    assert ["1/1.2"] == first["missing"]
    assert "stored" == first["instances"][0]["status"]
    assert "1/1.1/1.1.1" == first["instances"][0]["reference"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"text"',
        '{"format": "gurney receipt 2"}',
        '{"format": "gurney receipt 1"}',
        '{"format": "gurney receipt 1", "studies": 7}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    """By one error, whatever it is instead."""
    with pytest.raises(InvalidInputError, match="not a receipt that gurney wrote"):
        Receipt.from_json(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"stored"', '"lost"'),
        ('"1/1.1/1.1.1"', '"1//1"'),
        ('"1/1.1/1.1.1"', "7"),
        ('"capped"', '"so so"'),
        ('"size": 123', '"weight": 123'),
        ('"reason": "not DICOM; ', '"reason": "", "x": "'),
        ("2024-01-01T", "2024-13-01T"),
    ],
)
def test_damaged_receipt_is_refused(receipt: Receipt, old: str, new: str) -> None:
    """A receipt is a proof, so it is not guessed at."""
    text = receipt.to_json()
    assert old in text

    with pytest.raises(InvalidInputError, match="not a receipt that gurney wrote"):
        Receipt.from_json(text.replace(old, new))


def test_receipt_survives_pickling(receipt: Receipt) -> None:
    """It comes back from worker processes."""
    assert receipt == pickle.loads(pickle.dumps(receipt))
    assert hash(receipt) == hash(pickle.loads(pickle.dumps(receipt)))


def test_other_uids_survive_json() -> None:
    """What a transform renamed is known by both names; older receipts know of one."""
    renamed = InstanceReference("2", "2.1", "2.1.1")
    receipt = Receipt([study(outcome(STORED, stored_as=renamed), outcome(WITHHELD, "1.1.2"))])
    text = receipt.to_json()
    older = json.loads(text)
    for instance in older["studies"][0]["instances"]:
        del instance["stored_as"]

    assert receipt == Receipt.from_json(text)
    assert [renamed, None] == [o.stored_as for o in Receipt.from_json(text).outcomes]
    assert [None, None] == [o.stored_as for o in Receipt.from_json(json.dumps(older)).outcomes]


def test_stored_as_names_an_instance() -> None:
    """Nothing less can be looked for."""
    text = Receipt([study(outcome(STORED))]).to_json()

    with pytest.raises(InvalidInputError, match="not a receipt"):
        Receipt.from_json(text.replace('"stored_as": null', '"stored_as": "1.2/1.2.3"'))


# ---------------------------------------------------------------- CSV


def test_csv_has_a_line_for_each_outcome(receipt: Receipt) -> None:
    """For a spreadsheet: UIDs in columns of their own, empty where there is none."""
    rows = list(csv.DictReader(io.StringIO(receipt.to_csv())))

    assert [
        "study_uid",
        "series_uid",
        "instance_uid",
        "status",
        "reason",
        "path",
        "size",
        "checksum",
        "transfer_syntax",
        "protocol",
        "retries",
        "notes",
        "stored_as",
    ] == list(rows[0])
    assert {
        "study_uid": "1",
        "series_uid": "1.1",
        "instance_uid": "1.1.1",
        "status": "stored",
        "reason": "",
        "path": "1/1.1/1.1.1.dcm",
        "size": "123",
        "checksum": "sha256:00ff",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "protocol": "WADO-RS",
        "retries": "1",
        "notes": 'odd, but whole; with "quotes"',
        "stored_as": "",
    } == rows[0]
    assert ("1", "1.2", "", "missing", "not listed") == tuple(rows[1].values())[:5]
    assert ("", "", "", "failed", "not DICOM; ü") == tuple(rows[2].values())[:5]
    assert 4 == len(receipt.to_csv().splitlines())


def test_csv_of_nothing_is_a_heading() -> None:
    """One that a spreadsheet can read."""
    assert 1 == len(Receipt([]).to_csv().splitlines())


def test_study_level_outcome_names_its_study() -> None:
    """When not even the series are known."""
    lost = Outcome(reference=StudyReference("1"), status=MISSING, reason="unknown")
    receipt = Receipt([StudyReceipt("1", Expectation(None, "nobody"), [lost])])

    assert (StudyReference("1"),) == receipt.missing
    assert receipt.to_csv().splitlines()[1].startswith("1,,,missing,unknown,")
