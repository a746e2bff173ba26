"""PDUs and fragments as they come off a connection, looked at before they are believed (PS3.8 9.3).

Nothing is taken in because of a length that the other side announces: a fragment is given on in the
pieces in which it comes.
"""

from __future__ import annotations

import struct
import time
from typing import Final

from ...core import GurneyError, ProtocolViolationError, TransferInterruptedError
from ..framing import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    ASSOCIATE_RQ,
    HEADER,
    LONGEST_NEGOTIATION,
    P_DATA,
    RELEASE_RP,
    RELEASE_RQ,
)
from ..settings import Timeouts
from .connection import Connection
from .failures import ReleasedError, aborted

__all__ = ["Incoming"]

_FRAGMENT: Final = struct.Struct(">IBB")  # length of what follows, context, control
_SHORT: Final = struct.Struct("BBBB")
_LONGEST_PDU: Final = 1 << 24
"""Bytes of a P-DATA-TF that are read, even if less was agreed on: nothing is kept of them."""

_MOST_EMPTY: Final = 100  # fragments in a row that bring nothing: there would be no end to them

_NAMES: Final = {
    ASSOCIATE_RQ: "A-ASSOCIATE-RQ",
    ASSOCIATE_AC: "A-ASSOCIATE-AC",
    ASSOCIATE_RJ: "A-ASSOCIATE-RJ",
    P_DATA: "P-DATA-TF",
    RELEASE_RQ: "A-RELEASE-RQ",
    RELEASE_RP: "A-RELEASE-RP",
    ABORT: "A-ABORT",
}


class Incoming:
    """What comes in of one association.

    Attributes
    ----------
    context_id, is_command, is_last
        Of the fragment that is being read.
    left
        Bytes of it that have not been taken yet.
    """

    def __init__(self, connection: Connection, timeouts: Timeouts) -> None:
        self.context_id: int = 0
        self.is_command: bool = False
        self.is_last: bool = False
        self.left: int = 0
        self._connection: Connection = connection
        self._idle: float = timeouts.idle
        self._pdu_left: int = 0
        self._empty: int = 0

    def next_fragment(self, timeout: float) -> None:
        """Go on to the next fragment, with at most *timeout* seconds of silence before its PDU.

        Raises
        ------
        ReleasedError
            If a request to end the association comes instead; it is not answered here.
        TransferInterruptedError
            If an abort comes, or nothing.
        ProtocolViolationError
            If anything else comes.
        """
        if self._pdu_left == 0:
            self._next_data_pdu(timeout)
        if self._pdu_left < _FRAGMENT.size:
            raise self._violation("a P-DATA-TF ends inside the head of a fragment")
        length, self.context_id, control = self._connection.unpack(_FRAGMENT, self._idle)
        if not 2 <= length <= self._pdu_left - 4:
            raise self._violation("a fragment reaches beyond its P-DATA-TF")
        self._pdu_left -= length + 4
        self.left = length - 2
        self.is_command = bool(control & 1)
        self.is_last = bool(control & 2)
        self._empty = 0 if self.left or self.is_last else self._empty + 1
        if self._empty > _MOST_EMPTY:
            raise self._violation("empty fragments without end")

    def piece(self) -> bytes:
        """Return some bytes of the fragment, of which there are some left."""
        piece = self._connection.read_some(self.left, self._idle)
        self.left -= len(piece)
        return piece

    def negotiation(self, expected: int, within: float) -> tuple[int, bytes]:
        """Return type and content of a PDU that is either *expected* or a rejection.

        All of it has to come *within* so many seconds. Raises as `next_fragment`.
        """
        self._connection.until = time.monotonic() + within
        kind, length = self._head(self._idle)
        if kind == ASSOCIATE_RJ and expected == ASSOCIATE_AC:
            return kind, self._short(length)
        if kind != expected:
            raise self._other(kind, length)
        if length > LONGEST_NEGOTIATION:
            raise self._violation(f"an {_NAMES[kind]} of {length} bytes")
        return kind, HEADER.pack(kind, length) + self._connection.read(length, self._idle)

    def skip_pdu(self, until: float) -> int:
        """Drop what is left of the PDU, and return the type of the next, which is dropped then.

        To be called between two messages, where no fragment is half-read.

        Parameters
        ----------
        until
            When to give up, by `time.monotonic`.
        """
        while self._pdu_left:
            dropped = self._connection.read_some(self._pdu_left, self._time_left(until))
            self._pdu_left -= len(dropped)
        kind, self._pdu_left = self._head(self._time_left(until))
        return kind

    def _next_data_pdu(self, timeout: float) -> None:
        kind, length = self._head(timeout)
        if kind != P_DATA:
            raise self._other(kind, length)
        if not _FRAGMENT.size <= length <= _LONGEST_PDU:
            raise self._violation(f"a P-DATA-TF of {length} bytes")
        self._pdu_left = length

    def _head(self, timeout: float) -> tuple[int, int]:
        kind, length = self._connection.unpack(HEADER, timeout)
        return kind, length

    def _time_left(self, until: float) -> float:
        left = until - time.monotonic()
        if left <= 0:
            raise TransferInterruptedError(self._connection.asked, "there is no time left for it")
        return left

    def _other(self, kind: int, length: int) -> GurneyError:
        """Return what a PDU means that is not the one in turn."""
        if kind == ABORT:
            _, _, source, reason = self._short(length)
            return aborted(self._connection.asked, source, reason)
        if kind == RELEASE_RQ:
            self._short(length)
            return ReleasedError(self._connection.asked, "the other side ended the association")
        if kind in _NAMES:
            return self._violation(f"an {_NAMES[kind]} comes where none may")
        return self._violation(
            f"a PDU of type 0x{kind:02X} is none of DICOM's; check host and port, and whether TLS"
            " is spoken there"
        )

    def _short(self, length: int) -> bytes:
        if length != _SHORT.size:
            raise self._violation(f"a PDU of {length} bytes instead of {_SHORT.size}")
        return self._connection.read(length, self._idle)

    def _violation(self, reason: str) -> ProtocolViolationError:
        return ProtocolViolationError(self._connection.asked, reason)
