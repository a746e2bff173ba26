"""Faults of the DIMSE archive for tests: the table is complete, and each is seen on the wire."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Any, Final

import attrs
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless
from tests.unit.testing.asking import (
    CAPTURE,
    LONG,
    NATIVE,
    STUDY_ROOT,
    Answer,
    ByHand,
    Client,
    Received,
    Receiver,
    read,
    receiver,
)
from typing_extensions import override

from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    InvalidInputError,
    StudyReference,
    encode,
)
from gurney.testing import MemoryArchive, differences, example_datasets
from gurney.testing.dimse import (
    FAULTS,
    Agreement,
    DIMSEServer,
    Done,
    Ending,
    Exchange,
    Fault,
    Plan,
    Progress,
    Proposal,
    Rejection,
    Served,
    Service,
    Status,
    Store,
)
from gurney.testing.dimse.stored import opened
from gurney.testing.making import MadeSeries, made

QUIRKS: Final = [f"D{number:02}" for number in range(1, 33)]
ON_THE_WIRE: Final = [quirk for quirk in QUIRKS if FAULTS[quirk].on_the_wire]
HEAD: Final = "2.25.4002"
HEADS: Final = ["2.25.400201001", "2.25.400201002", "2.25.400202001"]
DEFLATED: Final = "2.25.4006"

FIND: Final = ("find", "STUDY", {"StudyInstanceUID": ""})
IMAGES: Final = (
    "find",
    "IMAGE",
    {"StudyInstanceUID": HEAD, "SeriesInstanceUID": f"{HEAD}01", "InstanceNumber": ""},
)
GET: Final = ("get", "STUDY", {"StudyInstanceUID": HEAD})
MOVE: Final = ("move", "STUDY", {"StudyInstanceUID": HEAD})

# A request that a well-behaved archive answers differently, and the settings that show it.
TELLING: Final[Mapping[str, tuple[str, str, dict[str, Any]]]] = {
    **dict.fromkeys(("D01", "D02", "D03", "D04", "D28", "D29"), FIND),
    **dict.fromkeys(("D05",), ("find", "STUDY", {"PatientID": "EX-1"})),
    "D06": ("find", "STUDY", {"StudyDescription": "Head"}),
    "D07": ("find", "SERIES", {"SeriesInstanceUID": ""}),
    "D09": ("get", "STUDY", {"StudyInstanceUID": ""}),
    **dict.fromkeys(("D10", "D11", "D12", "D13", "D14", "D16", "D19", "D30", "D31"), GET),
    **dict.fromkeys(("D15", "D18"), MOVE),
    "D22": ("get", "STUDY", {"StudyInstanceUID": "2.25.4005"}),
    "D23": ("get", "STUDY", {"StudyInstanceUID": [HEAD, "2.25.4001"]}),
    "D24": ("get", "STUDY", {"StudyInstanceUID": HEAD, "AccessionNumber": "EX-A2"}),
    "D25": ("find", "STUDY", {"PatientID": "EX-1", "PatientName": ""}),
    "D26": IMAGES,
}
SEEN_OTHERWISE: Final = ("D17", "D18", "D20", "D26")  # in when, or how, it is sent: see below
CONTEXTS: Final = [(CAPTURE, [*NATIVE, str(RLELossless)])]


@pytest.fixture(scope="module")
def storage() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def datasets() -> list[Dataset]:
    """Return the examples, and two of which one is compressed, one deflated to an odd length."""
    series = MadeSeries("XA", 1, transfer_syntax=RLELossless)
    return [*example_datasets(), *made("2.25.4005", {"PatientID": "EX-5"}, series)]


@attrs.frozen
class Wire:
    """What was seen of an exchange."""

    ended: str
    answers: tuple[Any, ...]
    received: tuple[Received, ...]
    moved: tuple[Received, ...]


def wire(storage: Receiver, faults: Sequence[str | Fault], quirk: str, **settings: Any) -> Wire:
    """Ask what tells, and return what is seen of the answer."""
    service, level, keys = TELLING[quirk] if quirk != "D32" else GET
    keys = {**keys, "StudyInstanceUID": odd_study()} if quirk == "D32" else keys
    storage.received.clear()
    special: dict[str, Served] = {"D22": datasets()[8:], "D32": Odd()}
    served = special.get(quirk, datasets())
    contexts = [(CAPTURE, [str(DeflatedExplicitVRLittleEndian)])] if quirk == "D32" else CONTEXTS
    destinations = {"RECEIVER": storage.address}
    server = DIMSEServer(served, faults, destinations=destinations, **settings)
    with server, Client(server, contexts) as client:
        more = ["RECEIVER"] if service == "move" else []
        answers: list[Answer] = []
        with suppress(ValueError):  # pynetdicom's word for a context that is not there
            answers = getattr(client, service)(level, *more, **keys)
    seen = tuple((one.status, one.numbers, str(one.item)) for one in answers)
    return Wire(server.associations[0].ended, seen, tuple(client.received), tuple(storage.received))


class Odd(MemoryArchive):
    """Holds a deflated instance of odd length, as it comes from those who do not pad."""

    def __init__(self) -> None:
        super().__init__(map(deflated, range(9)))

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Leave the padding out."""
        for file in super().files(objects):
            content = file.read()
            data = b"".join(opened(iter([content])).pieces)
            stream = zlib.decompressobj(-zlib.MAX_WBITS)
            stream.decompress(data)
            padding = len(stream.unused_data)
            yield DICOMFile(iter([content[: len(content) - padding]]), file.reference)


