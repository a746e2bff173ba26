"""XML from strangers: bounded, without entities, told of piece by piece."""

from __future__ import annotations

import pytest

from gurney.core import BudgetExceededError, GurneyError, ProtocolViolationError
from gurney.legacy.documents import Attributes, DocumentReader, Elements


class Told(Elements):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.texts: list[str] = []

    def begin(self, namespace: str, name: str, attributes: Attributes, /) -> None:
        self.names.append(f"{{{namespace}}}{name}{dict(attributes)}")

    def text(self, content: str, /) -> None:
        self.texts.append(content)

    def end(self) -> None:
        self.names.append("end")


def read(*chunks: bytes, budget: int = 1 << 20) -> tuple[Told, DocumentReader]:
    """Read a document."""
    told = Told()
    reader = DocumentReader(told, "GET it", budget)
    for chunk in chunks:
        reader.feed(chunk)
    return told, reader


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_pieces_do_not_matter(size: int) -> None:
    """Names have their namespaces, whatever their prefix; attributes do without."""
    content = "<a:b xmlns:a='urn:x' c='ü'>é<d a:e='1'/></a:b>\n".encode()
    told, reader = read(*(content[at : at + size] for at in range(0, len(content), size)))

    assert ["{urn:x}b{'c': 'ü'}", "{}d{'e': '1'}", "end", "end"] == told.names
    assert "é" == "".join(told.texts)
    assert reader.begun
    assert reader.ended


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    """The document says which; UTF-16 by its first bytes."""
    told, _ = read(f"<?xml version='1.0' encoding='{encoding}'?><a>é</a>".encode(encoding))

    assert ["é"] == told.texts


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<!DOCTYPE a SYSTEM 'http://elsewhere.invalid/a.dtd'><a/>",
        b"<!DOCTYPE a [<!ENTITY % b SYSTEM 'file:///etc/passwd'> %b;]><a/>",
    ],
)
def test_a_document_type_is_refused(content: bytes) -> None:
    """Whatever it is good for: no entity can be defined then (X01)."""
    with pytest.raises(ProtocolViolationError, match="document type or entities") as caught:
        read(content)

    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "content",
    [
        b"DOE^JANE",
        b"<a>&nbsp;</a>",
        b"<a></b>",
        b"<a/><a/>",
        b"<a b='1' b='2'/>",
        b"<x:a/>",
        b"<?xml version='1.0' encoding='DOE'?><a/>",
        b"<a>\x00</a>",
    ],
)
def test_what_is_broken_is_told_without_its_words(content: bytes) -> None:
    """Nothing of it is repeated, neither in the error nor in what led to it."""
    with pytest.raises(ProtocolViolationError) as caught:
        read(content)

    assert "DOE" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "content",
    [
        b"<a>" * 100,
        b"<a>" + b"x" * (1 << 20),
        b"<a b='" + b"x" * (1 << 20),
        b"<a><!--" + b"x" * (1 << 20),
    ],
    ids=["deep", "text", "tag", "comment"],
)
def test_there_is_a_budget(content: bytes) -> None:
    """For depth, and for bytes."""
    with pytest.raises(BudgetExceededError):
        read(content)


@pytest.mark.parametrize("begin", [b"<a b='", b"<a><!--", b"<a><?"])
def test_what_the_parser_holds_is_bounded(begin: bytes) -> None:
    """A tag or a comment of megabytes is held as a whole, and read anew with each piece."""
    with pytest.raises(BudgetExceededError, match="a tag of the answer has no end"):
        read(begin, *[b"x" * 65536] * 200, budget=1 << 30)


def test_what_is_taken_away_does_not_count() -> None:
    """Who takes text away gives its bytes back to the budget."""
    told = Told()
    reader = DocumentReader(told, "GET it", 100_000)
    reader.feed(b"<a>")
    for _ in range(10):
        reader.feed(b"x" * 50_000)
        reader.give_back(50_000)

    assert 500_000 == sum(map(len, told.texts))


class Refusing(Told):
    """Has enough at once."""

    def end(self) -> None:
        raise BudgetExceededError("enough")


def test_errors_of_who_is_told_are_passed_on() -> None:
    """They are ours already."""
    with pytest.raises(GurneyError, match="enough"):
        DocumentReader(Refusing(), "GET it").feed(b"<a/>")
