"""Laws of the multipart reader: any body, in any chunks, cut anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gurney.http import Ending, MultipartReader, PartLimits

BOUNDARY_CHARACTERS = "09AZaz'()+_,-./:=?"

boundaries: st.SearchStrategy[str] = st.tuples(
    st.text(BOUNDARY_CHARACTERS + " ", max_size=69), st.sampled_from(BOUNDARY_CHARACTERS)
).map("".join)


@attrs.frozen
class Sent:
    """A part, as it is sent."""

    head: bytes
    content: bytes


@attrs.frozen
class Body:
    """A multipart body, and where in it what ends."""

    boundary: str
    parts: Sequence[Sent]
    bytes: bytes
    ends: Sequence[int]
    closed: int


@st.composite
def contents(draw: st.DrawFn, boundary: str) -> bytes:
    """Draw content: bytes, line ends and beginnings of delimiters, but no delimiter."""
    mark = f"--{boundary}".encode()
    pieces = st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n-", b"\r\n--"]),
        st.integers(0, len(mark)).map(lambda n: b"\r\n" + mark[:n]),
        st.integers(0, len(mark)).map(lambda n: b"\n" + mark[:n]),
        st.just(b"\r\n" + mark + b"\0"),
    )
    content = b"".join(draw(st.lists(pieces, max_size=5)))
    # what RFC 2046 5.1.1 forbids inside a part, also together with the delimiter that follows
    forbidden = rb"(?<=\n)" + re.escape(mark) + rb"(?=--|[ \t]*\r?\n|[ \t]*\r?\Z)"
    return re.sub(forbidden, b"", b"\n" + content)[1:]


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Draw a body with a preamble, parts with and without headers, and an epilogue."""
    boundary = draw(boundaries)
    mark, line = f"--{boundary}".encode(), draw(st.sampled_from([b"\r\n", b"\n"]))
    heads = st.sampled_from([b"", b"A: 1" + line, b"A: 1;" + line + b" folded" + line, b"%d"])
    parts: list[Sent] = []
    ends: list[int] = []
    body = draw(st.sampled_from([b"", line, b"preamble" + line]))
    for _ in range(draw(st.integers(0, 4))):
        content = draw(contents(boundary))
        head = draw(heads).replace(b"%d", b"Content-Length: %d" % len(content) + line)
        body += mark + draw(st.sampled_from([b"", b" ", b" \t "])) + line
        body += head + line + content
        parts.append(Sent(head, content))
        ends.append(len(body))
        body += line
    body += mark + b"--"
    closed = len(body)
    body += draw(st.sampled_from([b"", line, line + b"epilogue" + line + mark + line]))
    return Body(boundary, parts, body, ends, closed)


def divided(body: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Divide *body* into chunks of these sizes, over and over."""
    chunks: list[bytes] = []
    while body:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(body[:size])
        body = body[size:]
    return chunks


sizes = st.lists(st.integers(1, 100), min_size=1, max_size=5)


@given(bodies(), sizes)
def test_parts_come_back(body: Body, sizes: Sequence[int]) -> None:
    """Any body gives its parts back, in any chunks."""
    reader = MultipartReader(divided(body.bytes, sizes), body.boundary)
    read = [(b"".join(part.chunks), part.whole) for part in reader.parts()]

    assert [(part.content, True) for part in body.parts] == read
    assert (Ending.TERMINATED if body.parts else Ending.EMPTY) is reader.ending


@given(bodies(), sizes, st.data())
def test_a_cut_is_never_taken_for_the_end(
    body: Body, sizes: Sequence[int], data: st.DataObject
) -> None:
    """A prefix is not terminated; what it calls whole is whole, and all else is a prefix."""
    cut = data.draw(st.integers(0, body.closed - 1))
    reader = MultipartReader(divided(body.bytes[:cut], sizes), body.boundary)
    read = [(b"".join(part.chunks), part.whole) for part in reader.parts()]

    assert Ending.TERMINATED is not reader.ending
    for (content, whole), sent, end in zip(read, body.parts, body.ends, strict=False):
        if whole:
            assert sent.content == content
            assert cut >= end
    *before, last = [True, *(whole for _, whole in read)]
    assert all(before)
    assert last == (reader.ending is not Ending.CUT)


@given(bodies(), sizes, st.data())
def test_every_part_of_known_length_is_saved(
    body: Body, sizes: Sequence[int], data: st.DataObject
) -> None:
    """A part that has all come and says its length is whole, wherever the body is cut after it."""
    cut = data.draw(st.integers(0, len(body.bytes)))
    reader = MultipartReader(divided(body.bytes[:cut], sizes), body.boundary)
    read = [(b"".join(part.chunks), part.whole) for part in reader.parts()]

    known = [b"Length" in part.head for part in body.parts]
    come = [end <= cut for end, known in zip(body.ends, known, strict=True) if known]
    told = [whole for (_, whole), known in zip(read, known, strict=False) if known]
    assert sum(come) == sum(told)


@given(bodies(), sizes, st.data())
def test_parts_may_be_skipped(body: Body, sizes: Sequence[int], data: st.DataObject) -> None:
    """What is not taken of a part changes nothing for the parts after it."""
    reader = MultipartReader(divided(body.bytes, sizes), body.boundary)
    taken: list[bytes | None] = []
    for part in reader.parts():
        wanted = data.draw(st.sampled_from(["all", "one chunk", "nothing"]))
        if wanted == "one chunk":
            next(part.chunks, None)
        taken.append(b"".join(part.chunks) if wanted == "all" else None)

    assert len(body.parts) == len(taken)
    for sent, content in zip(body.parts, taken, strict=True):
        assert content in (None, sent.content)


@given(st.binary(max_size=300), st.none() | st.sampled_from(["b", "--"]), sizes)
def test_anything_at_all(body: bytes, boundary: str | None, sizes: Sequence[int]) -> None:
    """Any bytes are read to the end, without an error, and none is made up."""
    body = body.replace(b"\1", b"\r\n--b\r\n").replace(b"\2", b"\r\n--b--")
    reader = MultipartReader(divided(body, sizes), boundary, PartLimits())

    assert all(b"".join(part.chunks) in body for part in reader.parts())
