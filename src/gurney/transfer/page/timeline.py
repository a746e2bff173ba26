"""Time at work: stretches side by side, without the days between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone, tzinfo
from itertools import pairwise
from typing import Final

import attrs

from ..ledger import Sample

__all__ = ["Stretch", "Timeline", "at_work"]

_PAUSE: Final = 900.0  # seconds without a sign of life that part two stretches
_STEPS: Final = 300  # of the whole timeline: more than a screen shows are averaged
_TICKS: Final = 8
_SPACINGS: Final = tuple(
    minutes * 60.0
    for minutes in (
        1 / 60,
        1 / 12,
        0.25,
        0.5,
        1,
        2,
        5,
        10,
        15,
        30,
        60,
        120,
        180,
        360,
        720,
        1440,
        2880,
    )
)


@attrs.frozen
class Stretch:
    """A stretch of work; sequences of equal length, in order of time.

    Attributes
    ----------
    x
        Seconds on the timeline.
    rates
        Bytes a second since the place before; the first is that of the second.
    under_way, limits
        Parcels in hand, and how many might have been.
    """

    x: tuple[float, ...]
    rates: tuple[float, ...]
    under_way: tuple[int, ...]
    limits: tuple[int, ...]


@attrs.frozen
class Timeline:
    """Stretches of work on one axis of seconds, a narrow break between two.

    Attributes
    ----------
    stretches
        At least one.
    length
        End of the axis.
    breaks
        Where the axis leaves time out: beginning and end of each.
    ticks
        Places and texts for clock times, each run beginning with one.
    """

    stretches: tuple[Stretch, ...]
    length: float
    breaks: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def of(cls, samples: Sequence[Sample], zone: tzinfo | None = None) -> Timeline:
        """Return the timeline of *samples*, at least two, in order of time."""
        parts = [part for part in _parted(samples) if len(part) > 1] or [list(samples)]
        worked = sum(part[-1].time - part[0].time for part in parts) or 1.0
        gap = worked * 0.012
        stretches, ticks, breaks = (
            list[Stretch](),
            list[tuple[float, str]](),
            list[tuple[float, float]](),
        )
        start = 0.0
        for part in parts:
            if stretches:
                breaks.append((start, start + gap))
                start += gap
            stretches.append(_stretch(_thinned(part, worked / _STEPS), start))
            ticks += _ticks(part, start, worked, zone)
            start += part[-1].time - part[0].time
        return cls(tuple(stretches), start or 1.0, tuple(breaks), tuple(_apart(ticks, start / 14)))


def at_work(samples: Sequence[Sample]) -> float:
    """Return the seconds of *samples* in which work went on."""
    return sum(part[-1].time - part[0].time for part in _parted(samples))


def _parted(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Yield stretches in which work went on, none empty; what waits is the end of one."""
    part: list[Sample] = []
    for sample in samples:
        if part and (part[-1].waiting or sample.time - part[-1].time > _PAUSE):
            yield part
            part = []
        if part or not sample.waiting:
            part.append(sample)
    if part:
        yield part


def _thinned(part: Sequence[Sample], spacing: float) -> list[Sample]:
    """Keep ends and enough in between: rates are taken over what is left, so no byte is lost."""
    kept = [part[0]]
    for sample in part[1:-1]:
        if sample.time - kept[-1].time >= spacing:
            kept.append(sample)
    return [*kept, part[-1]]


def _stretch(part: Sequence[Sample], start: float) -> Stretch:
    begin = part[0].time
    rates = [
        (after.received - before.received) / max(after.time - before.time, 1e-3)
        for before, after in pairwise(part)
    ]
    return Stretch(
        tuple(start + sample.time - begin for sample in part),
        tuple(max(0.0, rate) for rate in [rates[0], *rates]),
        tuple(sample.under_way for sample in part),
        tuple(sample.limit for sample in part),
    )


def _ticks(
    part: Sequence[Sample], start: float, worked: float, zone: tzinfo | None
) -> Iterator[tuple[float, str]]:
    """Yield the beginning, with its date, and full hours or minutes after it."""
    begin, end = part[0].time, part[-1].time
    yield start, f"{_clock(begin, zone):%d %b\n%H:%M}"
    spacing = next((s for s in _SPACINGS if worked / s <= _TICKS), _SPACINGS[-1])
    shift = _clock(begin, zone).utcoffset()
    offset = shift.total_seconds() if shift else 0.0
    tick = ((begin + offset) // spacing + 1) * spacing - offset
    while tick < end:
        yield (
            start + tick - begin,
            f"{_clock(tick, zone):{'%H:%M' if spacing >= 60 else '%H:%M:%S'}}",
        )
        tick += spacing


def _apart(ticks: Sequence[tuple[float, str]], distance: float) -> Iterator[tuple[float, str]]:
    """Yield those that leave room for each other; of two, the one that has the date."""
    kept: list[tuple[float, str]] = []
    for place, text in ticks:
        if kept and place - kept[-1][0] < distance:
            if "\n" not in text or "\n" in kept[-1][1]:
                continue
            kept.pop()
        kept.append((place, text))
    yield from kept


def _clock(time: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time, timezone.utc).astimezone(zone)
