"""Faults of answers to searches that find nothing."""

from __future__ import annotations

from typing import ClassVar

from ..asked import Service
from ..fault import Exchange, Fault
from ..reply import Reply, plain

__all__ = ["EmptyList", "NoBytes", "NoContent", "NotFound"]


class NoContent(Fault):
    """Nothing found is 204, as the standard said from 2014 to 2024."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Answer 204 for none."""
        return Reply(204) if _found_nothing(exchange, reply) else reply


class EmptyList(Fault):
    """Nothing found is 200 and an empty list: so it should be, and so it is without this."""

    on_the_wire: ClassVar[bool] = False


class NoBytes(Fault):
    """Nothing found is 200 without a single byte."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Answer nothing for none."""
        return Reply(200, reply.headers) if _found_nothing(exchange, reply) else reply


class NotFound(Fault):
    """Nothing found is 404, as if the service were not there."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Answer 404 for none."""
        return plain(404, "nothing found") if _found_nothing(exchange, reply) else reply


def _found_nothing(exchange: Exchange, reply: Reply) -> bool:
    is_search = exchange.asked.service is Service.SEARCH and reply.status == 200
    return is_search and b"".join(reply.body) == b"[]"
