"""DICOMweb archives that have too much to do are asked at the pace that was agreed, and heard."""

from __future__ import annotations

from collections.abc import Callable, Generator
from threading import Event
from threading import enumerate as enumerate_threads
from typing import cast

import pytest
from tests.hostile.examples import HEAD, datasets, fetch, known, many

from gurney.core import (
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    OutcomeStatus,
    Query,
    QueryLevels,
)
from gurney.dicomweb import DICOMwebArchive, QidoRS, WadoRS, WadoURI
from gurney.http import Gate, Retries, Timeouts, Transport
from gurney.manners import Pace
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.making import MadeSeries, made

SHORT = Timeouts(connect=10.0, first_byte=10.0, idle=10.0)
QUICK = Retries(attempts=3, first_wait=0.0, sleep=lambda _: None)
Make = Callable[[Transport], FileDownloader]


def line(url: str, pace: Pace, gate: Gate | None = None) -> Transport:
    """Return an impatient transport."""
    return Transport(url, timeouts=SHORT, retries=QUICK, gate=gate, pace=pace)


@pytest.mark.parametrize(("make", "requests"), [(WadoRS, 1), (WadoURI, 3)])
def test_what_is_asked_and_comes_is_counted(make: Make, requests: int) -> None:
    """Requests as the archive counts them, bytes as they come over the line."""
    pace = Pace()
    with DICOMwebServer(datasets()) as server:
        url = server.wado_uri if make is WadoURI else server.url
        with line(url, pace) as transport:
            got = fetch(make(transport))

    size = sum(map(len, got.files.values()))
    assert got.receipt.complete
    assert requests == len(server.requests) == pace.requests
    assert size <= pace.bytes_received <= size + 300 * requests + 3 * 300
    assert 0 == pace.refusals


def test_each_page_is_a_request() -> None:
    """Also those that find out whether something is missing."""
    pace = Pace()
    with DICOMwebServer(many(), page=5) as server, line(server.url, pace) as transport:
        found = QidoRS(transport, page_size=5).find_studies(Query())

    assert 18 == len(found)
    assert 4 <= len(server.requests) == pace.requests


@pytest.mark.parametrize("times", [1, 2, 3])
def test_q29_refusals_are_heard_and_asked_again_at_the_pace(times: int) -> None:
    """503 with Retry-After, by 1 to 3 requests: counted, the gate narrowed, all comes."""
    pace, gate = Pace(), Gate(8, quiet=1e9)
    with (
        DICOMwebServer(datasets(), ["Q29"], times=times) as server,
        line(server.url, pace, gate) as transport,
    ):
        got = fetch(WadoRS(transport))

    assert times == pace.refusals
    assert len(server.requests) == pace.requests
    assert gate.limit == max(1, 8 >> times)
    assert got.receipt.complete is (times < 3)


def test_q29_an_archive_that_is_always_busy_is_not_stormed() -> None:
    """However often it refuses, nothing is sent faster than agreed."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(2.0, clock=lambda: now[0], sleep=sleep)
    with (
        DICOMwebServer(datasets(), ["Q29"], times=10**6) as server,
        line(server.url, pace) as transport,
    ):
        got = fetch(WadoURI(transport))

    assert {OutcomeStatus.FAILED, OutcomeStatus.MISSING} >= {o.status for o in got.receipt.outcomes}
    assert 3 == len(got.receipt.outcomes)
    assert len(server.requests) == pace.requests == pace.refusals
    assert len(server.requests) <= 2.0 * now[0] + 2.0


def test_parallel_answers_share_one_pace() -> None:
    """Many threads read at a time; together they are no faster than one would be."""
    lists = [made(f"2.25.70{n}", {}, MadeSeries("CT", 4, size=200)) for n in range(4)]
    slept = list[float]()
    pace = Pace(bytes_per_second=1e6, clock=lambda: sum(slept), sleep=slept.append)
    with DICOMwebServer([d for each in lists for d in each]) as server:
        archive = DICOMwebArchive(server.url, pace=pace)
        with archive:
            found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
            files = [file.read() for file in archive.files(found)]

    assert 16 == len(files)
    assert sum(map(len, files)) <= pace.bytes_received <= 1e6 * sum(slept) + 1e6


def test_a_line_has_one_pace() -> None:
    """Who shares a transport shares its pace; another is a mistake, the same is none."""
    pace = Pace()
    with Transport("http://localhost:1/a", pace=pace) as transport:
        for make in (QidoRS, WadoRS, WadoURI, DICOMwebArchive):
            make(transport, pace=pace)
            with pytest.raises(InvalidInputError, match="own pace"):
                make(transport, pace=Pace())


def test_leaving_early_is_not_held_up_by_the_pace() -> None:
    """Threads that wait for their turn end when nobody wants the rest: it never comes here."""
    study = made(HEAD, {}, MadeSeries("CT", 12, size=300))
    turn = Event()

    def sleep(_: float) -> None:
        turn.wait(0.01)

    pace = Pace(bytes_per_second=3e5, clock=lambda: 0.0, sleep=sleep)
    with DICOMwebServer(study) as server, line(server.wado_uri, pace) as transport:
        files = WadoURI(transport).files(known(HEAD, study))
        first = next(files).read()
        reading = [each for each in enumerate_threads() if each.name == "gurney-read-ahead"]
        cast("Generator[DICOMFile]", files).close()

    assert len(first) > 90_000
    assert reading
    assert not any(thread.is_alive() for thread in reading)
