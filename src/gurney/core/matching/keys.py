"""A key of a query as a test of one value: which kind of matching applies (PS3.4 C.2.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias, cast

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import DA, DT, TM, PersonName

from ..uids import is_uid
from .damage import ESCAPE, is_damaged, without_escapes
from .intervals import interval_test
from .names import is_nameless, name_test
from .numbers import NUMERIC_VRS, number_test
from .wildcards import has_wildcard, wildcard

__all__ = ["EMPTY", "UNIVERSAL", "ValueTest", "value_test"]

ValueTest: TypeAlias = Callable[[str], "bool | None"]
"""Says whether a value, without its padding, matches; `None` if that cannot be told."""

_INTERVAL_VRS: Final = frozenset({"DA", "DT", "TM"})
_LITERAL_VRS: Final = frozenset({"AS", "AT", "UI"})
_WILDCARD_VRS: Final = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def UNIVERSAL(_: str) -> bool:  # noqa: N802  a constant that happens to be callable
    """Match everything, an absent attribute too (C.2.2.2.3)."""
    return True


def EMPTY(value: str) -> bool:  # noqa: N802  as above
    """Match an attribute that is present and empty (C.2.2.2.7)."""
    return not value


def value_test(key: DataElement) -> ValueTest:
    """Compile *key*: any of its values may match.

    Raises
    ------
    ValueError
        If a value is not legal for the VR, or the VR cannot be matched. It does not quote values.
    """
    wanted = [text for text in _texts(key) if text]
    if not wanted or any(_is_universal(key.VR, text) for text in wanted):
        return UNIVERSAL
    if wanted == ['""']:
        return EMPTY
    if key.VR in NUMERIC_VRS:
        return number_test(key.VR, wanted)
    if key.VR in _INTERVAL_VRS:
        return _any([interval_test(key.VR, text) for text in wanted])
    if key.VR == "PN":
        return _unless_damaged(_any([name_test(text) for text in wanted]), wanted)
    if key.VR in _WILDCARD_VRS or key.VR in _LITERAL_VRS:
        return _unless_damaged(_text_test(key.VR, wanted), wanted)
    raise ValueError(f"no matching is defined for VR {key.VR}; leave it empty to have it returned")


def _texts(key: DataElement) -> list[str]:
    value: object = key.value
    values = cast("Iterable[object]", value) if isinstance(value, (MultiValue, list)) else [value]
    return [_text(key.VR, item) for item in values]


def _text(vr: str, value: object) -> str:
    if value is None or value == b"":
        return ""
    allowed = (
        (str, int, float, Decimal) if vr in NUMERIC_VRS else (str, PersonName, BaseTag, DA, TM, DT)
    )
    if not isinstance(value, allowed):
        raise ValueError(f"VR {vr} takes no {type(value).__name__}")
    return str(value).strip(" \0")


def _is_universal(vr: str, text: str) -> bool:
    if vr == "PN" and is_nameless(text):
        return True
    return text == "*" or (vr in _WILDCARD_VRS and not text.strip("*"))


def _text_test(vr: str, wanted: Sequence[str]) -> ValueTest:
    if vr == "UI" and not all(is_uid(uid) for uid in wanted):
        raise ValueError("it must be a UID, or several, without wildcards")
    patterns = [text for text in wanted if vr in _WILDCARD_VRS and has_wildcard(text)]
    literals = frozenset(wanted).difference(patterns)
    return _any([literals.__contains__, *(wildcard(pattern) for pattern in patterns)])


def _any(tests: Sequence[ValueTest]) -> ValueTest:
    if len(tests) == 1:
        return tests[0]

    def test(value: str) -> bool | None:
        answers = [test(value) for test in tests]
        return True if True in answers else None if None in answers else False

    return test


def _unless_damaged(test_value: ValueTest, wanted: Sequence[str]) -> ValueTest:
    key_is_ascii = all(text.isascii() for text in wanted)

    def test(value: str) -> bool | None:
        if test_value(value) or (ESCAPE in value and test_value(without_escapes(value))):
            return True
        return None if is_damaged(value, key_is_ascii) else False

    return test
