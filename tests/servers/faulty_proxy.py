"""A bad line: an HTTP proxy that spoils answers by a fixed seed, and tells which and how.

What happens to a request depends on the seed, on what is asked for, and on how often it was asked
for before; not on time, nor on the order in which several clients ask. Answers are taken from the
server behind as a whole before any of them is passed on.
"""

from __future__ import annotations

import http.client
import random
import select
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from types import TracebackType
from typing import Any, Final

import attrs
from typing_extensions import Self

__all__ = ["Fault", "FaultyProxy", "Passage", "Weather"]

LONG: Final = 60.0  # seconds; nothing waits so long, unless what is tested is broken
_HOP_BY_HOP: Final = frozenset(["connection", "keep-alive", "transfer-encoding", "content-length"])
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, and nothing is waited for


class Fault(str, Enum):
    """What may happen to a request. The last one is not the proxy's doing."""

    CUT = "the body ends early"
    STALL = "the body stops coming, then the connection ends"
    DUPLICATE = "one part comes twice"
    BUSY = "503 with Retry-After, without asking the server"
    RESET = "the connection is reset, before the body or within"
    AWAY = "the server behind gave no answer, or not all of it"


@attrs.frozen(kw_only=True)
class Weather:
    """How bad the line is.

    Attributes
    ----------
    seed
        Of all chance.
    shares
        How often each fault happens, of all requests; together at most 1. A duplicate needs an
        answer in parts.
    times
        How often anything that is asked for is spoilt, at most: then it passes.
    retry_after
        Seconds that a client is told to wait.
    stall
        Seconds for which nothing comes, at most.
    """

    seed: int = 0
    shares: Mapping[Fault, float] = attrs.field(factory=dict[Fault, float])
    times: int = 2
    retry_after: int = 1
    stall: float = LONG

    def fault_of(self, target: str, asked: int) -> tuple[Fault | None, float]:
        """Return what happens to *target*, which was *asked* for before, and how far on."""
        chance = random.Random(f"{self.seed} {asked} {target}")
        drawn, place = chance.random(), chance.random()
        for fault, end in zip(self.shares, accumulate(self.shares.values()), strict=True):
            if drawn < end:
                return fault, place
        return None, place


@attrs.frozen(kw_only=True)
class Passage:
    """One request, and what became of it.

    Attributes
    ----------
    target
        Path and query.
    fault
        What happened to it, if anything.
    status
        What the client was told; 0 if nothing.
    parts
        SHA-256 of each part that the server had for it, also of those that did not get through;
        of a body without parts, that of the body. A duplicate is there twice.
    reached
        Whether all of it was handed over, as far as one can tell from here.
    """

    target: str
    fault: Fault | None = None
    status: int = 0
    parts: tuple[str, ...] = ()
    reached: bool = False


