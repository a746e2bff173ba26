"""The door to HTTP, against servers on loopback that answer what they are told, byte by byte."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BudgetExceededError,
    BusyError,
    GurneyError,
    InvalidInputError,
    NotFoundError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)
from gurney.http import Answer, Budgets, Gate, GivenUpError, Retries, Timeouts, Transport
from gurney.manners import Pace

SECRET = "DOE^JANE"
LONG = 30.0  # seconds; no test waits so long, unless what it tests is broken
SHORT = 0.2


@attrs.frozen
class Asked:
    """A request, as it has come."""

    line: str
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen
class Reply:
    """Bytes to send, and what then: ``keep``, ``close``, ``drop``, ``reset`` or ``stall``.

    To ``drop`` a connection is to close it without the end of TLS.
    """

    head: bytes
    body: bytes = b""
    then: str = "keep"


class Server:
    """Sends its replies in order, the last one again and again."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.replies: list[Reply | Callable[[Asked], Reply]] = []
        self.asked: list[Asked] = []
        self.connections: int = 0
        self.greeting: bytes = b""  # said at once instead of all that, to who may not speak HTTP
        self._tls: ssl.SSLContext | None = tls
        self._closing: threading.Event = threading.Event()
        self._listener: socket.socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._run(self._accept)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/dicom-web"

    def close(self) -> None:
        """End all threads."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LONG)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closing.is_set():
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.connections += 1
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.dup() as line:
            if self.greeting:
                line.sendall(self.greeting)
                wait_for_close(line)
                return
            try:
                stream = connection
                if self._tls is not None:
                    stream = self._tls.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                line.shutdown(socket.SHUT_WR)
                wait_for_close(line)
                return
            with stream, stream.makefile("rb") as reader:
                while (asked := read_request(reader)) is not None:
                    self._answer(asked, stream, line)

    def _answer(self, asked: Asked, stream: socket.socket, line: socket.socket) -> None:
        self.asked.append(asked)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(asked)
        stream.sendall(reply.head + reply.body)
        if reply.then == "stall":
            self._closing.wait(LONG)
        if reply.then == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if reply.then == "close" and isinstance(stream, ssl.SSLSocket):
            stream.unwrap()
        if reply.then != "keep":
            raise ConnectionAbortedError(reply.then)


def wait_for_close(line: socket.socket) -> None:
    """Read until the client has closed, so that it is not reset before it has read."""
    while line.recv(65536):
        pass


def read_request(reader: Any) -> Asked | None:
    """Read a request; `None` at the end of the connection."""
    line = reader.readline().decode("latin-1").strip()
    if not line:
        return None
    headers: dict[str, str] = {}
    while header := reader.readline().decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(line, headers, reader.read(int(headers.get("content-length", "0"))))


def reply(
    body: bytes = b"", status: int = 200, then: str = "keep", length: int | None = None, **more: str
) -> Reply:
    """Return a reply with Content-Length."""
    headers = {"content-length": str(len(body) if length is None else length), **more}
    return Reply(head(status, headers), body, then)


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a status line and headers."""
    lines = [f"HTTP/1.1 {status} {SECRET}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def until_close(body: bytes, then: str = "close") -> Reply:
    """Return a reply whose body ends with its connection."""
    return Reply(head(headers={"connection": "close"}), body, then)


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n", then: str = "keep") -> Reply:
    """Return a reply in HTTP chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return Reply(head(headers={"transfer-encoding": "chunked"}), body + end, then)


def in_pieces(body: bytes) -> Reply:
    """Return a reply in several HTTP chunks; the first is a single byte."""
    return chunked(body[:1], body[1:9], body[9:]) if len(body) > 9 else chunked(body)


def whole(body: bytes) -> Reply:
    """Return a reply with Content-Length."""
    return reply(body)


def closing(body: bytes) -> Reply:
    """Return a reply whose body ends with its connection."""
    return until_close(body)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def waits() -> list[float]:
    """The waits between attempts; nobody sleeps."""
    return []


@pytest.fixture
def transport(server: Server, waits: list[float]) -> Iterator[Transport]:
    """A transport to the server."""
    with Transport(
        server.url,
        timeouts=Timeouts(first_byte=LONG, idle=LONG),
        retries=Retries(attempts=3, sleep=waits.append),
    ) as transport:
        yield transport


@pytest.fixture
def hasty(server: Server) -> Iterator[Transport]:
    """A transport that has no patience once an answer has begun."""
    with Transport(server.url, timeouts=Timeouts(first_byte=LONG, idle=SHORT)) as transport:
        yield transport


# ---------------------------------------------------------------- asking


def test_an_answer(server: Server, transport: Transport) -> None:
    """An answer has status, headers by lower-case name, and a body."""
    server.replies = [reply(b"[]", Content_Type="application/dicom+json; charset=utf-8")]

    with transport.get("studies") as answer:
        assert (200, "application/dicom+json") == (answer.status, answer.media_type)
        assert "2" == answer.headers["content-length"]
        assert [b"[]"] == list(answer.chunks())
        assert f"{server.url}/studies" == answer.url


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("", "", "/dicom-web"),
        ("studies", "", "/dicom-web/studies"),
        ("/studies", "", "/dicom-web/studies"),
        ("studies", "PatientName=A*,B&limit=1", "/dicom-web/studies?PatientName=A*,B&limit=1"),
        ("studies?a=1", "b=2", "/dicom-web/studies?a=1&b=2"),
        ("studies", "a=%2A%20%5E%C3%A9", "/dicom-web/studies?a=%2A%20%5E%C3%A9"),
    ],
)
def test_urls(server: Server, transport: Transport, path: str, params: str, expected: str) -> None:
    """A path follows the archive's address; escapes in a query stay as they are given (Q32)."""
    server.replies = [reply()]
    transport.get(path, params=params).close()

    assert f"GET {expected} HTTP/1.1" == server.asked[0].line


def test_whole_urls_of_the_same_origin(server: Server, transport: Transport) -> None:
    """A URL that the archive has given is asked as it is, if it is of the archive's origin."""
    server.replies = [reply()]
    transport.get(f"http://127.0.0.1:{server.port}/elsewhere?a=1").close()

    assert "GET /elsewhere?a=1 HTTP/1.1" == server.asked[0].line


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:{}/", "http://localhost:{}/", "http://a:b@127.0.0.1:{}/"]
)
def test_w21_foreign_url(server: Server, transport: Transport, url: str) -> None:
    """W21: nothing is sent to another origin, whoever names it."""
    with pytest.raises(InvalidInputError, match="origin"):
        transport.get(url.format(server.port))
    assert [] == server.asked


