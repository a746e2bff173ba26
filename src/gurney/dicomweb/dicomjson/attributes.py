"""One attribute of DICOM JSON (PS3.18 F.2.2), however it is written: its VR and its values.

Reading comes first and costs little; elements are made of readings when they are touched, see
`searching.elements`::

    {"vr": "IS", "Value": [7]} ──reading──▶ Reading("IS", ("7",)) ──element──▶ DataElement
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import attrs
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import BaseTag
from pydicom.valuerep import ALLOW_BACKSLASH, AMBIGUOUS_VR, BYTES_VR, STANDARD_VR

from ...searching import Reading

__all__ = ["LeftOut", "canonical", "reading", "tag_of"]


@attrs.frozen
class LeftOut:
    """Why an attribute that the archive sent is not in a data set.

    Attributes
    ----------
    reason
        In words, without the value.
    uri
        Where the archive keeps the value, if it did not send it (BulkDataURI, PS3.18 F.2.2): as it
        was sent, neither checked nor fetched. ``""`` if it is the value that cannot be read.
    """

    reason: str
    uri: str = ""


def canonical(name: str) -> str:
    """Return the name of an attribute as PS3.18 F.2.2 has it, ``""`` if it is no attribute's.

    Examples
    --------
    >>> canonical("0020000d"), canonical("PatientID"), canonical("resourceType")
    ('0020000D', '00100020', '')
    """
    return _canonical(name) if len(name) <= _LONGEST else ""


@lru_cache(maxsize=4096)
def tag_of(name: str) -> BaseTag:
    """Return the tag that *name*, a canonical one, stands for."""
    return BaseTag(int(name, 16))


def reading(tag: BaseTag, attribute: object, depth: int) -> Reading | LeftOut:
    """Return VR and values of *attribute*, or why it cannot be read.

    Parameters
    ----------
    tag
        Of the attribute; it has the last word on a VR that is missing or unknown.
    attribute
        What the JSON object holds at *tag*, numbers as the text they were written in.
    depth
        How many sequences may still be inside each other.
    """
    body = _body(attribute)
    values = _listed(body.get("Value"))
    vr = _vr(tag, body, values)
    if vr == "SQ" and values:
        return _items(values, depth)
    if values and values != [None]:
        if vr in BYTES_VR:
            return LeftOut(f"VR {vr} takes InlineBinary, and it has Value")
        texts = _texts(vr, values)
        return LeftOut(f"a value is not of the kind that VR {vr} takes") if texts is None else texts
    if body.get("InlineBinary"):
        return _binary(vr, body["InlineBinary"])
    if body.get("BulkDataURI"):
        return _bulk(body["BulkDataURI"])
    return Reading(vr, ())


_LONGEST: Final = 64  # characters of a name; keywords have 63 at most
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_VRS: Final = frozenset(str(vr) for vr in STANDARD_VR | AMBIGUOUS_VR)
_BINARY: Final = BYTES_VR | AMBIGUOUS_VR
_STRIPPED: Final = frozenset({"DS", "IS", "UI"})  # by pydicom, of any white space
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=4096)
def _canonical(name: str) -> str:
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name)
    return "" if tag is None else f"{tag:08X}"


def _body(attribute: object) -> Mapping[str, Any]:
    """Some archives leave out what is around a value."""
    if isinstance(attribute, dict):
        return cast("dict[str, Any]", attribute)
    return {"Value": attribute}


def _listed(value: object) -> list[object]:
    """Some write one value without its list, and an empty text where there is none."""
    if isinstance(value, list):
        return [] if value == [""] else cast("list[object]", value)
    return [] if value is None or value == "" else [value]


def _vr(tag: BaseTag, body: Mapping[str, Any], values: Sequence[object]) -> str:
    given = body.get("vr")
    vr = given if isinstance(given, str) else ""
    vr = vr if vr in _VRS else vr.strip().upper()
    if vr in _VRS and vr != "UN":
        return vr
    known = _dictionary(tag)
    if not values:
        is_text = body.get("InlineBinary") and known not in _BINARY
        return "UN" if vr == "UN" or not known or is_text else _unambiguous(known, values)
    return _unambiguous(known, values) if known else _guessed(values)


@lru_cache(maxsize=4096)
def _dictionary(tag: BaseTag) -> str:
    """Return the VR that PS3.6, or PS3.5 7.2 and 7.8.1, give to *tag*, ``""`` if none."""
    if tag.element == 0:
        return "UL"
    if tag.is_private:
        return "LO" if 0x10 <= tag.element <= 0xFF else ""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _unambiguous(vr: str, values: Sequence[object]) -> str:
    if vr not in AMBIGUOUS_VR:
        return vr
    if not values or "US" not in vr:
        return "OW" if "OW" in vr else "US"
    return "SS" if any(str(value).startswith("-") for value in values) else "US"


def _guessed(values: Sequence[object]) -> str:
    """Of an attribute that neither the archive nor a dictionary gives a VR.

    UC takes any text in any number, and numbers are text here: nothing is lost.
    """
    items = [cast("dict[str, object]", value) for value in values if isinstance(value, dict)]
    return "SQ" if any(canonical(name) for item in items for name in item) else "UC"


def _items(values: list[object], depth: int) -> Reading | LeftOut:
    if not all(item is None or isinstance(item, dict) for item in values):
        return LeftOut("an item of the sequence is not a JSON object")
    if depth < 1:
        return LeftOut("it is nested too deeply; raise the limit if the archive is trusted")
    return Reading("SQ", tuple(values))


def _texts(vr: str, values: list[object]) -> Reading | None:
    found = [_name(value) for value in values] if vr == "PN" else values
    if not all(text is None or isinstance(text, str) for text in found):
        return None
    texts = cast("list[str | None]", found)
    if vr not in ALLOW_BACKSLASH and any("\\" in text for text in texts if text):
        texts = [part for text in texts for part in (text or "").split("\\")]
    if vr in _STRIPPED:
        texts = [text and text.strip() for text in texts]
    return Reading(vr, tuple([_valid(text) for text in texts]))


def _valid(text: str | None) -> str | None:
    r"""Without lone surrogates, which JSON can hold (``"\ud800"``) and nothing can write."""
    return text if text is None or text.isascii() else _SURROGATE.sub("\ufffd", text)


def _name(value: object) -> object:
    """Return a person's name as PS3.5 6.2.1 writes it; what is none comes back as it is."""
    if not isinstance(value, dict):
        return value
    groups = cast("dict[str, object]", value)
    texts = [groups.get(group) or "" for group in _GROUPS]
    is_name = not groups or not groups.keys().isdisjoint(_GROUPS)
    if is_name and all(isinstance(text, str) for text in texts):
        return "=".join(cast("list[str]", texts)).rstrip("=")
    return groups


def _binary(vr: str, encoded: object) -> Reading | LeftOut:
    if vr not in _BINARY:
        return LeftOut(f"VR {vr} takes Value, and it has InlineBinary")
    try:
        return Reading(vr, base64.b64decode("".join(_only(encoded).split()), validate=True))
    except ValueError:
        return LeftOut("its InlineBinary is not base64")


def _bulk(uri: object) -> LeftOut:
    try:
        return LeftOut("the archive sent a reference to its value (BulkDataURI)", _only(uri))
    except ValueError:
        return LeftOut("its BulkDataURI is not text")


def _only(value: object) -> str:
    """Return the text that *value* is, or holds: examples in PS3.18 F.4 put a list around it.

    Raises
    ------
    ValueError
        If there is none, or several.
    """
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    raise ValueError
