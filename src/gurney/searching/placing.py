"""Items that leave out what they are part of, because the path that they came from says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pydicom.dataset import Dataset

from .desk import Item

__all__ = ["PlacedItem"]


class PlacedItem(Item):
    """An item together with the UIDs of what it is part of.

    The series of one study need not repeat its UID (PS3.18 table 10.6.3-4).

    Examples
    --------
    >>> from gurney.dicomweb.dicomjson import parse
    >>> (item,) = parse(b'[{"0020000E": {"vr": "UI", "Value": ["1.2.3"]}}]')
    >>> item = PlacedItem(item, {"StudyInstanceUID": "1.2"})
    >>> item.text("StudyInstanceUID"), item.text("SeriesInstanceUID")
    ('1.2', '1.2.3')
    """

    __slots__ = ("_item", "_uids")

    def __init__(self, item: Item, uids: Mapping[str, str]) -> None:
        self._item: Item = item
        self._uids: Mapping[str, str] = uids

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        return self._item.text(keyword) or self._uids.get(keyword, "")

    def texts(self, keyword: str, /) -> tuple[str, ...]:
        """Return the values of *keyword* as text."""
        given = self._uids.get(keyword)
        return self._item.texts(keyword) or ((given,) if given else ())

    def written(self, names: Iterable[str], /) -> list[object]:
        """Return what the archive wrote."""
        return self._item.written(names)

    def dataset(self, wanted: Callable[[int], bool] | None = None, /) -> Dataset:
        """Return what the item itself says."""
        return self._item.dataset(wanted)

    def part(self, wanted: Callable[[int], bool], /) -> Dataset | Callable[[], Dataset]:
        """Return what makes a data set of what the item itself says."""
        return self._item.part(wanted)
