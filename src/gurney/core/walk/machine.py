"""A state machine that is fed bytes in pieces of any size.

It is always in one state: a method that is given ``buffer[at:]``, at least ``need`` bytes, and
returns how far it came. By then it has used some bytes, or set the next ``state``, or how many
bytes it will ``need`` at least, or how many to ``skip`` before. Whatever goes wrong ends in `fail`,
after which all bytes are let pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from .result import FaultKind
from .syntax import describe

__all__ = ["Buffer", "Machine", "State"]

Buffer = bytes | memoryview
State = Callable[[Buffer, int], int]


class Machine:
    """Feeds bytes to a state, and knows where it is.

    Attributes
    ----------
    notes
        Oddities, each once, with the place where it was first seen.
    kind, fault
        What went wrong, if anything did.
    size
        Bytes fed and let pass.
    end
        Position at which all came to its end, or the fault was found. Positions count from the
        first byte ever fed.
    """

    where: str = ""  # said of positions in messages

    def __init__(self, state: State, need: int, notes: dict[str, str]) -> None:
        self.state: State = state
        self.need: int = need  # bytes that the state must be given at once
        self.skip: int = 0  # bytes to let pass before
        self.held: bytearray = bytearray()  # bytes that are fewer than needed
        self.passed: int = 0  # position of the first byte not yet used
        self.origin: int = 0  # position of the first byte of the buffer at hand
        self.size: int = 0
        self.end: int | None = None
        self.notes: dict[str, str] = notes
        self.kind: FaultKind | None = None
        self.fault: str = ""

    def feed(self, buffer: Buffer) -> None:
        """Go on with what was held back and *buffer*; hold back what cannot be used yet."""
        self.size += len(buffer)
        at = 0
        while self.held:
            missing = max(0, self.need - len(self.held))
            self.held += buffer[at : at + missing]
            at = min(at + missing, len(buffer))
            if len(self.held) < self.need:
                return
            held = bytes(self.held)
            del self.held[: self._advance(held, 0)]
        self.held += buffer[self._advance(buffer, at) :]

    def let_pass(self, count: int) -> None:
        """Take note of *count* bytes that were to be skipped, and are not fed."""
        self.size += count
        self.passed += count
        self.skip -= count

    def advanced(self, buffer: Buffer, at: int) -> None:
        """Be told that *buffer* was used as far as *at*."""

    def stop(self, buffer: Buffer, at: int, need: int) -> int:
        """Return from a state that came as far as *at*, which may lie beyond the *buffer*."""
        self.need = need
        self.skip = max(0, at - len(buffer))
        return at - self.skip

    def note(self, oddity: str, tag: int | None = None) -> None:
        """Note an oddity, and where it was first seen."""
        if oddity not in self.notes:
            self.notes[oddity] = oddity if tag is None else f"{oddity}: {describe(tag)}"

    def fail(self, kind: FaultKind, text: str, at: int) -> int:
        """Return from a state that has found a fault at *at*."""
        self.kind, self.fault = kind, f"{kind.value}: {text}"
        if self.end is None:
            self.end = self.origin + at
        self.skip = sys.maxsize
        return at

    def place(self, position: int) -> str:
        """Name a position."""
        return f"byte {position}{self.where}"

    def _advance(self, buffer: Buffer, at: int) -> int:
        """Use *buffer* from *at*; return where that ends for want of bytes."""
        self.origin = self.passed - at
        end = len(buffer)
        while True:
            if self.skip and at < end:
                step = min(self.skip, end - at)
                self.skip -= step
                at += step
            elif end - at >= self.need:
                at = self.state(buffer, at)
            else:
                break
        self.advanced(buffer, at)
        self.passed = self.origin + at
        return at
