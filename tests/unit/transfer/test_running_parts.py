"""The parts of a run, each by itself: absence, blame, speed, signals, the way to a receipt."""

from __future__ import annotations

import signal
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.unit.transfer.workers import AtOnce, FakeClock, Punctual, transfer

from gurney.core import StorageError
from gurney.manners import Retries
from gurney.storage import receipts_in
from gurney.transfer import Report
from gurney.transfer.running import SystemClock
from gurney.transfer.running.absence import Absence
from gurney.transfer.running.interrupts import interrupts
from gurney.transfer.running.meter import Meter
from gurney.transfer.running.tasks import Troubles

# ---------------------------------------------------------------- absence


def absence(patience: float = 100.0) -> Absence:
    return Absence(Punctual(first_wait=10.0, longest_wait=40.0), patience)


def test_nobody_is_away_at_first() -> None:
    """Nor for ever: who answers is there."""
    away = absence()
    assert not away
    away.noticed("nobody answers", 5.0)
    assert away
    away.over()
    assert not away


def test_waits_grow() -> None:
    """An archive that is away is asked more and more rarely."""
    away = absence(1000.0)
    waits: list[float] = []
    now = 0.0
    for _ in range(6):
        away.noticed("nobody answers", now)
        waits.append(away.next_try - now)
        now = away.next_try

    assert [10, 20, 30, 40, 40, 40] == waits


def test_who_asked_together_counts_once() -> None:
    """Four workers that find nobody say one thing."""
    away = absence()
    for _ in range(4):
        away.noticed("nobody answers", 0.0)

    assert away.next_try == 10.0


def test_chance_does_not_make_it_hasty() -> None:
    """Full jitter may say zero; an archive that comes up is left a second."""
    away = Absence(Retries(first_wait=0.0), 100.0)
    away.noticed("nobody answers", 0.0)

    assert away.next_try == 1.0


def test_patience_is_counted_from_the_first() -> None:
    """And the last attempt comes when it ends, not long after."""
    away = absence(25.0)
    away.noticed("nobody answers", 0.0)
    away.noticed("nobody answers", 10.0)

    assert away.next_try == 25.0
    assert not away.is_too_long(24.9)
    assert away.is_too_long(25.0)


# ---------------------------------------------------------------- blame


def test_parcel_is_to_blame_if_others_do_well() -> None:
    """Not before it has failed often enough."""
    troubles = Troubles(2)
    troubles.strike(7)
    troubles.well(8)
    assert not troubles.is_to_blame(7)
    troubles.strike(7)
    assert troubles.is_to_blame(7)


def test_nobody_is_to_blame_if_all_fail() -> None:
    """That is an archive that is away."""
    troubles = Troubles(2)
    for parcel in (7, 8, 7, 8, 7, 8):
        troubles.strike(parcel)

    assert not troubles.is_to_blame(7)


def test_past_success_is_no_proof() -> None:
    """What went well before a parcel first failed says nothing of it."""
    troubles = Troubles(2)
    troubles.well(1)
    troubles.strike(7)
    troubles.strike(7)

    assert not troubles.is_to_blame(7)


# ---------------------------------------------------------------- speed


def test_speed_is_that_of_the_last_minute() -> None:
    """What was long ago does not count."""
    meter = Meter()
    assert (0.0, 0.0) == meter.rates(0.0, 0, 0)
    for second in range(121):
        meter.note(float(second), 1000 * max(0, second - 60), max(0, second - 60))

    assert (1000.0, 1.0) == meter.rates(120.0, 60_000, 60)


# ---------------------------------------------------------------- signals, and time


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_asks_the_second_insists(name: signal.Signals) -> None:
    """A run that is asked to stop does so in good order; who is in a hurry asks again."""
    before = signal.signal(name, signal.default_int_handler)
    try:
        with interrupts() as interrupted:
            signal.raise_signal(name)
            assert interrupted.came
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(name)
        assert signal.default_int_handler is signal.getsignal(name)
    finally:
        signal.signal(name, before)


def test_handlers_of_others_are_left_alone() -> None:
    """Who has set one knows why."""
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        with interrupts() as interrupted:
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert [signal.SIGINT] == seen
    assert not interrupted.came


def test_other_threads_take_no_signals() -> None:
    """Python gives them to the main thread only."""
    came: list[bool] = []

    def run() -> None:
        with interrupts() as interrupted:
            came.append(interrupted.came)

    thread = Thread(target=run)
    thread.start()
    thread.join()

    assert [False] == came


def test_clock_waits_for_work_or_to_be_stopped() -> None:
    """It does not sleep on when something is done."""
    stop = Event()
    clock = SystemClock(stop)
    done = Future[Any]()
    done.set_result(None)
    began = clock.monotonic()
    clock.wait([Future[Any](), done], 3600.0)
    stop.set()
    clock.wait([], 3600.0)

    assert began <= clock.monotonic() < began + 3600
    assert clock.time() > 1_700_000_000


# ---------------------------------------------------------------- receipts


def report(folder: Path) -> Report:
    return transfer(folder).run(AtOnce(), clock=FakeClock())


def test_receipts_are_numbered(tmp_path: Path) -> None:
    """None is written over an earlier one."""
    told = report(tmp_path)
    (folder := tmp_path / "here").mkdir()
    (folder / "gurney-receipt-3.json").write_text("another's")
    paths = [told.keep_receipt(folder) for _ in range(2)]

    assert ["gurney-receipt-4.json", "gurney-receipt-5.json"] == [path.name for path in paths]
    assert [folder / "gurney-receipt-3.json", *paths] == receipts_in(folder)
    assert paths[0].read_text() == told.receipt().to_json()
    assert 3 == len(list(folder.iterdir()))


def test_place_for_no_receipt_is_said(tmp_path: Path) -> None:
    """`StorageError`, as for whatever cannot be stored."""
    told = report(tmp_path)
    with pytest.raises(StorageError):
        told.keep_receipt(tmp_path / "nowhere")
