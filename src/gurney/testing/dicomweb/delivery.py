"""Replies on the wire: a WSGI server does it, but for what no WSGI server would."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from threading import Event
from typing import Any, TypeAlias, cast

import attrs

from .reply import Framing, Reply

__all__ = ["StartResponse", "deliver"]

StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], object]
"""What a WSGI server gives, to be told status and headers (PEP 3333)."""


def deliver(
    reply: Reply, environ: dict[str, Any], start_response: StartResponse, closing: Event
) -> Iterable[bytes]:
    """Return what the WSGI server is to send, or send it, and raise `ConnectionAbortedError`.

    Raises
    ------
    ConnectionAbortedError
        When the connection is to end: here, or while the pieces are taken.
    """
    reply = attrs.evolve(reply, body=_sized(reply))
    headers = dict(reply.headers)
    if reply.framing is Framing.LENGTH and reply.status != HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(sum(map(len, reply.body)))
    status = f"{reply.status} {_phrase(reply.status)}"
    pieces = _pieces(reply, closing)
    if reply.framing is Framing.CLOSE:
        line = cast("socket.socket", environ["werkzeug.socket"])
        _send_until_the_end(line, status, headers, pieces)
    start_response(status, list(headers.items()))
    return pieces


def _sized(reply: Reply) -> Iterable[bytes]:
    return tuple(reply.body) if reply.framing is Framing.LENGTH else reply.body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def _pieces(reply: Reply, closing: Event) -> Iterator[bytes]:
    left, pause = reply.cut_after, 0.0
    for piece in reply.body:
        if closing.wait(pause) if pause else closing.is_set():
            raise ConnectionAbortedError("the server closes")
        pause = reply.pause
        if left is not None and left < len(piece):
            yield piece[:left]
            raise ConnectionAbortedError("cut on purpose")
        left = None if left is None else left - len(piece)
        yield piece


def _send_until_the_end(
    line: socket.socket, status: str, headers: dict[str, str], pieces: Iterable[bytes]
) -> None:
    """Send a body that ends with the connection, which no header tells."""
    fields = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, "Connection: close", "", ""])
    line.sendall(head.encode("latin-1"))
    try:
        for piece in pieces:
            line.sendall(piece)
    finally:
        line.shutdown(socket.SHUT_WR)
    raise ConnectionAbortedError("the end of the connection is the end of the body")
