"""Associations: what is agreed, sent and received, against pynetdicom's acceptor and ours."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from tests.servers.tls import Certificates, make_certificates
from tests.servers.upper_layer import (
    CT,
    EXPLICIT,
    FIND,
    GET,
    IMPLICIT,
    LONG,
    VERIFICATION,
    Answering,
    agree,
    answering_all,
    fragments,
    read_pdu,
    theirs,
)

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BudgetExceededError,
    InvalidInputError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)
from gurney.dimse import TLS, Peer, Retries, Timeouts, UserIdentity, echo
from gurney.dimse.association import (
    Association,
    ContextRefusedError,
    Offered,
    Proposed,
    RejectedForNowError,
    ReleasedError,
    TurnedAwayError,
    accept,
    associate,
    commands,
)
from gurney.dimse.pdus import ContextItem, Request

ONCE = Retries(attempts=1)
Handlers = list[tuple[Any, Callable[[Any], Any]]]
PATIENT = Timeouts(connect=LONG, answer=LONG, idle=LONG, release=LONG)


def peer_at(port: int, **settings: Any) -> Peer:
    """Return pynetdicom's or our acceptor."""
    settings = {"timeouts": PATIENT, "retries": ONCE, **settings}
    return Peer("127.0.0.1", port, settings.pop("called", "THEIRS"), **settings)


def take_first(offered: Offered) -> str | None:
    """Accept what comes first."""
    return offered.transfer_syntaxes[0]


# ---------------------------------------------------------------- with pynetdicom's acceptor


def test_an_archive_is_there() -> None:
    """C-ECHO, answered by pynetdicom itself."""
    with theirs([], [(VERIFICATION, [IMPLICIT])]) as port:
        took = echo(peer_at(port))

    assert 0.0 < took


def test_an_echo_may_be_refused() -> None:
    """Another status than success is an error that says it."""
    handlers: Handlers = [(evt.EVT_C_ECHO, lambda _: 0x0122)]
    with (
        theirs(handlers, [(VERIFICATION, [IMPLICIT])]) as port,
        pytest.raises(RequestRefusedError) as caught,
    ):
        echo(peer_at(port))

    assert 0x0122 == caught.value.status


def test_contexts_are_agreed_on() -> None:
    """Ids in order, one transfer syntax each, and why others were refused (D28)."""
    with theirs([], [(VERIFICATION, [IMPLICIT]), (CT, [EXPLICIT])]) as port:
        proposed = [
            Proposed(FIND, (IMPLICIT,)),
            Proposed(CT, (IMPLICIT,)),
            Proposed(CT, (IMPLICIT, EXPLICIT)),
            Proposed(VERIFICATION, (IMPLICIT,)),
        ]
        association = associate(peer_at(port), proposed)
        with pytest.raises(ContextRefusedError) as caught:
            association.context(FIND)
        usable = association.usable
        association.release()

    assert [(5, CT, EXPLICIT), (7, VERIFICATION, IMPLICIT)] == [
        (context.id, context.abstract_syntax, context.transfer_syntax)
        for context in association.contexts
    ]
    assert association.contexts[0] == association.context(CT)
    assert usable
    assert not association.usable
    assert 3 == caught.value.status
    assert "FIND" in str(caught.value)
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_roles_are_granted_or_not() -> None:
    """D14: without the role the context is there, but nothing will come in it."""
    proposed = [Proposed(CT, (EXPLICIT,), as_scp=True), Proposed(GET, (IMPLICIT,))]
    with theirs([], [(CT, [EXPLICIT]), (GET, [IMPLICIT])], roles=[CT]) as port:
        granted = associate(peer_at(port), proposed)
        granted.release()
    with theirs([], [(CT, [EXPLICIT]), (GET, [IMPLICIT])]) as port:
        denied = associate(peer_at(port), proposed)
        denied.release()

    assert [True, False] == [context.as_scp for context in granted.contexts]
    assert [False, False] == [context.as_scp for context in denied.contexts]


