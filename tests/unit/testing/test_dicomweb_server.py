"""The archive for tests, when it behaves well: what PS3.18 says, and nothing left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from gurney.core import DuplicateUIDError, InvalidInputError, decode, encode
from gurney.http import MultipartReader, boundary_of
from gurney.testing import differences, example_datasets
from gurney.testing.dicomweb import DICOMwebServer, Envelope
from gurney.testing.dicomweb.command import main
from gurney.testing.dicomweb.retrieving import transcoded
from gurney.testing.making import MadeSeries, made

LONG: Final = 30.0  # seconds; no test waits so long, unless what it tests is broken
STUDY_UID: Final = "0020000D"
QUOTED: Final = 'multipart/related; type="application/dicom"'
BY_URI: Final = (
    "?requestType=WADO&studyUID=2.25.4002&seriesUID=2.25.400201&objectUID=2.25.400201001"
)


@pytest.fixture(scope="module")
def server() -> Iterator[DICOMwebServer]:
    with DICOMwebServer(example_datasets()) as server:
        yield server


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers by lower-case name, and body."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any
    try:
        answer = urlopen(Request(url, headers=fields), timeout=LONG)
    except HTTPError as error:
        answer = error
    with answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, found, answer.read()


def found(server: DICOMwebServer, resource: str) -> list[dict[str, Any]]:
    """Return the results of a search."""
    status, headers, body = get(f"{server.url}/{resource}")
    assert (200, "application/dicom+json") == (status, headers["content-type"])
    objects: list[dict[str, Any]] = json.loads(body)
    return objects


def uids(server: DICOMwebServer, resource: str, tag: str = STUDY_UID) -> list[str]:
    """Return the ends of the UIDs that a search finds."""
    return [one[tag]["Value"][0].removeprefix("2.25.400") for one in found(server, resource)]


def files(server: DICOMwebServer, resource: str, accept: str = QUOTED) -> list[bytes]:
    """Return the parts of an answer."""
    status, headers, body = get(f"{server.url}/{resource}", Accept=accept)
    assert 200 == status
    reader = MultipartReader([body], boundary_of(headers["content-type"]))
    return [b"".join(part.chunks) for part in reader.parts()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["1", "2", "3", "4"]),
        ("PatientID=EX-1", ["1", "2"]),
        ("00100020=EX-1", ["1", "2"]),
        ("PatientName=M%C3%BCller*", ["1", "2"]),
        ("PatientName=*%5EJane", ["3"]),
        ("StudyDate=20240301-20241231", ["2", "3"]),
        ("StudyDate=20240301-&PatientID=EX-1", ["2"]),
        ("StudyInstanceUID=2.25.4001,2.25.4004", ["1", "4"]),
        ("ModalitiesInStudy=MR", ["2"]),
        ("PatientID=", ["1", "2", "3", "4"]),
        ("InstitutionName=x", []),
        ("RequestAttributesSequence.RequestedProcedureID=1", []),
        ("limit=2", ["1", "2"]),
        ("limit=2&offset=3", ["4"]),
        ("offset=9", []),
    ],
)
def test_studies_are_found(server: DICOMwebServer, query: str, expected: list[str]) -> None:
    """Keys match as PS3.4 C.2.2.2 says; limit and offset choose a part (PS3.18 8.3.4.4)."""
    assert expected == uids(server, f"studies?{query}")


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        ("series", 5),
        ("instances", 8),
        ("series?Modality=MR", 2),
        ("series?PatientID=EX-1", 3),
        ("instances?PatientID=EX-1&InstanceNumber=1", 3),
        ("studies/2.25.4002/series", 2),
        ("studies/2.25.4002/instances", 3),
        ("studies/2.25.4002/series/2.25.400201/instances", 2),
        ("studies/2.25.4999/series", 0),
    ],
)
def test_all_forms_of_search(server: DICOMwebServer, resource: str, count: int) -> None:
    """Hierarchical and relational (PS3.18 table 10.6.1-2)."""
    assert count == len(found(server, resource))


def test_what_is_returned(server: DICOMwebServer) -> None:
    """The attributes of the level, the keys, and those asked for; counts are right."""
    (study,) = found(server, "studies?StudyInstanceUID=2.25.4002&includefield=SOPClassesInStudy")
    (series, _) = found(server, "studies/2.25.4002/series")
    (more, *_) = found(server, "series?includefield=00100020,Rows")
    (everything, *_) = found(server, "instances?includefield=all")

    assert [2] == study["00201206"]["Value"]
    assert [3] == study["00201208"]["Value"]
    assert [2] == series["00201209"]["Value"]
    assert "0008001A" not in series
    assert "00100020" not in series
    assert "00080062" in study
    assert "00100020" in more
    assert "00280010" not in more  # of instances, PS3.18 8.3.4.3
    assert {"00080064", "00100020"} < everything.keys()
    assert "7FE00010" not in everything


def test_a_page_says_how_many_more_there_are() -> None:
    """PS3.18 8.3.4.4: the archive's own maximum, and a Warning."""
    with DICOMwebServer(example_datasets(), page=3) as server:
        _, headers, body = get(f"{server.url}/instances?offset=2&limit=100")
        _, last, _ = get(f"{server.url}/instances?offset=5")

    assert 3 == len(json.loads(body))
    assert '299 gurney "There are 3 additional results' in headers["warning"]
    assert "warning" not in last


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ("studies?limit=x", 400),
        ("studies?offset=-1", 400),
        ("studies?NoKeyword=1", 400),
        ("studies?StudyDate=yesterday", 400),
        ("studies?InstanceNumber=x", 400),
        ("nothing", 404),
        ("studies/2.25.4999", 404),
        ("studies/2.25.4001/series/2.25.400201", 404),
        ("studies/2.25.4999/metadata", 404),
    ],
)
def test_what_cannot_be_answered(server: DICOMwebServer, resource: str, status: int) -> None:
    """A status code, and a word."""
    assert status == get(f"{server.url}/{resource}")[0]


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        ("studies/2.25.4002", 3),
        ("studies/2.25.4002/series/2.25.400201", 2),
        ("studies/2.25.4002/series/2.25.400201/instances/2.25.400201001", 1),
    ],
)
def test_instances_come_as_they_are(server: DICOMwebServer, resource: str, count: int) -> None:
    """At all three levels, and so does the metadata."""
    held = {data.SOPInstanceUID: encode(data) for data in example_datasets()}
    contents = files(server, resource)
    described = found(server, f"{resource}/metadata")

    assert count == len(contents) == len(described)
    for content, one in zip(contents, described, strict=True):
        assert held[one["00080018"]["Value"][0]] == content


