"""Laws of the structural walk: chunks do not matter, cuts are seen, and nothing makes it raise."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from gurney.core.walk import FaultKind, Limits, StructuralWalk, Walked, walk, walk_file

KEYWORDS = [
    *("SpecificCharacterSet", "PatientName", "PatientID", "StudyDescription", "Rows"),
    *("ReferencedImageSequence", "RescaleSlope", "LongCodeValue", "SelectorSVValue"),
]
NATIVE = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
SYNTAXES = [*NATIVE, JPEGBaseline8Bit, RLELossless]
MARKER = b"\xfe\xff\xdd\xe0\0\0\0\0"  # a sequence delimiter, where it is none

uids = st.from_regex(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){1,4}", fullmatch=True).map(UID)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=16).map(
    lambda text: text.replace("\\", " ").strip()
)


@st.composite
def items(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """Return the attributes of a data set or an item, with sequences inside."""
    dataset = Dataset()
    if draw(st.booleans()):
        dataset.PatientName = draw(texts)
    if draw(st.booleans()):
        dataset.PatientID = draw(texts)
    if draw(st.booleans()):
        dataset.Rows = draw(st.integers(0, 2**16 - 1))
    if draw(st.booleans()):
        dataset.RescaleSlope = draw(st.sampled_from(["1", "2.5", ""]))
    if draw(st.booleans()):
        dataset.LongCodeValue = draw(texts)
    if draw(st.booleans()):
        dataset.SelectorSVValue = draw(st.integers(-(2**63), 2**63 - 1))
    if draw(st.booleans()):
        block = dataset.private_block(0x0009, "gurney", create=True)
        block.add_new(0x01, draw(st.sampled_from(["OB", "UN", "OW"])), draw(values))
    dataset.is_undefined_length_sequence_item = draw(st.booleans())
    if depth and draw(st.booleans()):
        sequence = Sequence(draw(st.lists(items(depth - 1), max_size=3)))
        dataset.ReferencedImageSequence = sequence
        dataset["ReferencedImageSequence"].is_undefined_length = draw(st.booleans())
    return dataset


values = st.one_of(st.binary(max_size=40), st.just(MARKER), st.integers(0, 300).map(bytes)).map(
    lambda value: value + b"\0" * (len(value) % 2)
)


@st.composite
def instances(draw: st.DrawFn) -> bytes:
    """Return an instance in any transfer syntax, as pydicom writes it."""
    syntax = draw(st.sampled_from(SYNTAXES))
    dataset = draw(items())
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = draw(uids)
    dataset.SOPInstanceUID = draw(uids)
    dataset.StudyInstanceUID = draw(uids)
    dataset.SeriesInstanceUID = draw(uids)
    if syntax in NATIVE:
        if draw(st.booleans()):
            dataset.add_new("PixelData", "OW", draw(values))
    else:
        frames = draw(st.lists(values.filter(bool), min_size=1, max_size=3))
        dataset.NumberOfFrames = len(frames)
        dataset.add_new("PixelData", "OB", encapsulate(frames, has_bot=draw(st.booleans())))
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    written = io.BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()


def pieces(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut *content* into chunks of *sizes*, over and over."""
    at = turn = 0
    while at < len(content):
        size = sizes[turn % len(sizes)]
        yield content[at : at + size]
        at += size
        turn += 1


sizes = st.lists(st.integers(1, 300), min_size=1, max_size=5)


@given(instances())
def test_what_pydicom_writes_is_whole(content: bytes) -> None:
    """What pydicom writes is whole, ends where it ends, and holds what pydicom reads."""
    theirs = dcmread(io.BytesIO(content))

    found = walk([content], KEYWORDS)

    assert "" == found.fault
    assert not [note for note in found.oddities if not note.startswith("pixel data")]
    is_deflated = found.transfer_syntax == DeflatedExplicitVRLittleEndian
    assert found.size - found.end in ((0, 1) if is_deflated else (0,))
    assert theirs.StudyInstanceUID == found.study_uid
    assert theirs.SeriesInstanceUID == found.series_uid
    assert theirs.SOPInstanceUID == found.instance_uid == found.meta_instance_uid
    assert theirs.SOPClassUID == found.sop_class_uid == found.meta_class_uid
    assert theirs.file_meta.TransferSyntaxUID == found.transfer_syntax
    for keyword in KEYWORDS:
        assert theirs.get(keyword) == found.dataset.get(keyword)


