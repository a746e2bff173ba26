"""Objects of DICOM JSON as data sets whose elements are converted when they are first touched.

What comes out is a plain `Dataset`; only the mapping inside knows better. Copied deeply or
pickled, it is a plain one to the bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from ...searching import Elements, Reading, Readings
from .attributes import LeftOut, canonical, reading, tag_of

__all__ = ["left_out", "normalised", "to_dataset"]

_CHARACTER_SET: Final = BaseTag(0x00080005)
_UTF_8: Final = Reading("CS", ("ISO_IR 192",))
_LEFT_OUT: Final = "gurney_left_out"


def to_dataset(
    attributes: Mapping[str, object],
    wanted: Callable[[int], bool] | None = None,
    *,
    depth: int,
) -> Dataset:
    """Return the attributes whose tags are *wanted* as a data set.

    Parameters
    ----------
    attributes
        A JSON object, numbers in it as text. It is kept, and must not be changed any more.
    wanted
        Says so of a tag; all are if it is not given.
    depth
        How many sequences may be inside each other.

    Returns
    -------
    Dataset
        Its text was UTF-8, so that is its Specific Character Set (0008,0005), whatever the archive
        says (PS3.18 F.2). An attribute that cannot be read is not part of it, see `left_out`.

    Examples
    --------
    >>> dataset = to_dataset({"00200013": {"vr": "IS", "Value": ["007"]}}, depth=1)
    >>> str(dataset.InstanceNumber), dataset.SpecificCharacterSet
    ('007', 'ISO_IR 192')
    """
    readings, missing = _read(attributes, wanted, depth)
    if readings:
        readings[_CHARACTER_SET] = _UTF_8
    return _dataset(readings, missing, depth)


def left_out(dataset: Dataset) -> Mapping[BaseTag, LeftOut]:
    """Return what the archive sent and *dataset*, or an item in it, does not hold, by tag.

    It is known of data sets that come from DICOM JSON. A deep or pickled copy knows it too, a
    subset does not.

    Examples
    --------
    >>> pixels = {"vr": "OW", "BulkDataURI": "bulk/1"}
    >>> dataset = to_dataset({"7FE00010": pixels}, depth=1)
    >>> "PixelData" in dataset, left_out(dataset)[0x7FE00010].uri
    (False, 'bulk/1')
    """
    return cast("dict[BaseTag, LeftOut]", vars(dataset).get(_LEFT_OUT, {}))


def normalised(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return *attributes* by tag, eight digits in upper case, without members that are none.

    One that comes twice, spelt differently, is what it is by its proper name, or else the first.
    """
    found: dict[str, Any] = {}
    for name, attribute in attributes.items():
        key = canonical(name)
        if key == name or (key and key not in found):
            found[key] = attribute
    return found


def _read(
    attributes: Mapping[str, object], wanted: Callable[[int], bool] | None, depth: int
) -> tuple[Readings, dict[BaseTag, LeftOut]]:
    readings: Readings = {}
    missing: dict[BaseTag, LeftOut] = {}
    for key, attribute in normalised(attributes).items():
        tag = tag_of(key)
        if wanted is None or wanted(tag):
            read = reading(tag, attribute, depth)
            if isinstance(read, Reading):
                readings[tag] = read
            else:
                missing[tag] = read
    return readings, missing


def _item(attributes: Mapping[str, object] | None, depth: int) -> Dataset:
    """Return an item of a sequence: it has the character set of what it is in, or its own."""
    readings, missing = _read(attributes or {}, None, depth)
    if _CHARACTER_SET in readings:
        readings[_CHARACTER_SET] = _UTF_8
    return _dataset(readings, missing, depth)


def _items(read: Reading, depth: int) -> list[Dataset]:
    items = cast("tuple[dict[str, object] | None, ...]", read.values)
    return [_item(item, depth) for item in items]


def _dataset(readings: Readings, missing: dict[BaseTag, LeftOut], depth: int) -> Dataset:
    dataset = Dataset(Elements(readings, partial(_items, depth=depth - 1)))
    if missing:
        setattr(dataset, _LEFT_OUT, missing)
    return dataset
