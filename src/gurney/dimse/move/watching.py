"""A thread that reads what an archive answers to a C-MOVE, while another takes what it stores."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread, current_thread
from typing import Final as Constant

from ...core import GurneyError, ProtocolViolationError
from ..association import Association, Context, Message
from ..association.commands import C_MOVE_RSP, c_cancel_rq
from ..retrieving import Final, Repeats, final_of
from .routing import Request

__all__ = ["Watcher"]

_FOREVER: Constant = 1e6  # seconds; who waits for the instances knows how long
_AT_ONCE: Constant = 1.0  # seconds in which a thread that is interrupted ends


class Watcher:
    """Reads the responses to a request that was sent.

    The thread alone reads while it runs; what it finds goes to the request: that the archive is at
    work, the final response, or why there is none.

    Parameters
    ----------
    association
        Over which the request was sent.
    context
        In which it was sent.
    request
        The request.
    """

    def __init__(self, association: Association, context: Context, request: Request) -> None:
        self._association: Association = association
        self._context: Context = context
        self._request: Request = request
        self._finished: bool = False  # said before the thread ends, which may take its time
        self._thread: Thread = Thread(target=self._watch, name="gurney-c-move", daemon=True)
        self._thread.start()

    def cancel(self, patience: float) -> None:
        """Tell the archive that nobody wants the rest; wait so many seconds for it to agree."""
        if self._thread.is_alive():
            with suppress(GurneyError):  # it is gone, then
                self._association.send(self._context, c_cancel_rq(self._request.message_id))
            self._join(patience)

    def end(self) -> None:
        """See that the thread has ended.

        Who has read the final response is not interrupted: the association is of use again.
        """
        if not self._finished:
            self._association.interrupt()
        self._join(_AT_ONCE)

    def _join(self, seconds: float) -> None:
        if self._thread is not current_thread():
            self._thread.join(seconds)

    def _watch(self) -> None:
        found: Final | BaseException
        try:
            found = self._final()
        except BaseException as error:  # noqa: BLE001  raised where the instances are taken
            found = error
        self._finished = True
        self._request.inbox.put(found)

    def _final(self) -> Final:
        request = self._request
        repeats = Repeats(f"C-MOVE from {self._association.peer.address}")
        while True:
            message = self._association.receive(_FOREVER)
            self._check(message)
            message.skip()
            if not message.command.is_pending:
                return final_of(message.command)
            repeats.check((final_of(message.command), len(request.came), request.foreign))
            request.moved()

    def _check(self, message: Message) -> None:
        command = message.command
        if command.field != C_MOVE_RSP or command.responds_to != self._request.message_id:
            raise ProtocolViolationError(
                self._association.peer.address, f"{command!r} came where a C-MOVE response was due"
            )
