"""Associations are reused, bounded, replaced when they died, and never left behind."""

from __future__ import annotations

import gc
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from tests.servers.upper_layer import (
    CT,
    EXPLICIT,
    FIND,
    IMPLICIT,
    LONG,
    Answering,
    agree,
    fragments,
    read_pdu,
)

from gurney.core import ArchiveUnavailableError, AuthenticationError, BusyError
from gurney.dimse import Associations, Peer, Retries, Timeouts
from gurney.dimse.association import Association, Proposed, associations_of, commands

CTS = [Proposed(CT, (EXPLICIT,))]
FINDS = [Proposed(FIND, (IMPLICIT,))]
PATIENT = Timeouts(connect=LONG, answer=LONG, idle=LONG, release=LONG)
REJECTED_FOR_NOW = b"\3\0\0\0\0\4\0\2\3\2"
REJECTED = b"\3\0\0\0\0\4\0\1\1\7"
RELEASED = b"\6\0\0\0\0\4\0\0\0\0"


class Archive:
    """Agrees to all, and remembers how associations end: ``"release"``, ``"abort"``, ``"cut"``."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.open: int = 0
        self.most: int = 0
        self.changed: threading.Condition = threading.Condition()

    def __call__(self, connection: socket.socket) -> None:
        agree(connection)
        self._count(1)
        end = "cut"
        while pdu := read_pdu(connection):
            if pdu[0] in (5, 7):
                end = "release" if pdu[0] == 5 else "abort"
                break
        self._count(-1, end)
        if end == "release":
            connection.sendall(RELEASED)

    def until(self, condition: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, LONG)

    def _count(self, more: int, *ends: str) -> None:
        with self.changed:
            self.open += more
            self.most = max(self.most, self.open)
            self.ends += ends
            self.changed.notify_all()


def peer_at(answering: Answering, **changes: Any) -> Peer:
    """Return the archive there."""
    settings: dict[str, Any] = {"retries": Retries(sleep=_at_once), "timeouts": PATIENT, **changes}
    return Peer("127.0.0.1", answering.port, "ARCHIVE", **settings)


def _at_once(_seconds: float) -> None:
    """Do not wait."""


def test_an_idle_association_is_used_again() -> None:
    """By who proposes the same, until another is needed; at the end it is released."""
    archive = Archive()
    with Answering(archive) as answering, Associations(peer_at(answering)) as associations:
        used: list[Association] = []
        for _ in range(3):
            with associations.taken(CTS) as association:
                used.append(association)
        with associations.taken(FINDS) as other:
            pass
        with associations.taken(CTS, extended={CT: b"\1"}) as extended:
            pass
        with associations.taken(CTS) as again:
            pass

    assert used[0] is used[1] is used[2]
    assert 4 == len({id(one) for one in (used[0], again, other, extended)})
    assert 1 == archive.most
    assert archive.until(lambda: len(archive.ends) == 4)
    assert ["release"] * 4 == archive.ends


def test_nothing_is_idle_when_nobody_searches_or_fetches() -> None:
    """Some archives serve four at a time, idle ones included: outside a ``with`` none is kept."""
    archive = Archive()
    with Answering(archive) as answering:
        associations = Associations(peer_at(answering))
        used: list[Association] = []
        with associations.reusing():
            for _ in range(2):
                with associations.taken(CTS) as association:
                    used.append(association)
        with associations.taken(CTS):
            pass

        assert used[0] is used[1]
        assert archive.until(lambda: archive.ends == ["release"] * 2)


def test_one_that_died_while_idle_is_replaced() -> None:
    """Without a word: archives end what is idle for long."""
    idle = [threading.Event(), threading.Event()]

    def releasing(connection: socket.socket) -> None:
        agree(connection)
        assert idle[0].wait(LONG)
        connection.sendall(b"\5\0\0\0\0\4\0\0\0\0")

    def cutting(connection: socket.socket) -> None:
        agree(connection)
        assert idle[1].wait(LONG)

    with (
        Answering(releasing, cutting, Archive()) as answering,
        Associations(peer_at(answering)) as associations,
    ):
        for now_idle in idle:
            with associations.taken(CTS) as association:
                assert association.usable
            now_idle.set()
            assert association.wait(LONG)
        with associations.taken(CTS) as last:
            usable = last.usable

        assert 3 == answering.connections
    assert usable


def test_what_ends_badly_is_aborted() -> None:
    """After an exception, and in the middle of a message; both are not used again."""

    def sending(connection: socket.socket) -> None:
        agree(connection)
        store = commands.c_store_rq(1, CT, "1.2").encode()
        connection.sendall(fragments(1, store, command=True))
        assert read_pdu(connection)[0] == 7
        aborted.set()

    aborted = threading.Event()
    archive = Archive()
    with (
        Answering(sending, archive, archive) as answering,
        Associations(peer_at(answering)) as associations,
    ):
        with associations.taken(CTS) as half_read:
            half_read.receive()
        assert aborted.wait(LONG)
        with pytest.raises(ZeroDivisionError), associations.taken(CTS) as failed:
            raise ZeroDivisionError
        with associations.taken(CTS) as good:
            pass

        assert archive.until(lambda: archive.ends == ["abort"])
    assert 3 == len({id(one) for one in (half_read, failed, good)})
    assert not half_read.usable
    assert archive.until(lambda: archive.ends == ["abort", "release"])


def test_a_generator_that_is_dropped_aborts() -> None:
    """Leaving the loop over what comes in must not leave the association behind."""
    archive = Archive()
    with Answering(archive) as answering, Associations(peer_at(answering)) as associations:

        def numbers() -> Iterator[int]:
            with associations.taken(CTS):
                yield from range(10)

        first = next(numbers())
        gc.collect()

        assert archive.until(lambda: archive.ends == ["abort"])
    assert 0 == first


def test_no_more_than_the_archive_allows() -> None:
    """Whoever wants one more waits; idle ones of another kind make room."""
    archive = Archive()
    with (
        Answering(archive) as answering,
        Associations(peer_at(answering, associations=2)) as associations,
        ThreadPoolExecutor(6) as pool,
    ):

        def work(number: int) -> int:
            with associations.taken(FINDS if number % 3 else CTS) as association:
                return len(association.contexts)

        assert [1] * 40 == list(pool.map(work, range(40)))

        assert archive.most <= 3  # one may not have seen the end of another yet


def test_idle_ones_make_room() -> None:
    """For one of another kind, before that is asked for."""
    archive = Archive()
    with (
        Answering(archive) as answering,
        Associations(peer_at(answering, associations=1)) as associations,
    ):
        with associations.taken(CTS):
            pass
        with associations.taken(FINDS) as other:
            assert archive.until(lambda: archive.ends == ["release"])
            assert other.usable


def test_who_has_one_gets_another() -> None:
    """Else it would wait for itself."""
    archive = Archive()
    with (
        Answering(archive) as answering,
        Associations(peer_at(answering, associations=1)) as associations,
        associations.taken(CTS) as outer,
        associations.taken(CTS) as inner,
    ):
        assert outer is not inner
        assert outer.usable
        assert inner.usable


def test_waiting_ends_when_another_is_done() -> None:
    """Also if that ended by an exception."""
    archive = Archive()
    with (
        Answering(archive) as answering,
        Associations(peer_at(answering, associations=1)) as associations,
        ThreadPoolExecutor(1) as pool,
    ):

        def work() -> bool:
            with associations.taken(CTS) as association:
                return association.usable

        def fail() -> None:
            with associations.taken(CTS):
                later.append(pool.submit(work))
                raise ZeroDivisionError

        later: list[Future[bool]] = []
        with pytest.raises(ZeroDivisionError):
            fail()

        assert later[0].result(LONG)


def test_an_archive_that_is_busy_is_asked_again() -> None:
    """After a wait that is bounded; and after being cut off."""
    waits: list[float] = []

    def busy(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(REJECTED_FOR_NOW)

    retries = Retries(attempts=3, first_wait=2.0, sleep=waits.append)
    with (
        Answering(busy, read_pdu, Archive()) as answering,
        Associations(peer_at(answering, retries=retries)) as associations,
        associations.taken(CTS) as association,
    ):
        assert association.usable
    assert 2 == len(waits)
    assert waits[0] <= 2.0
    assert waits[1] <= 4.0


def test_asking_again_has_an_end() -> None:
    """The last refusal is what the caller hears; then another may try."""
    waits: list[float] = []

    def busy(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(REJECTED_FOR_NOW)

    retries = Retries(attempts=3, sleep=waits.append)
    with Answering(busy) as answering:
        associations = Associations(peer_at(answering, retries=retries, associations=1))
        for _ in range(2):
            with pytest.raises(BusyError), associations.taken(CTS):
                pass
        connections = answering.connections

    with pytest.raises(ArchiveUnavailableError), associations.taken(CTS):
        pass

    assert 6 == connections
    assert 6 == len(waits)


def test_who_is_not_known_is_not_asked_again() -> None:
    """A permanent rejection stays the same."""

    def stern(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(REJECTED)

    with Answering(stern) as answering:
        associations = Associations(peer_at(answering))
        with pytest.raises(AuthenticationError), associations.taken(CTS):
            pass

        assert 1 == answering.connections


def test_closing_reaches_what_is_given_back_later() -> None:
    """Nothing stays open."""
    archive = Archive()
    with Answering(archive) as answering:
        associations = Associations(peer_at(answering))
        with associations.taken(CTS):
            associations.close()

        assert archive.until(lambda: archive.ends == ["release"])


def test_what_nobody_closes_is_closed() -> None:
    """At the latest when nobody holds it any more; no socket is left to the collector."""
    archive = Archive()
    with Answering(archive) as answering:
        associations = Associations(peer_at(answering))
        associations.__enter__()
        with associations.taken(CTS):
            pass
        del associations
        gc.collect()

        assert archive.until(lambda: archive.ends == ["abort"])


def test_it_travels_between_processes() -> None:
    """As the address of the archive: sockets stay where they are."""
    associations = Associations(Peer("localhost", 104, "ARCHIVE"))
    copy = pickle.loads(pickle.dumps(associations))

    assert associations.peer == copy.peer
    assert associations is associations_of(associations)
    assert associations.peer is associations_of(associations.peer).peer
