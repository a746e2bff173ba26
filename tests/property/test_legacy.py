"""Laws of XML from archives: however it is cut and ordered, it says the same, or it is refused."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from xml.sax.saxutils import quoteattr

from hypothesis import given
from hypothesis import strategies as st

from gurney.core import (
    DICOMObjectLevels,
    GurneyError,
    InstanceReference,
    ProtocolViolationError,
    SeriesReference,
    TransferInterruptedError,
    encode,
)
from gurney.fetching import Arrived, Withheld
from gurney.http import Answer
from gurney.legacy.documents import DocumentReader
from gurney.legacy.mint.reading import SearchResults
from gurney.legacy.rad69.arriving import answers
from gurney.retrieving import Wanted, expectation
from gurney.testing.making import MadeSeries, made

STUDY = made("1.2.3", {}, MadeSeries("CT", 4, size=8))
FILES = {str(dataset.SOPInstanceUID): encode(dataset) for dataset in STUDY}
UIDS = list(FILES)
SERIES = str(STUDY[0].SeriesInstanceUID)
WANTED = Wanted(
    SeriesReference("1.2.3", SERIES),
    expectation(InstanceReference("1.2.3", SERIES, uid) for uid in UIDS),
    all_wanted=False,
    by_list=True,
)
values = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\\"),
    max_size=20,
)


def names_in(content: bytes, size: int) -> list[tuple[str, ...]]:
    """Return what a MINT answer, fed in pieces, says of its instances."""
    results = SearchResults(DICOMObjectLevels.INSTANCE, "GET it")
    reader = DocumentReader(results, "GET it")
    for at in range(0, len(content), size):
        reader.feed(content[at : at + size])
    keywords = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID")
    return [tuple(item.text(keyword) for keyword in keywords) for item in results.items]


def mint(patient: str, first: Sequence[bool]) -> bytes:
    """Return a MINT answer of one instance: attributes of each level before or after children."""

    def node(name: str, tag: str, uid: str, inside: str, before: bool) -> str:
        attr = f'<attr tag="{tag}" vr="UI" val="{uid}"/>'
        if name == "study":
            attr += f'<attr tag="00100020" vr="LO" val={quoteattr(patient)}/>'
        return f"<{name}>{attr if before else ''}{inside}{'' if before else attr}</{name}>"

    instance = node("instance", "00080018", "1.2.3.4", "", first[0])
    series = node("series", "0020000E", "1.2.3", instance, first[1])
    study = node("study", "0020000D", "1.2", series, first[2])
    root = "studySearchResults"
    return f'<{root} xmlns="http://medical.nema.org/mint">{study}</{root}>'.encode()


@given(values, st.lists(st.booleans(), min_size=3, max_size=3), st.integers(1, 200))
def test_order_and_pieces_do_not_matter(patient: str, first: list[bool], size: int) -> None:
    """Attributes may come before or after what is in an object (X04)."""
    said = patient.strip(" ")

    assert [("1.2", "1.2.3", "1.2.3.4", said)] == names_in(mint(patient, first), size)


@given(st.integers(0, 200), st.binary(max_size=5), st.integers(1, 64))
def test_damaged_xml_says_something_or_is_refused(at: int, damage: bytes, size: int) -> None:
    """It never fails otherwise."""
    content = mint("7", [True, False, True])
    with suppress(GurneyError):
        names_in(content[:at] + damage + content[at:], size)


def rad69(order: Sequence[int], inline: Sequence[bool], root_at: int, boundary: bytes) -> bytes:
    """Return an answer of RAD-69: these files in this order, some of them inside the root."""
    documents = "".join(
        f"<DocumentResponse><DocumentUniqueId>{uid}</DocumentUniqueId><Document>"
        + (base64.b64encode(FILES[uid]).decode() if inside else f'<Include href="cid:{uid}%40x"/>')
        + "</Document></DocumentResponse>"
        for uid, inside in zip(UIDS, inline, strict=True)
    )
    root = (
        "<Envelope><Body><RetrieveDocumentSetResponse><RegistryResponse status='a:Success'/>"
        f"{documents}</RetrieveDocumentSetResponse></Body></Envelope>"
    )
    parts = [(UIDS[i], FILES[UIDS[i]]) for i in order if not inline[i]]
    parts.insert(min(root_at, len(parts)), ("root", root.encode()))
    body = b"".join(
        b"--%s\r\nContent-ID: <%s@x>\r\n\r\n%s\r\n" % (boundary, name.encode(), content)
        for name, content in parts
    )
    return body + b"--" + boundary + b"--"


def answer_of(body: bytes, size: int) -> Answer:
    """Return an answer that comes in pieces, and ends with its connection."""
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return Answer(
        asked="POST it",
        url="",
        status=200,
        headers={"content-type": 'multipart/related; boundary=b; start="<root@x>"'},
        chunks=pieces,
        document_budget=1 << 20,
        resources=ExitStack(),
    )


def taken(body: bytes, size: int) -> tuple[dict[str, bytes], list[Withheld], GurneyError | None]:
    """Return what comes of an answer, by UID; what it withholds; and how it fails."""
    files: dict[str, bytes] = {}
    withheld: list[Withheld] = []
    answer = answer_of(body, size)
    try:
        for arrived in answers(WANTED, answer, answer.chunks()):
            if isinstance(arrived, Arrived):
                files[arrived.uids[2]] = b"".join(arrived.chunks)
            else:
                withheld.append(arrived)
    except GurneyError as error:
        return files, withheld, error
    return files, withheld, None


orders = st.permutations(range(4))
insides = st.lists(st.booleans(), min_size=4, max_size=4)


@given(orders, insides, st.integers(0, 4), st.integers(1, 5000))
def test_every_order_brings_every_document(
    order: list[int], inline: list[bool], root_at: int, size: int
) -> None:
    """Parts before or after the root, or inside of it, in pieces of any size (X03)."""
    assert (FILES, [], None) == taken(rad69(order, inline, root_at, b"b"), size)


@given(orders, insides, st.integers(0, 4), st.integers(1, 5000), st.floats(0, 1, exclude_max=True))
def test_a_cut_is_never_taken_for_the_end(
    order: list[int], inline: list[bool], root_at: int, size: int, share: float
) -> None:
    """What comes of an answer that was cut is whole; the cut is told (W01)."""
    body = rad69(order, inline, root_at, b"b")
    files, _, error = taken(body[: int(len(body) * share)], size)

    assert error is not None
    assert files.items() <= FILES.items()


def test_a_cut_between_two_parts_is_a_cut() -> None:
    """The archive was about to send more: it is to be asked for the same again."""
    body = rad69([0, 1, 2, 3], [False] * 4, 0, b"b")
    second = body.index(f"Content-ID: <{UIDS[1]}".encode())
    files, withheld, error = taken(body[:second], 1000)

    assert UIDS[:1] == list(files)
    assert [] == withheld
    assert isinstance(error, TransferInterruptedError)


def test_base64_without_its_end_is_no_document() -> None:
    """Nobody else would notice that a file ends too early."""
    body = rad69([], [True] * 4, 0, b"b")
    end = base64.b64encode(FILES[UIDS[0]])[-12:]
    files, _, error = taken(body.replace(end + b"<", end[:-2] + b"<", 1), 1000)

    assert {} == files
    assert isinstance(error, ProtocolViolationError)
