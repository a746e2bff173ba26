"""The receiver of a C-MOVE: whom it lets in, what it takes, and what it leaves behind."""

from __future__ import annotations

import gc
import socket
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import enumerate as threads
from typing import Final

import pytest

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BusyError,
    InvalidInputError,
    StudyReference,
    TransferInterruptedError,
)
from gurney.dimse import CMove, Peer, Receiver, Retries, Timeouts
from gurney.dimse.association import Association, Proposed, associate
from gurney.dimse.association.commands import Command, c_echo_rq, c_find_rq, c_store_rq
from gurney.dimse.move.handing import Store
from gurney.dimse.move.routing import Request

VERIFICATION: Final = "1.2.840.10008.1.1"
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
STUDY: Final = StudyReference("1.2")
SHORT: Final = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=10.0)
PROPOSED: Final = [Proposed(CT, [EXPLICIT]), Proposed(VERIFICATION, [EXPLICIT])]


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    """Return a short element in Explicit VR Little Endian."""
    value += b" " * (len(value) % 2) if vr != b"UI" else b"\0" * (len(value) % 2)
    head = group.to_bytes(2, "little") + number.to_bytes(2, "little") + vr
    return head + len(value).to_bytes(2, "little") + value


def dataset(uid: str, study_uid: str = "1.2", pixels: int = 0) -> bytes:
    """Return an encoded data set, with so many bytes of pixels."""
    begin = (
        element(0x0008, 0x0016, b"UI", CT.encode())
        + element(0x0008, 0x0018, b"UI", uid.encode())
        + element(0x0020, 0x000D, b"UI", study_uid.encode())
        + element(0x0020, 0x000E, b"UI", b"1.2.3")
    )
    if not pixels:
        return begin
    return begin + b"\xe0\x7f\x10\x00OB\0\0" + pixels.to_bytes(4, "little") + bytes(pixels)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("GURNEY", port=0, timeouts=SHORT) as receiver:
        yield receiver


@contextmanager
def archive(receiver: Receiver, title: str = "ARCHIVE") -> Generator[Association]:
    """Connect as an archive does that sends."""
    peer = Peer(
        receiver.host,
        receiver.port,
        receiver.ae_title,
        calling=title,
        timeouts=SHORT,
        retries=Retries(attempts=1),
    )
    association = associate(peer, PROPOSED)
    try:
        yield association
    finally:
        association.abort()


def answer(association: Association, command: Command, data: bytes = b"") -> int | None:
    """Send a request, and return the status that comes back."""
    uid = CT if command.has_data else VERIFICATION
    association.send(association.context(uid), command, data)
    message = association.receive()
    message.skip()
    return message.command.status


def store(
    association: Association, uid: str = "1.2.3.4", study_uid: str = "1.2", pixels: int = 0
) -> int | None:
    """Store an instance, and return the status that comes back."""
    number = association.next_message_id()
    return answer(association, c_store_rq(number, CT, uid), dataset(uid, study_uid, pixels))


def next_store(request: Request) -> Store:
    """Wait for what comes next."""
    event = request.inbox.get(timeout=10.0)
    assert isinstance(event, Store)
    return event


def own_threads() -> list[str]:
    return [thread.name for thread in threads() if thread.name.startswith("gurney-receiver")]


def test_it_listens_on_loopback() -> None:
    """Unless told, nobody outside of this machine can connect."""
    assert "127.0.0.1" == Receiver().host
    assert "Receiver('GURNEY', '127.0.0.1', 11112)" == repr(Receiver())


@pytest.mark.parametrize("title", ["", " ", "A" * 17, "A\\B", "Ä"])
def test_its_title_is_checked(title: str) -> None:
    """An AE title that is none is refused at once."""
    with pytest.raises(InvalidInputError, match="AE title"):
        Receiver(title)


@pytest.mark.parametrize("port", [-1, 65536])
def test_its_port_is_checked(port: int) -> None:
    """A port that is none is refused at once."""
    with pytest.raises(InvalidInputError, match="port"):
        Receiver(port=port)


def test_without_associations_it_is_of_no_use() -> None:
    """At least one is needed."""
    with pytest.raises(InvalidInputError, match="association"):
        Receiver(associations=0)


def test_a_port_that_is_taken_is_told(receiver: Receiver) -> None:
    """The error says what to do."""
    with pytest.raises(InvalidInputError, match="a port that is free"):
        Receiver(port=receiver.port).open()