def deflated(number: int) -> Dataset:
    """Return one of an archive's instances, each of another length."""
    series = MadeSeries("OT", 1, {"SeriesDescription": "".join(map(str, range(number)))})
    (dataset,) = made(f"{DEFLATED}{number}", {}, series)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def odd_study() -> str:
    """Return the study of an instance of odd length."""
    studies = [f"{DEFLATED}{number}" for number in range(9)]
    for file in Odd().files(map(StudyReference, studies)):
        if sum(map(len, opened(file.chunks).pieces)) % 2 and file.reference is not None:
            return file.reference.uids[0]
    raise AssertionError("none is odd")


def statuses(seen: Wire) -> list[int | None]:
    """Return those of all answers."""
    return [status for status, _, _ in seen.answers]


def uids(received: Sequence[Received]) -> list[str]:
    """Return those of instances."""
    return [one.uid for one in received]


def test_table_is_complete() -> None:
    """Every quirk of DIMSE has its fault, in order."""
    assert QUIRKS == list(FAULTS)


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_fault_is_documented_in_one_line(quirk: str) -> None:
    """The list of faults says of each what it does."""
    text = FAULTS[quirk].__doc__ or ""

    assert text.endswith(".")
    assert 20 < len(text) < 100
    assert "\n" not in text


@pytest.mark.parametrize("quirk", [quirk for quirk in ON_THE_WIRE if quirk not in SEEN_OTHERWISE])
def test_a_fault_is_seen_on_the_wire(storage: Receiver, quirk: str) -> None:
    """One request, two answers: from the archive that behaves, and from the one that does not."""
    good = wire(storage, [], quirk)
    bad = wire(storage, [quirk], quirk, cap=2)

    assert good == wire(storage, [], quirk)
    assert good != bad


def test_what_is_not_on_the_wire_is_said() -> None:
    """Mistakes of a client's own (D08, D27), and what is a matter of data (D21)."""
    assert ["D08", "D21", "D27"] == [quirk for quirk in QUIRKS if quirk not in ON_THE_WIRE]


@pytest.mark.parametrize("cap", [0, 2, 4, 5])
@pytest.mark.parametrize(
    ("quirk", "status"), [("D01", 0xA700), ("D02", 0xFE00), ("D03", 0x0000), ("D04", 0xA700)]
)
def test_caps(storage: Receiver, quirk: str, status: int, cap: int) -> None:
    """As many as the cap, also none, then this status; if there are no more, it is as it was."""
    found = statuses(wire(storage, [quirk], quirk, cap=cap))

    all_are_sent = cap >= 5
    sent = 5 if all_are_sent else 0 if quirk == "D04" else cap
    assert [*[0xFF00] * sent, 0 if all_are_sent else status] == found


