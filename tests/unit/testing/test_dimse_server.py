"""The DIMSE archive for tests, when it behaves well: what PS3.4 says, and nothing left behind."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, Final

import attrs
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from tests.servers.tls import make_certificates
from tests.unit.testing.asking import (
    CAPTURE,
    LONG,
    NATIVE,
    PATIENT_ROOT,
    STUDY_ROOT,
    Answer,
    ByHand,
    Client,
    Receiver,
    read,
    receiver,
)

from gurney.core import (
    Completeness,
    DownloadError,
    DuplicateUIDError,
    InvalidInputError,
    Query,
    SearchResult,
    Study,
    UnsupportedParameterError,
    encode,
)
from gurney.folder import FolderArchive
from gurney.testing import MemoryArchive, differences, example_datasets
from gurney.testing.dimse import (
    Agreement,
    DIMSEServer,
    Rejection,
    Roles,
    SearcherAndDownloader,
    Served,
    Service,
    Status,
    many_classes,
)
from gurney.testing.dimse.command import main
from gurney.testing.dimse.commands import command_of, written
from gurney.testing.dimse.line import fragments
from gurney.testing.dimse.stored import opened
from gurney.testing.making import MadeSeries, made

HEAD: Final = "2.25.4002"
HEADS: Final = ["2.25.400201001", "2.25.400201002", "2.25.400202001"]
PENDING, DONE = int(Status.PENDING), int(Status.SUCCESS)
NUMBERS: Final = ("Remaining", "Completed", "Failed", "Warning")
NO_MATCH: Final = int(Status.DOES_NOT_MATCH)


@pytest.fixture(scope="module")
def storage() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


@pytest.fixture(scope="module", params=["memory", "searcher", "folder"])
def server(
    request: pytest.FixtureRequest, storage: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DIMSEServer]:
    """Data sets, and a face of two archives: all answer alike."""
    folder = tmp_path_factory.mktemp("archive")
    for place, dataset in enumerate(example_datasets()):
        (folder / f"{place}.dcm").write_bytes(encode(dataset))
    served: dict[str, Served] = {
        "memory": example_datasets(),
        "searcher": MemoryArchive(example_datasets()),
        "folder": FolderArchive(folder, index=":memory:"),
    }
    destinations = {"RECEIVER": storage.address}
    with DIMSEServer(served[request.param], destinations=destinations) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: DIMSEServer) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def ends(answers: list[Answer], keyword: str = "StudyInstanceUID") -> list[str]:
    """Return the ends of the UIDs of what was found; see that the last status is 0x0000."""
    *found, last = answers
    assert DONE == last.status
    assert {PENDING} >= {answer.status for answer in found}
    return sorted(answer.text(keyword).removeprefix("2.25.400") for answer in found)


def test_echo(client: Client) -> None:
    """It is there."""
    assert DONE == client.echo()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ["1", "2", "3", "4"]),
        ({"PatientID": "EX-1"}, ["1", "2"]),
        ({"PatientName": "Müller*", "SpecificCharacterSet": "ISO_IR 100"}, ["1", "2"]),
        ({"PatientName": "Müller*", "SpecificCharacterSet": "ISO_IR 192"}, ["1", "2"]),
        ({"PatientName": "=山田*", "SpecificCharacterSet": ["", "ISO 2022 IR 87"]}, ["4"]),
        ({"PatientName": "*^Jane"}, ["3"]),
        ({"StudyDate": "20240301-20241231"}, ["2", "3"]),
        ({"StudyDate": "20240301-", "PatientID": "EX-1"}, ["2"]),
        ({"StudyDate": "20240115"}, ["1"]),
        ({"StudyDate": "20240115", "StudyTime": "0900-1000"}, ["1"]),
        ({"StudyInstanceUID": ["2.25.4001", "2.25.4004"]}, ["1", "4"]),
        ({"ModalitiesInStudy": "MR"}, ["2"]),
        ({"AccessionNumber": "EX-A3"}, ["3"]),
        ({"StudyDescription": "H*"}, ["2", "4"]),
        ({"InstitutionName": "x"}, []),
        ({"StudyID": "nothing"}, []),
    ],
)
def test_studies_are_found(client: Client, keys: dict[str, Any], expected: list[str]) -> None:
    """Keys match as PS3.4 C.2.2.2 says, in the character set of the query."""
    assert expected == ends(client.find("STUDY", **{"StudyInstanceUID": "", **keys}))


def test_levels_are_found_one_by_one(client: Client) -> None:
    """A study's series, a series' instances; with the unique keys of all above (PS3.4 C.4.1)."""
    series = client.find("SERIES", StudyInstanceUID=HEAD, Modality="MR", SeriesInstanceUID="")
    images = client.find("IMAGE", StudyInstanceUID=HEAD, SeriesInstanceUID=f"{HEAD}01", Rows="")
    none = client.find("IMAGE", StudyInstanceUID="2.25.1", SeriesInstanceUID=f"{HEAD}01")
    one = client.find(
        "IMAGE", StudyInstanceUID=HEAD, SeriesInstanceUID=f"{HEAD}01", SOPInstanceUID=HEADS[1]
    )

    assert ["201", "202"] == ends(series, "SeriesInstanceUID")
    assert {HEAD} == {answer.text("StudyInstanceUID") for answer in series[:-1]}
    assert ["201001", "201002"] == ends(images, "SOPInstanceUID")
    assert "2" == images[0].text("Rows")
    assert [] == ends(none)
    assert ["201002"] == ends(one, "SOPInstanceUID")


def test_patients_are_found(client: Client) -> None:
    """Patient root has one level more; below it the patient is named (PS3.4 C.6.1)."""
    patients = client.find("PATIENT", PATIENT_ROOT, PatientID="", PatientName="")
    studies = client.find("STUDY", PATIENT_ROOT, PatientID="EX-1", StudyInstanceUID="")
    nobody = client.find("STUDY", PATIENT_ROOT, PatientID="", StudyInstanceUID="")

    assert ["EX-1", "EX-2", "EX-3"] == ends(patients, "PatientID")
    assert ["1", "2"] == ends(studies)
    assert [NO_MATCH] == [answer.status for answer in nobody]


@pytest.mark.parametrize(
    ("level", "root", "keys"),
    [
        ("", STUDY_ROOT, {"StudyInstanceUID": ""}),
        ("STUDIES", STUDY_ROOT, {"StudyInstanceUID": ""}),
        ("PATIENT", STUDY_ROOT, {"PatientID": ""}),
        ("SERIES", STUDY_ROOT, {"SeriesInstanceUID": ""}),
        ("SERIES", STUDY_ROOT, {"StudyInstanceUID": ""}),
        ("SERIES", STUDY_ROOT, {"StudyInstanceUID": "*"}),
        ("SERIES", STUDY_ROOT, {"StudyInstanceUID": ["2.25.4001", HEAD]}),
        ("IMAGE", STUDY_ROOT, {"StudyInstanceUID": HEAD}),
        ("STUDY", STUDY_ROOT, {"StudyDate": "2024-01-15"}),
    ],
)
def test_searches_are_strict(client: Client, level: str, root: str, keys: dict[str, Any]) -> None:
    """Level, unique keys of those above, legal values: else 0xA900 (PS3.4 C.4.1.2.1)."""
    assert [NO_MATCH] == [answer.status for answer in client.find(level, root, **keys)]


def test_relational_where_it_is_agreed_on(server: DIMSEServer) -> None:
    """One byte asks for it, the same one grants it; the others are not granted (PS3.4 C.5.1.1)."""
    with Client(server, extended={f"{STUDY_ROOT}1": b"\1\1\1"}) as client:
        series = client.find("SERIES", SeriesInstanceUID="", Modality="MR")

    answer = server.associations[-1].answer
    assert ["201", "202"] == ends(series, "SeriesInstanceUID")
    assert isinstance(answer, Agreement)
    assert {f"{STUDY_ROOT}1": b"\1\0\0"} == answer.extended


def test_an_answer_has_what_was_asked_for(client: Client) -> None:
    """All keys, empty where nothing is known; counts; who has it. Text is marked as UTF-8."""
    answers = client.find(
        "STUDY",
        StudyInstanceUID=HEAD,
        PatientName="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
        ModalitiesInStudy="",
        InstitutionName="",
        SpecificCharacterSet="",
    )
    (item, _) = [answer.item for answer in answers]

    assert item is not None
    assert (2, 3) == (item.NumberOfStudyRelatedSeries, item.NumberOfStudyRelatedInstances)
    assert ("Müller^Jürgen", "MR") == (item.PatientName, item.ModalitiesInStudy)
    assert ("STUDY", "ARCHIVE") == (item.QueryRetrieveLevel, item.RetrieveAETitle)
    assert "ISO_IR 192" == item.SpecificCharacterSet
    assert "InstitutionName" in item
    assert not item.InstitutionName
    assert "PatientID" not in item


def test_plain_text_needs_no_character_set(client: Client) -> None:
    """ASCII is not marked (PS3.5 6.1.2.2)."""
    answer = client.find("STUDY", StudyInstanceUID="2.25.4003", PatientName="")[0]

    assert "Doe^Jane" == answer.text("PatientName")
    assert answer.item is not None
    assert "SpecificCharacterSet" not in answer.item


@pytest.mark.parametrize(
    ("level", "keys", "expected"),
    [
        ("STUDY", {"StudyInstanceUID": HEAD}, HEADS),
        ("SERIES", {"StudyInstanceUID": HEAD, "SeriesInstanceUID": f"{HEAD}02"}, HEADS[2:]),
        (
            "IMAGE",
            {
                "StudyInstanceUID": HEAD,
                "SeriesInstanceUID": f"{HEAD}01",
                "SOPInstanceUID": HEADS[:2],
            },
            HEADS[:2],
        ),
        ("STUDY", {"StudyInstanceUID": "2.25.999"}, []),
    ],
)
def test_instances_are_sent(
    server: DIMSEServer, storage: Receiver, level: str, keys: dict[str, Any], expected: list[str]
) -> None:
    """By C-GET and by C-MOVE, each with pending responses and right counts (PS3.4 C.4.2, C.4.3)."""
    storage.received.clear()
    with Client(server) as client:
        got = client.get(level, **keys)
        moved = client.move(level, "RECEIVER", **keys)
        received = sorted(client.received, key=lambda one: one.uid)

    count = len(expected)
    numbers = [(count - place, place, 0, 0) for place in range(1, count)]
    assert expected == [one.uid for one in received]
    assert [
        attrs.evolve(one, originator="TESTER", calling="ARCHIVE") for one in received
    ] == sorted(storage.received, key=lambda one: one.uid)
    for answers in (got, moved):
        assert [*[PENDING] * len(numbers), DONE] == [answer.status for answer in answers]
        assert [*numbers, (None, count, 0, 0)] == [answer.numbers for answer in answers]


def test_stored_bytes_are_sent(server: DIMSEServer) -> None:
    """In the transfer syntax they are stored in, they are not touched."""
    with Client(server) as client:
        client.get("STUDY", StudyInstanceUID=HEAD)
        received = {one.uid: one for one in client.received}

    for dataset in example_datasets():
        if dataset.StudyInstanceUID == HEAD:
            stored = b"".join(opened(iter([encode(dataset)])).pieces)
            assert stored == received[dataset.SOPInstanceUID].data
    assert {str(ExplicitVRLittleEndian)} == {one.transfer_syntax for one in received.values()}


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("", {"StudyInstanceUID": HEAD}),
        ("STUDY", {}),
        ("STUDY", {"StudyInstanceUID": ""}),
        ("STUDY", {"StudyInstanceUID": "*"}),
        ("STUDY", {"StudyInstanceUID": HEAD, "AccessionNumber": "EX-A2"}),
        ("SERIES", {"SeriesInstanceUID": f"{HEAD}01"}),
        ("SERIES", {"StudyInstanceUID": HEAD, "SeriesInstanceUID": ""}),
        ("SERIES", {"StudyInstanceUID": ["2.25.4001", HEAD], "SeriesInstanceUID": f"{HEAD}01"}),
        ("IMAGE", {"StudyInstanceUID": HEAD, "SOPInstanceUID": HEADS[0]}),
    ],
)
def test_retrievals_are_strict(client: Client, level: str, keys: dict[str, Any]) -> None:
    """Unique keys, one of each level above, a list only where it ends: else 0xA900."""
    before = len(client.received)

    assert [NO_MATCH] == [answer.status for answer in client.get(level, **keys)]
    assert [NO_MATCH] == [answer.status for answer in client.move(level, "RECEIVER", **keys)]
    assert before == len(client.received)


def test_unknown_destination(client: Client) -> None:
    """0xA801 (PS3.4 C.4.2.1.5)."""
    (answer,) = client.move("STUDY", "NOBODY", StudyInstanceUID=HEAD)

    assert Status.NO_DESTINATION == answer.status


def test_nobody_at_the_destination() -> None:
    """What cannot be sent is counted and listed, under 0xA702."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = taken.getsockname()
    server = DIMSEServer(example_datasets(), destinations={"GONE": nowhere})
    with server, Client(server) as client:
        *_, last = client.move("STUDY", "GONE", StudyInstanceUID=HEAD)

    assert (Status.CANNOT_PERFORM, (None, 0, 3, 0)) == (last.status, last.numbers)
    assert last.item is not None
    assert HEADS == list(last.item.FailedSOPInstanceUIDList)