def test_a_port_that_is_taken_is_told_before_anything_is_asked(receiver: Receiver) -> None:
    """Once, and not for each instance; here nobody could be asked at all."""
    move = CMove(Peer("localhost", 1, "ARCHIVE"), Receiver(port=receiver.port))
    with move, pytest.raises(InvalidInputError, match="a port that is free"):
        move.files([])


def test_it_leaves_nothing_behind() -> None:
    """After closing it, with an association open: no thread, no socket; and it stays closed."""
    before = own_threads()
    with Receiver(port=0, timeouts=SHORT) as receiver, archive(receiver) as association:
        store(association)
        receiver.close()
        receiver.close()

        assert before == own_threads()
        with pytest.raises(ArchiveUnavailableError), archive(receiver):
            pass
        with pytest.raises(InvalidInputError, match="closed"):
            receiver.open()


def test_one_that_nobody_holds_ends() -> None:
    """A receiver that was forgotten is closed by the collector."""
    receiver = Receiver(port=0).open()
    port = receiver.port
    named = [thread for thread in threads() if thread.name == "gurney-receiver"]
    del receiver
    gc.collect()
    for thread in named:
        thread.join(10.0)

    assert not any(thread.is_alive() for thread in named)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_it_answers_an_echo(receiver: Receiver) -> None:
    """Administrators test a new destination by C-ECHO."""
    with archive(receiver) as association:
        status = answer(association, c_echo_rq(1, VERIFICATION))

    assert 0 == status


def test_it_is_no_archive(receiver: Receiver) -> None:
    """Other requests are answered by 0x0211, unrecognized operation."""
    with archive(receiver) as association:
        status = answer(association, c_find_rq(1, CT), dataset("1"))
        again = answer(association, c_echo_rq(2, VERIFICATION))

    assert 0x0211 == status
    assert 0 == again


def test_what_nobody_asked_for_is_refused(receiver: Receiver) -> None:
    """By status 0x0124; it is counted, and the association goes on."""
    with archive(receiver) as association:
        statuses = [store(association, f"1.2.3.{n}", pixels=1 << 20) for n in range(3)]

    assert [0x0124] * 3 == statuses
    assert 3 == receiver.refused


def test_a_store_without_data_is_refused(receiver: Receiver) -> None:
    """A C-STORE request that says it has no data set is answered by 0xC000."""
    with archive(receiver) as association:
        request = c_store_rq(1, CT, "1.2.3")
        bare = Command({**request.elements, 0x0800: b"\x01\x01"})
        association.send(association.context(CT), bare)
        status = association.receive().command.status

    assert 0xC000 == status


def test_what_was_asked_for_is_handed_over(receiver: Receiver) -> None:
    """The instance comes as a file, and the archive gets the status that its taker gives."""
    with ThreadPoolExecutor(1) as pool, archive(receiver) as association:
        with receiver.expecting([STUDY], "GURNEY") as request:
            told = pool.submit(store, association)
            came = next_store(request)
            content = b"".join(came.arrival.chunks)
            came.arrival.finish(0x0000)

            assert 0 == told.result(10.0)
        after = store(association)

    assert ("1.2", "1.2.3", "1.2.3.4") == came.uids
    assert content.startswith(b"DICM", 128)
    assert content.endswith(dataset("1.2.3.4"))
    assert 0x0124 == after
    assert 1 == receiver.refused


def test_a_large_instance_is_read_by_its_taker(receiver: Receiver) -> None:
    """Of a large instance the beginning is held; the rest comes when it is taken."""
    size = 32 << 20
    with (
        ThreadPoolExecutor(1) as pool,
        archive(receiver) as association,
        receiver.expecting([STUDY], "GURNEY") as request,
    ):
        told = pool.submit(store, association, pixels=size)
        came = next_store(request)
        held = came.arrival.held
        total = sum(map(len, came.arrival.chunks))
        came.arrival.finish(0x0000)
        status = told.result(10.0)

    assert 0 == status
    assert not held
    assert size < total < size + 1024


def test_what_is_not_taken_is_refused(receiver: Receiver) -> None:
    """A request that ends before its instance is taken: 0xA700, whatever its size."""
    with ThreadPoolExecutor(1) as pool, archive(receiver) as association:
        with receiver.expecting([STUDY], "GURNEY") as request:
            told = pool.submit(store, association, pixels=8 << 20)
            next_store(request).give_up()

        assert 0xA700 == told.result(10.0)


