"""What a structural walk says of bytes that are built here, one peculiarity at a time."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import (
    JPEG2000,
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from gurney.core import encode
from gurney.core.errors import InvalidInputError
from gurney.core.walk import FaultKind, Limits, StructuralWalk, Walked, walk, walk_file

PREAMBLE = bytes(128) + b"DICM"
UNDEFINED = 0xFFFFFFFF
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPIP_REFERENCED = "1.2.840.10008.1.2.4.94"
LONG = {"OB", "OW", "OV", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


def explicit(tag: int, vr: str, value: bytes = b"", length: int | None = None) -> bytes:
    """Return an element in explicit VR little endian."""
    length = len(value) if length is None else length
    form = "<HH2sHI" if vr in LONG else "<HH2sH"
    numbers = (0, length) if vr in LONG else (length,)
    return struct.pack(form, tag >> 16, tag & 0xFFFF, vr.encode(), *numbers) + value


def big(tag: int, vr: str, value: bytes = b"") -> bytes:
    """Return an element in explicit VR big endian."""
    form = ">HH2sHI" if vr in LONG else ">HH2sH"
    numbers = (0, len(value)) if vr in LONG else (len(value),)
    return struct.pack(form, tag >> 16, tag & 0xFFFF, vr.encode(), *numbers) + value


def implicit(tag: int, value: bytes = b"", length: int | None = None) -> bytes:
    """Return an element in implicit VR little endian; items and delimiters are written so too."""
    length = len(value) if length is None else length
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length) + value


def item(value: bytes = b"", length: int | None = None) -> bytes:
    return implicit(0xFFFEE000, value, length)


ITEM_END = implicit(0xFFFEE00D)
SEQUENCE_END = implicit(0xFFFEE0DD)


def meta(transfer_syntax: str = ExplicitVRLittleEndian, instance: bytes = b"1.2.3\0") -> bytes:
    uid = transfer_syntax.encode()
    body = explicit(0x00020003, "UI", instance)
    body += explicit(0x00020010, "UI", uid + b"\0" * (len(uid) % 2))
    return explicit(0x00020000, "UL", struct.pack("<I", len(body))) + body


HEAD = explicit(0x00080018, "UI", b"1.2.3\0")
TAIL = explicit(0x0020000D, "UI", b"1.2\0") + explicit(0x0020000E, "UI", b"1.2.1\0")


def part10(*elements: bytes, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    return PREAMBLE + meta(transfer_syntax) + b"".join(elements)


def image(
    pixels: bytes, transfer_syntax: str = ExplicitVRLittleEndian, *more: bytes, rows: int = 4
) -> bytes:
    """Return an image of 4 columns, 8 bits and 1 sample, with *pixels* as they are encoded."""
    attributes = [
        explicit(0x00280002, "US", b"\1\0"),
        *more,
        explicit(0x00280010, "US", struct.pack("<H", rows)),
        explicit(0x00280011, "US", b"\4\0"),
        explicit(0x00280100, "US", b"\x08\0"),
    ]
    return part10(HEAD, TAIL, *attributes, pixels, transfer_syntax=transfer_syntax)


def fragments(*values: bytes) -> bytes:
    """Return pixel data in fragments, after an empty offset table."""
    items = b"".join(item(value) for value in (b"", *values))
    return explicit(0x7FE00010, "OB", items + SEQUENCE_END, UNDEFINED)


def cut_everywhere(content: bytes) -> Iterator[Walked]:
    for length in range(len(content)):
        yield walk([content[:length]])


# ---------------------------------------------------------------------- what is whole


def test_whole_instance() -> None:
    """What is whole is said to be, with its UIDs and where its data set begins and ends."""
    content = part10(HEAD, TAIL)

    found = walk([content])

    assert found.whole
    assert found.is_dicom
    assert "" == found.fault
    assert () == found.oddities
    assert (len(content), len(content)) == (found.end, found.size)
    assert len(PREAMBLE + meta()) == found.data_set_offset
    assert ("1.2", "1.2.1", "1.2.3") == (found.study_uid, found.series_uid, found.instance_uid)
    assert "1.2.3" == found.meta_instance_uid
    assert ExplicitVRLittleEndian == found.transfer_syntax


@pytest.mark.parametrize("vr", ["AE", "AT", "FD", "OB", "OV", "OW", "SV", "UC", "UN", "UR", "UV"])
def test_every_form_of_explicit_vr(vr: str) -> None:
    """Short and long forms are told apart, the newest VRs too."""
    found = walk([part10(HEAD, explicit(0x00091001, vr, b"12345678"), TAIL)])

    assert found.whole
    assert "1.2.1" == found.series_uid


@pytest.mark.parametrize(
    "sequence",
    [
        item(length=UNDEFINED) + HEAD + ITEM_END + SEQUENCE_END,
        item(HEAD) + item(length=UNDEFINED) + ITEM_END + SEQUENCE_END,
        item() + SEQUENCE_END,
        SEQUENCE_END,
    ],
    ids=["undefined item", "defined item", "empty item", "empty sequence"],
)
def test_sequence_of_undefined_length(sequence: bytes) -> None:
    """A sequence of undefined length is walked to its delimiter, whatever its items."""
    content = part10(HEAD, explicit(0x00081140, "SQ", sequence, UNDEFINED), TAIL)

    found = walk([content])

    assert found.whole
    assert "1.2" == found.study_uid


def test_elements_of_items_are_not_those_of_the_data_set() -> None:
    """A UID inside a sequence does not name the instance."""
    inner = explicit(0x0020000D, "UI", b"9.9\0")
    sequence = item(length=UNDEFINED) + inner + ITEM_END + SEQUENCE_END

    found = walk([part10(HEAD, TAIL, explicit(0x00400275, "SQ", sequence, UNDEFINED))])

    assert found.whole
    assert "1.2" == found.study_uid


def test_unknown_vr_of_undefined_length_is_implicit_inside() -> None:
    """UN of undefined length is a sequence in implicit VR (CP-246)."""
    inner = item(length=UNDEFINED) + implicit(0x00091002, b"abcd") + ITEM_END + SEQUENCE_END

    found = walk([part10(HEAD, explicit(0x00091001, "UN", inner, UNDEFINED), TAIL)])

    assert found.whole
    assert () == found.oddities


def test_unknown_vr_in_big_endian_is_little_endian_inside() -> None:
    """UN of undefined length is little endian wherever it is (CP-246)."""
    inner = item(length=UNDEFINED) + implicit(0x00091002, b"abcd") + ITEM_END + SEQUENCE_END
    sequence = struct.pack(">HH2sHI", 0x0009, 0x1001, b"UN", 0, UNDEFINED) + inner
    content = part10(
        big(0x00080018, "UI", b"1.2.3\0"),
        sequence,
        big(0x0020000D, "UI", b"1.2\0"),
        transfer_syntax=ExplicitVRBigEndian,
    )

    found = walk([content])

    assert found.whole
    assert not found.little_endian
    assert "1.2" == found.study_uid


def test_explicit_data_set_with_implicit_items() -> None:
    """Some writers forget the VR inside sequences; pydicom reads them, and so do we."""
    sequence = item(length=UNDEFINED) + implicit(0x00081155, b"1.2\0") + ITEM_END + SEQUENCE_END

    found = walk([part10(HEAD, explicit(0x00081140, "SQ", sequence, UNDEFINED), TAIL)])

    assert found.whole


def test_private_ge_syntax_is_implicit() -> None:
    """In 1.2.840.113619.5.2 only the pixels are big endian."""
    content = part10(implicit(0x00080018, b"1.2.3\0"), transfer_syntax="1.2.840.113619.5.2")

    found = walk([content])

    assert found.whole
    assert found.implicit_vr
    assert () == found.oddities


@pytest.mark.parametrize(
    ("data_set", "transfer_syntax", "is_implicit", "is_little"),
    [
        (HEAD + TAIL, ExplicitVRLittleEndian, False, True),
        (implicit(0x00080018, b"1.2.3\0"), ImplicitVRLittleEndian, True, True),
        (big(0x00080018, "UI", b"1.2.3\0"), ExplicitVRBigEndian, False, False),
    ],
    ids=["explicit", "implicit", "big endian"],
)
@pytest.mark.parametrize("declared", [None, "", "1.2.3.4.5"], ids=["bare", "no syntax", "unknown"])
def test_encoding_is_seen_where_it_is_not_said(
    data_set: bytes, transfer_syntax: str, declared: str | None, is_implicit: bool, is_little: bool
) -> None:
    """Without file meta, a transfer syntax, or a known one, the first element tells."""
    content = data_set if declared is None else part10(data_set, transfer_syntax=declared)

    found = walk([content])

    assert found.whole
    assert "1.2.3" == found.instance_uid
    assert (is_implicit, is_little) == (found.implicit_vr, found.little_endian)
    assert transfer_syntax != found.transfer_syntax


@pytest.mark.parametrize(
    ("syntax", "oddity"),
    [
        (ImplicitVRLittleEndian, "declared implicit VR little endian, is explicit VR"),
        (ExplicitVRBigEndian, "declared explicit VR big endian, is explicit VR little endian"),
        (DeflatedExplicitVRLittleEndian, "declared deflated, is not"),
    ],
)
def test_wrong_transfer_syntax(syntax: str, oddity: str) -> None:
    """What is there counts; that something else was declared is noted."""
    found = walk([part10(HEAD, TAIL, transfer_syntax=syntax)])

    assert found.whole
    assert "1.2" == found.study_uid
    assert oddity in found.oddities[0]


def test_dicm_in_the_right_place_by_chance() -> None:
    """A bare data set whose text says DICM at byte 128 has no preamble."""
    start = explicit(0x00080005, "CS", b"ISO_IR 100")
    content = start + explicit(0x00080070, "LO", b"x" * (128 - len(start) - 8) + b"DICM") + TAIL

    found = walk([content])

    assert b"DICM" == content[128:132]
    assert found.whole
    assert "no preamble" in found.oddities
    assert "1.2" == found.study_uid


@pytest.mark.parametrize(
    ("content", "oddity"),
    [
        (PREAMBLE[128:] + meta() + HEAD, "no preamble before DICM"),
        (meta() + HEAD, "no preamble"),
        (PREAMBLE + HEAD, "no file meta"),
        (PREAMBLE + meta()[12:] + HEAD, "no group length of the file meta"),
        (PREAMBLE + meta()[:8] + b"\xff\0\0\0" + meta()[12:] + HEAD, "wrong group length"),
        (PREAMBLE + meta("") + HEAD, "no transfer syntax"),
        (PREAMBLE + meta(instance=b"9.9\0") + HEAD, "SOP Instance UID of the file meta differs"),
        (PREAMBLE + implicit(0x00020003, b"1.2\0") + HEAD, "file meta in implicit VR"),
        (part10(HEAD, explicit(0x00100020, "LO", b"odd")), "odd length: (0010,0020) PatientID"),
        (part10(TAIL, HEAD), "element out of order: (0008,0018) SOPInstanceUID"),
        (part10(HEAD, HEAD), "element occurs twice: (0008,0018) SOPInstanceUID"),
        (part10(HEAD, explicit(0x00100020, "ZZ", b"ab")), "unknown value representation"),
        (part10(HEAD, implicit(0x00100020, b"ab")), "element without value representation"),
        (part10(HEAD, item(b"ab"), TAIL), "item outside of a sequence"),
        (part10(HEAD, SEQUENCE_END, TAIL), "delimiter outside of a sequence"),
        (part10(HEAD, bytes(512)), "512 zero bytes after the data set"),
        (part10(HEAD, bytes(3)), "3 zero bytes after the data set"),
    ],
)
def test_oddities_do_no_harm(content: bytes, oddity: str) -> None:
    """What is merely odd is kept, and noted."""
    found = walk([content])

    assert found.whole
    assert any(note.startswith(oddity) for note in found.oddities), found.oddities
    assert found.instance_uid == "1.2.3"


def test_zeros_inside_an_item() -> None:
    """Only after the data set are zeros padding."""
    sequence = item(length=UNDEFINED) + bytes(16) + ITEM_END + SEQUENCE_END

    found = walk([part10(HEAD, explicit(0x00081140, "SQ", sequence, UNDEFINED), TAIL)])

    assert found.whole
    assert "1.2" == found.study_uid


def test_unknown_vr_of_the_future() -> None:
    """A VR yet to be defined has the long form, as PS3.5 7.1.2 promises."""
    future = struct.pack("<HH2sHI", 0x0009, 0x1001, b"ZY", 0, 70_000) + bytes(70_000)

    found = walk([part10(HEAD, future, TAIL)])

    assert found.whole
    assert "1.2" == found.study_uid


def test_padding_element() -> None:
    """Data Set Trailing Padding is an element like any other (PS3.10 7.2)."""
    found = walk([part10(HEAD, TAIL, explicit(0xFFFCFFFC, "OB", bytes(100)))])

    assert found.whole
    assert () == found.oddities


# ---------------------------------------------------------------------- deflated


def deflated(content: bytes = HEAD + TAIL, level: int = 6) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def deflated_instance(stream: bytes) -> bytes:
    return part10(stream, transfer_syntax=DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("pad", [b"", b"\0"])
def test_deflated(level: int, pad: bytes) -> None:
    """A deflated data set is inflated, and may be padded to even length."""
    content = deflated_instance(deflated(level=level) + pad)

    found = walk([content])

    assert found.whole
    assert () == found.oddities
    assert len(content) - len(pad) == found.end
    assert "1.2" == found.study_uid


def test_deflated_to_almost_nothing() -> None:
    """The stream is followed to its end, also when its last byte grows to thousands."""
    for length in range(65_500, 66_100):
        content = deflated_instance(deflated(explicit(0x7FE00010, "OB", bytes(length))))

        assert walk([content]).whole, length


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"])
def test_jpip_deflate(syntax: str) -> None:
    """Data sets that refer to their pixels by JPIP come deflated too."""
    found = walk([part10(deflated(), transfer_syntax=syntax)])

    assert found.whole
    assert () == found.oddities


def test_deflated_frames_are_not_a_deflated_data_set() -> None:
    """In 1.2.840.10008.1.2.8.1 each frame is deflated, the data set is not."""
    found = walk([image(fragments(deflated()), DEFLATED_FRAMES)])

    assert found.whole
    assert () == found.oddities


def test_gzip_trailer_after_a_deflated_data_set() -> None:
    """Some writers leave checksum and size behind; the stream marks its own end."""
    found = walk([deflated_instance(deflated() + b"checksum")])

    assert found.whole
    assert ("8 bytes after the deflated data set",) == found.oddities


def test_deflated_cut_anywhere() -> None:
    """The stream must come to its end."""
    content = deflated_instance(deflated())

    for found in cut_everywhere(content):
        assert not found.whole
        assert "" != found.fault


def test_deflated_and_cut_inside() -> None:
    """A whole stream of a data set that is not: asking again would not help."""
    found = walk([deflated_instance(deflated((HEAD + TAIL)[:-1]))])

    assert FaultKind.MALFORMED is found.kind
    assert "the deflated stream is whole, but cut in (0020,000E)" in found.fault


def test_deflated_and_corrupt() -> None:
    """Of a corrupt stream, what comes before the damage is kept."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    good = compressor.compress(HEAD + TAIL) + compressor.flush(zlib.Z_SYNC_FLUSH)
    content = deflated_instance(good + b"\xff" * 8)  # a block of a kind that there is not

    found = walk([content])

    assert FaultKind.MALFORMED is found.kind
    assert found.fault.startswith("malformed: the deflated data set is corrupt")
    assert "1.2.3" == found.instance_uid
    assert found.data_set_offset == found.end
    assert found == walk(content[at : at + 1] for at in range(len(content)))


