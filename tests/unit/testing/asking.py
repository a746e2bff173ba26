"""A DIMSE client of someone else's, pynetdicom's, and a receiver: what they see is what is sent."""

from __future__ import annotations

import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from threading import Condition, Event
from typing import Any, Final

import attrs
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation, UserIdentityNegotiation
from typing_extensions import Self, override

from gurney.testing.dimse import DIMSEServer, Letters, Proposal, Proposed, Roles
from gurney.testing.dimse.association import Message, Messages
from gurney.testing.dimse.commands import written
from gurney.testing.dimse.letters import encoded
from gurney.testing.dimse.line import PDU, Line, LineEndedError, fragments
from gurney.testing.dimse.pdus import agreement_of, propose
from gurney.testing.dimse.stored import part10

ECHO: Final = "1.2.840.10008.1.1"
STUDY_ROOT: Final = "1.2.840.10008.5.1.4.1.2.2."
PATIENT_ROOT: Final = "1.2.840.10008.5.1.4.1.2.1."
CAPTURE: Final = str(SecondaryCaptureImageStorage)
NATIVE: Final = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
LONG: Final = 30.0  # seconds; no test waits so long, unless what it tests is broken


@attrs.frozen
class Answer:
    """A response: its status, `None` if there is none, and its identifier."""

    status: int | None
    item: Dataset | None
    numbers: tuple[int | None, ...] = ()

    def text(self, keyword: str) -> str:
        """Return a value of the identifier."""
        return "" if self.item is None else str(self.item.get(keyword, ""))


@attrs.frozen
class Received:
    """An instance that came."""

    uid: str
    transfer_syntax: str
    data: bytes = attrs.field(repr=False)
    originator: str = ""
    calling: str = ""


