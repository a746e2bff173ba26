"""The other side of an association, on loopback: written down byte by byte, or pynetdicom's own."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final

from pynetdicom import AE
from typing_extensions import Self

from gurney.dimse.framing import data_pdu
from gurney.dimse.pdus import Answer, ContextResult, Request

__all__ = [
    "Answering",
    "CT",
    "EXPLICIT",
    "FIND",
    "GET",
    "IMPLICIT",
    "LONG",
    "VERIFICATION",
    "abort_pdu",
    "agree",
    "answering_all",
    "fragments",
    "read_pdu",
    "theirs",
]

LONG: Final = 30.0  # seconds; no test waits so long, unless what it tests is broken

VERIFICATION: Final = "1.2.840.10008.1.1"
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"


class Answering:
    """Listens, and runs a script in a thread for each connection; the last one again and again.

    Parameters
    ----------
    scripts
        What to do with each connection, which is closed afterwards. What a script raises is raised
        at the end of the ``with``, except that whoever asked has gone.
    """

    def __init__(self, *scripts: Callable[[socket.socket], object]) -> None:
        self.connections: int = 0
        self._scripts: Sequence[Callable[[socket.socket], object]] = scripts
        self._errors: list[Exception] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening: socket.socket = socket.create_server(("127.0.0.1", 0))
        self._thread: threading.Thread = threading.Thread(target=self._listen)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listening.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # wakes the one who accepts
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(LONG)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LONG)
        for connection in self._open:
            connection.close()
        if self._errors and error is None:
            raise self._errors[0]

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                connection.settimeout(LONG)
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._run, args=(script, connection))
                self._threads.append(thread)
                thread.start()

    def _run(self, script: Callable[[socket.socket], object], connection: socket.socket) -> None:
        try:
            script(connection)
        except OSError:  # whoever asked has gone
            pass
        except Exception as error:  # noqa: BLE001  raised at the end
            self._errors.append(error)
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read_pdu(connection: socket.socket) -> bytes:
    """Return the next PDU; nothing at the end."""
    head = _exactly(connection, 6)
    return head + _exactly(connection, int.from_bytes(head[2:], "big")) if head else b""


def agree(
    connection: socket.socket, *, refused: Iterable[str] = (), max_pdu: int = 16384
) -> Request:
    """Accept an association as it is asked for, with all roles."""
    request = Request.decode(read_pdu(connection))
    refused = set(refused)
    answer = Answer(
        called=request.called,
        calling=request.calling,
        results=[
            ContextResult(
                item.id, 3 if item.abstract_syntax in refused else 0, item.transfer_syntaxes[0]
            )
            for item in request.contexts
        ],
        roles=request.roles,
        extended=request.extended,
        max_pdu=max_pdu,
    )
    connection.sendall(answer.encode())
    return request


def answering_all(*sent: bytes) -> Callable[[socket.socket], None]:
    """Return a script: agree, send this, and wait until the other side leaves."""

    def script(connection: socket.socket) -> None:
        agree(connection)
        for pdu in sent:
            connection.sendall(pdu)
        while connection.recv(65536):
            pass

    return script


def fragments(context_id: int, content: bytes, *, command: bool, size: int = 16000) -> bytes:
    """Return a command set or data set in P-DATA-TFs."""
    kind = 1 if command else 0
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    last = len(pieces) - 1
    return b"".join(
        data_pdu(context_id, kind | (2 if number == last else 0), piece)
        for number, piece in enumerate(pieces)
    )


@contextmanager
def theirs(
    handlers: Sequence[tuple[Any, Any]],
    contexts: Iterable[tuple[str, Sequence[str]]],
    *,
    roles: Iterable[str] = (),
    **settings: Any,
) -> Generator[int]:
    """Yield the port of an acceptor of pynetdicom, named ``THEIRS``.

    Parameters
    ----------
    handlers
        Events and what to do.
    contexts
        SOP classes and transfer syntaxes.
    roles
        SOP classes of which the requestor may be the SCP.
    settings
        Attributes of its AE.
    """
    entity: Any = AE("THEIRS")
    for name, value in settings.items():
        setattr(entity, name, value)
    granted = set(roles)
    for uid, syntaxes in contexts:
        wanted = {"scu_role": True, "scp_role": True} if uid in granted else {}
        entity.add_supported_context(uid, list(syntaxes), **wanted)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=list(handlers))
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            return b""
        content += piece
    return content


def abort_pdu(source: int, reason: int) -> bytes:
    """Return an A-ABORT."""
    return struct.pack(">BxIxxBB", 7, 4, source, reason)
