"""DICOM JSON (PS3.18 Annex F), read leniently: a page of a search becomes items.

::

    bytes ──parse──▶ JSONItem, one at a time ──part──▶ Dataset, when somebody looks

An item is an object just parsed. What outlives it is its text: parsed again when its data are
looked at, which for most instances of a large study is never. So the memory of a page is that of
its text, and the time hardly more than that of parsing.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import attrs
from pydicom.dataset import Dataset

from ...core import BudgetExceededError, ProtocolViolationError
from ...searching import Later, Reading
from .attributes import LeftOut, canonical, reading, tag_of
from .datasets import normalised, to_dataset

__all__ = ["JSONItem", "JSONLimits", "is_markup", "parse"]


@attrs.frozen
class JSONLimits:
    """What guards memory against an answer that is hostile, or somebody else's.

    Attributes
    ----------
    size
        In bytes, of one answer.
    depth
        Sequences inside each other. Attributes beyond are left out.
    """

    size: int = 256 * 1024**2
    depth: int = 32


def is_markup(content: bytes) -> bool:
    """Whether *content* is XML or a page of HTML: a login page, or a proxy's error, mostly.

    Examples
    --------
    >>> is_markup(b"<!DOCTYPE html>"), is_markup(b"[]")
    (True, False)
    """
    return content[:_MARGIN].removeprefix(BOM_UTF8).lstrip().startswith(b"<")


def parse(
    content: bytes, limits: JSONLimits | None = None, *, asked: str = "DICOM JSON"
) -> Iterator[JSONItem]:
    r"""Read *content*, an array of DICOM JSON objects, item by item.

    A byte order mark, one object instead of an array, bytes that are no UTF-8 (they become U+FFFD)
    and control characters in text are taken. An entry that is no object is an item without
    attributes. Of two members with one name the last counts (RFC 8259, 4).

    Parameters
    ----------
    content
        The body of an answer. If it is blank, there are no items.
    limits
        `JSONLimits()` if not given.
    asked
        What was asked for, in the words of an error.

    Yields
    ------
    JSONItem
        In the order of the answer. Let go of each before taking the next: it is that which makes
        this as fast as it is.

    Raises
    ------
    BudgetExceededError
        Before the first item, if *content* is larger than the limit; and at an item that is nested
        so deeply that Python gives up.
    ProtocolViolationError
        Where *content* ceases to be what it should be. Items that came before are right.

    Examples
    --------
    >>> items = parse(b'[{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}]')
    >>> [item.text("StudyInstanceUID") for item in items]
    ['1.2.3']
    """
    limits = limits or JSONLimits()
    if len(content) > limits.size:
        raise BudgetExceededError(
            f"{asked}: {len(content)} bytes of JSON are over the limit of {limits.size}; ask for"
            f" fewer items at once, or raise the limit if the archive is trusted"
        )
    if is_markup(content):
        raise ProtocolViolationError(
            asked, "XML or HTML came, no JSON; is it a login page, or the address of another thing?"
        )
    text = content.removeprefix(BOM_UTF8).decode(errors="replace")
    return _items(text, limits.depth, asked)


class JSONItem:
    """What an archive says of one object and of those above it, in one. Made by `parse`.

    It is what `core.Assembler` takes.
    """

    __slots__ = ("_attributes", "_depth", "_source")

    def __init__(self, attributes: dict[str, Any], source: str, depth: int) -> None:
        self._attributes: dict[str, Any] = attributes
        self._source: str = source
        self._depth: int = depth

    @property
    def blank(self) -> bool:
        """Whether this has no attribute at all."""
        return not self._attributes

    def text(self, keyword: str) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        attribute = self._attributes.get(canonical(keyword))
        if attribute is None:
            return ""
        try:  # nearly always; the other way takes five times this
            values = attribute["Value"]
            value = values[0]
            if len(values) == 1 and value.isprintable() and "\\" not in value:
                return cast("str", value.strip(" "))
        except (AttributeError, LookupError, TypeError):
            pass
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the values of *keyword* as text, in order; empty if there are none."""
        read = self.reading(keyword)
        if not isinstance(read, Reading) or isinstance(read.values, bytes) or read.vr == "SQ":
            return ()
        found = tuple([(value or "").strip(" \0") for value in read.values])
        return found if any(found) else ()

    def reading(self, keyword: str) -> Reading | LeftOut | None:
        """Return VR and values of *keyword*, why they cannot be read, or `None` if it is absent."""
        key = canonical(keyword)
        if key not in self._attributes:
            return None
        return reading(tag_of(key), self._attributes[key], self._depth)

    def written(self, names: Iterable[str]) -> list[object]:
        """Return what the archive wrote at *names*, tags as eight digits; `None` for nothing."""
        return [self._attributes.get(name) for name in names]

    def dataset(self, wanted: Callable[[int], bool] | None = None) -> Dataset:
        """Return the attributes whose tags are *wanted*, or all; see `to_dataset`."""
        return to_dataset(self._attributes, wanted, depth=self._depth)

    def part(self, wanted: Callable[[int], bool], /) -> Callable[[], Dataset]:
        """Return what makes the data set of the *wanted* tags when called: always the same one."""
        return Later(_made_later, self._source, wanted, self._depth)


