"""What the other side may send instead of DICOM, or in the middle of it: errors of ours, soon."""

from __future__ import annotations

import gc
import math
import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.servers.tls import make_certificates
from tests.servers.upper_layer import (
    CT,
    EXPLICIT,
    FIND,
    IMPLICIT,
    LONG,
    Answering,
    abort_pdu,
    agree,
    answering_all,
    fragments,
    read_pdu,
)

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BudgetExceededError,
    BusyError,
    GurneyError,
    ProtocolViolationError,
    TransferInterruptedError,
)
from gurney.dimse import TLS, Peer, Retries, Timeouts
from gurney.dimse.association import (
    Association,
    Context,
    ContextRefusedError,
    Message,
    Proposed,
    accept,
    associate,
)
from gurney.dimse.association import commands as c
from gurney.dimse.association.connection import BUFFER, Connection
from gurney.dimse.framing import data_pdu
from gurney.dimse.pdus import Answer, ContextResult

PATIENT: Final = Timeouts(connect=LONG, answer=LONG, idle=LONG, release=LONG)
ONCE: Final = Retries(attempts=1)
PROPOSED: Final = [Proposed(CT, (EXPLICIT,)), Proposed(FIND, (IMPLICIT,))]
STORE: Final = fragments(1, c.c_store_rq(1, CT, "1.2.3").encode(), command=True)
NAMELESS: Final = c.Command({0x0100: b"\1\0", 0x0800: b"\1\0"}).encode()
PENDING: Final = fragments(
    3, c.response_to(c.c_find_rq(3, FIND), 0xFF00, has_data=True).encode(), command=True
)
RELEASE: Final = b"\x05\0\0\0\0\x04\0\0\0\0"


def peer_at(port: int, timeouts: Timeouts = PATIENT) -> Peer:
    """Return who listens there."""
    return Peer("127.0.0.1", port, "ARCHIVE", timeouts=timeouts, retries=ONCE)


@contextmanager
def receiving(
    sent: bytes, timeouts: Timeouts = PATIENT, *, to_the_end: bool = True
) -> Generator[Association]:
    """Give an association in which *sent* comes in, and then the end, if there is one."""
    ours, others = socket.socketpair()
    with others:
        sending = threading.Thread(target=_send, args=(others, sent, to_the_end))
        sending.start()
        association = Association(
            peer_at(104, timeouts),
            Connection(ours, "a test"),
            [Context(1, CT, EXPLICIT, as_scp=True), Context(3, FIND, IMPLICIT)],
            refused={},
            granted={},
            their_max_pdu=16384,
        )
        try:
            yield association
        finally:
            association.abort()
            sending.join(LONG)


def _send(connection: socket.socket, sent: bytes, to_the_end: bool) -> None:
    with suppress(OSError):
        connection.sendall(sent)
        if to_the_end:
            connection.shutdown(socket.SHUT_WR)


def all_of(association: Association) -> tuple[list[tuple[Message, bytes]], GurneyError]:
    """Return what comes, and how it ends."""
    got: list[tuple[Message, bytes]] = []
    try:
        while True:
            message = association.receive()
            got.append((message, message.read(1 << 24)))
    except GurneyError as error:
        return got, error