def test_without_roles_nothing_can_be_sent(server: DIMSEServer) -> None:
    """Default roles: the archive must not send C-STORE to the one who asked (PS3.7 D.3.3.4)."""
    with Client(server, roles=False) as client:
        *_, last = client.get("STUDY", StudyInstanceUID=HEAD)

        assert [] == client.received
    assert (Status.CANNOT_PERFORM, (None, 0, 3, 0)) == (last.status, last.numbers)
    assert last.item is not None
    assert HEADS == sorted(last.item.FailedSOPInstanceUIDList)


def test_what_the_receiver_refuses_is_counted(server: DIMSEServer) -> None:
    """Warnings apart from failures, and both change the status."""
    with Client(server, answer=0xA700) as client:
        *_, failed = client.get("STUDY", StudyInstanceUID=HEAD)
    with Client(server, answer=0xB007) as client:
        *_, warned = client.get("STUDY", StudyInstanceUID=HEAD)

    assert (Status.CANNOT_PERFORM, (None, 0, 3, 0)) == (failed.status, failed.numbers)
    assert (Status.SOME_FAILED, (None, 0, 0, 3)) == (warned.status, warned.numbers)


@pytest.mark.parametrize(
    ("storage_contexts", "expected"),
    [
        ([(CAPTURE, [str(RLELossless)])], str(RLELossless)),
        ([(CAPTURE, NATIVE), (CAPTURE, [str(RLELossless)])], str(RLELossless)),
        ([(CAPTURE, [*NATIVE, str(RLELossless)])], str(RLELossless)),
        ([(CAPTURE, NATIVE)], ""),
        ([], ""),
    ],
)
def test_compressed_instances(storage_contexts: list[tuple[str, list[str]]], expected: str) -> None:
    """They go over a context of their transfer syntax, or not at all."""
    datasets = made("2.25.4005", {}, MadeSeries("XA", 2, transfer_syntax=RLELossless))
    with DIMSEServer(datasets) as server, Client(server, storage_contexts) as client:
        *_, last = client.get("STUDY", StudyInstanceUID="2.25.4005")

    syntaxes = [one.transfer_syntax for one in client.received]
    assert [expected] * 2 * bool(expected) == syntaxes
    assert (DONE if expected else Status.CANNOT_PERFORM) == last.status