@attrs.frozen
class _Reply:
    """An answer of the server behind."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    whole: bool = True

    @property
    def boundary(self) -> bytes:
        """What parts the body; empty if nothing does."""
        kind = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        _, _, after = kind.partition("boundary=")
        return after.partition(";")[0].strip().strip('"').encode()


class FaultyProxy:
    """Stands in front of a server on loopback; within a ``with`` it runs, in threads.

    Attributes
    ----------
    passages
        All requests that are over, in the order in which they ended.
    halfway
        Called when half of an answer has been handed over that is not spoilt, in the thread that
        does so: with what was asked for, and the client's port.
    """

    def __init__(self, port: int, weather: Weather | None = None) -> None:
        self.weather: Weather = weather or Weather()
        self.passages: list[Passage] = []
        self.halfway: Callable[[str, int], object] = lambda _target, _port: None
        self._port: int = port
        self._asked: Counter[str] = Counter()
        self._spoilt: Counter[str] = Counter()
        self._open: set[socket.socket] = set()
        self._changed: threading.Condition = threading.Condition()
        self._server: ThreadingHTTPServer = _Server(("127.0.0.1", 0), _handler(self))
        self._thread: threading.Thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return self._server.server_port

    @property
    def faults(self) -> Counter[Fault]:
        """How often each of them has happened."""
        with self._changed:
            return Counter(passage.fault for passage in self.passages if passage.fault)

    @property
    def connections(self) -> int:
        """How many clients have not closed: who is killed closes them all."""
        return len(self._open)

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait until *condition* holds; it is looked at when a request is over, and by `wake`."""
        with self._changed:
            return self._changed.wait_for(condition, LONG)

    def wake(self) -> None:
        """Have those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        with self._changed:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)  # who stalls there wakes up
        self._server.server_close()
        self._thread.join(LONG)

    # ------------------------------------------------------------ for the handlers

    def fate(self, target: str) -> tuple[Fault | None, float]:
        """Say what is to happen to one more request."""
        with self._changed:
            fault, place = self.weather.fault_of(target, self._asked[target])
            self._asked[target] += 1
            if fault is not None and self._spoilt[target] >= self.weather.times:
                return None, place
            self._spoilt[target] += fault is not None
            return fault, place

    def note(self, passage: Passage) -> None:
        """Take note of a request that is over."""
        with self._changed:
            self.passages.append(passage)
            self._changed.notify_all()

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Reply:
        """Return what the server behind answers: 502 if it does not."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LONG)
        try:
            line.request(method, target, body or None, dict(headers))
            answer = line.getresponse()
            pieces: list[bytes] = []
            whole = True
            try:
                pieces.extend(iter(lambda: answer.read1(1 << 16), b""))
                whole = not answer.length
            except (OSError, http.client.HTTPException):
                whole = False
            return _Reply(answer.status, answer.getheaders(), b"".join(pieces), whole)
        except (OSError, http.client.HTTPException):
            return _Reply(502, [("Content-Type", "text/plain")], b"nobody there", whole=False)
        finally:
            line.close()

    def opened(self, connection: socket.socket) -> None:
        """Take note of a connection, to be ended with the proxy."""
        with self._changed:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            proxy.opened(self.connection)

        def finish(self) -> None:
            proxy.closed(self.connection)
            super().finish()

        def do_GET(self) -> None:
            fault, place = proxy.fate(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault is Fault.BUSY:
                wait = ("Retry-After", str(proxy.weather.retry_after))
                reply = _Reply(503, [wait, ("Content-Type", "text/plain")], b"busy")
            else:
                headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOP_BY_HOP}
                reply = proxy.ask(self.command, self.path, headers, content)
            if fault is Fault.DUPLICATE:
                reply, fault = _with_a_part_twice(reply, place)
            fault = fault if reply.whole else Fault.AWAY
            passage = Passage(target=self.path, fault=fault, parts=tuple(_parts_of(reply)))
            try:
                passage = attrs.evolve(passage, status=reply.status)
                passage = attrs.evolve(passage, reached=self._pass_on(reply, fault, place))
            except OSError:  # whoever asked has gone
                self.close_connection = True
            finally:
                proxy.note(passage)

        def do_POST(self) -> None:
            self.do_GET()

        def _pass_on(self, reply: _Reply, fault: Fault | None, place: float) -> bool:
            """Send the answer, or as much as is to get through; say whether that is all of it."""
            if fault is Fault.RESET and place < 0.5:
                return self._end(reset=True)
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            beyond = fault is Fault.AWAY and reply.status != 502  # there was more to come
            self.send_header("Content-Length", str(len(reply.body) + beyond))
            self.end_headers()
            if fault in (Fault.CUT, Fault.STALL, Fault.RESET):
                self.wfile.write(reply.body[: int(place * len(reply.body))])
                if fault is Fault.STALL:
                    select.select([self.connection], [], [], proxy.weather.stall)
                return self._end(reset=fault is Fault.RESET)
            half = len(reply.body) // 2
            self.wfile.write(reply.body[:half])
            proxy.halfway(self.path, self.client_address[1])
            self.wfile.write(reply.body[half:])
            return self._end() if beyond else fault is not Fault.AWAY

        def _end(self, *, reset: bool = False) -> bool:
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            return False

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  theirs
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # and no orderly end before: a reset is to be one

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # whoever asked has gone
            super().handle_error(request, client_address)


# ---------------------------------------------------------------- answers in parts


def _parts_of(reply: _Reply) -> Iterator[str]:
    """Yield SHA-256 of what an answer consists of, if it is one."""
    if reply.status >= 300:
        return
    if not reply.boundary:
        yield sha256(reply.body).hexdigest()
    for section in _sections(reply):
        _, _, content = section.partition(b"\r\n\r\n")
        yield sha256(content.removesuffix(b"\r\n")).hexdigest()


def _sections(reply: _Reply) -> list[bytes]:
    """Return the parts, each from behind its delimiter to the next."""
    if not reply.boundary:
        return []
    _, *sections = reply.body.split(b"--" + reply.boundary)
    return [section for section in sections if not section.startswith(b"--")]


def _with_a_part_twice(reply: _Reply, place: float) -> tuple[_Reply, Fault | None]:
    sections = _sections(reply) if reply.whole else []
    if not sections:
        return reply, None
    again = int(place * len(sections))
    sections.insert(again, sections[again])
    delimiter = b"--" + reply.boundary
    before, _, _ = reply.body.partition(delimiter)
    body = delimiter.join([before, *sections, b"--\r\n"])
    return attrs.evolve(reply, body=body), Fault.DUPLICATE