def test_bulk_data_is_where_the_metadata_says(server: DICOMwebServer) -> None:
    """As octets, and in parts."""
    (_, _, last) = found(server, "studies/2.25.4002/metadata")
    uri = last["7FE00010"]["BulkDataURI"]

    assert bytes([1]) * 4 == get(uri)[2]
    assert bytes([1]) * 4 in get(uri, Accept='multipart/related; type="*/*"')[2]
    assert 404 == get(uri.replace("7FE00010", "00420011"))[0]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "multipart/related"),
        (QUOTED, "multipart/related"),
        ("multipart/related; type=application/dicom; transfer-syntax=*", "multipart/related"),
        ("application/dicom", "application/dicom"),
        ("text/html, application/dicom; transfer-syntax=*", "application/dicom"),
        ("text/html", "text/plain"),
        (f"{QUOTED}; transfer-syntax={RLELossless}", "text/plain"),
    ],
)
def test_accept_is_obeyed(server: DICOMwebServer, accept: str, expected: str) -> None:
    """The first form that can be had is sent; 406 if there is none."""
    instance = "studies/2.25.4002/series/2.25.400201/instances/2.25.400201001"
    status, headers, _ = get(f"{server.url}/{instance}", Accept=accept)

    assert expected == headers["content-type"].partition(";")[0]
    assert (406 if expected == "text/plain" else 200) == status


def test_wado_uri(server: DICOMwebServer) -> None:
    """One instance by its UIDs; a picture for those who do not ask for DICOM."""
    dicom = f"{server.wado_uri}{BY_URI}&contentType=application/dicom"
    implicit = f"{dicom}&transferSyntax={ImplicitVRLittleEndian}"

    assert b"DICM" == get(dicom)[2][128:132]
    assert "image/jpeg" == get(f"{server.wado_uri}{BY_URI}")[1]["content-type"]
    assert ImplicitVRLittleEndian == decode(get(implicit)[2], "it").file_meta.TransferSyntaxUID
    assert 400 == get(f"{dicom}&transferSyntax=x")[0]
    assert 406 == get(f"{dicom}&transferSyntax={RLELossless}")[0]
    assert 400 == get(f"{server.wado_uri}?requestType=WADO")[0]
    assert 404 == get(f"{dicom.replace('4002', '4999')}")[0]


