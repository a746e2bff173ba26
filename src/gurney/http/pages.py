"""Pages for people, sent where data was asked for: login forms, proxies' errors (Q25)."""

from __future__ import annotations

import re
from typing import Final

from ..core import AuthenticationError, GurneyError, ProtocolViolationError

__all__ = ["failure_of_page", "may_be_page"]

_TYPES: Final = ("text/html", "application/xhtml+xml")
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_PAGE: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_LOGIN: Final = re.compile(
    rb"type\s*=\s*[\"']?password|\blog[ -]?[io]n\b|\bsign[ -]?in\b|\bsso\b|\bsaml", re.IGNORECASE
)


def may_be_page(media_type: str, begin: bytes) -> bool:
    """Say whether more of an answer has to be seen to tell."""
    return media_type in _TYPES or begin.lstrip(_BLANK)[:1] in (b"", b"<")


def failure_of_page(asked: str, status: int, media_type: str, begin: bytes) -> GurneyError | None:
    """Return what is wrong if an answer is a page, by its media type and what it begins with.

    Nothing of the page is repeated: it may name patients.
    """
    content = begin.lstrip(_BLANK)
    if not content or begin[128:132] == b"DICM":  # anything may stand before that
        return None
    if content.startswith((b"[", b"{", b"--")) or not (
        media_type in _TYPES or _PAGE.match(content)
    ):
        return None  # some send data by the media type of a page
    if _LOGIN.search(begin):
        return AuthenticationError(asked, f"a login page came (status {status}); log in", status)
    return ProtocolViolationError(
        asked,
        f"a web page came (status {status}), no data; check the address, and whether a proxy or a"
        " portal is in between",
    )