@given(instances(), sizes)
def test_chunks_do_not_matter(content: bytes, sizes: list[int]) -> None:
    """The same bytes give the same result, however they come."""
    whole = walk([content], KEYWORDS)

    assert whole == walk(pieces(content, sizes), KEYWORDS)
    assert whole == walk_file(io.BytesIO(content), KEYWORDS)


@given(instances(), st.data())
def test_cuts_are_seen(content: bytes, data: st.DataObject) -> None:
    """What was cut is not whole, but between two elements of the data set, and then is shorter."""
    whole = walk([content])
    length = data.draw(st.integers(0, whole.end - 1))

    cut = walk([content[:length]])

    assert cut.whole is (length in element_starts(content, whole))
    assert cut.whole is (cut.fault == "")
    assert cut == walk(pieces(content[:length], [1]))


def element_starts(content: bytes, whole: Walked) -> set[int]:
    """Return where elements begin, after the first, as pydicom sees it."""
    starts: set[int] = set()
    if whole.transfer_syntax == DeflatedExplicitVRLittleEndian:
        return starts
    dataset = dcmread(io.BytesIO(content))
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        value: int = getattr(element, "value_tell" if element.is_raw else "file_tell")
        long = not whole.implicit_vr and element.VR in ("OB", "OW", "SQ", "UN", "SV", "UC")
        starts.add(value - (12 if long else 8))
    return starts - {whole.data_set_offset}


