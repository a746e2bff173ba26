"""Which instance begins with these bytes: seen at a glance, for nearly all there are.

The structural walk finds that out for every instance, and is needed once for each; here it would be
a second time, only to learn three UIDs from the first few elements.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import Any, Final, TypeAlias

__all__ = ["UIDs", "peek", "peek_dataset"]

UIDs: TypeAlias = tuple[str, str, str]
"""Study, Series and SOP Instance UID, without padding; empty where there is none."""

_Unpack: TypeAlias = Callable[[bytes, int], tuple[Any, ...]]
_Reader: TypeAlias = Callable[[bytes, int], tuple[int, int, int]]

_META: Final = b"DICM\x02\x00\x00\x00UL\x04\x00"  # where the preamble ends
_FIRST: Final = 144  # where the second element of the file meta is
_CLASS: Final = 0x00080016
_INSTANCE: Final = 0x00080018
_STUDY: Final = 0x0020000D
_SERIES: Final = 0x0020000E
_WANTED: Final = frozenset((_CLASS, _INSTANCE, _STUDY, _SERIES))
_NEEDED: Final = frozenset((_INSTANCE, _STUDY, _SERIES))

# PS3.5 7.1.2: whether the length has four bytes.
_SHORT: Final = b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG: Final = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV"
_LONG_FORM: Final = dict.fromkeys(_SHORT.split(), False) | dict.fromkeys(_LONG.split(), True)

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = Struct("<HHI")
_BIG_ITEM: Final = Struct(">HHI")
_BEGIN_OF_ITEM: Final = 0xFFFEE000
_END_OF_SEQUENCE: Final = 0xFFFEE0DD
_LITTLE_END_OF_ITEM: Final = b"\xfe\xff\x0d\xe0"
_BIG_END_OF_ITEM: Final = b"\xff\xfe\xe0\x0d"
_DEEPEST: Final = 8  # levels of nesting
_IMPLICIT_SYNTAX: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN_SYNTAX: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")


def peek(head: bytes) -> UIDs | None:
    """Return the UIDs in the first bytes of an instance; `None` to have it walked over.

    Only what is plain is looked at: file meta, then Explicit VR Little Endian, in order, nothing
    nested deeply.
    """
    if not head.startswith(_META, 128):
        return None
    seen = _scan(head, _FIRST, 0x00020000, _read_little)
    return None if seen is None else seen[:3]


def peek_dataset(head: bytes, transfer_syntax: str) -> tuple[str, str, str, str] | None:
    """Return the UIDs in the first bytes of a data set; `None` to have it walked over.

    They are those of study, series and instance, and of the SOP class (empty if there is none).
    There is no file meta before it: so data sets arrive by DIMSE. Only what is plain is looked at:
    elements in order, nothing deflated, nothing nested deeply.
    """
    if transfer_syntax == _IMPLICIT_SYNTAX:
        return _scan(head, 0, 0, _read_implicit)
    if transfer_syntax in _DEFLATED:
        return None
    return _scan(head, 0, 0, _read_big if transfer_syntax == _BIG_ENDIAN_SYNTAX else _read_little)


def _scan(head: bytes, at: int, last: int, read: _Reader) -> tuple[str, str, str, str] | None:
    """Look at the elements that begin at *at*; the tag before them was *last*."""
    end = len(head) - 12
    uids: dict[int, str] = {}
    while at <= end:
        tag, length, at = read(head, at)
        if tag <= last:
            return None
        if tag in _WANTED:
            uids[tag] = head[at : at + length].decode("latin-1").strip(" \0")
        if tag >= _SERIES:
            complete = _NEEDED <= uids.keys() and at + length <= len(head)
            if not complete:
                return None
            return uids[_STUDY], uids[_SERIES], uids[_INSTANCE], uids.get(_CLASS, "")
        at = _past_items(head, at, read, 0) if length == _UNDEFINED else at + length
        last = tag
    return None


def _past_items(head: bytes, at: int, read: _Reader, depth: int) -> int:
    """Return where a sequence of undefined length ends; beyond the end if that is not plain."""
    item = _BIG_ITEM if read is _read_big else _ITEM
    while depth < _DEEPEST and at <= len(head) - 8:
        group, element, length = item.unpack_from(head, at)
        at += 8
        tag = group << 16 | element
        if tag == _END_OF_SEQUENCE:
            return at
        if tag != _BEGIN_OF_ITEM:
            break
        at = _past_item(head, at, read, depth) if length == _UNDEFINED else at + length
    return len(head)


def _past_item(head: bytes, at: int, read: _Reader, depth: int) -> int:
    """Return where an item of undefined length ends; beyond the end if that is not plain."""
    end_of_item = _BIG_END_OF_ITEM if read is _read_big else _LITTLE_END_OF_ITEM
    while at <= len(head) - 12:
        if head.startswith(end_of_item, at):
            return at + 8
        tag, length, at = read(head, at)
        if tag < 0:
            break
        at = _past_items(head, at, read, depth + 1) if length == _UNDEFINED else at + length
    return len(head)


def _read_explicit(
    header: _Unpack, long_length: _Unpack, head: bytes, at: int
) -> tuple[int, int, int]:
    """Return tag and length of an element, and where its value is; a tag of -1 if it is not plain.

    What is of unknown VR and undefined length holds Implicit VR (PS3.5 6.2.2).
    """
    group, element, vr, length = header(head, at)
    long = _LONG_FORM.get(vr)
    if not long:
        return (-1, 0, at) if long is None else (group << 16 | element, length, at + 8)
    (length,) = long_length(head, at + 8)
    if length == _UNDEFINED and vr != b"SQ":
        return -1, 0, at
    return group << 16 | element, length, at + 12


def _read_implicit(head: bytes, at: int) -> tuple[int, int, int]:
    """Do the same for Implicit VR Little Endian."""
    group, element, length = _ITEM.unpack_from(head, at)
    return group << 16 | element, length, at + 8


_read_little: Final[_Reader] = partial(
    _read_explicit, Struct("<HH2sH").unpack_from, Struct("<I").unpack_from
)
_read_big: Final[_Reader] = partial(
    _read_explicit, Struct(">HH2sH").unpack_from, Struct(">I").unpack_from
)
