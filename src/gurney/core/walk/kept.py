"""The values that a walk keeps, out of all it passes by."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from pydicom.datadict import keyword_dict, tag_for_keyword

from ..errors import InvalidInputError
from .pixels import PIXEL_ATTRIBUTES, PIXEL_DATA
from .result import RawValue

__all__ = ["Kept", "Recording", "Tags"]


class Tags:
    """Elements that every walk looks at."""

    META_LENGTH: Final = 0x00020000
    META_CLASS: Final = 0x00020002
    META_INSTANCE: Final = 0x00020003
    TRANSFER_SYNTAX: Final = 0x00020010
    CHARACTER_SET: Final = 0x00080005
    CLASS: Final = 0x00080016
    INSTANCE: Final = 0x00080018
    STUDY: Final = 0x0020000D
    SERIES: Final = 0x0020000E

    UIDS: Final = (META_CLASS, META_INSTANCE, TRANSFER_SYNTAX, CLASS, INSTANCE, STUDY, SERIES)
    ALL: Final = (META_LENGTH, CHARACTER_SET, *UIDS, *PIXEL_ATTRIBUTES, *PIXEL_DATA)


class Kept:
    """The values wanted, as far as they have been met; the last of each, none over *limit*.

    Attributes
    ----------
    wanted
        Their tags.
    limit
        Bytes of the longest value that is kept.
    values
        What was kept, by tag.
    """

    def __init__(self, keywords: Iterable[str], limit: int) -> None:
        self.wanted: frozenset[int] = _wanted(tuple(keywords))
        self.limit: int = limit
        self.values: dict[int, RawValue] = {}

    def uid(self, tag: int) -> str:
        """Return the UID *tag* without padding, ``""`` if absent; as pydicom decodes it."""
        raw = self.values.get(tag)
        return "" if raw is None else raw[1].decode("latin-1").strip(" \0")


class Recording:
    """The bytes of a sequence that is wanted, and whose end is not yet known.

    Attributes
    ----------
    start
        Position of the first byte.
    length
        How many there were, though no more than *limit* are held.
    """

    def __init__(self, start: int, limit: int) -> None:
        self.start: int = start
        self.length: int = 0
        self._limit: int = limit
        self._bytes: bytearray = bytearray()

    def add(self, buffer: bytes | memoryview, origin: int, at: int) -> None:
        """Add what is new up to *at* in *buffer*, which begins at position *origin*."""
        piece = buffer[self.start + self.length - origin : at]
        self.length += len(piece)
        if self.length <= self._limit:
            self._bytes += piece

    def value(self) -> bytes | None:
        """Return all of it; `None` if it is too long."""
        return bytes(self._bytes) if self.length <= self._limit else None


@lru_cache(maxsize=64)
def _wanted(keywords: tuple[str, ...]) -> frozenset[int]:
    """The tags of *keywords*, and of what every walk needs."""
    return frozenset((*Tags.ALL, *map(_tag, keywords)))


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        near = get_close_matches(keyword, keyword_dict, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidInputError(f"DICOM has no keyword {keyword!r}{hint}")
    if tag in PIXEL_DATA or tag >> 16 == 0x0002:
        raise InvalidInputError(f"a walk keeps no pixel data and no file meta, so no {keyword}")
    return tag
