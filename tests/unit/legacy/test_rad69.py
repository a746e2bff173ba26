"""What RAD-69 is made of: questions, names of parts, the root of an answer, and its memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final

import pytest
import requests
from defusedxml.ElementTree import fromstring
from pydicom.dataset import Dataset

from gurney.core import (
    CHUNK_SIZE,
    BudgetExceededError,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    encode,
)
from gurney.fetching import Arrived
from gurney.http import Answer, Transport
from gurney.legacy import Rad69
from gurney.legacy.documents import DocumentReader
from gurney.legacy.rad69.arriving import answers
from gurney.legacy.rad69.asking import Asking
from gurney.legacy.rad69.response import Response, cid_of, spool
from gurney.manners import Pace
from gurney.retrieving import Wanted, expectation
from gurney.testing import example_datasets, reference_of
from gurney.testing.legacy import LegacyServer

RAD: Final = "{urn:ihe:rad:xdsi-b:2009}"
ITI: Final = "{urn:ihe:iti:xds-b:2007}"
REFERENCES: Final = [
    InstanceReference("1.2", "1.2.1", "1.2.1.1"),
    InstanceReference("1.2", "1.2.1", "1.2.1.2"),
]
ASKING: Final = Asking("1.3.6.1.4.1000")
MIB: Final = 1 << 20


# ---------------------------------------------------------------- questions


def test_a_question_names_study_series_and_documents() -> None:
    """One request in the body, and nothing else (IHE RAD TF-2 4.69.4.1.2)."""
    _, body = Asking("1.2.3", "urn:oid:1.2.4", ("1.2.840.10008.1.2.1",), mtom=False).request(
        REFERENCES, "https://archive.example/rids?a=b&c"
    )
    envelope = fromstring(body)
    (question,) = envelope[1]

    assert f"{RAD}RetrieveImagingDocumentSetRequest" == question.tag
    assert ["1.2"] == [each.get("studyInstanceUID") for each in question.iter(f"{RAD}StudyRequest")]
    assert ["1.2.1.1", "1.2.1.2"] == [e.text for e in question.iter(f"{ITI}DocumentUniqueId")]
    assert {"1.2.3"} == {e.text for e in question.iter(f"{ITI}RepositoryUniqueId")}
    assert {"urn:oid:1.2.4"} == {e.text for e in question.iter(f"{ITI}HomeCommunityId")}
    assert ["1.2.840.10008.1.2.1"] == [e.text for e in question.iter(f"{RAD}TransferSyntaxUID")]


@pytest.mark.parametrize("mtom", [True, False])
def test_a_question_names_no_community_unless_told(mtom: bool) -> None:
    """The element is optional; an empty one would be another community."""
    headers, body = Asking("1.2.3", mtom=mtom).request(REFERENCES, "https://archive.example/rids")

    assert b"HomeCommunityId" not in body
    assert mtom is headers["Content-Type"].startswith("multipart/related")


def test_each_question_has_an_id_of_its_own() -> None:
    """An archive may take the second message with the same id for the first."""
    assert ASKING.request(REFERENCES, "")[1] != ASKING.request(REFERENCES, "")[1]


def test_settings_are_checked() -> None:
    """Ids are OIDs; there is a transfer syntax, and a document."""
    with pytest.raises(InvalidUIDError):
        Rad69("http://localhost/rids", repository_id="a/b")
    with pytest.raises(InvalidInputError, match="urn:oid:"):
        Rad69("http://localhost/rids", home_community_id="here & there")
    with pytest.raises(InvalidInputError, match="one transfer syntax or more"):
        Rad69("http://localhost/rids", transfer_syntaxes=[])
    with pytest.raises(InvalidInputError, match="1 document in each or more"):
        Rad69("http://localhost/rids", documents=0)
    with pytest.raises(InvalidInputError, match="has its own session"):
        Rad69(Transport("http://localhost/rids"), requests.Session())


def test_pace_is_kept() -> None:
    """Each request is counted, and each byte."""
    pace = Pace()
    files = example_datasets()
    with LegacyServer(files) as server:
        Rad69(server.rad69, pace=pace).get_dataset(reference_of(files[0]))

    assert 1 == pace.requests
    assert len(encode(files[0])) < pace.bytes_received


# ---------------------------------------------------------------- the root


@pytest.mark.parametrize(
    "text",
    ["<a+b%@c>", "cid:a+b%25@c", "CID:a%2Bb%25%40c", " <a+b%@c> ", "a+b%@c"],
)
def test_names_of_parts_are_the_same_however_written(text: str) -> None:
    """In angle brackets, or as a URL (RFC 2392)."""
    assert "a+b%@c" == cid_of(text)


def read(content: bytes, budget: int = MIB) -> Response:
    """Read a root."""
    response = Response("POST it", budget)
    DocumentReader(response, "POST it").feed(content)
    return response


def test_every_error_is_read() -> None:
    """With what may be said of it."""
    response = read(
        b"<Envelope><Body><RetrieveDocumentSetResponse>"
        b"<RegistryResponse status='urn:x:ResponseStatusType:PartialSuccess'><RegistryErrorList>"
        b"<RegistryError errorCode='XDSMissingDocument' location='1.2' severity='a:Error'/>"
        b"<RegistryError errorCode='urn:ihe:XDSRepositoryBusy' location='1.3'/>"
        b"<RegistryError errorCode='DOE^JANE' severity='a:Warning'/>"
        b"</RegistryErrorList></RegistryResponse></RetrieveDocumentSetResponse></Body></Envelope>"
    )

    assert "PartialSuccess" == response.status
    assert [
        ("XDSMissingDocument", "1.2", True),
        ("XDSRepositoryBusy", "1.3", False),
        ("an error with a code of its own", "", False),
    ] == [(error.words, error.location, error.is_final) for error in response.errors]


@pytest.mark.parametrize("number", [1, 2, 3, 7, 64])
def test_base64_may_come_in_pieces(number: int) -> None:
    """Of any size, with white space anywhere."""
    import base64

    content = bytes(range(256)) * 3
    text = base64.encodebytes(content)
    response = Response("POST it", MIB)
    reader = DocumentReader(response, "POST it")
    reader.feed(b"<Envelope><DocumentResponse><Document>")
    for at in range(0, len(text), number):
        reader.feed(text[at : at + number])
    reader.feed(b"</Document></DocumentResponse></Envelope>")
    (document,) = response.documents
    assert document.inline is not None
    document.inline.seek(0)

    assert content == document.inline.read()
    response.close()


def test_documents_inside_of_the_root_have_a_budget() -> None:
    """They wait on disk."""
    with pytest.raises(BudgetExceededError, match="inside of XML"):
        read(b"<Envelope><DocumentResponse><Document>" + b"QUJD" * MIB, budget=1000)


# ---------------------------------------------------------------- memory


class Large:
    """An instance of so many MiB that is made while it is sent."""

    def __init__(self, mib: int) -> None:
        dataset = Dataset()
        dataset.update(example_datasets()[0])
        self.reference = reference_of(dataset)
        dataset.PixelData = b""
        head = encode(dataset)
        self._head = head[:-4] + (mib * MIB).to_bytes(4, "little")
        self._mib = mib

    @property
    def size(self) -> int:
        return len(self._head) + self._mib * MIB

    def chunks(self) -> Iterator[bytes]:
        yield self._head
        for _ in range(self._mib):
            yield bytes(MIB)


def answer_of(large: Large, *, root_last: bool = False) -> Answer:
    """Return an answer with a large instance."""
    root = (
        b"<Envelope><Body><RetrieveDocumentSetResponse><RegistryResponse status='a:Success'/>"
        b"<DocumentResponse><DocumentUniqueId>%s</DocumentUniqueId>"
        b"<Document><Include href='cid:d'/></Document></DocumentResponse>"
        b"</RetrieveDocumentSetResponse></Body></Envelope>"
    ) % large.reference.instance_uid.encode()

    def body() -> Iterator[bytes]:
        first = b"--b\r\nContent-ID: <r>\r\n\r\n" + root + b"\r\n"
        if not root_last:
            yield first
        yield b"--b\r\nContent-ID: <d>\r\n\r\n"
        yield from large.chunks()
        yield b"\r\n"
        if root_last:
            yield first
        yield b"--b--"

    return Answer(
        asked="POST it",
        url="",
        status=200,
        headers={"content-type": 'multipart/related; boundary=b; start="<r>"'},
        chunks=body(),
        document_budget=MIB,
        resources=ExitStack(),
    )


@pytest.mark.parametrize("root_last", [False, True])
def test_memory_is_that_of_a_few_chunks(root_last: bool) -> None:
    """Whatever the size of an instance, and wherever the root is."""
    large = Large(100)
    answer = answer_of(large, root_last=root_last)
    wanted = Wanted(large.reference, expectation([large.reference]))
    came = 0
    tracemalloc.start()
    try:
        for arrived in answers(wanted, answer, answer.chunks()):
            assert isinstance(arrived, Arrived)
            for chunk in arrived.chunks:
                assert CHUNK_SIZE >= len(chunk)
                came += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert large.size == came
    assert 24 * MIB > peak


def test_many_that_wait_for_the_root_are_no_burden(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share one place to wait: neither memory nor open files grow with their number."""
    made: list[IO[bytes]] = []

    def remembered() -> IO[bytes]:
        made.append(spool())
        return made[-1]

    monkeypatch.setattr("gurney.legacy.rad69.arriving.spool", remembered)

    def body() -> Iterator[bytes]:
        for number in range(40):
            yield b"--b\r\nContent-ID: <%d>\r\n\r\n" % number
            yield bytes(MIB)
            yield b"\r\n"
        yield b"--b\r\nContent-ID: <r>\r\n\r\n<Envelope><Body>"
        yield b"<RegistryResponse status='a:Failure'/></Body></Envelope>\r\n--b--"

    answer = Answer(
        asked="POST it",
        url="",
        status=200,
        headers={"content-type": 'multipart/related; boundary=b; start="<r>"'},
        chunks=body(),
        document_budget=MIB,
        resources=ExitStack(),
    )
    wanted = Wanted(REFERENCES[0], expectation(REFERENCES))
    tracemalloc.start()
    try:
        came = list(answers(wanted, answer, answer.chunks()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert 2 == len(came)  # both are withheld
    assert 24 * MIB > peak
    assert [True] == [one.closed for one in made]


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited on disk is gone, also when nobody takes it."""
    made: list[IO[bytes]] = []

    def remembered() -> IO[bytes]:
        made.append(spool())
        return made[-1]

    monkeypatch.setattr("gurney.legacy.rad69.arriving.spool", remembered)
    large = Large(8)
    answer = answer_of(large, root_last=True)
    wanted = Wanted(large.reference, expectation([large.reference]))
    arrived = answers(wanted, answer, answer.chunks())
    next(arrived)
    assert isinstance(arrived, Iterator)
    getattr(arrived, "close")()  # noqa: B009  it is a generator

    assert [True] == [one.closed for one in made]
