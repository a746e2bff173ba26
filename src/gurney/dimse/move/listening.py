"""The receiver's threads: one that listens, and one for each association.

Each hands over what comes to the request that it belongs to, and waits until that has taken it.
All end when `Listening.stop` is called, which never waits: the collector may call it anywhere.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from contextlib import ExitStack, closing, suppress
from selectors import EVENT_READ, DefaultSelector
from threading import Thread, current_thread
from typing import Final

import attrs

from ...core import GurneyError, TransferInterruptedError
from ..association import Association, Message, ReleasedError, accept
from ..association.commands import C_CANCEL_RQ, C_ECHO_RQ, C_STORE_RQ, SUCCESS, response_to
from ..retrieving import CANNOT_UNDERSTAND, NOT_AUTHORIZED, OUT_OF_RESOURCES
from ..settings import TLS, Timeouts
from .handing import Store
from .origins import Caller
from .routing import Routing

__all__ = ["Doors", "Listening"]

_log = logging.getLogger("gurney.dimse")

_UNRECOGNIZED: Final = 0x0211  # PS3.7 C.5.20
_BACKLOG: Final = 16
_GIVEN_UP: Final = 1 << 24  # bytes of an instance after which nobody wants others, either


@attrs.frozen
class Doors:
    """Who is let in, and how; see `Receiver`."""

    ae_title: str
    host: str
    port: int
    tls: TLS | None
    associations: int
    callers: frozenset[str] | None
    hosts: frozenset[str] | None
    max_pdu: int
    max_instance: int
    timeouts: Timeouts


@attrs.define(eq=False)
class _Guest:
    """One that has connected."""

    connection: socket.socket
    here: str  # the address that it has connected to
    there: str  # and its own
    association: Association | None = None
    store: Store | None = None  # what is being handed over

    def send_away(self) -> None:
        """Have its thread end, wherever it waits; for any thread."""
        if self.store is not None:
            self.store.break_off()
        if self.association is not None:
            self.association.interrupt()
        else:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


class Listening:
    """A socket that archives connect to, and what comes over it.

    Parameters
    ----------
    doors
        Who is let in.
    routing
        Where what comes belongs.

    Attributes
    ----------
    port
        The one that is listened on.
    refused
        How many instances were refused because nobody had asked for them, by the title of who
        sent them.

    Raises
    ------
    OSError
        If the address is not to be had.
    """

    def __init__(self, doors: Doors, routing: Routing) -> None:
        self._doors: Doors = doors
        self._routing: Routing = routing
        self._tls = None if doors.tls is None else doors.tls.context(server_side=True)
        self._socket: socket.socket = _listening_socket(doors.host, doors.port)
        self._awake, self._alarm = socket.socketpair()
        self._closing: bool = False
        self._guests: dict[Thread, _Guest] = {}
        self.refused: Counter[str] = Counter()
        self.port: int = self._socket.getsockname()[1]
        self._thread: Thread = Thread(target=self._listen, name="gurney-receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have all threads end, and all requests that wait."""
        self._closing = True
        with suppress(OSError):
            self._alarm.send(b"!")
        self._send_all_away()
        asked = f"C-STORE to {self._doors.ae_title}"
        self._routing.fail_all(TransferInterruptedError(asked, "the receiver was closed"))

    def join(self, timeout: float) -> None:
        """Wait until all threads have ended, each at most *timeout* seconds."""
        for thread in (self._thread, *list(self._guests)):
            if thread is not current_thread():
                thread.join(timeout)

    def _send_all_away(self) -> None:
        for guest in list(self._guests.values()):
            guest.send_away()

    # ------------------------------------------------------------ the thread that listens

    def _listen(self) -> None:
        with ExitStack() as stack, DefaultSelector() as selector:
            for each in (self._awake, self._alarm, self._socket):
                stack.enter_context(closing(each))
            selector.register(self._socket, EVENT_READ)
            selector.register(self._awake, EVENT_READ)
            while not self._closing:
                selector.select()
                self._let_in()
        self._send_all_away()  # who came in meanwhile

    def _let_in(self) -> None:
        try:
            connection, address = self._socket.accept()
            here, there = str(connection.getsockname()[0]), str(address[0])
        except OSError:  # nobody, or gone again
            return
        hosts = self._doors.hosts
        crowd = len(self._guests)
        if (hosts is not None and there not in hosts) or crowd >= 2 * self._doors.associations:
            _log.warning("a connection from %s was closed: not let in, or too many", there)
            connection.close()
            return
        guest = _Guest(connection, here, there)
        full = crowd >= self._doors.associations
        thread = Thread(target=self._serve, args=(guest, full), name="gurney-receiver", daemon=True)
        self._guests[thread] = guest
        try:
            thread.start()
        except RuntimeError:  # no more threads
            del self._guests[thread]
            connection.close()

    # ------------------------------------------------------------ the thread of an association

    def _serve(self, guest: _Guest, full: bool) -> None:
        try:
            with closing(guest.connection):
                self._serve_association(guest, full)
        except ReleasedError:
            pass
        except GurneyError as error:
            if not self._closing:
                _log.info("the receiver's association ended: %s", error)
        finally:
            del self._guests[current_thread()]

    def _serve_association(self, guest: _Guest, full: bool) -> None:
        doors = self._doors
        association = accept(
            guest.connection,
            self._routing.choose,
            called=doors.ae_title,
            calling=doors.callers,
            full=full,
            tls=self._tls,
            timeouts=doors.timeouts,
            max_pdu=doors.max_pdu,
        )
        guest.association = association
        try:
            while not self._closing:
                self._answer(guest, association, association.receive(self._patience()))
        finally:
            association.abort()  # unless it has ended

    def _patience(self) -> float:
        """Return for how long to wait for a message: long while anything is asked for (D17)."""
        timeouts = self._doors.timeouts
        return timeouts.answer if self._routing.busy else timeouts.idle

    def _answer(self, guest: _Guest, association: Association, message: Message) -> None:
        command = message.command
        if command.is_response or command.field == C_CANCEL_RQ:
            message.skip()
            return
        status: int | None = _UNRECOGNIZED
        if command.field == C_ECHO_RQ:
            status = SUCCESS
        elif command.field == C_STORE_RQ:
            status = self._take(guest, association, message)
        if status is not None:
            if status == OUT_OF_RESOURCES:
                message.skip(_GIVEN_UP)
            message.skip()
            association.send(message.context, response_to(command, status))

    def _take(self, guest: _Guest, association: Association, message: Message) -> int | None:
        """Hand over an instance, and return the status to answer with; `None` if that was done."""

        def answer(status: int) -> None:
            association.send(message.context, response_to(message.command, status))

        if not message.command.has_data:
            return CANNOT_UNDERSTAND
        store = Store.of(message, answer, self._doors.max_instance)
        sender = association.peer.called
        request = self._routing.find(store, Caller.behind(sender, guest.here, guest.there))
        if request is None:
            self.refused[sender] += 1
            _log.warning("%s stored an instance that it was not asked for; refused", sender)
            return NOT_AUTHORIZED
        guest.store = store
        if self._closing:
            store.break_off()
        request.hand_over(store)
        try:
            return store.verdict()
        finally:
            guest.store = None


def _listening_socket(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