# ---------------------------------------------------------------------- pixels


@pytest.mark.parametrize(
    ("content", "oddities"),
    [
        (image(explicit(0x7FE00010, "OB", bytes(16))), ()),
        (image(explicit(0x7FE00010, "OB", bytes(14)) + b""), ("pixel data shorter",)),
        (image(explicit(0x7FE00010, "OB", bytes(18))), ("pixel data longer",)),
        (image(explicit(0x7FE00010, "OW", bytes(12)), rows=3), ()),
        (
            image(
                explicit(0x7FE00010, "OB", bytes(32)),
                ExplicitVRLittleEndian,
                explicit(0x00280008, "IS", b"2 "),
            ),
            (),
        ),
        (
            image(
                explicit(0x7FE00010, "OB", bytes(16)),
                ExplicitVRLittleEndian,
                explicit(0x00280008, "IS", b"1A"),
            ),
            (),
        ),
        (image(fragments(b"12"), JPEG2000), ()),
        (image(fragments(b"12"), ExplicitVRLittleEndian), ("(7FE0,0010) PixelData is encaps",)),
        (image(explicit(0x7FE00010, "OB", bytes(16)), RLELossless), ("(7FE0,0010) PixelData is",)),
        (image(explicit(0x7FE00010, "OB", bytes(16)), DEFLATED_FRAMES), ("(7FE0,0010) Pixel",)),
        (image(explicit(0x7FE00010, "OB", bytes(16)), JPIP_REFERENCED), ()),
        (image(fragments(), JPEG2000), ("missing frames",)),
        (
            image(fragments(b"12"), JPEGBaseline8Bit, explicit(0x00280008, "IS", b"2 ")),
            ("missing frames",),
        ),
        (image(fragments(b"12"), MPEG2MPML, explicit(0x00280008, "IS", b"99")), ()),
    ],
)
def test_pixels_and_what_was_promised(content: bytes, oddities: tuple[str, ...]) -> None:
    """Pixels that do not fit their attributes are noted; the structure is whole all the same."""
    found = walk([content])

    assert found.whole
    assert len(oddities) == len(found.oddities), found.oddities
    assert all(map(str.startswith, found.oddities, oddities)), found.oddities


