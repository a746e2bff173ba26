"""What a client accepts (RFC 9110 12.5.1, PS3.18 8.7)."""

from __future__ import annotations

from email.message import Message
from typing import Final

import attrs

__all__ = ["Accepted", "accepted", "accepts_json"]

ANYTHING: Final = ("*/*", "")
_JSON: Final = ("application/dicom+json", "application/json", "application/*", *ANYTHING)


@attrs.frozen
class Accepted:
    """One of the media types a client accepts.

    Attributes
    ----------
    media_type
        In lower case, without parameters.
    type
        Of the parts of a multipart body; empty if it is not said.
    transfer_syntax
        A UID, ``*``, or empty if it is not said.
    """

    media_type: str
    type: str = ""
    transfer_syntax: str = ""


def accepted(accept: str) -> list[Accepted]:
    """Return what an Accept header says, in its order.

    Examples
    --------
    >>> accepted('multipart/related; type="application/dicom"; transfer-syntax=*')
    [Accepted(media_type='multipart/related', type='application/dicom', transfer_syntax='*')]
    """
    return [_accepted(alternative) for alternative in _alternatives(accept)]


def accepts_json(accept: str) -> bool:
    """Say whether a client takes DICOM JSON."""
    return any(one.media_type in _JSON for one in accepted(accept))


def _alternatives(accept: str) -> list[str]:
    """Split at commas, but not within quotes."""
    parts: list[str] = []
    open_quote = False
    for piece in accept.split(","):
        if open_quote:
            parts[-1] += "," + piece
        else:
            parts.append(piece)
        open_quote ^= piece.count('"') % 2 == 1
    return parts


def _accepted(alternative: str) -> Accepted:
    message = Message()  # werkzeug would drop a type without quotes, for the slash in it
    message["Content-Type"] = alternative.strip()
    options = dict(message.get_params([])[1:])
    part = options.get("type", "").lower()
    return Accepted(message.get_content_type(), part, options.get("transfer-syntax", ""))