def test_caps_have_a_default() -> None:
    """Five."""
    served = made("2.25.4005", {}, *[MadeSeries("OT", 1)] * 7)
    with DIMSEServer(served, ["D01"]) as server, Client(server) as client:
        answers = client.find("SERIES", StudyInstanceUID="2.25.4005", SeriesInstanceUID="")

    assert [*[0xFF00] * 5, 0xA700] == [answer.status for answer in answers]


def test_another_status(storage: Receiver) -> None:
    """Archives differ in it."""
    assert [0xC123] == statuses(wire(storage, ["D04"], "D04", cap=2, status=0xC123))


def test_keys_are_ignored() -> None:
    """All but unique keys, or those that are named; what is returned is true."""
    with DIMSEServer(datasets(), ["D05"]) as server, Client(server) as client:
        everything = client.find("STUDY", PatientID="EX-1", StudyInstanceUID="")
        one = client.find("STUDY", PatientID="EX-1", StudyInstanceUID=HEAD)
    with DIMSEServer(datasets(), ["D05"], keys=["StudyDate"]) as server, Client(server) as client:
        named = client.find("STUDY", PatientID="EX-1", StudyDate="20240115")

    assert ["EX-1", "EX-1", "EX-2", "EX-3", "EX-5"] == texts(everything, "PatientID")
    assert [HEAD] == texts(one, "StudyInstanceUID")
    assert ["20240115", "20240302"] == texts(named, "StudyDate")
    assert b"EX-1" in server.requests[0].content


def test_unknown_keys_find_nothing() -> None:
    """Those that PS3.4 C.6 does not require, or those that are named; empty ones do no harm."""
    with DIMSEServer(datasets(), ["D06"]) as server, Client(server) as client:
        required = client.find("STUDY", PatientID="EX-1", StudyDescription="")
        optional = client.find("STUDY", PatientID="EX-1", StudyDescription="Head")
    with DIMSEServer(datasets(), ["D06"], keys=["PatientID"]) as server, Client(server) as client:
        named = client.find("STUDY", PatientID="EX-1")
        other = client.find("STUDY", StudyDescription="Head")

    assert [3, 1, 1, 2] == list(map(len, (required, optional, named, other)))


def texts(answers: list[Answer], keyword: str) -> list[str]:
    """Return the values of a key, of all results."""
    return sorted(answer.text(keyword) for answer in answers[:-1])


def test_parents_are_needed_whatever_was_agreed_on() -> None:
    """0xC000, where relational queries were granted; nothing is said of a search that has them."""
    server = DIMSEServer(datasets(), ["D07"])
    with server, Client(server, extended={f"{STUDY_ROOT}1": b"\1"}) as client:
        missing = client.find("SERIES", SeriesInstanceUID="")
        given = client.find("SERIES", SeriesInstanceUID="", StudyInstanceUID=HEAD)
        image = client.get("IMAGE", SOPInstanceUID=HEADS[0])

    assert [0xC000] == [answer.status for answer in missing]
    assert 3 == len(given)
    assert [0xC000] == [answer.status for answer in image]


@pytest.mark.parametrize("uid", ["", "*", "2.25.400?"])
def test_an_empty_uid_sends_everything(uid: str) -> None:
    """That is why it is never sent."""
    with DIMSEServer(example_datasets(), ["D09"]) as server, Client(server) as client:
        *_, last = client.get("STUDY", StudyInstanceUID=uid)

    assert 0 == last.status
    assert 8 == len(client.received)


def test_nothing_is_sent(storage: Receiver) -> None:
    """0x0000 and no sub-operations (D10), or 0xC000 (D11)."""
    nothing, unknown = wire(storage, ["D10"], "D10"), wire(storage, ["D11"], "D11")

    assert ((0, (None, 0, 0, 0), "None"),) == nothing.answers
    assert [0xC000] == statuses(unknown)
    assert () == nothing.received == unknown.received


