"""Matching of numbers by value, however they are written: ``4``, ``+4``, ``004`` and ``4.0``."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

__all__ = ["NUMERIC_VRS", "number_test"]

# Least and greatest value (PS3.5 6.2).
_RANGES: Final = {
    "IS": (-(2**31), 2**31 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "US": (0, 2**16 - 1),
    "UL": (0, 2**32 - 1),
    "UV": (0, 2**64 - 1),
}
NUMERIC_VRS: Final = frozenset({*_RANGES, "DS", "FL", "FD", "US or SS"})

_LONGEST: Final = 64  # characters; PS3.5 6.2 allows 16, and hostile ones would cost time
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,9})?", re.ASCII | re.IGNORECASE)


def number_test(vr: str, keys: Sequence[str]) -> Callable[[str], bool | None]:
    """Compile *keys*, any of which may match; the function returned says `None` to no number.

    Raises
    ------
    ValueError
        If a key is not a number that *vr* can hold. The message does not quote it.

    Examples
    --------
    >>> test = number_test("IS", ["4"])
    >>> test("+004"), test("4.0"), test("5"), test("four")
    (True, True, False, None)
    """
    wanted = frozenset(_checked(vr, key) for key in keys)

    def test(value: str) -> bool | None:
        number = _number(vr, value)
        return None if number is None else number in wanted

    return test


def _checked(vr: str, key: str) -> Decimal:
    number = _number(vr, key)
    if number is None:
        raise ValueError("it must be a number")
    if vr in _RANGES:
        least, greatest = _RANGES[vr]
        if not least <= number <= greatest or number % 1:
            raise ValueError(f"it must be a whole number between {least} and {greatest}")
    return number


def _number(vr: str, text: str) -> Decimal | None:
    if len(text) > _LONGEST or _NUMBER.fullmatch(text) is None:
        return None
    try:
        return Decimal(_single(text) if vr == "FL" else text)
    except InvalidOperation:
        return None


def _single(text: str) -> str:
    """As the nearest number that a float of 32 bits can hold, which is what an FL held."""
    try:
        return repr(struct.unpack("<f", struct.pack("<f", float(text)))[0])
    except OverflowError:
        return text
