"""A search result for programs: JSON, all of it, and CSV, one row for each object."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Final

from gurney.core import DICOMObject, DICOMObjectLevels, SearchResult, Study
from gurney.escaping import visible

from .columns import FLAT, flat_row, objects_at, own_keywords, value_of

__all__ = ["FORMAT", "to_csv", "to_json"]

FORMAT: Final = "gurney search 1"
"""Says what the document is; the number changes when a reader would have to."""

_CHILDREN: Final = {DICOMObjectLevels.STUDY: "series", DICOMObjectLevels.SERIES: "instances"}


def to_json(
    result: SearchResult, deepest: DICOMObjectLevels, extra: Sequence[str], archive: str
) -> str:
    """Return one document: whether this is everything, and the studies down to *deepest*.

    Values are those of the archive, `null` where it gives none; nothing is escaped yet.
    """
    content = {
        "format": FORMAT,
        "archive": archive,
        "level": deepest.name.lower(),
        "completeness": result.completeness.value,
        "reasons": result.reasons,
        "notes": result.notes,
        "held_back": len(result.held_back),
        "studies": [_to_dict(study, deepest, extra) for study in result],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_csv(studies: Sequence[Study], deepest: DICOMObjectLevels, extra: Sequence[str]) -> str:
    """Return a heading and one row for each object of level *deepest*.

    Several values are separated by a backslash, as DICOM does. Control characters are written as
    escapes: for their exact values take JSON.
    """
    keywords = tuple(dict.fromkeys([*FLAT[deepest], *extra]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keywords)
    for obj in objects_at(studies, deepest):
        writer.writerow(visible("\\".join(values)) for values in flat_row(obj, keywords))
    return text.getvalue()


def _to_dict(obj: DICOMObject, deepest: DICOMObjectLevels, extra: Sequence[str]) -> dict[str, Any]:
    keywords = own_keywords(obj.level, deepest, extra)
    content: dict[str, Any] = {keyword: value_of(obj, keyword) for keyword in keywords}
    if obj.level > deepest:
        children: Sequence[DICOMObject] = obj.children
        content[_CHILDREN[obj.level]] = [_to_dict(child, deepest, extra) for child in children]
    return content
