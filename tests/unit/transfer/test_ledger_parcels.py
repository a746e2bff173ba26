"""Parcels are cut from what is pending, and keep their numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from tests.unit.transfer.ledgers import (
    AT_ONCE,
    ONCE,
    claim,
    delivered,
    outcome,
    planned,
    references,
)

from gurney.core import DICOMObjectLevels, InstanceReference, OutcomeStatus
from gurney.transfer.ledger import Ledger
from gurney.transfer.parcels import Delivered, Parcel

STUDY, SERIES, INSTANCE = (
    DICOMObjectLevels.STUDY,
    DICOMObjectLevels.SERIES,
    DICOMObjectLevels.INSTANCE,
)


def uids(parcel: Parcel) -> list[str]:
    return [reference.instance_uid for reference in parcel.references]


# ---------------------------------------------------------------- cutting


def test_a_study_that_fits_is_one_parcel(tmp_path: Path) -> None:
    """One request can ask for all of it."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 2)), claim("2"))
        first, second = ledger.parcels(6, 0.0)

    assert (references("1", 2), STUDY) == (first.references, first.whole)
    assert (references("2"), STUDY) == (second.references, second.whole)


def test_a_study_that_does_not_fit_is_cut_between_series(tmp_path: Path) -> None:
    """Each series that fits stays whole; one that does not is asked for in parts."""
    large = tuple(InstanceReference("1", "1.9", f"1.9.{n}") for n in range(1, 8))
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", (*references("1", 3, 2), *large)))
        cut = [(len(parcel.references), parcel.whole) for parcel in ledger.parcels(5, 0.0)]

    assert [(4, SERIES), (2, SERIES), (5, INSTANCE), (2, INSTANCE)] == cut


@pytest.mark.parametrize(
    ("whole", "size", "level"), [(SERIES, 6, SERIES), (INSTANCE, 6, INSTANCE), (STUDY, 5, SERIES)]
)
def test_no_more_is_called_whole_than_is_known_to_be(
    tmp_path: Path, whole: DICOMObjectLevels, size: int, level: DICOMObjectLevels
) -> None:
    """Whoever asks for a study gets what is not wanted of it, too."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 2), whole=whole))
        first, *_ = ledger.parcels(size, 0.0)

    assert level is first.whole


def test_a_study_of_which_more_is_wanted_than_one_listing_named_is_not_whole(
    tmp_path: Path,
) -> None:
    """The listing that called it whole did not know all."""
    more = InstanceReference("1", "1.1", "1.1.9")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("1", [more], whole=INSTANCE))
        (parcel,) = ledger.parcels(9, 0.0)

    assert INSTANCE is parcel.whole


def test_what_is_left_of_a_study_is_not_whole(tmp_path: Path) -> None:
    """Instances that failed are asked for one by one; series that are whole are not."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 2)))
        (parcel,) = ledger.parcels(9, 0.0)
        stored = [outcome(reference) for reference in parcel.references[:2]]
        ledger.record(Delivered(parcel=parcel.number, outcomes=tuple(stored)), AT_ONCE, 0.0)
        whole, rest = ledger.parcels(9, 0.0)

    assert (SERIES, references("1", 2)[3:]) == (whole.whole, whole.references)
    assert (INSTANCE, references("1", 2)[2:3]) == (rest.whole, rest.references)


def test_studies_come_in_the_order_of_planning(tmp_path: Path) -> None:
    """What was wanted first is there first."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("3"), claim("1"), claim("2"))

        assert ["3", "1", "2"] == [
            parcel.references[0].study_uid for parcel in ledger.parcels(9, 0.0)
        ]


# ---------------------------------------------------------------- handing out


def test_nothing_is_handed_out_twice(tmp_path: Path) -> None:
    """One iterator or several: each instance is with one worker."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, *(claim(str(n)) for n in range(1, 5)))
        first = next(ledger.parcels(2, 0.0))
        others = [*islice(ledger.parcels(2, 0.0), 3), *ledger.parcels(2, 0.0)]
        everything = [uid for parcel in (first, *others) for uid in uids(parcel)]

        assert 12 == len(everything) == len(set(everything))
        assert [] == list(ledger.parcels(2, 0.0))
        assert ledger.next_due(0.0) is None


