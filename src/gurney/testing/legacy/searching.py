"""MINT: searching."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMObjectLevels,
    InvalidInputError,
    QueryError,
    QueryLevels,
    level_of_keyword,
    put,
    texts,
)

from ..dicomweb.describing import returned
from ..dicomweb.reply import RefusedError, Reply
from ..holdings import Held
from .asked import Asked
from .fault import Exchange, Found

__all__ = ["NAMESPACE", "search"]

NAMESPACE: Final = "http://medical.nema.org/mint"
_DATES: Final = ("min_study_date", "max_study_date")
_OPTIONS: Final = ("QueryLevel", "IncludeFields", "limit", *_DATES)
_NAMES: Final = {
    DICOMObjectLevels.STUDY: "study",
    DICOMObjectLevels.SERIES: "series",
    DICOMObjectLevels.INSTANCE: "instance",
}
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def search(exchange: Exchange) -> Reply:
    """Answer a search."""
    found = exchange.through(_found(exchange), lambda fault: fault.found)
    results = Element(f"{{{NAMESPACE}}}studySearchResults")
    asked, level = exchange.asked, _level(exchange.asked)
    wanted = {each: _wanted(asked, each) for each in DICOMObjectLevels}
    for study in found:
        _describe(results, study, DICOMObjectLevels.STUDY, level, wanted)
    results = exchange.through(results, lambda fault: fault.described)
    body = tostring(results, "utf-8", xml_declaration=True)
    return Reply(200, {"Content-Type": "application/xml; charset=utf-8"}, (body,))


def _found(exchange: Exchange) -> Found:
    asked, level = exchange.asked, _level(exchange.asked)
    studies: dict[str, list[Held]] = {}
    with suppress(QueryError):  # dates that end before they begin: as a database, it finds nothing
        for held in exchange.holdings.find(level, (), _identifier(asked)):
            studies.setdefault(held.reference.study_uid, []).append(held)
    limit = asked.parameter("limit", "0")
    if not (limit.isascii() and limit.isdigit()):
        raise RefusedError(400, "limit must be a whole number, not less than 0")
    return list(studies.values())[: int(limit) or None]


def _level(asked: Asked) -> DICOMObjectLevels:
    try:
        query_level = QueryLevels(asked.parameter("QueryLevel", "STUDY"))
    except ValueError:
        raise RefusedError(400, "there is no such QueryLevel") from None
    return DICOMObjectLevels.from_query_level(query_level)


def _wanted(asked: Asked, level: DICOMObjectLevels) -> Callable[[str], bool]:
    """Return what says of a keyword whether it is returned at *level*."""
    keys = [name for name, _ in asked.parameters if name not in _OPTIONS]
    fields = asked.parameter("IncludeFields").split(",")
    is_wanted = returned(keys, level, filter(tag_for_keyword, fields))
    uids = _UIDS[: 2 - level]  # those of the levels above are said there
    return lambda keyword: (
        is_wanted(tag_for_keyword(keyword) or 0)
        and keyword not in uids
        and level_of_keyword(keyword) == level
    )


def _describe(
    above: Element,
    instances: Sequence[Held],
    level: DICOMObjectLevels,
    deepest: DICOMObjectLevels,
    wanted: dict[DICOMObjectLevels, Callable[[str], bool]],
) -> None:
    """Write what is said of an object, of which these are *instances*, and of those in it."""
    node = SubElement(above, f"{{{NAMESPACE}}}{_NAMES[level]}")
    if level is DICOMObjectLevels.STUDY:
        node.attrib.update(studyUUID="00000000-0000", version="1", lastModified="2024-01-01")
    item = instances[0].item
    for element in item:
        if element.keyword and wanted[level](element.keyword) and element.VR != "SQ":
            value = "\\".join(texts(item, element.keyword))
            tag = f"{int(element.tag):08x}"
            SubElement(node, f"{{{NAMESPACE}}}attr", {"tag": tag, "vr": element.VR, "val": value})
    if level == deepest:
        return
    children: dict[str, list[Held]] = {}
    for held in instances:
        children.setdefault(held.reference.uids[3 - level], []).append(held)
    for child in children.values():
        _describe(node, child, DICOMObjectLevels(level - 1), deepest, wanted)


def _identifier(asked: Asked) -> Dataset:
    """Return the matching keys as a data set."""
    identifier = Dataset()
    first, last = (asked.parameter(name) for name in _DATES)
    if bool(first) != bool(last):
        raise RefusedError(400, "there are both dates, or none")
    keys = [pair for pair in asked.parameters if pair[0] not in _OPTIONS]
    for keyword, value in [*keys, *([("StudyDate", f"{first}-{last}")] if first else [])]:
        if tag_for_keyword(keyword) is None:
            raise RefusedError(400, "a parameter is not a DICOM attribute; see PS3.6")
        is_list = dictionary_VR(keyword) == "UI"
        try:
            put(identifier, keyword, re.split(r"[,\\]", value) if is_list else value.split("\\"))
        except InvalidInputError as error:
            raise RefusedError(400, str(error)) from None
    return identifier
