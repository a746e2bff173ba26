"""One request for instances, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final as Constant
from typing import Protocol

import attrs

from ...core import TransferInterruptedError
from ..association import Command
from .arriving import Arrival

__all__ = ["Conversation", "Final", "Repeats", "final_of"]

_MOST_REPEATS: Constant = 10_000
"""So often an archive may say the same again: that it is still at work, for hours perhaps (D17)."""


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


class Repeats:
    """Notices an archive that only says the same again and again: there may be no end to it.

    Parameters
    ----------
    asked
        What errors call the request.
    """

    def __init__(self, asked: str) -> None:
        self._asked: str = asked
        self._state: object = None
        self._times: int = 0

    def check(self, state: object) -> None:
        """Take note of a response that has left everything in this *state*.

        Raises
        ------
        TransferInterruptedError
            If it was the same too often.
        """
        self._times = self._times + 1 if state == self._state else 0
        self._state = state
        if self._times > _MOST_REPEATS:
            reason = f"it said the same {_MOST_REPEATS} times over, and nothing came"
            raise TransferInterruptedError(self._asked, reason)
