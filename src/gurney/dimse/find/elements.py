"""Where the elements of an identifier are, in its bytes (PS3.5 7.1): found, and not yet read.

An identifier is small, there are many, and few are ever looked at. Lengths are never believed: an
element that would reach beyond the end is where reading ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeAlias

from pydicom.datadict import dictionary_VR
from pydicom.tag import BaseTag
from pydicom.valuerep import STANDARD_VR

__all__ = ["LONG_VRS", "Layout", "item_bounds", "layout", "vr_of"]

Layout: TypeAlias = "dict[int, tuple[bytes, int, int]]"
"""By tag: the VR as it is written, or none, and where the value begins and ends."""

LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Those whose length takes four bytes, after two reserved ones (PS3.5 7.1.2)."""

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _END_OF_ITEM, _END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_explicit: Final = struct.Struct("<HH2sH").unpack_from
_implicit: Final = struct.Struct("<HHL").unpack_from
_long: Final = struct.Struct("<L").unpack_from
_WRITTEN_VRS: Final = frozenset(str(vr).encode() for vr in STANDARD_VR)


def layout(content: bytes, implicit: bool) -> tuple[Layout, bool, bool]:
    """Return where the elements of *content* are.

    And whether they reach exactly to its end; and whether they are in fact in implicit VR: some
    archives do not write what was agreed on.
    """
    looks_implicit = content[4:6] not in _WRITTEN_VRS
    if looks_implicit is not implicit:
        found, whole = _layout(content, looks_implicit)
        if whole:
            return found, whole, looks_implicit
    return *_layout(content, implicit), implicit


def _layout(content: bytes, implicit: bool) -> tuple[Layout, bool]:
    found: Layout = {}
    at, end = 0, len(content)
    try:
        while at < end:
            if implicit:
                group, number, length = _implicit(content, at)
                vr, start = b"", at + 8
            else:
                group, number, vr, length = _explicit(content, at)
                start = at + 8
                if vr in LONG_VRS:
                    length = _long(content, start)[0]
                    start += 4
            stop = start + length
            if stop > end:
                if length != _UNDEFINED:
                    return found, False
                stop = _end_of_undefined(content, start, implicit)
            found[group << 16 | number] = vr, start, stop
            at = stop
    except (struct.error, ValueError):
        return found, False
    return found, True


def _end_of_undefined(content: bytes, at: int, implicit: bool) -> int:
    """Return where what has no length ends, however much is inside it.

    Raises
    ------
    ValueError, struct.error
        If it does not.
    """
    within = 1
    while within:
        tag, start, length = _header(content, at, implicit)
        if tag in (_END_OF_ITEM, _END_OF_SEQUENCE):
            within -= 1
        elif length == _UNDEFINED:
            within += 1
        else:
            start += length
        at = start
    if at > len(content):
        raise ValueError("beyond the end")
    return at


def _header(content: bytes, at: int, implicit: bool) -> tuple[int, int, int]:
    """Return tag, start and length of what is at *at*: an element, an item, or the end of one."""
    group, number, length = _implicit(content, at)
    if implicit or group == 0xFFFE:
        return group << 16 | number, at + 8, length
    _, _, vr, length = _explicit(content, at)
    if vr in LONG_VRS:
        return group << 16 | number, at + 12, _long(content, at + 8)[0]
    return group << 16 | number, at + 8, length


def item_bounds(content: bytes, implicit: bool) -> Iterator[tuple[int, int]]:
    """Yield where the items of a sequence, whose value is *content*, begin and end.

    What is damaged ends it.
    """
    at, end = 0, len(content)
    try:
        while at < end:
            tag, start, length = _header(content, at, implicit)
            if tag != _ITEM:
                return
            if length == _UNDEFINED:
                at = _end_of_undefined(content, start, implicit)
                yield start, at - 8
            elif start + length > end:
                return
            else:
                at = start + length
                yield start, at
    except (struct.error, ValueError):
        return


@lru_cache(maxsize=4096)
def vr_of(tag: int, written: bytes) -> str:
    """Return the VR of an element: as it is written, or as the dictionary has it."""
    if written in _WRITTEN_VRS and written != b"UN":
        return written.decode()
    base = BaseTag(tag)
    if base.is_private:
        return "LO" if 0x10 <= base.element <= 0xFF else "UN"
    try:
        known = dictionary_VR(base)
    except KeyError:
        return "UL" if base.element == 0 else "UN"
    return known if len(known) == 2 else "OW" if "OW" in known else "US"
