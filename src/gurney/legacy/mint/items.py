"""What a MINT server says of one object, and of those above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import ALLOW_BACKSLASH, BYTES_VR, STANDARD_VR

from ...searching import Elements, Item, Later, Reading, Readings

__all__ = ["MintItem", "Said", "said"]

Said = dict[int, Reading]
"""What is said of one object, by tag."""

_PADDING: Final = " \0"
_CHARACTER_SET: Final = BaseTag(0x00080005)
_UTF_8: Final = Reading("CS", ("ISO_IR 192",))
_HEXADECIMAL: Final = frozenset("0123456789ABCDEFabcdef")


def said(tag: str, vr: str, value: str) -> tuple[int, Reading] | None:
    r"""Return what an ``attr`` says; `None` if it is none, or of bytes or items.

    Examples
    --------
    >>> said("0020000d", "UI", "1.2"), said("(0008,0061)", "", "CT\\MR")
    ((2097165, Reading(vr='UI', values=('1.2',))), (524385, Reading(vr='CS', values=('CT', 'MR'))))
    """
    digits = tag.replace(",", "").strip("() ")
    if len(digits) != 8 or not _HEXADECIMAL.issuperset(digits):
        return None
    number = int(digits, 16)
    if vr not in STANDARD_VR:
        vr = dictionary_VR(number) if dictionary_has_tag(number) else "UN"
    if vr in BYTES_VR or vr not in STANDARD_VR or vr == "SQ":
        return None
    text = value.strip(_PADDING)
    if not text:
        return number, Reading(vr, ())
    values = (
        (text,)
        if vr in ALLOW_BACKSLASH
        else tuple(part.strip(_PADDING) for part in text.split("\\"))
    )
    return number, Reading(vr, values)


class MintItem(Item):
    """What is said of one object, and of those above it. It never raises, whatever came.

    Parameters
    ----------
    levels
        What is said of each, from the object itself upwards.

    Examples
    --------
    >>> study = dict([said("0020000D", "UI", "1.2")])
    >>> series = dict([said("0020000E", "UI", "1.2.3")])
    >>> item = MintItem(series, study)
    >>> item.text("StudyInstanceUID"), item.text("SeriesInstanceUID"), item.text("Modality")
    ('1.2', '1.2.3', '')
    """

    __slots__ = ("_levels",)

    def __init__(self, *levels: Said) -> None:
        self._levels: tuple[Said, ...] = levels

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: str, /) -> tuple[str, ...]:
        """Return the values of *keyword* as text, in order; empty if there are none."""
        read = self._read(tag_for_keyword(keyword) or 0)
        return () if read is None else cast("tuple[str, ...]", read.values)

    def written(self, names: Iterable[str], /) -> list[object]:
        """Return what was sent at *names*, tags as eight digits; `None` for nothing."""
        return [self._read(int(name, 16)) for name in names]

    def dataset(self, wanted: Callable[[int], bool] | None = None, /) -> Dataset:
        """Return the attributes whose tags are *wanted*, or all.

        Its text has been decoded: its Specific Character Set (0008,0005) is ISO_IR 192, whatever
        the archive says.
        """
        return _made(self._levels, wanted)

    def part(self, wanted: Callable[[int], bool], /) -> Callable[[], Dataset]:
        """Return what makes the data set of the *wanted* tags when called: always the same one."""
        return Later(_made, self._levels, wanted)

    def _read(self, tag: int) -> Reading | None:
        return next((level[tag] for level in self._levels if tag in level), None)


def _made(levels: Iterable[Mapping[int, Reading]], wanted: Callable[[int], bool] | None) -> Dataset:
    found: dict[int, Reading] = {}
    for level in levels:
        for tag, read in level.items():
            if tag not in found and (wanted is None or wanted(tag)):
                found[tag] = read
    readings: Readings = {BaseTag(tag): read for tag, read in sorted(found.items())}
    if readings:
        readings[_CHARACTER_SET] = _UTF_8
    return Dataset(Elements(readings, _no_items))


def _no_items(_: Reading) -> list[Dataset]:
    return []
