"""What listens on loopback, for any archive that misbehaves over HTTP, and how it ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any, Final, TypeAlias

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from gurney.core import InvalidInputError

from .delivery import StartResponse

__all__ = ["App", "Listener"]

App: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
"""Answers a request (PEP 3333)."""

_POLL: Final = 0.02  # seconds until a closed server notices


class Listener:
    """Listens from the moment it is made until it is closed.

    Every request is answered in a thread, and on a connection, of its own.

    Attributes
    ----------
    closing
        Set when it is to end.

    Raises
    ------
    InvalidInputError
        If the port is taken.
    """

    def __init__(self, port: int, app: App) -> None:
        self.closing: Event = Event()
        self._server: _Server = _Server(port, app)
        self._thread: Thread = Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def close(self) -> None:
        """Stop, also in the middle of an answer; no thread and no socket is left."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()


_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]  # as the standard library says


class _Handler(WSGIRequestHandler):
    """Says nothing: a log would hold what was searched for."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class _Server(ThreadedWSGIServer):
    """Knows its connections, so that it can end them."""

    def __init__(self, port: int, app: App) -> None:
        try:
            super().__init__("127.0.0.1", port, app, _Handler)
        except SystemExit:  # werkzeug would end the program
            reason = f"port {port} cannot be listened on; give another, or 0 for any that is free"
            raise InvalidInputError(reason) from None
        self._connections: dict[_Request, Thread] = {}
        self._lock: Lock = Lock()

    def process_request(self, request: _Request, client_address: object) -> None:
        """Answer in a thread that is known."""
        thread = Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: _Request) -> None:
        """Forget the connection, which is over."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """End all connections, and wait for their threads; to be called when none can come."""
        with self._lock:
            connections = dict(self._connections)
            for connection in connections:
                if isinstance(connection, socket.socket):  # they all are: this is TCP
                    with suppress(OSError):  # its client has ended it already
                        connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join()