def test_answers_come_unpacked_unless_asked_otherwise(server: Server, transport: Transport) -> None:
    """Packing instances costs more than it saves: identity is asked for."""
    server.replies = [reply()]
    transport.get().close()
    transport.get(headers={"accept-encoding": "gzip", "Accept": "a/b"}).close()

    assert ["identity", "gzip"] == [asked.headers["accept-encoding"] for asked in server.asked]
    assert "a/b" == server.asked[1].headers["accept"]


def test_post(server: Server, transport: Transport) -> None:
    """A question may be sent as a body; it is sent again when the archive was busy."""
    server.replies = [reply(status=503), reply(b"answer")]

    with transport.post("retrieve", body=b"question", headers={"Content-Type": "a/b"}) as answer:
        assert (b"answer", 1) == (answer.read(), answer.retries)
    assert [b"question"] * 2 == [asked.body for asked in server.asked]


# ---------------------------------------------------------------- the caller's session


def test_the_session_is_not_changed(server: Server) -> None:
    """All that is ours goes with each request; the session stays as its owner made it."""
    server.replies = [reply(status=503), reply(b"1"), reply(b"2")]
    seen: list[int] = []

    def see(response: requests.Response, **_: object) -> None:
        seen.append(response.status_code)

    with requests.Session() as session:
        session.headers["X-Site"] = "here"
        session.hooks["response"].append(see)
        before = state_of(session)
        transport = Transport(
            server.url,
            session,
            token=lambda: "t",
            verify=False,
            retries=Retries(sleep=lambda _: None),
        )
        transport.get().close()
        transport.close()

        assert before == state_of(session)
        assert 200 == session.get(server.url).status_code  # and is still open
    assert [503, 200, 200] == seen
    assert ["here"] * 3 == [asked.headers["x-site"] for asked in server.asked]
    assert "authorization" not in server.asked[2].headers


def state_of(session: requests.Session) -> dict[str, object]:
    """Return what is set on a session."""
    return {
        "adapters": dict(session.adapters),
        "headers": dict(session.headers),
        "hooks": {event: list(hooks) for event, hooks in session.hooks.items()},
        "rest": [session.auth, session.verify, session.cert, session.stream, session.trust_env],
        "methods": [name for name in vars(session) if callable(getattr(session, name))],
    }


def test_the_connection_is_used_again_after_the_whole_body(
    server: Server, transport: Transport
) -> None:
    """A connection goes back to the pool when the body was read to its end."""
    server.replies = [reply(b"1" * 100_000), chunked(b"2"), reply(status=404), reply(status=204)]
    for _ in range(2):
        with transport.get() as answer:
            list(answer.chunks())
    with pytest.raises(NotFoundError):
        transport.get()
    transport.get().close()

    assert 1 == server.connections


