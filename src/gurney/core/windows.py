"""Windows of days, of times of a day and of first characters, that a search is divided into. Pure.

Each is cut where half of what was found lies on either side, so that few cuts are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from string import ascii_letters, digits
from typing import Final, TypeAlias

import attrs

__all__ = ["Interval", "Place", "Window", "place_of", "whole_window"]

Interval: TypeAlias = tuple[int | None, int | None]
"""Both ends are included; `None` is an open end."""

Place: TypeAlias = tuple[int | None, int | None]
"""Day (proleptic Gregorian ordinal) and second of the day; `None` if it is not known."""

_OPEN: Final[Interval] = (None, None)
# Not with dots, as in ACR-NEMA: archives that compare text find 1996.06.11 before 19960101
_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_TIME: Final = re.compile(r"(\d\d):?(?:(\d\d):?(?:(\d\d)(?:\.\d+)?)?)?", re.ASCII)

# Where to cut if nothing is known: the first radiographs, and well after now
_USUAL_DAYS: Final = (date(1896, 1, 1).toordinal(), date(2100, 1, 1).toordinal())
_USUAL_SECONDS: Final = (0, 86_399)
_ALL_DAYS: Final = (date.min.toordinal(), date.max.toordinal())
_ALL_SECONDS: Final = (0, 86_400)  # the last is a leap second
_FIRST_CHARACTERS: Final = digits + ascii_letters


@attrs.frozen
class Window:
    """A part of a search: the days, the seconds of one day, and what a text begins with.

    Attributes
    ----------
    days, seconds
        Both included.
    prefix
        What the text begins with; ``""`` for any.
    by_text
        Whether days and seconds do not matter: it is cut by first characters only.
    """

    days: Interval = _OPEN
    seconds: Interval = _OPEN
    prefix: str = ""
    by_text: bool = False

    def keys(self, spare: str) -> dict[str, str]:
        """Return the matching keys that ask for this part, by keyword, as DICOM writes them.

        The text that `prefix` is about is called *spare*.
        """
        keys: dict[str, str] = {}
        if self.days != _OPEN:
            keys["StudyDate"] = _range(*map(_da, self.days))
        if self.seconds != _OPEN:
            keys["StudyTime"] = _range(_earliest(self.seconds[0]), _latest(self.seconds[1]))
        if self.prefix:
            keys[spare] = f"{self.prefix}*"
        return keys

    @property
    def axis(self) -> str:
        """The keyword by which this window is cut, ``""`` for that of the text."""
        if self.by_text:
            return ""
        if not _is_single(self.days):
            return "StudyDate"
        return "" if _is_single(self.seconds) else "StudyTime"

    @property
    def open(self) -> bool:
        """Whether this window holds what does not say where it lies, and no part of it does."""
        return {"StudyDate": self.days, "StudyTime": self.seconds}.get(self.axis) == _OPEN

    def lacks(self, place: Place) -> bool:
        """Say whether *place* does not tell where in this window something lies."""
        return {"StudyDate": place[0], "StudyTime": place[1]}.get(self.axis, 0) is None

    def holds(self, place: Place) -> bool | None:
        """Say whether something at *place* belongs here; `None` if that cannot be said."""
        known = [
            _within(value, interval)
            for value, interval in zip(place, (self.days, self.seconds), strict=True)
            if interval != _OPEN
        ]
        return False if False in known else None if None in known else True

    def cut(self, places: Iterable[Place], spare: str) -> tuple[Window, ...]:
        """Return parts that together are this window, or nothing if it cannot be cut.

        Cut by first characters, the parts are not all: a text may begin with any.
        """
        if self.axis == "StudyDate":
            found = [day for day, _ in places if day is not None]
            cuts = _cut(self.days, found, _USUAL_DAYS, _ALL_DAYS)
            return tuple(Window(days) for days in cuts)
        if self.axis == "StudyTime":
            found = [second for _, second in places if second is not None]
            cuts = _cut(self.seconds, found, _USUAL_SECONDS, _ALL_SECONDS)
            return tuple(attrs.evolve(self, seconds=seconds) for seconds in cuts)
        if not spare:
            return ()
        return tuple(attrs.evolve(self, prefix=self.prefix + char) for char in _FIRST_CHARACTERS)


def whole_window(first: date | None, last: date | None) -> Window:
    """Return the window from the day *first* to *last*, both included; `None` is open."""
    return Window((_ordinal(first), _ordinal(last)))


def place_of(study_date: str, study_time: str) -> Place:
    """Return the day and the second of *study_date* and *study_time*, as DICOM writes them.

    Examples
    --------
    >>> place_of("00010102", "0001"), place_of("", "noon")
    ((2, 60), (None, None))
    """
    return _day(study_date), _second(study_time)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _day(text: str) -> int | None:
    match = _DATE.fullmatch(text)
    try:
        return date(*map(int, match.groups())).toordinal() if match else None
    except ValueError:  # no day of the calendar
        return None


def _second(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    second = hours * 3600 + minutes * 60 + seconds
    return second if second <= _ALL_SECONDS[1] else None


def _is_single(interval: Interval) -> bool:
    return interval[0] is not None and interval[0] == interval[1]


def _within(value: int | None, interval: Interval) -> bool | None:
    if value is None:
        return None
    low, high = interval
    return (low is None or low <= value) and (high is None or value <= high)


def _cut(
    interval: Interval, places: Iterable[int], usual: tuple[int, int], possible: tuple[int, int]
) -> list[Interval]:
    """Cut *interval* in the middle of *places*; all at one place are set apart from the rest."""
    low, high = interval
    inside = sorted(place for place in places if _within(place, interval))
    middle = inside[len(inside) // 2] if inside else _usual_middle(interval, usual)
    if middle is None or _is_single(interval):
        return []
    if not inside or inside[0] < middle:
        cuts = [(low, middle - 1), (middle, high)]
    elif middle < inside[-1]:
        cuts = [(low, middle), (middle + 1, high)]
    else:
        cuts = [(low, middle - 1), (middle, middle), (middle + 1, high)]
    return [
        (a, b)
        for a, b in cuts
        if (possible[0] if a is None else a) <= (possible[1] if b is None else b)
    ]


def _usual_middle(interval: Interval, usual: tuple[int, int]) -> int | None:
    """Where to cut if nothing is known; beyond what is usual, nowhere."""
    low = usual[0] if interval[0] is None else interval[0]
    high = usual[1] if interval[1] is None else interval[1]
    return (low + high + 1) // 2 if low < high else None


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def _da(day: int | None) -> str:
    return "" if day is None else date.fromordinal(day).isoformat().replace("-", "")


def _earliest(second: int | None) -> str:
    """Without the zeros that a time of coarser precision does not have.

    Archives that compare text sort 1200 before 120000; both are to be found from ``12`` on.
    """
    if second is None:
        return ""
    return _tm(second).removesuffix("00").removesuffix("00")


def _latest(second: int | None) -> str:
    return "" if second is None else f"{_tm(second)}.999999"


def _tm(second: int) -> str:
    if second == _ALL_SECONDS[1]:
        return "235960"
    return f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
