"""From the first byte of an instance to the last: preamble, file meta, data set, padding.

The states before and after those of `ElementWalk`::

    prologue ──▶ label ──▶ elements ──▶ data_set ──▶ first_element …
                         (file meta)       ╰───────▶ inflate ──▶ padding

Nothing here relies on a preamble, on file meta, or on their being true.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from .elements import Buffer, ElementWalk
from .kept import Kept, Tags
from .pixels import pixel_oddities
from .result import FaultKind, Limits, Walked
from .syntax import EXPLICIT, begins_data_set, deflated, encoding_of, foreign_kind, observed

__all__ = ["InstanceWalk"]

_META = b"\x02\x00"  # group 0002, always little endian
_AFTER_META = 0x00030000
_STEP = 64 * 1024  # bytes taken from a deflated data set at once, and made of it


class InstanceWalk(ElementWalk):
    """Walks over an instance as it lies in a file."""

    def __init__(self, keywords: Iterable[str], limits: Limits) -> None:
        super().__init__(Kept(keywords, limits.value), {}, limits)
        self.state = self.prologue
        self.need = 134
        self.begin: int | None = None  # position of the data set
        self.deflated: _Deflated | None = None

    # ------------------------------------------------------------------ states

    def prologue(self, buffer: Buffer, at: int, end: int) -> int:
        """Find the preamble, or do without; fewer than 134 bytes come if these are all.

        There are bare data sets with DICM in the right place, in some value.
        """
        head = bytes(buffer[at : min(end, at + 134)])
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

    def label(self, buffer: Buffer, at: int, end: int) -> int:  # noqa: ARG002
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

    def data_set(self, buffer: Buffer, at: int, end: int) -> int:  # noqa: ARG002
        """Begin the data set, deflated or not."""
        self.begin = self.origin + at
        transfer_syntax = self.kept.uid(Tags.TRANSFER_SYNTAX)
        self.encoding = encoding_of(transfer_syntax)
        self.state = self.first_element
        if deflated(transfer_syntax):
            if begins_data_set(bytes(buffer[at : at + 8])):
                self.note("declared deflated, is not")
            else:
                self.deflated = _Deflated(self.kept, self.notes, self.limits)
                self.state, self.need = self.inflate, 1
        return at

    def first_element(self, buffer: Buffer, at: int, end: int) -> int:
        """Compare what is declared with what is there."""
        declared, outermost = self.encoding, not self.open
        at = super().first_element(buffer, at, end)
        if outermost and self.found != declared and self.kept.uid(Tags.TRANSFER_SYNTAX):
            self.note(f"declared {declared}, is {self.found}")
        return at

    def inflate(self, buffer: Buffer, at: int, end: int) -> int:
        """Inflate the data set in small steps, and walk over what comes out."""
        if self.deflated is None:
            raise AssertionError("the state before makes it")
        while at < end:
            step = bytes(buffer[at : min(end, at + _STEP)])
            try:
                self.deflated.feed(step)
            except zlib.error:
                text = f"the deflated data set is corrupt near {self.place(self.origin + at)}"
                return self.fail(FaultKind.MALFORMED, text, at)
            inner = self.deflated.walk
            if inner.kind is not None:
                self.fail(inner.kind, "", at)
                self.fault = inner.fault
                return at
            at += len(step)
            if self.deflated.stream.eof:
                self.state = self.trailer
                return at - len(self.deflated.stream.unused_data)
        return end

    def trailer(self, buffer: Buffer, at: int, end: int) -> int:
        """Let pass what follows a deflated data set, which marks its own end.

        Some writers leave the checksum there that gzip files have.
        """
        if self.end is None:
            self.end = self.origin + at
        if bytes(buffer[at:end]).strip(b"\0"):
            self.note("more than padding after the deflated data set")
        return end

    # ------------------------------------------------------------------ the end

    def finish(self) -> Walked:
        """Say what was found."""
        if self.state == self.prologue:
            self.need = 1
            self.feed(b"")
        self.close()
        inner = self.deflated.walk if self.deflated else self
        self._note_mismatches(inner)
        self.state = _over  # a bound method would be a cycle, and work for the collector
        return self._result(inner)

    def close(self) -> None:
        """Close the inflated data set too."""
        if self.kind is not None:
            return
        if self.size == 0:
            self.fail(FaultKind.NOT_DICOM, "no bytes at all", 0)
        elif self.state == self.label and not self.held:
            self.fail(FaultKind.NOT_DICOM, "nothing after the preamble", 0)
        super().close()
        if self.deflated and self.kind is None:
            inner = self.deflated.walk
            inner.close()
            if inner.kind is not None:
                self.fail(FaultKind.MALFORMED, f"the deflated stream is whole, but {inner.fault}", 0)
                self.end = ...

    def cut_off(self) -> str:
        """Say where the walk is, also before and around a data set."""
        if self.state == self.inflate:
            return "in the deflated data set"
        if self.begin is None and not self.skip and not self.held:
            return "before the data set"
        return super().cut_off()

    def _check_meta_length(self, end: int) -> None:
        """Note a group length that does not lead to the *end* of the file meta."""
        raw = self.kept.elements.get(Tags.META_LENGTH)
        if raw is None:
            self.note("no group length of the file meta")
        elif raw.value_tell + 4 + int.from_bytes(raw.value or b"", "little") != end:
            self.note("wrong group length of the file meta")

    def _note_mismatches(self, inner: ElementWalk) -> None:
        """Note what was found and does not go together."""
        uid = self.kept.uid
        for meta, own, name in (
            (Tags.META_CLASS, Tags.CLASS, "SOP Class UID"),
            (Tags.META_INSTANCE, Tags.INSTANCE, "SOP Instance UID"),
        ):
            if uid(meta) and uid(own) and uid(meta) != uid(own):
                self.note(f"{name} of the file meta differs from that of the data set")
        if self.begin is not None and not uid(Tags.TRANSFER_SYNTAX):
            self.note("no transfer syntax")
        if self.kind is not None:
            return
        if inner.pixels is not None:
            syntax = uid(Tags.TRANSFER_SYNTAX)
            for oddity in pixel_oddities(inner.pixels, self.kept.elements, syntax):
                self.note(oddity)
        padding = self.size - (self.end or 0)
        if padding > (1 if self.deflated else 0):  # PS3.5 A.5: a deflated one is made even
            self.note(f"{padding} zero bytes after the data set")

    def _result(self, inner: ElementWalk) -> Walked:
        uid, end = self.kept.uid, self.end or 0
        return Walked(
            kind=self.kind,
            fault=self.fault,
            oddities=tuple(self.notes.values()),
            size=self.size,
            end=end,
            data_set_offset=end if self.begin is None else self.begin,
            transfer_syntax=uid(Tags.TRANSFER_SYNTAX),
            implicit_vr=not inner.found.explicit,
            little_endian=inner.found.little,
            meta_instance_uid=uid(Tags.META_INSTANCE),
            meta_class_uid=uid(Tags.META_CLASS),
            study_uid=uid(Tags.STUDY),
            series_uid=uid(Tags.SERIES),
            instance_uid=uid(Tags.INSTANCE),
            sop_class_uid=uid(Tags.CLASS),
            elements=tuple(raw for tag, raw in sorted(self.kept.elements.items()) if tag >> 16 != 2),
        )


class _Deflated:
    """A deflated data set: the stream, and a walk over what comes out of it."""

    def __init__(self, kept: Kept, notes: dict[str, str], limits: Limits) -> None:
        self.stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self.walk = ElementWalk(kept, notes, limits)
        self.walk.where = " of the inflated data set"
        self.limit: int = limits.inflated

    def feed(self, step: bytes) -> None:
        """Inflate *step*, never more than a little at once."""
        while not self.stream.eof:
            inflated = self.stream.decompress(step, _STEP)
            self.walk.feed(inflated)
            step = self.stream.unconsumed_tail
            if self.walk.kind is not None or (not step and len(inflated) < _STEP):
                return
            if self.walk.size > self.limit:
                text = f"the deflated data set grows beyond {self.limit} bytes"
                self.walk.fail(FaultKind.BUDGET, text, 0)


def _over(buffer: Buffer, at: int, end: int) -> int:
    """The state after the last."""
    raise AssertionError("finish() was called before")