def test_the_connection_is_closed_when_the_body_was_not_read(
    server: Server, transport: Transport
) -> None:
    """What was left of a body is no beginning of the next answer."""
    server.replies = [reply(b"1" * 10_000_000), reply(b"2")]
    with transport.get() as answer:
        next(answer.chunks())
    with transport.get() as answer:
        assert b"2" == answer.read()

    assert 2 == server.connections


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("make", [whole, closing, chunked, in_pieces])
@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
def test_bodies(
    server: Server, transport: Transport, make: Callable[[bytes], Reply], size: int
) -> None:
    """A body comes whole, in pieces of up to 1 MiB, however its end is told."""
    body = bytes(range(250)) * (size // 250 + 1)
    server.replies = [make(body)]

    with transport.get() as answer:
        chunks = list(answer.chunks())
    assert body == b"".join(chunks)
    assert all(0 < len(chunk) <= (1 << 20) + (1 << 16) for chunk in chunks)


@pytest.mark.parametrize(
    ("make", "framed"),
    [
        (reply(b"1"), True),
        (reply(), True),
        (chunked(b"1"), True),
        (chunked(), True),
        (until_close(b"1"), False),
        (until_close(b""), False),
        (Reply(head(204)), True),
        (Reply(head(headers={"content-length": "9"})[:-22], then="close"), False),  # cut headers
    ],
)
def test_w01_framed(server: Server, transport: Transport, make: Reply, framed: bool) -> None:
    """W01: an answer says whether its end is told, or is only that of its connection."""
    server.replies = [make]

    with transport.get() as answer:
        answer.read()
        assert framed == answer.framed


def test_small_pieces_are_joined(server: Server, transport: Transport) -> None:
    """Pieces too small to be worth their handling are handed out together."""
    server.replies = [chunked(*[b"12345678"] * 20_000)]

    with transport.get() as answer:
        chunks = list(answer.chunks())
    assert b"12345678" * 20_000 == b"".join(chunks)
    assert 5 > len(chunks)


CUTS: Sequence[Callable[[bytes, str], Reply]] = [
    lambda body, then: reply(body, length=len(body) + 1, then=then),
    lambda body, then: chunked(body, end=b"", then=then),
    lambda body, then: chunked(body, end=b"5\r\n12", then=then),
    lambda body, then: chunked(body, end=b"nonsense\r\n", then=then),
]


@pytest.mark.parametrize("make", CUTS)
@pytest.mark.parametrize("then", ["close", "stall"])
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_w01_w02_cut_body(
    server: Server, hasty: Transport, make: Callable[[bytes, str], Reply], then: str, size: int
) -> None:
    """W01, W02: a body that ends too early is an error, after every byte that came."""
    body = b"1" * size
    server.replies = [make(body, then)]
    came: list[bytes] = []

    with hasty.get() as answer, pytest.raises(TransferInterruptedError, match="ask again"):
        came.extend(answer.chunks())
    assert b"".join(came).startswith(body)
    assert 1 == len(server.asked)


@pytest.mark.parametrize("make", [reply, until_close])
def test_idle_is_not_first_byte(
    server: Server, hasty: Transport, make: Callable[..., Reply]
) -> None:
    """An answer may be long in coming; once it has begun, silence ends it much sooner."""
    body = b"1" * 10
    options = {"length": 20} if make is reply else {}
    server.replies = [make(body, then="stall", **options)]

    with hasty.get() as answer, pytest.raises(TransferInterruptedError, match="silent"):
        list(answer.chunks())
    assert 1 == len(server.asked)


@pytest.mark.parametrize("begun", [b"", head(headers={"content-length": "9"}), b"HTTP/1.1 200 "])
def test_silence_before_the_first_byte_is_asked_again(server: Server, begun: bytes) -> None:
    """As long as nothing was handed out, an archive that falls silent is asked again."""
    server.replies = [Reply(begun, then="stall"), reply(b"1")]
    timeouts = Timeouts(first_byte=SHORT, idle=LONG)

    with (
        Transport(
            server.url, timeouts=timeouts, retries=Retries(sleep=lambda _: None)
        ) as transport,
        transport.get() as answer,
    ):
        assert (b"1", 1) == (answer.read(), answer.retries)


def test_the_next_request_waits_for_its_first_byte_again(server: Server) -> None:
    """A connection that is used again has forgotten the shorter patience between bytes."""
    server.replies = [reply(b"1")]
    seen: list[float] = []

    def see(response: requests.Response, **_: object) -> None:
        seen.append(float(response.raw._fp.fp.raw._sock.gettimeout()))

    with requests.Session() as session:
        session.hooks["response"].append(see)
        transport = Transport(server.url, session, timeouts=Timeouts(first_byte=LONG, idle=3))
        for _ in range(2):
            with transport.get() as answer:
                answer.read()

    assert [LONG, LONG] == seen
    assert 1 == server.connections


def test_reset_connection(server: Server, hasty: Transport) -> None:
    """A connection that is reset in the middle of a body has not delivered it."""
    server.replies = [until_close(b"1" * 100_000, then="reset")]

    with hasty.get() as answer, pytest.raises(TransferInterruptedError):
        list(answer.chunks())


# ---------------------------------------------------------------- packed bodies


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("size", [0, 10, 5_000_000])
def test_w17_packed_body(
    server: Server, transport: Transport, pack: Callable[[bytes], bytes], size: int
) -> None:
    """W17: a packed body is unpacked; Content-Length counts the packed bytes."""
    name = "gzip" if pack is gzip.compress else "deflate"
    server.replies = [reply(pack(b"1" * size), Content_Encoding=name)]

    with transport.get() as answer:
        chunks = list(answer.chunks())
    assert b"1" * size == b"".join(chunks)
    assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)


def test_packed_members(server: Server, transport: Transport) -> None:
    """Several gzip members are one body; padding after them is none."""
    body = gzip.compress(b"1") + gzip.compress(b"2") + b"\0" * 10
    server.replies = [reply(body, Content_Encoding="x-gzip")]

    with transport.get() as answer:
        assert b"12" == answer.read()


def test_w17_cut_packed_body(server: Server, transport: Transport) -> None:
    """W17: a packed body that ends with its connection proves by itself whether it is whole."""
    body = gzip.compress(bytes(range(256)) * 1000)
    packed = Reply(head(headers={"content-encoding": "gzip"}), body[:-9], "close")
    server.replies = [packed]

    with transport.get() as answer, pytest.raises(TransferInterruptedError):
        answer.read()


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "nonsense"])
def test_unasked_packing(server: Server, transport: Transport, encoding: str) -> None:
    """A body packed in another way is not handed out as if it were the data."""
    server.replies = [reply(b"1234", Content_Encoding=encoding)]

    with pytest.raises(ProtocolViolationError):
        transport.get()


def test_damaged_packing(server: Server, transport: Transport) -> None:
    """Bytes that cannot be unpacked are the archive's fault, and stay so."""
    server.replies = [reply(b"1234", Content_Encoding="gzip")]

    with pytest.raises(ProtocolViolationError, match="damaged"):
        transport.get()


# ---------------------------------------------------------------- budgets


def test_w22_body_budget(server: Server) -> None:
    """W22: a body beyond its budget is given up while it arrives."""
    server.replies = [until_close(b"1" * 100_001)]

    with (
        Transport(server.url, budgets=Budgets(body=100_000)) as transport,
        pytest.raises(BudgetExceededError),
        transport.get() as answer,
    ):
        list(answer.chunks())


def test_w22_document_budget(server: Server) -> None:
    """W22: what is read as a whole has a budget of its own; a call may give another."""
    server.replies = [reply(b"1" * 11)]

    with Transport(server.url, budgets=Budgets(document=10)) as transport:
        with transport.get() as answer, pytest.raises(BudgetExceededError):
            answer.read()
        with transport.get() as answer:
            assert b"1" * 11 == answer.read(11)


@pytest.mark.parametrize(
    "budgets", [Budgets(body=10_000_000), Budgets(expansion=100, inflated=1 << 20)]
)
def test_w22_expansion_budget(server: Server, budgets: Budgets) -> None:
    """W22: a small body that unpacks to a huge one is given up on the way."""
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(100)) + bomb.flush()
    server.replies = [reply(packed, Content_Encoding="gzip")]
    chunks: list[bytes] = []

    with (
        Transport(server.url, budgets=budgets) as transport,
        pytest.raises(BudgetExceededError),
        transport.get() as answer,
    ):
        chunks.extend(answer.chunks())
    assert 10 >= len(chunks)


