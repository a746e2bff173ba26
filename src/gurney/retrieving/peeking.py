"""Which instance begins with these bytes: seen at a glance, for nearly all there are.

The structural walk finds that out for every instance, and is needed once for each; here it would be
a second time, only to learn three UIDs from the first few elements.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, TypeAlias

__all__ = ["UIDs", "peek", "peek_dataset"]

UIDs: TypeAlias = tuple[str, str, str]
"""Study, Series and SOP Instance UID, without padding; empty where there is none."""

_META: Final = b"DICM\x02\x00\x00\x00UL\x04\x00"  # where the preamble ends
_FIRST: Final = 144  # where the second element of the file meta is
_INSTANCE: Final = 0x00080018
_STUDY: Final = 0x0020000D
_SERIES: Final = 0x0020000E
_WANTED: Final = frozenset((_INSTANCE, _STUDY, _SERIES))

# PS3.5 7.1.2: whether the length has four bytes.
_SHORT: Final = b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG: Final = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV"
_LONG_FORM: Final = dict.fromkeys(_SHORT.split(), False) | dict.fromkeys(_LONG.split(), True)

_LITTLE: Final = (Struct("<HH2sH"), Struct("<I"))
_BIG: Final = (Struct(">HH2sH"), Struct(">I"))
_IMPLICIT: Final = Struct("<HHI")
_IMPLICIT_SYNTAX: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN_SYNTAX: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")


def peek(head: bytes) -> UIDs | None:
    """Return the UIDs in the first bytes of an instance; `None` to have it walked over.

    Only what is plain is looked at: file meta, then Explicit VR Little Endian, in order, lengths
    defined.
    """
    if not head.startswith(_META, 128):
        return None
    return _explicit(head, _FIRST, 0x00020000, _LITTLE)


def peek_dataset(head: bytes, transfer_syntax: str) -> UIDs | None:
    """Return the UIDs in the first bytes of a data set; `None` to have it walked over.

    There is no file meta before it: so data sets arrive by DIMSE. Only what is plain is looked at:
    elements in order, lengths defined, nothing deflated.
    """
    if transfer_syntax == _IMPLICIT_SYNTAX:
        return _implicit(head)
    if transfer_syntax in _DEFLATED:
        return None
    return _explicit(head, 0, 0, _BIG if transfer_syntax == _BIG_ENDIAN_SYNTAX else _LITTLE)


def _explicit(head: bytes, at: int, last: int, form: tuple[Struct, Struct]) -> UIDs | None:
    """Look at the elements that begin at *at*; the tag before them was *last*."""
    header, long_length = form[0].unpack_from, form[1].unpack_from
    end = len(head) - 12
    uids: dict[int, str] = {}
    while at <= end:
        group, element, vr, length = header(head, at)
        tag = group << 16 | element
        long = _LONG_FORM.get(vr)
        if long is None or tag <= last:
            return None
        at += 8
        if long:
            (length,) = long_length(head, at)
            at += 4
        elif tag in _WANTED:
            uids[tag] = _uid(head, at, length)
        if tag >= _SERIES:
            return _complete(uids, head, at + length)
        at += length
        last = tag
    return None


def _implicit(head: bytes) -> UIDs | None:
    """Look at elements without VR."""
    at, end, last = 0, len(head) - 8, 0
    uids: dict[int, str] = {}
    while at <= end:
        group, element, length = _IMPLICIT.unpack_from(head, at)
        tag = group << 16 | element
        if tag <= last:
            return None
        at += 8
        if tag in _WANTED:
            uids[tag] = _uid(head, at, length)
        if tag >= _SERIES:
            return _complete(uids, head, at + length)
        at += length
        last = tag
    return None


def _uid(head: bytes, at: int, length: int) -> str:
    return head[at : at + length].decode("latin-1").strip(" \0")


def _complete(uids: dict[int, str], head: bytes, end: int) -> UIDs | None:
    """Return the UIDs if all three are there, and none is cut."""
    if len(uids) < len(_WANTED) or end > len(head):
        return None
    return uids[_STUDY], uids[_SERIES], uids[_INSTANCE]
