"""When an archive may be worked: hours of the day and days of the week, by a clock on the wall.

Where a clock is put forward, the hour that is left out is in no window; where it is put back, the
hour that comes twice is in a window twice, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta, timezone, tzinfo
from math import ceil, floor
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from ..core import InvalidInputError

__all__ = ["Window", "Windows"]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PART: Final = re.compile(
    r"(?P<days>[a-z]{3}(?:\s*[-,]\s*[a-z]{3})*)?\s*"
    r"(?P<span>(?P<begin>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d))?",
    re.IGNORECASE,
)
_HORIZON: Final = 16  # days; a week, and another if a zone leaves out a day


def _sorted(days: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(days)))


@attrs.frozen
class Window:
    """Hours of some days.

    Attributes
    ----------
    begin
        When it opens.
    end
        When it closes; on the next day if that is not later than `begin`. So midnight is the end
        of the day, and what ends when it begins lasts for 24 hours.
    days
        Those on which it opens, ascending; 0 is Monday.

    Examples
    --------
    >>> str(Window(time(19), time(7), days=range(5)))
    'Mon-Fri 19:00-07:00'
    """

    begin: time = time.min
    end: time = time.min
    days: tuple[int, ...] = attrs.field(default=tuple(range(7)), converter=_sorted)

    def __attrs_post_init__(self) -> None:
        if not self.days or not 0 <= self.days[0] <= self.days[-1] <= 6:
            raise InvalidInputError("the days of a window are numbers from 0, Monday, to 6, Sunday")
        if self.begin.tzinfo is not None or self.end.tzinfo is not None:
            raise InvalidInputError("the times of a window have no zone; give it to Windows")

    @classmethod
    def parse(cls, text: str) -> Window:
        """Return what *text* says: ``"19:00-07:00"``, ``"Sat,Sun"``, ``"Mon-Fri 19:00-07:00"``.

        Raises
        ------
        InvalidInputError
            If it says something else.
        """
        found = _PART.fullmatch(text.strip())
        if found is None or not text.strip():
            raise _malformed(text)
        days = range(7) if found["days"] is None else _days(found["days"], text)
        if found["span"] is None:
            return cls(days=days)
        return cls(
            _time(found["begin"], text), _time(found["end"], text, is_end=True), _sorted(days)
        )

    def contains(self, wall: datetime) -> bool:
        """Say whether it is open when a clock on the wall shows this."""
        today, now = wall.weekday(), wall.time()
        if self.begin < self.end:
            return today in self.days and self.begin <= now < self.end
        return (today in self.days and now >= self.begin) or (
            (today - 1) % 7 in self.days and now < self.end
        )

    def __str__(self) -> str:
        days = "" if len(self.days) == 7 else _shown(self.days)
        if self.begin == self.end == time.min and days:
            return days
        end = "24:00" if self.end == time.min else f"{self.end:%H:%M}"
        return f"{days} {self.begin:%H:%M}-{end}".strip()


_ALWAYS: Final = Window()


def _windows(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(windows)


@attrs.frozen
class Windows:
    """Some windows, in one time zone: open where one of them is.

    Attributes
    ----------
    windows
        Length >= 1.
    zone
        Where the clock hangs; `None` for the time zone of this machine.

    Examples
    --------
    >>> nights = Windows.parse("Mon-Fri 19:00-07:00; Sat,Sun", "Europe/Berlin")
    >>> friday = datetime(2024, 3, 29, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    >>> nights.contains(friday)
    False
    >>> opening = nights.next_opening(friday)
    >>> opening.isoformat(), nights.next_closing(opening).isoformat()
    ('2024-03-29T18:00:00+00:00', '2024-03-31T22:00:00+00:00')
    """

    windows: tuple[Window, ...] = attrs.field(default=(_ALWAYS,), converter=_windows)
    zone: tzinfo | None = None

    def __attrs_post_init__(self) -> None:
        if not self.windows:
            raise InvalidInputError("without any window nothing is ever done; 'always' is one, too")

    @classmethod
    def parse(cls, text: str, zone: str | tzinfo | None = None) -> Windows:
        """Return what *text* says.

        Parameters
        ----------
        text
            ``"19:00-07:00"``, which is over midnight; ``"Mon-Fri 19:00-07:00; Sat,Sun"``, where
            days are those on which a window opens; or ``"always"``.
        zone
            As the attribute, or its name, such as ``"Europe/Berlin"``.

        Raises
        ------
        InvalidInputError
            If *text* is no windows, or there is no such time zone.
        """
        where = _zone(zone) if isinstance(zone, str) else zone
        if text.strip().lower() == "always":
            return cls(zone=where)
        return cls((Window.parse(part) for part in text.strip().rstrip(";").split(";")), where)

    def contains(self, moment: datetime) -> bool:
        """Say whether a window is open.

        Raises
        ------
        InvalidInputError
            If *moment* has no time zone.
        """
        wall = self._here(moment).replace(tzinfo=None)
        return any(window.contains(wall) for window in self.windows)

    def next_opening(self, moment: datetime) -> datetime:
        """Return the first moment at which a window is open: *moment*, if one is.

        It is in UTC, so that what lies between two moments is what has passed: Python takes two
        times of one zone for what clocks show.

        Raises
        ------
        InvalidInputError
            If *moment* has no time zone.
        """
        if self.contains(moment):
            return moment.astimezone(timezone.utc)
        return next(edge for edge in self._edges(moment) if self.contains(edge))

    def next_closing(self, moment: datetime) -> datetime | None:
        """Return the first moment at which no window is open: *moment*, if none is.

        It is in UTC. `None` if that never comes.

        Raises
        ------
        InvalidInputError
            If *moment* has no time zone.
        """
        if not self.contains(moment):
            return moment.astimezone(timezone.utc)
        return next((edge for edge in self._edges(moment) if not self.contains(edge)), None)

    def __str__(self) -> str:
        if self.windows == (_ALWAYS,):
            return "always"
        return "; ".join(map(str, self.windows))

    def _here(self, moment: datetime) -> datetime:
        if moment.utcoffset() is None:
            raise InvalidInputError("a moment has a time zone; a time without one is not enough")
        return moment.astimezone(self.zone)

    def _edges(self, moment: datetime) -> Iterator[datetime]:
        """Yield the moments after *moment* at which something may change, in order."""
        times = {time.min, *(at for each in self.windows for at in (each.begin, each.end))}
        today = self._here(moment).date()
        walls = (
            datetime.combine(today + timedelta(days), at, None)
            for days in range(_HORIZON)
            for at in times
        )
        moment = last = moment.astimezone(timezone.utc)
        for edge in sorted({found for wall in walls for found in self._moments(wall)}):
            if edge <= moment:
                continue
            if self._offset(last) != self._offset(edge):
                yield self._change(last, edge)
            yield edge
            last = edge

    def _moments(self, wall: datetime) -> Iterator[datetime]:
        """Yield when a clock on the wall shows this: once, or twice; or where it leaves it out."""
        for fold in (0, 1):
            shown = wall.replace(fold=fold, tzinfo=self.zone)  # without a zone: this machine's
            yield shown.astimezone(timezone.utc)

    def _offset(self, moment: datetime) -> timedelta | None:
        return self._here(moment).utcoffset()

    def _change(self, before: datetime, after: datetime) -> datetime:
        """Return the second in which the clock is changed between two moments."""
        low, high = floor(before.timestamp()), ceil(after.timestamp())
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(_at(middle)) == self._offset(before):
                low = middle
            else:
                high = middle
        return _at(high)


def _at(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not found, malformed, or a folder of zones
        raise InvalidInputError(
            f"there is no time zone {name!r}; zones are named as Europe/Berlin or UTC (on Windows"
            " they come with: pip install tzdata)"
        ) from error


def _days(text: str, whole: str) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = (name.strip().capitalize() for name in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS):
            raise _malformed(whole)
        begin = _DAYS.index(first)
        count = (_DAYS.index(last) - begin) % 7 if dash else 0
        yield from ((begin + more) % 7 for more in range(count + 1))


def _time(text: str, whole: str, *, is_end: bool = False) -> time:
    hours, minutes = (int(number) for number in text.split(":"))
    if is_end and (hours, minutes) == (24, 0):
        return time.min
    if hours > 23 or minutes > 59:
        raise _malformed(whole)
    return time(hours, minutes)


def _shown(days: tuple[int, ...]) -> str:
    """Return days in words, three and more in a row as a range."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" if len(run) > 2 else ",".join(_DAYS[day] for day in run)
        for run in runs
    )


def _malformed(text: str) -> InvalidInputError:
    return InvalidInputError(
        f"{text.strip()!r} is no window; write 19:00-07:00, or Mon-Fri 19:00-07:00; Sat,Sun"
        " (hours and minutes, days in English), or always"
    )
