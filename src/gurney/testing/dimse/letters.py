"""The character set of answers (PS3.5 6.1.2, PS3.4 C.4.1.1.3.1), and how they are encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import attrs
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag

__all__ = ["Letters", "UTF_8", "encoded", "is_plain"]

UTF_8: Final = "ISO_IR 192"
_CHARACTER_SET: Final = 0x00080005
_DEFAULT: Final = "iso8859"  # pydicom's word for ISO-IR 6, which is ASCII
_TEXT: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})


@attrs.frozen
class Letters:
    r"""How text is written.

    Attributes
    ----------
    used
        Specific Character Set it is written in; values are separated by backslashes. What it does
        not have becomes a question mark.
    said
        The one that is said to be used, ``""`` for none.
    """

    used: str = UTF_8
    said: str = UTF_8


def is_plain(item: Dataset) -> bool:
    """Say whether all text is ASCII."""
    return all(text.isascii() for element in item for text in _texts(element))


def encoded(item: Dataset, letters: Letters, *, implicit: bool) -> bytes:
    """Return *item* as bytes, Little Endian; it is not changed."""
    terms = letters.used.split("\\")
    encodings = convert_encodings(terms if any(terms) else None)
    lettered = _lettered(item, encodings)
    label = Dataset()
    if letters.said:
        label.add(DataElement(_CHARACTER_SET, "CS", letters.said.split("\\")))
    return _written(label, None, implicit) + _written(lettered, encodings, implicit)


def _written(dataset: Dataset, encodings: Sequence[str] | None, implicit: bool) -> bytes:
    output = DicomBytesIO()
    output.is_implicit_VR = implicit
    output.is_little_endian = True
    write_dataset(output, dataset, list(encodings or [_DEFAULT]))
    return output.getvalue()


def _lettered(item: Dataset, encodings: Sequence[str]) -> Dataset:
    """Copy, without a character set and with what *encodings* can write."""
    copy = Dataset()
    for tag in sorted(item.keys()):
        if tag != _CHARACTER_SET:
            copy.add(_element(item, BaseTag(tag), encodings))
    copy.set_original_encoding(False, True, list(encodings))
    return copy


def _element(item: Dataset, tag: BaseTag, encodings: Sequence[str]) -> DataElement:
    vr, value = _read(item, tag)
    if isinstance(value, Items):
        value = Items([_lettered(one, encodings) for one in value])
    elif vr in _TEXT:
        value = _possible(_joined(value), encodings)
    return DataElement(tag, vr, value, validation_mode=0)


def _read(item: Dataset, tag: BaseTag) -> tuple[str, Any]:
    try:
        element = item[tag]
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged values (P01)
        return "UN", b""
    return element.VR, element.value


def _joined(value: object) -> str:
    if isinstance(value, (MultiValue, list)):
        return "\\".join(map(str, cast("Iterable[object]", value)))
    return "" if value is None else str(value)


def _possible(text: str, encodings: Sequence[str]) -> str:
    return "".join(letter if _has(letter, encodings) else "?" for letter in text)


def _has(letter: str, encodings: Sequence[str]) -> bool:
    others = [encoding for encoding in encodings if encoding != _DEFAULT]
    return letter.isascii() or any(_encodes(letter, encoding) for encoding in others)


def _encodes(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _texts(element: DataElement) -> Iterable[str]:
    if isinstance(element.value, Items):
        return [text for item in element.value for inside in item for text in _texts(inside)]
    return [str(element.value)] if element.VR in _TEXT else []
