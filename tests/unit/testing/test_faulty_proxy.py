"""The bad line of the tests spoils what it says, as its seed says, and counts it."""

from __future__ import annotations

import http.client
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from tests.servers.faulty_proxy import Fault, FaultyProxy, Weather
from tests.servers.running import free_ports
from tests.servers.scripted import BOUNDARY, Reply, Scripted, multipart

PARTS = [bytes([number]) * 20_000 for number in range(5)]
NAMES = [sha256(part).hexdigest() for part in PARTS]
STUDY = "/dicom-web/studies/1"

Start = Callable[..., FaultyProxy]


@pytest.fixture
def archive() -> Iterator[Scripted]:
    with Scripted() as archive:
        archive.replies["studies/1"] = [Reply(multipart(PARTS))]
        archive.replies["studies/2"] = [Reply(b"{}", kind="application/json")]
        yield archive


@pytest.fixture
def start(archive: Scripted) -> Iterator[Start]:
    """Return a function that puts a proxy in front of the archive."""
    started: list[FaultyProxy] = []

    def start(*faults: Fault, times: int = 10, seed: int = 0, stall: float = 60.0) -> FaultyProxy:
        weather = Weather(
            seed=seed, shares={f: 1 / len(faults) for f in faults}, times=times, stall=stall
        )
        proxy = FaultyProxy(urlsplit(archive.url).port or 0, weather)
        started.append(proxy.__enter__())
        return proxy

    yield start
    for proxy in started:
        proxy.__exit__(None, None, None)


def ask(proxy: FaultyProxy, target: str = STUDY) -> tuple[http.client.HTTPResponse, bytes]:
    """Return an answer, and the body as far as it came."""
    line = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    try:
        line.request("GET", target)
        answer = line.getresponse()
        return answer, answer.read()
    finally:
        line.close()


def test_without_faults_all_passes(start: Start) -> None:
    """Status, type and body are those of the server; the parts are told."""
    proxy = start()
    answer, body = ask(proxy)
    missing, _ = ask(proxy, "/dicom-web/studies/3")

    assert (200, 404) == (answer.status, missing.status)
    assert multipart(PARTS) == body
    assert BOUNDARY in str(answer.getheader("Content-Type"))
    assert proxy.wait_until(lambda: len(proxy.passages) == 2)
    assert [tuple(NAMES), ()] == [passage.parts for passage in proxy.passages]
    assert all(passage.reached for passage in proxy.passages)
    assert Counter() == proxy.faults


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.STALL])
def test_body_ends_early(start: Start, fault: Fault) -> None:
    """Less comes than was announced; what comes is true."""
    proxy = start(fault, stall=0.01)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)

    assert multipart(PARTS).startswith(caught.value.partial)
    assert caught.value.expected
    assert proxy.wait_until(lambda: fault in proxy.faults)
    assert [(tuple(NAMES), False)] == [(p.parts, p.reached) for p in proxy.passages]


def test_stall_lasts_until_the_client_goes(start: Start) -> None:
    """Who hangs up is not held: the stall is over then, long before its time."""
    proxy = start(Fault.STALL)
    with socket.create_connection(("127.0.0.1", proxy.port)) as line:
        line.sendall(f"GET {STUDY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert line.recv(100)
        assert [] == proxy.passages

    assert proxy.wait_until(lambda: fault_is(proxy, Fault.STALL))


def fault_is(proxy: FaultyProxy, fault: Fault) -> bool:
    return [fault] == [passage.fault for passage in proxy.passages]


def test_stall_ends_with_the_proxy(archive: Scripted) -> None:
    """A proxy that is stopped does not wait for those that it holds up."""
    proxy = FaultyProxy(urlsplit(archive.url).port or 0, Weather(shares={Fault.STALL: 1.0}))
    proxy.__enter__()
    with socket.create_connection(("127.0.0.1", proxy.port)) as line:
        line.sendall(f"GET {STUDY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert line.recv(100)
        proxy.__exit__(None, None, None)

        assert proxy.wait_until(lambda: fault_is(proxy, Fault.STALL))


@pytest.mark.parametrize("seed", range(6))
def test_connection_is_reset(start: Start, seed: int) -> None:
    """The client is told by its own system, before the body or within."""
    proxy = start(Fault.RESET, seed=seed)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        ask(proxy)

    assert proxy.wait_until(lambda: fault_is(proxy, Fault.RESET))
    assert not proxy.passages[0].reached


def test_part_comes_twice(start: Start) -> None:
    """A duplicate is next to its like; the answer is in order otherwise."""
    proxy = start(Fault.DUPLICATE)
    _, body = ask(proxy)
    _, listing = ask(proxy, "/dicom-web/studies/2")
    assert proxy.wait_until(lambda: len(proxy.passages) == 2)
    (twice,) = [name for name, n in Counter(proxy.passages[0].parts).items() if n == 2]
    again = NAMES.index(twice)

    assert multipart([*PARTS[:again], PARTS[again], *PARTS[again:]]) == body
    assert b"{}" == listing
    assert Counter({Fault.DUPLICATE: 1}) == proxy.faults


def test_busy_server_is_not_asked(start: Start, archive: Scripted) -> None:
    """It says when to come again, and the server behind knows nothing of it."""
    proxy = start(Fault.BUSY)
    answer, _ = ask(proxy)

    assert (503, "1") == (answer.status, answer.getheader("Retry-After"))
    assert [] == archive.paths


def test_server_that_is_away() -> None:
    """A proxy with nobody behind says so, as proxies do."""
    with FaultyProxy(free_ports(1)[0]) as proxy:
        answer, _ = ask(proxy)

        assert 502 == answer.status
        assert proxy.wait_until(lambda: fault_is(proxy, Fault.AWAY))


def test_server_that_dies(start: Start, archive: Scripted) -> None:
    """What the server did not finish arrives as an answer that is cut."""
    archive.replies["studies/1"] = [Reply(multipart(PARTS), cut=30_000)]
    proxy = start()
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)

    assert multipart(PARTS)[:30_000] == caught.value.partial
    assert proxy.wait_until(lambda: fault_is(proxy, Fault.AWAY))


def test_chance_is_of_the_seed() -> None:
    """What happens depends on seed, target and number of the request, and on nothing else."""
    shares = dict.fromkeys([Fault.CUT, Fault.RESET, Fault.BUSY], 0.2)
    first, same, other = (Weather(seed=seed, shares=shares) for seed in (1, 1, 2))
    targets = [f"studies/{number}" for number in range(500)]
    drawn = [[weather.fault_of(t, 0) for t in targets] for weather in (first, same, other)]
    counted = Counter(fault for fault, _ in drawn[0])

    assert drawn[0] == drawn[1] != drawn[2]
    assert all(60 <= counted[fault] <= 140 for fault in shares)


def test_nothing_is_spoilt_for_ever(start: Start) -> None:
    """After so many times an answer passes."""
    proxy = start(Fault.CUT, times=2)
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            ask(proxy)
    answer, _ = ask(proxy)

    assert 200 == answer.status
    assert Counter({Fault.CUT: 2}) == proxy.faults


def test_somebody_may_act_halfway(start: Start) -> None:
    """Whoever wants to can do something while an answer is on its way, knowing who waits for it."""
    proxy = start()
    told: list[tuple[str, int]] = []
    proxy.halfway = lambda target, port: told.append((target, port))
    with socket.create_connection(("127.0.0.1", proxy.port)) as line:
        line.sendall(f"GET {STUDY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert proxy.wait_until(lambda: len(proxy.passages) == 1)

        assert [(STUDY, line.getsockname()[1])] == told