def test_extended_negotiation_is_answered() -> None:
    """Only what the acceptor says is granted."""
    handlers: Handlers = [(evt.EVT_SOP_EXTENDED, lambda _: {FIND: b"\x01\x00"})]
    contexts = [(FIND, [IMPLICIT]), (GET, [IMPLICIT])]
    proposed = [Proposed(FIND, (IMPLICIT,)), Proposed(GET, (IMPLICIT,))]
    with theirs(handlers, contexts) as port:
        asking = associate(peer_at(port), proposed, extended={FIND: b"\x01\x01\x01", GET: b"\x01"})
        asking.release()
        silent = associate(peer_at(port), proposed)
        silent.release()

    assert {FIND: b"\x01\x00"} == asking.granted
    assert {} == silent.granted


def test_an_identity_is_sent() -> None:
    """And believed by those who look at it."""
    seen: list[tuple[Any, ...]] = []

    def look(event: Any) -> tuple[bool, None]:
        seen.append((event.user_id_type, event.primary_field, event.secondary_field))
        return event.primary_field == b"me", None

    with theirs([(evt.EVT_USER_ID, look)], [(VERIFICATION, [IMPLICIT])]) as port:
        echo(peer_at(port, identity=UserIdentity("me", "secret")))
        with pytest.raises((AuthenticationError, RejectedForNowError)) as caught:
            echo(peer_at(port, identity=UserIdentity("you", "secret")))

    assert (2, b"me", b"secret") == seen[0]
    assert "secret" not in str(caught.value)


def test_a_search_is_answered() -> None:
    """The whole flow of C-FIND: a request with data, responses with data, a final one without."""
    asked: list[str] = []

    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        asked.append(event.identifier.StudyInstanceUID)
        for number in range(3):
            found = Dataset()
            found.StudyInstanceUID = f"1.2.{number}"
            yield 0xFF00, found

    identifier = b"\x20\x00\x0d\x00\x04\x00\x00\x001.2\x00"
    with theirs([(evt.EVT_C_FIND, find)], [(FIND, [IMPLICIT])]) as port:
        association = associate(peer_at(port), [Proposed(FIND, (IMPLICIT,))])
        context = association.context(FIND)
        number = association.next_message_id()
        association.send(context, commands.c_find_rq(number, FIND), identifier)
        answers = [association.receive() for _ in range(1)]
        found = [answers[-1].read(1000)]
        while answers[-1].command.is_pending:
            answers.append(association.receive())
            found.append(answers[-1].read(1000))
        association.release()

    assert ["1.2"] == asked
    assert [0xFF00, 0xFF00, 0xFF00, 0] == [answer.command.status for answer in answers]
    assert {number} == {answer.command.responds_to for answer in answers}
    assert [b"1.2.0\0", b"1.2.1\0", b"1.2.2\0"] == [one[8:] for one in found[:3]]
    assert b"" == found[3]


def test_instances_come_as_they_are_stored() -> None:
    """The whole flow of C-GET, with data sets of many PDUs, none of them joined."""
    sent = [_image(number, size) for number, size in enumerate((2, 300_000, 70_000))]

    def get(_: Any) -> Iterator[Any]:
        yield len(sent)
        for dataset in sent:
            yield 0xFF00, dataset

    contexts = [(CT, [EXPLICIT]), (GET, [IMPLICIT])]
    with theirs([(evt.EVT_C_GET, get)], contexts, roles=[CT]) as port:
        association = associate(
            peer_at(port, max_pdu=16384),
            [Proposed(GET, (IMPLICIT,)), Proposed(CT, (EXPLICIT,), as_scp=True)],
        )
        identifier = b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY "
        association.send(association.context(GET), commands.c_get_rq(1, GET), identifier)
        stored: dict[str, list[bytes]] = {}
        while (message := association.receive()).command.field != commands.C_GET_RSP or (
            message.command.is_pending
        ):
            if message.command.field == commands.C_STORE_RQ:
                stored[message.command.sop_instance_uid] = list(message.fragments())
                association.send(message.context, commands.response_to(message.command, 0))
        association.release()

    assert (3, 0, 0) == (
        message.command.completed,
        message.command.failed,
        message.command.warnings,
    )
    assert [dataset.SOPInstanceUID for dataset in sent] == list(stored)
    assert [dataset.PixelData for dataset in sent] == [
        b"".join(pieces)[-len(dataset.PixelData) :]
        for dataset, pieces in zip(sent, stored.values(), strict=True)
    ]
    assert 16384 + 4096 > max(len(piece) for pieces in stored.values() for piece in pieces)


