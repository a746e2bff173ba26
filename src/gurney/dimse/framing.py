"""PDUs of the upper layer (PS3.8 9.3): their types, the short ones, and items of the long ones."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

__all__ = [
    "ABORT",
    "ASSOCIATE_AC",
    "ASSOCIATE_RJ",
    "ASSOCIATE_RQ",
    "HEADER",
    "LONGEST_NEGOTIATION",
    "P_DATA",
    "RELEASE_RP",
    "RELEASE_RQ",
    "SMALLEST_PDU",
    "data_pdu",
    "short_pdu",
    "without_needless_items",
]

ASSOCIATE_RQ: Final = 0x01
ASSOCIATE_AC: Final = 0x02
ASSOCIATE_RJ: Final = 0x03
P_DATA: Final = 0x04
RELEASE_RQ: Final = 0x05
RELEASE_RP: Final = 0x06
ABORT: Final = 0x07

HEADER: Final = struct.Struct(">BxI")  # type, length of what follows
LONGEST_NEGOTIATION: Final = 1 << 20
"""Bytes of an A-ASSOCIATE PDU that are taken: 128 contexts with all known syntaxes need a third."""

SMALLEST_PDU: Final = 128
"""Bytes of a PDU that anybody has to take."""

_PDV: Final = struct.Struct(">BxIIBB")  # a PDU with one PDV: its headers
_SHORT: Final = struct.Struct(">BxIxBBB")
_ITEM: Final = struct.Struct(">BxH")

_FIXED: Final = 74  # bytes of an A-ASSOCIATE PDU before its items
_CONTEXT_RQ, _CONTEXT_AC, _USER_INFORMATION = 0x20, 0x21, 0x50
_MAXIMUM, _ROLE, _EXTENDED, _IDENTITY = 0x51, 0x54, 0x56, 0x58
_NEEDED: Final = {_CONTEXT_RQ, _CONTEXT_AC, _USER_INFORMATION}
_NEEDED_OF_USER: Final = {_MAXIMUM, _ROLE, _EXTENDED, _IDENTITY}


def short_pdu(kind: int, one: int = 0, two: int = 0, three: int = 0) -> bytes:
    """Return a PDU of four bytes: a rejection, a release, an abort; the first byte is reserved."""
    return _SHORT.pack(kind, 4, one, two, three)


def data_pdu(context_id: int, control: int, fragment: bytes) -> bytes:
    """Return a P-DATA-TF with one fragment (PS3.8 9.3.5, E.2).

    Parameters
    ----------
    context_id
        Of the presentation context.
    control
        1 for a command, 2 for the last fragment of it or of a data set; or both.
    fragment
        Up to 6 bytes less than the other side takes.
    """
    size = len(fragment)
    return _PDV.pack(P_DATA, size + 6, size + 2, context_id, control) + fragment


def without_needless_items(encoded: bytes) -> bytes:
    """Return an A-ASSOCIATE PDU without the items that nobody here reads.

    Raises
    ------
    ValueError
        If it ends too early, or one of its items does.
    """
    if len(encoded) < _FIXED:
        raise ValueError("it ends before its items")
    return encoded[:_FIXED] + b"".join(_needed_items(encoded[_FIXED:], _NEEDED))


def _needed_items(encoded: bytes, needed: set[int]) -> Iterator[bytes]:
    at = 0
    while at < len(encoded):
        if len(encoded) - at < _ITEM.size:
            raise ValueError("it ends inside an item")
        kind, length = _ITEM.unpack_from(encoded, at)
        content = encoded[at + _ITEM.size : at + _ITEM.size + length]
        if len(content) < length:
            raise ValueError("an item reaches beyond its end")
        at += _ITEM.size + length
        if kind == _USER_INFORMATION:
            content = b"".join(_needed_items(content, _NEEDED_OF_USER))
        if kind == _CONTEXT_AC and content[2:3] != b"\0":
            content = content[:4]  # rejected: its transfer syntax means nothing, and may be none
        if kind in needed:
            yield _ITEM.pack(kind, len(content)) + content
