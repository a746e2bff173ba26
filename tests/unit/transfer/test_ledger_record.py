"""Each instance has one outcome, whatever is reported late, twice or in another order."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from tests.unit.transfer.ledgers import (
    AT_ONCE,
    ONCE,
    claim,
    delivered,
    fetch_all,
    outcome,
    planned,
    references,
)

from gurney.core import InstanceReference, Outcome, OutcomeStatus, SeriesReference
from gurney.manners import Retries
from gurney.transfer.ledger import Ledger
from gurney.transfer.parcels import Delivered

STORED, THERE, FAILED, MISSING, REFUSED, WITHHELD, UNEXPECTED = OutcomeStatus
ONE = InstanceReference("1", "1.1", "1.1.1")


def outcomes(ledger: Ledger) -> list[Outcome]:
    return [each for study in ledger.studies("not fetched yet") for each in study.outcomes]


def statuses(ledger: Ledger) -> list[OutcomeStatus]:
    return [each.status for each in outcomes(ledger)]


def attempt(ledger: Ledger, *told: Outcome, retries: Retries = AT_ONCE) -> None:
    """Hand out one parcel, and have it end with *told*."""
    parcel = next(ledger.parcels(500, 0.0))
    ledger.record(Delivered(parcel=parcel.number, outcomes=told), retries, 0.0)


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    "kept",
    [
        outcome(ONE),
        outcome(ONE, retries=4, notes=("odd", "odder")),
        Outcome(reference=ONE, status=THERE, path="a/b.dcm", size=1 << 40),
        Outcome(reference=ONE, status=STORED, path="1.1.1", checksum="md5:zz"),
        Outcome(reference=ONE, status=STORED, path="1/1.1/1.1.1/1.1.1.dcm", checksum="ABC"),
        Outcome(reference=ONE, status=STORED, path="\x01/1.1.1\x02", checksum="sha1:AB"),
        Outcome(reference=ONE, status=STORED, path="5.6.7.dcm", checksum=":00", stored_as=ONE),
        outcome(ONE, WITHHELD, stored_as=InstanceReference("5", "5.6", "5.6.7"), path="5.6.7"),
        outcome(ONE, FAILED, protocol="C-GET", size=3),
        outcome(ONE, MISSING, reason="Größe"),
        outcome(ONE, REFUSED, path="there/1.1.1.dcm"),
    ],
)
def test_outcome_comes_back_as_it_was(tmp_path: Path, kept: Outcome) -> None:
    """To the letter: checksums in capitals, paths of any layout, other UIDs."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, kept, retries=ONCE)

        assert [kept] == outcomes(ledger)


@pytest.mark.parametrize("at_once", [True, False], ids=["one report", "two reports"])
def test_two_instances_are_not_kept_as_one(tmp_path: Path, at_once: bool) -> None:
    """A transform gave both the same UIDs, and made the same of both: there is one file of two."""
    two = InstanceReference("1", "1.1", "1.1.2")
    same = InstanceReference("7", "7.7", "7.7.7")
    kept = [outcome(ONE, stored_as=same), outcome(two, THERE, stored_as=same)]
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE, two]))
        if at_once:
            attempt(ledger, *kept)
        else:
            attempt(ledger, kept[0])
            attempt(ledger, kept[1])
        first, second = outcomes(ledger)

    assert kept[0] == first
    assert REFUSED is second.status
    assert "SOP Instance UID of its own" in second.reason


def test_what_a_transform_renamed_may_be_reported_twice(tmp_path: Path) -> None:
    """It is the same instance, and not its own double."""
    again = outcome(ONE, stored_as=InstanceReference("7", "7.7", "7.7.7"))
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, again)
        ledger.lost([ONE])
        attempt(ledger, again)

        assert [STORED] == statuses(ledger)


def test_what_is_no_character_is_told_in_ascii(tmp_path: Path) -> None:
    """A strange file name, or a strange UID of what came unasked, does not stop a run."""
    stray = outcome(InstanceReference("1", "1.1", "1.\ud800"), UNEXPECTED)
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, outcome(ONE, MISSING, reason="no \udc80.dcm"), stray, retries=ONCE)
        missing, unasked = outcomes(ledger)

    assert "no \\udc80.dcm" == missing.reason
    assert stray == unasked