def test_closing_ends_stores_that_are_under_way() -> None:
    """Who takes, who waits, and who sends: all of them end, with an error; no thread is left."""
    before = own_threads()
    with (
        ThreadPoolExecutor(2) as pool,
        Receiver(port=0, timeouts=SHORT) as receiver,
        archive(receiver) as association,
        receiver.expecting([STUDY], "GURNEY") as request,
    ):
        told = pool.submit(store, association, pixels=64 << 20)
        came = next_store(request)
        waiting = pool.submit(request.inbox.get)
        receiver.close()
        left = own_threads()

        with pytest.raises(TransferInterruptedError):
            sum(map(len, came.arrival.chunks))
        with pytest.raises(TransferInterruptedError):
            told.result(10.0)
        assert isinstance(waiting.result(10.0), TransferInterruptedError)

    assert before == left


def test_several_associations_at_once(receiver: Receiver) -> None:
    """Instances that come at the same time are taken one after the other; all are answered."""
    with ThreadPoolExecutor(4) as pool, receiver.expecting([STUDY], "GURNEY") as request:

        def send(number: int) -> list[int | None]:
            with archive(receiver) as association:
                return [store(association, f"1.2.3.{number}.{n}") for n in range(5)]

        told = [pool.submit(send, number) for number in range(4)]
        came = set[str]()
        while len(came) < 20:
            taken = next_store(request)
            came.add(taken.uids[2])
            taken.arrival.finish(0x0000)

        assert [[0] * 5] * 4 == [each.result(10.0) for each in told]


@pytest.mark.parametrize("callers", [["OTHER"], []])
def test_callers_are_let_in_by_title(callers: list[str]) -> None:
    """Only those that are named; the others are told."""
    with (
        Receiver(port=0, callers=callers, timeouts=SHORT) as receiver,
        pytest.raises(AuthenticationError),
        archive(receiver),
    ):
        pass


def test_callers_are_let_in_by_address() -> None:
    """A connection from another address is closed without a word."""
    with (
        Receiver(port=0, hosts=["192.0.2.1"], timeouts=SHORT) as receiver,
        socket.create_connection((receiver.host, receiver.port)) as connection,
    ):
        ended = connection.recv(1)

    assert b"" == ended


def test_no_more_associations_than_allowed() -> None:
    """The one beyond is rejected for now; it may come back later."""
    with Receiver(port=0, associations=1, timeouts=SHORT) as receiver, archive(receiver) as first:
        with pytest.raises(BusyError), archive(receiver):
            pass
        status = answer(first, c_echo_rq(1, VERIFICATION))

    assert 0 == status


def test_who_says_nothing_is_not_waited_for() -> None:
    """A peer that connects and is silent is let go, before an association and after."""
    short = Timeouts(connect=0.05, answer=0.05, idle=0.05, release=0.05)
    with Receiver(port=0, timeouts=short) as receiver, archive(receiver) as association:
        with socket.create_connection((receiver.host, receiver.port)) as silent:
            silent.settimeout(10.0)
            while silent.recv(64):
                pass
        with pytest.raises(TransferInterruptedError):
            association.receive()


def test_an_archive_that_is_asked_for_something_may_be_silent() -> None:
    """While a request is in progress its association is not closed for being idle (D17)."""
    patient = Timeouts(connect=10.0, answer=60.0, idle=0.05, release=10.0)
    with (
        Receiver(port=0, timeouts=patient) as receiver,
        receiver.expecting([STUDY], "GURNEY"),
        archive(receiver) as association,
    ):
        has_ended = association.wait(0.3)
        status = answer(association, c_echo_rq(1, VERIFICATION))

    assert not has_ended
    assert 0 == status


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\x00\xff\xff\xff\xf0" + bytes(64),
        b"\x04\x00\x00\x00\x00\x04",
    ],
)
def test_strangers_disturb_nobody(receiver: Receiver, said: bytes) -> None:
    """Whatever is said to the port: it ends that connection, and nothing else."""
    with archive(receiver) as association:
        with socket.create_connection((receiver.host, receiver.port)) as stranger:
            stranger.settimeout(10.0)
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(64):
                pass
        status = answer(association, c_echo_rq(1, VERIFICATION))

    assert 0 == status