# ---------------------------------------------------------------- from text to items

_MARGIN: Final = 1024  # bytes of white space before the first character that counts
_BLANK: Final = re.compile(r"[ \t\n\r]*")  # RFC 8259, 2
_COMMA: Final = re.compile(r"[ \t\n\r]*(,?)[ \t\n\r]*")

# Numbers stay the text they were written in: an IS or DS must not change on its way.
_decode: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=str, strict=False
).raw_decode


def _items(text: str, depth: int, asked: str) -> Iterator[JSONItem]:
    known: set[str] = set()  # names of attributes that are as they should be
    for value, source in _entries(text, asked):
        if not isinstance(value, dict):
            yield JSONItem({}, "{}", depth)
            continue
        attributes = cast("dict[str, Any]", value)
        if not known.issuperset(attributes):
            attributes = normalised(attributes)
            known.update(attributes)
        yield JSONItem(attributes, source, depth)


def _entries(text: str, asked: str) -> Iterator[tuple[object, str]]:
    """Yield what is in the array, or the one object, with the text that each was parsed from."""
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at] != "[":
        value, end = _value(text, at, asked)
        if not (isinstance(value, dict) and normalised(cast("Mapping[str, Any]", value))):
            raise ProtocolViolationError(
                asked, "JSON came without DICOM attributes; is the address that of DICOMweb?"
            )
        yield value, text[at:end]
    else:
        at = _skip(text, at + 1)
        more = text[at : at + 1] != "]"
        while more:
            value, end = _value(text, at, asked)
            yield value, text[at:end]
            comma = cast("re.Match[str]", _COMMA.match(text, end))
            more, at = bool(comma[1]), comma.end()
        if text[at : at + 1] != "]":
            raise _broken(text, at, asked)
        end = at + 1
    if _skip(text, end) != len(text):
        raise _broken(text, end, asked)


def _value(text: str, at: int, asked: str) -> tuple[object, int]:
    try:
        return cast("tuple[object, int]", _decode(text, at))
    except json.JSONDecodeError as error:
        broken: Exception = _broken(text, error.pos, asked)
    except RecursionError:
        broken = BudgetExceededError(
            f"{asked}: JSON came nested too deeply to be parsed; no data set is like that"
        )
    raise broken  # out here, so that it drags no text of the answer along


def _broken(text: str, at: int, asked: str) -> ProtocolViolationError:
    return ProtocolViolationError(
        asked,
        f"what came is no JSON from character {at} of {len(text)} on, and may have been cut short;"
        f" ask again, or for fewer items at once",
    )


def _skip(text: str, at: int) -> int:
    """Return where the white space at *at* ends."""
    return cast("re.Match[str]", _BLANK.match(text, at)).end()


# ---------------------------------------------------------------- data, later


def _made_later(source: str, wanted: Callable[[int], bool], depth: int) -> Dataset:
    attributes = cast("dict[str, Any]", _value(source, 0, "an item of DICOM JSON")[0])
    return to_dataset(attributes, wanted, depth=depth)
