"""What a value of a matching key may be, by its VR (PS3.5 6.2, PS3.4 C.2.2.2). Pure."""

from __future__ import annotations

import re
from typing import Final

import attrs

from ...core import QueryError, is_uid

__all__ = ["EMPTY", "check_value"]

EMPTY: Final = '""'
"""Present, and empty (PS3.4 C.2.2.2.7): for archives that have agreed to understand it."""


@attrs.frozen
class _Rule:
    """How long a value is at most, what it is made of, and that in words."""

    longest: int
    form: re.Pattern[str]
    words: str


_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f\\]*")
_PARAGRAPH: Final = re.compile(r"[^\x00-\x08\x0b\x0e-\x1f\x7f]*")
_TEXT_WORDS: Final = "text without control characters and backslashes"
_PARAGRAPH_WORDS: Final = "text without control characters"
_TIME: Final = r"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?"
_TIME_OF_DAY: Final = rf"{_TIME}(\.\d{{1,6}})?"
_MOMENT: Final = r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"


def _ranged(one: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{one})(?:-(?:{one})?)?|-(?:{one})", re.ASCII)


_RULES: Final = {
    "AE": _Rule(16, re.compile(r"[ -\[\]-~]*"), "printable ASCII without backslashes"),
    "AS": _Rule(4, re.compile(r"\d{3}[DWMY]", re.ASCII), "an age such as 018M, without wildcards"),
    "CS": _Rule(
        16, re.compile(r"[A-Z0-9 _*?]*"), "capital letters, digits, spaces and underscores"
    ),
    "DA": _Rule(17, _ranged(r"\d{8}"), "YYYYMMDD, or a range of such days, without wildcards"),
    "DS": _Rule(16, re.compile(r"[0-9+\-Ee. ]+"), "a number, without wildcards"),
    "DT": _Rule(53, _ranged(_MOMENT), "YYYYMMDDHHMMSS, or a range of such, without wildcards"),
    "IS": _Rule(12, re.compile(r" *[+-]?\d+ *", re.ASCII), "a whole number, without wildcards"),
    "LO": _Rule(64, _TEXT, _TEXT_WORDS),
    "LT": _Rule(10240, _PARAGRAPH, _PARAGRAPH_WORDS),
    "SH": _Rule(16, _TEXT, _TEXT_WORDS),
    "ST": _Rule(1024, _PARAGRAPH, _PARAGRAPH_WORDS),
    "TM": _Rule(28, _ranged(_TIME_OF_DAY), "HHMMSS, or a range of such times, without wildcards"),
    "UC": _Rule(1 << 16, _TEXT, _TEXT_WORDS),
    "UR": _Rule(1 << 16, re.compile(r"[!-\[\]-~]*"), "a URL"),
    "UT": _Rule(1 << 16, _PARAGRAPH, _PARAGRAPH_WORDS),
}
_LONGEST_GROUP: Final = 64
_MOST_GROUPS, _MOST_COMPONENTS = 3, 5
_LONGEST_UID: Final = 128  # by the standard 64; longer ones are stored all the same, and listed


def check_value(keyword: str, vr: str, value: str) -> None:
    """See that *value*, a single one, may be sent as a key of this VR.

    A UID is what `core.is_uid` says: archives hold odd ones, and these have to be asked for.

    Raises
    ------
    QueryError
        If not. It quotes nothing of the value.

    Examples
    --------
    >>> check_value("StudyDate", "DA", "202401*")
    Traceback (most recent call last):
    gurney.core.errors.QueryError: StudyDate cannot be sent: VR DA takes YYYYMMDD, or a range of \
such days, without wildcards; correct it
    """
    if value in {"", EMPTY}:
        return
    if vr == "PN":
        _check_name(keyword, value)
    elif vr == "UI":
        if not is_uid(value) or not value.isascii() or len(value) > _LONGEST_UID:
            raise _unfit(keyword, vr, "a UID, or several, without wildcards", "correct it")
    elif vr in _RULES:
        _check_rule(keyword, vr, value)
    else:
        raise QueryError(f"{keyword} cannot be a key of a C-FIND: its VR is {vr}; leave it out")


def _check_rule(keyword: str, vr: str, value: str) -> None:
    rule = _RULES[vr]
    length = len(value.replace("*", ""))
    if length > rule.longest:
        found = f"{rule.longest} characters at most, and there are {length}"
        raise _unfit(keyword, vr, found, "shorten it, with a wildcard where one may be")
    if rule.form.fullmatch(value) is None:
        raise _unfit(keyword, vr, rule.words, "correct it")


def _check_name(keyword: str, value: str) -> None:
    groups = value.split("=")
    if _TEXT.fullmatch(value) is None:
        raise _unfit(keyword, "PN", _TEXT_WORDS, "correct it")
    if len(groups) > _MOST_GROUPS or any(g.count("^") >= _MOST_COMPONENTS for g in groups):
        form = "Family^Given^Middle^Prefix^Suffix in three groups at most"
        raise _unfit(keyword, "PN", form, "correct it")
    longest = max(len(group.replace("*", "")) for group in groups)
    if longest > _LONGEST_GROUP:
        found = f"{_LONGEST_GROUP} characters at most in a group, and there are {longest}"
        raise _unfit(keyword, "PN", found, "shorten it, with a wildcard")


def _unfit(keyword: str, vr: str, takes: str, mend: str) -> QueryError:
    return QueryError(f"{keyword} cannot be sent: VR {vr} takes {takes}; {mend}")
