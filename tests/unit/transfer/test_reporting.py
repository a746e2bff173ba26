"""The receipt of a transfer."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.unit.transfer.ledgers import (
    AT_ONCE,
    ONCE,
    claim,
    fetch_all,
    outcome,
    planned,
    references,
)

from gurney.core import (
    Completeness,
    Expectation,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Receipt,
    SeriesReference,
    StorageError,
)
from gurney.transfer.ledger import Ledger
from gurney.transfer.parcels import Delivered
from gurney.transfer.reporting import Report

STORED, THERE, FAILED, MISSING, REFUSED, WITHHELD, UNEXPECTED = OutcomeStatus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger with something of everything."""
    folder = tmp_path / "gurney-transfer"
    one, two, three, four = references("2", 2, 2)
    unknown = SeriesReference("3", "3.9")
    with Ledger.open(folder) as ledger:
        ledger.agree({"from": ("Größe", "second")})
        ledger.began("p", "plan", 0.0)
        doubtful = Expectation(4, "a listing", Completeness.UNKNOWN, ("nobody says",))
        planned(
            ledger,
            claim("1"),
            claim("2", (one, two, three, four), expected=doubtful),
            claim("3", expected=Expectation(None, "a listing"), unresolved=((unknown, "no list"),)),
            claim("4", ()),
        )
        items = ledger.announce((f"row {n}", ledger.digest(f"{n}")) for n in range(5, 10))
        ledger.failed_to_plan(items[:1], "the archive lists no such study")
        ledger.planned(items[1:3], [], ["odd"], ["it stops at 3"], Completeness.CAPPED)
        ledger.ended("p", 1.0)
        ledger.began("r", "run", 2.0)
        first, second, _ = ledger.parcels(9, 2.0)
        told = [outcome(each) for each in references("1")]
        again = Outcome(reference=told[0].reference, status=UNEXPECTED, reason="twice")
        stray = outcome(references("9")[0], UNEXPECTED)
        nameless = Outcome(reference=None, status=UNEXPECTED, reason="no name")
        ledger.record(
            Delivered(parcel=first.number, outcomes=(*told, again, stray, nameless)), ONCE, 2.0
        )
        mixed = (
            outcome(one, notes=("a\nb", "c")),
            outcome(two, FAILED, reason='it said "no", twice'),
            outcome(three, MISSING),
        )
        ledger.record(Delivered(parcel=second.number, outcomes=mixed), AT_ONCE, 2.0)
        ledger.ended("r", 3.0, "the disk is full")
    return folder


def test_there_must_be_a_ledger(tmp_path: Path) -> None:
    """No receipt is made of nothing."""
    with pytest.raises(InvalidInputError, match="there is no ledger"):
        Report(tmp_path).receipt()


