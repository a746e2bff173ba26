"""The one door to values of a data set, where pydicom's types run out.

`Dataset` answers ``Any`` to every attribute, and raises many kinds of errors on damaged values.
Everything else in gurney reads values through these functions, which never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, cast

from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag

from .errors import InvalidInputError

__all__ = ["items", "number", "put", "stored", "subset", "text", "texts"]

_CHARACTER_SET: Final = 0x00080005
_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
# Always ASCII (PS3.5 6.1.2.2). pydicom puts a value that breaks their rules into a warning.
_PLAIN_TEXT: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of *keyword* as text, in order; empty if it is absent, empty or unknown."""
    tag = tag_for_keyword(keyword)
    return () if tag is None else stored(dataset, BaseTag(tag)) or ()


def text(dataset: Dataset, keyword: str) -> str:
    """Return the first value of *keyword* as text, ``""`` if there is none."""
    values = texts(dataset, keyword)
    return values[0] if values else ""


def number(dataset: Dataset, keyword: str) -> int | None:
    """Return the first value of *keyword* as a whole number; absent is `None`, not zero."""
    try:
        return int(text(dataset, keyword))
    except ValueError:
        return None


def stored(dataset: Dataset, tag: BaseTag) -> tuple[str, ...] | None:
    """Return the values at *tag* as text, in order: `None` if absent, ``()`` if present and empty.

    What pydicom cannot read comes as it was stored, with U+FFFD for each byte outside ASCII: the
    caller, unlike that of `texts`, can tell a damaged value from none.
    """
    element: object = None
    try:
        element = cast("object", dataset.get_item(tag))
        if element is None:
            return None
        if isinstance(element, RawDataElement):
            if _vr(element) in _PLAIN_TEXT:
                return _undecoded(element.value)
            element = dataset[tag]
        return _as_texts(cast("DataElement", element).value)
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged values (P01)
        return _undecoded(getattr(element, "value", None)) or (_UNREADABLE,)


def items(dataset: Dataset, tag: BaseTag) -> tuple[Dataset, ...] | None:
    """Return the items of the sequence at *tag*: `None` if it is absent or not a sequence."""
    try:
        value: object = dataset[tag].value if tag in dataset else None
        return tuple(value) if isinstance(value, Items) else None
    except Exception:  # noqa: BLE001  as above
        return None


def put(dataset: Dataset, keyword: str, values: Sequence[str] | Sequence[int]) -> None:
    """Set *keyword* to *values*, unchecked: pydicom's own check puts the value into a warning.

    Raises
    ------
    KeyError
        If *keyword* is not in the DICOM dictionary.
    InvalidInputError
        If *values* are no numbers, and *keyword* takes numbers only. It does not quote them.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    value: object = values[0] if len(values) == 1 else list(values)
    vr, ignore = dictionary_VR(tag), config.IGNORE
    try:
        dataset.add(DataElement(tag, vr, value, validation_mode=ignore))
    except (TypeError, ValueError, ArithmeticError):
        raise InvalidInputError(f"{keyword} ({vr}) takes numbers only") from None


def subset(dataset: Dataset, wanted: Callable[[int], bool]) -> Dataset:
    """Return a new data set of the elements whose tags are *wanted*, converted no further.

    Specific Character Set (0008,0005) comes along: the others cannot be read without it.
    """
    part = Dataset(
        {
            tag: dataset.get_item(tag)
            for tag in dataset.keys()  # noqa: SIM118  iterating itself would convert the values
            if wanted(tag) or tag == _CHARACTER_SET
        }
    )
    implicit, little_endian = dataset.original_encoding
    part.set_original_encoding(implicit, little_endian, dataset.original_character_set)
    return part


def _clean(value: object) -> str:
    """Without the padding that PS3.5 6.2 calls insignificant."""
    return str(value).strip(" \0")


def _vr(raw: RawDataElement) -> str:
    """Of an element not yet looked at; implicit VR has none, nor in effect has VR UN."""
    if raw.VR in (None, "UN") and dictionary_has_tag(raw.tag):
        return dictionary_VR(raw.tag)
    return raw.VR or "UN"


def _as_texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):  # nearly always; asking for MultiValue first costs three times this
        whole = value.strip(" \0")
        return (whole,) if whole else ()
    if isinstance(value, bytes):
        return _undecoded(value)
    if isinstance(value, (MultiValue, list, tuple)):
        found = tuple(_clean(item) for item in cast("Iterable[object]", value))
    else:
        found = ("" if value is None else _clean(value),)
    return found if any(found) else ()


def _undecoded(value: object) -> tuple[str, ...]:
    if not isinstance(value, bytes):
        return ()
    return _as_texts(value.decode("ascii", "replace").split("\\"))
