"""A walk over a data set that comes deflated."""

from __future__ import annotations

import zlib

from .elements import ElementWalk
from .kept import Kept
from .machine import Buffer
from .result import FaultKind, Limits

__all__ = ["DeflatedWalk"]

_STEP = 64 * 1024  # bytes taken at once, and made of them


class DeflatedWalk(ElementWalk):
    """Inflates a data set in small steps, and walks over what comes out.

    References
    ----------
    DICOM PS3.5 A.5; RFC 1951.
    """

    where = " of the inflated data set"

    def __init__(self, kept: Kept, notes: dict[str, str], limits: Limits) -> None:
        super().__init__(kept, notes, limits)
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def ended(self) -> bool:
        """Whether the stream has come to its end, which it marks itself."""
        return self._stream.eof

    def inflate(self, data: Buffer) -> int:
        """Go on with *data*; return how many bytes of it the stream has taken."""
        for at in range(0, len(data), _STEP):
            step = bytes(data[at : at + _STEP])
            self._inflate(step)
            if self._stream.eof or self.kind is not None:
                return at + len(step) - len(self._stream.unused_data)
        return len(data)

    def _inflate(self, step: bytes) -> None:
        more = True
        while more and self.kind is None:
            room = min(_STEP, self.limits.inflated + 1 - self.size)
            before = self._stream.copy() if len(step) > 1 else None
            try:
                inflated = self._stream.decompress(step, room)
            except zlib.error:
                if before is None:
                    text = f"the deflated data set is corrupt, behind {self.place(self.size)}"
                    self.fail(FaultKind.MALFORMED, text, 0)
                    return
                # zlib gives nothing of a step that is corrupt further on: have what is good of it.
                self._stream = before
                for byte in step:
                    self._inflate(bytes((byte,)))
                return
            self.feed(inflated)
            if self.size > self.limits.inflated and not self.fault:
                text = f"the data set inflates to more than {self.limits.inflated} bytes"
                self.fail(FaultKind.BUDGET, text, 0)
            step = self._stream.unconsumed_tail
            more = not self._stream.eof and (bool(step) or len(inflated) == room)
