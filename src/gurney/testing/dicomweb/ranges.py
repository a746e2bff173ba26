"""Range requests (RFC 9110, 14): one range of one value or instance."""

from __future__ import annotations

import re
from typing import Final

import attrs

from .asked import Asked
from .envelope import DICOM
from .reply import Reply

__all__ = ["in_range"]

_RANGE: Final = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_TYPES: Final = (DICOM, "application/octet-stream")


def in_range(asked: Asked, reply: Reply) -> Reply:
    """Return the part of *reply* that was asked for, or *reply* where there are no parts of it."""
    asked_for = _RANGE.fullmatch(asked.headers.get("range", ""))
    if asked_for is None or reply.status != 200 or reply.content_type not in _TYPES:
        return reply
    content = b"".join(reply.body)
    first, last = int(asked_for[1]), int(asked_for[2] or len(content) - 1)
    part = content[first : last + 1]
    if not part:
        return Reply(416, {"Content-Range": f"bytes */{len(content)}"})
    place = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
    return attrs.evolve(reply.with_headers(Content_Range=place), status=206, body=(part,))
