"""From the first byte of an instance to the last: preamble, file meta, data set, padding.

The states before and after those of `ElementWalk`::

    prologue ──▶ label ──▶ elements ──▶ data_set ──▶ first_element …
                         (file meta)       ╰───────▶ inflate ──▶ trailer

Nothing here relies on a preamble, on file meta, or on their being true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import InvalidInputError
from .deflated import DeflatedWalk
from .elements import ElementWalk
from .kept import Kept, Tags
from .machine import Buffer, State
from .pixels import ROWS, pixel_oddities
from .result import FaultKind, Limits, Walked
from .syntax import (
    EXPLICIT,
    Encoding,
    begins_data_set,
    deflated,
    encoding_of,
    foreign_kind,
    observed,
)

__all__ = ["InstanceWalk"]

_PREAMBLE = bytes(128) + b"DICM"
_META = b"\x02\x00"  # group 0002, always little endian
_AFTER_META = 0x00030000


class InstanceWalk(ElementWalk):
    """Walks over an instance as it lies in a file."""

    # Said again, because checkers infer anew what a subclass assigns.
    state: State
    need: int
    encoding: Encoding
    kind: FaultKind | None
    fault: str

    def __init__(self, keywords: Iterable[str], limits: Limits) -> None:
        super().__init__(Kept(keywords, limits.value), {}, limits)
        self.state = self.prologue
        self.need = 134
        self.data_set_offset: int | None = None  # position of the data set
        self.deflated: DeflatedWalk | None = None

    # ------------------------------------------------------------------ states

    def prologue(self, buffer: Buffer, at: int) -> int:
        """Find the preamble, or do without; fewer than 134 bytes come if these are all.

        There are bare data sets with DICM in the right place, in some value.
        """
        head = bytes(buffer[at : at + 134])
        bare = begins_data_set(head[:8])
        self.state, self.need = self.label, 8
        if head[128:132] == b"DICM" and (not bare or head[132:] == _META):
            return at + 132
        if head[:4] == b"DICM":
            self.note("no preamble before DICM")
            return at + 4
        if bare:
            self.note("no preamble")
            return at
        return self.fail(FaultKind.NOT_DICOM, foreign_kind(head), at)

    def label(self, buffer: Buffer, at: int) -> int:
        """Begin the file meta, or do without."""
        header = bytes(buffer[at : at + 8])
        if header[:2] != _META:
            self.note("no file meta")
            self.state = self.data_set
            return at
        self.encoding = observed(header, EXPLICIT)
        if not self.encoding.explicit:
            self.note("file meta in implicit VR")
        self.ceiling = _AFTER_META
        self.state = self.elements
        return at

    def out_of_line(self, tag: int, buffer: Buffer, at: int) -> int:
        """End the file meta where the group ends, whatever its length says."""
        if self.ceiling == _AFTER_META and tag >> 16 != 0x0002:
            self._check_meta_length(self.origin + at)
            self.state = self.data_set
            return at
        return super().out_of_line(tag, buffer, at)

    def data_set(self, buffer: Buffer, at: int) -> int:
        """Begin the data set, deflated or not."""
        self.data_set_offset = self.origin + at
        transfer_syntax = self.kept.uid(Tags.TRANSFER_SYNTAX)
        self.encoding = encoding_of(transfer_syntax)
        self.state = self.first_element
        if deflated(transfer_syntax):
            if begins_data_set(bytes(buffer[at : at + 8])):
                self.note("declared deflated, is not")
            else:
                self.deflated = DeflatedWalk(self.kept, self.notes, self.limits)
                self.state, self.need = self.inflate, 1
        return at

    def first_element(self, buffer: Buffer, at: int) -> int:
        """Compare what is declared with what is there."""
        declared, outermost = self.encoding, not self._open
        at = super().first_element(buffer, at)
        if outermost and self.found != declared and self.kept.uid(Tags.TRANSFER_SYNTAX):
            self.note(f"declared {declared}, is {self.found}")
        return at

    def inflate(self, buffer: Buffer, at: int) -> int:
        """Walk over what the data set inflates to."""
        if self.deflated is None:
            raise AssertionError("the state before makes it")
        used = self.deflated.inflate(buffer[at:])
        if self.deflated.ended:
            self.state = self.trailer
        if self.deflated.kind is not None:
            self.end = self.data_set_offset
            self.fail(self.deflated.kind, "", at)
            self.fault = self.deflated.fault
        return at + used

    def trailer(self, buffer: Buffer, at: int) -> int:
        """Let pass what follows a deflated data set, which marks its own end.

        Some writers append the checksum and size that gzip files end with.
        """
        if self.end is None:
            self.end = self.origin + at
        return len(buffer)

    # ------------------------------------------------------------------ the end

    def finish(self) -> Walked:
        """Say what was found."""
        cut_preamble = len(self.held) < 132 and _PREAMBLE.startswith(self.held)
        if self.state == self.prologue and not cut_preamble:
            self.need = 1  # all there is
            self.feed(b"")
        self.close()
        inner = self.deflated or self
        self.state = inner.state = _finished  # a method would be a cycle: work for the collector
        uids = {tag: self.kept.uid(tag) for tag in Tags.UIDS}
        self._note_mismatches(inner, uids)
        end = self.end or 0
        return Walked(
            kind=self.kind,
            fault=self.fault,
            oddities=tuple(self.notes.values()),
            size=self.size,
            end=end,
            data_set_offset=end if self.data_set_offset is None else self.data_set_offset,
            transfer_syntax=uids[Tags.TRANSFER_SYNTAX],
            implicit_vr=not inner.found.explicit,
            little_endian=inner.found.little,
            meta_instance_uid=uids[Tags.META_INSTANCE],
            meta_class_uid=uids[Tags.META_CLASS],
            study_uid=uids[Tags.STUDY],
            series_uid=uids[Tags.SERIES],
            instance_uid=uids[Tags.INSTANCE],
            sop_class_uid=uids[Tags.CLASS],
            values=self.kept.values,
        )

    def close(self) -> None:
        """Close the inflated data set too."""
        if self.kind is not None:
            return
        if self.size == 0:
            self.fail(FaultKind.NOT_DICOM, "no bytes at all", 0)
        elif self.state == self.label and not self.held:
            self.fail(FaultKind.NOT_DICOM, "nothing after the preamble", 0)
        super().close()
        if self._lost_pixels():
            text = f"cut before the pixel data: only zeros follow {self.place(self.end or 0)}"
            self.kind, self.fault = FaultKind.CUT, text
        if self.deflated and self.kind is None:
            self.deflated.close()
            if self.deflated.kind is not None:
                self.kind = FaultKind.MALFORMED
                self.fault = f"malformed: the deflated stream is whole, but {self.deflated.fault}"

    def _lost_pixels(self) -> bool:
        """Whether zeros stand where an image has its pixels: a write that power loss cut short."""
        zeros = self.end is not None and self.size > self.end and not self.deflated
        return self.kind is None and zeros and self.pixels is None and ROWS in self.kept.values

    def cut_off(self) -> str:
        """Say where the walk is, also before and around a data set."""
        if self.state == self.inflate:
            return "in the deflated data set"
        if self.state == self.prologue:
            return "in the preamble"
        if self.data_set_offset is None and not self.skip and not self.held:
            return "before the data set"
        return super().cut_off()

    def _check_meta_length(self, end: int) -> None:
        """Note a group length that does not lead to the *end* of the file meta."""
        raw = self.kept.values.get(Tags.META_LENGTH)
        if raw is None:
            self.note("no group length of the file meta")
        else:
            _, value, position = raw
            if position + 4 + int.from_bytes(value, "little") != end:
                self.note("wrong group length of the file meta")

    def _note_mismatches(self, inner: ElementWalk, uids: Mapping[int, str]) -> None:
        """Note what was found and does not go together."""
        for meta, own, name in (
            (Tags.META_CLASS, Tags.CLASS, "SOP Class UID"),
            (Tags.META_INSTANCE, Tags.INSTANCE, "SOP Instance UID"),
        ):
            if uids[meta] and uids[own] and uids[meta] != uids[own]:
                self.note(f"{name} of the file meta differs from that of the data set")
        syntax = uids[Tags.TRANSFER_SYNTAX]
        if not syntax and self.data_set_offset is not None:
            self.note("no transfer syntax")
        if self.kind is not None:
            return
        if inner.pixels is not None:
            little = inner.found.little
            for oddity in pixel_oddities(inner.pixels, self.kept.values, syntax, little=little):
                self.note(oddity)
        rest = self.size - (self.end or 0)
        if self.deflated and rest > 1:  # one makes its length even (PS3.5 A.5)
            self.note(f"{rest} bytes after the deflated data set")
        elif rest and not self.deflated:
            self.note(f"{rest} zero bytes after the data set")


def _finished(*_: object) -> int:
    """Stand in for a state after the last."""
    raise InvalidInputError("finish() was called before; begin a new walk")
