"""WADO-URI: one question for each instance, and the same guarantees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.scripted import Asked, Reply, Scripted

from gurney.core import (
    DownloadError,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    NonInstanceParameterError,
    SeriesReference,
    encode,
)
from gurney.dicomweb import WadoURI
from gurney.http import Retries, Transport
from gurney.testing.making import MadeSeries, made

STUDY = "1.2.3"
FILES = {
    InstanceReference(STUDY, data.SeriesInstanceUID, data.SOPInstanceUID): encode(data)
    for data in made(STUDY, {}, MadeSeries("CT", 6, size=8))
}
REFS = tuple(FILES)


class Service:
    """Answers by objectUID."""

    def __init__(self) -> None:
        self.replies = {
            ref.instance_uid: [Reply(content, kind="application/dicom")]
            for ref, content in FILES.items()
        }

    def __call__(self, asked: Asked) -> Reply:
        keys = dict(pair.split("=") for pair in asked.query.split("&"))
        replies = self.replies[keys["objectUID"]]
        return replies.pop(0) if len(replies) > 1 else replies[0]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def archive(service: Service) -> Iterator[Scripted]:
    with Scripted() as server:
        server.replies[""] = [service]
        yield server


@pytest.fixture
def line(archive: Scripted) -> Iterator[Transport]:
    waits = Retries(attempts=3, sleep=lambda _: None)
    with Transport(archive.url, retries=waits) as transport:
        yield transport


def test_every_instance_comes(archive: Scripted, line: Transport) -> None:
    """Byte for byte; each asked for once, with all that the standard demands."""
    came = {file.reference: file.read() for file in WadoURI(line).files(REFS)}
    first = next(asked for asked in archive.asked if REFS[0].instance_uid in asked.query)

    assert FILES == came
    assert len(REFS) == len(archive.asked)
    assert (
        f"requestType=WADO&studyUID={STUDY}&seriesUID={REFS[0].series_uid}"
        f"&objectUID={REFS[0].instance_uid}&contentType=application/dicom"
    ) == first.query
    assert "application/dicom" == first.headers["accept"]


def test_a_transfer_syntax_is_asked_for(archive: Scripted, line: Transport) -> None:
    """If one is set."""
    client = WadoURI(line, transfer_syntax="1.2.840.10008.1.2.1")
    list(client.files(REFS[:1]))

    assert archive.asked[0].query.endswith("&transferSyntax=1.2.840.10008.1.2.1")


def test_a_series_is_refused(archive: Scripted, line: Transport) -> None:
    """Before anything is asked for."""
    with pytest.raises(NonInstanceParameterError):
        WadoURI(line).files([*REFS, SeriesReference(STUDY, REFS[0].series_uid)])

    assert [] == archive.asked


@pytest.mark.parametrize("framed", [True, False])
def test_a_cut_instance_is_asked_for_again(service: Service, line: Transport, framed: bool) -> None:
    """By its length, or its structure: half of it is not taken for all (W01)."""
    whole = service.replies[REFS[0].instance_uid][0]
    service.replies[REFS[0].instance_uid] = [
        Reply(whole.body, kind=whole.kind, cut=len(whole.body) - 9, framed=framed),
        whole,
    ]
    (file,) = WadoURI(line).files(REFS[:1])

    assert FILES[REFS[0]] == file.read()
    assert 1 == file.retries


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"\xff\xd8\xff\xe0" + bytes(900), kind="application/dicom"), "not DICOM"),
        (Reply(FILES[REFS[1]], kind="application/dicom"), "another instance"),
        (Reply(status=404), "404"),
        (Reply(status=204), "nothing"),
    ],
)
def test_what_is_not_the_instance_is_a_failure(
    service: Service, line: Transport, reply: Reply, said: str
) -> None:
    """W14, W24, W26: it is named, with the reason, and the others come."""
    service.replies[REFS[0].instance_uid] = [reply]
    reasons: dict[object, str] = {}
    came: dict[object, bytes] = {}
    for file in WadoURI(line).files(REFS):
        try:
            came[file.reference] = file.read()
        except DownloadError as error:  # noqa: PERF203  each file on its own
            reasons[file.reference] = error.reason

    assert {ref: FILES[ref] for ref in REFS[1:]} == came
    assert said in reasons[REFS[0]]


def test_no_more_at_a_time_than_allowed(archive: Scripted, line: Transport) -> None:
    """Parallel, and bounded."""
    list(WadoURI(line, parallel=2).files(REFS))

    assert 2 >= archive.most


def test_settings_are_checked(archive: Scripted) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidInputError):
        WadoURI(archive.url, parallel=0)
    with pytest.raises(InvalidUIDError):
        WadoURI(archive.url, transfer_syntax="")
