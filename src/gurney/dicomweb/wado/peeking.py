"""Which instance begins with these bytes: seen at a glance, for nearly all there are.

The structural walk finds that out for every instance, and is needed once for each; here it would be
a second time, only to learn three UIDs from the first few elements.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, TypeAlias

__all__ = ["UIDs", "peek"]

UIDs: TypeAlias = tuple[str, str, str]
"""Study, Series and SOP Instance UID, without padding; empty where there is none."""

_HEADER: Final = Struct("<HH2sH")
_LENGTH: Final = Struct("<I")
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


def peek(head: bytes) -> UIDs | None:
    """Return the UIDs in the first bytes of an instance; `None` to have it walked over.

    Only what is plain is looked at: file meta, then Explicit VR Little Endian, in order, lengths
    defined.
    """
    if not head.startswith(_META, 128):
        return None
    at, end, last = _FIRST, len(head) - 12, 0x00020000
    uids: dict[int, str] = {}
    while at <= end:
        group, element, vr, length = _HEADER.unpack_from(head, at)
        tag = group << 16 | element
        long = _LONG_FORM.get(vr)
        if long is None or tag <= last:
            return None
        at += 8
        if long:
            (length,) = _LENGTH.unpack_from(head, at)
            at += 4
        elif tag in _WANTED:
            uids[tag] = head[at : at + length].decode("latin-1").strip(" \0")
        if tag >= _SERIES:
            complete = len(uids) == len(_WANTED) and at + length <= len(head)
            return (uids[_STUDY], uids[_SERIES], uids[_INSTANCE]) if complete else None
        at += length
        last = tag
    return None
