"""What the final status of a retrieval says, in words, and whether it is worth asking again."""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = [
    "Advice",
    "CANNOT_UNDERSTAND",
    "DOUBLED",
    "NOT_AUTHORIZED",
    "OUT_OF_RESOURCES",
    "SUCCESS",
    "advice",
    "meaning",
]

SUCCESS: Final = 0x0000
DOUBLED: Final = 0x0111
"""What we answer to an instance that has come before (PS3.7 C.5.6)."""
NOT_AUTHORIZED: Final = 0x0124
"""What we answer to one that nobody asked for (PS3.7 C.5.16)."""
OUT_OF_RESOURCES: Final = 0xA700
"""What we answer when it cannot be kept (PS3.4 Table B.2-1)."""
CANNOT_UNDERSTAND: Final = 0xC000
"""What we answer to what is no instance (PS3.4 Table B.2-1)."""


class Advice(Enum):
    """What may still bring what has not come."""

    FINER = "smaller questions"
    AGAIN = "the same question, later"
    NOTHING = "nothing that we could ask"


_MEANINGS: Final = {
    0x0000: "success",
    0x0110: "processing failure",
    0x0112: "no such SOP instance",
    0x0117: "invalid SOP instance",
    0x0118: "no such SOP class",
    0x0119: "class-instance conflict",
    0x0120: "missing attribute",
    0x0122: "SOP class not supported",
    0x0124: "not authorized",
    0x0210: "duplicate invocation",
    0x0211: "unrecognized operation",
    0x0212: "mistyped argument",
    0xA700: "out of resources",
    0xA701: "out of resources: it cannot count the matches",
    0xA702: "it cannot send some or all of it; perhaps not in the transfer syntaxes agreed on",
    0xA801: "it does not know the move destination; have its administrators register our AE title",
    0xA900: "the identifier does not match the SOP class",
    0xAA00: "none of the frames were found",
    0xB000: "it could not send everything",
    0xFE00: "cancelled, though nobody asked for that",
}
_AGAIN: Final = (0xA700, 0xA701, 0xFE00)
_NOTHING: Final = (0x0122, 0x0124, 0x0211, 0xA801)


def meaning(status: int | None) -> str:
    """Return a final *status* in words.

    Examples
    --------
    >>> meaning(0xC001)
    'unable to process (status 0xC001)'
    """
    if status is None:
        return "a response without status"
    words = _MEANINGS.get(status)
    if words is None:
        words = "unable to process" if 0xC000 <= status <= 0xCFFF else "a status of its own"
    return f"{words} (status 0x{status:04X})"


def advice(status: int | None) -> Advice:
    """Say what may bring what has not come after a final *status*."""
    if status in _AGAIN:
        return Advice.AGAIN
    return Advice.NOTHING if status in _NOTHING else Advice.FINER
