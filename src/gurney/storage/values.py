"""Whether two files hold the same values, though their bytes differ (D31).

DICOM nodes on the way write sequences with another form of length, drop group lengths, or pad text
to even length in their own way. Whatever is not plainly the same is taken for different: two files
are kept then, and none is lost. Memory is that of the elements below a chunk.
"""

from __future__ import annotations

from typing import BinaryIO, Final, cast

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from gurney.core import CHUNK_SIZE, Walked

from .content import Readable

__all__ = ["same_values"]

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_TRAILING_PADDING: Final = 0xFFFCFFFC
_UNDEFINED: Final = 0xFFFFFFFF
# Trailing spaces and NULs of these mean nothing (PS3.5 6.2).
_PADDED: Final = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())


def same_values(one: Readable, first: Walked, other: Readable, second: Walked) -> bool:
    """Return whether two whole files in one transfer syntax hold the same values.

    References
    ----------
    DICOM PS3.5 7.5.2, lengths of sequences and items; 7.2, group lengths; 7.4.4, padding.
    """
    syntax = first.transfer_syntax
    if syntax != second.transfer_syntax or syntax == _DEFLATED:
        return False
    try:
        with one.open("rb") as a, other.open("rb") as b:
            return _Comparison(a, b).of(_read(a), _read(b))
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on odd values (P01)
        return False


def _read(file: BinaryIO) -> Dataset:
    return dcmread(file, defer_size=CHUNK_SIZE, force=True)


class _Comparison:
    """Compares what two open files hold."""

    def __init__(self, a: BinaryIO, b: BinaryIO) -> None:
        self._a: BinaryIO = a
        self._b: BinaryIO = b

    def of(self, one: Dataset, other: Dataset) -> bool:
        """Return whether two data sets, or two items, hold the same."""
        tags = _tags(one)
        return tags == _tags(other) and all(self._same(tag, one, other) for tag in tags)

    def _same(self, tag: BaseTag, one: Dataset, other: Dataset) -> bool:
        raw, also_raw = one.get_item(tag), other.get_item(tag)
        if _is_sequence(raw) or _is_sequence(also_raw):
            return self._same_items(one[tag].value, other[tag].value)
        if not isinstance(raw, RawDataElement) or not isinstance(also_raw, RawDataElement):
            return bool(one[tag] == other[tag])  # pydicom has looked at it already
        if raw.value is None or also_raw.value is None:
            return self._same_large(raw, also_raw)
        return raw.VR == also_raw.VR and _stripped(raw) == _stripped(also_raw)

    def _same_items(self, items: object, others: object) -> bool:
        if not isinstance(items, Sequence) or not isinstance(others, Sequence):
            return False
        return len(items) == len(others) and all(
            self.of(*pair) for pair in zip(items, others, strict=True)
        )

    def _same_large(self, one: RawDataElement, other: RawDataElement) -> bool:
        """Compare values that were left in their files; of undefined length, all up to the end."""
        if one.length != other.length or one.VR != other.VR:
            return False
        self._a.seek(one.value_tell)
        self._b.seek(other.value_tell)
        left = one.length
        while left > 0:
            size = min(CHUNK_SIZE, left)
            piece = self._a.read(size)
            if piece != self._b.read(size):
                return False
            if not piece:
                return one.length == _UNDEFINED
            left -= len(piece)
        return True


def _tags(dataset: Dataset) -> list[BaseTag]:
    """Return the tags of what has a value that means something, in order."""
    return [tag for tag in sorted(dataset.keys()) if tag.element and tag != _TRAILING_PADDING]


def _is_sequence(element: object) -> bool:
    if isinstance(element, RawDataElement):
        return _vr(element) == "SQ"
    return isinstance(element, DataElement) and element.VR == "SQ"


def _vr(element: RawDataElement) -> str:
    if element.VR is not None:
        return element.VR
    return dictionary_VR(element.tag) if dictionary_has_tag(element.tag) else "UN"


def _stripped(element: RawDataElement) -> bytes:
    value = cast("bytes", element.value)
    return value.rstrip(b" \0") if _vr(element) in _PADDED else value