@pytest.mark.parametrize(
    ("settings", "peer", "word"),
    [
        ({"require_called_aet": True}, {"called": "OTHER"}, "OTHER"),
        ({"require_calling_aet": ["KNOWN"]}, {"calling": "UNKNOWN"}, "UNKNOWN"),
    ],
)
def test_titles_that_are_not_known_are_told(
    settings: dict[str, Any], peer: dict[str, Any], word: str
) -> None:
    """With the one that has to be changed."""
    with (
        theirs([], [(VERIFICATION, [IMPLICIT])], **settings) as port,
        pytest.raises(AuthenticationError, match=word),
    ):
        echo(peer_at(port, **peer))


def test_too_many_associations_are_a_matter_of_time() -> None:
    """A transient rejection is no refusal."""
    with theirs([], [(VERIFICATION, [IMPLICIT])], maximum_associations=1) as port:
        proposed = [Proposed(VERIFICATION, (IMPLICIT,))]
        first = associate(peer_at(port), proposed)
        with pytest.raises(RejectedForNowError, match="as many associations") as caught:
            associate(peer_at(port), proposed)
        first.release()

    assert 0x0302 == caught.value.status
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_an_abort_is_told_to_the_other_side() -> None:
    """It need not wait for more."""
    aborted = threading.Event()
    handlers: Handlers = [(evt.EVT_ABORTED, lambda _: aborted.set())]
    with theirs(handlers, [(VERIFICATION, [IMPLICIT])]) as port:
        association = associate(peer_at(port), [Proposed(VERIFICATION, (IMPLICIT,))])
        association.abort()

        assert aborted.wait(LONG)
        assert not association.usable
        with pytest.raises(TransferInterruptedError):
            association.receive()
        association.abort()
        association.release()


def test_an_association_has_some_contexts() -> None:
    """And no more than ids (D21)."""
    some = Proposed(CT, (EXPLICIT,))
    for wrong in ([], [some] * 129):
        with pytest.raises(InvalidInputError, match="128"):
            associate(peer_at(1), wrong)
    with pytest.raises(InvalidInputError):
        Proposed(CT, ())


def test_as_many_contexts_as_there_are_ids() -> None:
    """128, with role selection each."""
    proposed = [Proposed(f"1.2.3.{number}", (EXPLICIT,), as_scp=True) for number in range(128)]
    with Answering(_keep(agree)) as answering:
        association = associate(peer_at(answering.port), proposed)
        association.abort()

    assert 128 == len(association.contexts)
    assert all(context.as_scp for context in association.contexts)


# ---------------------------------------------------------------- accepting


def test_we_accept_what_others_send() -> None:
    """C-STORE from pynetdicom, of many PDUs, and a release at the end."""
    datasets = [_image(number, size) for number, size in enumerate((2, 300_000))]
    got: list[bytes] = []
    ended: list[bool] = []

    def serve(connection: socket.socket) -> None:
        association = accept(connection, take_first, called="OURS", timeouts=PATIENT)
        for message in association.messages():
            got.append(message.read(1 << 20))
            association.send(message.context, commands.response_to(message.command, 0))
        ended.append(association.usable)

    entity: Any = AE("SENDER")
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    with Answering(serve) as answering:
        association = entity.associate("127.0.0.1", answering.port, ae_title="OURS")
        statuses = [association.send_c_store(dataset).Status for dataset in datasets]
        association.release()

    assert [0, 0] == statuses
    assert [dataset.PixelData for dataset in datasets] == [
        content[-len(dataset.PixelData) :] for dataset, content in zip(datasets, got, strict=True)
    ]
    assert [False] == ended