def test_w22_endless_redirect_body(server: Server, transport: Transport) -> None:
    """W22: the body of a redirect is not read, however long it is."""
    moved = Reply(head(302, {"location": "/there"}), b"1" * 100, "stall")
    server.replies = [moved, reply(b"there")]

    with transport.get() as answer:
        assert b"there" == answer.read()


# ---------------------------------------------------------------- status codes


@pytest.mark.parametrize(
    ("status", "expected", "times"),
    [
        (400, RequestRefusedError, 1),
        (401, AuthenticationError, 1),
        (403, AuthenticationError, 1),
        (404, NotFoundError, 1),
        (406, RequestRefusedError, 1),
        (407, AuthenticationError, 1),
        (408, BusyError, 3),
        (410, NotFoundError, 1),
        (413, RequestRefusedError, 1),
        (415, RequestRefusedError, 1),
        (424, BusyError, 1),
        (425, BusyError, 3),
        (429, BusyError, 3),
        (500, BusyError, 2),
        (501, RequestRefusedError, 1),
        (502, BusyError, 3),
        (503, BusyError, 3),
        (504, BusyError, 3),
        (507, BusyError, 1),
        (511, AuthenticationError, 1),
        (300, ProtocolViolationError, 1),
        (999, ProtocolViolationError, 1),
    ],
)
@pytest.mark.parametrize("make", [whole, closing])
def test_statuses(  # noqa: PLR0917
    server: Server,
    transport: Transport,
    make: Callable[[bytes], Reply],
    status: int,
    expected: type[GurneyError],
    times: int,
) -> None:
    """Each status is the error that tells what to do; those that may pass are asked again."""
    text = f"<html>{SECRET}</html>".encode()
    answer = make(text)
    server.replies = [attrs.evolve(answer, head=answer.head.replace(b"200", b"%d" % status, 1))]

    with pytest.raises(expected) as caught:
        transport.get("studies", params=f"PatientName={SECRET}")
    assert times == len(server.asked)
    assert f"{server.url}/studies" in str(caught.value)
    assert str(status) in str(caught.value)
    assert_says_nothing(caught.value)


@pytest.mark.parametrize("status", [200, 201, 203, 206, 304])
def test_statuses_of_answers(server: Server, transport: Transport, status: int) -> None:
    """The caller judges what a status of success means, e.g. 206: some are missing (W12)."""
    server.replies = [reply(status=status)]

    with transport.get() as answer:
        assert status == answer.status


def assert_says_nothing(error: BaseException | None) -> None:
    """Nothing of a query, a header or a body is in an error, nor in what has caused it."""
    while error is not None:
        text = f"{error} {error!r} {error.args}"
        assert not any(name in text for name in (SECRET, "DOE", "%5E", "sesame"))
        assert error.__suppress_context__ or error.__context__ is None
        error = error.__cause__


# ---------------------------------------------------------------- asking again


def test_q29_retry_after_seconds(server: Server, transport: Transport, waits: list[float]) -> None:
    """Q29: the wait that the archive asks for is the least; a random one comes on top."""
    server.replies = [reply(status=503, Retry_After="7"), reply(status=429), reply(b"1")]

    with transport.get() as answer:
        assert 2 == answer.retries
    assert 7 <= waits[0] <= 8
    assert 0 <= waits[1] <= 2


def test_q29_retry_after_date(server: Server, transport: Transport, waits: list[float]) -> None:
    """Q29: a date is taken by the clock of the archive, which may be wrong."""
    server.replies = [
        reply(
            status=503,
            Date="Sun, 06 Nov 1994 08:49:37 GMT",
            Retry_After="Sun, 06 Nov 1994 08:49:57 GMT",
        ),
        reply(status=503, Retry_After="Sun, 06 Nov 1994 08:49:57 GMT"),
        reply(),
    ]
    transport.get().close()

    assert 20 <= waits[0] <= 21
    assert waits[1] <= 2


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "99 days", "Sun, 99 Nov 1994 08:49:57"])
def test_q29_nonsense(server: Server, transport: Transport, waits: list[float], text: str) -> None:
    """Q29: what is no Retry-After is as if it were not there."""
    server.replies = [reply(status=503, Retry_After=text), reply()]
    transport.get().close()

    assert waits[0] <= 1


def test_q29_bound(server: Server, waits: list[float]) -> None:
    """Q29: no archive may let us wait for ever; what it asked for is in the error."""
    server.replies = [reply(status=503, Retry_After="86400")]
    retries = Retries(attempts=2, first_wait=0, longest_retry_after=60, sleep=waits.append)

    with (
        Transport(server.url, retries=retries) as transport,
        pytest.raises(BusyError, match="86400 s") as caught,
    ):
        transport.get()
    assert [60] == waits
    assert 86400 == caught.value.retry_after


def test_waits_grow_and_are_random(server: Server, waits: list[float]) -> None:
    """Waits are random below a bound that doubles up to the longest ("full jitter")."""
    server.replies = [reply(status=503)]
    retries = Retries(attempts=9, first_wait=1, longest_wait=8, sleep=waits.append)

    with Transport(server.url, retries=retries) as transport, pytest.raises(BusyError):
        transport.get()
    bounds = [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) > 4


def test_other_retries_for_one_request(server: Server, transport: Transport) -> None:
    """A request whose failure says something at once is not asked again."""
    server.replies = [reply(status=500)]

    with pytest.raises(BusyError):
        transport.get(retries=Retries(attempts=1))
    assert 1 == len(server.asked)