@pytest.mark.parametrize(
    ("photometric", "length"), [(b"RGB ", 48), (b"YBR_FULL_422", 32), (b"YBR_PARTIAL_420 ", 24)]
)
def test_subsampled_color(photometric: bytes, length: int) -> None:
    """Subsampled color has fewer bytes than rows, columns and samples say."""
    content = part10(
        HEAD,
        explicit(0x00280002, "US", b"\3\0"),
        explicit(0x00280004, "CS", photometric),
        explicit(0x00280010, "US", b"\4\0"),
        explicit(0x00280011, "US", b"\4\0"),
        explicit(0x00280100, "US", b"\x08\0"),
        explicit(0x7FE00010, "OB", bytes(length)),
    )

    assert () == walk([content]).oddities


@pytest.mark.parametrize(("rows", "length"), [(4, 2), (1, 2), (5, 4)])
def test_single_bits(rows: int, length: int) -> None:
    """Pixels of one bit are packed, and padded to even length."""
    content = image(explicit(0x7FE00010, "OB", bytes(length)), rows=rows).replace(
        explicit(0x00280100, "US", b"\x08\0"), explicit(0x00280100, "US", b"\1\0")
    )

    assert () == walk([content]).oddities


# ---------------------------------------------------------------------- what is cut


def test_cut_anywhere_but_between_elements() -> None:
    """A cut is seen wherever it is, except where it leaves a shorter, whole data set."""
    sequence = item(length=UNDEFINED) + HEAD + ITEM_END + item(HEAD) + SEQUENCE_END
    elements = [
        HEAD,
        explicit(0x00081140, "SQ", sequence, UNDEFINED),
        TAIL[: len(TAIL) // 2 - 1],
        TAIL[len(TAIL) // 2 - 1 :],
        fragments(b"1234", b"5678"),
    ]
    content = part10(*elements, transfer_syntax=JPEGBaseline8Bit)
    ends = [len(PREAMBLE + meta(JPEGBaseline8Bit))]
    for element in elements:
        ends.append(ends[-1] + len(element))

    whole = {found.size for found in cut_everywhere(content) if found.whole}

    assert set(ends[1:-1]) == whole
    assert len(content) == ends[-1]


@pytest.mark.parametrize(
    "content",
    [
        big(0x00080018, "UI", b"1.2.3\0") + big(0x0020000D, "UI", b"1.2\0"),
        HEAD + explicit(0x60000010, "US", b"\4\0"),
    ],
    ids=["big endian", "overlay"],
)
def test_a_zero_may_begin_a_tag(content: bytes) -> None:
    """One zero byte after an element may be padding, or a tag that was cut: then it is cut."""
    second = content.index(b"\0" + bytes([content[14 + 1]]), 14)

    found = walk([content[: second + 1]])

    assert not found.whole


def test_one_zero_after_the_pixels_is_padding() -> None:
    """Nothing that begins with zero can follow pixel data: so it is padding."""
    found = walk([image(explicit(0x7FE00010, "OB", bytes(16))) + b"\0"])

    assert found.whole
    assert ("1 zero bytes after the data set",) == found.oddities


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            part10(HEAD, explicit(0x7FE00010, "OW", b"1234", length=4_000_000_000)),
            "cut in (7FE0,0010) PixelData, at byte 216; at least 4000000212 bytes are needed",
        ),
        (
            part10(HEAD, explicit(0x00100010, "PN", b"Doe^J", length=300)),
            "cut in (0010,0010) PatientName, at byte 213; at least 508 bytes are needed",
        ),
        (part10(HEAD, b"\x10\0"), "cut in the header of an element, at byte 202; at least 208"),
        (part10(), "cut before the data set, at byte 186"),
        (part10(bytes(512)), "cut before the first element, at byte 698"),
        (part10(item(b"ab", 90)), "cut before the first element, at byte 196; at least 284"),
        (part10(HEAD, fragments(b"1234")[:-8]), "cut in (7FE0,0010) PixelData, which is not"),
        (
            part10(HEAD, explicit(0x00081140, "SQ", item(length=UNDEFINED) + HEAD, UNDEFINED)),
            "cut in (0008,1140) ReferencedImageSequence, which is not closed",
        ),
    ],
)
def test_fault_says_where_and_never_what(content: bytes, fault: str) -> None:
    """A fault names the element and the byte, and shows no value."""
    found = walk([content], ["PatientName"])

    assert FaultKind.CUT is found.kind
    assert found.fault.startswith(fault), found.fault
    assert "Doe" not in repr(found)


