"""What the door to HTTP is made of, each by itself and without a network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

import pytest
import requests

from gurney.core import InvalidInputError, ProtocolViolationError, TransferInterruptedError
from gurney.http import Gate, Retries, Timeouts, Transport, same_origin, server_url
from gurney.http.wire import Wire

BASE = "https://archive.example/dicom-web"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now: float = 1000.0

    def __call__(self) -> float:
        return self.now


# ---------------------------------------------------------------- origins


@pytest.mark.parametrize(
    "url",
    [
        "https://archive.example/other",
        "https://ARCHIVE.example:443/dicom-web/studies",
        "HTTPS://archive.example",
        "/other",
        "studies/1.2",
        "?a=1",
        "//archive.example/other",
        "../a b".replace(" ", "%20"),
    ],
)
def test_w21_urls_of_the_archive(url: str) -> None:
    """W21: relative URLs, and absolute ones of the same scheme, host and port, may be asked."""
    assert same_origin(server_url(url, BASE), BASE)


@pytest.mark.parametrize(
    "url",
    [
        "http://archive.example/other",
        "https://archive.example:8443/",
        "https://archive.example.evil.example/",
        "https://archive.example@evil.example/",
        "https://user:sesame@archive.example/",
        "https://evil.example\\@archive.example/",
        "https://archive.example\\@evil.example/",
        "//evil.example/",
        "\\\\evil.example/",
        "/\\evil.example/",
        "/a b",
        "/a\nb",
        "\thttps://evil.example",
        "file:///etc/passwd",
        "ftp://archive.example/",
        "javascript:alert(1)",
        "data:,x",
        "https://archive.example:99999/",
        "https://[::1/",
    ],
)
def test_w21_urls_of_others(url: str) -> None:
    """W21: all else is refused, and so is what two readers of URLs may read in two ways."""
    with pytest.raises(ProtocolViolationError) as caught:
        server_url(url, BASE)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "archive.example",
        "ftp://archive.example",
        "https://",
        "https://user:sesame@archive.example/",
        "https://user@archive.example/",
        "https://archive.example/?PatientID=1",
        "https://archive.example/#a",
        "https://archive.example/a b",
        "https://archive.example\\b",
        "dicomweb+https://archive.example",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    """An archive's address is an http(s) URL, without credentials and without a query."""
    with pytest.raises(InvalidInputError) as caught:
        Transport(url)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://archive.example", True),
        ("http://localhost:8042", True),
        ("http://pacs.localhost", True),
        ("http://127.0.0.1:8042", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8042", True),
        ("http://archive.example", False),
        ("http://10.0.0.1", False),
        ("http://[::2]", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_loopback(url: str, safe: bool) -> None:
    """Within this machine credentials may go unencrypted."""
    if safe:
        Transport(url, token=lambda: "t").close()
    else:
        with pytest.raises(InvalidInputError, match="unencrypted"):
            Transport(url, token=lambda: "t")
        Transport(url, token=lambda: "t", allow_insecure_credentials=True).close()


# ---------------------------------------------------------------- the gate


def test_gate_halves_and_grows() -> None:
    """A busy archive halves the limit; each quiet period adds one, up to the first limit."""
    clock = Clock()
    gate = Gate(8, quiet=30, clock=clock)
    limits: list[int] = []
    for _ in range(5):
        with gate.slot() as say_busy:
            say_busy()
        limits.append(gate.limit)
    for seconds in (29, 1, 29, 1, 60, 1000):
        clock.now += seconds
        limits.append(gate.limit)

    assert [4, 2, 1, 1, 1, 1, 2, 2, 3, 5, 8] == limits


def test_gate_halves_once_for_what_was_under_way_together() -> None:
    """One moment of overload, seen by several requests, is one halving."""
    gate = Gate(8, clock=Clock())
    with gate.slot() as first, gate.slot() as second, gate.slot() as third:
        first()
        second()
        third()
    assert 4 == gate.limit
    with gate.slot() as later:
        later()
    assert 2 == gate.limit


def test_busy_moment_begins_a_quiet_period_anew() -> None:
    """The limit does not grow while requests still meet a busy archive."""
    clock = Clock()
    gate = Gate(8, quiet=30, clock=clock)
    with gate.slot() as first, gate.slot() as second:
        first()
        clock.now += 20
        second()
        clock.now += 20
        assert 4 == gate.limit


def test_gate_lets_as_many_through_as_its_limit() -> None:
    """Threads wait for a slot; all get one in the end, and never too many at a time."""
    gate = Gate(3)
    inside: list[int] = [0]
    most: list[int] = []
    lock = threading.Lock()

    def enter(_: int) -> None:
        for _ in range(50):
            with gate.slot():
                with lock:
                    inside[0] += 1
                    most.append(inside[0])
                with lock:
                    inside[0] -= 1

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert 8 * 50 == len(most)
    assert 3 >= max(most)


def test_a_thread_does_not_wait_for_itself() -> None:
    """Who has a slot gets another: two answers may be read side by side by one thread."""
    gate = Gate(1)
    with gate.slot(), gate.slot():
        done: list[str] = []
        other = threading.Thread(target=lambda: enter_and_leave(gate, done))
        other.start()
        assert [] == done
    other.join(30)

    assert ["done"] == done


def enter_and_leave(gate: Gate, done: list[str]) -> None:
    """Take a slot and give it back."""
    with gate.slot():
        done.append("done")


def test_abandoned_slot_is_given_back() -> None:
    """A slot whose owner was forgotten is free again."""
    gate = Gate(1)
    slot = gate.slot()
    slot.__enter__()
    del slot
    done: list[str] = []
    other = threading.Thread(target=lambda: enter_and_leave(gate, done))
    other.start()
    other.join(30)

    assert ["done"] == done


@pytest.mark.parametrize("limit", [0, -1])
def test_gate_that_lets_nobody_through(limit: int) -> None:
    """A gate that is always closed is a mistake."""
    with pytest.raises(InvalidInputError):
        Gate(limit)


# ---------------------------------------------------------------- minimum rate


class Trickle:
    """An answer that comes in pieces, each after some seconds."""

    def __init__(self, clock: Clock, *pieces: tuple[float, int]) -> None:
        self.raw: Trickle = self
        self._clock: Clock = clock
        self._pieces: list[tuple[float, int]] = list(pieces)

    def read1(self, *_: object, **__: object) -> bytes:
        seconds, size = self._pieces.pop(0) if self._pieces else (0.0, 0)
        self._clock.now += seconds
        return bytes(size)


def wire(clock: Clock, *pieces: tuple[float, int], rate: float | None = 100) -> Wire:
    """Return a wire over which pieces trickle."""
    timeouts = Timeouts(minimum_rate=rate, window=10)
    return Wire(cast("requests.Response", Trickle(clock, *pieces)), "GET x", timeouts, clock)


def test_w20_trickle() -> None:
    """W20: what never falls silent but is too slow is given up, after all that came."""
    trickle = wire(Clock(), *[(1.0, 10)] * 1000)
    came: list[bytes] = []

    with pytest.raises(TransferInterruptedError, match="10 bytes a second"):
        came.extend(trickle.pieces())
    assert 100 == len(b"".join(came))


@pytest.mark.parametrize(
    "pieces", [[(1.0, 100)] * 100, [(9.0, 1), (1.0, 999), (250.0, 25_000)], [(250.0, 1), (1.0, 1)]]
)
def test_w19_slow_but_alive(pieces: list[tuple[float, int]]) -> None:
    """W19: an answer may take for ever, if it is not slower than the rate; its begin counts not."""
    assert sum(size for _, size in pieces) == sum(map(len, wire(Clock(), *pieces).pieces()))


def test_no_rule_of_rate_by_default() -> None:
    """Unless a rate is asked for, slowness alone is no failure."""
    pieces = [(59.0, 1)] * 100

    assert 100 == sum(map(len, wire(Clock(), *pieces, rate=None).pieces()))


def test_time_of_the_consumer_does_not_count() -> None:
    """Only waiting for the archive counts: who stores slowly is not the archive's fault."""
    clock = Clock()
    size = 0
    for piece in wire(clock, *[(1.0, 70_000)] * 30).pieces():
        clock.now += 10_000
        size += len(piece)

    assert 30 * 70_000 == size


# ---------------------------------------------------------------- settings


def test_waits_are_bounded_however_often_it_was_asked() -> None:
    """Doubling a thousand times is more than a number can hold."""
    assert 0.0 <= Retries(longest_wait=7.0).wait_before(5000) <= 7.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(connect=0),
        lambda: Timeouts(idle=-1),
        lambda: Timeouts(minimum_rate=0),
        lambda: Retries(attempts=0),
        lambda: Retries(longest_wait=-1),
    ],
)
def test_settings_that_make_no_sense(make: Callable[[], object]) -> None:
    """A wrong setting is refused when it is made."""
    with pytest.raises(ValueError, match="must be"):
        make()