def test_figures_follow(tmp_path: Path) -> None:
    """Counts are kept as things go on, and agree with what a receipt would count."""
    one, two, three = references("1")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"))
        (first, second) = ledger.parcels(9, 0.0)
        told = (outcome(one), outcome(two, WITHHELD, size=5), outcome(three, REFUSED))
        report = Delivered(
            parcel=first.number,
            outcomes=told,
            received=100,
            refusals=2,
            by_archive=(("a", 60), ("b", 40)),
        )
        ledger.record(report, ONCE, 0.0)
        ledger.record(attrs.evolve(delivered(second), by_archive=(("b", 2),)), ONCE, 0.0)
        counts = ledger.counts

    assert (6, 0, 5, 1) == (counts.instances, counts.pending, counts.good, counts.failed)
    assert (2, 2, 1) == (counts.studies, counts.finished_studies, counts.incomplete_studies)
    assert {STORED: 4, WITHHELD: 1, REFUSED: 1} == {k: n for k, n in counts.by_status.items() if n}
    assert (28, 100, 2) == (counts.stored_bytes, counts.received, counts.refusals)
    assert {"a": 60, "b": 42} == counts.by_archive


# ---------------------------------------------------------------- again


@pytest.mark.parametrize("status", [FAILED, MISSING])
def test_instances_are_tried_as_often_as_is_allowed(tmp_path: Path, status: OutcomeStatus) -> None:
    """One bad instance does not vanish, and does not go on for ever."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        parcels = 0
        for parcel in ledger.parcels(9, 0.0):
            parcels += 1
            ledger.record(delivered(parcel, status), AT_ONCE, 0.0)

        assert 3 == parcels
        assert [status] * 3 == statuses(ledger)
        assert [2] * 3 == [each.retries for each in outcomes(ledger)]
        assert 0 == ledger.counts.pending


def test_retries_are_summed(tmp_path: Path) -> None:
    """Those of the downloader, and ours."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, outcome(ONE, FAILED, retries=2))
        attempt(ledger, outcome(ONE, MISSING, retries=0))
        attempt(ledger, outcome(ONE, retries=3))

        assert [7] == [each.retries for each in outcomes(ledger)]
        assert [STORED] == statuses(ledger)


def test_refused_is_final(tmp_path: Path) -> None:
    """It contradicts what is there: asking again changes nothing."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, outcome(ONE, REFUSED))

        assert [REFUSED] == statuses(ledger)
        assert [] == list(ledger.parcels(9, 0.0))


def test_what_has_no_outcome_comes_again_unharmed(tmp_path: Path) -> None:
    """A worker was parked, or the archive was away: that is no attempt."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        for _ in range(5):
            attempt(ledger, retries=ONCE)
        attempt(ledger, outcome(ONE), retries=ONCE)
        fetch_all(ledger)

        assert [STORED] * 3 == statuses(ledger)
        assert [0] * 3 == [each.retries for each in outcomes(ledger)]


def test_what_is_pending_says_what_happened_last(tmp_path: Path) -> None:
    """A receipt can be asked for at any time."""
    one, two, _ = references("1")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        attempt(ledger, outcome(one), outcome(two, FAILED, reason="it came damaged"))

        told = [(each.status, each.reason) for each in outcomes(ledger)]
        last = "not fetched yet; the last attempt: it came damaged"
        assert [(STORED, ""), (MISSING, last), (MISSING, "not fetched yet")] == told
        assert 2 == ledger.counts.pending


# ---------------------------------------------------------------- late, and twice


