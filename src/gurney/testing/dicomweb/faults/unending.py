"""Faults that would keep a client busy for ever."""

from __future__ import annotations

import itertools

import attrs

from ..asked import Service
from ..envelope import Envelope
from ..fault import Exchange, Fault
from ..reply import Framing, Reply
from .bodies import carries_instances

__all__ = ["Endless", "Trickle"]

_ZEROS = bytes(64 * 1024)
_OBJECTS = b'{"00100020": {"vr": "LO", "Value": ["X"]}},' * 1024


class Trickle(Fault):
    """The first half of a body comes at once, then a byte at a time, each after a `pause`."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Trickle."""
        if not carries_instances(exchange, reply):
            return reply
        body = b"".join(reply.body)
        half = len(body) // 2
        pieces = (body[:half], *(body[place : place + 1] for place in range(half, len(body))))
        return attrs.evolve(reply, body=pieces, pause=self.settings.pause)


class Endless(Fault):
    """Bodies never end: a part of zeros, a list of objects."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Go on and on."""
        if carries_instances(exchange, reply):
            first, _ = Envelope().pieces([b""])
            headers = {"Content-Type": Envelope().content_type}
            body = itertools.chain([first], itertools.repeat(_ZEROS))
            return Reply(200, headers, body, Framing.CHUNKED)
        if exchange.asked.service in (Service.SEARCH, Service.METADATA) and reply.status == 200:
            body = itertools.chain([b"["], itertools.repeat(_OBJECTS))
            return attrs.evolve(reply, body=body, framing=Framing.CHUNKED)
        return reply