def test_receipt_of_a_transfer_that_is_complete(tmp_path: Path) -> None:
    """Everything wanted is here, whole, and known to be everything."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"))
        fetch_all(ledger)
    receipt = Report(tmp_path).receipt()

    assert Report(tmp_path).complete
    assert receipt.complete
    assert () == receipt.reasons == Report(tmp_path).reasons
    assert ["1", "2"] == [study.study_uid for study in receipt.studies]
    assert list(map(outcome, references("1"))) == list(receipt.studies[0].outcomes)


def test_receipt_says_all_that_is_not_complete(folder: Path) -> None:
    """By place for what is wanted, by study for what is known."""
    receipt = Report(folder).receipt()

    assert not receipt.complete
    assert (
        "row 8 and 1 more: not looked up yet",
        "row 5: the archive lists no such study",
        "row 6 and 1 more: it stops at 3",
        "1 instances came that cannot be named",
    ) == receipt.reasons
    assert (
        "odd",
        "1 instances came a second time, or with others; they were not taken again",
    ) == receipt.notes
    assert [True, False, False, True, True] == [study.complete for study in receipt.studies]
    assert ["1", "2", "3", "4", "9"] == [study.study_uid for study in receipt.studies]
    assert 3 + 3 + 1 == len(receipt.missing)


def test_receipt_says_where_from_and_when(folder: Path) -> None:
    """From the first planning to the end of the last run."""
    receipt = Report(folder).receipt()

    assert "Größe, second" == receipt.archive
    assert datetime(1970, 1, 1, tzinfo=timezone.utc) == receipt.started
    assert datetime(1970, 1, 1, 0, 0, 3, tzinfo=timezone.utc) == receipt.finished


def test_pending_says_how_the_run_ended(folder: Path) -> None:
    """And what happened at the last attempt, if there was one."""
    _, two, three, *_ = Report(folder).receipt().studies
    reasons = [each.reason for each in two.outcomes]

    full = "not fetched yet: the disk is full"
    last = f'{full}; the last attempt: it said "no", twice'
    assert ["", last, f"{full}; the last attempt: for a reason", full] == reasons
    assert [full] * 3 + ["no list"] == [each.reason for each in three.outcomes]


def test_members_of_a_report_say_what_its_receipt_says(folder: Path) -> None:
    """Told without reading all of it."""
    report, receipt = Report(folder), Report(folder).receipt()

    assert receipt.complete is report.complete
    assert receipt.reasons == report.reasons
    assert receipt.counts == report.counts
    assert receipt.studies == tuple(report.studies())
    assert [each for each in receipt.studies if not each.complete] == list(
        report.studies(incomplete=True)
    )


@pytest.mark.parametrize("many", [True, False])
def test_files_are_those_of_the_receipt(folder: Path, tmp_path: Path, many: bool) -> None:
    """Byte by byte, though no more than a study is in memory."""
    if not many:
        folder = tmp_path / "empty"
        Ledger.open(folder).close()
    report = Report(folder)
    report.write_json(tmp_path / "a.json")
    report.write_csv(tmp_path / "a.csv")
    receipt = report.receipt()

    assert receipt.to_json().encode() == (tmp_path / "a.json").read_bytes()
    assert receipt.to_csv().encode() == (tmp_path / "a.csv").read_bytes()
    assert receipt == Receipt.from_json((tmp_path / "a.json").read_text())


def test_no_file_is_overwritten(folder: Path, tmp_path: Path) -> None:
    """An earlier receipt is a proof."""
    path = tmp_path / "a.json"
    path.write_text("precious")

    with pytest.raises(StorageError, match="is there already and is not overwritten"):
        Report(folder).write_json(path)
    assert "precious" == path.read_text()


def test_file_that_cannot_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    """Nothing is left behind."""
    with pytest.raises(StorageError, match=r"a\.csv cannot be written"):
        Report(folder).write_csv(tmp_path / "nowhere" / "a.csv")

    assert [folder] == list(tmp_path.iterdir())


def test_report_travels(folder: Path) -> None:
    """It is a folder, and reads when it is asked."""
    report = Report(folder)

    assert report == pickle.loads(pickle.dumps(report))
    with Ledger.open(folder) as ledger:
        before = report.counts
        fetch_all(ledger, 9.0)

    assert before != report.counts
    assert 3 + 4 + 3 == report.counts[STORED]


def test_a_study_is_read_while_others_go_on(folder: Path) -> None:
    """What a report tells is of one moment, however long it takes to tell it."""
    studies = Report(folder).studies()
    first = next(studies)
    with Ledger.open(folder) as ledger:
        fetch_all(ledger, 9.0)
    rest = list(studies)

    assert first.complete
    assert 6 == sum(each.status is MISSING for each in rest[0].outcomes + rest[1].outcomes) - 1
    assert all(study.complete for study in Report(folder).studies() if study.study_uid == "1")


def test_without_hard_links_files_are_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have none; nothing is overwritten there either."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "a.json"
    Report(folder).write_json(path)
    with pytest.raises(StorageError, match="is there already"):
        Report(folder).write_json(path)

    assert Report(folder).receipt() == Receipt.from_json(path.read_text())


def test_pending_before_any_run_is_not_fetched_yet(tmp_path: Path) -> None:
    """A plan has a receipt too: nothing of it is here."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        ledger.began("p", "plan", 0.0)
        ledger.ended("p", 1.0, "it was interrupted")
    (study,) = Report(tmp_path).studies()

    assert [(MISSING, "not fetched yet")] * 3 == [
        (each.status, each.reason) for each in study.outcomes
    ]


def test_what_came_without_a_name_and_came_again_whole_is_a_note(tmp_path: Path) -> None:
    """While something is missing, it may be that: a reason. When all is here, it was not."""
    nameless = Outcome(reference=None, status=FAILED, reason="cut in its header")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        parcel = next(ledger.parcels(9, 0.0))
        ledger.record(Delivered(parcel=parcel.number, outcomes=(nameless,)), AT_ONCE, 0.0)
        before = Report(tmp_path).receipt()
        fetch_all(ledger)
        after = Report(tmp_path).receipt()

    said = "1 instances came that cannot be named"
    assert (said in before.reasons, said in before.notes) == (True, False)
    assert (said in after.reasons, said in after.notes) == (False, True)
    assert after.complete
    assert Report(tmp_path).complete
