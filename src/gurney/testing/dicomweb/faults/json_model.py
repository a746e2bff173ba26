"""Faults of what is said in the DICOM JSON model (PS3.18 F.2)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from pydicom.datadict import keyword_for_tag
from typing_extensions import override

from gurney.core import DICOMObjectLevels

from ..asked import Service
from ..fault import Exchange, Fault, JSONObject
from ..reply import Reply

__all__ = [
    "DamagedNames",
    "ForeignBulkData",
    "MetadataCut",
    "Oddities",
    "SingleObject",
    "UIDsMissingAndDoubled",
    "WrongCharacterSet",
    "WrongRetrieveURL",
]

_CHARACTER_SET: Final = "00080005"
_RETRIEVE_URL: Final = "00081190"
_PATIENT_NAME: Final = "00100010"
_UIDS: Final = {
    DICOMObjectLevels.STUDY: "0020000D",
    DICOMObjectLevels.SERIES: "0020000E",
    DICOMObjectLevels.INSTANCE: "00080018",
}


class UIDsMissingAndDoubled(Fault):
    """The first result comes twice, and then once more without its UID."""

    def described(
        self, exchange: Exchange, objects: Sequence[JSONObject], /
    ) -> Sequence[JSONObject]:
        """Add two."""
        if exchange.asked.service is not Service.SEARCH or not objects:
            return objects
        nameless = dict(objects[0])
        nameless.pop(_UIDS[exchange.asked.level], None)
        return [objects[0], *objects, nameless]


class Oddities(Fault):
    """JSON by no rules: tags in lower case, keywords, no VR, bare values, doubled keys, BOM, ..."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Spell each object in another way."""
        odd = [_odd(one, place) for place, one in enumerate(objects)]
        return odd or objects

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Begin with a byte order mark; double the first key."""
        if "json" not in reply.content_type or reply.status != 200:
            return reply
        body = b"".join(reply.body)
        if body.startswith(b"[{"):
            body = b'[{"00080005": {"vr": "CS", "Value": ["NONE"]}, ' + body[2:]
        return attrs.evolve(reply, body=(b"\xef\xbb\xbf" + body,))


class SingleObject(Fault):
    """A list of one is sent as that one."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Take the brackets off."""
        if "json" not in reply.content_type or reply.status != 200:
            return reply
        objects = json.loads(b"".join(reply.body))
        if len(objects) != 1:
            return reply
        return attrs.evolve(reply, body=(json.dumps(objects[0], ensure_ascii=False).encode(),))


class WrongCharacterSet(Fault):
    """The text is UTF-8, and the Specific Character Set in it says ISO_IR 100."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Say ISO_IR 100."""
        wrong = {"vr": "CS", "Value": ["ISO_IR 100"]}
        return _each(objects, lambda one: {**one, _CHARACTER_SET: wrong})


class DamagedNames(Fault):
    """Each character of a name that is not ASCII has become a question mark."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Damage names."""
        return _each(objects, _damaged)


class WrongRetrieveURL(Fault):
    """The Retrieve URLs are of another origin: `elsewhere`."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Point elsewhere."""
        wrong = {"vr": "UR", "Value": [f"{self.elsewhere}/wrong"]}
        return _each(objects, lambda one: {**one, _RETRIEVE_URL: wrong})


class MetadataCut(Fault):
    """Metadata of more than a page of instances ends after a page, and nothing says so."""

    def described(
        self, exchange: Exchange, objects: Sequence[JSONObject], /
    ) -> Sequence[JSONObject]:
        """Cut at a page."""
        cut = exchange.asked.service is Service.METADATA and len(objects) > self.page_size
        return objects[: self.page_size] if cut else objects


class ForeignBulkData(Fault):
    """The URLs of bulk data are of another origin: `elsewhere`."""

    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Point elsewhere."""
        return _each(objects, lambda one: _pointing(one, exchange.url, self.elsewhere))


def _each(
    objects: Sequence[JSONObject], altered: Callable[[JSONObject], JSONObject]
) -> Sequence[JSONObject]:
    result = [altered(one) for one in objects]
    return objects if result == objects else result


def _pointing(one: JSONObject, url: str, elsewhere: str) -> JSONObject:
    moved = {
        tag: {**attribute, "BulkDataURI": attribute["BulkDataURI"].replace(url, elsewhere)}
        for tag, attribute in one.items()
        if "BulkDataURI" in attribute
    }
    return {**one, **moved}


def _damaged(one: JSONObject) -> JSONObject:
    values: object = one.get(_PATIENT_NAME, {}).get("Value")
    if not (isinstance(values, list) and values):  # another fault may have been here before
        return one
    damaged = copy.deepcopy(one)
    names = damaged[_PATIENT_NAME]["Value"]
    for group, text in names[0].items():
        names[0][group] = text.encode("ascii", "replace").decode()
    return damaged


def _odd(one: JSONObject, place: int) -> JSONObject:
    """Write an object in one of four odd ways."""
    spellings: tuple[Callable[[str], str], ...] = (str.lower, _keyword, str, str)
    oddity = _ATTRIBUTES[place % len(_ATTRIBUTES)]
    spelt = spellings[place % len(spellings)]
    return {spelt(tag): oddity(attribute) for tag, attribute in one.items()}


def _keyword(tag: str) -> str:
    return keyword_for_tag(tag) or tag


def _as_text(attribute: JSONObject) -> JSONObject:
    """Numbers as text, and members that are unknown."""
    values = attribute.get("Value", [])
    texts = [str(value) if isinstance(value, int | float) else value for value in values]
    return {**attribute, "Value": texts, "unheardOf": {"a": [1]}} if values else attribute


def _without_vr(attribute: JSONObject) -> JSONObject:
    """No VR, and a name as plain text."""
    plain: dict[str, Any] = {name: attribute[name] for name in attribute if name != "vr"}
    values = plain.get("Value", [])
    if attribute.get("vr") == "PN" and values:
        plain["Value"] = [values[0].get("Alphabetic", "")]
    return plain


def _scalar(attribute: JSONObject) -> JSONObject:
    """One value without brackets, none as null."""
    values = attribute.get("Value", [])
    if len(values) == 1 and attribute["vr"] != "SQ":
        return {**attribute, "Value": values[0]}
    return attribute if values or "BulkDataURI" in attribute else {**attribute, "Value": None}


def _empty_text(attribute: JSONObject) -> JSONObject:
    """Nothing as an empty text, even of numbers."""
    empty = not attribute.get("Value") and "BulkDataURI" not in attribute
    return {**attribute, "Value": [""]} if empty and attribute["vr"] != "SQ" else attribute


_ATTRIBUTES: Final = (_as_text, _without_vr, _scalar, _empty_text)