def test_retries_are_told(
    server: Server, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why nothing happens for a while, and names no patient."""
    server.replies = [reply(status=503), reply()]
    with caplog.at_level(logging.INFO, "gurney"):
        transport.get("studies", params=f"PatientName={SECRET}").close()

    assert "503" in caplog.text
    assert "DOE" not in "".join(r.getMessage() for r in caplog.records if r.name == "gurney.http")


def test_a_hook_may_have_read_the_body(server: Server) -> None:
    """Hooks that log what comes are common; to them the body is lost, and to us it must not be."""
    body = b"[" + b" " * 3_000_000 + b"]"
    session = requests.Session()
    session.hooks["response"].append(read_it)

    for packed, encoding in ((body, "identity"), (gzip.compress(body), "gzip")):
        headers = {"content-encoding": encoding, "content-length": str(len(packed))}
        server.replies = [Reply(head(200, headers), packed)]
        with Transport(server.url, session) as transport, transport.get() as answer:
            assert body == answer.read()


def read_it(response: requests.Response, *_: object, **__: object) -> None:
    """Do what logging hooks do."""
    assert response.content


def test_no_log_holds_a_query(
    server: Server, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """A query may name patients: urllib3 logs ours without it, and those of others as ever."""
    server.replies = [reply(status=503), reply(), reply()]
    with caplog.at_level(logging.DEBUG):
        transport.get("studies", params=f"PatientName={SECRET}").close()
        mine = caplog.text
        requests.get(f"{server.url}/studies?theirs", timeout=10).close()

    assert "/studies?..." in mine
    assert "DOE" not in mine
    assert "?theirs" in caplog.text


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("begun", [b"", head(headers={"content-length": "9"})])
def test_lost_connection_is_asked_again(
    server: Server, transport: Transport, begun: bytes, then: str
) -> None:
    """A connection that is lost before a byte was handed out costs nothing but time."""
    server.replies = [Reply(begun, then=then), reply(b"1")]

    with transport.get() as answer:
        assert (b"1", 1) == (answer.read(), answer.retries)


def test_nothing_listens(waits: list[float]) -> None:
    """An archive that is down is asked again, and then unavailable."""
    server = Server()
    url = server.url
    server.close()

    retries = Retries(attempts=3, sleep=waits.append)
    with (
        Transport(url, retries=retries) as transport,
        pytest.raises(ArchiveUnavailableError, match="nothing accepts connections") as caught,
    ):
        transport.get(params=f"PatientName={SECRET}")
    assert 2 == len(waits)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert_says_nothing(caught.value)


def test_name_without_address(waits: list[float]) -> None:
    """A name that cannot be resolved is said to be one."""
    retries = Retries(attempts=1, sleep=waits.append)
    with (
        Transport("http://archive.invalid", retries=retries) as transport,
        pytest.raises(ArchiveUnavailableError, match="name leads to no address"),
    ):
        transport.get()


@pytest.mark.parametrize(
    "answer",
    [b"\x02\0\0\0\0\xb8DOE", b"SSH-2.0-DOE\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 200],
)
def test_what_does_not_speak_http(server: Server, transport: Transport, answer: bytes) -> None:
    """A DICOM port, or any other, is told apart; asking again would not help."""
    server.replies = [Reply(answer, then="close")]

    with pytest.raises(ProtocolViolationError, match="HTTP") as caught:
        transport.get()
    assert 1 == len(server.asked)
    assert_says_nothing(caught.value)


def test_contradicting_lengths(server: Server, transport: Transport) -> None:
    """Two different lengths of one body are no length."""
    server.replies = [Reply(head(headers={"content-length": "1, 2"}), b"12", "close")]

    with pytest.raises(ProtocolViolationError, match="contradict"):
        transport.get()


# ---------------------------------------------------------------- redirects and pages


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/there", "there", "?a=1", "http://127.0.0.1:{}/there"])
def test_redirect_within_the_origin(
    server: Server, transport: Transport, status: int, location: str
) -> None:
    """A redirect is followed as long as the origin stays the same."""
    server.replies = [reply(b"moved", status, location=location.format(server.port)), reply(b"1")]

    with transport.get("here") as answer:
        assert b"1" == answer.read()
    assert 2 == len(server.asked)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://localhost:{}/login?next={}", AuthenticationError),
        ("//localhost:{}/", AuthenticationError),
        ("http://login.example/DOE", AuthenticationError),
        ("https://127.0.0.1:{}/", ProtocolViolationError),
        ("http://127.0.0.1:1/", ProtocolViolationError),
        ("http://127.0.0.1:{}@localhost:{}/", AuthenticationError),
        ("http://127.0.0.1:{}\\@localhost:{}/", AuthenticationError),
        ("file:///etc/passwd", AuthenticationError),
        ("", ProtocolViolationError),
    ],
)
def test_q25_redirect_elsewhere(
    server: Server, transport: Transport, location: str, expected: type[GurneyError]
) -> None:
    """Q25: a redirect to another origin is not followed, and no credentials go there."""
    where = location.replace("{}", str(server.port))
    server.replies = [reply(b"moved", 302, location=where), reply(b"<html>")]

    with pytest.raises(expected, match="redirects") as caught:
        transport.get("studies", params=f"PatientName={SECRET}")
    assert 1 == len(server.asked)
    assert_says_nothing(caught.value)


def test_redirects_in_a_circle(server: Server, transport: Transport) -> None:
    """Redirects come to an end."""
    server.replies = [reply(status=302, location="/again")]

    with pytest.raises(ProtocolViolationError, match="again and again"):
        transport.get()
    assert 6 == len(server.asked)


def test_a_redirected_question_keeps_its_body(server: Server, transport: Transport) -> None:
    """What would turn a POST into a GET is not followed."""
    server.replies = [reply(status=307, location="/there"), reply(status=302, location="/there")]

    with pytest.raises(ProtocolViolationError):
        transport.post(body=b"question")
    assert [b"question"] * 2 == [asked.body for asked in server.asked]


LOGIN = b"<!DOCTYPE html>\n<html><form>DOE <input type='password'></form></html>"
PAGE = b"<html><body>DOE: Bad gateway</body></html>"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (LOGIN, "text/html; charset=utf-8", AuthenticationError),
        (LOGIN, "application/dicom+json", AuthenticationError),
        (b"\xef\xbb\xbf\r\n" + LOGIN, "", AuthenticationError),
        (b"<!-- " + b"x" * 5000 + b" -->" + LOGIN, "text/html", AuthenticationError),
        (PAGE, "text/html", ProtocolViolationError),
        (PAGE, 'multipart/related; type="application/dicom"; boundary=b', ProtocolViolationError),
        (PAGE, "application/xhtml+xml", ProtocolViolationError),
        (b"DOE", "text/html", ProtocolViolationError),
    ],
)
@pytest.mark.parametrize("make", [whole, closing, in_pieces])
def test_q25_pages(  # noqa: PLR0917
    server: Server,
    transport: Transport,
    make: Callable[[bytes], Reply],
    body: bytes,
    content_type: str,
    expected: type[GurneyError],
) -> None:
    """Q25: a login page or a proxy's page with status 200 is no answer, and is not repeated."""
    made = make(body)
    begin, end = made.head[:-2], b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    server.replies = [attrs.evolve(made, head=begin + end)]

    with pytest.raises(expected, match=r"127\.0\.0\.1.*page came \(status 200\)") as caught:
        transport.get("studies")
    assert 1 == len(server.asked)
    assert_says_nothing(caught.value)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "text/html"),
        (b"", "text/html"),
        (b"--b\r\n\r\n<html>", "text/html"),
        (b"<?xml version='1.0'?><html/>", "application/xml"),
        (b"<studySearchResults/>", "text/xml"),
        (b"<html>" + bytes(122) + b"DICM", "application/dicom"),
        (b"<", "application/dicom"),
    ],
)
def test_no_pages(server: Server, transport: Transport, body: bytes, content_type: str) -> None:
    """Data are data, also by a wrong name, or after a preamble that looks like a page."""
    server.replies = [reply(body, Content_Type=content_type)]

    with transport.get() as answer:
        assert body == answer.read()