@pytest.mark.parametrize(
    ("settings", "status", "listed"),
    [
        ({}, 0xB000, True),
        ({"listed": False}, 0xB000, False),
        ({"failing": HEADS}, 0xA702, True),
        ({"status": 0xA702}, 0xA702, True),
    ],
)
def test_failures(storage: Receiver, settings: dict[str, Any], status: int, listed: bool) -> None:
    """Counted; under a status that says so, with a list or without (D13), or under 0x0000 (D12)."""
    failing = settings.get("failing", HEADS[2:])
    said, unsaid = wire(storage, ["D13"], "D13", **settings), wire(storage, ["D12"], "D12")

    assert (status, (None, 3 - len(failing), len(failing), 0)) == said.answers[-1][:2]
    assert listed == ("Failed SOP Instance UID List" in said.answers[-1][2])
    assert [uid for uid in HEADS if uid not in failing] == uids(said.received)
    assert (0, (None, 2, 1, 0), "None") == unsaid.answers[-1]
    assert HEADS[:2] == uids(unsaid.received)


def test_roles_are_not_granted(storage: Receiver) -> None:
    """No item in the answer; whoever asks nevertheless gets nothing."""
    seen = wire(storage, ["D14"], "D14")

    assert (0xA702, (None, 0, 3, 0)) == seen.answers[-1][:2]
    assert () == seen.received


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, [0xA801]), ({"status": 0xC000}, [0xC000]), ({"ending": "abort"}, [None])],
)
def test_destination_is_unknown(
    storage: Receiver, settings: dict[str, Any], expected: list[int | None]
) -> None:
    """In three forms."""
    seen = wire(storage, ["D15"], "D15", **settings)

    assert expected == statuses(seen)
    assert ("aborted" if expected == [None] else "released") == seen.ended
    assert () == seen.moved


def test_counts_are_absent(storage: Receiver) -> None:
    """In all responses; what is sent is all the same."""
    seen = wire(storage, ["D16"], "D16")

    assert [(None, None, None, None)] * 3 == [numbers for _, numbers, _ in seen.answers]
    assert HEADS == uids(seen.received)


class Asked(Fault):
    """Says when something was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.event: Event = Event()

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Say so."""
        self.event.set()
        return plan


def test_silence() -> None:
    """Nothing comes before it is over, and nothing between the first answer and the second."""
    resume, asked = Event(), Asked()
    with DIMSEServer(datasets(), [asked, "D17"], resume=resume) as server:
        client = ByHand(server)
        client.line.send(client.request(1, StudyInstanceUID=""))
        assert asked.event.wait(LONG)
        before = client.line.readable()
        resume.set()
        answers = [client.read().command["Status"] for _ in range(6)]
        client.line.close()

    assert not before
    assert [*[0xFF00] * 5, 0] == answers


def test_silence_of_a_time() -> None:
    """Without an event to wait for it is a pause."""
    with DIMSEServer(datasets(), ["D17"], pause=0.001) as server, Client(server) as client:
        assert 6 == len(client.find("STUDY", StudyInstanceUID=""))
        assert 0 == client.echo()


def test_late_stores(storage: Receiver) -> None:
    """The final response counts instances that come after it, when the association has gone."""
    resume = Event()
    storage.received.clear()
    destinations = {"RECEIVER": storage.address}
    with DIMSEServer(datasets(), ["D18"], destinations=destinations, resume=resume) as server:
        with Client(server) as client:
            *_, last = client.move("STUDY", "RECEIVER", StudyInstanceUID=HEAD)
        before = uids(storage.received)
        resume.set()
        storage.wait_for(3)

    assert (0, (None, 3, 0, 0)) == (last.status, last.numbers)
    assert HEADS[:1] == before
    assert HEADS == uids(storage.received)


def test_late_stores_over_the_same_association() -> None:
    """A C-GET has no other."""
    with DIMSEServer(datasets(), ["D18"], pause=0) as server, ByHand(server) as client:
        client.line.send(client.request(3, StudyInstanceUID=HEAD))
        fields: list[int | str] = []
        for _ in range(5):
            message = client.read()
            fields.append(message.command["CommandField"])
            if message.command["CommandField"] == 1:
                client.line.send(client.stored(message))

    assert [0x0001, 0x8010, 0x8010, 0x0001, 0x0001] == fields


