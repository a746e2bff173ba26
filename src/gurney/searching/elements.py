"""What was read of an attribute becomes a pydicom element when it is first touched.

It is as exact as it was written, and it never fails: a number that is none stays text. And it lets
pydicom warn of nothing, since its warnings quote values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from pydicom import config
from pydicom.dataelem import DataElement, RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag
from pydicom.valuerep import AMBIGUOUS_VR

__all__ = ["Elements", "Reading", "Readings", "Values", "element"]

Values: TypeAlias = "bytes | tuple[Any, ...]"
"""Text, numbers too, `None` for a missing one of several; or bytes; or the items of a sequence."""


class Reading(NamedTuple):
    """What an attribute says, before pydicom has a look at it."""

    vr: str
    values: Values


Readings: TypeAlias = "dict[BaseTag, Reading | DataElement | RawDataElement]"
"""The mapping of a data set, some of which has been looked at."""


class Elements(MutableMapping[BaseTag, DataElement | RawDataElement]):
    """What a `Dataset` holds, each made when it is first asked for.

    Parameters
    ----------
    known
        What was read; it is kept.
    items
        Makes the items of a sequence.
    """

    __slots__ = ("_items", "_known")

    def __init__(self, known: Readings, items: Callable[[Reading], list[Dataset]]) -> None:
        self._known: Readings = known
        self._items: Callable[[Reading], list[Dataset]] = items

    def __getitem__(self, tag: BaseTag) -> DataElement | RawDataElement:
        found = self._known[tag]
        if isinstance(found, Reading):
            found = self._known[tag] = self._made(tag, found)
        return found

    def _made(self, tag: BaseTag, read: Reading) -> DataElement:
        if read.vr == "SQ":
            made = DataElement(tag, "SQ", Items(self._items(read)))
        else:
            made = element(tag, read)
        creator = BaseTag((tag.group << 16) + (tag.element >> 8))  # PS3.5 7.8.1
        if tag.is_private and tag.element > 0xFF and creator in self:
            made.private_creator = str(self[creator].value)
        return made

    def __setitem__(self, tag: BaseTag, value: DataElement | RawDataElement) -> None:
        self._known[tag] = value

    def __delitem__(self, tag: BaseTag) -> None:
        del self._known[tag]

    def __contains__(self, tag: object) -> bool:
        return tag in self._known

    def __iter__(self) -> Iterator[BaseTag]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def popitem(self) -> tuple[BaseTag, DataElement | RawDataElement]:
        """Remove the last, as a `dict` does."""
        if not self._known:
            raise KeyError("popitem(): dictionary is empty")
        tag = next(reversed(self._known))
        return tag, self.pop(tag)

    def __reduce__(self) -> tuple[type, tuple[dict[BaseTag, DataElement | RawDataElement]]]:
        return dict, (dict(self.items()),)


def element(tag: BaseTag, read: Reading) -> DataElement:
    """Return *read* as pydicom has it; a number that is none stays the text it was.

    Not for sequences.
    """
    vr, values = read
    ignore = config.IGNORE
    if isinstance(values, bytes):
        found = DataElement(tag, "OB", values, validation_mode=ignore)
        found.VR = vr  # pydicom replaces UN by the dictionary's VR, and leaves the bytes in it
        return found
    convert = _CONVERTERS.get(vr, _plain)
    try:
        converted = [convert(value) for value in values]
        return DataElement(tag, vr, _single(vr, converted), validation_mode=ignore)
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes, and quotes the value in them
        raw: object = _single(vr, [_plain(value) for value in values])
        if isinstance(raw, list):
            raw = MultiValue(str, cast("list[str]", raw))
        return DataElement(tag, vr, raw, already_converted=True, validation_mode=ignore)


_NUMBER: Final = re.compile(
    r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE
)
_LONGEST: Final = 64  # characters; a number of millions would cost time
_EXACT: Final = 2**53
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")


def _plain(text: str | None) -> str:
    return text or ""


def _number(text: str | None) -> str | None:
    """Return the text of a number, `None` if there is no text.

    Raises
    ------
    ValueError
        If it is something else.
    """
    text = (text or "").strip(" \0")
    if text and (len(text) > _LONGEST or _NUMBER.fullmatch(text) is None):
        raise ValueError
    return text or None


def _number_string(text: str | None) -> str:
    return _number(text) or ""


def _integer_string(text: str | None) -> str:
    """Refuse fractions, and what no float holds: pydicom does not write those as they came."""
    if abs(_whole(text) or 0) > _EXACT:
        raise ValueError
    return _number_string(text)


def _whole(text: str | None) -> int | None:
    number = _number(text)
    if number is None:
        return None
    try:
        return int(number)
    except ValueError:
        if float(number).is_integer():  # some archives write 512.0
            return int(float(number))
        raise


def _real(text: str | None) -> float | None:
    number = _number(text)
    return None if number is None else float(number)


def _tag(text: str | None) -> BaseTag | None:
    if not text:
        return None
    if _TAG.fullmatch(text) is None:
        raise ValueError
    return BaseTag(int(text, 16))


def _uid(text: str | None) -> str:
    return _plain(text).strip(" \0")


_CONVERTERS: Final[dict[str, Callable[[str | None], object]]] = {
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV", *map(str, AMBIGUOUS_VR)), _whole),
    **dict.fromkeys(("FD", "FL"), _real),
    "DS": _number_string,
    "IS": _integer_string,
    "AT": _tag,
    "UI": _uid,
}


def _single(vr: str, values: Sequence[object]) -> object:
    """As pydicom has one value, or none."""
    if not values or (len(values) == 1 and values[0] in (None, "")):
        return empty_value_for_VR(vr)
    return values[0] if len(values) == 1 else list(values)
