"""Compares pixel data with what the attributes of the image promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from .result import RawValue
from .syntax import describe, encapsulated

__all__ = ["PIXEL_ATTRIBUTES", "PIXEL_DATA", "Pixels", "ROWS", "pixel_oddities"]

_SAMPLES = 0x00280002
_PHOTOMETRIC = 0x00280004
_FRAMES = 0x00280008
ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS = 0x00280100

PIXEL_ATTRIBUTES = (_SAMPLES, _PHOTOMETRIC, _FRAMES, ROWS, _COLUMNS, _BITS)
PIXEL_DATA = (0x7FE00008, 0x7FE00009, 0x7FE00010)

# Samples of each pixel that are really there when color is subsampled (PS3.3 C.7.6.3.1.2).
_SUBSAMPLED = {b"YBR_FULL_422": 2, b"YBR_PARTIAL_422": 2, b"YBR_PARTIAL_420": 1.5}
# One fragment may hold all frames: video, and JPEG 2000 Part 2 with its many components.
_STREAMS = ("1.2.840.10008.1.2.4.10", "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93")


@attrs.define
class Pixels:
    """The pixel data that a walk passed by."""

    tag: int
    length: int = 0
    fragments: int | None = None
    """How many, the offset table not counted; `None` if the pixels are native."""


def pixel_oddities(
    pixels: Pixels, values: Mapping[int, RawValue], transfer_syntax: str, *, little: bool
) -> Iterator[str]:
    """Say where *pixels* differ from what *values* promise; nothing where it cannot be known."""
    native = pixels.fragments is None
    if encapsulated(transfer_syntax) is native:
        was, says = ("native", "encapsulated") if native else ("encapsulated", "native")
        yield f"{describe(pixels.tag)} is {was}, but the transfer syntax says {says}"
    frames = _frames(values)
    if pixels.fragments is not None:
        if pixels.fragments < frames and not transfer_syntax.startswith(_STREAMS):
            has = f"{describe(pixels.tag)} has {pixels.fragments} fragments"
            yield f"missing frames: {has} for {frames} frames"
        return
    expected = _native_length(values, frames, "little" if little else "big")
    if expected is None or expected <= pixels.length <= expected + expected % 2:
        return
    differs = "shorter" if pixels.length < expected else "longer"
    has = f"{describe(pixels.tag)} has {pixels.length} bytes"
    yield f"pixel data {differs} than promised: {has}, not {expected}"


def _native_length(
    values: Mapping[int, RawValue], frames: int, order: Literal["little", "big"]
) -> int | None:
    """Length in bytes of native pixel data; `None` if an attribute is missing or damaged."""
    bits = frames
    for tag in (ROWS, _COLUMNS, _BITS):
        bits *= _unsigned(values.get(tag), order)
    samples: float = _unsigned(values.get(_SAMPLES), order)
    if samples == 3 and _PHOTOMETRIC in values:
        samples = _SUBSAMPLED.get(values[_PHOTOMETRIC][1].strip(b" \0"), samples)
    return (int(bits * samples) + 7) // 8 if bits and samples else None


def _frames(values: Mapping[int, RawValue]) -> int:
    """Number of Frames: one if absent, zero if unreadable."""
    digits = values[_FRAMES][1].strip(b" \0") if _FRAMES in values else b""
    if not digits:
        return 1
    # Longer ones are damage, and slow to convert.
    return int(digits) if digits.isdigit() and len(digits) <= 12 else 0


def _unsigned(raw: RawValue | None, order: Literal["little", "big"]) -> int:
    """An unsigned short; zero if absent, or something else."""
    if raw is None or len(raw[1]) != 2 or raw[0] not in (b"", b"US"):
        return 0
    return int.from_bytes(raw[1], order)
