"""What stands before a data set in a file; on the line it is not there."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

__all__ = ["head_of"]

_IMPLEMENTATION: Final = "2.25.287149843029541264126103281735302945183"  # as in associations
_VERSION: Final = b"GURNEY"
_SHORT: Final = Struct("<HH2sH")
_LONG: Final = Struct("<HH2sHI")


@lru_cache(maxsize=64)
def _around(sop_class_uid: str, transfer_syntax: str) -> tuple[bytes, bytes]:
    """Return the elements before and after (0002,0003), which are the same for many instances."""
    version = _LONG.pack(2, 1, b"OB", 0, 2) + b"\0\1"
    before = version + _text(0x0002, b"UI", _uid(sop_class_uid))
    after = (
        _text(0x0010, b"UI", _uid(transfer_syntax))
        + _text(0x0012, b"UI", _uid(_IMPLEMENTATION))
        + _text(0x0013, b"SH", _VERSION)
    )
    return before, after


def head_of(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> bytes:
    """Return preamble and file meta information: the same for the same instance, every time.

    References
    ----------
    DICOM PS3.10 7.1, DICOM File Meta Information.

    Examples
    --------
    >>> head = head_of("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1")
    >>> head[128:132]
    b'DICM'
    """
    before, after = _around(sop_class_uid, transfer_syntax)
    meta = before + _text(0x0003, b"UI", _uid(sop_instance_uid)) + after
    length = _SHORT.pack(2, 0, b"UL", 4) + len(meta).to_bytes(4, "little")
    return bytes(128) + b"DICM" + length + meta


def _text(element: int, vr: bytes, value: bytes) -> bytes:
    return _SHORT.pack(2, element, vr, len(value)) + value


def _uid(uid: str) -> bytes:
    value = uid.encode("latin-1")
    return value + b"\0" if len(value) % 2 else value
