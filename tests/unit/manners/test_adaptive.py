"""A limit falls when an archive is busy, and grows back slowly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.manners.clocks import Clock

from gurney.core import InvalidInputError
from gurney.manners import AdaptiveLimit


def test_it_halves_and_grows() -> None:
    """Down to 1; up by one for each quiet period."""
    clock = Clock()
    limit = AdaptiveLimit(8, quiet=30, clock=clock)
    values: list[int] = []
    for _ in range(4):
        limit.busy()
        values.append(limit.value)
    for seconds in (29, 1, 59, 1, 1000):
        clock.now += seconds
        values.append(limit.value)

    assert [4, 2, 1, 1, 1, 2, 3, 4, 8] == values


def test_one_moment_is_one_halving() -> None:
    """However many are refused that were begun together; those begun later count anew."""
    limit = AdaptiveLimit(8, clock=Clock())
    begun = limit.generation
    for _ in range(5):
        limit.busy(begun)
    assert 4 == limit.value
    limit.busy(limit.generation)
    assert 2 == limit.value


def test_late_refusals_begin_the_quiet_period_anew() -> None:
    """As long as the archive refuses anything, it is not quiet."""
    clock = Clock()
    limit = AdaptiveLimit(8, quiet=30, clock=clock)
    limit.busy(0)
    for _ in range(3):
        clock.now += 20
        limit.busy(0)
    assert 4 == limit.value
    clock.now += 30
    assert 5 == limit.value


def test_what_has_grown_before_is_halved() -> None:
    """Also if nobody has looked in between."""
    clock = Clock()
    limit = AdaptiveLimit(8, quiet=30, clock=clock)
    limit.busy()
    clock.now += 90
    limit.busy()

    assert 3 == limit.value


@given(
    st.integers(1, 50),
    st.floats(0.1, 100),
    st.lists(st.tuples(st.floats(0, 300), st.one_of(st.none(), st.integers(0, 20)))),
)
def test_laws(maximum: int, quiet: float, events: list[tuple[float, int | None]]) -> None:
    """It stays from 1 to the maximum, and never grows by more than one for each quiet period."""
    clock = Clock(0.0)
    limit = AdaptiveLimit(maximum, quiet=quiet, clock=clock)
    for seconds, generation in events:
        before = limit.value
        clock.now += seconds
        grown = limit.value
        assert 1 <= before <= grown <= min(maximum, before + seconds // quiet + 1)
        halves = generation in (None, limit.generation)
        limit.busy(generation)
        assert (max(1, grown // 2) if halves else grown) == limit.value


@pytest.mark.parametrize(("maximum", "quiet"), [(0, 30.0), (-1, 30.0), (4, 0.0)])
def test_limits_that_are_none(maximum: int, quiet: float) -> None:
    """A limit that lets nothing through, or grows at once, is a mistake."""
    with pytest.raises(InvalidInputError):
        AdaptiveLimit(maximum, quiet=quiet)
