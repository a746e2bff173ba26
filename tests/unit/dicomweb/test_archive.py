"""One archive: searched by QIDO-RS, fetched from by WADO-RS or WADO-URI, over one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gurney import (
    InvalidInputError,
    NonInstanceParameterError,
    Query,
    QueryLevels,
    to_instance_refs,
)
from gurney.dicomweb import DICOMwebArchive
from gurney.http import Transport
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer, Service

DEEP = Query(PatientID="EX-1", query_level=QueryLevels.INSTANCE)


@pytest.fixture
def server() -> Iterator[DICOMwebServer]:
    """A well-behaved archive."""
    with DICOMwebServer(example_datasets()) as server:
        yield server


def services(server: DICOMwebServer) -> set[Service]:
    """Return what was asked for."""
    return {request.service for request in server.requests}


def test_search_and_fetch(server: DICOMwebServer) -> None:
    """What is found is what comes: each instance once, under its name."""
    with DICOMwebArchive(server.url) as archive:
        found = archive.find_studies(DEEP)
        names = {file.reference: len(file.read()) for file in archive.files(found)}
        datasets = list(archive.datasets(found))

    assert found.complete
    assert set(to_instance_refs(found)) == set(names)
    assert 5 == len(datasets)
    assert {Service.SEARCH, Service.RETRIEVE} == services(server)


@pytest.mark.parametrize("address", ["/wado", "{0.wado_uri}"])
def test_wado_uri_at_its_own_address(server: DICOMwebServer, address: str) -> None:
    """A path, or a URL of the same origin."""
    wado_uri = address.format(server)
    with DICOMwebArchive(server.url, retrieve="wado-uri", wado_uri=wado_uri) as archive:
        found = archive.find_studies(DEEP)
        names = {file.reference for file in archive.files(found) if file.read()}

    assert set(to_instance_refs(found)) == names
    assert {Service.SEARCH, Service.WADO_URI} == services(server)


def test_wado_uri_wants_instances(server: DICOMwebServer) -> None:
    """It says so at once: whoever asks can expand and ask again."""
    with DICOMwebArchive(server.url, retrieve="wado-uri", wado_uri="/wado") as archive:
        found = archive.find_studies(Query(PatientID="EX-1"))

        with pytest.raises(NonInstanceParameterError):
            archive.files(found)


def test_everything_goes_over_one_line(server: DICOMwebServer) -> None:
    """The caller's transport is used for all, and stays open."""
    with Transport(server.url, token=lambda: "t0ken") as transport:
        for settings in ({}, {"retrieve": "wado-uri", "wado_uri": "/wado"}):
            given: dict[str, Any] = settings
            with DICOMwebArchive(transport, **given) as archive:
                assert [b"DICM"] * 5 == [
                    file.read()[128:132] for file in archive.files(archive.find_studies(DEEP))
                ]
        transport.get("studies").close()

    assert {"Bearer t0ken"} == {asked.headers["authorization"] for asked in server.requests}


@pytest.mark.parametrize("given", [True, False])
def test_only_its_own_line_is_closed(given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that was given is for others, too."""
    closed: list[Transport] = []

    def close(self: Transport) -> None:
        closed.append(self)

    monkeypatch.setattr(Transport, "close", close)
    url = "https://archive.example/dicom-web"
    with DICOMwebArchive(Transport(url) if given else url):
        pass

    assert (0 if given else 1) == len(closed)


def test_your_own_session_is_used_and_stays(server: DICOMwebServer) -> None:
    """What it is set to goes with each request."""
    with requests.Session() as session:
        session.headers["X-Site"] = "here"
        with DICOMwebArchive(server.url, session) as archive:
            archive.find_studies(Query())
        again = session.get(f"{server.url}/studies", timeout=30)

    assert 200 == again.status_code
    assert {"here"} == {asked.headers.get("x-site") for asked in server.requests}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"retrieve": "wado"}, "one of wado-rs, wado-uri"),
        ({"wado_uri": "/wado"}, "is for retrieve='wado-uri'"),
        ({"retrieve": "wado-uri", "wado_uri": "https://other.example/wado"}, "not the origin"),
        ({"retrieve": "wado-uri", "wado_uri": "//other.example/wado"}, "not the origin"),
        ({"retrieve": "wado-uri", "wado_uri": "/wado?a=b"}, "no query"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], words: str) -> None:
    """Before anything is asked; credentials go nowhere else."""
    with pytest.raises(InvalidInputError, match=words):
        DICOMwebArchive("https://archive.example/dicom-web", **settings)


def test_repr_names_the_address() -> None:
    """And nothing else."""
    with DICOMwebArchive("https://archive.example/dicom-web") as archive:
        assert "DICOMwebArchive('https://archive.example/dicom-web')" == repr(archive)
