"""Messages over an association, of either side (PS3.7 6.3, PS3.8 annex E)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress

import attrs

from . import pdus
from .commands import Command, command_of, has_data, written
from .line import PDU, Line, LineEndedError, fragments
from .negotiation import Agreed, Agreement

__all__ = ["Message", "Messages"]


@attrs.frozen
class Message:
    """A command, and its data set.

    Attributes
    ----------
    context
        Over which it came.
    """

    context: Agreed
    command: Command
    data: bytes = attrs.field(default=b"", repr=False)


class Messages:
    """An association, once it is agreed on.

    Parameters
    ----------
    longest
        Bytes of a PDU that the other side takes; 0 for any.

    Attributes
    ----------
    ended
        ``"released"``, ``"aborted"``, ``"cut"``, or ``""``.
    """

    def __init__(self, line: Line, agreement: Agreement, longest: int) -> None:
        self.line: Line = line
        self.agreement: Agreement = agreement
        self.longest: int = longest
        self.ended: str = ""

    def send(self, context: Agreed, command: Command, data: Iterable[bytes] | None = None) -> None:
        """Send a message.

        Raises
        ------
        LineEndedError
            If the other side has gone.
        """
        content = written(command, data=data is not None)
        whole = fragments(context.context_id, [content], self.longest, command=True)
        first = b"".join(whole)
        for pdu in fragments(context.context_id, data, self.longest) if data is not None else ():
            self.line.send(first + pdu)
            first = b""
        if first:
            self.line.send(first)

    def receive(self) -> Message | None:
        """Return the next message; `None` when the association has ended, see `ended`."""
        try:
            return self._receive()
        except LineEndedError:
            self.ended = self.ended or "cut"
            return None
        except ValueError:  # nonsense
            self.abort()
            return None

    def _receive(self) -> Message | None:
        command, data = bytearray(), bytearray()
        context_id, whole = 0, False
        known: Command = {}
        while True:
            kind, pdu = self.line.receive()
            if kind != PDU.DATA:
                self._end(kind)
                return None
            for one, flags, fragment in _values(pdu):
                context_id = one
                (command if flags & 1 else data).extend(fragment)
                if flags == 3:
                    known = command_of(bytes(command))
                whole = whole or (bool(known) and (flags == 2 or not has_data(known)))
            if whole:
                context = self.agreement.context(context_id)
                if context is None:
                    raise ValueError("there is no such presentation context")
                return Message(context, known, bytes(data))

    def release(self) -> None:
        """End it as one should; from the side that asked for it."""
        with suppress(LineEndedError):  # it has gone already
            self.line.send(pdus.RELEASE_RQ)
            while self.line.receive()[0] not in (PDU.RELEASE_RP, PDU.ABORT):
                pass
        self.ended = self.ended or "released"
        self.line.end()

    def abort(self) -> None:
        """End it at once."""
        self.ended = self.ended or "aborted"
        with suppress(LineEndedError):  # it has gone already
            self.line.send(pdus.abort())
        self.line.end()

    def cut(self) -> None:
        """End the connection, without a word."""
        self.ended = self.ended or "cut"
        self.line.end()

    def _end(self, kind: int) -> None:
        if kind == PDU.RELEASE_RQ:
            self.ended = self.ended or "released"
            self.line.send(pdus.RELEASE_RP)
        elif kind == PDU.ABORT:
            self.ended = self.ended or "aborted"
        else:
            raise ValueError("no such PDU is expected")


def _values(pdu: bytes) -> Iterable[tuple[int, int, bytes]]:
    """Yield context ids, message control headers and fragments (PS3.8 9.3.5.1)."""
    at = 6
    while at < len(pdu):
        if len(pdu) - at < 6:
            raise ValueError("this is no P-DATA-TF")
        length, context_id, flags = struct.unpack_from(">IBB", pdu, at)
        fragment = pdu[at + 6 : at + 4 + length]
        if length < 2 or len(fragment) != length - 2:
            raise ValueError("this is no P-DATA-TF")
        yield context_id, flags & 3, fragment
        at += 4 + length
