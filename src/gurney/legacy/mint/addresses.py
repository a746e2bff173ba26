"""From a question to the parameters of a MINT search. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from ...searching import Question

__all__ = ["EMPTY", "ESCAPED", "query_of"]

EMPTY: Final = '""'  # PS3.4 C.2.2.2.7: present, and empty; MINT cannot ask for that
_PLAIN: Final = "*?/:@!$'()~,"
ESCAPED: Final = re.compile(rf"[^\w.\-{re.escape(_PLAIN)}]+|[^\x00-\x7f]+", re.ASCII)
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID")
_DATE: Final = re.compile(r"(\d{8})?-(\d{8})?")
_FIRST_DAY, _LAST_DAY = "00010101", "99991231"  # MINT takes both dates, or none
_WITH_A_DATE: Final = "?*"


def query_of(question: Question, *, fields: bool = True, limit: int | None = None) -> str:
    """Return the query of a URL: percent-encoded UTF-8.

    Examples
    --------
    >>> from gurney.core import DICOMObjectLevels
    >>> query_of(Question(DICOMObjectLevels.SERIES, {"StudyDate": "20240101-"}, above=("1.2",)))
    'StudyInstanceUID=1.2&min_study_date=20240101&max_study_date=99991231&QueryLevel=SERIES'
    """
    above = dict(zip(_UIDS, question.above, strict=False))
    pairs = [
        pair for name, value in {**above, **question.keys}.items() for pair in _key(name, value)
    ]
    pairs.append(("QueryLevel", question.level.name))
    if fields and question.fields:
        pairs.append(("IncludeFields", ",".join(question.fields)))
    if limit is not None:
        pairs.append(("limit", str(limit)))
    return "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in pairs)


def _key(name: str, value: str) -> Iterator[tuple[str, str]]:
    if name != "StudyDate":
        yield name, value.replace("\\", ",")
        return
    found = _DATE.fullmatch(value)
    first, last = (value, value) if found is None else (found[1], found[2])
    if value == _WITH_A_DATE:
        first, last = "", ""
    yield "min_study_date", first or _FIRST_DAY
    yield "max_study_date", last or _LAST_DAY
