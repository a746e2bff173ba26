"""Range matching (PS3.4 C.2.2.2.5): dates and times as the intervals that their precision leaves.

``2024`` is a year and ``1230`` a minute. Everything is counted in microseconds: of the calendar
for DA and DT, of the day for TM.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple

__all__ = ["interval_test"]

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_CLOCK: Final = r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?"
_TIME: Final = re.compile(_CLOCK, re.ASCII)
_DATE_TIME: Final = re.compile(
    rf"(\d{{4}})(?:(\d\d)(?:(\d\d)(?:{_CLOCK})?)?)?(?:([+-])(\d\d)([0-5]\d))?", re.ASCII
)
_ACR_NEMA_DATE: Final = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)", re.ASCII)
_ACR_NEMA_TIME: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?", re.ASCII)

_EASTMOST: Final = 14 * _HOUR  # PS3.5 6.2: offsets from UTC run from -1200 to +1400
_WESTMOST: Final = 12 * _HOUR

_FORMS: Final = {
    "DA": "YYYYMMDD",
    "TM": "HHMMSS.FFFFFF, as far as known",
    "DT": "YYYYMMDDHHMMSS.FFFFFF, as far as known, and perhaps an offset from UTC",
}


class _Interval(NamedTuple):
    """From *start* up to but without *end*; in UTC if *zoned*, else in an unstated time zone."""

    start: int
    end: int
    zoned: bool = False


_EVER: Final = _Interval(-(10**20), 10**20)


def interval_test(vr: str, key: str) -> Callable[[str], bool | None]:
    """Compile the date, time or range *key*, of *vr* DA, TM or DT.

    The function returned takes a value: `True` if all of it lies in the key's interval, `False`
    if none does, `None` if that cannot be said: it lies there in part, it is no date or time, or
    one of the two states an offset from UTC and the other does not.

    A hyphen in DT may begin an offset or separate the ends of a range; it is an offset wherever
    that gives a date-time the standard knows (``2024-0500`` is one year, seen from New York).

    Raises
    ------
    ValueError
        If *key* is none, or its ends are in the wrong order. The message does not quote it.

    Examples
    --------
    >>> test = interval_test("DA", "20240115-")
    >>> test("20240115"), test("20231231"), test("202401"), test("20249999")
    (True, False, None, None)
    """
    lower, upper = _ends(vr, key)

    def test(value: str) -> bool | None:
        found = _parse_leniently(vr, value)
        if found is None:
            return None
        start, end = _as_seen(found, lower.zoned)
        if end <= lower.start:
            return False
        inside = start >= lower.start
        start, end = _as_seen(found, upper.zoned)
        if start >= upper.end:
            return False
        return True if inside and end <= upper.end else None

    return test


def _ends(vr: str, key: str) -> tuple[_Interval, _Interval]:
    """Return the intervals that *key* begins and ends with: one and the same for a single value."""
    single = _parse(vr, key)
    if single is not None:
        return single, single
    ranges = list(_ranges(vr, key))
    for lower, upper in ranges:
        if lower.zoned != upper.zoned or lower.start < upper.end:
            return lower, upper
    if ranges:
        raise ValueError("the range ends before it begins; swap its ends, or search for two ranges")
    raise ValueError(f"it must be of the form {_FORMS[vr]} (PS3.5 6.2), or a range of two such")


def _ranges(vr: str, key: str) -> Iterator[tuple[_Interval, _Interval]]:
    """Read *key* as a range in each way that its hyphens allow."""
    for hyphen in re.finditer("-", key):
        first, last = key[: hyphen.start()].strip(), key[hyphen.end() :].strip()
        lower = _parse(vr, first) if first else _EVER
        upper = _parse(vr, last) if last else _EVER
        if (first or last) and lower is not None and upper is not None:
            yield lower, upper


def _as_seen(found: _Interval, zoned: bool) -> tuple[int, int]:
    """Widen *found* by all offsets it might have, if it is to be compared across that doubt."""
    if found.zoned == zoned:
        return found.start, found.end
    if zoned:
        return found.start - _EASTMOST, found.end + _WESTMOST
    return found.start - _WESTMOST, found.end + _EASTMOST


def _parse_leniently(vr: str, value: str) -> _Interval | None:
    """Read *value* as archives hold it: in ACR-NEMA's form too, or a date without its day."""
    found = _parse(vr, value)
    if found is not None or vr == "DT":
        return found
    if vr == "TM":
        return _parse(vr, _ACR_NEMA_TIME.sub(lambda match: "".join(match.groups("")), value))
    return _parse("DT" if len(value) < 8 else vr, _ACR_NEMA_DATE.sub(r"\1\2\3", value))


def _parse(vr: str, value: str) -> _Interval | None:
    try:
        return _PARSERS[vr](value)
    except ValueError:  # a month 13, or a day that the month does not have
        return None


def _date(value: str) -> _Interval | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day = match.groups()
    start = date(int(year), int(month), int(day)).toordinal() * _DAY
    return _Interval(start, start + _DAY)


def _time(value: str) -> _Interval | None:
    match = _TIME.fullmatch(value)
    return None if match is None else _clock(*match.groups())


def _date_time(value: str) -> _Interval | None:
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    if hour is None:
        start, end = _days(int(year), month, day)
    else:
        time = _clock(hour, minute, second, fraction)
        midnight = date(int(year), int(month), int(day)).toordinal() * _DAY
        start, end = midnight + time.start, midnight + time.end
    if sign is None:
        return _Interval(start, end)
    offset = int(sign + hours) * _HOUR + int(sign + minutes) * _MINUTE
    if not -_WESTMOST <= offset <= _EASTMOST:
        return None
    return _Interval(start - offset, end - offset, zoned=True)


def _days(year: int, month: str | None, day: str | None) -> tuple[int, int]:
    first = date(year, int(month or 1), int(day or 1))
    last_month = int(month or 12)
    last = date(year, last_month, int(day or monthrange(year, last_month)[1]))
    return first.toordinal() * _DAY, (last.toordinal() + 1) * _DAY


def _clock(hour: str, minute: str | None, second: str | None, fraction: str | None) -> _Interval:
    """Of one day; a leap second (PS3.5 6.2: SS runs from 00 to 60) is one more second."""
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        raise ValueError
    start = int(hour) * _HOUR + int(minute or 0) * _MINUTE + int(second or 0) * _SECOND
    if fraction:
        unit = 10 ** (6 - len(fraction))
        start += int(fraction) * unit
        return _Interval(start, start + unit)
    return _Interval(start, start + (_SECOND if second else _MINUTE if minute else _HOUR))


_PARSERS: Final[dict[str, Callable[[str], _Interval | None]]] = {
    "DA": _date,
    "TM": _time,
    "DT": _date_time,
}