class _Gate(Event):
    """Where pynetdicom's own thread is held while somebody asks.

    That thread says that it is held a moment too soon, and also when it has gone on: it then takes
    the answer to the next question for a request. Here it is held once it waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed: Condition = Condition()
        self._open: bool = True
        self._held: bool = False

    def shut(self, association: Any) -> None:
        """Return once the thread is held, or has ended."""
        self.clear()
        with self._changed:
            while association.is_alive() and not self._held:
                self._changed.wait(0.01)

    @override
    def clear(self) -> None:
        with self._changed:
            self._open = False

    @override
    def set(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    @override
    def wait(self, timeout: float | None = None) -> bool:
        with self._changed:
            self._held = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, timeout)
            self._held = False
            return self._open


class Client:
    """An association with a server; it takes what C-GET sends."""

    def __init__(
        self,
        server: DIMSEServer,
        storage: Sequence[tuple[str, Sequence[str]]] = ((CAPTURE, NATIVE),),
        *,
        roles: bool = True,
        extended: Mapping[str, bytes] | None = None,
        called: str = "",
        user: str = "",
        models: Sequence[str] = (STUDY_ROOT, PATIENT_ROOT),
        answer: int = 0,
        tls: tuple[Any, str] | None = None,
        max_pdu: int = 16382,
    ) -> None:
        self.received: list[Received] = []
        self.answer: int = answer
        self.association: Any = None
        self._gate: _Gate = _Gate()
        ae: Any = AE("TESTER")
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = LONG
        ae.add_requested_context(ECHO)
        for model in models:
            for place in "123":
                ae.add_requested_context(f"{model}{place}", list(NATIVE))
        asked: list[Any] = [_extended(*pair) for pair in (extended or {}).items()]
        asked += [_user(user)] if user else []
        classes = dict.fromkeys(uid for uid, _ in storage)
        asked += [build_role(uid, scp_role=True) for uid in classes] if roles else []
        requested = list(ae.requested_contexts)
        for uid, syntaxes in storage:
            requested.append(_context(uid, syntaxes))
        self.association = ae.associate(
            "127.0.0.1",
            server.port,
            contexts=requested,
            ae_title=called or server.ae_title,
            ext_neg=asked,
            max_pdu=max_pdu,
            evt_handlers=[(evt.EVT_C_STORE, self._store)],
            tls_args=tls,
        )
        self.association._reactor_checkpoint = self._gate

    @property
    def established(self) -> bool:
        """Whether there is an association."""
        return bool(self.association.is_established)

    def hold(self) -> None:
        """Hold pynetdicom's own thread, so that it does not take what comes next."""
        self._gate.shut(self.association)

    def echo(self) -> int | None:
        """Return the status."""
        self.hold()
        return _status(self.association.send_c_echo())

    def find(self, level: str, root: str = STUDY_ROOT, **keys: object) -> list[Answer]:
        """Return all responses."""
        self.hold()
        return self._answers(self.association.send_c_find(_identifier(level, keys), f"{root}1"))

    def get(self, level: str, root: str = STUDY_ROOT, **keys: object) -> list[Answer]:
        """Return all responses; instances are in `received`."""
        self.hold()
        return self._answers(self.association.send_c_get(_identifier(level, keys), f"{root}3"))

    def move(self, level: str, to: str, root: str = STUDY_ROOT, **keys: object) -> list[Answer]:
        """Return all responses."""
        self.hold()
        identifier = _identifier(level, keys)
        return self._answers(self.association.send_c_move(identifier, to, f"{root}2"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.established:
            self.hold()
            self.association.release()
        transport = self.association.dul.socket
        if transport is not None and transport.socket is not None:  # left open after an abort
            transport.socket.close()

    @staticmethod
    def _answers(responses: Any) -> list[Answer]:
        return [Answer(_status(status), item, _numbers(status)) for status, item in responses]

    def _store(self, event: Any) -> int:
        self.received.append(_received(event))
        return self.answer


class Receiver:
    """An application that takes what C-MOVE sends."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.contexts: list[int] = []
        self._changed: Condition = Condition()
        ae: Any = AE("RECEIVER")
        ae.maximum_associations = 100
        ae.supported_contexts = []
        self._server: Any = ae.start_server(
            ("127.0.0.1", 0),
            block=False,
            contexts=[_context(CAPTURE, (*NATIVE, "1.2.840.10008.1.2.5"))],
            evt_handlers=[(evt.EVT_C_STORE, self._store), (evt.EVT_ACCEPTED, self._accepted)],
        )
        self.address: tuple[str, int] = ("127.0.0.1", self._server.server_address[1])

    def wait_for(self, count: int) -> None:
        """Wait until so many instances have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, LONG)

    def _store(self, event: Any) -> int:
        with self._changed:
            self.received.append(_received(event))
            self._changed.notify_all()
        return 0

    def _accepted(self, event: Any) -> None:
        self.contexts.append(len(event.assoc.accepted_contexts))

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()


class ByHand:
    """An association that sends what it is told, at once: what pynetdicom's cannot do."""

    def __init__(self, server: DIMSEServer) -> None:
        contexts = [
            Proposed(2 * place + 1, f"{STUDY_ROOT}{one}", NATIVE[1:])
            for place, one in enumerate("123")
        ]
        contexts.append(Proposed(7, CAPTURE, NATIVE))
        proposal = Proposal("BYHAND", server.ae_title, tuple(contexts))
        connection = socket.create_connection(("127.0.0.1", server.port), LONG)
        self.line: Line = Line(connection)
        self.line.send(propose(attrs.evolve(proposal, roles={CAPTURE: Roles(False, True)})))
        self.messages: Messages = Messages(
            self.line, agreement_of(self.line.receive()[1], proposal), 0
        )

    def request(self, place: int, *, to: str = "", **keys: object) -> bytes:
        """Return a request, 1 to 3: C-FIND, C-MOVE, C-GET; its message id is the same."""
        command: dict[str, int | str] = {
            "AffectedSOPClassUID": f"{STUDY_ROOT}{place}",
            "CommandField": {1: 0x20, 2: 0x21, 3: 0x10}[place],
            "MessageID": place,
            "Priority": 0,
            "MoveDestination": to,
        }
        data = encoded(_identifier("STUDY", keys), Letters("", ""), implicit=True)
        return _message(2 * place - 1, command, data)

    @staticmethod
    def cancel(place: int) -> bytes:
        """Return a C-CANCEL of such a request."""
        return _message(2 * place - 1, {"CommandField": 0xFFF, "MessageIDBeingRespondedTo": place})

    @staticmethod
    def stored(message: Message) -> bytes:
        """Return the answer to a C-STORE."""
        answer: dict[str, int | str] = {
            "AffectedSOPClassUID": CAPTURE,
            "CommandField": 0x8001,
            "MessageIDBeingRespondedTo": message.command["MessageID"],
            "Status": 0,
        }
        return _message(message.context.context_id, answer)

    def read(self) -> Message:
        """Return the next message."""
        message = self.messages.receive()
        assert message is not None, self.messages.ended
        return message

    def bytes_of_data(self) -> tuple[int, bool]:
        """Return how many come of a data set, and whether the last fragment is among them."""
        count = 0
        while True:
            try:
                kind, pdu = self.line.receive()
            except LineEndedError:
                return count, False
            if kind != PDU.DATA:
                self.messages.ended = "aborted"
                return count, False
            at = 6
            while at < len(pdu):
                length = int.from_bytes(pdu[at : at + 4], "big")
                is_command, is_last = pdu[at + 5] & 1, pdu[at + 5] & 2
                count += 0 if is_command else length - 2
                if is_last and not is_command:
                    return count, True
                at += 4 + length

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.end()
        self.line.close()


def _message(context_id: int, command: Mapping[str, int | str], data: bytes | None = None) -> bytes:
    content = written(command, data=data is not None)
    pdus = [*fragments(context_id, [content], 0, command=True)]
    if data is not None:
        pdus += fragments(context_id, [data], 0)
    return b"".join(pdus)


@contextmanager
def receiver() -> Generator[Receiver, None, None]:
    """Yield a receiver."""
    one = Receiver()
    try:
        yield one
    finally:
        one.close()


def _context(uid: str, syntaxes: Sequence[str]) -> Any:
    from pynetdicom import build_context

    return build_context(uid, list(syntaxes))


def _extended(uid: str, asked: bytes) -> Any:
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid = uid
    item.service_class_application_information = asked
    return item


def _user(name: str) -> Any:
    item = UserIdentityNegotiation()
    item.user_identity_type = 1
    item.primary_field = name.encode()
    return item


def _identifier(level: str, keys: Mapping[str, object]) -> Dataset:
    identifier = Dataset()
    if level:
        identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def _status(status: Dataset) -> int | None:
    return int(status.Status) if "Status" in status else None


def _numbers(status: Dataset) -> tuple[int | None, ...]:
    names = ("Remaining", "Completed", "Failed", "Warning")
    return tuple(status.get(f"NumberOf{name}Suboperations") for name in names)


def _received(event: Any) -> Received:
    request = event.request
    return Received(
        str(request.AffectedSOPInstanceUID),
        str(event.context.transfer_syntax),
        request.DataSet.getvalue(),
        str(request.MoveOriginatorApplicationEntityTitle or ""),
        str(event.assoc.requestor.ae_title),
    )


def read(data: bytes, syntax: str) -> Dataset:
    """Return a data set that has no file meta information."""
    return dcmread(BytesIO(part10(syntax, data)))
