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

__all__ = ["Kept", "Tags"]


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
    recording
        The beginning of a sequence of undefined length that is wanted and not yet closed.
    """

    def __init__(self, keywords: Iterable[str], limit: int) -> None:
        self.wanted: frozenset[int] = _wanted(tuple(keywords))
        self.limit: int = limit
        self.values: dict[int, RawValue] = {}
        self.recording: bytearray | None = None
        self._recorded: int = 0

    def leave_out(self, tag: int) -> None:
        """Forget a value that an overlong one has replaced."""
        self.values.pop(tag, None)

    def begin(self) -> None:
        """Begin to record a sequence."""
        self.recording, self._recorded = bytearray(), 0

    def record(self, piece: bytes | memoryview) -> None:
        """Record what comes next of it, as long as there is room."""
        self._recorded += len(piece)
        if self.recording is not None and self._recorded <= self.limit:
            self.recording += piece

    def end(self) -> bytes | None:
        """Return what was recorded; `None` if it is too long."""
        recording, self.recording = self.recording, None
        return None if recording is None or self._recorded > self.limit else bytes(recording)

    def uid(self, tag: int) -> str:
        """Return the UID *tag* without padding, ``""`` if absent; as pydicom decodes it."""
        raw = self.values.get(tag)
        return "" if raw is None else raw[1].decode("latin-1").strip(" \0")


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
    return tag
