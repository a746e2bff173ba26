"""Faults of bodies: how they are wrapped, framed, cut and packed."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from typing import Final

import attrs
from typing_extensions import override

from ..asked import Asked, Service
from ..envelope import Envelope
from ..fault import Exchange, Fault, Settings
from ..reply import Framing, Reply

__all__ = [
    "BoundaryForms",
    "CutAtClose",
    "CutInPart",
    "LineFeeds",
    "NoPartHeaders",
    "NoParts",
    "OtherEnvelope",
    "Packed",
    "RangeIgnored",
    "Slow",
    "carries_instances",
]

_LONGEST: Final = "0123456789" * 7  # RFC 2046 5.1.1: 70 characters
_ODD: Final = "=_gurney (1)+/:?'"
_FORMS: Final = (
    Envelope(boundary=_ODD, parameter=f'"{_ODD}"', padding=b" \t "),
    Envelope(boundary=_LONGEST, parameter=_LONGEST),
    Envelope(parameter=""),
)
_SLOW_PIECES: Final = 16


class CutAtClose(Fault):
    """A body that ends with its connection ends early: after `cut_after` bytes, or its middle."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Cut it."""
        if not carries_instances(exchange, reply):
            return reply
        after, middle = self.settings.cut_after, sum(map(len, reply.body)) // 2
        cut_after = middle if after is None else after
        return attrs.evolve(reply, framing=Framing.CLOSE, cut_after=cut_after)


class CutInPart(Fault):
    """The connection breaks in the middle of the second part, however long the body should be."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Cut it."""
        pieces = tuple(reply.body)
        if not carries_instances(exchange, reply) or len(pieces) < 3:  # the last one only closes
            return reply
        return attrs.evolve(reply, cut_after=len(pieces[0]) + len(pieces[1]) // 2)


class NoPartHeaders(Fault):
    """The parts have no headers."""

    @override
    def enveloped(self, exchange: Exchange, envelope: Envelope, /) -> Envelope:
        """Write none."""
        return attrs.evolve(envelope, headers=False)


class BoundaryForms(Fault):
    """Boundaries, in turn: odd characters and padding; 70 characters without quotes; undeclared."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._forms: Iterator[Envelope] = itertools.cycle(_FORMS)

    @override
    def enveloped(self, exchange: Exchange, envelope: Envelope, /) -> Envelope:
        """Take the next form."""
        with self._lock:
            form = next(self._forms)
        return attrs.evolve(form, bare=envelope.bare)


class LineFeeds(Fault):
    """Lines of a multipart body end with LF only, and it has a preamble and an epilogue."""

    @override
    def enveloped(self, exchange: Exchange, envelope: Envelope, /) -> Envelope:
        """Write it so."""
        preamble, epilogue = b"This is a multi-part message.", b"That was it.\n--\n"
        return attrs.evolve(envelope, newline=b"\n", preamble=preamble, epilogue=epilogue)


class OtherEnvelope(Fault):
    """One instance comes as application/dicom if multipart is asked for, and the other way."""

    @override
    def enveloped(self, exchange: Exchange, envelope: Envelope, /) -> Envelope:
        """Swap them."""
        return attrs.evolve(envelope, bare=not envelope.bare)


class NoParts(Fault):
    """Success without an instance: 204, and in turn 200 with a multipart body of no parts."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._no_content: Iterator[bool] = itertools.cycle((True, False))

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send none."""
        if not carries_instances(exchange, reply):
            return reply
        with self._lock:
            no_content = next(self._no_content)
        if no_content:
            return Reply(204)
        envelope = Envelope()
        return Reply(200, {"Content-Type": envelope.content_type}, envelope.pieces([]))


class Packed(Fault):
    """Bodies are packed by gzip, whatever is accepted; Content-Length counts packed bytes."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Pack it."""
        body = b"".join(reply.body)
        if not body:
            return reply
        packed = gzip.compress(body, mtime=0)
        return attrs.evolve(reply.with_headers(Content_Encoding="gzip"), body=(packed,))


class RangeIgnored(Fault):
    """Range requests are answered by 200 and the whole body."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Leave the header out."""
        if "range" not in asked.headers:
            return asked
        kept = {name: value for name, value in asked.headers.items() if name != "range"}
        return attrs.evolve(asked, headers=kept)


class Slow(Fault):
    """Instances come slowly but steadily: in 16 pieces with a `pause` between them."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Slow down."""
        if not carries_instances(exchange, reply):
            return reply
        body = b"".join(reply.body)
        size = -(-len(body) // _SLOW_PIECES)
        pieces = tuple(body[start : start + size] for start in range(0, len(body), size))
        pause = self.settings.pause
        return attrs.evolve(reply, body=pieces, pause=pause, framing=Framing.CHUNKED)


def carries_instances(exchange: Exchange, reply: Reply) -> bool:
    """Say whether instances are what is sent."""
    service = exchange.asked.service in (Service.RETRIEVE, Service.WADO_URI)
    return service and reply.status in (200, 206)