@pytest.mark.parametrize("quirk", ["D18", "D30"])
def test_closing_ends_what_is_late(storage: Receiver, quirk: str) -> None:
    """Nobody waits for a silence without end."""
    destinations = {"RECEIVER": storage.address}
    never = Event()
    settings: dict[str, Any] = {"resume": never, "ending": "silence"}
    server = DIMSEServer(datasets(), [quirk], destinations=destinations, **settings)
    with server, ByHand(server) as client:
        client.line.send(client.request(2, to="RECEIVER", StudyInstanceUID=HEAD))
        assert 0xFF00 == client.read().command["Status"]
        server.close()

    assert not never.is_set()


def test_unasked_store(storage: Receiver) -> None:
    """Of another study, over C-GET and to the destination of a C-MOVE."""
    got = wire(storage, ["D19"], "D19")
    moved = attrs.evolve(wire(storage, ["D19"], "D15"))

    assert ["2.25.499901001", *HEADS] == uids(got.received)
    assert ["2.25.499901001", *HEADS] == uids(moved.moved)
    foreign = read(got.received[0].data, got.received[0].transfer_syntax)
    assert "2.25.4999" == foreign.StudyInstanceUID
    assert (0, (None, 4, 0, 0), "None") == got.answers[-1]


@pytest.mark.parametrize("place", [1, 2])
def test_cancel_is_ignored(storage: Receiver, place: int) -> None:
    """All comes, and 0x0000."""
    found: list[list[int | str]] = []
    for faults in ([], ["D20"]):
        destinations = {"RECEIVER": storage.address}
        server = DIMSEServer(example_datasets(), faults, destinations=destinations)
        with server, ByHand(server) as client:
            uid = "" if place == 1 else HEAD
            request = client.request(place, to="RECEIVER", StudyInstanceUID=uid)
            client.line.send(request + client.cancel(place))
            found.append([client.read().command["Status"]])
            while found[-1][-1] == 0xFF00:
                found[-1].append(client.read().command["Status"])

    assert [[0xFE00], [*[0xFF00] * (4 if place == 1 else 2), 0]] == found


def test_compressed_only(storage: Receiver) -> None:
    """Where both are offered nothing fits; a context for the compressed syntax alone does."""
    seen = wire(storage, ["D22"], "D22")
    with DIMSEServer(datasets(), ["D22"]) as server:
        contexts = [(CAPTURE, NATIVE), (CAPTURE, [str(RLELossless)])]
        with Client(server, contexts) as client:
            *_, last = client.get("STUDY", StudyInstanceUID="2.25.4005")

    assert [0xA702] == statuses(seen)
    assert 0 == last.status
    assert [str(RLELossless)] == [one.transfer_syntax for one in client.received]


def test_refused_identifiers(storage: Receiver) -> None:
    """A list of UIDs, and an accession number; one UID is taken."""
    assert [0xA900] == statuses(wire(storage, ["D23"], "D23"))
    assert [0x0120] == statuses(wire(storage, ["D24"], "D24"))
    assert HEADS == uids(wire(storage, ["D23", "D24"], "D10").received)


@pytest.mark.parametrize(
    ("charset", "said", "encoding", "uid"),
    [
        ("none", None, "utf-8", HEAD),
        ("wrong", "ISO_IR 100", "utf-8", HEAD),
        ("ISO_IR 100", "ISO_IR 100", "latin-1", HEAD),
        ("ISO_IR 192", "ISO_IR 192", "utf-8", "2.25.4004"),
        ("GB18030", "GB18030", "gb18030", "2.25.4004"),
        ("GBK", "GBK", "gbk", "2.25.4004"),
        (r"\ISO 2022 IR 87", ["", "ISO 2022 IR 87"], "iso2022_jp", "2.25.4004"),
    ],
)
def test_character_sets(charset: str, said: object, encoding: str, uid: str) -> None:
    """Of text that can be written so: the bytes, and what is said of them."""
    name = {one.StudyInstanceUID: str(one.PatientName) for one in datasets()}[uid]
    with DIMSEServer(datasets(), ["D25"], charset=charset) as server, ByHand(server) as client:
        client.line.send(client.request(1, StudyInstanceUID=uid, PatientName=""))
        content = client.read().data
    answer = read(content, NATIVE[1])

    expected = [part.encode(encoding) for part in name.replace("=", "^").split("^")]
    assert said == answer.get("SpecificCharacterSet")
    assert [part for part in expected if part not in content] == []
    assert (name == str(answer.PatientName)) == (charset not in ("none", "wrong"))


