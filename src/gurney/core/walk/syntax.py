"""How a data set lies in bytes: byte order, value representations, transfer syntaxes."""

from __future__ import annotations

from struct import Struct
from typing import Final

import attrs
from pydicom.datadict import keyword_for_tag

__all__ = [
    "BIG",
    "EXPLICIT",
    "Encoding",
    "IMPLICIT",
    "LONG_FORM",
    "begins_data_set",
    "deflated",
    "describe",
    "encapsulated",
    "encoding_of",
    "foreign_kind",
    "is_vr",
    "observed",
]

# PS3.5 Table 7.1-2: the value representations with a length of two bytes, right after the VR ...
_SHORT = b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
# ... and Table 7.1-1: those with two reserved bytes, then a length of four.
_LONG = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV"

LONG_FORM: Final = dict.fromkeys(_SHORT.split(), False) | dict.fromkeys(_LONG.split(), True)
"""Whether the length of a value representation has four bytes; unknown ones are absent."""


@attrs.frozen
class Encoding:
    """How elements are written: with their value representation or not, in which byte order."""

    explicit: bool
    little: bool
    header: Struct = attrs.field(init=False, eq=False, repr=False)
    item: Struct = attrs.field(init=False, eq=False, repr=False)
    length: Struct = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        order = "<" if self.little else ">"
        object.__setattr__(self, "header", Struct(order + ("HH2sH" if self.explicit else "HHI")))
        object.__setattr__(self, "item", Struct(order + "HHI"))
        object.__setattr__(self, "length", Struct(order + "I"))

    def __str__(self) -> str:
        vr = "explicit" if self.explicit else "implicit"
        return f"{vr} VR {'little' if self.little else 'big'} endian"


IMPLICIT: Final = Encoding(explicit=False, little=True)
EXPLICIT: Final = Encoding(explicit=True, little=True)
BIG: Final = Encoding(explicit=True, little=False)
_IMPLICIT_BIG: Final = Encoding(explicit=False, little=False)  # in no standard, yet seen

_ENCODINGS: Final = {
    "1.2.840.10008.1.2": IMPLICIT,
    "1.2.840.10008.1.2.2": BIG,
    "1.2.840.113619.5.2": IMPLICIT,  # private to GE: only the pixels are big endian
}
_DEFLATED: Final = {
    "1.2.840.10008.1.2.1.99",  # Deflated Explicit VR Little Endian
    "1.2.840.10008.1.2.4.95",  # JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205",  # JPIP HTJ2K Referenced Deflate
}
_REFERENCED: Final = _DEFLATED | {  # the pixels are not here, but at a URL
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.204",
}
_ENCAPSULATED: Final = (
    "1.2.840.10008.1.2.4.",  # JPEG, JPEG-LS, JPEG 2000, JPEG XL, MPEG, HEVC
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.8.",  # deflated frames in a data set that is not deflated
    "1.2.840.10008.1.2.1.98",  # encapsulated, not compressed
)


def encoding_of(transfer_syntax: str) -> Encoding:
    """Return how *transfer_syntax* writes elements; explicit, as nearly all do, if unknown."""
    return _ENCODINGS.get(transfer_syntax, EXPLICIT)


def deflated(transfer_syntax: str) -> bool:
    """Return whether the whole data set is one deflated stream (PS3.5 A.5)."""
    return transfer_syntax in _DEFLATED


def encapsulated(transfer_syntax: str) -> bool | None:
    """Return whether pixel data come in fragments (PS3.5 A.4); `None` if it cannot be known."""
    if transfer_syntax.startswith(_ENCAPSULATED):
        return None if transfer_syntax in _REFERENCED else True
    if transfer_syntax in _ENCODINGS or transfer_syntax.startswith("1.2.840.10008.1.2.1"):
        return False
    return None


def is_vr(code: bytes) -> bool:
    """Return whether *code*, two bytes, may be a value representation, known or not."""
    return 0x41 <= code[0] <= 0x5A and 0x41 <= code[1] <= 0x5A


def observed(header: bytes, declared: Encoding, *, swaps: bool = False) -> Encoding:
    """Return how the element whose first 8 bytes are *header* is really written.

    As pydicom does, take two capital letters for a value representation: read as an implicit
    length they would be 16 kB or more, which no first element of a data set has. With *swaps*
    the byte order may differ too: the first groups of a data set are below 0100.
    """
    little = declared.little
    if swaps and (header[0] == 0) != (header[1] == 0):
        little = header[1] == 0
    if is_vr(header[4:6]):
        return EXPLICIT if little else BIG
    return IMPLICIT if little else _IMPLICIT_BIG


def begins_data_set(header: bytes) -> bool:
    """Return whether *header*, the first 8 bytes of something unlabelled, begins a data set.

    Explicit VR is recognised by a known value representation, implicit VR by an early group
    and a modest length.
    """
    if len(header) < 8:
        return False
    encoding = observed(header, EXPLICIT, swaps=True)
    group, _, *rest = encoding.header.unpack(header)
    if encoding.explicit:
        return 0 < group < 0x100 and rest[0] in LONG_FORM
    return group in (0x0002, 0x0004, 0x0008) and rest[0] <= 1024


_FOREIGN: Final = (
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ\x00", "an xz file; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"SQLite format 3", "an SQLite database"),
)


def foreign_kind(head: bytes) -> str:
    """Return what *head*, the first bytes of something that is not DICOM, looks like."""
    for magic, kind in _FOREIGN:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return "an HTML page or XML document"
    if text.startswith((b"{", b"[")):
        return "JSON text"
    if text and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head):
        return "text"
    return "neither DICM after 128 bytes nor the start of a data set"


def describe(tag: int) -> str:
    """Return *tag* as people read it: ``(7FE0,0010) PixelData``."""
    keyword = keyword_for_tag(tag)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" + (f" {keyword}" if keyword else "")
