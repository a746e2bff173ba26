"""A ledger keeps what is wanted, and what an archive said of it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from tests.unit.transfer.ledgers import claim, fetch_all, planned, references

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    Expectation,
    InvalidInputError,
    OutcomeStatus,
    SeriesReference,
)
from gurney.transfer.ledger import Ledger, Sample, Setting

UNKNOWN, CAPPED = Completeness.UNKNOWN, Completeness.CAPPED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "gurney-transfer"


# ---------------------------------------------------------------- opening


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_only_its_owner_reads_a_ledger(folder: Path) -> None:
    """Names of studies are not for everybody on a shared machine."""
    with Ledger.open(folder) as ledger, ledger.locked():
        planned(ledger, claim("1"))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}

    assert dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm", "lock"), 0o600) == modes
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_reading_needs_a_ledger(folder: Path) -> None:
    """Whoever asks for the status of nothing is told so, and nothing is made."""
    with pytest.raises(InvalidInputError, match="there is no ledger in gurney-transfer"):
        Ledger.reading(folder)

    assert not folder.exists()


def test_what_is_kept_is_there_when_it_is_opened_again(folder: Path) -> None:
    """A ledger is all that a transfer remembers."""
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1"), claim("2"))
        fetch_all(ledger)
        before = ledger.counts

    with Ledger.open(folder) as ledger:
        assert before == ledger.counts


# ---------------------------------------------------------------- agreeing


def test_settings_come_back_as_they_went_in(folder: Path) -> None:
    """What a transfer is can be read from its ledger alone."""
    settings: dict[str, Setting] = {
        "from": ("a", "b"),
        "to": "out",
        "rate": 2.5,
        "parallel": 4,
        "window": None,
    }
    with Ledger.open(folder) as ledger:
        ledger.agree(settings)
        ledger.agree({"layout": "{SOPInstanceUID}"})

    with Ledger.reading(folder) as ledger:
        assert {**settings, "layout": "{SOPInstanceUID}"} == ledger.settings


def test_another_value_is_refused_and_named(folder: Path) -> None:
    """A transfer into another layout would fetch everything twice."""
    with Ledger.open(folder) as ledger:
        ledger.agree({"to": "out", "layout": "a"})

        with pytest.raises(InvalidInputError, match="has layout a, and is asked for layout b"):
            ledger.agree({"to": "out", "layout": "b"})
        assert {"to": "out", "layout": "a"} == ledger.settings


# ---------------------------------------------------------------- items


def test_digest_depends_on_the_ledger(folder: Path, tmp_path: Path) -> None:
    """Accession numbers are short: without a key anybody could try them all."""
    with Ledger.open(folder) as one, Ledger.open(tmp_path / "other") as other:
        assert one.digest("A1") == one.digest("A1")
        assert one.digest("A1") != one.digest("A2")
        assert one.digest("A1") != other.digest("A1")
        assert 16 == len(one.digest("A1"))


def test_items_are_known_again(folder: Path) -> None:
    """A list that has grown goes on where it was; a line that occurs twice is one item."""
    with Ledger.open(folder) as ledger:
        first = ledger.announce([("row 1", ledger.digest("a")), ("row 2", ledger.digest("b"))])
        ledger.planned(first[:1], [claim("1")])
        again = ledger.announce(
            (f"row {n}", ledger.digest(text)) for n, text in enumerate("bcab", start=1)
        )

        assert [first[1], again[1], first[0], first[1]] == again
        assert [first[1], again[1]] == ledger.unplanned()
        assert ["row 1", "row 2", "row 2"] == [item.place for item in ledger.items()]


def test_what_cannot_be_planned_is_kept_with_its_reason(folder: Path) -> None:
    """It is asked for again only by who wants that."""
    with Ledger.open(folder) as ledger:
        one, two = ledger.announce((each, ledger.digest(each)) for each in ("row 1", "row 2"))
        ledger.failed_to_plan([one], "the archive lists no such study")

        assert [two] == ledger.unplanned()
        assert [two, one] == ledger.unplanned(failed=True)
        (failed,) = ledger.items(state="failed")
        assert ("row 1", "the archive lists no such study") == (failed.place, failed.reason)
        ledger.planned([one], [claim("1")])
        assert [] == list(ledger.items(state="failed"))


def test_failing_again_does_not_undo_a_plan(folder: Path) -> None:
    """What has been found stays found."""
    with Ledger.open(folder) as ledger:
        (item,) = planned(ledger, claim("1"))
        ledger.failed_to_plan([item], "the archive is away")

        assert ["planned"] == [each.state for each in ledger.items()]


# ---------------------------------------------------------------- claims


def test_each_instance_is_expected_once(folder: Path) -> None:
    """Claims overlap: a study asked for by its UID, and by its accession number."""
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1", references("1", 2)), claim("1", references("1", 1)))
        (study,) = ledger.studies("pending")

        assert 6 == ledger.counts.instances == ledger.counts.pending
        assert list(references("1", 2)) == [each.reference for each in study.outcomes]
        assert 6 == study.expectation.count


@pytest.mark.parametrize(
    ("listed", "counts", "expected"),
    [
        ((3,), (5,), 5),  # the archive counts more than it lists
        ((3,), (2,), 3),  # and less
        ((3, 3), (5, 5), 5),  # two questions with one answer
        ((3, 1), (3, 2), 4),  # one branch falls short of its count: so does the whole
        ((3, 3), (3, 9), 9),
        ((3,), (None,), None),
        ((3, 3), (3, None), None),
    ],
)
def test_counts_of_several_claims(
    folder: Path, listed: list[int], counts: list[int | None], expected: int | None
) -> None:
    """Each claim must reach its own count, and so must the study."""
    with Ledger.open(folder) as ledger:
        planned(
            ledger,
            *(
                claim("1", references("1", 1, size), expected=Expectation(count, "a listing"))
                for size, count in zip(listed, counts, strict=True)
            ),
        )
        (study,) = ledger.studies("pending")

    assert expected == study.expectation.count


def test_what_claims_say_is_put_together(folder: Path) -> None:
    """The doubts of one are the doubts of all."""
    own = "instance listing and the archive's own count"
    with Ledger.open(folder) as ledger:
        planned(
            ledger,
            claim("1", expected=Expectation(3, own, UNKNOWN, ("nobody says",))),
            claim("1", expected=Expectation(3, "instances named by the caller")),
            claim("1", expected=Expectation(3, own, CAPPED, ("nobody says", "it stops at 3"))),
        )
        (study,) = ledger.studies("pending")

    source = "instance listing and instances named by the caller and the archive's own count"
    reasons = ("nobody says", "it stops at 3")
    assert Expectation(3, source, CAPPED, reasons) == study.expectation


def test_what_is_not_known_of_a_study_is_missing(folder: Path) -> None:
    """A series that the archive lists without its instances does not vanish."""
    unknown = SeriesReference("1", "1.9")
    more = Expectation(None, "instance listing")
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1", expected=more, unresolved=((unknown, "not listed"),)))
        fetch_all(ledger)
        (study,) = ledger.studies("pending")

        assert (unknown,) == study.missing
        assert "not listed" == study.outcomes[-1].reason
        assert not ledger.complete
        assert 1 == ledger.unresolved


def test_what_is_not_known_is_told_once_in_order(folder: Path) -> None:
    """Two items want the same series, and neither could be told what is in it."""
    eight, nine = SeriesReference("1", "1.8"), SeriesReference("1", "1.9")
    with Ledger.open(folder) as ledger:
        planned(
            ledger,
            claim("1", (), unresolved=((nine, "first"), (eight, "first"))),
            claim("1", (), unresolved=((nine, "second"),)),
        )
        (study,) = ledger.studies("pending")

        assert [(eight, "first"), (nine, "first")] == [
            (each.reference, each.reason) for each in study.outcomes
        ]
        assert 2 == ledger.unresolved


def test_planning_again_replaces_what_was_claimed(folder: Path) -> None:
    """Doubts go when they are gone; what was expected once stays expected."""
    doubtful = Expectation(9, "a listing", UNKNOWN, ("nobody says",))
    with Ledger.open(folder) as ledger:
        (item,) = planned(ledger, claim("1", expected=doubtful))
        ledger.planned([item], [claim("1", references("1", 2))])
        (study,) = ledger.studies("pending")

    assert Expectation(6, "instance listing") == study.expectation
    assert 6 == len(study.outcomes)


def test_a_study_that_is_named_no_more_is_doubtful(folder: Path) -> None:
    """It was expected, and perhaps fetched; nobody vouches for it."""
    with Ledger.open(folder) as ledger:
        (item,) = planned(ledger, claim("1"))
        ledger.planned([item], [])
        fetch_all(ledger)
        (study,) = ledger.studies("pending")

    assert not study.complete
    assert UNKNOWN is study.expectation.completeness


def test_order_is_that_of_items_not_of_planning(folder: Path) -> None:
    """Threads that plan are not in order; receipts are."""
    with Ledger.open(folder) as ledger:
        one, two, three = ledger.announce((each, ledger.digest(each)) for each in "abc")
        ledger.planned([three], [claim("3")])
        ledger.planned([one, two], [claim("2", item=two), claim("1", item=one)])
        ledger.planned([two], [claim("2"), claim("3")])

        assert ["1", "2", "3"] == [study.study_uid for study in ledger.studies("pending")]


def test_all_of_it_or_nothing_is_planned(folder: Path) -> None:
    """A claim that is wrong in itself leaves no trace of those before it."""
    with Ledger.open(folder) as ledger:
        items = ledger.announce([("row 1", ledger.digest("a"))])

        with pytest.raises(InvalidInputError, match=r"a claim of study 2 names 1/1\.1/1\.1\.1"):
            ledger.planned(items, [claim("1"), claim("2", references("1"))])
        assert (0, 0, items) == (
            ledger.counts.instances,
            ledger.counts.studies,
            ledger.unplanned(),
        )


def test_claim_of_an_item_that_is_not_planned_is_refused(folder: Path) -> None:
    """The order of a receipt would depend on it."""
    with Ledger.open(folder) as ledger:
        items = ledger.announce([("row 1", ledger.digest("a"))])

        with pytest.raises(InvalidInputError, match="claimed by item 7"):
            ledger.planned(items, [claim("1", item=7)])


def test_doubts_are_counted(folder: Path) -> None:
    """A plan says how sure it is."""
    doubtful = Expectation(3, "a listing", UNKNOWN, ("nobody says",))
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1", expected=doubtful), claim("2", expected=doubtful), claim("3"))
        items = ledger.announce([("row 9", ledger.digest("9"))])
        ledger.planned(items, [], reasons=["it stops at 3"], completeness=CAPPED)

        assert ((UNKNOWN, "nobody says", 2), (CAPPED, "it stops at 3", 1)) == ledger.doubts()


def test_reasons_without_a_completeness_are_doubts(folder: Path) -> None:
    """Nobody gives a reason for what is complete."""
    with Ledger.open(folder) as ledger:
        items = ledger.announce([("row 9", ledger.digest("9"))])
        ledger.planned(items, [], reasons=["something is odd"])

        assert ((UNKNOWN, "something is odd", 1),) == ledger.doubts()


def test_modalities_are_told_as_far_as_they_are_known(folder: Path) -> None:
    """Those of series that no listing described are counted under nothing."""
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1", references("1", 2), modalities={"1.1": "CT"}))

        assert {"": 3, "CT": 3} == ledger.modalities
    with Ledger.open(folder.with_name("other")) as ledger:
        planned(ledger, claim("1"))

        assert {} == ledger.modalities


# ---------------------------------------------------------------- figures


def test_counts_of_a_plan(folder: Path) -> None:
    """What is to be done is known before anything is fetched."""
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1"), claim("2", ()))
        ledger.announce([("row 8", ledger.digest("8")), ("row 9", ledger.digest("9"))])
        ledger.failed_to_plan(ledger.unplanned()[:1], "no such study")
        counts = ledger.counts

    assert (4, 1, 1) == (counts.items, counts.unplanned, counts.unplannable)
    assert (2, 1, 0) == (counts.studies, counts.finished_studies, counts.incomplete_studies)
    assert (3, 3, 0, 0) == (counts.instances, counts.pending, counts.done, counts.failed)
    assert set(OutcomeStatus) == set(counts.by_status)


def test_samples_come_back_in_order(folder: Path) -> None:
    """What is plotted over time is what was sampled."""
    samples = [
        Sample(time=5.0 * n, done=n, failed=0, received=n, waiting="for the window", until=9.5)
        for n in range(4)
    ]
    with Ledger.open(folder) as ledger:
        for sample in reversed(samples):
            ledger.sample(sample)

        assert tuple(samples) == ledger.samples()
        assert tuple(samples[2:]) == ledger.samples(since=10.0)


def test_runs_come_back_in_order(folder: Path) -> None:
    """A receipt says when, a status says who."""
    with Ledger.open(folder) as ledger:
        ledger.began("a", "plan", 1.0)
        ledger.ended("a", 2.0)
        ledger.began("b", "run", 3.0)
        one, two = ledger.runs()

    assert ("a", "plan", 1.0, 2.0, "") == (one.name, one.doing, one.began, one.ended, one.why)
    assert ("b", None) == (two.name, two.ended)


def test_whole_levels_do_not_touch_the_order_of_instances(folder: Path) -> None:
    """Instances are in tree order, whatever the listing's."""
    with Ledger.open(folder) as ledger:
        planned(ledger, claim("1", references("1", 2)[::-1], whole=DICOMObjectLevels.SERIES))
        (study,) = ledger.studies("pending")

    assert list(references("1", 2)) == [each.reference for each in study.outcomes]