edits = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(["put", "insert", "remove"]),
        st.one_of(
            st.binary(min_size=1, max_size=12),
            st.sampled_from(
                [MARKER, b"\xff\xff\xff\xff", b"\xfe\xff\0\xe0\xff\xff\xff\xff", b"SQ", b"UN\0\0"]
            ),
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(instances(), edits, sizes)
def test_damage_never_raises(
    content: bytes, edits: list[tuple[int, str, bytes]], sizes: list[int]
) -> None:
    """Damaged instances give the same result in any chunks, and one that agrees with itself."""
    damaged = bytearray(content)
    for at, how, what in edits:
        start = at % (len(damaged) + 1)
        if how == "put":
            damaged[start : start + len(what)] = what
        elif how == "insert":
            damaged[start:start] = what
        else:
            del damaged[start : start + len(what)]

    found = walk([bytes(damaged)], KEYWORDS)

    assert len(damaged) == found.size
    assert 0 <= found.data_set_offset <= found.end <= found.size
    assert found.whole is (found.fault == "") is (found.kind is None)
    assert found == walk(pieces(bytes(damaged), sizes), KEYWORDS)
    assert found == walk_file(io.BytesIO(damaged), KEYWORDS)


@given(st.binary(max_size=400), sizes, st.booleans())
@example(b"\x02\0\x10\0UI\0\0" * 3, [1], True)
@example(b"\xfe\xff\0\xe0\xff\xff\xff\xff", [1], True)
def test_any_bytes(content: bytes, sizes: list[int], labelled: bool) -> None:
    """Arbitrary bytes are called something, and never raise."""
    content = bytes(128) + b"DICM" + content if labelled else content

    found = walk([content])

    assert len(content) == found.size
    assert found.whole is (found.fault == "")
    assert found == walk(pieces(content, sizes))


TOKENS = [
    b"\xfe\xff\0\xe0\xc8\0\0\0",  # an item longer than all that may follow
    *(b"\xfe\xff\0\xe0\xff\xff\xff\xff", b"\xfe\xff\0\xe0\2\0\0\0ab", b"\xfe\xff\0\xe0\0\0\0\0"),
    *(b"\xfe\xff\x0d\xe0\0\0\0\0", MARKER, b"\xfe\xff\xdd\xe0\1\0\0\0", bytes(8), b"\0"),
    *(b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff", b"\x08\0\x40\x11SQ\0\0\4\0\0\0abcd"),
    *(b"\x08\0\x40\x11\xff\xff\xff\xff", b"\x09\0\1\x10UN\0\0\xff\xff\xff\xff"),
    *(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", b"\xe0\x7f\x10\0OW\0\0\2\0\0\0ab"),
    *(b"\x10\0\x20\0LO\2\0ab", b"\x10\0\x20\0\2\0\0\0ab", b"\x10\0\x20\0LO\3\0abc"),
    *(b"\x10\0\x20\0ZZ\0\0\2\0\0\0ab", b"\x10\0\x20\0LO\xff\xff", b"\0\x10\0\x20LO\0\2ab"),
    *(b"\2\0\2\0UI\2\x001\0", b"\x08\0\x18\0UI\2\x001\0", b"\0\0\0\0UL\4\0\4\0\0\0"),
]


@given(st.sampled_from([*SYNTAXES, None]), st.lists(st.sampled_from(TOKENS), max_size=12), sizes)
def test_any_structure(syntax: UID | None, tokens: list[bytes], sizes: list[int]) -> None:
    """Elements, items and delimiters in any order are called something, and never raise."""
    uid = syntax.encode() if syntax else b""
    uid += b"\0" * (len(uid) % 2)
    head = bytes(128) + b"DICM\2\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid
    data_set = b"".join(tokens)
    if syntax == DeflatedExplicitVRLittleEndian:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data_set = compressor.compress(data_set) + compressor.flush()
    content = data_set if syntax is None else head + data_set

    found = walk([content], KEYWORDS)

    assert len(content) == found.size
    assert 0 <= found.data_set_offset <= found.end <= found.size
    assert found.whole is (found.fault == "")
    assert found == walk(pieces(content, sizes), KEYWORDS)
    assert found == walk_file(io.BytesIO(content), KEYWORDS)


@pytest.mark.parametrize("kind", ["native", "fragments", "deflated", "sequence asked for"])
def test_memory_is_that_of_a_chunk(kind: str) -> None:
    """An instance of 300 MB takes no more memory than a chunk of it."""
    chunk = bytes(2**20)
    count = 300
    head = bytes(128) + b"DICM"
    syntaxes = {"fragments": JPEGBaseline8Bit, "deflated": DeflatedExplicitVRLittleEndian}
    uid = syntaxes.get(kind, ExplicitVRLittleEndian).encode()
    head += b"\2\0\x10\0UI" + len(uid + b"\0").to_bytes(2, "little") + uid + b"\0"
    length = len(chunk) * count

    def stream() -> Iterator[bytes]:
        if kind == "deflated":
            compressor = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
            start = b"\xe0\x7f\x10\0OW\0\0" + length.to_bytes(4, "little")
            yield head + compressor.compress(start)
            for _ in range(count):
                yield compressor.compress(chunk)
            yield compressor.flush()
        elif kind == "native":
            yield head + b"\xe0\x7f\x10\0OW\0\0" + length.to_bytes(4, "little")
            for _ in range(count):
                yield chunk
        elif kind == "fragments":
            yield head + b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"
            for _ in range(count):
                yield b"\xfe\xff\0\xe0" + len(chunk).to_bytes(4, "little")
                yield chunk
            yield MARKER
        else:
            yield head + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff"
            for _ in range(count):
                yield b"\xfe\xff\0\xe0" + len(chunk).to_bytes(4, "little")
                yield chunk
            yield MARKER

    tracemalloc.start()
    try:
        found = walk(stream(), ["ReferencedImageSequence"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.whole, found
    assert peak < 2 * len(chunk)


def test_time_is_that_of_the_bytes() -> None:
    """A deflated data set that grows a thousandfold is stopped at the limit."""
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    start = b"\xe0\x7f\x10\0OW\0\0\xf0\xff\xff\xff"
    bomb = compressor.compress(start) + compressor.compress(bytes(50_000_000)) + compressor.flush()
    uid = DeflatedExplicitVRLittleEndian.encode()
    structure = StructuralWalk(limits=Limits(inflated=1_000_000))
    structure.feed(bytes(128) + b"DICM\2\0\x10\0UI\x16\0" + uid + bomb)

    found = structure.finish()

    assert FaultKind.BUDGET is found.kind