# ---------------------------------------------------------------- who asks


def test_q30_token_is_renewed_once(server: Server) -> None:
    """Q30: a token that is refused is replaced by a new one, and the request goes on."""
    server.replies = [reply(), reply(status=401), reply(b"1")]
    tokens = iter(["first", "second"])

    with Transport(server.url, token=lambda: next(tokens)) as transport:
        transport.get().close()
        with transport.get() as answer:
            assert (b"1", 0) == (answer.read(), answer.retries)
    assert ["Bearer first", "Bearer first", "Bearer second"] == [
        asked.headers["authorization"] for asked in server.asked
    ]


def test_q30_new_token_is_refused(server: Server) -> None:
    """Q30: after one renewal, 401 is the answer."""
    server.replies = [reply(status=401)]
    tokens = iter(["sesame1", "sesame2", "sesame3"])

    with (
        Transport(server.url, token=lambda: next(tokens)) as transport,
        pytest.raises(AuthenticationError, match="401") as caught,
    ):
        transport.get()
    assert 2 == len(server.asked)
    assert_says_nothing(caught.value)


@pytest.mark.parametrize("token", ["", "a b", "sesame\r\nX-Evil: 1", "s\xe9same"])
def test_token_that_is_none(server: Server, token: str) -> None:
    """What cannot be a token is not sent, and not repeated."""
    with (
        Transport(server.url, token=lambda: token) as transport,
        pytest.raises(InvalidInputError, match="token") as caught,
    ):
        transport.get()
    assert [] == server.asked
    assert_says_nothing(caught.value)


def test_basic_authentication(server: Server) -> None:
    """An authentication object of requests signs each request."""
    server.replies = [reply()]

    with Transport(server.url, auth=HTTPBasicAuth("user", "sesame")) as transport:
        transport.get().close()
        assert "sesame" not in repr(transport)
    assert server.asked[0].headers["authorization"].startswith("Basic ")


def test_digest_authentication(server: Server) -> None:
    """An authentication object that answers a challenge may do so."""
    challenge = 'Digest realm="r", nonce="n", qop="auth"'
    server.replies = [reply(status=401, WWW_Authenticate=challenge), reply(b"1")]

    with (
        Transport(server.url, auth=HTTPDigestAuth("user", "sesame")) as transport,
        transport.get() as answer,
    ):
        assert b"1" == answer.read()
    assert server.asked[1].headers["authorization"].startswith("Digest ")


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .netrc that knows the server."""
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login user password sesame\n", encoding="ascii")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
def test_netrc_replaces_nothing(server: Server) -> None:
    """What was given comes first, then the session's own; .netrc is the last to be looked at."""
    server.replies = [reply()]
    with requests.Session() as own, requests.Session() as header, requests.Session() as alone:
        own.auth = ("own", "sesame")
        header.headers["Authorization"] = "Bearer header"
        alone.trust_env = False
        Transport(server.url, own, token=lambda: "given").get().close()
        Transport(server.url, own).get().close()
        Transport(server.url, header).get().close()
        Transport(server.url, alone).get().close()
    with Transport(server.url) as transport:
        transport.get().close()

    found = [asked.headers.get("authorization", "none").partition(" ") for asked in server.asked]
    assert [
        ("Bearer", "given"),
        ("Basic", "b3duOnNlc2FtZQ=="),
        ("Bearer", "header"),
        ("none", ""),
        ("Basic", "dXNlcjpzZXNhbWU="),
    ] == [(kind, value) for kind, _, value in found]


def test_token_or_auth() -> None:
    """Two ways to say who asks are one too many."""
    with pytest.raises(InvalidInputError, match="not both"):
        Transport("https://archive.example", token=lambda: "t", auth=HTTPBasicAuth("u", "p"))


class Nowhere(HTTPAdapter):
    """Sends nothing, and says what it would have sent."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raise AssertionError(f"sent: {dict(request.headers)}")


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "x-auth-token"])
def test_credentials_in_the_clear(name: str) -> None:
    """Credentials go over http:// to another machine only if that is wanted."""
    with requests.Session() as session:
        session.mount("http://", Nowhere())
        session.headers[name] = "sesame"
        transport = Transport("http://archive.example", session)
        with pytest.raises(InvalidInputError, match="unencrypted") as caught:
            transport.get()
        assert_says_nothing(caught.value)
        with pytest.raises(AssertionError, match="sent"):
            Transport("http://archive.example", session, allow_insecure_credentials=True).get()


