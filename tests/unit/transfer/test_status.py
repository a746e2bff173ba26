"""How a transfer stands, as anybody may ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.transfer.ledgers import ONCE, claim, fetch_all, outcome, planned, references

from gurney.core import InvalidInputError, OutcomeStatus
from gurney.transfer.ledger import Ledger, Sample
from gurney.transfer.parcels import Delivered
from gurney.transfer.status import status_of

FAILED, MISSING = OutcomeStatus.FAILED, OutcomeStatus.MISSING


def sample(time: float, done: int, **more: object) -> Sample:
    fields: dict[str, object] = {"failed": 0, "received": 100 * done, **more}
    return Sample(time=time, done=done, **fields)  # type: ignore[arg-type]  # of a test


def test_there_must_be_a_transfer(tmp_path: Path) -> None:
    """A wrong folder is not a transfer of nothing."""
    with pytest.raises(InvalidInputError, match="there is no ledger"):
        status_of(tmp_path)


def test_new(tmp_path: Path) -> None:
    """Nobody has worked on it yet."""
    Ledger.open(tmp_path).close()
    status = status_of(tmp_path, 5.0)

    assert ("new", 5.0, None, None) == (status.state, status.now, status.rate, status.eta)


@pytest.mark.parametrize(("doing", "state"), [("plan", "planning"), ("run", "running")])
def test_at_work(tmp_path: Path, doing: str, state: str) -> None:
    """Whoever holds the lock is at work, and is named."""
    with Ledger.open(tmp_path) as ledger, ledger.locked(doing):
        ledger.agree({"from": ("a", "b")})
        planned(ledger, claim("1"))
        ledger.began("x", doing, 3.0)
        status = status_of(tmp_path, 5.0)
        holder = ledger.holder

    assert holder is not None
    assert (state, holder.pid, holder.host, 3.0) == (
        status.state,
        status.pid,
        status.host,
        status.since,
    )
    assert ("a", "b") == status.archives
    assert 3 == status.counts.pending


@pytest.mark.parametrize(("doing", "state"), [("plan", "planning"), ("run", "running")])
def test_waiting(tmp_path: Path, doing: str, state: str) -> None:
    """For what, and until when; planning waits for an archive too."""
    with Ledger.open(tmp_path) as ledger, ledger.locked(doing):
        planned(ledger, claim("1"))
        ledger.began("x", doing, 3.0)
        ledger.sample(sample(4.0, 0, waiting="for the window", until=90.0))
        waiting = status_of(tmp_path, 5.0)
        ledger.sample(sample(6.0, 0))
        working = status_of(tmp_path, 7.0)

    assert ("waiting", "for the window", 90.0) == (waiting.state, waiting.detail, waiting.until)
    assert (state, "", None) == (working.state, working.detail, working.until)


def test_stopped(tmp_path: Path) -> None:
    """By whom it was stopped is told; what was killed could say nothing."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        ledger.began("x", "run", 3.0)
        killed = status_of(tmp_path, 5.0)
        ledger.ended("x", 4.0, "it was interrupted")
        stopped = status_of(tmp_path, 5.0)

    assert "stopped" == killed.state
    assert "ended without saying why" in killed.detail
    assert ("stopped", "it was interrupted", 4.0) == (
        stopped.state,
        stopped.detail,
        stopped.since,
    )
    assert (None, "") == (stopped.pid, stopped.host)


def test_finished(tmp_path: Path) -> None:
    """Nothing is pending, for better or worse."""
    one, two, three = references("1")
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"), claim("2"))
        ledger.began("x", "run", 3.0)
        parcel = next(ledger.parcels(9, 0.0))
        told = (
            outcome(one, FAILED, reason="broken"),
            outcome(two, FAILED, reason="broken"),
            outcome(three, MISSING, reason="gone"),
        )
        ledger.record(Delivered(parcel=parcel.number, outcomes=told), ONCE, 0.0)
        fetch_all(ledger)
        ledger.ended("x", 4.0)
        status = status_of(tmp_path, 5.0)
        first = status_of(tmp_path, 5.0, most=1)

    assert ("finished", "") == (status.state, status.detail)
    assert (("broken", 2), ("gone", 1)) == status.failures
    assert (("1", 3),) == status.incomplete
    assert (("broken", 2),) == first.failures


def test_rate_is_that_of_the_last_minutes(tmp_path: Path) -> None:
    """A slow start is forgotten, and so is an earlier run."""
    with Ledger.open(tmp_path) as ledger, ledger.locked():
        planned(ledger, claim("1", references("1", 1, 200)))
        ledger.sample(sample(0.0, 0))
        ledger.began("x", "run", 1000.0)
        for time, done in ((1000.0, 0), (1800.0, 10), (1900.0, 60), (2000.0, 110)):
            ledger.sample(sample(time, done))
        status = status_of(tmp_path, 2010.0)

    assert (0.5, 50.0) == (status.instance_rate, status.rate)
    assert 400.0 == status.eta
    assert sample(2000.0, 110) == status.latest


@pytest.mark.parametrize("times", [(), (5.0,), (5.0, 5.0)])
def test_rate_needs_two_moments(tmp_path: Path, times: tuple[float, ...]) -> None:
    """Nothing is guessed, and nothing is divided by nothing."""
    with Ledger.open(tmp_path) as ledger, ledger.locked():
        planned(ledger, claim("1"))
        ledger.began("x", "run", 1.0)
        for time in times:
            ledger.sample(sample(time, 0))
        status = status_of(tmp_path, 6.0)

    assert (None, None, None) == (status.rate, status.instance_rate, status.eta)


def test_nothing_moves_while_nobody_is_at_work(tmp_path: Path) -> None:
    """The rate of yesterday promises nothing."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        ledger.began("x", "run", 1.0)
        ledger.sample(sample(2.0, 0))
        ledger.sample(sample(3.0, 2))
        ledger.ended("x", 4.0, "it was interrupted")
        status = status_of(tmp_path, 5.0)

    assert (None, None) == (status.rate, status.eta)
