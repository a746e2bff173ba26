"""Multipart bodies are split at their delimiters, and how they ended is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gurney.core import ArchiveUnavailableError, BudgetExceededError, InvalidInputError
from gurney.http import Ending, MultipartReader, Part, PartLimits, boundary_of, media_type

PIXELS = bytes(range(256)) * 5
PARTS = [b"DICM" + PIXELS, b"second\r\n", b""]


def body_of(*parts: bytes, boundary: str = "b", header: str = "Content-Type: a/b\r\n") -> bytes:
    """Return a multipart body as a correct server sends it."""
    mark = b"--" + boundary.encode()
    begin = mark + b"\r\n" + header.encode() + b"\r\n"
    return b"".join(begin + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def contents(reader: MultipartReader) -> list[tuple[bytes, bool]]:
    """Return the content of each part, and whether it is whole."""
    return [(b"".join(part.chunks), part.whole) for part in reader.parts()]


def whole(*parts: bytes) -> list[tuple[bytes, bool]]:
    """Return what `contents` gives for parts that are all whole."""
    return [(part, True) for part in parts]


def failing(*chunks: bytes) -> Iterator[bytes]:
    """Yield the chunks, then lose the connection."""
    yield from chunks
    raise ArchiveUnavailableError("the line is dead")


def passed_on(part: Part) -> Iterator[bytes]:
    """Yield the chunks of a part; they are closed when this is."""
    yield from part.chunks


@pytest.mark.parametrize("boundary", ["b", "a b", "x" * 70, "--", "=_?:(+)'/,.-", "=" * 30])
def test_w04_any_boundary(boundary: str) -> None:
    """W04: whatever RFC 2046 allows as a boundary, up to 70 characters, splits the body."""
    reader = MultipartReader([body_of(*PARTS, boundary=boundary)], boundary)

    assert whole(*PARTS) == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize("preamble", [b"", b"\r\n", b"for old mail programs\r\n", b"-- \n\n"])
@pytest.mark.parametrize("boundary", ["b", "x" * 70, "a b"])
def test_w04_boundary_parameter_is_missing(boundary: str, preamble: bytes) -> None:
    """W04: without the parameter the first line that begins with -- is the delimiter."""
    reader = MultipartReader([preamble.strip(b"- ") + body_of(*PARTS, boundary=boundary)], None)

    assert whole(*PARTS) == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc"),
        ('multipart/related; boundary="abc"; type="application/dicom"', "abc"),
        ("multipart/related;BOUNDARY=abc;type=application/dicom", "abc"),
        ('multipart/related; boundary="a b:c;d/e=f"', "a b:c;d/e=f"),
        ('multipart/related; boundary="abc "', "abc"),
        ("multipart/related; boundary=", None),
        ("multipart/related", None),
        ("", None),
    ],
)
def test_w04_boundary_of_a_content_type(content_type: str, expected: str | None) -> None:
    """W04: quoted, unquoted, with separators in it, in any case, or missing."""
    assert expected == boundary_of(content_type)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("Application/DICOM+json; charset=utf-8", "application/dicom+json"),
        (' multipart/related ; type="application/dicom"', "multipart/related"),
        ("text/html", "text/html"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_media_type(content_type: str, expected: str) -> None:
    """A media type comes in lower case, and without parameters."""
    assert expected == media_type(content_type)


@pytest.mark.parametrize("size", range(1, 40))
def test_delimiters_straddle_chunks(size: int) -> None:
    """A delimiter is found wherever chunks divide it, and headers too."""
    body = b"preamble\r\n" + body_of(*PARTS, boundary="a-boundary") + b"epilogue"
    reader = MultipartReader((body[i : i + size] for i in range(0, len(body), size)), "a-boundary")

    assert whole(*PARTS) == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize("at", range(len(body_of(*PARTS))))
def test_one_division_anywhere(at: int) -> None:
    """Two chunks give what one gives, wherever the body is divided; an empty chunk is nothing."""
    body = body_of(*PARTS)
    reader = MultipartReader([body[:at], b"", body[at:]], "b")

    assert whole(*PARTS) == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize(
    "pixels",
    [
        b"\r\n--boundar",
        b"\r\n--boundary",
        b"\r\n--boundary\0",
        b"\r\n--boundary-",
        b"\r\n--boundary-\r\n",
        b"\r\n--boundaryx\r\n",
        b"\r\n--boundary \t\r x",
        b"\r\n--boundary" + b" " * 300 + b"\r\n",
        b"--boundary\r\n",
        b"\r--boundary\r\n",
        b"\r\n-",
        b"\r\n",
        b"\r",
        b"\n",
        b"\r\r\n\n\r",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_content_may_hold_the_beginning_of_a_delimiter(pixels: bytes, size: int) -> None:
    """Only a whole delimiter counts, with the end of its line: all else is content."""
    parts = (b"begin" + pixels + b"end", b"begin" + pixels + b"x" + pixels + b"end")
    body = body_of(*parts, boundary="boundary")
    reader = MultipartReader((body[i : i + size] for i in range(0, len(body), size)), "boundary")

    assert whole(*parts) == contents(reader)


@pytest.mark.parametrize("change", [(b"\r\n", b"\n"), (b"b\r\n", b"b \t \r\n")])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_w05_lenient_lines(change: tuple[bytes, bytes], size: int) -> None:
    """W05: lines may end in LF alone, and delimiters may be padded."""
    body = body_of(b"first", b"second").replace(*change)
    reader = MultipartReader((body[i : i + size] for i in range(0, len(body), size)), "b")

    assert whole(b"first", b"second") == contents(reader)
    assert Ending.TERMINATED is reader.ending


def test_w05_content_may_end_in_cr() -> None:
    """W05: where lines end in LF alone, a CR before the delimiter is the last byte of content."""
    reader = MultipartReader([body_of(b"\r", b"second\r").replace(b"\r\n", b"\n")], "b")

    assert whole(b"\r", b"second\r") == contents(reader)


def test_w05_preamble_and_epilogue() -> None:
    """W05: what stands before the first delimiter and after the last is no content."""
    body = b"--bb\r\n-- b\r\n" + body_of(b"first") + b"--b\r\n\r\nno part\r\n--b--"
    reader = MultipartReader([body], "b")

    assert whole(b"first") == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\r\n", {}),
        (b"", {}),
        (b"A: 1\r\nb:2\r\nC-d :  3 \r\n\r\n", {"a": "1", "b": "2", "c-d": "3"}),
        (b"A: 1\nB: 2\n\n", {"a": "1", "b": "2"}),
        (b'A: x;\r\n y="z"\r\n\t;w\r\nB: 2\r\n\r\n', {"a": 'x; y="z" ;w', "b": "2"}),
        (b"A: 1\r\na: 2\r\n\r\n", {"a": "1, 2"}),
        (b"A:\r\n\r\n", {"a": ""}),
        (b"A: \xe9\r\n\r\n", {"a": "\xe9"}),
        (b"A: 1\r\n", {"a": "1"}),  # the empty line is missing
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_w03_headers(head: bytes, expected: dict[str, str], size: int) -> None:
    """W03: a part has headers, folded or not, or none at all; even the empty line may miss."""
    content = b"\0" * 128 + b"DICM"
    body = b"--b\r\n" + head + content + b"\r\n--b--"
    reader = MultipartReader((body[i : i + size] for i in range(0, len(body), size)), "b")
    (part,) = parts = [(dict(p.headers), b"".join(p.chunks), p.whole) for p in reader.parts()]

    assert [(expected, content, True)] == parts
    assert part[2]


@pytest.mark.parametrize("head", [b"", b"A: 1\r\n", b"\r\n", b"A: 1\r\n\r\n"])
@pytest.mark.parametrize("size", [1, 1000])
def test_part_of_no_bytes(head: bytes, size: int) -> None:
    """The line end of the headers may be that of the next delimiter."""
    body = b"--b\r\n" + head + b"--b--"
    reader = MultipartReader((body[i : i + size] for i in range(0, len(body), size)), "b")

    assert whole(b"") == contents(reader)
    assert Ending.TERMINATED is reader.ending


@pytest.mark.parametrize("body", [b"", b"--b--", b"--b--\r\n", b"\r\n--b--\r\n", b"{}", b"<html>"])
@pytest.mark.parametrize("boundary", ["b", None])
def test_w13_no_part_at_all(body: bytes, boundary: str | None) -> None:
    """W13: a body may be empty, or close before it has begun."""
    reader = MultipartReader([body], boundary)

    assert [] == contents(reader)
    assert Ending.EMPTY is reader.ending


def test_w01_w02_cut_in_the_second_part() -> None:
    """W01, W02: a cut part is no whole one, and the part before it is."""
    body = body_of(b"first", b"second")
    reader = MultipartReader([body[: body.index(b"cond")]], "b")

    assert [(b"first", True), (b"se", False)] == contents(reader)
    assert Ending.CUT is reader.ending


@pytest.mark.parametrize("rest", [b"", b"\r", b"\r\n", b"\r\n-", b"\r\n--b", b"\r\n--b-"])
def test_content_length_proves_the_last_part(rest: bytes) -> None:
    """Without its delimiter a part is whole if it has as many bytes as its Content-Length says."""
    reader = MultipartReader([b"--b\r\nContent-Length: 5\r\n\r\nfirst" + rest], "b")

    assert whole(b"first") == contents(reader)
    assert Ending.UNTERMINATED is reader.ending


@pytest.mark.parametrize("rest", [b"", b"\r", b"\r\n", b"\r\n-", b"\r\n--b", b"\r\n--b-"])
@pytest.mark.parametrize("length", ["", "Content-Length: 4\r\n", "Content-Length: x\r\n"])
def test_last_part_without_proof_is_cut(length: str, rest: bytes) -> None:
    """Without delimiter and right length a part is not whole, and loses no byte."""
    reader = MultipartReader([f"--b\r\n{length}\r\nfirst".encode() + rest], "b")

    assert [(b"first" + rest, False)] == contents(reader)
    assert Ending.CUT is reader.ending


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\r\n--", "x\r\n--b"])
def test_content_length_counts_line_ends_too(end: str) -> None:
    """Content that ends like a delimiter begins is whole by its length."""
    content = f"first{end}".encode()
    body = b"--b\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    reader = MultipartReader([body], "b")

    assert whole(content) == contents(reader)
    assert Ending.UNTERMINATED is reader.ending


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n",
        b"--b\r\nContent-Length: 5\r\nConte",
        b"--b\r\nContent-Length: 0\r\n",
        b"--b\r\n\r\n",
        b"--b\r\n\r",
    ],
)
def test_cut_in_the_headers(body: bytes) -> None:
    """A part that was announced and did not come is cut."""
    reader = MultipartReader([body], "b")

    assert [False] == [is_whole for _, is_whole in contents(reader)]
    assert Ending.CUT is reader.ending


def test_wrong_content_length_is_a_hint() -> None:
    """A delimiter ends a part whatever its Content-Length said; both can be compared."""
    body = body_of(b"first", header="Content-Length: 9\r\n")
    (part,) = (p for p in MultipartReader([body], "b").parts() if b"".join(p.chunks))

    assert (True, 5, 9) == (part.whole, part.size, part.declared)


def test_abandoned_part_is_drained() -> None:
    """What is left of a part is dropped when the next one is asked for."""
    body = body_of(b"first" * 100, b"second" * 100, b"third")
    reader = MultipartReader((body[i : i + 10] for i in range(0, len(body), 10)), "b")
    parts = reader.parts()
    next(next(parts).chunks)
    next(parts)

    assert b"third" == b"".join(next(parts).chunks)
    assert [] == list(parts)
    assert Ending.TERMINATED is reader.ending


def test_closed_chunks_are_drained() -> None:
    """A user that closed the chunks of a part in the middle still gets the next part."""
    body = body_of(b"first" * 100, b"second")
    parts = MultipartReader((body[i : i + 10] for i in range(0, len(body), 10)), "b").parts()
    first = passed_on(next(parts))
    next(first)
    del first

    assert b"second" == b"".join(next(parts).chunks)


def test_late_reader_is_told() -> None:
    """The content of a part that has been dropped raises; it is not the content of the next."""
    parts = MultipartReader([body_of(b"first", b"second")], "b").parts()
    first = next(parts)
    next(parts)

    with pytest.raises(InvalidInputError, match="before"):
        next(first.chunks)


def test_failure_hurts_the_part_it_comes_in() -> None:
    """The chunks of a part raise what reading the body raised; the parts before it are whole."""
    body = body_of(b"first", b"second")
    reader = MultipartReader(failing(body[: body.index(b"cond")]), "b")
    parts = reader.parts()

    assert b"first" == b"".join(next(parts).chunks)
    second = next(parts)
    assert b"se" == next(second.chunks)
    with pytest.raises(ArchiveUnavailableError):
        next(second.chunks)
    assert [] == list(parts)
    assert (False, Ending.CUT) == (second.whole, reader.ending)


def test_failure_after_a_part_that_is_whole() -> None:
    """A failure behind the last byte of a part does not hurt it; the parts raise it."""
    reader = MultipartReader(failing(b"--b\r\nContent-Length: 5\r\n\r\nfirst"), "b")
    parts = reader.parts()
    first = next(parts)

    assert b"first" == b"".join(first.chunks)
    assert first.whole
    with pytest.raises(ArchiveUnavailableError):
        next(parts)
    assert Ending.UNTERMINATED is reader.ending


@pytest.mark.parametrize("body", [b"", b"pream", b"--b\r\nContent-Le", b"--b\r\n"])
def test_failure_before_content(body: bytes) -> None:
    """A failure in the preamble or in headers is raised, not taken for an empty answer."""
    reader = MultipartReader(failing(body), "b")

    with pytest.raises(ArchiveUnavailableError):
        contents(reader)


def test_failure_after_the_closing_delimiter() -> None:
    """All parts have come, and the end mark: nothing is missing."""
    reader = MultipartReader(failing(body_of(b"first")), "b")

    assert whole(b"first") == contents(reader)
    assert Ending.TERMINATED is reader.ending


def endless(begin: bytes, then: bytes) -> Iterator[bytes]:
    """Yield without end."""
    yield begin
    while True:
        yield then


@pytest.mark.parametrize(
    ("chunks", "boundary"),
    [
        (endless(b"", b"no delimiter\r\n"), "b"),
        (endless(b"", b"no delimiter\r\n"), None),
        (endless(b"--b\r\n", b"A: 1\r\n"), "b"),
        (endless(b"--b\r\nA: ", b"1"), "b"),
        (endless(b"--b\r\n", b"A"), "b"),
        (endless(b"--b\r\nA: 1", b"\r\n 1"), "b"),
        (endless(b"--b\r\n", b"\r\n\r\n--b\r\n"), "b"),
        (endless(b"--b\r\n\r\n", b"0" * 1000), "b"),
        ([b"--b\r\n" + b"A:1\r\n" * 20 + b"\r\n"], "b"),
        ([b"--b\r\n" + b"A:" + b"1" * 1001 + b"\r\n\r\n"], "b"),
        ([b"0" * 1001 + b"\r\n--b\r\n"], "b"),
        ([b"0" * 1001 + b"\r\n--b\r\n"], None),
    ],
)
def test_w22_endless_things(chunks: Iterator[bytes], boundary: str | None) -> None:
    """W22: preamble, headers, parts and content are given up when a budget is used up."""
    limits = PartLimits(headers=1000, fields=10, parts=10, preamble=1000, content=10_000)
    reader = MultipartReader(chunks, boundary, limits)

    with pytest.raises(BudgetExceededError):
        contents(reader)
    assert Ending.TERMINATED is not reader.ending


def test_w22_endless_epilogue() -> None:
    """W22: what follows the closing delimiter is not read for ever."""
    reader = MultipartReader(endless(body_of(b"first"), b"more"), "b", PartLimits(preamble=1000))

    assert whole(b"first") == contents(reader)
    assert Ending.TERMINATED is reader.ending


def test_limits_may_be_reached() -> None:
    """A limit is the largest that is allowed."""
    body = b"x" * 8 + b"\r\n" + body_of(b"12345", b"", header="A: 1\r\nB: 2\r\n")
    limits = PartLimits(headers=12, fields=2, parts=2, preamble=10, content=5)

    assert whole(b"12345", b"") == contents(MultipartReader([body], "b", limits))


def test_chunks_are_passed_on_uncopied() -> None:
    """A chunk inside a part is handed out as it came: memory is that of a chunk."""
    chunk = bytes(1000)
    reader = MultipartReader([b"--b\r\n\r\n0", chunk, chunk, b"\r\n--b--"], "b")
    (pieces,) = (list(part.chunks) for part in reader.parts())

    assert [False, True, True] == [piece is chunk for piece in pieces]
