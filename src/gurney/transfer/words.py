"""Numbers, sizes, times and places, as people read them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

__all__ = ["BESIDE", "count", "duration", "moment", "share", "size"]

BESIDE: Final = "the folder of this ledger"
"""What a ledger calls the output in whose folder it is: both may be moved together."""

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")


def count(number: int | None) -> str:
    """Return a number of things; ``?`` if nobody can say.

    Examples
    --------
    >>> count(1234567), count(None)
    ('1,234,567', '?')
    """
    return "?" if number is None else f"{number:,}"


def size(number: float) -> str:
    """Return a number of bytes with three digits.

    Examples
    --------
    >>> size(17), size(1_234), size(999_999), size(12_300_000_000)
    ('17 bytes', '1.23 kB', '1.00 MB', '12.3 GB')
    """
    if number < 1000:
        return f"{number:.0f} bytes"
    power = min(int(math.log10(number * 1.0005) // 3), len(_UNITS))
    scaled, unit = number / 1000**power, _UNITS[power - 1]
    return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f} {unit}"


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units.

    Examples
    --------
    >>> duration(0.4), duration(75), duration(7_260), duration(180_000)
    ('under 1 s', '1 min 15 s', '2 h 1 min', '2 d 2 h')
    """
    if seconds < 1:
        return "under 1 s"
    left, parts = round(seconds), list[str]()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        whole, left = divmod(left, length)
        if whole or parts:
            parts.append(f"{whole} {unit}" if whole else "")
    return " ".join(part for part in parts[:2] if part)


def moment(time: datetime | None) -> str:
    """Return date and time to the minute, with its distance from UTC; empty if not known."""
    return "" if time is None else f"{time:%Y-%m-%d %H:%M} {_zone(time)}"


def share(part: int, whole: int | None) -> str:
    """Return a percentage that says 100 only of all, and 0 only of none.

    Examples
    --------
    >>> share(1, 3), share(99_999, 100_000), share(1, 100_000), share(0, 0), share(3, 3)
    ('33.3 %', '99.9 %', '< 0.1 %', '', '100 %')
    """
    if not whole:
        return ""
    if part in (0, whole):
        return "0 %" if part == 0 else "100 %"
    percent = 100 * part / whole
    return f"{min(percent, 99.9):.1f} %" if percent >= 0.1 else "< 0.1 %"


def _zone(time: datetime) -> str:
    offset = f"{time:%z}"
    return "UTC" if offset in ("", "+0000") else f"UTC{offset[:3]}:{offset[3:]}"