@pytest.mark.parametrize("length", [1, 100, 128, 131])
def test_cut_in_the_preamble(length: int) -> None:
    """The beginning of an empty preamble is the beginning of an instance."""
    found = walk([PREAMBLE[:length]])

    assert FaultKind.CUT is found.kind
    assert found.fault.startswith(f"cut in the preamble, at byte {length}")


# ---------------------------------------------------------------------- what is no such thing


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "no bytes at all"),
        (b"\x1f\x8b\x08", "a gzip file; unpack it first"),
        (b"PK\x03\x04" + bytes(200), "a ZIP archive; unpack it first"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b" \n<!DOCTYPE html>", "an HTML page or XML document"),
        (b'{"error": 1}', "JSON text"),
        (b"Not found." * 20, "text"),
        (PREAMBLE, "nothing after the preamble"),
        (bytes(1000), "neither DICM after 128 bytes nor the start of a data set"),
        (b"\x08\0\x05\0CS", "neither DICM after 128 bytes nor the start of a data set"),
    ],
)
def test_not_dicom(content: bytes, kind: str) -> None:
    """What is something else is told from what is damaged."""
    found = walk([content])

    assert FaultKind.NOT_DICOM is found.kind
    assert not found.is_dicom
    assert f"not DICOM: {kind}" == found.fault
    assert len(content) == found.size