# ---------------------------------------------------------------- in the middle of messages


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "type 0x48"),
        (b"\x15\x03\x03\0\x02\x02\x46", "type 0x15"),
        (b"\x04\0\xff\xff\xff\xf0\0\0\0\4\1\3abcd", "4294967280 bytes"),
        (b"\x04\0\0\0\0\0", "0 bytes"),
        (b"\x04\0\0\0\0\6\0\0\0\1\1\3", "beyond"),
        (b"\x04\0\0\0\0\6\0\0\0\3\1\3", "beyond"),
        (b"\x04\0\0\0\0\x0a\0\0\0\2\1\1\0\0\0\2", "the head of a fragment"),
        (b"\x02\0\0\0\0\4\0\0\0\0", "A-ASSOCIATE-AC"),
        (b"\x05\0\0\0\0\5\0\0\0\0\0", "5 bytes"),
        (data_pdu(5, 3, b"\0\0"), "not agreed on"),
        (data_pdu(1, 2, b"\0\0"), "without its command"),
        (data_pdu(1, 3, b"\0\0"), "command set"),
        (data_pdu(1, 1, b"\0\0") + data_pdu(3, 3, b"\0\0"), "another context"),
        (data_pdu(1, 1, b"\0\0") + data_pdu(1, 2, b"\0\0"), "without its command"),
        (data_pdu(1, 1, bytes(16000)) + data_pdu(1, 1, bytes(16000)), "without end"),
        (STORE + data_pdu(1, 0, b"\0\0") + data_pdu(1, 3, b"\0\0"), "inside a data set"),
        (STORE + data_pdu(3, 2, b"\0\0"), "another context"),
        (data_pdu(1, 1, b"") * 200, "empty fragments"),
        (STORE + data_pdu(1, 0, b"") * 200, "empty fragments"),
        (fragments(1, NAMELESS, command=True), "without message id"),
        (STORE + b"\x06\0\0\0\0\4\0\0\0\0", "A-RELEASE-RP"),
    ],
)
def test_what_is_no_message_is_a_violation(sent: bytes, reason: str) -> None:
    """It is told, and the association is aborted."""
    with receiving(sent) as association:
        _, error = all_of(association)
        usable = association.usable

    assert isinstance(error, ProtocolViolationError)
    assert reason in str(error)
    assert not usable


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "closed the connection"),
        (b"\x04\0\0", "closed the connection"),
        (STORE, "closed the connection"),
        (STORE + data_pdu(1, 0, b"\0\0"), "closed the connection"),
        (STORE + data_pdu(1, 0, b"\0\0")[:-1], "closed the connection"),
        (STORE + abort_pdu(2, 6), "invalid value"),
        (abort_pdu(0, 0), "aborted by the other side"),
        (abort_pdu(200, 200), "aborted by the other side"),
        (RELEASE, "ended the association"),
        (STORE + RELEASE, "inside a message"),
    ],
)
def test_an_end_before_the_end_is_an_interruption(sent: bytes, reason: str) -> None:
    """D30: never a normal end, wherever it comes."""
    with receiving(sent) as association:
        _, error = all_of(association)
        usable = association.usable

    assert isinstance(error, TransferInterruptedError)
    assert reason in str(error)
    assert not usable


def test_fragments_may_be_cut_anyhow() -> None:
    """Several in a PDU, empty ones, a last one without content: all that PS3.8 allows."""
    command = c.c_store_rq(1, CT, "1.2.3").encode()
    pdvs = [
        (1, command[:5]),
        (1, b""),
        (3, command[5:]),
        (0, b"ab"),
        (0, b""),
        (0, b"cd"),
        (2, b""),
    ]
    content = b"".join(
        struct.pack(">IBB", len(piece) + 2, 1, control) + piece for control, piece in pdvs
    )
    echo = fragments(3, c.c_echo_rq(7, "1.2").encode(), command=True)
    with receiving(b"\4\0" + len(content).to_bytes(4, "big") + content + echo) as association:
        got, _ = all_of(association)

    assert ["C-STORE", "C-ECHO"] == [message.command.name for message, _ in got]
    assert [b"abcd", b""] == [data for _, data in got]
    assert [1, 3] == [message.context.id for message, _ in got]


def test_small_fragments_are_joined() -> None:
    """A list of pieces of two bytes would take thirty times as much memory as they do."""
    tiny = data_pdu(1, 0, b"ab") * 10_000
    with receiving(STORE + tiny + data_pdu(1, 2, b"c")) as association:
        pieces = list(association.receive().fragments())

    assert b"ab" * 10_000 + b"c" == b"".join(pieces)
    assert len(pieces) < 10


def test_what_nobody_wants_is_passed_over_up_to_a_limit() -> None:
    """There may be no end to it."""
    with receiving(STORE + data_pdu(1, 0, bytes(1000)) * 50) as association:
        message = association.receive()
        with pytest.raises(BudgetExceededError, match="more than 4000 bytes"):
            message.skip(4000)

        assert not association.usable


