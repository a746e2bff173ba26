"""How a C-FIND ends (PS3.4 table C.4-1, PS3.7 annex C)."""

from __future__ import annotations

from typing import Final

from ...core import AuthenticationError, GurneyError, RequestRefusedError

__all__ = [
    "NOT_ALL_KEYS",
    "SUCCESS",
    "SearchRefusedError",
    "ended",
    "in_words",
    "may_be_too_much",
    "refusal",
    "says_too_much",
]

SUCCESS: Final = 0x0000
NOT_ALL_KEYS: Final = 0xFF01
CANCELLED: Final = 0xFE00
_OUT_OF_RESOURCES: Final = 0xA700
_NOT_AUTHORIZED: Final = 0x0124
_WORDS: Final = {
    0x0110: "processing failure",
    0x0111: "duplicate SOP instance",
    0x0120: "missing attribute",
    0x0122: "SOP class not supported",
    _NOT_AUTHORIZED: "not authorized",
    0x0210: "duplicate invocation",
    0x0211: "unrecognized operation",
    0x0212: "mistyped argument",
    0x0213: "resource limitation",
    _OUT_OF_RESOURCES: "out of resources",
    0xA900: "the identifier does not match the SOP class",
    CANCELLED: "cancelled",
}
_OF_THE_FORM: Final = frozenset({0x0120, 0x0122, _NOT_AUTHORIZED, 0x0211, 0x0212, 0xA900})


class SearchRefusedError(RequestRefusedError):
    """The archive does not do this search in any of the forms that it was asked in."""

    def __str__(self) -> str:
        return (
            f"{self.asked}: refused with {in_words(self.status)}; search by fewer keys, or"
            " for less, or ask those who run the archive"
        )


def in_words(status: int) -> str:
    """Return a status as people read it.

    Examples
    --------
    >>> in_words(0xA700), in_words(0xC001)
    ('status 0xA700 (out of resources)', 'status 0xC001 (unable to process)')
    """
    usual = "unable to process" if status >> 12 == 0xC else ""
    words = _WORDS.get(status, usual)
    return f"status 0x{status:04X}{f' ({words})' if words else ''}"


def ended(status: int) -> str:
    """Return why a search that ended with a *status* other than success is not whole."""
    if status == CANCELLED:
        return "the archive broke off its answer: it says that it was cancelled, but it was not"
    return f"the archive broke off its answer with {in_words(status)}"


def may_be_too_much(status: int) -> bool:
    """Say whether a smaller question may be answered, where this one was refused.

    What archives say for "too much" differs: any failure that is not known to be of the form.
    """
    return status not in _OF_THE_FORM


def says_too_much(status: int) -> bool:
    """Say whether the archive has begun, so that the form of the question was right."""
    return status in (CANCELLED, _OUT_OF_RESOURCES, 0x0213)


def refusal(asked: str, status: int) -> GurneyError:
    """Return what it means if a search ends like this without any result."""
    if status == _NOT_AUTHORIZED:
        reason = "it does not allow us to search (status 0x0124); ask those who run the archive"
        return AuthenticationError(asked, reason, status)
    return SearchRefusedError(asked, status)