@pytest.mark.parametrize("late", [FAILED, MISSING, REFUSED, WITHHELD, THERE])
def test_what_is_good_stays_as_it_is(tmp_path: Path, late: OutcomeStatus) -> None:
    """An executor ran it twice, and the second time it was there already, or went wrong."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel), AT_ONCE, 0.0)
        before = ledger.counts
        report = Delivered(parcel=parcel.number, outcomes=(outcome(ONE, late, path="x"),))
        ledger.record(report, AT_ONCE, 0.0)

        assert [outcome(ONE)] == outcomes(ledger)
        assert before == ledger.counts
        assert [] == list(ledger.parcels(9, 0.0))


def test_a_report_that_comes_twice_is_one_attempt(tmp_path: Path) -> None:
    """Or what is tried three times would be given up after two."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        (parcel,) = ledger.parcels(9, 0.0)
        for _ in range(4):
            ledger.record(delivered(parcel, FAILED), AT_ONCE, 0.0)
        attempt(ledger, outcome(ONE))

        assert [1] == [each.retries for each in outcomes(ledger)]


def test_what_comes_whole_too_late_is_believed(tmp_path: Path) -> None:
    """It is on the disk, whatever was said of it meanwhile."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, FAILED), ONCE, 0.0)
        ledger.record(delivered(parcel), ONCE, 0.0)

        assert [STORED] == statuses(ledger)
        assert (0, 1, 1) == (
            ledger.counts.failed,
            ledger.counts.good,
            ledger.counts.finished_studies,
        )


def test_what_comes_whole_while_it_waits_is_not_fetched_again(tmp_path: Path) -> None:
    """The report of a lost worker, after its parcel failed with another."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, FAILED), AT_ONCE, 0.0)
        ledger.record(delivered(parcel, only=[ONE]), AT_ONCE, 0.0)
        (again,) = ledger.parcels(9, 0.0)

        assert references("1")[1:] == again.references
        ledger.record(delivered(again), AT_ONCE, 0.0)
        assert ledger.next_due(0.0) is None


def test_what_comes_whole_while_it_is_out_again_is_kept_once(tmp_path: Path) -> None:
    """Both workers say that they have it."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, FAILED), AT_ONCE, 0.0)
        (again,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, only=[ONE]), AT_ONCE, 0.0)
        ledger.record(delivered(again, THERE), AT_ONCE, 0.0)

        assert [STORED, THERE, THERE] == statuses(ledger)
        assert (3, 0, None) == (ledger.counts.good, ledger.counts.pending, ledger.next_due(0.0))


def test_report_on_what_was_given_back_is_taken(tmp_path: Path) -> None:
    """The worker was thought lost, and was only slow."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.give_back(parcel.number)
        ledger.record(delivered(parcel), ONCE, 0.0)

        assert [STORED] * 3 == statuses(ledger)
        assert [] == list(ledger.parcels(9, 0.0))


@pytest.mark.parametrize("order", [1, -1])
def test_the_best_of_two_outcomes_counts(tmp_path: Path, order: int) -> None:
    """It failed over one protocol and came over another."""
    told = (outcome(ONE, FAILED), outcome(ONE))[::order]
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, *told)

        assert [STORED] == statuses(ledger)
        assert 0 == ledger.counts.pending


# ---------------------------------------------------------------- unasked


def test_what_comes_unasked_is_told_once(tmp_path: Path) -> None:
    """In its study if that is wanted, in one of its own if not."""
    known = outcome(InstanceReference("1", "1.1", "1.1.9"), UNEXPECTED)
    foreign = outcome(InstanceReference("9", "9.1", "9.1.1"), UNEXPECTED)
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]), claim("2"))
        attempt(ledger, outcome(ONE), known, foreign)
        attempt(ledger, known, foreign)
        fetch_all(ledger)
        one, two, nine = ledger.studies("not fetched yet")

        assert (outcome(ONE), known) == one.outcomes
        assert ("9", (foreign,)) == (nine.study_uid, nine.outcomes)
        assert "nobody asked for this study" == nine.expectation.source
        assert [True] * 3 == [study.complete for study in (one, two, nine)]
        assert (2, 0, 0) == (
            ledger.strays.unexpected,
            ledger.strays.repeated,
            ledger.strays.nameless,
        )
        assert 2 == ledger.counts.by_status[UNEXPECTED]


def test_what_comes_with_others_is_no_second_outcome(tmp_path: Path) -> None:
    """An archive that sends a whole series sends what is wanted, and wanted later."""
    one, two, _ = references("1")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        first, *_ = ledger.parcels(1, 0.0)
        told = (outcome(one), outcome(one, UNEXPECTED), outcome(two, UNEXPECTED))
        ledger.record(Delivered(parcel=first.number, outcomes=told), ONCE, 0.0)

        assert [STORED, MISSING, MISSING] == statuses(ledger)
        assert 2 == ledger.strays.repeated
        assert 2 == ledger.counts.pending


