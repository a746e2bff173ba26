"""An agreed association: sends commands, and receives messages as they come off the line.

pynetdicom's own association takes 5 to 16 times as long as dcmtk's getscu for a C-GET (measured
against Orthanc on loopback: 1 000 slices of 0.5 MB, 5 000 instances of 11 kB), and the time goes
into its threads and queues. This one is a loop over a socket in the caller's thread, with the
states of PS3.8 9.2 that remain then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from ...core import GurneyError, InvalidInputError, ProtocolViolationError, TransferInterruptedError
from ...manners import Pace
from ..framing import ABORT, P_DATA, RELEASE_RP, RELEASE_RQ, data_pdu, short_pdu
from ..settings import Peer
from .commands import C_CANCEL_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, LONGEST_COMMAND, Command
from .connection import Connection
from .contexts import Context
from .failures import ContextRefusedError, ReleasedError
from .incoming import Incoming
from .messages import Message

__all__ = ["Association"]

_OVERHEAD: Final = 6  # bytes of a P-DATA-TF that are no fragment: length, context, control
_LONGEST_SENT: Final = 1 << 17  # bytes of a PDU, where the other side sets no limit
_COMMAND, _LAST = 1, 2
_LARGEST_ID: Final = 0xFFFF
_PACED: Final = frozenset({C_FIND_RQ, C_GET_RQ, C_MOVE_RQ})
_OUT_OF_RESOURCES: Final = 0xA700


class Association:
    """An association in the state in which messages go to and fro (PS3.8, Sta6).

    For one thread, except `send` and `interrupt`. After any error from here it is aborted and
    closed.

    Parameters
    ----------
    peer
        The other side, and how to treat it.
    connection
        To it.
    contexts
        What was agreed.
    refused
        Why other SOP classes were not accepted, by UID.
    granted
        Extended negotiation that the acceptor answered, by SOP class UID (PS3.7 D.3.3.5).
    their_max_pdu
        Bytes of a PDU that the other side takes; 0 for any number.
    pace
        Of requests that are sent: C-FIND, C-GET, C-MOVE; and of bytes that are stored here. It is
        told when a response says that the other side is out of resources.

    Attributes
    ----------
    peer, granted
        As above.
    contexts
        What was agreed, in order of their ids.
    """

    def __init__(
        self,
        peer: Peer,
        connection: Connection,
        contexts: Sequence[Context],
        *,
        refused: Mapping[str, int],
        granted: Mapping[str, bytes],
        their_max_pdu: int,
        pace: Pace | None = None,
    ) -> None:
        self.peer: Peer = peer
        self.contexts: Sequence[Context] = tuple(sorted(contexts, key=lambda context: context.id))
        self.granted: Mapping[str, bytes] = granted
        self._connection: Connection = connection
        self._incoming: Incoming = Incoming(connection, peer.timeouts)
        self._by_id: dict[int, Context] = {context.id: context for context in contexts}
        self._refused: Mapping[str, int] = refused
        self._most_sent: int = ((their_max_pdu or _LONGEST_SENT) - _OVERHEAD) // 2 * 2
        self._message: Message | None = None
        self._last_id: int = 0
        self._pace: Pace | None = pace

    @property
    def usable(self) -> bool:
        """Whether another request may be sent: open, no message half-read, nothing unasked came.

        Looks at the socket, without waiting.
        """
        connection = self._connection
        return (
            not connection.closed
            and not connection.foreign
            and self._between_messages
            and not connection.wait(0)
        )

    @property
    def last_heard(self) -> float:
        """When the last byte came, by `time.monotonic`."""
        return self._connection.last_heard

    def context(self, abstract_syntax: str) -> Context:
        """Return the first agreed context of a SOP class.

        Raises
        ------
        ContextRefusedError
            If there is none (D28). The association remains usable.
        """
        for context in self.contexts:
            if context.abstract_syntax == abstract_syntax:
                return context
        asked = f"association with {self.peer.address}"
        raise ContextRefusedError(asked, self._refused.get(abstract_syntax, 0), abstract_syntax)

    def next_message_id(self) -> int:
        """Return a number for a request, 1 to 65535 and round again."""
        self._last_id = self._last_id % _LARGEST_ID + 1
        return self._last_id

    def send(self, context: Context, command: Command, data: bytes = b"") -> None:
        """Send a message; *data* is its data set, encoded in the context's transfer syntax.

        Messages of several threads do not mix.

        Raises
        ------
        TransferInterruptedError
            If the connection is lost, or the other side takes nothing for too long.
        """
        if command.has_data != bool(data):
            raise InvalidInputError(f"{command!r} says something else about its data set")
        if not command.is_response:
            if self._pace is not None and command.field in _PACED:
                self._pace.request(self._is_over)
            self._connection.asked = f"{command.name} with {self.peer.address}"
        pdus = list(self._pdus(context.id, _COMMAND, command.encode()))
        pdus += self._pdus(context.id, 0, data)
        try:
            self._connection.write(b"".join(pdus), self.peer.timeouts.idle)
        except GurneyError:
            self.abort()
            raise

    def receive(self, timeout: float | None = None) -> Message:
        """Return the next message; the last one has to be `finished`.

        Parameters
        ----------
        timeout
            Seconds to wait for its first byte; `None` for ``peer.timeouts.answer``.

        Raises
        ------
        ReleasedError
            If the other side ends the association instead; that has been agreed to.
        TransferInterruptedError
            If the other side aborts, closes the connection or is silent for too long (D30), or
            after `interrupt`.
        ProtocolViolationError
            If what comes is no message.
        """
        if not self._between_messages:
            raise InvalidInputError("the data set of the last message has not been read to its end")
        try:
            self._message = self._next_message(
                self.peer.timeouts.answer if timeout is None else timeout
            )
        except GurneyError as error:
            self._end_after(error)
            raise
        return self._message

    def messages(self) -> Iterator[Message]:
        """Yield messages until the other side releases the association: an acceptor's loop.

        Raises as `receive`, except `ReleasedError`, which is the end.
        """
        with suppress(ReleasedError):
            while True:
                yield self.receive()

    def wait(self, timeout: float) -> bool:
        """Say whether something can be received, after at most *timeout* seconds.

        Never raises because of the other side; `receive` then says what it was.
        """
        return self._connection.wait(timeout)

    def release(self) -> None:
        """End the association in good order, and close the connection. Never raises.

        Aborts it if a message is half-read. Messages that still come are dropped. Does nothing
        if it is closed.
        """
        connection = self._connection
        if not connection.closed and not connection.foreign and self._between_messages:
            with suppress(GurneyError):
                self._release()
        self.abort()

    def abort(self) -> None:
        """End the association at once, and close the connection. Never raises."""
        self._connection.close(short_pdu(ABORT))

    def interrupt(self) -> None:
        """Have whoever waits in `receive` or `fragments` fail at once. For any thread.

        The owner still has to abort (or to release, which then aborts).
        """
        self._connection.interrupt()

    @property
    def _between_messages(self) -> bool:
        return self._message is None or self._message.finished

    def _pdus(self, context_id: int, control: int, content: bytes) -> Iterator[bytes]:
        most = self._most_sent
        for at in range(0, len(content), most):
            last = _LAST if at + most >= len(content) else 0
            yield data_pdu(context_id, control | last, content[at : at + most])

    def _next_message(self, timeout: float) -> Message:
        incoming, connection = self._incoming, self._connection
        connection.until = math.inf
        incoming.next_fragment(timeout)
        connection.until = time.monotonic() + self.peer.timeouts.idle
        context = self._by_id.get(incoming.context_id)
        if context is None:
            raise self._violation("a message comes in a context that was not agreed on")
        command = self._command(context)
        if self._pace is not None and command.status == _OUT_OF_RESOURCES:
            self._pace.busy()
        if not command.is_response:
            connection.until = math.inf  # an instance takes as long as it takes
            if command.message_id is None and command.field != C_CANCEL_RQ:
                raise self._violation("a request without message id")
            if self._pace is not None:
                return Message(command, context, partial(self._paced, self._pace), self.abort)
        return Message(command, context, self._piece, self.abort)

    def _command(self, context: Context) -> Command:
        incoming = self._incoming
        encoded = b""
        while True:
            self._check_fragment(context, is_command=True)
            while incoming.left:
                encoded += incoming.piece()
                if len(encoded) > LONGEST_COMMAND:
                    raise self._violation("a command set without end")
            if incoming.is_last:
                break
            self._continue()
        try:
            return Command.decode(encoded)
        except ValueError as error:
            raise self._violation(str(error)) from error

    def _piece(self, context: Context) -> tuple[bytes, bool]:
        """Return the next bytes of a data set, and whether they are the last."""
        incoming = self._incoming
        try:
            if incoming.left == 0:
                self._continue()
                self._check_fragment(context, is_command=False)
            piece = incoming.piece() if incoming.left else b""
        except GurneyError as error:
            self._end_after(error)
            raise
        return piece, incoming.is_last and incoming.left == 0

    def _paced(self, pace: Pace, context: Context) -> tuple[bytes, bool]:
        piece, is_last = self._piece(context)
        pace.received(len(piece), self._is_over)
        return piece, is_last

    def _is_over(self) -> bool:
        return self._connection.over

    def _continue(self) -> None:
        """Go on to the next fragment of the same message."""
        try:
            self._incoming.next_fragment(self.peer.timeouts.idle)
        except ReleasedError as error:
            reason = "the other side ended the association inside a message"
            raise TransferInterruptedError(error.asked, reason) from None

    def _check_fragment(self, context: Context, *, is_command: bool) -> None:
        incoming = self._incoming
        if incoming.context_id != context.id:
            raise self._violation("a message goes on in another context")
        if incoming.is_command != is_command:
            raise self._violation(
                "a data set comes without its command"
                if is_command
                else "a command comes inside a data set"
            )

    def _end_after(self, error: GurneyError) -> None:
        """Close after an error; agree before, if it was a request to release."""
        if isinstance(error, ReleasedError):
            self._connection.close(short_pdu(RELEASE_RP))
        elif isinstance(error, ProtocolViolationError):
            self._connection.close(short_pdu(ABORT, 0, 2))  # the provider of the service, not us
        else:
            self.abort()

    def _release(self) -> None:
        timeout = self.peer.timeouts.release
        until = time.monotonic() + timeout
        self._connection.until = math.inf
        self._connection.write(short_pdu(RELEASE_RQ), timeout)
        kind = P_DATA
        while kind in (P_DATA, RELEASE_RQ):
            kind = self._incoming.skip_pdu(until)
            if kind == RELEASE_RQ:  # both want it at the same time (PS3.8 7.2.2)
                self._connection.write(short_pdu(RELEASE_RP), timeout)
        if kind == RELEASE_RP:
            self._connection.close()

    def _violation(self, reason: str) -> ProtocolViolationError:
        return ProtocolViolationError(self._connection.asked, reason)