# ---------------------------------------------------------------------- what is malformed


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (part10(HEAD, bytes(9), b"x"), "more than zeros after the end of the data set"),
        (
            part10(HEAD, explicit(0x00081140, "SQ", HEAD, UNDEFINED), TAIL),
            "(0008,0018) SOPInstanceUID instead of an item in (0008,1140)",
        ),
        (
            part10(HEAD, explicit(0x7FE00010, "OB", item(length=UNDEFINED), UNDEFINED)),
            "(FFFE,E000) Item instead of a fragment with a length",
        ),
        (
            part10(
                HEAD,
                explicit(0x00081140, "SQ", item(length=UNDEFINED) + SEQUENCE_END, UNDEFINED),
                TAIL,
            ),
            "(FFFE,E0DD) SequenceDelimitationItem instead of an element",
        ),
    ],
)
def test_malformed(content: bytes, fault: str) -> None:
    """What contradicts itself is said to, with the place."""
    found = walk([content])

    assert FaultKind.MALFORMED is found.kind
    assert found.fault.startswith(f"malformed: {fault}"), found.fault
    assert "1.2.3" == found.instance_uid


def test_end_is_where_the_data_set_ends() -> None:
    """Where a data set ends does not depend on how what follows it comes."""
    content = part10(HEAD, bytes(20), b"x")

    for pieces in ([content], [content[:-5], content[-5:]], [content[:-1], content[-1:]]):
        assert len(part10(HEAD)) == walk(pieces).end