def test_policy_decides_what_is_accepted() -> None:
    """By SOP class and transfer syntax; the other side learns it, and what roles it has."""
    offers: list[Offered] = []

    def policy(offered: Offered) -> str | None:
        offers.append(offered)
        return EXPLICIT if EXPLICIT in offered.transfer_syntaxes else None

    accepted: list[Association] = []

    def serve(connection: socket.socket) -> None:
        association = accept(connection, policy, called="THEIRS", roles=True, timeouts=PATIENT)
        accepted.append(association)
        assert not list(association.messages())

    with Answering(serve) as answering:
        association = associate(
            peer_at(answering.port, calling="ME"),
            [Proposed(CT, (IMPLICIT, EXPLICIT), as_scp=True), Proposed(FIND, (IMPLICIT,))],
        )
        association.release()

    assert [(1, CT, EXPLICIT, True)] == [
        (one.id, one.abstract_syntax, one.transfer_syntax, one.as_scp)
        for one in association.contexts
    ]
    assert Offered(1, CT, (IMPLICIT, EXPLICIT), wants_scp=True) == offers[0]
    assert ("ME", "THEIRS", "127.0.0.1") == (
        accepted[0].peer.called,
        accepted[0].peer.calling,
        accepted[0].peer.host,
    )


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"called": "OTHER"}, AuthenticationError),
        ({"calling": ["SOMEBODY ELSE"]}, AuthenticationError),
        ({"full": True}, RejectedForNowError),
    ],
)
def test_others_are_turned_away(settings: dict[str, Any], error: type[Exception]) -> None:
    """And told why."""
    turned: list[str] = []
    all_settings: dict[str, Any] = {"called": "THEIRS", **settings}

    def serve(connection: socket.socket) -> None:
        with pytest.raises(TurnedAwayError) as caught:
            accept(connection, take_first, **all_settings)
        turned.append(str(caught.value))

    with Answering(serve) as answering, pytest.raises(error):
        associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])

    assert "turned away" in turned[0]


@pytest.mark.parametrize("spoken", [b"GET / HTTP/1.1\r\n\r\n", b"\x01\0\0\0\0\x04abcd", b"\5\0"])
def test_who_speaks_no_dicom_is_not_let_in(spoken: bytes) -> None:
    """Whatever it says, and if it leaves in the middle."""
    ends: list[type[Exception]] = []

    def serve(connection: socket.socket) -> None:
        with pytest.raises((ProtocolViolationError, TransferInterruptedError)) as caught:
            accept(connection, take_first, called="OURS")
        ends.append(caught.type)

    with (
        Answering(serve) as answering,
        socket.create_connection(("127.0.0.1", answering.port), LONG) as connection,
    ):
        connection.sendall(spoken)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    assert 1 == len(ends)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ME".ljust(16), b" " * 16),
        (b"ME".ljust(16), b"A\\B".ljust(16)),
        (b"\x51\0\0\4\0\0\x40\0", b"\x51\0\0\4\0\0\0\5"),  # the largest PDU it takes
        (b"\x20\0\0\x38\3", b"\x20\0\0\x38\2"),  # an even id
        (b"\x20\0\0\x38\3", b"\x20\0\0\x38\1"),  # the same id twice
    ],
)
def test_a_malformed_request_is_not_accepted(old: bytes, new: bytes) -> None:
    """What would only fail later."""
    contexts = [ContextItem(number, CT, (EXPLICIT,)) for number in (1, 3)]
    good = Request(
        called="OURS", calling="ME", contexts=contexts, roles={}, extended={}, max_pdu=16384
    ).encode()
    assert 1 == good.count(old)

    def serve(connection: socket.socket) -> None:
        with pytest.raises(ProtocolViolationError):
            accept(connection, take_first, called="OURS")

    with (
        Answering(serve) as answering,
        socket.create_connection(("127.0.0.1", answering.port), LONG) as connection,
    ):
        connection.sendall(good.replace(old, new))
        answer = connection.recv(1000)

    assert b"\7" == answer[:1]


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a private authority's."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


