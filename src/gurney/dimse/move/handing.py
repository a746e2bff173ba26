"""One C-STORE between two threads: the one that received it, and the one that takes it.

The receiver's thread reads the beginning, finds out who wants it, and then waits; the consumer's
thread reads the rest straight from the connection, so that nothing has to be kept in between.

A verdict is passed on by a `SimpleQueue`: its ``put`` may be called at any point of any thread, by
the collector too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

import attrs
from typing_extensions import Self

from ...core import GurneyError, TransferInterruptedError
from ...retrieving import UIDs
from ..association import Message
from ..retrieving import OUT_OF_RESOURCES, Arrival, arrival

__all__ = ["Store"]

_BROKEN: Final = -1  # no status: there is nothing sensible to answer
_ANSWERED: Final = -2  # it has been sent already


@attrs.frozen(eq=False)
class Store:
    """An instance that comes, and who has asked for it.

    Attributes
    ----------
    arrival
        The instance, for who takes it.
    originator, originator_id
        Who asked for it, and the Message ID of the C-MOVE request; ``""`` and `None` if the archive
        does not say.
    """

    arrival: Arrival
    originator: str
    originator_id: int | None
    _verdicts: SimpleQueue[int]

    @classmethod
    def of(cls, message: Message, answer: Callable[[int], None], most: int = 64 << 30) -> Self:
        """Receive the beginning of what *message*, a C-STORE request, brings.

        Parameters
        ----------
        message
            The request.
        answer
            Sends a status. It is called by who has taken the last of the data, at once: the archive
            goes on while the threads change.
        most
            Bytes of it to take.

        Raises
        ------
        TransferInterruptedError, ProtocolViolationError
            As `arrival`.
        """
        verdicts: SimpleQueue[int] = SimpleQueue()

        def finish(status: int) -> None:
            if message.finished:
                with suppress(GurneyError):  # the receiver's thread meets it, too
                    answer(status)
                status = _ANSWERED
            verdicts.put(status)

        command = message.command
        arrived = arrival(message, finish, most)
        return cls(arrived, command.originator, command.originator_id, verdicts)

    @property
    def uids(self) -> UIDs:
        """Study, Series and SOP Instance UID of its data set; empty where it does not say."""
        return self.arrival.uids

    # ------------------------------------------------------------ for who takes it, or not

    def give_up(self) -> None:
        """Refuse it for want of a taker: what is left of it will be passed over."""
        self._verdicts.put(OUT_OF_RESOURCES)

    def break_off(self) -> None:
        """Have the association aborted if there is no verdict yet: what is left is in disorder."""
        self._verdicts.put(_BROKEN)

    # ------------------------------------------------------------ for the receiver's thread

    def verdict(self) -> int | None:
        """Wait for the status to answer with; `None` if that was done.

        Raises
        ------
        TransferInterruptedError
            If the association is of no use any more.
        """
        status = self._verdicts.get()
        if status == _BROKEN:
            raise TransferInterruptedError("C-STORE", "who took the instance gave it up")
        return None if status == _ANSWERED else status