def test_ranges(server: DICOMwebServer) -> None:
    """One range of one instance; none of what is beyond its end."""
    instance = f"{server.url}/studies/2.25.4002/series/2.25.400201/instances/2.25.400201001"
    accept = "application/dicom"
    status, headers, body = get(instance, Accept=accept, Range="bytes=128-131")

    assert (206, b"DICM") == (status, body)
    assert headers["content-range"].startswith("bytes 128-131/")
    assert 416 == get(instance, Accept=accept, Range="bytes=99999-")[0]


def test_transcoding_keeps_all_but_the_pixels() -> None:
    """What W10 sends is the same instance, decompressed."""
    (packed,) = made("2.25.1", {}, MadeSeries("XA", 1, transfer_syntax=RLELossless))
    plain = decode(transcoded(encode(packed), ExplicitVRLittleEndian), "it")

    assert ["(7FE0,0010)"] == [tag.upper() for tag in differences(packed, plain)]
    assert bytes([1]) * 4 == plain.PixelData


def test_one_instance_twice_is_refused() -> None:
    """Which of them should be sent?"""
    with pytest.raises(DuplicateUIDError):
        DICOMwebServer([*example_datasets(), *example_datasets()])


def test_a_port_that_is_taken_is_refused(server: DICOMwebServer) -> None:
    """By an error, which werkzeug would end the program for."""
    port = urlsplit(server.url).port or 0
    with pytest.raises(InvalidInputError, match=str(port)):
        DICOMwebServer(port=port)


def test_requests_are_kept(server: DICOMwebServer) -> None:
    """A test may look at what was asked, and how."""
    get(f"{server.url}/studies?PatientID=a%5Eb&limit=1", Authorization="Bearer x")

    last = server.requests[-1]
    assert ("GET", "/dicom-web/studies") == (last.method, last.path)
    assert "PatientID=a%5Eb&limit=1" == last.query
    assert (("PatientID", "a^b"), ("limit", "1")) == last.parameters
    assert "Bearer x" == last.headers["authorization"]


def test_close_leaves_nothing_behind() -> None:
    """No thread and no socket, even in the middle of an answer that would take an hour."""
    before = threading.enumerate()
    with DICOMwebServer(example_datasets(), ["W20"], pause=3600.0) as server:
        address = "127.0.0.1", urlsplit(server.url).port or 0
        line = socket.create_connection(address, LONG)
        line.sendall(b"GET /dicom-web/studies/2.25.4001 HTTP/1.1\r\nHost: archive\r\n\r\n")
        line.recv(1)

    with line:
        assert set(threading.enumerate()) <= set(before)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, LONG)


def test_envelope_is_what_the_reader_reads() -> None:
    """Two who know multipart agree on it."""
    body = b"".join(Envelope(preamble=b"hello", epilogue=b"bye").pieces([b"1", b"\r\n--2"]))
    reader = MultipartReader([body], Envelope().boundary)

    assert [b"1", b"\r\n--2"] == [b"".join(part.chunks) for part in reader.parts()]


def test_command_lists_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """One a line."""
    assert 0 == main(["--list"])

    lines = capsys.readouterr().out.splitlines()
    assert 61 == len(lines)
    assert lines[0].startswith("Q01  ")


def test_command_serves_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where, what it leaves out, and ends when it is told to."""
    (tmp_path / "one").write_bytes(encode(example_datasets()[0]))
    (tmp_path / "other").write_bytes(b"something else")
    stop = Event()
    stop.set()

    code = main([str(tmp_path), "--fault", "Q08", "--fault", "W01", "--page", "3"], stop=stop)

    said = capsys.readouterr()
    assert 0 == code
    assert [True, True] == [line.startswith("http://127.0.0.1:") for line in said.out.splitlines()]
    assert said.err.startswith("left out: other")


def test_command_runs_until_it_is_interrupted() -> None:
    """As a program, for clients in any language: the first line is the URL."""
    # Who started the tests in the background has switched interrupts off, and that is inherited
    on = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{on}; from gurney.testing.dicomweb.command import main; main()"
    command = [sys.executable, "-c", program, "--fault", "Q01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        status, _, _ = get(f"{url}/studies?PatientID=nobody")
        process.send_signal(signal.SIGINT)

        assert 204 == status
        assert 0 == process.wait(LONG)


def test_the_kit_needs_no_server_library() -> None:
    """Only who wants this archive imports werkzeug."""
    code = "import sys, gurney.testing; sys.exit('werkzeug' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_command_refuses_unknown_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """The id is named."""
    assert 2 == main(["--fault", "Z1"])

    assert "'Z1'" in capsys.readouterr().err