def _serving(tls: TLS, ends: list[Exception]) -> Any:
    def serve(connection: socket.socket) -> None:
        context = tls.context(server_side=True)
        try:
            association = accept(
                connection, take_first, called="THEIRS", tls=context, timeouts=PATIENT
            )
            for message in association.messages():
                message.skip()
                association.send(message.context, commands.response_to(message.command, 0))
        except Exception as error:  # noqa: BLE001  looked at by the test
            ends.append(error)

    return serve


def test_associations_are_secured(certificates: Certificates) -> None:
    """With certificates on both sides, and data of many records."""
    server = TLS(certificates.authority, certificates.server)
    client = TLS(certificates.authority, certificates.client, server_name="localhost")
    ends: list[Exception] = []
    with Answering(_serving(server, ends)) as answering:
        peer = peer_at(answering.port, tls=client)
        echo(peer)
        association = associate(peer, [Proposed(CT, (EXPLICIT,))])
        request = commands.c_store_rq(1, CT, "1.2.3")
        association.send(association.context(CT), request, bytes(1 << 20))
        answer = association.receive()
        association.release()

    assert 0 == answer.command.status
    assert [] == ends


def test_strangers_are_not_talked_to(certificates: Certificates) -> None:
    """Neither an unknown authority nor another name is taken, nor a client without certificate."""
    server = TLS(certificates.authority, certificates.server)
    ends: list[Exception] = []
    with Answering(_serving(server, ends)) as answering:
        port = answering.port
        nobody = TLS(certificates.authority, server_name="localhost")
        for tls, word in (
            (TLS(cert=certificates.client), "`ca`"),
            (TLS(certificates.authority, certificates.client), "`ca`"),  # 127.0.0.1 is not its name
            (nobody, "`cert`"),
        ):
            with pytest.raises((AuthenticationError, ArchiveUnavailableError)) as caught:
                echo(peer_at(port, tls=tls))
            assert word in str(caught.value) or tls is nobody
            assert "certificate" in str(caught.value)

    assert 3 == len(ends)


def test_tls_where_there_is_none() -> None:
    """An acceptor without TLS takes a handshake for garbage."""
    with (
        theirs([], [(VERIFICATION, [IMPLICIT])]) as port,
        pytest.raises((ArchiveUnavailableError, ProtocolViolationError), match=r"TLS|connection"),
    ):
        echo(peer_at(port, tls=TLS(verify=False)))


def test_no_tls_where_there_is_some(certificates: Certificates) -> None:
    """What comes back is an alert, not DICOM: the error says where to look."""
    ends: list[Exception] = []
    server = TLS(certificates.authority, certificates.server)
    with (
        Answering(_serving(server, ends)) as answering,
        pytest.raises((ProtocolViolationError, ArchiveUnavailableError), match="TLS"),
    ):
        echo(peer_at(answering.port))


# ---------------------------------------------------------------- sending


def test_fragments_are_as_long_as_the_other_side_takes() -> None:
    """And even, whatever it announces (PS3.8 E.2)."""
    got: list[tuple[int, bytes]] = []

    def serve(connection: socket.socket) -> None:
        agree(connection, max_pdu=999)
        while (pdu := read_pdu(connection)) and pdu[0] == 4:
            got.append((pdu[11], pdu[12:]))

    content = bytes(range(250)) * 10
    with Answering(serve) as answering:
        association = associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])
        request = commands.c_store_rq(1, CT, "1.2.3")
        association.send(association.context(CT), request, content)
        association.abort()

    assert [3, 0, 0, 2] == [control for control, _ in got]
    assert [992, 992, 516] == [len(piece) for _, piece in got[1:]]
    assert content == b"".join(piece for _, piece in got[1:])