def test_credentials_in_the_clear_are_seen_early() -> None:
    """What can be known before the first request is said before it."""
    with requests.Session() as session:
        session.auth = ("user", "sesame")
        with pytest.raises(InvalidInputError, match="unencrypted"):
            Transport("http://archive.example", token=lambda: "t")
        with pytest.raises(InvalidInputError, match="unencrypted"):
            Transport("http://archive.example", auth=HTTPBasicAuth("u", "p"))
        with pytest.raises(InvalidInputError, match="unencrypted"):
            Transport("http://archive.example", session)


# ---------------------------------------------------------------- several at a time


def test_busy_answers_halve_the_gate(server: Server) -> None:
    """429 and 503 halve how many requests go out at a time; other failures do not."""
    server.replies = [*(reply(status=status) for status in (429, 503, 500, 502)), reply()]
    gate = Gate(8, clock=lambda: 0)

    with Transport(server.url, gate=gate, retries=Retries(sleep=lambda _: None)) as transport:
        transport.get().close()
    assert 2 == gate.limit


@pytest.mark.parametrize(
    "answer", [reply(b"1"), reply(status=404), reply(PAGE), Reply(b"", then="close")]
)
def test_slots_are_given_back(server: Server, answer: Reply) -> None:
    """However a request ends, the next one finds room."""
    server.replies = [answer]
    gate = Gate(1)

    with Transport(server.url, gate=gate, retries=Retries(attempts=1)) as transport:
        for _ in range(3):
            with suppress(GurneyError):
                transport.get().close()
    with gate.slot():
        assert 3 == len(server.asked)


def test_a_gate_lets_so_many_through(server: Server) -> None:
    """A request waits until another one's answer is closed."""
    server.replies = [reply(b"1")]
    with Transport(server.url, gate=Gate(1)) as transport:
        first = transport.get()
        thread = threading.Thread(target=lambda: transport.get().close())
        thread.start()
        assert 1 == len(server.asked)
        first.close()
        thread.join(LONG)

    assert 2 == len(server.asked)


def test_many_threads(server: Server) -> None:
    """Threads share a transport; one new token serves all of them."""

    def answer(asked: Asked) -> Reply:
        return reply(b"1") if asked.headers["authorization"] == "Bearer t1" else reply(status=401)

    server.replies = [answer]
    given: list[str] = []
    barrier = threading.Barrier(4)
    results: list[bytes] = []

    def token() -> str:
        given.append(f"t{len(given)}")
        return given[-1]

    with Transport(server.url, token=token) as shared:

        def ask() -> None:
            barrier.wait(LONG)
            with shared.get() as answer:
                results.append(answer.read())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)

    assert [b"1"] * 4 == results
    assert 2 == len(given)


# ---------------------------------------------------------------- at a pace


class Clock:
    """Shows the time; who sleeps turns it on."""

    def __init__(self) -> None:
        self.now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_every_request_is_counted(server: Server) -> None:
    """Those that are sent again, follow a redirect or come with a new token, too."""
    server.replies = [
        reply(status=429),
        reply(status=503),
        reply(status=500),
        reply(status=302, Location="/dicom-web/elsewhere"),
        reply(status=401),
        reply(b"1"),
    ]
    pace = Pace()
    with Transport(
        server.url, token=lambda: "t", pace=pace, retries=Retries(sleep=lambda _: None)
    ) as transport:
        transport.get().read()
        transport.at("/dicom-web/other").get().read()

    assert len(server.asked) == pace.requests == 7
    assert 2 == pace.refusals
    assert 2 == pace.bytes_received


def test_requests_wait_before_they_are_sent(server: Server) -> None:
    """Nothing has been sent while one waits for the next second, and the gate is not left."""
    clock, sent = Clock(), list[int]()
    server.replies = [reply(b"1")]
    gate = Gate(1)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        sent.append(len(server.asked))
        assert 1 == gate.inside

    with Transport(server.url, gate=gate, pace=Pace(1, clock=clock, sleep=sleep)) as transport:
        for _ in range(3):
            with transport.get() as answer:
                answer.read()

    assert pytest.approx(2.0) == clock.now
    assert {1, 2} == set(sent)


def test_bytes_are_those_on_the_line(server: Server) -> None:
    """What is packed counts as packed; nobody reads on before its time has come."""
    clock, body = Clock(), gzip.compress(bytes(100_000))
    server.replies = [reply(body, Content_Encoding="gzip")]
    pace = Pace(bytes_per_second=10.0, clock=clock, sleep=clock.sleep)

    with Transport(server.url, pace=pace) as transport, transport.get() as answer:
        assert bytes(100_000) == answer.read()
    assert len(body) == pace.bytes_received
    assert pytest.approx((len(body) - 10.0) / 10.0) == clock.now


def test_the_rate_of_the_archive_is_not_that_of_the_pace(server: Server) -> None:
    """Time that is spent waiting for one's turn is not held against the archive (W20)."""
    clock = Clock()
    server.replies = [chunked(*[bytes(70_000)] * 5)]
    timeouts = Timeouts(minimum_rate=1000.0, window=0.01)
    pace = Pace(bytes_per_second=100.0, clock=clock, sleep=clock.sleep)

    with Transport(server.url, pace=pace, timeouts=timeouts) as transport:
        assert bytes(350_000) == transport.get().read()
    assert 3000 < clock.now


