"""An archive is never asked faster than agreed, by however many, and not slower either."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import accumulate
from threading import Lock, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.manners.clocks import LONG, Clock, SharedClock

from gurney.core import InvalidInputError
from gurney.manners import Pace

RATES = st.floats(0.05, 1e9)
PAUSES = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 100.0)), min_size=1, max_size=40)
SIZES = st.lists(st.integers(0, 1 << 20), min_size=1, max_size=40)
A_LITTLE = 1 + 1e-9  # of more than computed: seconds are floats


def requests_passing(pace: Pace, clock: Clock, pauses: list[float]) -> list[float]:
    """Ask after each pause; return when each request has passed."""
    times: list[float] = []
    for pause in pauses:
        clock.now += pause
        pace.request()
        times.append(clock.now)
    return times


# ---------------------------------------------------------------- never faster


@given(RATES, PAUSES)
def test_requests_of_any_time_are_bounded(rate: float, pauses: list[float]) -> None:
    """From any request to any other no more pass than the rate times that, and a burst."""
    clock = Clock(0.0)
    pace = Pace(rate, clock=clock, sleep=clock.sleep)

    times = requests_passing(pace, clock, pauses)
    for first, begin in enumerate(times):
        for count, end in enumerate(times[first:], start=1):
            assert count <= (rate * (end - begin) + max(rate, 1)) * A_LITTLE


@given(st.floats(1e5, 1e9), st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(0, 1 << 20))))
def test_bytes_of_any_time_are_bounded(rate: float, pieces: list[tuple[float, int]]) -> None:
    """So are bytes; one piece, which has come already, may be larger than a burst."""
    clock = Clock(0.0)
    pace = Pace(bytes_per_second=rate, clock=clock, sleep=clock.sleep)
    passed: list[tuple[float, int]] = []
    for pause, count in pieces:
        clock.now += pause
        pace.received(count)
        passed.append((clock.now, count))

    for first, (begin, _) in enumerate(passed):
        most = max(rate, passed[first][1])
        for (end, _), sum_ in zip(
            passed[first:], accumulate(count for _, count in passed[first:]), strict=True
        ):
            assert sum_ <= (rate * (end - begin) + most) * A_LITTLE
    assert sum(count for _, count in passed) <= (rate * clock.now + rate) * A_LITTLE


def test_many_threads_keep_to_it_together() -> None:
    """However their turns mix, no more pass than the clock allows, and none is lost."""
    clock, lock = Clock(0.0), Lock()

    def sleep(seconds: float) -> None:
        with lock:
            clock.now += seconds

    pace = Pace(100, 1000, clock=clock, sleep=sleep)

    def work() -> None:
        for _ in range(200):
            pace.request()
            pace.received(10)

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)

    assert (1600, 16000) == (pace.requests, pace.bytes_received)
    assert 16000 <= (1000 * clock.now + 1000) * A_LITTLE


# ---------------------------------------------------------------- never slower


@given(RATES, st.integers(1, 60))
def test_nobody_waits_longer_than_needed(rate: float, count: int) -> None:
    """Without pauses the last of many requests passes when the rate allows it."""
    clock = Clock(0.0)
    requests_passing(Pace(rate, clock=clock, sleep=clock.sleep), clock, [0.0] * count)

    assert pytest.approx(max(0.0, (count - max(rate, 1)) / rate)) == clock.now


@given(st.floats(1e6, 1e9), SIZES)
def test_bytes_wait_no_longer_than_needed(rate: float, sizes: list[int]) -> None:
    """Nor do bytes."""
    clock = Clock(0.0)
    pace = Pace(bytes_per_second=rate, clock=clock, sleep=clock.sleep)
    for size in sizes:
        pace.received(size)

    assert pytest.approx(max(0.0, (sum(sizes) - rate) / rate)) == clock.now


def test_who_sleeps_too_long_catches_up() -> None:
    """Systems wake us late: the rate is kept all the same, not fallen short of."""
    clock = Clock(0.0)
    pace = Pace(
        bytes_per_second=1000, clock=clock, sleep=lambda seconds: clock.sleep(seconds + 0.05)
    )
    for _ in range(100):
        pace.received(100)

    assert pytest.approx(9.0, abs=0.06) == clock.now


def test_without_a_rate_nobody_waits() -> None:
    """It counts all the same."""
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        pace.request()
        pace.received(1 << 30)

    assert [] == clock.slept
    assert (1000, 1000 << 30) == (pace.requests, pace.bytes_received)


# ---------------------------------------------------------------- turns


def test_who_comes_first_is_served_first() -> None:
    """One passes a second, in the order in which they came."""
    clock = SharedClock()
    pace = Pace(1, clock=clock, sleep=clock.sleep)
    passed: list[int] = []

    def ask(number: int) -> None:
        pace.request()
        passed.append(number)

    pace.request()  # what may pass at once
    threads = [Thread(target=ask, args=(number,)) for number in range(4)]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        clock.wait_for_sleepers(number)
    for thread in threads:
        while thread.is_alive():
            clock.turn(0.1)
            thread.join(0.01)

    assert [0, 1, 2, 3] == passed


def test_closing_ends_all_waiting() -> None:
    """Whoever waits returns soon, and whoever comes later does not wait; all are counted."""
    clock = SharedClock()
    pace = Pace(1e-3, 1.0, clock=clock, sleep=clock.sleep)
    pace.request()
    calls: list[Callable[[], None]] = [pace.request, lambda: pace.received(1 << 20)]
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    clock.wait_for_sleepers(2)

    pace.close()
    clock.turn(0.1)
    for thread in threads:
        thread.join(LONG)
    pace.request()

    assert pace.closed
    assert not any(thread.is_alive() for thread in threads)
    assert (3, 1 << 20) == (pace.requests, pace.bytes_received)


@pytest.mark.parametrize("rate", [1e-3, 0.5])
def test_who_gives_up_waits_no_longer(rate: float) -> None:
    """One who waits looks ten times a second whether that is still wanted."""
    clock = Clock(0.0)
    pace = Pace(rate, rate, clock=clock, sleep=clock.sleep)
    pace.request()
    pace.request(lambda: clock.now > 0.25)
    assert pytest.approx(0.3) == clock.now
    pace.received(1000, lambda: clock.now > 0.55)
    assert pytest.approx(0.6) == clock.now


# ---------------------------------------------------------------- one within another


def test_parts_keep_to_the_whole() -> None:
    """Each has its own counts, all together one rate."""
    clock = Clock(0.0)
    whole = Pace(10, 1000, clock=clock, sleep=clock.sleep)
    parts = [Pace(within=whole, clock=clock, sleep=clock.sleep) for _ in range(3)]
    for part in parts:
        for _ in range(10):
            part.request()
            part.received(100)
    parts[0].busy()

    assert pytest.approx(2.0) == clock.now
    assert [(10, 1000, 1), (10, 1000, 0), (10, 1000, 0), (30, 3000, 1)] == [
        (each.requests, each.bytes_received, each.refusals) for each in (*parts, whole)
    ]


def test_a_part_may_have_a_rate_of_its_own() -> None:
    """The lower of both counts."""
    clock = Clock(0.0)
    whole = Pace(10, clock=clock, sleep=clock.sleep)
    requests_passing(Pace(2, within=whole, clock=clock, sleep=clock.sleep), clock, [0.0] * 12)

    assert pytest.approx(5.0) == clock.now


def test_closing_a_part_leaves_the_whole() -> None:
    """And closing the whole closes its parts."""
    clock = Clock(0.0)
    whole = Pace(1, clock=clock, sleep=clock.sleep)
    part, other = (Pace(within=whole, clock=clock, sleep=clock.sleep) for _ in range(2))
    part.close()
    requests_passing(part, clock, [0.0] * 5)
    assert (0.0, True, False, False) == (clock.now, part.closed, whole.closed, other.closed)
    whole.close()
    requests_passing(other, clock, [0.0] * 5)
    assert (0.0, True) == (clock.now, other.closed)


# ---------------------------------------------------------------- the rest


def _sent(pace: Pace) -> Pace:
    again: Pace = pickle.loads(pickle.dumps(pace))
    return again


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, _sent])
def test_copies_are_rates_alone(again: Callable[[Pace], Pace]) -> None:
    """What goes to another process counts from zero."""
    pace = Pace(3, 1e6)
    pace.request()
    other = again(pace)

    assert (3, 1e6, 0) == (other.requests_per_second, other.bytes_per_second, other.requests)
    assert "Pace(3, 1000000.0)" == repr(other)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_rates_that_are_none(rate: float) -> None:
    """Nothing would ever pass."""
    with pytest.raises(InvalidInputError, match="requests per second"):
        Pace(rate)
    with pytest.raises(InvalidInputError, match="bytes per second"):
        Pace(None, rate)