# ---------------------------------------------------------------------- values


def test_values_asked_for() -> None:
    """Values asked for come as pydicom gives them, in their character set."""
    content = part10(
        explicit(0x00080005, "CS", b"ISO_IR 192"),
        HEAD,
        explicit(0x00100010, "PN", "Müller^Jörg".encode() + b" "),
        explicit(0x00100020, "LO", b"4711"),
        explicit(0x00281053, "DS", b"2.5 "),
    )

    dataset = walk([content], ["PatientName", "RescaleSlope", "Rows"]).dataset

    assert "Müller^Jörg" == dataset.PatientName
    assert 2.5 == dataset.RescaleSlope
    assert "PatientID" not in dataset
    assert "Rows" not in dataset


@pytest.mark.parametrize("vr", ["US", "LO", "SQ"])
def test_empty_values(vr: str) -> None:
    """Empty values are as empty as pydicom reads them."""
    tag = {"US": 0x00280010, "LO": 0x00100020, "SQ": 0x00081140}[vr]
    content = part10(HEAD, explicit(tag, vr))
    theirs = dcmread(io.BytesIO(content))
    ours = walk([content], ["Rows", "PatientID", "ReferencedImageSequence"]).dataset

    assert theirs.get_item(tag) == ours.get_item(tag)
    assert theirs[tag] == ours[tag]