def test_uncompressed_instances_are_written_anew(server: DIMSEServer) -> None:
    """In another uncompressed transfer syntax, if there is no context for their own."""
    implicit = str(ImplicitVRLittleEndian)
    with Client(server, [(CAPTURE, [implicit])]) as client:
        client.get("STUDY", StudyInstanceUID="2.25.4003")
    (received,) = client.received
    (expected,) = (one for one in example_datasets() if one.StudyInstanceUID == "2.25.4003")
    found = read(received.data, implicit)

    assert implicit == received.transfer_syntax
    assert ["(7FE0,0010)"] == differences(expected, found)  # of VR OB there, of OW here
    assert expected.PixelData == found.PixelData


def test_a_destination_gets_contexts_for_what_comes(storage: Receiver) -> None:
    """One association for all, with each transfer syntax that is stored."""
    series = [MadeSeries("XA", 1, transfer_syntax=RLELossless), MadeSeries("XA", 1)]
    storage.received.clear()
    storage.contexts.clear()
    destinations = {"RECEIVER": storage.address}
    server = DIMSEServer(made("2.25.4005", {}, *series), destinations=destinations)
    with server, Client(server) as client:
        client.move("STUDY", "RECEIVER", StudyInstanceUID="2.25.4005")

    syntaxes = [one.transfer_syntax for one in storage.received]
    assert [str(RLELossless), str(ExplicitVRLittleEndian)] == syntaxes
    assert [2] == storage.contexts