def test_what_cannot_be_named_is_counted(tmp_path: Path) -> None:
    """Each that looks different once."""
    one = Outcome(reference=None, status=UNEXPECTED, reason="no name", path="a")
    two = Outcome(reference=None, status=UNEXPECTED, reason="no name", path="b")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        attempt(ledger, one, two)
        attempt(ledger, one)

        assert 2 == ledger.strays.nameless


def test_outcome_of_what_is_no_instance_is_not_lost(tmp_path: Path) -> None:
    """Whatever a worker says is in the receipt."""
    series = Outcome(reference=SeriesReference("1", "1.1"), status=FAILED, reason="broken")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", [ONE]))
        attempt(ledger, outcome(ONE), series)

        known, told = outcomes(ledger)

    assert outcome(ONE) == known
    assert (series.reference, UNEXPECTED) == (told.reference, told.status)
    assert "nobody expects it; failed broken" == told.reason


# ---------------------------------------------------------------- starting over


def test_retry_failed_begins_anew(tmp_path: Path) -> None:
    """With all attempts, and without forgetting how often it was asked for."""
    one, two, three = references("1")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"))
        told = (outcome(one), outcome(two, FAILED), outcome(three, REFUSED))
        attempt(ledger, *told, retries=ONCE)
        fetch_all(ledger)
        again = ledger.retry_failed()

        assert 2 == again == ledger.counts.pending
        assert (0, 1) == (ledger.counts.incomplete_studies, ledger.counts.finished_studies)
        attempt(ledger, outcome(two, FAILED), outcome(three))
        attempt(ledger, outcome(two))
        assert [STORED] * 6 == statuses(ledger)
        assert [0, 2, 1, 0, 0, 0] == [each.retries for each in outcomes(ledger)]
        assert (0, 0, 2) == (
            ledger.counts.pending,
            ledger.counts.failed,
            ledger.counts.finished_studies,
        )


def test_what_is_lost_is_fetched_again(tmp_path: Path) -> None:
    """Somebody has deleted a file between two runs."""
    gone = references("1")[1]
    foreign = InstanceReference("9", "9", "9")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        fetch_all(ledger)
        count = ledger.lost([gone, gone, foreign])

        assert 1 == count == ledger.counts.pending
        assert 14 == ledger.counts.stored_bytes
        missing = outcomes(ledger)[1]
        assert (MISSING, "") == (missing.status, missing.path)
        assert "was stored, and is not there any more" in missing.reason
        (parcel,) = ledger.parcels(9, 0.0)
        assert (gone,) == parcel.references
        ledger.record(delivered(parcel), ONCE, 0.0)
        assert [STORED] * 3 == statuses(ledger)


def test_stored_is_told_of_earlier_runs(tmp_path: Path) -> None:
    """The sweep looks for what this run has not seen itself, and may correct it on the way."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"), claim("3"))
        ledger.began("a", "run", 1.0)
        attempt(ledger, *map(outcome, references("1")))
        ledger.began("b", "run", 2.0)
        attempt(ledger, *map(outcome, references("2")))
        told = list(ledger.stored(before="b"))
        for each in ledger.stored():
            assert isinstance(each.reference, InstanceReference)
            ledger.lost([each.reference])

        assert list(map(outcome, references("1"))) == told
        assert 9 == ledger.counts.pending


def test_paths_that_follow_from_uids_are_kept_once(tmp_path: Path) -> None:
    """A million of them would be half of the ledger."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1.7"), claim("1.8", references("1.8", 2)))
        fetch_all(ledger)
        connection = ledger._db  # pyright: ignore[reportPrivateUsage]
        kept = connection.execute("SELECT count(*), count(DISTINCT path) FROM outcome").fetchone()

        assert (9, 1) == kept
        assert [f"{each.reference}.dcm" for each in outcomes(ledger)] == [
            each.path for each in outcomes(ledger)
        ]
