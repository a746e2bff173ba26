"""Sub-operations: instances are sent by C-STORE, over this association or to a destination."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

import attrs

from gurney.core import GurneyError

from . import pdus
from .association import Message, Messages
from .commands import Command, Field, Priority, Status, number
from .line import PDU, Line, LineEndedError
from .negotiation import Agreed, Agreement, Proposal, Proposed
from .steps import Store
from .stored import UNCOMPRESSED, Opened, Stored

__all__ = ["Destination", "Sender", "SubOperations", "connected"]

_MOST: Final = 128  # presentation contexts, PS3.8 9.3.2.2
_TIMEOUT: Final = 5.0  # seconds to connect on loopback
_FAILED: Final = Status.CANNOT_PROCESS


class Sender(Protocol):
    """Where instances go."""

    def send(self, store: Store, origin: Command, /) -> int:
        """Send an instance, and return the status of the other side.

        Raises
        ------
        LineEndedError
            If the association of the request itself has ended.
        """
        ...


class SubOperations:
    """Sends over an association that is there: that of a C-GET.

    Parameters
    ----------
    contexts
        That instances may be sent over.

    Attributes
    ----------
    heard
        Gets messages that are no answer to a C-STORE.
    """

    def __init__(
        self,
        messages: Messages,
        contexts: Sequence[Agreed],
        silent: Callable[[], None],
    ) -> None:
        self._messages: Messages = messages
        self._contexts: Sequence[Agreed] = contexts
        self._silent: Callable[[], None] = silent
        self.heard: Callable[[Message], None] | None = None
        self._last_id: int = 0

    def context(self, opened: Opened) -> Agreed | None:
        """Return the context to send an instance over: its own transfer syntax comes first."""
        fitting = {
            one.transfer_syntax: one
            for one in reversed(self._contexts)
            if one.abstract_syntax == opened.sop_class_uid and not one.result
        }
        native = UNCOMPRESSED if opened.transfer_syntax in UNCOMPRESSED else ()
        wanted = (opened.transfer_syntax, *native)
        return next((fitting[syntax] for syntax in wanted if syntax in fitting), None)

    def send(self, store: Store, origin: Command, /) -> int:
        """Send an instance, if there is a context for it."""
        opened = store.instance.open()
        context = self.context(opened)
        return _FAILED if context is None else self.send_over(context, opened, store, origin)

    def send_over(self, context: Agreed, opened: Opened, store: Store, origin: Command) -> int:
        """Send an instance, and wait for what the other side says."""
        self._last_id = self._last_id % 0xFFFF + 1
        command: Command = {
            "CommandField": Field.STORE,
            "MessageID": self._last_id,
            "AffectedSOPClassUID": opened.sop_class_uid,
            "AffectedSOPInstanceUID": store.instance.reference.instance_uid,
            "Priority": Priority.MEDIUM,
            **origin,
        }
        pieces = opened.in_syntax(context.transfer_syntax)
        try:
            self._messages.send(context, command, self._until_cut(pieces, store))
        except GurneyError:  # the archive has only a part of it
            self._messages.abort()
            raise LineEndedError("an instance could not be read to its end") from None
        return self._answer()

    def _until_cut(self, pieces: Iterable[bytes], store: Store) -> Iterator[bytes]:
        """Yield what is sent; end the association after as many bytes as the step says."""
        left = store.cut_after
        for piece in filter(None, pieces):
            if left is not None and left < len(piece):
                yield piece[:left]
                yield b""  # what has been held back is sent
                self._end(store)
            yield piece
            left = None if left is None else left - len(piece)

    def _end(self, store: Store) -> None:
        if store.ending == "silence":
            self._silent()
        elif store.ending == "cut":
            self._messages.cut()
        else:
            self._messages.abort()
        raise LineEndedError("as it was told")

    def _answer(self) -> int:
        while True:
            message = self._messages.receive()
            if message is None:
                raise LineEndedError("the association has ended")
            if number(message.command, "CommandField") == Field.STORE | Field.RESPONSE:
                return number(message.command, "Status")
            if self.heard is None:
                self._messages.abort()
                raise LineEndedError("no such message is expected")
            self.heard(message)


class Destination:
    """Sends to another application: that of a C-MOVE.

    An association proposes a context for each class and transfer syntax of what is to be sent, as
    far as that is known and 128 contexts reach; for what has no fitting one, another is made.

    Parameters
    ----------
    join
        Connects, and keeps the line where closing the server finds it.
    to_come
        What is to be sent.
    """

    def __init__(
        self,
        join: Callable[[], Line],
        proposal: Proposal,
        to_come: Iterable[Stored],
        silent: Callable[[], None],
    ) -> None:
        self._join: Callable[[], Line] = join
        self._proposal: Proposal = proposal
        self._to_come: list[tuple[str, str]] = list(
            dict.fromkeys((one.sop_class_uid, one.transfer_syntax) for one in to_come)
        )
        self._silent: Callable[[], None] = silent
        self._messages: Messages | None = None
        self._operations: SubOperations | None = None

    def send(self, store: Store, origin: Command, /) -> int:
        """Send an instance; what ends that association is a failure of this one only."""
        opened = store.instance.open()
        try:
            context = self._operations.context(opened) if self._operations else None
            if context is None:
                self._associate(opened)
                context = self._operations.context(opened) if self._operations else None
            if context is None or self._operations is None:
                return _FAILED
            return self._operations.send_over(context, opened, store, origin)
        except LineEndedError:
            self._forget()
            return _FAILED

    def close(self) -> None:
        """Release the association."""
        if self._messages is not None:
            self._messages.release()
        self._forget()

    def _forget(self) -> None:
        if self._messages is not None:
            self._messages.line.close()
        self._messages = self._operations = None

    def _associate(self, opened: Opened | None) -> None:
        self.close()
        first = [] if opened is None else [(opened.sop_class_uid, opened.transfer_syntax)]
        asked = attrs.evolve(self._proposal, contexts=_contexts([*first, *self._to_come]))
        line = self._join()
        try:
            agreement = _agreed(line, asked)
        except LineEndedError:
            line.end()
            line.close()
            raise
        self._messages = Messages(line, agreement, agreement.max_pdu)
        self._operations = SubOperations(self._messages, agreement.contexts, self._silent)


def _agreed(line: Line, asked: Proposal) -> Agreement:
    """Ask for an association, and return what is agreed on."""
    line.send(pdus.propose(asked))
    kind, pdu = line.receive()
    if kind != PDU.ASSOCIATE_AC:
        raise LineEndedError("the destination takes nothing")
    try:
        return pdus.agreement_of(pdu, asked)
    except ValueError as error:
        raise LineEndedError(str(error)) from error


def _contexts(wanted: Iterable[tuple[str, str]]) -> tuple[Proposed, ...]:
    """Return a context for each class and transfer syntax, and one for uncompressed data."""
    offers: dict[tuple[str, tuple[str, ...]], None] = {}
    for sop_class, syntax in wanted:
        if syntax and syntax not in UNCOMPRESSED:
            offers[sop_class, (syntax,)] = None
        if syntax in ("", *UNCOMPRESSED):
            offers[sop_class, UNCOMPRESSED] = None
    return tuple(Proposed(2 * place + 1, *offer) for place, offer in enumerate([*offers][:_MOST]))


def connected(address: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket:
    """Return a connection to a destination.

    Raises
    ------
    LineEndedError
        If nobody listens there.
    """
    try:
        connection = socket.create_connection(address, _TIMEOUT)
        connection.settimeout(None)
        return tls.wrap_socket(connection, server_hostname=address[0]) if tls else connection
    except OSError as error:
        raise LineEndedError("nobody listens there") from error