@pytest.mark.parametrize("place", [1, 2, 3])
def test_cancel(server: DIMSEServer, place: int) -> None:
    """A C-CANCEL ends a request before its next response: 0xFE00 (PS3.7 9.3.2.3)."""
    with ByHand(server) as client:
        request = client.request(place, to="RECEIVER", StudyInstanceUID=HEAD)
        client.line.send(request + client.cancel(place))
        answer = client.read()

    numbers = [answer.command.get(f"NumberOf{name}Suboperations") for name in NUMBERS]
    assert Status.CANCELLED == answer.command["Status"]
    assert ([None] * 4 if place == 1 else [3, 0, 0, 0]) == numbers
    assert Service.CANCEL is server.requests[-1].service


def test_cancel_between_two_instances(server: DIMSEServer) -> None:
    """A C-CANCEL may come before the answer to a C-STORE: that one counts (PS3.4 C.4.3.1.4)."""
    with ByHand(server) as client:
        client.line.send(client.request(3, StudyInstanceUID=HEAD))
        client.line.send(client.cancel(1))  # of another request: of no effect
        first = client.read()
        client.line.send(client.cancel(3) + client.stored(first))
        last = client.read()

    numbers = [last.command.get(f"NumberOf{name}Suboperations") for name in NUMBERS]
    assert (0xFE00, [2, 1, 0, 0]) == (last.command["Status"], numbers)