def test_what_is_given_back_comes_again_as_it_was(tmp_path: Path) -> None:
    """A worker was lost: nobody's fault, and its journal still fits."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.give_back(parcel.number)

        assert 0.0 == ledger.next_due(0.0)
        assert [parcel] == list(ledger.parcels(1, 0.0))


def test_giving_back_what_is_not_out_changes_nothing(tmp_path: Path) -> None:
    """Executors tell things twice."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel), ONCE, 0.0)
        ledger.give_back(parcel.number)

        assert [] == list(ledger.parcels(9, 0.0))


# ---------------------------------------------------------------- numbers


def test_numbers_stay_over_a_restart(tmp_path: Path) -> None:
    """What was under way, or about to be, comes under its number, whatever the limit is now."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 3)), claim("2"), claim("3"))
        parcels = ledger.parcels(3, 0.0)
        one, two = next(parcels), next(parcels)
        ledger.record(delivered(one), ONCE, 0.0)
    with Ledger.open(tmp_path) as ledger:
        again, *others = ledger.parcels(2, 0.0)

        assert two == again
        assert one.number not in {parcel.number for parcel in others}
        assert 11 == 5 + len(uids(again)) + len(uids(others[0]))
        everything = [uid for parcel in (one, again, *others) for uid in uids(parcel)]
        assert 15 == len(everything) == len(set(everything))


def test_what_is_tried_again_has_another_number(tmp_path: Path) -> None:
    """Other instances are another parcel: its journal is not theirs."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, OutcomeStatus.FAILED), AT_ONCE, 0.0)
        (again,) = ledger.parcels(9, 0.0)

        assert parcel.references == again.references
        assert parcel.number < again.number


def test_numbers_do_not_come_again_after_a_restart(tmp_path: Path) -> None:
    """Also if no parcel was left."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        (parcel,) = ledger.parcels(9, 0.0)
        ledger.record(delivered(parcel, OutcomeStatus.FAILED), AT_ONCE, 0.0)
    with Ledger.open(tmp_path) as ledger:
        (again,) = ledger.parcels(9, 0.0)

        assert parcel.number < again.number


_KILLED = """
import os, json, sys
from pathlib import Path
from tests.unit.transfer.ledgers import *
ledger = Ledger.open(Path(sys.argv[1]))
with ledger.locked():
    ledger.began("a", "run", 1.0)
    planned(ledger, *(claim(str(n), references(str(n), 3)) for n in range(1, 4)))
    parcels = [next(each) for each in [ledger.parcels(4, 0.0)] * 5]
    ledger.record(delivered(parcels[1]), ONCE, 0.0)
    print(json.dumps([[p.number, [str(r) for r in p.references]] for p in parcels]), flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows kills in another way")
def test_numbers_stay_when_the_process_is_killed(tmp_path: Path) -> None:
    """Parcels are written down before anybody works on them."""
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    out = dict[int, list[str]](json.loads(killed.stdout))
    with Ledger.open(tmp_path) as ledger, ledger.locked():
        found = {p.number: [str(r) for r in p.references] for p in ledger.parcels(4, 0.0)}
        counts = ledger.counts

    assert -9 == killed.returncode
    recorded = list(out)[1]
    assert recorded not in found
    assert {n: found[n] for n in out if n != recorded} == {
        n: refs for n, refs in out.items() if n != recorded
    }
    assert counts.pending == sum(map(len, found.values()))


# ---------------------------------------------------------------- due


def test_what_failed_comes_when_it_is_due_before_what_was_never_tried(tmp_path: Path) -> None:
    """A study is finished rather than many begun; and an archive is left alone in between."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"), claim("3"))
        first = next(ledger.parcels(9, 100.0))
        ledger.record(delivered(first, OutcomeStatus.MISSING), AT_ONCE, 105.0)
        early = next(ledger.parcels(9, 104.0))
        late = next(ledger.parcels(9, 105.0))

        assert references("2") == early.references
        assert references("1") == late.references


def test_next_due_tells_how_long_to_wait(tmp_path: Path) -> None:
    """A run that has nothing to do sleeps until then."""
    with Ledger.open(tmp_path) as ledger:
        assert ledger.next_due(0.0) is None
        planned(ledger, claim("1"))
        assert 0.0 == ledger.next_due(0.0)
        (parcel,) = ledger.parcels(9, 100.0)
        ledger.record(delivered(parcel, OutcomeStatus.FAILED), AT_ONCE, 105.0)

        assert 3.0 == ledger.next_due(102.0)
        assert 0.0 == ledger.next_due(200.0)
        assert [] == list(ledger.parcels(9, 102.0))
