"""One request for instances, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from ..association import Command
from .arriving import Arrival

__all__ = ["Conversation", "Final", "final_of"]


@attrs.frozen
class Final:
    """What an archive says in the end; it is not believed without counting.

    Attributes
    ----------
    status
        Its status; `None` if it gives none.
    remaining, completed, failed, warnings
        How many sub-operations; `None` if it does not say (D16).
    """

    status: int | None
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warnings: int | None = None


def final_of(command: Command) -> Final:
    """Return what the last response to a C-GET or C-MOVE says."""
    return Final(
        command.status, command.remaining, command.completed, command.failed, command.warnings
    )


class Conversation(Protocol):
    """What comes of one request. It is left in a ``with``: early, or by an error, is to cancel."""

    @property
    def final(self) -> Final | None:
        """The final response, once it has come."""
        ...

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the instances that come, each to be finished before the next.

        Raises
        ------
        GurneyError
            If it breaks off before the final response.
        """
        ...