def test_requests_come_one_by_one(server: DIMSEServer) -> None:
    """A second request before the first is answered was not agreed on: an A-ABORT."""
    with ByHand(server) as client:
        client.line.send(2 * client.request(1, StudyInstanceUID=""))

        assert client.messages.receive() is None
        assert "aborted" == client.messages.ended


def test_what_was_asked_is_recorded(server: DIMSEServer) -> None:
    """Associations and requests, for tests to look at."""
    with Client(server, user="somebody", extended={f"{STUDY_ROOT}1": b"\1"}) as client:
        client.find("STUDY", PatientID="EX-1")
        client.move("STUDY", "NOBODY", StudyInstanceUID=HEAD)

    association = server.associations[-1]
    found, moved = server.requests[-2:]
    proposal = association.proposal
    assert ("TESTER", "ARCHIVE") == (proposal.calling, proposal.called)
    assert {CAPTURE: Roles(scu=False, scp=True)} == proposal.roles
    assert {f"{STUDY_ROOT}1": b"\1"} == proposal.extended
    assert NATIVE == proposal.contexts[-1].transfer_syntaxes
    assert CAPTURE == proposal.contexts[-1].abstract_syntax
    assert proposal.identity is not None
    assert b"somebody" == proposal.identity.primary
    assert "somebody" not in repr(association)
    assert "released" == association.ended
    assert (Service.FIND, "STUDY", ("EX-1",)) == (
        found.service,
        found.level,
        found.values("PatientID"),
    )
    assert found.association is association
    assert b"EX-1" in found.content
    assert "EX-1" not in repr(found)
    assert (Service.MOVE, "NOBODY") == (moved.service, moved.destination)