@pytest.mark.parametrize("begun", [b"", PENDING + b"\4\0\0\1\0\0\0\0\xff\xfc\3\2"])
def test_a_response_that_trickles_is_not_waited_for(begun: bytes) -> None:
    """A byte now and then is no silence; all of a response has to come in that time."""
    head = b"\4\0\0\0\x20\0\0\0\x1f\xfc\3\3"
    enough = threading.Event()
    ours, others = socket.socketpair()

    def trickle() -> None:
        with others, suppress(OSError):
            others.sendall(begun or head)
            for _ in range(1000):
                enough.wait(0.01)
                others.send(b"\0")

    sending = threading.Thread(target=trickle)
    association = Association(
        peer_at(104, attrs.evolve(PATIENT, idle=0.2)),
        Connection(ours, "a test"),
        [Context(3, FIND, IMPLICIT)],
        refused={},
        granted={},
        their_max_pdu=16384,
    )
    sending.start()
    try:
        with pytest.raises(TransferInterruptedError, match="fell silent"):
            association.receive().skip()
    finally:
        enough.set()
        association.abort()
        sending.join(LONG)


@pytest.mark.parametrize("size", [BUFFER - 20, BUFFER, 3 * BUFFER + 1])
def test_large_pdus_come_whole(size: int) -> None:
    """Also those that are larger than what was agreed on, and than our buffer."""
    content = bytes(range(251)) * (size // 251 + 1)
    with receiving((STORE + data_pdu(1, 2, content)) * 2) as association:
        got, _ = all_of(association)

    assert [content, content] == [data for _, data in got]


def test_heads_may_lie_anywhere() -> None:
    """Also across the end of our buffer."""
    ours, others = socket.socketpair()
    head, half = struct.Struct(">I"), BUFFER // 2
    with others:
        connection = Connection(ours, "a test")
        others.sendall(bytes(half))
        connection.read(half - 2, LONG)
        others.sendall(b"\1\2" + bytes(half - 4) + b"\3\4\5\6")
        first = connection.unpack(head, LONG)
        connection.read(half - 4, LONG)
        last = connection.unpack(head, LONG)
        connection.close()

    assert (0x0102,) == first
    assert (0x03040506,) == last


def test_nothing_is_allocated_by_what_is_announced() -> None:
    """D29: only what has come takes memory."""
    announced = struct.pack(">BxIIBB", 4, 1 << 24, (1 << 24) - 4, 1, 2) + b"only this"
    with receiving(STORE + announced) as association:
        message = association.receive()
        gc.collect()
        tracemalloc.start()
        try:
            with pytest.raises(TransferInterruptedError):
                message.read(1 << 24)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 1 << 20


def _pdu(kind: int, length: int, content: bytes) -> bytes:
    return struct.pack(">BxI", kind, length) + content


commands_sent = st.sampled_from(
    [
        c.c_store_rq(1, CT, "1.2.3").encode(),
        c.c_echo_rq(2, "1.2").encode(),
        c.response_to(c.c_find_rq(3, FIND), 0xFF00, has_data=True).encode(),
    ]
)
pdus = st.one_of(
    st.builds(
        data_pdu,
        st.sampled_from([1, 1, 1, 3, 5]),
        st.integers(0, 7),
        commands_sent | st.binary(max_size=40),
    ),
    st.builds(fragments, st.just(1), commands_sent, command=st.just(True), size=st.just(50)),
    st.binary(max_size=40),
    st.builds(abort_pdu, st.integers(0, 255), st.integers(0, 255)),
    st.just(RELEASE),
    st.builds(
        _pdu,
        st.integers(0, 9),
        st.integers(0, 0xFFFFFFFF) | st.integers(0, 50),
        st.binary(max_size=60),
    ),
)


@given(st.lists(pdus, max_size=8).map(b"".join))
def test_any_bytes_end_in_an_error_of_ours(sent: bytes) -> None:
    """And the association is over, whatever it was."""
    with receiving(sent) as association:
        _, error = all_of(association)
        usable = association.usable

    assert isinstance(error, ProtocolViolationError | TransferInterruptedError)
    assert not usable


@given(st.lists(pdus, max_size=4).map(b"".join))
def test_release_ends_whatever_comes(sent: bytes) -> None:
    """Without an error."""
    with receiving(sent) as association:
        association.release()

        assert not association.usable


# ---------------------------------------------------------------- instead of an association


GOOD: Final = Answer(
    called="ARCHIVE",
    calling="GURNEY",
    results=[ContextResult(1, 0, EXPLICIT), ContextResult(3, 0, IMPLICIT)],
    roles={},
    extended={},
    max_pdu=16384,
)


def _answer(*results: ContextResult) -> bytes:
    return attrs.evolve(GOOD, results=results or GOOD.results).encode()


def _shorter(pdu: bytes) -> bytes:
    return pdu[:2] + (len(pdu) - 9).to_bytes(4, "big") + pdu[6:-3]


def _reject(result: int, source: int, reason: int) -> bytes:
    return struct.pack(">BxIxBBB", 3, 4, result, source, reason)


@pytest.mark.parametrize(
    ("answer", "error", "word"),
    [
        (b"", ArchiveUnavailableError, "closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ProtocolViolationError, "check host and port"),
        (b"\2\0\xff\xff\xff\xff", ProtocolViolationError, "4294967295 bytes"),
        (b"\2\0\0\0\0\2ab", ProtocolViolationError, "malformed"),
        (attrs.evolve(GOOD, max_pdu=7).encode(), ProtocolViolationError, "7 bytes"),
        (_answer(ContextResult(5, 0, EXPLICIT)), ProtocolViolationError, "proposed"),
        (
            _answer(ContextResult(1, 0, EXPLICIT), ContextResult(1, 0, EXPLICIT)),
            ProtocolViolationError,
            "twice",
        ),
        (
            _answer(ContextResult(1, 0, IMPLICIT)),
            ProtocolViolationError,
            "transfer syntax",
        ),
        (data_pdu(1, 3, b"\0\0"), ProtocolViolationError, "P-DATA-TF"),
        (abort_pdu(0, 0), ArchiveUnavailableError, "aborted"),
        (RELEASE, ArchiveUnavailableError, "ended"),
        (_reject(1, 1, 7), AuthenticationError, "ARCHIVE"),
        (_reject(1, 1, 3), AuthenticationError, "GURNEY"),
        (_reject(1, 1, 1), AuthenticationError, "without a reason"),
        (_reject(1, 1, 2), ProtocolViolationError, "application context"),
        (_reject(1, 2, 2), ProtocolViolationError, "version"),
        (_reject(2, 3, 1), BusyError, "congested"),
        (_reject(2, 3, 2), BusyError, "as many"),
        (_reject(2, 1, 1), BusyError, "no reason"),
        (_reject(1, 3, 2), BusyError, "as many"),
        (_shorter(GOOD.encode()), ProtocolViolationError, "beyond its end"),
        (_reject(0, 0, 0), ProtocolViolationError, ""),
    ],
)
def test_what_is_no_association_is_told(answer: bytes, error: type[GurneyError], word: str) -> None:
    """With what to do about it."""

    def script(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    with Answering(script) as answering, pytest.raises(error) as caught:
        associate(peer_at(answering.port), PROPOSED)

    assert word in str(caught.value)


def test_unknown_and_garbled_items_are_skipped() -> None:
    """PS3.8 9.3.1; an odd version name is no reason to do without an archive."""
    encoded = _answer(ContextResult(1, 0, EXPLICIT), ContextResult(3, 4, IMPLICIT))
    assert encoded.count(b"\x40\0\0\x11" + IMPLICIT.encode()) == 1
    encoded = encoded.replace(b"\x40\0\0\x11" + IMPLICIT.encode(), b"\x40\0\0\x11" + b"\xff" * 17)
    user = encoded.index(b"\x50\0", 74)
    strange = b"\x55\0\0\3\xff\xfe\xfd" + b"\x77\0\0\2ab"
    length = int.from_bytes(encoded[user + 2 : user + 4], "big") + len(strange)
    changed = (
        encoded[:user]
        + b"\x50\0"
        + length.to_bytes(2, "big")
        + encoded[user + 4 :]
        + strange
        + b"\x99\0\0\1x"
    )
    changed = b"\2\0" + (len(changed) - 6).to_bytes(4, "big") + changed[6:]

    def script(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(changed)
        read_pdu(connection)

    with Answering(script) as answering:
        association = associate(peer_at(answering.port), PROPOSED)
        association.abort()

    assert [CT] == [context.abstract_syntax for context in association.contexts]


def test_the_first_refusal_of_a_class_is_told() -> None:
    """That of the context that was preferred."""
    encoded = _answer(ContextResult(1, 4, IMPLICIT), ContextResult(3, 3, IMPLICIT))

    def script(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(encoded)
        read_pdu(connection)

    with Answering(script) as answering:
        proposed = [Proposed(CT, (EXPLICIT,)), Proposed(CT, (IMPLICIT,))]
        association = associate(peer_at(answering.port), proposed)
        with pytest.raises(ContextRefusedError, match="transfer syntaxes") as caught:
            association.context(CT)
        association.abort()

    assert 4 == caught.value.status


@settings(max_examples=200)
@given(data=st.data())
def test_any_answer_is_an_association_or_an_error_of_ours(data: st.DataObject) -> None:
    """Bytes changed anywhere, added or left out."""
    encoded = bytearray(
        attrs.evolve(GOOD, roles={CT: (False, True)}, extended={FIND: b"\1"}).encode()
    )
    for _ in range(data.draw(st.integers(0, 4))):
        encoded[data.draw(st.integers(6, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(6, len(encoded)) | st.just(len(encoded)))
    content = bytes(encoded[6:cut]) + data.draw(st.binary(max_size=20) | st.just(b""))
    answer = b"\2\0" + len(content).to_bytes(4, "big") + content
    before = _open_files()

    def script(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(answer)
        read_pdu(connection)

    with Answering(script) as answering:
        try:
            associate(peer_at(answering.port), PROPOSED).abort()
        except GurneyError as error:
            assert isinstance(error, ProtocolViolationError)  # noqa: PT017  one of two ends

    assert before == _open_files()


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_nobody_is_there() -> None:
    """No listener, or no such host."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    with pytest.raises(ArchiveUnavailableError, match="nothing accepts"):
        associate(peer_at(port), PROPOSED)
    nowhere = Peer("no-such-host.invalid", 104, "ARCHIVE", retries=ONCE)
    with pytest.raises(ArchiveUnavailableError, match="no address; check the name"):
        associate(nowhere, PROPOSED)
    with pytest.raises(ArchiveUnavailableError, match="no address; check the name"):
        associate(Peer("a" * 70 + ".invalid", 104, "ARCHIVE", retries=ONCE), PROPOSED)


# ---------------------------------------------------------------- silence


def test_silence_has_an_end() -> None:
    """Before an answer, inside a message, and before an association."""
    short = Timeouts(answer=LONG, idle=0.01)
    with receiving(STORE + data_pdu(1, 0, b"ab"), short, to_the_end=False) as association:
        message = association.receive()
        with pytest.raises(TransferInterruptedError, match="silent"):
            message.skip()

    with Answering(answering_all()) as answering:
        association = associate(peer_at(answering.port), PROPOSED)
        with pytest.raises(TransferInterruptedError, match="silent"):
            association.receive(timeout=0.01)
        usable = association.usable

    with (
        Answering(lambda connection: connection.recv(1 << 20) and connection.recv(1)) as answering,
        pytest.raises(ArchiveUnavailableError, match="silent"),
    ):
        associate(peer_at(answering.port, Timeouts(idle=0.01)), PROPOSED)

    assert not usable


def test_patience_may_be_endless() -> None:
    """Systems count milliseconds in few bits."""
    endless = Timeouts(answer=math.inf, idle=1e30)
    with receiving(STORE + data_pdu(1, 2, b"ab"), endless) as association:
        ready = association.wait(math.inf)
        got, error = all_of(association)

    assert ready
    assert [b"ab"] == [data for _, data in got]
    assert "closed" in str(error)


def test_a_release_is_not_waited_for_without_end() -> None:
    """Who does not agree is left."""
    with Answering(answering_all()) as answering:
        peer = peer_at(answering.port, Timeouts(release=0.01))
        association = associate(peer, PROPOSED)
        association.release()

    assert not association.usable


def test_waiting_is_no_receiving() -> None:
    """Nothing is lost by it, and it never raises."""

    def script(connection: socket.socket) -> None:
        agree(connection)
        read_pdu(connection)
        connection.sendall(fragments(1, c.c_echo_rq(1, "1.2").encode(), command=True))

    with Answering(script) as answering:
        association = associate(peer_at(answering.port), PROPOSED)
        before = association.wait(0)
        association.send(association.context(CT), c.c_echo_rq(1, "1.2"))
        after = association.wait(LONG)
        heard = association.last_heard
        message = association.receive()
        at_the_end = association.wait(LONG)
        association.abort()

    assert (False, True, True) == (before, after, at_the_end)
    assert "C-ECHO" == message.command.name
    assert heard <= association.last_heard


# ---------------------------------------------------------------- interrupted


def _interrupting(whom: list[Association], sent: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        agree(connection)
        connection.sendall(sent)
        read_pdu(connection)
        whom[0].interrupt()
        while connection.recv(1000):
            pass

    return script


def test_another_thread_may_interrupt() -> None:
    """Whoever waits fails at once, and need not wait for the end of a timeout."""
    whom: list[Association] = []
    with Answering(_interrupting(whom, b"")) as answering:
        whom.append(associate(peer_at(answering.port), PROPOSED))
        whom[0].send(whom[0].context(CT), c.c_echo_rq(1, "1.2"))
        with pytest.raises(TransferInterruptedError, match="given up"):
            whom[0].receive()
        whom[0].release()

    assert not whom[0].usable


def test_another_thread_may_interrupt_in_the_middle_of_data() -> None:
    """Fragments end as well."""
    whom: list[Association] = []
    with Answering(_interrupting(whom, STORE + data_pdu(1, 0, b"ab"))) as answering:
        whom.append(associate(peer_at(answering.port), PROPOSED))
        message = whom[0].receive()
        whom[0].send(whom[0].context(CT), c.c_echo_rq(1, "1.2"))
        with pytest.raises(TransferInterruptedError, match="given up"):
            message.read(1000)


def test_another_thread_may_interrupt_tls(tmp_path: Path) -> None:
    """There as well."""
    files = make_certificates(tmp_path)
    server = TLS(files.authority, files.server)
    client = TLS(files.authority, files.client, server_name="localhost")
    whom: list[Association] = []

    def serve(connection: socket.socket) -> None:
        association = accept(
            connection,
            lambda offered: offered.transfer_syntaxes[0],
            called="ARCHIVE",
            tls=server.context(server_side=True),
            timeouts=PATIENT,
        )
        association.receive()
        whom[0].interrupt()
        with pytest.raises(TransferInterruptedError):
            association.receive()

    with Answering(serve) as answering:
        peer = Peer("127.0.0.1", answering.port, "ARCHIVE", tls=client, timeouts=PATIENT)
        whom.append(associate(peer, PROPOSED))
        whom[0].send(whom[0].context(CT), c.c_echo_rq(1, "1.2"))
        with pytest.raises(TransferInterruptedError, match="given up"):
            whom[0].receive()
        whom[0].abort()


def test_errors_name_the_operation_and_the_archive() -> None:
    """And no patient: neither comment nor data are in them."""
    find = c.Command({0x0100: b"\x20\x80", 0x0800: b"\1\0", 0x0902: b"DOE^JOHN"}).encode()
    sent = fragments(3, find, command=True) + data_pdu(3, 0, b"DOE^JOHN") + data_pdu(3, 3, b"DOE^")
    with Answering(answering_all(sent)) as answering:
        association = associate(peer_at(answering.port), PROPOSED)
        association.send(association.context(FIND), c.c_find_rq(1, FIND), b"DOE^JOHN")
        message = association.receive()
        with pytest.raises(ProtocolViolationError) as caught:
            message.skip()

    assert "C-FIND with ARCHIVE at 127.0.0.1:" in str(caught.value)
    assert "DOE" not in f"{caught.value}{message!r}"
