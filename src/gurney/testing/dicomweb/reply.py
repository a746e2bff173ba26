"""What is answered, and how it is put on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

import attrs

__all__ = ["Framing", "RefusedError", "Reply", "plain"]


class Framing(Enum):
    """How the end of a body is told (RFC 9112, 6.3)."""

    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    CLOSE = "the end of the connection"


@attrs.frozen
class Reply:
    """An answer.

    Attributes
    ----------
    status
        The status code.
    headers
        Without those of the framing.
    body
        In pieces, which may be without end: each part of a multipart body is one, and so is the
        closing delimiter.
    framing
        How the end of the body is told.
    cut_after
        Bytes of the body after which the connection ends, whatever the framing says; `None` to
        send it all.
    pause
        Seconds to wait between two pieces.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    body: Iterable[bytes] = ()
    framing: Framing = Framing.LENGTH
    cut_after: int | None = None
    pause: float = 0.0

    @property
    def content_type(self) -> str:
        """The Content-Type."""
        return self.headers.get("Content-Type", "")

    def with_headers(self, **headers: str) -> Reply:
        """Return the same with further headers; an underscore stands for a hyphen."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return attrs.evolve(self, headers={**self.headers, **more})


def plain(status: int, text: str) -> Reply:
    """Return a message."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return Reply(status, headers, (text.encode(),))


class RefusedError(Exception):
    """Raised where a request cannot be answered."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.reply: Reply = plain(status, text)