def test_association_is_rejected(server: DIMSEServer) -> None:
    """Another AE title is not recognized: 1/1/7 (PS3.8 table 9-21)."""
    with Client(server, called="OTHER") as client:
        assert not client.established

    assert Rejection(1, 1, 7) == server.associations[-1].answer
    assert "rejected" == server.associations[-1].ended


def test_associations_are_limited() -> None:
    """One too many is rejected as transient, 2/3/2; another one may come when it has gone."""
    with DIMSEServer(max_associations=1) as server:
        with Client(server), Client(server) as second:
            assert not second.established
        with Client(server) as third:
            assert third.established

    assert Rejection(2, 3, 2) == server.associations[1].answer


def test_unsupported_service(server: DIMSEServer) -> None:
    """Instances are not taken: 0x0122."""
    with Client(server, roles=False) as client:
        client.hold()
        status = client.association.send_c_store(example_datasets()[0])

        assert Status.NOT_SUPPORTED == status.Status


def test_tls(tmp_path: Path) -> None:
    """The same, within TLS."""
    certificates = make_certificates(tmp_path)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificates.server)
    theirs = ssl.create_default_context(cafile=str(certificates.authority))
    with DIMSEServer(example_datasets(), tls=ours) as server:
        with Client(server, tls=(theirs, "localhost")) as client:
            client.get("STUDY", StudyInstanceUID=HEAD)
        with socket.create_connection(("127.0.0.1", server.port), LONG):  # speaks no TLS
            url = server.url
    threads = [thread for thread in threading.enumerate() if "DIMSEServer" in repr(thread)]

    assert HEADS == [one.uid for one in client.received]
    assert url.startswith("dimse+tls://ARCHIVE@127.0.0.1:")
    assert [] == threads


def test_unasked_instances_can_be_pushed(storage: Receiver) -> None:
    """For those who test a receiver: nobody asked for them (D19)."""
    storage.received.clear()
    destinations = {"RECEIVER": storage.address}
    with DIMSEServer(example_datasets(), destinations=destinations) as server:
        statuses = server.push("RECEIVER", HEADS[:1])

    assert [DONE] == statuses
    assert HEADS[:1] == [one.uid for one in storage.received]
    assert "" == storage.received[0].originator


class Picky:
    """A searcher that supports one key, and a downloader of data sets."""

    def __init__(self) -> None:
        self.archive: MemoryArchive = MemoryArchive(example_datasets())
        self.find_study = self.archive.find_study
        self.find_study_by_id = self.archive.find_study_by_id
        self.datasets = self.archive.datasets
        self.get_dataset = self.archive.get_dataset
        self.asked: list[Query] = []

    def find_studies(self, query: Query, /) -> list[Study]:
        """Refuse names and dates."""
        for name in ("PatientName", "min_study_date", "max_study_date"):
            if name in query.parameters():
                raise UnsupportedParameterError(name, "Picky")
        self.asked.append(query)
        return list(self.archive.find_studies(query))


