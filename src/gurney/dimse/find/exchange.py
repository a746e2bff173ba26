"""One C-FIND: from the request to the final response, or to its cancellation (PS3.7 9.1.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from ...core import GurneyError, ProtocolViolationError
from ..association import Association, Command, Context, commands
from .items import ResponseItem
from .negotiation import is_implicit
from .statuses import NOT_ALL_KEYS

__all__ = ["Exchange"]

_LONGEST_IDENTIFIER: Final = 1 << 20  # bytes; real ones have some hundreds
_LARGEST_ANSWER: Final = 1 << 30  # bytes
_COST: Final = 2500  # bytes that a response takes beyond its own, once it is part of a tree


class Exchange:
    """Iterate over what comes, then see how it ended.

    Parameters
    ----------
    association
        It has to be kept until this has ended.
    context
        Of the information model.
    identifier
        What to ask, as the context wants it.
    asked
        What was asked for, in the words of an error.

    Attributes
    ----------
    status
        That of the final response; `None` as long as there was none.
    over_budget
        Whether the answer was given up because it is too large.
    not_all_keys
        Whether the archive has said that it does not support all keys (0xFF01).
    """

    def __init__(
        self, association: Association, context: Context, identifier: bytes, asked: str
    ) -> None:
        self.status: int | None = None
        self.over_budget: bool = False
        self.not_all_keys: bool = False
        self._association: Association = association
        self._context: Context = context
        self._identifier: bytes = identifier
        self._asked: str = asked
        self._id: int = association.next_message_id()

    def __iter__(self) -> Iterator[ResponseItem]:
        request = commands.c_find_rq(self._id, self._context.abstract_syntax)
        self._association.send(self._context, request, self._identifier)
        implicit, size = is_implicit(self._context.transfer_syntax), 0
        while True:
            message = self._association.receive()
            status = self._status_of(message.command)
            if not message.command.is_pending:
                message.skip()
                self.status = status
                return
            self.not_all_keys |= status == NOT_ALL_KEYS
            content = message.read(_LONGEST_IDENTIFIER)
            size += _COST + len(content)
            if size > _LARGEST_ANSWER:
                self.over_budget = True
                self.cancel()
                return
            yield ResponseItem(content, implicit=implicit)

    def cancel(self) -> None:
        """Tell the archive to stop; read on until it does, or is too slow to do so (D20)."""
        self._association.send(self._context, commands.c_cancel_rq(self._id))
        patience = time.monotonic() + self._association.peer.timeouts.release
        try:
            while (left := patience - time.monotonic()) > 0:
                message = self._association.receive(left)
                message.skip()
                if not message.command.is_pending:
                    return
        except GurneyError:
            return  # it has been aborted, and nothing more was wanted
        self._association.abort()

    def _status_of(self, command: Command) -> int:
        """Return the status of a response to this very request.

        Raises
        ------
        ProtocolViolationError
            If it is something else.
        """
        answers_this = command.field == commands.C_FIND_RSP and command.responds_to == self._id
        if not answers_this or command.status is None:
            self._association.abort()
            raise ProtocolViolationError(
                self._asked, "what came is no response to this search, or has no status"
            )
        return command.status
