"""What an archive says of one object, read from the identifier of one response."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Final, cast

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import ALLOW_BACKSLASH, BYTES_VR

from ...searching import Elements, Item, Later, Reading, Readings
from .charsets import decoder
from .elements import Layout, item_bounds, layout, vr_of

__all__ = ["ResponseItem"]

_CHARACTER_SET: Final = 0x00080005
_NOT_OF_THE_OBJECT: Final = frozenset({_CHARACTER_SET, 0x00080052})  # and QueryRetrieveLevel
_UTF_8: Final = Reading("CS", ("ISO_IR 192",))
_PADDING: Final = " \0"
_DEPTH: Final = 32  # sequences inside each other; what is deeper is left out
_NUMBERS: Final = {
    "SS": "h",
    "US": "H",
    "SL": "i",
    "UL": "I",
    "SV": "q",
    "UV": "Q",
    "FL": "f",
    "FD": "d",
}
_PLAIN_VRS: Final = frozenset(b"AE AS CS DA DS DT IS LO PN SH TM UC UI UR".split())


class ResponseItem(Item):
    r"""What an archive says of one object. Nothing is read before it is asked for.

    It never raises, whatever came: what cannot be read is as if it were absent, or holds U+FFFD.

    Parameters
    ----------
    content
        The identifier, as it came.
    implicit
        Whether it is in Implicit VR Little Endian; else in Explicit VR Little Endian.

    Attributes
    ----------
    damaged
        Whether it ends in the middle of something.

    Examples
    --------
    >>> item = ResponseItem(b"\x20\x00\x0d\x00UI\x04\x001.2\x00", implicit=False)
    >>> item.text("StudyInstanceUID"), item.text("PatientID"), item.damaged
    ('1.2', '', False)
    """

    __slots__ = ("_content", "_implicit", "_layout", "_outer", "damaged")

    def __init__(self, content: bytes, *, implicit: bool, outer: bytes = b"") -> None:
        self._content: bytes = content
        self._outer: bytes = outer  # the character set of what this is inside of
        found, whole, in_fact_implicit = layout(content, implicit)
        self._layout: Layout = found
        self._implicit: bool = in_fact_implicit
        self.damaged: bool = not whole

    @property
    def blank(self) -> bool:
        """Whether this has no attribute at all."""
        return not self._layout

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        place = self._layout.get(_tag(keyword))
        if place is None:
            return ""
        vr, start, stop = place
        raw = self._content[start:stop]
        if vr in _PLAIN_VRS and raw.isascii() and b"\\" not in raw and b"\x1b" not in raw:
            return raw.decode("ascii").strip(_PADDING)  # nearly always; a tenth of the other way
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: str, /) -> tuple[str, ...]:
        """Return the values of *keyword* as text, in order; empty if there are none."""
        tag = _tag(keyword)
        if tag not in self._layout:
            return ()
        read = self._reading(tag)
        if isinstance(read.values, bytes) or read.vr == "SQ":
            return ()
        found = tuple([value.strip(_PADDING) for value in cast("tuple[str, ...]", read.values)])
        return found if any(found) else ()

    def written(self, names: Iterable[str], /) -> list[object]:
        """Return what the archive wrote at *names*, tags as eight digits; `None` for nothing."""
        return [self._written(int(name, 16)) for name in names]

    def dataset(self, wanted: Callable[[int], bool] | None = None, /) -> Dataset:
        """Return the attributes whose tags are *wanted*, or all; elements are made when touched.

        Its text has been decoded: its Specific Character Set (0008,0005) is ISO_IR 192, whatever
        the archive says.
        """
        return self._dataset(wanted, _DEPTH)

    def part(self, wanted: Callable[[int], bool], /) -> Callable[[], Dataset]:
        """Return what makes the data set of the *wanted* tags when called: always the same one."""
        return Later(_made_later, self._content, self._implicit, wanted)

    # ------------------------------------------------------------ reading

    def _raw(self, tag: int) -> bytes:
        _, start, stop = self._layout[tag]
        return self._content[start:stop]

    def _declared(self) -> bytes:
        return self._raw(_CHARACTER_SET) if _CHARACTER_SET in self._layout else self._outer

    def _written(self, tag: int) -> object:
        """Beyond ASCII, the same bytes are the same text in the same character set only."""
        if tag not in self._layout:
            return None
        raw = self._raw(tag)
        return raw if raw.isascii() and b"\x1b" not in raw else (raw, self._declared())

    def _reading(self, tag: int) -> Reading:
        vr, raw = vr_of(tag, self._layout[tag][0]), self._raw(tag)
        if vr == "SQ":
            bounds = item_bounds(raw, self._implicit)
            return Reading(vr, tuple([raw[start:stop] for start, stop in bounds]))
        if vr in BYTES_VR:
            return Reading(vr, raw)
        if vr in _NUMBERS:
            return Reading(vr, tuple([str(number) for number in _unpacked(_NUMBERS[vr], raw)]))
        if vr == "AT":
            pairs = struct.iter_unpack("<HH", raw[: len(raw) // 4 * 4])
            return Reading(vr, tuple([f"{group:04X}{number:04X}" for group, number in pairs]))
        text = decoder(self._declared()).text(raw).rstrip(_PADDING)
        values = (text,) if vr in ALLOW_BACKSLASH else tuple(text.split("\\"))
        return Reading(vr, values if text else ())

    # ------------------------------------------------------------ as a data set

    def _dataset(self, wanted: Callable[[int], bool] | None, depth: int) -> Dataset:
        readings: Readings = {
            BaseTag(tag): self._reading(tag)
            for tag in self._layout
            if tag not in _NOT_OF_THE_OBJECT and tag & 0xFFFF and (wanted is None or wanted(tag))
        }
        if readings:
            readings[BaseTag(_CHARACTER_SET)] = _UTF_8
        return Dataset(Elements(readings, partial(self._items, depth - 1)))

    def _items(self, depth: int, read: Reading) -> list[Dataset]:
        if depth < 0:
            return []
        contents, outer = cast("tuple[bytes, ...]", read.values), self._declared()
        items = [ResponseItem(each, implicit=self._implicit, outer=outer) for each in contents]
        return [item._dataset(None, depth) for item in items]


def _made_later(content: bytes, implicit: bool, wanted: Callable[[int], bool]) -> Dataset:
    """Make it from what came: an item, with its layout, takes several times the memory."""
    return ResponseItem(content, implicit=implicit).dataset(wanted)


def _unpacked(kind: str, raw: bytes) -> tuple[float, ...]:
    count = len(raw) // struct.calcsize(f"<{kind}")
    return struct.unpack_from(f"<{count}{kind}", raw)


@lru_cache(maxsize=4096)
def _tag(keyword: str) -> int:
    return tag_for_keyword(keyword) or -1