@pytest.mark.parametrize("is_implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_sequence_asked_for(undefined: bool, is_implicit: bool) -> None:
    """A sequence asked for is kept, whatever its length says, and others are not."""

    def write(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
        return implicit(tag, value, length) if is_implicit else explicit(tag, vr, value, length)

    inside = write(0x00081155, "UI", b"9.8\0")
    items = item(length=UNDEFINED) + inside + ITEM_END + item(inside)
    sequence = (
        write(0x00081140, "SQ", items + SEQUENCE_END, UNDEFINED)
        if undefined
        else write(0x00081140, "SQ", items)
    )
    other = write(0x00082112, "SQ", items + SEQUENCE_END, UNDEFINED)
    syntax = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
    content = part10(write(0x00080018, "UI", b"1.2\0"), sequence, other, transfer_syntax=syntax)

    found = walk([content], ["ReferencedImageSequence"])

    assert found.whole
    kept = found.dataset.ReferencedImageSequence
    assert ["9.8", "9.8"] == [one.ReferencedSOPInstanceUID for one in kept]
    assert "SourceImageSequence" not in found.dataset


def test_value_too_long_is_left_out() -> None:
    """A value over the limit is noted, not kept; nor is an earlier one of the same element."""
    short, long = explicit(0x00100020, "LO", b"ab"), explicit(0x00100020, "LO", b"ab" * 513)

    found = walk([part10(HEAD, short, long)], ["PatientID"], Limits(value=1024))

    assert found.whole
    assert "PatientID" not in found.dataset
    assert "longer than 1024 bytes and left out: (0010,0020) PatientID" in found.oddities


def test_value_of_just_the_limit_is_kept() -> None:
    """The limit is the longest value that is kept."""
    content = part10(HEAD, explicit(0x00102000, "LO", b"ab" * 512))

    assert "MedicalAlerts" in walk([content], ["MedicalAlerts"], Limits(value=1024)).dataset


def test_sequence_too_long_is_left_out() -> None:
    """The limit holds for a sequence of undefined length too."""
    sequence = item(HEAD) * 100 + SEQUENCE_END
    content = part10(HEAD, explicit(0x00081140, "SQ", sequence, UNDEFINED), TAIL)

    for limit, kept in ((len(sequence) - 8, True), (len(sequence) - 9, False)):
        found = walk([content], ["ReferencedImageSequence"], Limits(value=limit))

        assert found.whole
        assert kept is ("ReferencedImageSequence" in found.dataset)
        assert kept is (() == found.oddities)


def test_last_of_two_counts() -> None:
    """Of an element that occurs twice the last is kept, as pydicom does."""
    first, second = explicit(0x00100020, "LO", b"ab"), explicit(0x00100020, "LO", b"cd")

    assert "cd" == walk([part10(HEAD, first, second)], ["PatientID"]).dataset.PatientID


def test_padding_of_uids() -> None:
    """UIDs come without the NUL or the space that makes their length even."""
    content = part10(explicit(0x00080018, "UI", b"1.2.3 "), TAIL)

    assert "1.2.3" == walk([content]).instance_uid


def test_values_that_a_walk_needs() -> None:
    """The limit cannot be set so low that the walk itself goes blind."""
    with pytest.raises(ValueError, match="1024"):
        Limits(value=1023)


def test_unknown_keyword() -> None:
    """A misspelt keyword is refused before the first byte, with the right one."""
    with pytest.raises(InvalidInputError, match="did you mean 'PatientID'"):
        StructuralWalk(["PatientId"])


@pytest.mark.parametrize("keyword", ["PixelData", "TransferSyntaxUID"])
def test_keyword_of_what_is_never_kept(keyword: str) -> None:
    """What would be left out in silence is refused."""
    with pytest.raises(InvalidInputError, match=keyword):
        StructuralWalk([keyword])


# ---------------------------------------------------------------------- limits


def nested(depth: int) -> bytes:
    opening = explicit(0x00081140, "SQ", b"", UNDEFINED) + item(length=UNDEFINED)
    return opening * depth + (ITEM_END + SEQUENCE_END) * depth


def test_depth() -> None:
    """Sequences inside each other are followed as deep as allowed, without recursion."""
    assert walk([part10(nested(1000))]).whole
    found = walk([part10(HEAD, nested(1001), TAIL)])

    assert FaultKind.BUDGET is found.kind
    assert "more than 1000 sequences inside each other" in found.fault
    assert "1.2.3" == found.instance_uid


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (part10(HEAD, TAIL), 6),
        (part10(HEAD, fragments(b"12", b"34")), 9),
        (part10(HEAD, nested(3)), 16),
    ],
    ids=["elements", "fragments", "items"],
)
def test_elements(content: bytes, count: int) -> None:
    """Elements, items, fragments and delimiters are counted, however they come."""
    pieces = [bytes([byte]) for byte in content]

    assert walk([content], limits=Limits(elements=count)).whole
    assert walk(pieces, limits=Limits(elements=count)).whole
    found = walk([content], limits=Limits(elements=count - 1))
    assert FaultKind.BUDGET is found.kind
    assert found == walk(pieces, limits=Limits(elements=count - 1))


def test_inflated() -> None:
    """A deflated data set is inflated as far as allowed, and no byte further."""
    content = deflated_instance(deflated(HEAD + explicit(0x7FE00010, "OB", bytes(10_000_000))))
    size = len(HEAD) + 12 + 10_000_000

    assert walk([content], limits=Limits(inflated=size)).whole
    found = walk([content], limits=Limits(inflated=size - 1))
    assert FaultKind.BUDGET is found.kind
    assert "1.2.3" == found.instance_uid


def test_nothing_is_looked_at_beyond_the_limit() -> None:
    """What a deflated data set grows to is seen as far as the limit, however it comes."""
    start = HEAD + explicit(0x00081140, "SQ", HEAD[:8], UNDEFINED)  # its item has the wrong tag
    content = deflated_instance(deflated(start + bytes(1000)))
    pieces = [bytes([byte]) for byte in content]
    kinds = {-2: FaultKind.BUDGET, -1: FaultKind.MALFORMED, 0: FaultKind.MALFORMED}

    for beyond, kind in kinds.items():
        limits = Limits(inflated=len(start) + beyond)

        assert kind is walk([content], limits=limits).kind
        assert walk(pieces, limits=limits) == walk([content], limits=limits)