def test_a_command_does_not_lie_about_its_data() -> None:
    """The other side would wait for it, or take the next command for it."""
    with Answering(_keep(agree)) as answering:
        association = associate(peer_at(answering.port), [Proposed(FIND, (IMPLICIT,))])
        context = association.context(FIND)
        with pytest.raises(InvalidInputError):
            association.send(context, commands.c_find_rq(1, FIND))
        with pytest.raises(InvalidInputError):
            association.send(context, commands.c_cancel_rq(1), b"\0\0")
        usable = association.usable
        association.abort()

    assert usable


def test_message_ids_go_round() -> None:
    """1 to 65535, never 0."""
    with Answering(_keep(agree)) as answering:
        association = associate(peer_at(answering.port), [Proposed(FIND, (IMPLICIT,))])
        ids = [association.next_message_id() for _ in range(65537)]
        association.abort()

    assert [1, 2] == ids[:2]
    assert [65535, 1, 2] == ids[-3:]


def test_data_are_bounded_where_they_are_read_whole() -> None:
    """A data set that is larger than asked for ends the association."""
    command = commands.c_store_rq(1, CT, "1.2.3").encode()
    sent = fragments(1, command, command=True) + fragments(1, bytes(50_000), command=False)
    with Answering(answering_all(sent)) as answering:
        association = associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])
        message = association.receive()
        with pytest.raises(BudgetExceededError, match="40000"):
            message.read(40_000)

    assert not association.usable


def test_a_message_is_read_to_its_end_before_the_next() -> None:
    """Its data would else be taken for commands; a release is then an abort."""
    command = commands.c_store_rq(1, CT, "1.2.3").encode()
    message = fragments(1, command, command=True) + fragments(1, bytes(50_000), command=False)
    with Answering(answering_all(message * 2)) as answering:
        association = associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])
        first = association.receive()
        taken = next(first.fragments())
        with pytest.raises(InvalidInputError):
            association.receive()
        rest = first.read(1 << 20)
        finished = first.finished
        second = association.receive()
        association.release()

    assert 50_000 == len(taken) + len(rest)
    assert finished
    assert not second.finished
    with pytest.raises(TransferInterruptedError):
        second.skip()


def test_who_is_released_agrees() -> None:
    """And is told that this is the end."""
    answers: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        agree(connection)
        connection.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")
        answers.append(read_pdu(connection))

    with Answering(serve) as answering:
        association = associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])
        with pytest.raises(ReleasedError):
            association.receive()

    assert [b"\x06\0\0\0\0\x04\0\0\0\0"] == answers
    assert not association.usable


def test_release_drops_what_still_comes() -> None:
    """And agrees if the other side wants to release at the same time (PS3.8 7.2.2)."""
    got: list[int] = []

    def serve(connection: socket.socket) -> None:
        agree(connection)
        got.append(read_pdu(connection)[0])
        connection.sendall(fragments(1, bytes(100_000), command=False))
        connection.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")
        got.append(read_pdu(connection)[0])
        connection.sendall(b"\x06\0\0\0\0\x04\0\0\0\0")
        got.append(len(read_pdu(connection)))

    with Answering(serve) as answering:
        association = associate(peer_at(answering.port), [Proposed(CT, (EXPLICIT,))])
        association.release()

    assert [5, 6, 0] == got


def _keep(script: Any) -> Any:
    """Return a script that waits until the other side leaves."""

    def kept(connection: socket.socket) -> None:
        script(connection)
        while connection.recv(65536):
            pass

    return kept


def _image(number: int, size: int) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    dataset.BitsAllocated = 8
    dataset.PixelData = bytes([number + 1]) * size
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = _meta()
    return dataset


def _meta() -> Any:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta
