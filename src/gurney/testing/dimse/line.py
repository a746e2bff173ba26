"""A connection: PDUs come and go (PS3.8 9.3)."""

from __future__ import annotations

import selectors
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

__all__ = ["Line", "LineEndedError", "PDU", "fragments"]

_LONGEST: Final = 1 << 20  # bytes of a PDU that is taken
_PIECE: Final = 1 << 16


class PDU:
    """Types, PS3.8 9.3."""

    ASSOCIATE_RQ: Final = 1
    ASSOCIATE_AC: Final = 2
    ASSOCIATE_RJ: Final = 3
    DATA: Final = 4
    RELEASE_RQ: Final = 5
    RELEASE_RP: Final = 6
    ABORT: Final = 7


class LineEndedError(Exception):
    """The other side has gone, or says what no one says."""


class Line:
    """One end of a connection; of one thread, but for `end`."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket: socket.socket = connection
        self._buffer: bytes = b""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, content: bytes | memoryview) -> None:
        """Send all of it."""
        try:
            self._socket.sendall(content)
        except (OSError, ValueError) as error:
            raise LineEndedError("it was cut") from error

    def receive(self) -> tuple[int, bytes]:
        """Return the next PDU: its type, and all its bytes."""
        head = self._take(6)
        kind, length = struct.unpack(">BxI", head)
        if length > _LONGEST:
            raise LineEndedError(f"a PDU of {length} bytes is announced")
        return kind, head + self._take(length)

    def readable(self) -> bool:
        """Say whether something has come."""
        pending = getattr(self._socket, "pending", None)  # of TLS
        if self._buffer or (pending is not None and pending()):
            return True
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                return bool(selector.select(0))
        except (OSError, ValueError) as error:
            raise LineEndedError("it was cut") from error

    def end(self) -> None:
        """Cut it; a thread that waits for it learns of that."""
        with suppress(OSError):  # the other side has done so already
            self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def closed(self) -> bool:
        """Whether it was given up."""
        return self._socket.fileno() < 0

    def close(self) -> None:
        """Give it up, after the end."""
        self._socket.close()

    def _acknowledge(self) -> None:
        """At once: those who have Nagle's algorithm on would wait 40 ms for it."""
        quick = getattr(socket, "TCP_QUICKACK", None)  # of Linux, which forgets it now and then
        if quick is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, quick, 1)

    def _take(self, length: int) -> bytes:
        pieces, found = [self._buffer], len(self._buffer)
        while found < length:
            try:
                piece = self._socket.recv(_PIECE)
                self._acknowledge()
            except (OSError, ValueError) as error:
                raise LineEndedError("it was cut") from error
            if not piece:
                raise LineEndedError("the other side has gone")
            pieces.append(piece)
            found += len(piece)
        content = b"".join(pieces)
        self._buffer = content[length:]
        return content[:length]


def fragments(
    context_id: int, pieces: Iterable[bytes], longest: int, *, command: bool = False
) -> Iterator[bytes]:
    """Yield P-DATA-TF PDUs of one fragment each, the last of them marked (PS3.8 9.3.5, annex E).

    Parameters
    ----------
    pieces
        In order; at an empty one, what has been held back goes out.
    longest
        Bytes of a PDU after its head of 6 bytes, as the other side said; 0 for any.

    Examples
    --------
    >>> [pdu.hex() for pdu in fragments(1, [b"abc"], 8)]
    ['0400000000080000000401006162', '04000000000700000003010263']
    """
    size = max(2, min(longest or _LONGEST, _LONGEST) - 6)
    held = b""
    for piece in pieces:
        if not piece:
            yield _data(context_id, held, command, last=False)
            held = b""
        held += piece
        at = 0
        while len(held) - at > size:  # the last fragment is known when there is no more
            yield _data(context_id, held[at : at + size], command, last=False)
            at += size
        held = held[at:]
    yield _data(context_id, held, command, last=True)


def _data(context_id: int, fragment: bytes, command: bool, *, last: bool) -> bytes:
    length = len(fragment) + 2
    head = struct.pack(">BxIIBB", PDU.DATA, length + 4, length, context_id, command | last << 1)
    return head + fragment
