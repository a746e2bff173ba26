"""Instances as an archive stores them, and the way to their encoded data sets."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

import attrs
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gurney.core import (
    DICOMFile,
    InstanceReference,
    decode,
    encode,
    text,
)

__all__ = ["Opened", "Stored", "UNCOMPRESSED", "from_dataset", "from_file", "opened", "part10"]

UNCOMPRESSED: Final = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""Transfer syntaxes that each can be sent as the other."""

_PREFIX: Final = 132  # bytes of preamble and DICM
_HEAD: Final = 1 << 14  # bytes in which file meta information fits


@attrs.frozen
class Opened:
    """An instance that is about to be sent.

    Attributes
    ----------
    pieces
        Its encoded data set, without file meta information.
    """

    sop_class_uid: str
    transfer_syntax: str
    pieces: Iterator[bytes]

    def in_syntax(self, syntax: str) -> Iterator[bytes]:
        """Return the data set in another uncompressed transfer syntax."""
        if syntax == self.transfer_syntax:
            return self.pieces
        dataset = decode(part10(self.transfer_syntax, b"".join(self.pieces)), "an instance")
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(text(dataset, "SOPInstanceUID"))
        return opened(iter([encode(dataset)])).pieces


@attrs.frozen
class Stored:
    """An instance that the archive holds.

    Attributes
    ----------
    sop_class_uid
        As the archive lists it.
    transfer_syntax
        ``""`` if that is not known before it is opened.
    open
        Begins to read it. Raises `GurneyError` if that fails.
    """

    reference: InstanceReference
    sop_class_uid: str
    transfer_syntax: str
    open: Callable[[], Opened] = attrs.field(repr=False, eq=False)


def opened(chunks: Iterator[bytes]) -> Opened:
    """Return a Part 10 file, without its file meta information.

    One that has none is written anew, from memory.

    Raises
    ------
    DownloadError
        If it is not whole, and that can be seen from its beginning.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    at = _PREFIX if head[_PREFIX - 4 : _PREFIX] == b"DICM" else 0
    values, end = _meta(head, at)
    if not values.get(_SYNTAX):
        dataset = decode(b"".join(_rest(head, chunks)), "an instance without file meta information")
        return opened(iter([encode(dataset)]))
    return Opened(values.get(_CLASS, ""), values[_SYNTAX], _rest(head[end:], chunks))


_CLASS: Final = 0x0002
_SYNTAX: Final = 0x0010
_LONG: Final = (b"OB", b"UN")  # with lengths of four bytes, PS3.5 7.1.2; others are not in group 2


def _meta(head: bytes, at: int) -> tuple[dict[int, str], int]:
    """Return UIDs of group 0002 by element, and where it ends."""
    values: dict[int, str] = {}
    while head[at : at + 2] == b"\2\0" and len(head) >= at + 12:
        element, vr = struct.unpack_from("<H2s", head, at + 2)
        form, begin = ("<I", at + 12) if vr in _LONG else ("<H", at + 8)
        (length,) = struct.unpack_from(form, head, begin - struct.calcsize(form))
        if vr == b"UI":
            values[element] = head[begin : begin + length].decode("ascii", "replace").strip(" \0")
        at = begin + length
    return values, at


def _rest(begin: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield begin
    yield from chunks


def part10(syntax: str, content: bytes) -> bytes:
    """Put the least of file meta information before a data set."""
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, _SYNTAX, b"UI", len(value)) + value
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element))
    return bytes(_PREFIX - 4) + b"DICM" + length + element + content


def from_dataset(reference: InstanceReference, dataset: Dataset, content: bytes) -> Stored:
    """Return an instance that is held in memory."""
    syntax = text(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID")
    return Stored(
        reference,
        text(dataset, "SOPClassUID"),
        syntax or opened(iter([content])).transfer_syntax,
        lambda: opened(iter([content])),
    )


def from_file(
    reference: InstanceReference, sop_class: str, file: Callable[[], DICOMFile]
) -> Stored:
    """Return an instance that is read when it is needed."""
    return Stored(reference, sop_class, "", lambda: opened(file().chunks))
