"""From element to element through a data set that comes in pieces.

A walk is always in one state. A state is a method that is given ``buffer[at:end]``, at least
``need`` bytes, and returns how far it came. It has then set the next ``state``, or how many bytes
it will ``need`` at least, or how many to ``skip``::

    first_element ──▶ elements ──▶ padding
          ▲            ╱    ▲
          │           ▼     ╲
          ╰────────── items ─╯

Lengths of values are skipped, so a value costs nothing, whatever its length. A sequence or an item
of defined length is a value like any other: what follows it tells whether its length was true.
Only what is of undefined length is entered, so that all there is to remember of a nesting is a
list, and nothing recurses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import attrs

from .kept import Kept
from .pixels import PIXEL_DATA, Pixels
from .result import FaultKind, Limits
from .syntax import EXPLICIT, LONG_FORM, Encoding, describe, is_vr, observed

__all__ = ["AFTER_DATA_SET", "Buffer", "ElementWalk"]

Buffer = bytes | memoryview

AFTER_DATA_SET: Final = 0xFFFE0000  # tags ascend up to here: the delimiters follow

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_NOTHING: Final[MappingProxyType[int, object]] = MappingProxyType({})


@attrs.define
class _Open:
    """A sequence of undefined length, or pixel data in fragments, that is not yet closed."""

    tag: int
    outside: Encoding
    inside: Encoding
    fragmented: bool
    items: int = 0


class ElementWalk:
    """Walks over one data set that is not deflated.

    Attributes
    ----------
    kept
        The values asked for.
    notes
        Oddities, each with the place where it was first seen.
    encoding
        How elements are written where the walk is.
    found
        How those of the data set itself are written.
    pixels
        The pixel data, once passed.
    kind, fault
        What went wrong, if anything did.
    size
        Bytes fed and skipped.
    end
        Position at which the data set ended, or the fault was found.
    """

    where: str = ""  # what positions in messages refer to

    def __init__(self, kept: Kept, notes: dict[str, str], limits: Limits) -> None:
        self.kept: Kept = kept
        self.notes: dict[str, str] = notes
        self.limits: Limits = limits
        self.encoding: Encoding = EXPLICIT
        self.found: Encoding = EXPLICIT
        self.pixels: Pixels | None = None
        self.kind: FaultKind | None = None
        self.fault: str = ""
        self.size: int = 0
        self.end: int | None = None

        self.state: Callable[[Buffer, int, int], int] = self.first_element
        self.need: int = 8  # bytes that the state must be given
        self.skip: int = 0  # bytes to let pass first
        self.held: bytearray = bytearray()  # fewer bytes than needed
        self.passed: int = 0  # position of the first byte not yet walked over
        self.origin: int = 0  # position of the first byte of the buffer at hand
        self.recorded: int = 0  # position up to which a sequence is recorded

        self.last: int = -1  # the tag before
        self.ceiling: int = AFTER_DATA_SET  # tags from here on end something
        self.open: list[_Open] = []
        self.count: int = 0

    # ------------------------------------------------------------------ bytes

    def feed(self, buffer: Buffer) -> None:
        """Walk over what was held back and *buffer*; hold back what cannot be used yet."""
        self.size += len(buffer)
        at = 0
        while self.held:
            missing = self.need - len(self.held)
            self.held += buffer[at : at + missing]
            at = min(at + missing, len(buffer))
            if len(self.held) < self.need:
                return
            held = bytes(self.held)
            del self.held[: self._advance(held, 0)]
        self.held += buffer[self._advance(buffer, at) :]

    @property
    def skippable(self) -> int:
        """How many bytes may be let pass."""
        return 0 if self.held or self.kept.recording is not None else self.skip

    def let_pass(self, count: int) -> None:
        """Take note of *count* bytes that were to be skipped, and are not fed."""
        self.size += count
        self.passed += count
        self.skip -= count

    def _advance(self, buffer: Buffer, at: int) -> int:
        """Walk over *buffer* from *at*; return where that ends for want of bytes."""
        self.origin = self.passed - at
        end = len(buffer)
        while True:
            if self.skip and at < end:
                step = min(self.skip, end - at)
                self.skip -= step
                at += step
            elif end - at >= self.need:
                at = self.state(buffer, at, end)
            else:
                break
        self._record(buffer, at)
        self.passed = self.origin + at
        return at

    # ------------------------------------------------------------------ states

    def first_element(self, buffer: Buffer, at: int, end: int) -> int:  # noqa: ARG002
        """See how a data set or an item is really written, whatever was declared."""
        header = bytes(buffer[at : at + 8])
        self.last = -1
        self.state = self.elements
        if self.open:
            # Explicit VR may hold items in implicit VR, not the other way round (PS3.5 6.2.2).
            if self.encoding.explicit:
                self.encoding = observed(header, self.encoding)
            return at
        if not any(header):
            self.state = self.padding
            return at
        self.encoding = self.found = observed(header, self.encoding, swaps=True)
        self.ceiling = AFTER_DATA_SET
        return at

    def elements(self, buffer: Buffer, at: int, end: int) -> int:
        """Step from element to element.

        All the time goes here, hence: local names, no calls but into C, one test for several
        rare cases. ``for`` over a range counts for next to nothing.
        """
        explicit = self.encoding.explicit
        unpack_header = self.encoding.header.unpack_from
        unpack_length = self.encoding.length.unpack_from
        long_form = LONG_FORM.get
        wanted = _NOTHING if self.open else self.kept.wanted
        last, ceiling = self.last, self.ceiling
        vr: bytes | None = None
        need = 8
        for self.count in range(self.count, self.limits.elements):
            if end - at < 8:
                break
            if explicit:
                group, element, vr, length = unpack_header(buffer, at)
            else:
                group, element, length = unpack_header(buffer, at)
            tag = group << 16 | element
            if not last < tag < ceiling:
                self.last = last
                self.count += 1
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
                    vr = None
                    (length,) = unpack_length(buffer, at + 4)
            if length & 1:
                if length == _UNDEFINED:
                    self.count += 1
                    return self._enter(tag, vr, value)
                self.note("odd length", tag)
            if tag in wanted and not self._keep(tag, vr, length, buffer, value, end):
                need = value - at + length
                break
            last = tag
            at = value + length
        else:
            self.count = self.limits.elements
            if end - at >= 8:
                return self._over_budget("elements", self.limits.elements, at)
        self.last = last
        return self._stop(at, end, need)

    def items(self, buffer: Buffer, at: int, end: int) -> int:
        """Step from item to item, or from fragment to fragment."""
        sequence = self.open[-1]
        unpack_item = sequence.inside.item.unpack_from
        for self.count in range(self.count, self.limits.elements):
            if end - at < 8:
                break
            group, element, length = unpack_item(buffer, at)
            tag = group << 16 | element
            if tag != _ITEM:
                self.count += 1
                return self._leave(tag, length, buffer, at)
            if length & 1:
                if length == _UNDEFINED:
                    self.count += 1
                    return self._enter_item(at)
                self.note("item of odd length", sequence.tag)
            sequence.items += 1
            at += 8 + length
        else:
            self.count = self.limits.elements
            if end - at >= 8:
                return self._over_budget("elements", self.limits.elements, at)
        return self._stop(at, end, 8)

    def padding(self, buffer: Buffer, at: int, end: int) -> int:
        """See that nothing but zeros follows the data set."""
        if self.end is None:
            self.end = self.origin + at
            self.need = 1
        if bytes(buffer[at:end]).strip(b"\0"):
            text = f"more than zeros after the end of the data set, at {self.place(self.end)}"
            return self.fail(FaultKind.MALFORMED, text, self.end - self.origin)
        return end

    # ------------------------------------------------------------------ from state to state

    def out_of_line(self, tag: int, buffer: Buffer, at: int) -> int:
        """Deal with a tag that does not ascend, or that ends something."""
        if tag >= AFTER_DATA_SET:
            return self._leave_item(tag, buffer, at)
        if tag == 0 and not self.open:
            self.state = self.padding
            return at
        twice = tag == self.last
        self.note("element occurs twice" if twice else "element out of order", tag)
        self.last = tag - 1  # so that it is in order, next time
        return at

    def _enter(self, tag: int, vr: bytes | None, at: int) -> int:
        """Enter a sequence, or pixel data in fragments."""
        if len(self.open) >= self.limits.depth:
            return self._over_budget("sequences inside each other", self.limits.depth, at)
        fragmented = tag in PIXEL_DATA or vr not in (None, b"SQ", b"UN")
        if not self.open and not fragmented and tag in self.kept.wanted:
            self.kept.begin()
            self.recorded = self.origin + at
        # What is unknown, and of undefined length, is little endian (PS3.5 6.2.2, note on UN).
        inside = EXPLICIT if vr == b"UN" else self.encoding
        self.open.append(_Open(tag, self.encoding, inside, fragmented))
        self.state, self.need = self.items, 8
        return at

    def _leave(self, tag: int, length: int, buffer: Buffer, at: int) -> int:
        """Leave the innermost sequence."""
        if tag != _SEQUENCE_END:
            return self._unexpected(tag, "an item", at)
        self._check_delimiter(length, tag)
        sequence = self.open.pop()
        self.state, self.encoding, self.last = self.elements, sequence.outside, sequence.tag
        if not self.open:
            if sequence.tag in PIXEL_DATA:  # its first item is the offset table
                self.pixels = Pixels(sequence.tag, fragments=max(0, sequence.items - 1))
            self._keep_recorded(sequence.tag, buffer, at)
        return at + 8

    def _enter_item(self, at: int) -> int:
        """Enter an item of the innermost sequence."""
        sequence = self.open[-1]
        if sequence.fragmented:
            text = f"fragment of undefined length in {describe(sequence.tag)}, at {self.place(at)}"
            return self.fail(FaultKind.MALFORMED, text, at)
        sequence.items += 1
        self.state, self.encoding = self.first_element, sequence.inside
        return at + 8

    def _leave_item(self, tag: int, buffer: Buffer, at: int) -> int:
        """Leave an item of the innermost sequence."""
        if tag != _ITEM_END or not self.open:
            return self._unexpected(tag, "an element", at)
        (length,) = self.encoding.length.unpack_from(buffer, at + 4)
        self._check_delimiter(length, tag)
        self.state = self.items
        return at + 8

    def _stop(self, at: int, end: int, need: int) -> int:
        """Stop at *at*, in the buffer or beyond it."""
        self.need = need
        if at <= end:
            return at
        self.skip = at - end
        return end

    def _unknown_form(self, vr: bytes, length: int, tag: int) -> bool | None:
        """Whether the length of an unknown *vr* has four bytes; `None` if there is no VR."""
        if not is_vr(vr):
            self.note("element without value representation among explicit ones", tag)
            return None
        # PS3.5 7.1.2: one that is yet to be defined begins its long length with two zeros.
        self.note("unknown value representation", tag)
        return length == 0

    # ------------------------------------------------------------------ what is kept and noted

    def _keep(
        self, tag: int, vr: bytes | None, length: int, buffer: Buffer, at: int, end: int
    ) -> bool:
        """Keep a value; False if it is not all here yet."""
        if tag in PIXEL_DATA:
            self.pixels = Pixels(tag, length)
        elif length > self.kept.limit:
            self._leave_out(tag)
        elif at + length > end:
            return False
        else:
            value = bytes(buffer[at : at + length])
            self.kept.keep(tag, vr, value, self.origin + at, self.encoding)
        return True

    def _record(self, buffer: Buffer, at: int) -> None:
        """Record, of a sequence that is wanted, what was walked over since the last time."""
        if self.kept.recording is not None:
            self.kept.record(buffer[self.recorded - self.origin : at])
            self.recorded = self.origin + at

    def _keep_recorded(self, tag: int, buffer: Buffer, at: int) -> None:
        """Keep a sequence that is wanted, now that it is closed."""
        if self.kept.recording is None:
            return
        self._record(buffer, at)
        value = self.kept.end()
        if value is None:
            self._leave_out(tag)
        else:
            vr = b"SQ" if self.encoding.explicit else None
            self.kept.keep(tag, vr, value, self.origin + at - len(value), self.encoding)

    def _leave_out(self, tag: int) -> None:
        self.kept.leave_out(tag)
        self.note(f"longer than {self.kept.limit} bytes and left out", tag)

    def _check_delimiter(self, length: int, tag: int) -> None:
        if length:
            self.note("delimiter with a length", tag)

    def note(self, oddity: str, tag: int | None = None) -> None:
        """Note an oddity, and where it was first seen."""
        if oddity not in self.notes:
            self.notes[oddity] = oddity if tag is None else f"{oddity}: {describe(tag)}"

    # ------------------------------------------------------------------ what goes wrong

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

    def cut_off(self) -> str:
        """Say where the walk is if that is no place to stop; ``""`` if it is."""
        if self.skip:
            return f"in {describe(self.open[-1].tag if self.open else self.last)}"
        if len(self.held) >= 8:
            group, element, *_ = self.encoding.header.unpack_from(self.held)
            return f"in {describe(group << 16 | element)}"
        if self.held and not self._is_padding():
            return "in the header of an element"
        if self.open:
            return f"in {describe(self.open[-1].tag)}, which is not closed"
        return "before the first element" if self.state == self.first_element else ""

    def _is_padding(self) -> bool:
        """Whether the few bytes held are zeros after the data set, and cannot begin an element.

        Two zeros never do, their group would be 0000; one does, as in group 6000, unless the
        pixels, which come last, have been seen.
        """
        if self.open or self.state != self.elements or any(self.held):
            return False
        return len(self.held) > 1 or self.last >= PIXEL_DATA[0]

    def place(self, position: int) -> str:
        """Name a position."""
        return f"byte {position}{self.where}"

    def fail(self, kind: FaultKind, text: str, at: int) -> int:
        """Give up: all bytes that follow are let pass."""
        self.kind, self.fault = kind, f"{kind.value}: {text}"
        self.end = self.origin + at
        self.skip = sys.maxsize
        self.kept.end()
        return at

    def _over_budget(self, what: str, limit: int, at: int) -> int:
        text = f"more than {limit} {what}, at {self.place(self.origin + at)}"
        return self.fail(FaultKind.BUDGET, text, at)

    def _unexpected(self, tag: int, expected: str, at: int) -> int:
        inside = f" in {describe(self.open[-1].tag)}" if self.open else ""
        place = self.place(self.origin + at)
        text = f"{describe(tag)} instead of {expected}{inside}, at {place}"
        return self.fail(FaultKind.MALFORMED, text, at)