# ---------------------------------------------------------------------- how bytes come


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_chunks(kind: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    """Chunks may be anything that holds bytes, and may be used again at once."""
    content = part10(HEAD, TAIL)
    structure = StructuralWalk()
    for at in range(0, len(content), 7):
        structure.feed(kind(content[at : at + 7]))
    structure.feed(kind(b""))

    assert structure.finish().whole


def test_chunk_may_be_reused() -> None:
    """Nothing of a chunk is held: the caller's buffer can be read into again."""
    content = part10(HEAD, TAIL)
    buffer = bytearray(10)
    structure = StructuralWalk()
    for at in range(0, len(content), 10):
        piece = content[at : at + 10]
        buffer[: len(piece)] = piece
        structure.feed(memoryview(buffer)[: len(piece)])
        buffer[:] = b"\xff" * 10
    buffer.extend(b"resizable, so nothing exports it")

    assert walk([content]) == structure.finish()


def test_values_can_be_skipped() -> None:
    """A caller who can seek need not feed long values; the result is the same."""
    content = part10(HEAD, explicit(0x7FE00010, "OB", bytes(1_000_000)))
    start = content.index(b"OB") + 8
    structure = StructuralWalk()
    structure.feed(content[: start + 10])

    assert 1_000_000 - 10 == structure.skippable
    structure.skip(999_000)
    structure.feed(bytes(990))
    assert 0 == structure.skippable
    assert walk([content]) == structure.finish()


@pytest.mark.parametrize("count", [-1, 1])
def test_no_more_can_be_skipped(count: int) -> None:
    """Only bytes of a value can be skipped."""
    structure = StructuralWalk()

    with pytest.raises(InvalidInputError, match="cannot skip"):
        structure.skip(count)


def test_after_a_fault_all_can_be_skipped() -> None:
    """Whoever can, may stop reading after a fault."""
    structure = StructuralWalk()
    structure.feed(b"<html>" + bytes(200))

    assert structure.skippable > 2**40


def test_no_bytes_after_the_end() -> None:
    """A walk that was finished is over."""
    structure = StructuralWalk()
    structure.feed(part10(HEAD))
    structure.finish()

    with pytest.raises(InvalidInputError, match="begin a new walk"):
        structure.feed(HEAD)


def test_sequence_asked_for_cannot_be_skipped() -> None:
    """What is asked for is read, be it as long as a value can be that is skipped otherwise."""
    items = item(explicit(0x00204000, "LT", b"x" * 30_000)) + SEQUENCE_END
    content = part10(HEAD, explicit(0x00081140, "SQ", items, UNDEFINED), bytes(40_000))

    for keywords in ([], ["ReferencedImageSequence"]):
        structure = StructuralWalk(keywords)
        structure.feed(content[:300])

        assert bool(structure.skippable) is not bool(keywords)
        found = walk_file(io.BytesIO(content), keywords)
        assert walk([content], keywords) == found
        assert keywords == [key for key in keywords if key in found.dataset]


class CountingFile(io.BytesIO):
    """A file that counts the bytes read from it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.read_bytes += len(piece)
        return piece


def test_file_is_not_read_where_it_need_not_be() -> None:
    """Of an image only the header is read, and yet its length is checked."""
    content = image(explicit(0x7FE00010, "OW", bytes(10_000_000)))
    for size in (len(content), len(content) - 1):
        file = CountingFile(content[:size])

        found = walk_file(file, ["PatientID"])

        assert walk([content[:size]], ["PatientID"]) == found
        assert file.read_bytes <= 16 * 1024


def test_file_from_where_it_stands() -> None:
    """The instance is what is left of the file."""
    content = part10(HEAD, TAIL)
    file = io.BytesIO(b"something before" + content)
    file.seek(len(b"something before"))

    assert walk([content]) == walk_file(file)


def test_file_on_disk(tmp_path: Path) -> None:
    """Unbuffered files, which may give less than asked for, are read to their end."""
    content = part10(HEAD, *(explicit(0x00091000 + n, "OB", bytes(9_000)) for n in range(20)))
    (tmp_path / "file").write_bytes(content)

    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert walk([content]) == walk_file(file)


def test_zeros_in_place_of_pixels_are_a_cut() -> None:
    """A write that power loss cut short leaves a file of full length that ends in zeros."""
    dataset = dcmread(str(get_testdata_file("MR_small.dcm")))
    del dataset.PixelData
    headers = encode(dataset)

    assert walk([headers]).whole
    assert FaultKind.CUT is walk([headers, bytes(8192)]).kind
