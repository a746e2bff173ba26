"""An archive on loopback that answers what a test has written down for it, byte by byte."""

from __future__ import annotations

import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final

import attrs
from typing_extensions import Self

__all__ = ["BOUNDARY", "LONG", "Asked", "Reply", "Scripted", "multipart"]

LONG: Final = 30.0  # seconds; no test waits so long, unless what it tests is broken
BOUNDARY: Final = "a-boundary"


@attrs.frozen
class Asked:
    """A request: its path below the root, its query, and its headers in lower case."""

    path: str
    query: str
    headers: Mapping[str, str]


@attrs.frozen
class Reply:
    """An answer.

    Attributes
    ----------
    cut
        Bytes of the body after which the connection is closed; `None` to send all of it.
    framed
        Whether Content-Length tells where it ends.
    hold
        Called after the part of the body that is sent at once, before the rest is: ``held_back``
        bytes.
    """

    body: bytes = b""
    status: int = 200
    kind: str = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    cut: int | None = None
    framed: bool = True
    hold: Callable[[], object] | None = None
    held_back: int = 0


def multipart(contents: Iterable[bytes], *, lengths: bool = True, closed: bool = True) -> bytes:
    """Return a body of one part for each of *contents*."""
    parts: list[bytes] = []
    for content in contents:
        length = f"Content-Length: {len(content)}\r\n" if lengths else ""
        head = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n{length}\r\n"
        parts.append(head.encode() + content)
    return b"".join(parts) + (f"\r\n--{BOUNDARY}--\r\n".encode() if closed else b"")


class Scripted:
    """Answers by path; of several answers to one, the last again and again; else 404.

    Attributes
    ----------
    replies
        What to answer, by path below the root. A function is given the request.
    asked
        All requests, in order.
    most
        The most answers that were under way at a time.
    """

    def __init__(self) -> None:
        self.replies: defaultdict[str, list[Reply | Callable[[Asked], Reply]]] = defaultdict(list)
        self.asked: list[Asked] = []
        self.most: int = 0
        self._under_way: int = 0
        self._stopped: bool = False
        self._lock: threading.Lock = threading.Lock()
        self._changed: threading.Condition = threading.Condition(self._lock)
        self._server: ThreadingHTTPServer = _Server(("127.0.0.1", 0), self._handler())
        self._thread: threading.Thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def url(self) -> str:
        """The address of the archive."""
        return f"http://127.0.0.1:{self._server.server_port}/dicom-web"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    @property
    def times(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(self.paths)

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait until *condition* holds; it is looked at whenever a request begins or ends."""
        with self._changed:
            return self._changed.wait_for(condition, LONG)

    def wait_for_path(self, path: str) -> Callable[[], bool]:
        """Return what waits until *path* has been asked for."""
        return lambda: self.wait_until(lambda: path in self.paths)

    def stop(self) -> None:
        """Answer nothing any more."""
        self._stopped = True

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
        self._server.server_close()
        self._thread.join(LONG)

    # ------------------------------------------------------------ answering

    def _reply(self, asked: Asked) -> Reply:
        if self._stopped:
            raise ConnectionAbortedError
        with self._changed:
            self.asked.append(asked)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._changed.notify_all()
            replies = self.replies.get(asked.path, [Reply(status=404, kind="text/plain")])
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply if isinstance(reply, Reply) else reply(asked)

    def _done(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                path, _, query = self.path.removeprefix("/dicom-web").partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    reply = archive._reply(Asked(path.lstrip("/"), query, headers))
                except ConnectionAbortedError:
                    self.close_connection = True
                    return
                try:
                    self._send(reply)
                except OSError:  # whoever asked has gone
                    self.close_connection = True
                finally:
                    archive._done()

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                if reply.framed:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                body = reply.body[: reply.cut]
                at_once = len(body) - reply.held_back
                self.wfile.write(body[:at_once])
                if reply.hold is not None:
                    reply.hold()
                self.wfile.write(body[at_once:])
                if reply.cut is not None or not reply.framed:
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  theirs
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # whoever asked has gone
            super().handle_error(request, client_address)
