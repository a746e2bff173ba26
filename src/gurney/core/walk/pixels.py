"""Are there as many pixels as the attributes of the image promise?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
from pydicom.dataelem import RawDataElement

from .syntax import describe, encapsulated

__all__ = ["PIXEL_ATTRIBUTES", "PIXEL_DATA", "Pixels", "pixel_oddities"]

_SAMPLES = 0x00280002
_PHOTOMETRIC = 0x00280004
_FRAMES = 0x00280008
_ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS = 0x00280100

PIXEL_ATTRIBUTES = (_SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS)
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
    pixels: Pixels, elements: Mapping[int, RawDataElement], transfer_syntax: str
) -> Iterator[str]:
    """Say where *pixels* differ from what *elements* promise; nothing if it cannot be known."""
    name = describe(pixels.tag)
    native = pixels.fragments is None
    if encapsulated(transfer_syntax) is native:
        was, says = ("native", "encapsulated") if native else ("encapsulated", "native")
        yield f"{name} is {was}, but the transfer syntax says {says}"
    frames = _frames(elements)
    if pixels.fragments is not None:
        if pixels.fragments < frames and not transfer_syntax.startswith(_STREAMS):
            yield f"missing frames: {name} has {pixels.fragments} fragments for {frames} frames"
        return
    expected = _native_length(elements, frames)
    if expected is not None and pixels.length < expected:
        yield f"pixel data shorter than promised: {name} has {pixels.length} of {expected} bytes"
    elif expected is not None and pixels.length > expected + expected % 2:
        yield f"pixel data longer than promised: {name} has {pixels.length}, not {expected} bytes"


def _native_length(elements: Mapping[int, RawDataElement], frames: int) -> int | None:
    """Length in bytes of native pixel data; `None` if an attribute is missing or damaged."""
    rows, columns, bits = (_unsigned(elements.get(tag)) for tag in (_ROWS, _COLUMNS, _BITS))
    samples: float = _unsigned(elements.get(_SAMPLES))
    if not (rows and columns and bits and samples and frames):
        return None
    photometric = elements.get(_PHOTOMETRIC)
    if samples == 3 and photometric is not None and photometric.value is not None:
        samples = _SUBSAMPLED.get(photometric.value.strip(b" \0"), samples)
    return (int(rows * columns * frames * bits * samples) + 7) // 8


def _frames(elements: Mapping[int, RawDataElement]) -> int:
    """Number of Frames: one if absent, zero if unreadable."""
    raw = elements.get(_FRAMES)
    if raw is None or not raw.value:
        return 1
    digits = raw.value.strip(b" \0")
    # No frame is smaller than a byte or so; longer digits are damage, and slow to convert.
    return int(digits) if digits.isdigit() and len(digits) <= 12 else 0


def _unsigned(raw: RawDataElement | None) -> int:
    """An unsigned short; zero if absent or not one."""
    if raw is None or raw.value is None or len(raw.value) != 2 or raw.VR not in (None, "US"):
        return 0
    return int.from_bytes(raw.value, "little" if raw.is_little_endian else "big")