def test_a_character_set_that_lacks_letters() -> None:
    """Korean has no umlauts: what cannot be written is a question mark, as with many archives."""
    charset = r"\ISO 2022 IR 149"
    korean = made("2.25.4007", {"PatientName": "Hong^Gildong=洪^吉洞=홍^길동"}, MadeSeries("OT", 1))
    server = DIMSEServer([*datasets(), *korean], ["D25"], charset=charset)
    with server, Client(server) as client:
        whole = client.find("STUDY", StudyInstanceUID="2.25.4007", PatientName="")[0]
        lost = client.find("STUDY", StudyInstanceUID=HEAD, PatientName="")[0]

    assert "Hong^Gildong=洪^吉洞=홍^길동" == whole.text("PatientName")
    assert "M?ller^J?rgen" == lost.text("PatientName")


def test_number_spelling() -> None:
    """Each says the same number in another way."""
    with DIMSEServer(datasets(), ["D26"]) as server, ByHand(server) as client:
        client.line.send(client.request(1, PatientID="EX-*", NumberOfStudyRelatedInstances=""))
        contents = [client.read().data for _ in range(3)]

    tag = b"\x20\x00\x08\x12"
    spelt = [content[content.index(tag) + 8 :][:4] for content in contents]
    assert [b"+2", b"0003", b"+1"] == [one.strip() for one in spelt]


def test_find_is_not_supported() -> None:
    """No context for it, in either information model; the others are accepted."""
    with DIMSEServer(datasets(), ["D28"]) as server, Client(server) as client:
        assert 0 == client.echo()

    answer = server.associations[0].answer
    assert isinstance(answer, Agreement)
    refused = [one.abstract_syntax for one in answer.contexts if one.result == 3]
    assert [f"{STUDY_ROOT}1", "1.2.840.10008.5.1.4.1.2.1.1"] == refused


def test_huge_pdu() -> None:
    """Four gigabytes are announced, and hardly any come."""
    with DIMSEServer(datasets(), ["D29"]) as server, ByHand(server) as client:
        client.line.send(client.request(1, StudyInstanceUID=""))

        assert client.messages.receive() is None
        assert "cut" == client.messages.ended


@pytest.mark.parametrize("ending", ["abort", "cut"])
@pytest.mark.parametrize(("quirk", "answers"), [("D01", 2), ("D10", 1), ("D15", 1)])
def test_the_middle_is_the_end(storage: Receiver, quirk: str, answers: int, ending: Ending) -> None:
    """Of results, or between two sub-operations: no final response ever comes."""
    seen = wire(storage, ["D30"], quirk, ending=ending, between=True)

    assert [*[0xFF00] * answers, None] == statuses(seen)
    assert {"abort": "aborted"}.get(ending, ending) == seen.ended


@pytest.mark.parametrize("cut_after", [None, 0, 10, 10**9])
@pytest.mark.parametrize("ending", ["abort", "cut"])
def test_a_data_set_is_cut(cut_after: int | None, ending: Ending) -> None:
    """After so many bytes, in its middle, or never, if it is too short for that."""
    server = DIMSEServer(datasets(), ["D30"], cut_after=cut_after, ending=ending)
    with server, ByHand(server) as client:
        client.line.send(client.request(3, StudyInstanceUID="2.25.4003"))
        data, whole = client.bytes_of_data()
        seen = client.messages.receive() if not whole else None
        stored = sum(map(len, opened(iter([encode(example_datasets()[5])])).pieces))

    expected = stored // 2 if cut_after is None else min(cut_after, stored)
    assert (expected, expected == stored) == (data, whole)
    assert seen is None
    assert whole or {"abort": "aborted"}.get(ending, ending) == client.messages.ended