@pytest.mark.parametrize(
    ("completeness", "status"),
    [
        (Completeness.CAPPED, Status.OUT_OF_RESOURCES),
        (Completeness.UNKNOWN, Status.CANNOT_PROCESS),
    ],
)
def test_face_of_an_archive_that_is_short(
    completeness: Completeness, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found is sent, and the last status tells that it may not be all."""
    archive = MemoryArchive(example_datasets())
    result = SearchResult(archive.find_studies(Query()), completeness, ["it is short"])

    def short(_: Query) -> SearchResult:
        return result

    monkeypatch.setattr(archive, "find_studies", short)
    with DIMSEServer(archive) as server, Client(server) as client:
        *found, last = client.find("STUDY", StudyInstanceUID="")

    assert (4, int(status)) == (len(found), last.status)


def test_face_of_an_archive_of_little_ability() -> None:
    """What a searcher does not support is compared by the face; data sets are written anew."""
    served: SearcherAndDownloader = Picky()
    with DIMSEServer(served) as server, Client(server) as client:
        keys = {"PatientName": "*^Jane", "StudyDate": "20240101-", "PatientID": "EX-2"}
        found = client.find("STUDY", StudyInstanceUID="", **keys)
        none = client.find("STUDY", StudyInstanceUID="", PatientName="nobody")
        client.get("STUDY", StudyInstanceUID="2.25.4003")

    assert ["3"] == ends(found)
    assert [] == ends(none)
    assert ["2.25.400301001"] == [one.uid for one in client.received]


def test_an_instance_that_cannot_be_read_fails() -> None:
    """Before its first byte: as a failed sub-operation. Within it: the association is aborted."""
    archive = MemoryArchive(example_datasets(), failing=[HEADS[1]])
    with DIMSEServer(archive) as server, Client(server) as client:
        *_, last = client.get("STUDY", StudyInstanceUID=HEAD)

    assert last.status in (Status.SOME_FAILED, None)
    assert HEADS[1] not in [one.uid for one in client.received]


def test_a_file_without_meta_information_is_written_anew() -> None:
    """Old archives hold such; what else is no DICOM file is not sent."""
    dataset = example_datasets()[0]
    found = opened(iter([encode(dataset)]))
    bare = opened(iter([b"".join(found.pieces)]))

    assert found.transfer_syntax == bare.transfer_syntax
    assert [] == differences(dataset, read(b"".join(bare.pieces), bare.transfer_syntax))
    with pytest.raises(DownloadError):
        opened(iter([b"no DICOM"]))


def test_more_classes_than_contexts() -> None:
    """Data for D21: each instance is of a class of its own, and can be had."""
    with DIMSEServer(many_classes()) as server:
        classes = sorted({str(one.SOPClassUID) for one in many_classes()})
        with Client(server, [(uid, NATIVE) for uid in classes[:100]]) as client:
            *_, last = client.get("STUDY", StudyInstanceUID="2.25.4021")

    assert (Status.SOME_FAILED, (None, 100, 30, 0)) == (last.status, last.numbers)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        b"\1",
        bytes(100),
        b"\1\0\0\0\0\4abcd",
        b"\4\0\xff\xff\xff\xff",
    ],
)
def test_garbage_harms_nobody(server: DIMSEServer, garbage: bytes) -> None:
    """What is no DICOM is hung up on; others are served."""
    with socket.create_connection(("127.0.0.1", server.port), LONG) as line:
        line.sendall(garbage)
        line.shutdown(socket.SHUT_WR)
        while line.recv(100):
            pass
    with Client(server) as client:
        assert DONE == client.echo()


def test_nothing_is_left_behind() -> None:
    """No thread, and nobody listens; closing twice is no harm."""
    before = threading.active_count()
    with DIMSEServer(example_datasets()) as server:
        address = "127.0.0.1", server.port
        line = socket.create_connection(address, LONG)
        with Client(server) as client:
            client.find("STUDY", StudyInstanceUID="")
    server.close()

    with line:
        assert b"" == line.recv(1)
    assert before == threading.active_count()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, LONG)


def test_closing_ends_what_lasts() -> None:
    """Also in the middle of a silence without end."""
    with DIMSEServer(example_datasets(), ["D30"], ending="silence") as server:
        client = Client(server)
        client.hold()
        responses = client.association.send_c_find(identifier_of_all(), f"{STUDY_ROOT}1")
        next(responses)

    assert [Dataset()] == [status for status, _ in responses if "Status" not in status]


def identifier_of_all() -> Dataset:
    """Return what finds all studies."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = ""
    return identifier


def test_mistakes_are_told() -> None:
    """A port that is taken, an instance given twice."""
    with DIMSEServer() as server, pytest.raises(InvalidInputError, match="another, or 0"):
        DIMSEServer(port=server.port)
    with pytest.raises(DuplicateUIDError):
        DIMSEServer(example_datasets() * 2)


def test_commands_are_read_as_written() -> None:
    """Text and numbers, at any length; what is no command set is refused."""
    command: dict[str, int | str] = {
        "AffectedSOPClassUID": "1.2.3",
        "CommandField": 0x8021,
        "ErrorComment": "odd",
    }

    assert {**command, "CommandDataSetType": 1} == command_of(written(command, data=True))
    for content in (b"\0", b"\1\0\0\0\0\0\0\0", b"\0\0\0\1\4\0\0\0ab"):
        with pytest.raises(ValueError, match="no command set"):
            command_of(content)


@pytest.mark.parametrize("longest", [0, 7, 8, 9, 100])
def test_fragments_are_no_longer_than_agreed(longest: int) -> None:
    """Whatever the pieces, all bytes come in order, and the last fragment is marked."""
    pdus = list(fragments(3, [b"abc", b"defgh", b"i"], longest))

    assert b"abcdefghi" == b"".join(pdu[12:] for pdu in pdus)
    assert longest == 0 or max(8, longest) >= max(len(pdu) - 6 for pdu in pdus)
    assert [0] * (len(pdus) - 1) + [2] == [pdu[11] for pdu in pdus]


def test_command_lists_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """One a line."""
    assert 0 == main(["--list"])

    lines = capsys.readouterr().out.splitlines()
    assert 32 == len(lines)
    assert lines[0].startswith("D01  ")


def test_command_serves_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where, what it leaves out, and ends when it is told to."""
    (tmp_path / "one").write_bytes(encode(example_datasets()[0]))
    (tmp_path / "other").write_bytes(b"something else")
    stop = Event()
    stop.set()

    options = "--fault D01 --cap 3 --destination HERE@localhost:104 --status 0xC123".split()
    code = main([str(tmp_path), *options], stop=stop)

    said = capsys.readouterr()
    assert 0 == code
    assert said.out.startswith("dimse://ARCHIVE@127.0.0.1:")
    assert said.err.startswith("left out: other")


def test_command_runs_until_it_is_interrupted() -> None:
    """As a program, for clients in any language: the first line is the URL."""
    # Who started the tests in the background has switched interrupts off, and that is inherited
    on = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{on}; from gurney.testing.dimse.command import main; main()"
    command = [sys.executable, "-c", program, "--fault", "D01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), LONG).close()
        process.send_signal(signal.SIGINT)

        assert 0 == process.wait(LONG)


@pytest.mark.parametrize("wrong", [["--fault", "Z1"], ["--port", "99999"]])
def test_command_refuses_what_cannot_be(
    capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    """It says what."""
    assert 2 == main(wrong)

    assert wrong[1] in capsys.readouterr().err


def test_command_refuses_a_destination_without_a_port() -> None:
    """As any wrong option."""
    with pytest.raises(SystemExit, match="2"):
        main(["--destination", "HERE"])


def test_the_kit_needs_no_dicom_network_library() -> None:
    """Only who wants this archive imports pynetdicom."""
    code = "import sys, gurney.testing; sys.exit('pynetdicom' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_the_switches_of_pynetdicom_stay_as_they_are() -> None:
    """Neither its process-wide switches nor its loggers are touched."""
    code = """if True:
        import logging, sys
        from pynetdicom import _config
        def state():
            switches = {n: v for n, v in vars(_config).items() if n.isupper()}
            loggers = logging.root.manager.loggerDict
            return repr(switches), [(n, getattr(v, 'level', 0)) for n, v in sorted(loggers.items())
                                    if n.startswith('pynetdicom')]
        import pynetdicom.pdu
        before = state()
        from gurney.testing.dimse import DIMSEServer
        DIMSEServer().close()
        sys.exit(before != state())
    """

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
