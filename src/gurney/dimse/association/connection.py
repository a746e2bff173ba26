"""A TCP or TLS connection, read in large pieces and with few calls of the system.

The socket never blocks: what is there is taken at once, and only where nothing is there is waited
for it. After every read the kernel is told again to acknowledge at once (TCP_QUICKACK): a peer with
Nagle's algorithm on sends the second half of a small instance only when the first is acknowledged,
which else takes 40 ms for each of them (200 tiny instances from Debian's Orthanc: 8.9 s by getscu).
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import Final

from ...core import GurneyError, TransferInterruptedError
from .failures import failure_of_transfer

__all__ = ["BUFFER", "Connection"]

BUFFER: Final = 256 * 1024
"""Bytes that are taken from the socket at a time; all memory there is for what comes in (D29)."""

_LONGEST_WAIT: Final = 1e6  # seconds; systems count milliseconds in 31 bits
_LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux only

_Selector: Callable[[], selectors.BaseSelector] = (
    selectors.SelectSelector if sys.platform == "win32" else selectors.PollSelector
)


class Connection:
    """A connected socket, secured already if it is to be.

    One thread reads. `write` and `interrupt` may be called from others.

    Parameters
    ----------
    connected
        The socket; it belongs to the connection from now on.
    asked
        What errors say was asked for; may be set anew.

    Attributes
    ----------
    last_heard
        When the last byte came, by `time.monotonic`.
    until
        When to wait no longer, by the same clock, though bytes may come one by one.
    """

    def __init__(self, connected: socket.socket, asked: str) -> None:
        connected.setblocking(False)
        self.asked: str = asked
        self.last_heard: float = time.monotonic()
        self.until: float = math.inf
        self._socket: socket.socket = connected
        self._buffer: bytearray = bytearray(BUFFER)
        self._view: memoryview = memoryview(self._buffer)
        self._start: int = 0
        self._end: int = 0
        self._closed: bool = False
        self._interrupted: bool = False
        self._process: int = os.getpid()
        # Reentrant: the collector may close a generator, and so this, wherever a lock is held.
        self._writing: RLock = RLock()  # while a message is sent
        self._turn: RLock = RLock()  # for one call of TLS, which cannot read and write at a time
        self._ending: RLock = RLock()
        self._incoming: selectors.BaseSelector = _Selector()
        self._incoming.register(connected, selectors.EVENT_READ)
        with suppress(OSError):  # a socketpair is no TCP
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def closed(self) -> bool:
        """Whether it is closed on this side."""
        return self._closed

    @property
    def over(self) -> bool:
        """Whether it is closed on this side, or about to be."""
        return self._closed or self._interrupted

    @property
    def foreign(self) -> bool:
        """Whether it belongs to the process from which this one was forked."""
        return self._process != os.getpid()

    def unpack(self, form: struct.Struct, timeout: float) -> tuple[int, ...]:
        """Read a header.

        Raises
        ------
        TransferInterruptedError
            If it does not come whole, with no more than *timeout* seconds of silence.
        """
        while self._end - self._start < form.size:
            self._fill(form.size, timeout)
        at = self._start
        self._start = at + form.size
        return form.unpack_from(self._buffer, at)

    def read_some(self, most: int, timeout: float) -> bytes:
        """Return 1 byte or more, and at most *most*; whatever is there.

        Raises
        ------
        TransferInterruptedError
            If nothing comes for *timeout* seconds, or never will.
        """
        if self._start == self._end:
            self._fill(1, timeout)
        at = self._start
        self._start = min(at + most, self._end)
        return bytes(self._view[at : self._start])

    def read(self, size: int, timeout: float) -> bytes:
        """Return exactly *size* bytes; memory is taken as they come, whatever was announced."""
        pieces: list[bytes] = []
        while size > 0:
            pieces.append(self.read_some(size, timeout))
            size -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, data: bytes, timeout: float) -> None:
        """Send all of it; nothing of another thread comes in between.

        Raises
        ------
        TransferInterruptedError
            If the other side takes nothing for *timeout* seconds, or is gone.
        """
        rest = memoryview(data)
        with self._writing:
            while rest:
                rest = rest[self._send(rest, timeout) :]

    def wait(self, timeout: float) -> bool:
        """Say whether there is something to read, or the end, after at most *timeout* seconds."""
        if self._closed or self._start < self._end or self._pending():
            return True
        return bool(self._incoming.select(min(timeout, _LONGEST_WAIT)))

    def interrupt(self) -> None:
        """Have whoever reads or waits fail at once."""
        self._interrupted = True
        with self._ending, suppress(OSError):
            # not SSLSocket's own, which takes the ground from under the one who reads
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self, last_words: bytes = b"") -> None:
        """Close it, after *last_words* if they can be said without waiting. Never raises."""
        with self._ending:
            if self._closed:
                return
            self._closed = True
            if last_words and not self.foreign and not self._interrupted:
                with suppress(OSError, ValueError):
                    self._socket.send(last_words)
            self._incoming.close()
            with suppress(OSError):
                self._socket.close()
        self._start = self._end = 0

    def _fill(self, size: int, timeout: float) -> None:
        """Receive once, so that room for *size* bytes from the start is kept."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + size > len(self._buffer):
            rest = bytes(self._view[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        left = min(timeout, self.until - time.monotonic())
        received = self._receive(self._view[self._end :], left)
        if received == 0:
            raise self._failure(None)
        self._end += received
        self.last_heard = time.monotonic()
        if _QUICKACK is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _receive(self, room: memoryview, timeout: float) -> int:
        while True:
            if self._closed or self._interrupted:
                return 0
            try:
                with self._turn:
                    return self._socket.recv_into(room)
            except _LATER as later:
                if not self._ready(later, timeout):
                    raise self._failure(TimeoutError()) from None
            except OSError as error:
                raise self._failure(error) from error

    def _send(self, data: memoryview, timeout: float) -> int:
        while True:
            if self._closed or self._interrupted:
                raise self._failure(None)
            try:
                with self._turn:
                    return self._socket.send(data)
            except ssl.SSLWantReadError as later:
                ready = self._ready(later, timeout)
            except _LATER:
                ready = self._writable(timeout)
            except OSError as error:
                raise self._failure(error) from error
            if not ready:
                raise self._failure(TimeoutError())

    def _ready(self, later: OSError, timeout: float) -> bool:
        if isinstance(later, ssl.SSLWantWriteError):
            return self._writable(timeout)
        return bool(self._incoming.select(min(timeout, _LONGEST_WAIT)))

    def _writable(self, timeout: float) -> bool:
        with _Selector() as selector:
            selector.register(self._socket, selectors.EVENT_WRITE)
            return bool(selector.select(min(timeout, _LONGEST_WAIT)))

    def _pending(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _failure(self, error: OSError | None) -> GurneyError:
        if self._interrupted and not isinstance(error, TimeoutError):
            return TransferInterruptedError(self.asked, "it was given up here")
        if self._closed:
            return TransferInterruptedError(self.asked, "the association is over")
        if error is None:
            return TransferInterruptedError(self.asked, "the other side closed the connection")
        return failure_of_transfer(self.asked, error)