def test_who_hangs_up_waits_no_longer(server: Server) -> None:
    """One who waits for its turn in the middle of an answer notices that nobody wants it."""
    clock, answers, waits = Clock(), list[Answer](), list[float]()
    server.replies = [chunked(b"1", bytes(70_000))]

    def sleep(seconds: float) -> None:
        if not answers:
            return clock.sleep(10.0)
        waits.append(seconds)
        assert len(waits) < 5
        return answers[0].hang_up()

    pace = Pace(bytes_per_second=1.0, clock=clock, sleep=sleep)
    with Transport(server.url, pace=pace) as transport, transport.get() as answer:
        answers.append(answer)
        with suppress(TransferInterruptedError):
            answer.read()

    assert 1 == len(waits)


def test_who_is_given_up_waits_for_no_bytes(server: Server) -> None:
    """Also before there is an answer that could be hung up on."""
    server.replies = [reply(bytes(1000))]
    gate, given_up = Gate(2), threading.Event()

    def sleep(_: float) -> None:
        assert not given_up.is_set()
        given_up.set()

    pace = Pace(bytes_per_second=1.0, clock=lambda: 0.0, sleep=sleep)

    with (
        Transport(server.url, gate=gate, pace=pace) as transport,
        gate.helping(0, given_up.is_set),
        transport.get() as answer,
    ):
        assert bytes(1000) == answer.read()


def test_who_is_given_up_sends_nothing(server: Server) -> None:
    """A thread that waits to ask on behalf of another ends when that wants no more."""
    server.replies = [reply()]
    gate, given_up = Gate(2), threading.Event()
    pace = Pace(0.01, clock=lambda: 0.0, sleep=lambda _: given_up.set())
    pace.request()

    with (
        Transport(server.url, gate=gate, pace=pace) as transport,
        gate.helping(0, given_up.is_set),
        pytest.raises(GivenUpError),
    ):
        transport.get()
    assert [] == server.asked
    assert 0 == gate.inside


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of the authority."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def identity(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of a certificate, and its key, that the server lets in."""
    path = tmp_path / "identity.pem"
    authority.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def tls(authority: trustme.CA, trusted: str, tmp_path: Path) -> Iterator[Server]:
    """A server that shows a certificate and wants one."""
    path = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trusted)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(path)
    server = Server(context)
    server.replies = [reply(b"1")]
    yield server
    server.close()


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names other authorities."""
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(path))


@pytest.mark.usefixtures("bundles")
def test_certificates_by_request(tls: Server, trusted: str, identity: str) -> None:
    """Authorities and certificate go with each request; the environment replaces neither."""
    with Transport(tls.url, verify=trusted, cert=identity) as transport:
        assert b"1" == transport.get().read()


@pytest.mark.usefixtures("bundles")
def test_certificates_of_the_session(tls: Server, trusted: str, identity: str) -> None:
    """Those of the session are used as they are."""
    with requests.Session() as session:
        session.verify, session.cert = trusted, identity
        assert b"1" == Transport(tls.url, session).get().read()


def test_untrusted_server(tls: Server, identity: str, waits: list[float]) -> None:
    """A server that cannot be trusted is not asked again, and is told nothing."""
    with (
        Transport(tls.url, cert=identity, retries=Retries(sleep=waits.append)) as transport,
        pytest.raises(AuthenticationError, match=r"not trusted.*verify"),
    ):
        transport.get()
    assert ([], []) == (waits, tls.asked)


def test_missing_certificate(tls: Server, trusted: str, waits: list[float]) -> None:
    """A server that wants a certificate says so in the handshake."""
    with (
        Transport(tls.url, verify=trusted, retries=Retries(sleep=waits.append)) as transport,
        pytest.raises(AuthenticationError, match="cert"),
    ):
        transport.get()
    assert ([], []) == (waits, tls.asked)


@pytest.mark.parametrize("name", ["verify", "cert"])
def test_files_that_are_not_there(tls: Server, tmp_path: Path, name: str) -> None:
    """A wrong file name is the caller's mistake."""
    absent = str(tmp_path / "absent.pem")
    verify, cert = (absent, None) if name == "verify" else (False, absent)
    with (
        Transport(tls.url, verify=verify, cert=cert) as transport,
        pytest.raises(InvalidInputError, match=name),
    ):
        transport.get()


def test_tls_to_a_port_without(server: Server) -> None:
    """A wrong scheme is told from a wrong certificate."""
    server.greeting = b"HTTP/1.1 400 DOE\r\n\r\n"
    url = server.url.replace("http:", "https:")
    with (
        Transport(url, retries=Retries(sleep=lambda _: None)) as transport,
        pytest.raises(ProtocolViolationError, match="scheme and port") as caught,
    ):
        transport.get()
    assert_says_nothing(caught.value)


@pytest.mark.parametrize("make", [reply, until_close])
def test_idle_over_tls(
    tls: Server, trusted: str, identity: str, make: Callable[..., Reply]
) -> None:
    """Silence in the middle of an answer is noticed over TLS too."""
    options = {"length": 20} if make is reply else {}
    tls.replies = [make(b"1" * 10, then="stall", **options)]
    timeouts = Timeouts(first_byte=LONG, idle=SHORT)
    with (
        Transport(tls.url, verify=trusted, cert=identity, timeouts=timeouts) as transport,
        transport.get() as answer,
        pytest.raises(TransferInterruptedError, match="silent"),
    ):
        list(answer.chunks())


def test_end_over_tls(tls: Server, trusted: str, identity: str) -> None:
    """A connection that ends as TLS says has brought the whole answer."""
    tls.replies = [until_close(b"1" * 100_000)]
    with (
        Transport(tls.url, verify=trusted, cert=identity) as transport,
        transport.get() as answer,
    ):
        assert b"1" * 100_000 == answer.read()


@pytest.mark.parametrize("then", ["drop", "reset"])
def test_w01_cut_over_tls(tls: Server, trusted: str, identity: str, then: str) -> None:
    """W01: a connection that ends without the end of TLS has been cut, if nothing else tells."""
    tls.replies = [until_close(b"1" * 100_000, then)]
    with (
        Transport(tls.url, verify=trusted, cert=identity) as transport,
        transport.get() as answer,
        pytest.raises(TransferInterruptedError),
    ):
        list(answer.chunks())
