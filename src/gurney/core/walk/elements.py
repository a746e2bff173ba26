"""From element to element through a data set, as its bytes come.

::

    first_element ──▶ elements ──▶ padding
         ▲                ▲▼
         ╰───────────── items       (of a sequence; or the fragments of pixel data)

The length of a value is skipped, so that a value costs nothing, however long. A sequence or item
of defined length is a value like any other: what follows it tells whether its length was true.
Only what is of undefined length is entered; all there is to remember of it is a list, and nothing
recurses.
"""

from __future__ import annotations

from typing import Final

import attrs

from .kept import Kept, Recording
from .machine import Buffer, Machine, State
from .pixels import PIXEL_DATA, Pixels
from .result import FaultKind, Limits
from .syntax import EXPLICIT, LONG_FORM, Encoding, describe, is_vr, observed

__all__ = ["ElementWalk"]

_UNDEFINED: Final = 0xFFFFFFFF
_DELIMITERS: Final = 0xFFFE0000
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_NOTHING: Final[frozenset[int]] = frozenset()


@attrs.define
class _Open:
    """A sequence of undefined length, or pixel data in fragments, that is not yet closed."""

    tag: int
    outside: Encoding
    inside: Encoding
    fragmented: bool
    items: int = 0


class ElementWalk(Machine):
    """Walks over the elements of one data set.

    Attributes
    ----------
    kept
        The values asked for.
    encoding
        How elements are written where the walk is.
    found
        How those of the data set itself are written.
    ceiling
        Tags ascend up to here; those from here on end something.
    pixels
        The pixel data, once passed.
    """

    # Said again, because checkers infer anew what a subclass assigns.
    state: State
    need: int
    kind: FaultKind | None
    fault: str
    end: int | None

    def __init__(self, kept: Kept, notes: dict[str, str], limits: Limits) -> None:
        super().__init__(self.first_element, 8, notes)
        self.kept: Kept = kept
        self.limits: Limits = limits
        self.encoding: Encoding = EXPLICIT
        self.found: Encoding = EXPLICIT
        self.ceiling: int = _DELIMITERS
        self.pixels: Pixels | None = None
        self._last: int = -1  # the tag before; below zero if there is none
        self._open: list[_Open] = []
        self._count: int = 0
        self._recording: Recording | None = None

    @property
    def skippable(self) -> int:
        """How many bytes may be let pass unseen."""
        wanted = self.held or (self._recording is not None and self.kind is None)
        return 0 if wanted else self.skip

    def close(self) -> None:
        """Take note that no more bytes come."""
        if self.kind is not None:
            return
        cut = self.cut_off()
        if cut:
            least = self.passed + (self.skip or self.need)
            needs = f"; at least {least} bytes are needed" if least > self.size else ""
            self.kind, self.fault = FaultKind.CUT, f"cut {cut}, at {self.place(self.size)}{needs}"
        if self.end is None:
            self.end = self.passed

    # ------------------------------------------------------------------ states

    def first_element(self, buffer: Buffer, at: int) -> int:
        """See how a data set or an item is really written, whatever was declared."""
        header = bytes(buffer[at : at + 8])
        self._last = -1
        self.state = self.elements
        if self._open:
            # Explicit VR may hold items in implicit VR, not the other way round (PS3.5 6.2.2).
            if self.encoding.explicit:
                self.encoding = observed(header, self.encoding)
        elif any(header):
            self.encoding = self.found = observed(header, self.encoding, swaps=True)
            self.ceiling = _DELIMITERS
        else:
            self.state = self.padding
        return at

    def elements(self, buffer: Buffer, at: int) -> int:  # noqa: PLR0912  see below
        """Step from element to element.

        All the time goes here, hence: local names, no calls but into C, one test for several
        rare cases. To count by ``for`` over a range costs next to nothing.
        """
        explicit = self.encoding.explicit
        unpack_header = self.encoding.header.unpack_from
        unpack_length = self.encoding.length.unpack_from
        long_form = LONG_FORM.get
        wanted = _NOTHING if self._open else self.kept.wanted
        last, ceiling = self._last, self.ceiling
        vr = b""  # stays so in implicit VR
        need, end = 8, len(buffer)
        count = self._count
        for count in range(self._count, self.limits.elements):
            if end - at < 8:
                break
            if explicit:
                group, element, vr, length = unpack_header(buffer, at)
            else:
                group, element, length = unpack_header(buffer, at)
            tag = group << 16 | element
            if not last < tag < ceiling:
                self._last, self._count = last, count
                return self.out_of_line(tag, buffer, at)
            value = at + 8
            if explicit:
                long = long_form(vr)
                if long is None:
                    long = self._unknown_form(vr, length, tag)
                if long:
                    value = at + 12
                    if value > end:
                        need = 12
                        break
                    (length,) = unpack_length(buffer, at + 8)
                elif long is None:
                    vr = b""
                    (length,) = unpack_length(buffer, at + 4)
            if length & 1:
                if length == _UNDEFINED:
                    self._last, self._count = last, count + 1
                    return self._enter(tag, vr, value)
                self.note("odd length", tag)
            if tag in wanted and not self._keep(tag, vr, length, buffer, value):
                need = value - at + length
                break
            last = tag
            at = value + length
        else:
            if end - at >= 8:
                return self._over_budget("elements", self.limits.elements, at)
            count = self.limits.elements
        self._last, self._count = last, count
        return self.stop(buffer, at, need)

    def items(self, buffer: Buffer, at: int) -> int:
        """Step from item to item, or from fragment to fragment."""
        sequence = self._open[-1]
        unpack_item = sequence.inside.item.unpack_from
        end = len(buffer)
        while end - at >= 8:
            if self._count >= self.limits.elements:
                return self._over_budget("elements", self.limits.elements, at)
            self._count += 1
            group, element, length = unpack_item(buffer, at)
            tag = group << 16 | element
            if tag != _ITEM:
                return self._leave(tag, length, buffer, at)
            if length == _UNDEFINED:
                return self._enter_item(at)
            if length & 1:
                self.note("item of odd length", sequence.tag)
            sequence.items += 1
            at += 8 + length
        return self.stop(buffer, at, 8)

    def padding(self, buffer: Buffer, at: int) -> int:
        """See that nothing but zeros follows the data set."""
        if self.end is None:
            self.end = self.origin + at
            self.need = 1
        if bytes(buffer[at:]).strip(b"\0"):
            text = f"more than zeros after the end of the data set, at {self.place(self.end)}"
            return self.fail(FaultKind.MALFORMED, text, at)
        return len(buffer)

    # ------------------------------------------------------------------ from state to state

    def out_of_line(self, tag: int, buffer: Buffer, at: int) -> int:
        """Deal with a tag that does not ascend, or that ends something."""
        if tag >= _DELIMITERS:
            return self._delimit(tag, buffer, at)
        if tag == 0 and not self._open:
            self.state = self.padding
            return at
        twice = tag == self._last
        self.note("element occurs twice" if twice else "element out of order", tag)
        self._last = tag - 1  # so that it is in order, next time
        return at

    def _enter(self, tag: int, vr: bytes, at: int) -> int:
        """Enter a sequence, or pixel data in fragments."""
        if len(self._open) >= self.limits.depth:
            return self._over_budget("sequences inside each other", self.limits.depth, at)
        fragmented = tag in PIXEL_DATA or vr not in (b"", b"SQ", b"UN")
        if not self._open and not fragmented and tag in self.kept.wanted:
            self._recording = Recording(self.origin + at, self.kept.limit)
        # What is of unknown VR and undefined length is little endian, always (PS3.5 6.2.2).
        inside = EXPLICIT if vr == b"UN" else self.encoding
        self._open.append(_Open(tag, self.encoding, inside, fragmented))
        self.state, self.need = self.items, 8
        return at

    def _leave(self, tag: int, length: int, buffer: Buffer, at: int) -> int:
        """Leave the innermost sequence."""
        if tag != _SEQUENCE_END:
            return self._unexpected(tag, "an item", at)
        if length:
            self.note("delimiter with a length", tag)
        sequence = self._open.pop()
        self.state, self.encoding, self._last = self.elements, sequence.outside, sequence.tag
        if not self._open:
            if sequence.tag in PIXEL_DATA:  # its first item is the offset table
                self.pixels = Pixels(sequence.tag, fragments=max(0, sequence.items - 1))
            self._keep_recorded(sequence.tag, buffer, at)
        return at + 8

    def _enter_item(self, at: int) -> int:
        """Enter an item of the innermost sequence."""
        sequence = self._open[-1]
        if sequence.fragmented:
            return self._unexpected(_ITEM, "a fragment with a length", at)
        sequence.items += 1
        self.state, self.encoding = self.first_element, sequence.inside
        return at + 8

    def _delimit(self, tag: int, buffer: Buffer, at: int) -> int:
        """Leave an item; or step over what is left of a sequence whose header is missing."""
        self._count += 1
        (length,) = self.encoding.length.unpack_from(buffer, at + 4)
        if tag == _ITEM_END and self._open:
            if length:
                self.note("delimiter with a length", tag)
            self.state = self.items
            return at + 8
        if tag == _ITEM and length != _UNDEFINED:
            self.note("item outside of a sequence")
            return self.stop(buffer, at + 8 + length, 8)
        if tag in (_ITEM_END, _SEQUENCE_END) and not self._open and not length:
            self.note("delimiter outside of a sequence")
            return at + 8
        return self._unexpected(tag, "an element", at)

    def _unknown_form(self, vr: bytes, length: int, tag: int) -> bool | None:
        """Whether the length of an unknown *vr* has four bytes; `None` if there is no VR."""
        if not is_vr(vr):
            self.note("element without value representation among explicit ones", tag)
            return None
        # PS3.5 7.1.2: those yet to be defined have two zeros there, then a length of four bytes.
        self.note("unknown value representation", tag)
        return length == 0

    # ------------------------------------------------------------------ what is kept

    def _keep(self, tag: int, vr: bytes, length: int, buffer: Buffer, at: int) -> bool:
        """Keep a value; False if it is not all here yet."""
        if tag in PIXEL_DATA:
            self.pixels = Pixels(tag, length)
        elif length > self.kept.limit:
            self._leave_out(tag)
        elif at + length > len(buffer):
            return False
        else:
            self.kept.values[tag] = (vr, bytes(buffer[at : at + length]), self.origin + at)
        return True

    def advanced(self, buffer: Buffer, at: int) -> None:
        """Record what was walked over of a sequence that is wanted."""
        if self._recording is not None:
            self._recording.add(buffer, self.origin, at)

    def _keep_recorded(self, tag: int, buffer: Buffer, at: int) -> None:
        """Keep a sequence that is wanted, now that it is closed."""
        self.advanced(buffer, at)
        recording, self._recording = self._recording, None
        if recording is None:
            return
        value = recording.value()
        if value is None:
            self._leave_out(tag)
        else:
            vr = b"SQ" if self.encoding.explicit else b""
            self.kept.values[tag] = (vr, value, recording.start)

    def _leave_out(self, tag: int) -> None:
        self.kept.values.pop(tag, None)
        self.note(f"longer than {self.kept.limit} bytes and left out", tag)

    # ------------------------------------------------------------------ what goes wrong

    def cut_off(self) -> str:
        """Say where the walk is if it must not end there; ``""`` if it may."""
        if self.skip and (self._open or self._last >= 0):
            return f"in {describe(self._open[-1].tag if self._open else self._last)}"
        if len(self.held) >= 8:
            group, element, *_ = self.encoding.header.unpack_from(self.held)
            return f"in {describe(group << 16 | element)}"
        if self.held and not self._is_padding():
            return "in the header of an element"
        if self._open:
            return f"in {describe(self._open[-1].tag)}, which is not closed"
        return "before the first element" if self._last < 0 else ""

    def _is_padding(self) -> bool:
        """Whether the few bytes held are zeros after the data set, not the start of an element.

        Two zeros never start one, the group would be 0000. One does, as in 6000 or in big endian,
        unless the pixels, which come last, have been seen.
        """
        if self._open or self.state != self.elements or any(self.held):
            return False
        return len(self.held) > 1 or self._last >= PIXEL_DATA[0]

    def _over_budget(self, what: str, limit: int, at: int) -> int:
        text = f"more than {limit} {what}, at {self.place(self.origin + at)}"
        return self.fail(FaultKind.BUDGET, text, at)

    def _unexpected(self, tag: int, expected: str, at: int) -> int:
        inside = f" in {describe(self._open[-1].tag)}" if self._open else ""
        place = self.place(self.origin + at)
        text = f"{describe(tag)} instead of {expected}{inside}, at {place}"
        return self.fail(FaultKind.MALFORMED, text, at)
