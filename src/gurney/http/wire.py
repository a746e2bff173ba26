"""The bytes of one answer as they come over the line, in pieces that are worth their handling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import SHUT_RDWR, socket
from ssl import SSLSocket
from typing import Final

from requests import Response

from ..core import CHUNK_SIZE, TransferInterruptedError
from .failures import FOREIGN, cause_of, failure_of_transfer
from .settings import Timeouts

__all__ = ["Wire", "already_read", "discard", "hang_up"]

_WORTHWHILE: Final = (
    64 * 1024
)  # bytes; smaller pieces are joined: each costs as much as a large one


class Wire:
    """Reads the body of *response*, packed as it is.

    Attributes
    ----------
    received
        Bytes that came so far.
    """

    def __init__(
        self,
        response: Response,
        asked: str,
        timeouts: Timeouts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.received: int = 0
        self._response: Response = response
        self._asked: str = asked
        self._timeouts: Timeouts = timeouts
        self._clock: Callable[[], float] = clock
        self._window: tuple[float, int] = (0.0, 0)  # seconds waited, bytes that came meanwhile
        line = _socket_of(response)
        if isinstance(line, SSLSocket):
            # Else a connection that is reset looks like one that has ended, over TLS.
            setattr(line, "suppress_ragged_eofs", False)  # noqa: B010  not in typeshed

    def pieces(self) -> Iterator[bytes]:
        """Yield the body: the first bytes at once, then in pieces of 64 KiB to 1 MiB.

        Raises
        ------
        TransferInterruptedError
            After all bytes that came, if they end too early or too slowly.
        """
        first = self._read()
        if not first:
            return
        _set_timeout(self._response, self._timeouts.idle)
        yield first
        waiting: list[bytes] = []
        size = 0
        try:
            while piece := self._read():
                waiting.append(piece)
                size += len(piece)
                if size >= _WORTHWHILE:
                    yield b"".join(waiting) if len(waiting) > 1 else piece
                    waiting.clear()
                    size = 0
        except TransferInterruptedError:
            if waiting:
                yield b"".join(waiting)
            raise
        if waiting:
            yield b"".join(waiting)

    def _read(self) -> bytes:
        """Read what is there, or wait for it; `b""` at the end."""
        begin = self._clock()
        try:
            # One system call straight into the bytes handed out. `read` would fill the whole
            # megabyte, and lose what came of it when the line goes dead.
            piece: bytes = self._response.raw.read1(CHUNK_SIZE, decode_content=False)
        except FOREIGN as error:
            failure, cause = failure_of_transfer(self._asked, error), cause_of(error)
        else:
            if self.received:
                self._check_rate(self._clock() - begin, len(piece))
            self.received += len(piece)
            return piece
        raise failure from cause

    def _check_rate(self, waited: float, size: int) -> None:
        rate, (seconds, came) = self._timeouts.minimum_rate, self._window
        seconds, came = seconds + waited, came + size
        if rate is None or seconds < self._timeouts.window:
            self._window = seconds, came
            return
        if came < rate * seconds:
            raise TransferInterruptedError(
                self._asked,
                f"{came / seconds:.0f} bytes a second came, less than the {rate:.0f} wanted",
            )
        self._window = 0.0, 0


def already_read(response: Response) -> Iterator[bytes] | None:
    """Return the body, unpacked, if a hook of the caller's session has read it; else `None`."""
    content: object = getattr(response, "_content", None)
    if not isinstance(content, bytes):
        return None
    return (content[at : at + CHUNK_SIZE] for at in range(0, len(content), CHUNK_SIZE))


def discard(response: Response, timeouts: Timeouts) -> None:
    """Close an answer that is not wanted; the connection survives if the answer is short."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= _WORTHWHILE:
        _set_timeout(response, timeouts.idle)
        with suppress(*FOREIGN):  # nobody wants these bytes
            while response.raw.read1(_WORTHWHILE, decode_content=False):
                pass
    response.close()


def hang_up(response: Response) -> None:
    """End the connection of an answer that another thread reads, which notices at once."""
    line = _socket_of(response)
    if isinstance(line, socket):
        with suppress(OSError):  # it has ended already
            socket.shutdown(line, SHUT_RDWR)  # not that of TLS, which another thread may be using


def _set_timeout(response: Response, seconds: float) -> None:
    """Set how long the next reads may wait; urllib3 sets it anew for the next request."""
    settimeout = getattr(_socket_of(response), "settimeout", None)
    if settimeout is not None:
        settimeout(seconds)


def _socket_of(response: Response) -> object:
    """Return the socket that an answer is read from; `None` if it is read from anything else.

    If the server closes the connection after the answer, `http.client` has let go of it, and only
    the reader of the answer still holds the socket. A test for each way keeps this true.
    """
    holder: object = response.raw
    for name in ("_fp", "fp", "raw", "_sock"):
        holder = getattr(holder, name, None)
    return holder