def test_a_cut_store_of_a_move_is_a_failure_of_one(storage: Receiver) -> None:
    """The association with the destination ends, the next instance has another."""
    seen = wire(storage, ["D30"], "D15", cut_after=10)

    assert [HEADS[0], HEADS[2]] == uids(seen.moved)
    assert (0xB000, (None, 2, 1, 0)) == seen.answers[-1][:2]


def test_silence_in_the_middle() -> None:
    """Neither an answer nor an end."""
    server = DIMSEServer(datasets(), ["D30"], ending="silence", cap=2)
    with server, ByHand(server) as client:
        client.line.send(client.request(1, StudyInstanceUID=""))
        results = [client.read().command["Status"] for _ in range(2)]
        more = client.line.readable()

    assert [0xFF00] * 2 == results
    assert not more


def test_data_sets_are_written_anew(storage: Receiver) -> None:
    """Other bytes, the same content."""
    good, bad = wire(storage, [], "D31"), wire(storage, ["D31"], "D31")

    for expected, found in zip(good.received, bad.received, strict=True):
        syntax = found.transfer_syntax
        assert expected.data != found.data
        assert [] == differences(read(expected.data, syntax), read(found.data, syntax))


def test_odd_lengths_abort(storage: Receiver) -> None:
    """Without the fault they are sent as they are stored; of even length there is no harm."""
    good, bad = wire(storage, [], "D32"), wire(storage, ["D32"], "D32")
    even = wire(storage, ["D32"], "D10")

    assert 1 == len(good.received[0].data) % 2
    assert () == bad.received
    assert "aborted" == bad.ended
    assert HEADS == uids(even.received)


def test_unknown_fault_is_refused() -> None:
    """A misspelt id would make a test pass for no reason."""
    with pytest.raises(InvalidInputError, match="'D99'"):
        DIMSEServer([], ["D99"])


def test_a_fault_stops_after_so_many_times() -> None:
    """With `times`, a fault spoils that many requests; those it leaves as they are do not count."""
    with DIMSEServer(datasets(), ["D01"], cap=2, times=2) as server, Client(server) as client:
        few = len(client.find("STUDY", StudyInstanceUID=HEAD))
        numbers = [len(client.find("STUDY", StudyInstanceUID="")) for _ in range(3)]

    assert (2, [3, 3, 6]) == (few, numbers)


def test_an_association_counts_too() -> None:
    """One is refused its roles, the next is not."""
    with DIMSEServer(datasets(), ["D14"], times=1) as server:
        first, second = Client(server), Client(server)
        for client in (first, second):
            with client:
                client.get("STUDY", StudyInstanceUID=HEAD)

    assert [] == first.received
    assert HEADS == uids(second.received)


class Teapot(Fault):
    """Refuses to make coffee."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Be a teapot."""
        return Done(0xC418) if exchange.asked.service is Service.ECHO else None

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Know the guests."""
        return answer if proposal.calling == "TESTER" else Rejection(1, 1, 3)

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Send all twice."""
        steps = [step for step in plan.steps if isinstance(step, Store)]
        more = [one for step in steps for one in (step, Progress())]
        return attrs.evolve(plan, steps=[*more, *plan.steps]) if more else plan


def test_a_fault_of_ones_own(storage: Receiver) -> None:
    """Whoever misses a fault writes it."""
    with DIMSEServer(datasets(), [Teapot()]) as server, Client(server) as client:
        assert 0xC418 == client.echo()
    seen = wire(storage, [Teapot()], "D10")

    assert HEADS * 2 == uids(seen.received)


def test_faults_add_up(storage: Receiver) -> None:
    """Each alters what those before it have made."""
    seen = wire(storage, ["D16", "D19", "D13"], "D10", failing=HEADS[:1])

    assert ["2.25.499901001", *HEADS[1:]] == uids(seen.received)
    assert (Status.SOME_FAILED, (None, 3, 1, 0)) == seen.answers[-1][:2]
