"""One association, from its request to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import Final

import attrs
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ImplicitVRLittleEndian

from gurney.core import text as first_value

from . import pdus
from .answering import Answering
from .archives import Archive, IncompleteError
from .asked import MODELS, Asked, Association, Service
from .association import Message, Messages
from .commands import Field, Status, number, text
from .fault import Exchange, Fault, Settings
from .finding import RefusedError, plan_of_find
from .line import PDU, Line, LineEndedError
from .negotiating import agreement
from .negotiation import Agreed, Agreement, Proposal, Rejection
from .retrieving import plan_of_retrieve
from .sending import Destination, Sender, SubOperations
from .steps import Done, Plan, Step, Store
from .stored import Stored

__all__ = ["House", "Session"]

_FIELDS: Final = {
    Field.ECHO: Service.ECHO,
    Field.FIND: Service.FIND,
    Field.GET: Service.GET,
    Field.MOVE: Service.MOVE,
    Field.CANCEL: Service.CANCEL,
}
_CALLED_UNKNOWN: Final = Rejection(1, 1, 7)
_LIMIT_EXCEEDED: Final = Rejection(2, 3, 2)


@attrs.define(eq=False)
class House:
    """What all associations with a server share.

    Attributes
    ----------
    join
        Connects with an address; closing the server ends that, too.
    silent
        Waits for the pause of the settings, or for ever; until the server is closed.
    later
        Does something in a thread of its own.
    requests, associations
        For the record.
    """

    ae_title: str
    archive: Archive
    settings: Settings
    faults: Sequence[Fault]
    destinations: Mapping[str, tuple[str, int]]
    max_pdu: int
    max_associations: int | None
    join: Callable[[tuple[str, int]], Line]
    silent: Callable[..., None]
    later: Callable[[Callable[[], None]], None]
    requests: list[Asked] = attrs.field(factory=list[Asked])
    associations: list[Association] = attrs.field(factory=list[Association])

    def destination(self, called: str, to_come: Sequence[Stored]) -> Destination:
        """Return the way to an application that this archive knows."""
        proposal = Proposal(self.ae_title, called, (), max_pdu=self.max_pdu)
        join = partial(self.join, self.destinations[called])
        return Destination(join, proposal, to_come, partial(self.silent, for_ever=True))


class Session:
    """A connection that somebody made."""

    def __init__(self, house: House, line: Line) -> None:
        self._house: House = house
        self._line: Line = line

    def run(self) -> None:
        """Answer until the association ends."""
        try:
            kind, pdu = self._line.receive()
            if kind != PDU.ASSOCIATE_RQ:
                raise ValueError("an association comes first")
            proposal = pdus.proposal_of(pdu)
        except (LineEndedError, ValueError):
            self._line.end()
            return
        answer = self._negotiated(proposal)
        association = Association(len(self._house.associations) + 1, proposal, answer)
        self._house.associations.append(association)
        try:
            self._establish(association, answer)
        except LineEndedError:
            self._line.end()
        association.ended = association.ended or "cut"

    def _negotiated(self, proposal: Proposal) -> Agreement | Rejection:
        house = self._house
        lasting = [one for one in house.associations if not one.ended]
        if proposal.called != house.ae_title:
            answer: Agreement | Rejection = _CALLED_UNKNOWN
        elif house.max_associations is not None and len(lasting) >= house.max_associations:
            answer = _LIMIT_EXCEEDED
        else:
            answer = agreement(proposal, house.archive.syntaxes, house.max_pdu)
        for fault in house.faults:
            altered = fault.negotiated(proposal, answer)
            if altered is not answer and fault.may_act():
                answer = altered
        return answer

    def _establish(self, association: Association, answer: Agreement | Rejection) -> None:
        if isinstance(answer, Rejection):
            association.ended = "rejected"
            self._line.send(pdus.reject(answer))
            return
        self._line.send(pdus.accept(association.proposal, answer))
        messages = Messages(self._line, answer, association.proposal.max_pdu)
        try:
            while not messages.ended:
                message = messages.receive()
                if message is not None:
                    _Conversation(self._house, association, messages).answer(message)
        finally:
            association.ended = messages.ended


class _Conversation:
    """One request, and what answers it."""

    def __init__(self, house: House, association: Association, messages: Messages) -> None:
        self._house: House = house
        self._association: Association = association
        self._messages: Messages = messages

    def answer(self, message: Message) -> None:
        """Answer it."""
        asked = self._note(message)
        if asked.service is Service.CANCEL:  # of what is over
            return
        house = self._house
        exchange = Exchange(asked, house.archive, house.settings, house.faults)
        plan = exchange.through(self._plan(exchange), lambda fault: fault.planned)
        sender = self._sender(asked, plan)
        answering = Answering(
            self._messages, message, exchange, sender=sender, silent=house.silent, noted=self._note
        )
        if isinstance(sender, SubOperations):
            sender.heard = answering.heard
        late: Sequence[Step] = ()
        try:
            late = answering.take(plan)
        finally:
            if isinstance(sender, Destination) and not late:
                sender.close()
        if isinstance(sender, Destination) and late:
            house.later(partial(_send_late, answering, late, sender))
            return
        for step in late:
            answering.take_one(step)

    def _note(self, message: Message) -> Asked:
        asked = _asked(message, self._association)
        self._house.requests.append(asked)
        return asked

    def _plan(self, exchange: Exchange) -> Plan:
        refusal = exchange.refusal()
        if refusal is not None:
            return Plan([refusal])
        exchange.asked = exchange.through(exchange.asked, lambda fault: fault.understood)
        try:
            return self._well_behaved(exchange)
        except (RefusedError, IncompleteError) as error:  # of what may be short, nothing is sent
            return Plan([Done(error.status)])

    def _well_behaved(self, exchange: Exchange) -> Plan:
        asked = exchange.asked
        if (
            asked.service is Service.OTHER
            or MODELS[asked.sop_class_uid].service is not asked.service
        ):
            raise RefusedError(Status.NOT_SUPPORTED)
        if asked.service is Service.ECHO:
            return Plan([Done(Status.SUCCESS)])
        if asked.service is Service.FIND:
            return plan_of_find(exchange, self._house.ae_title)
        if asked.service is Service.MOVE and asked.destination not in self._house.destinations:
            raise RefusedError(Status.NO_DESTINATION)
        return plan_of_retrieve(exchange)

    def _sender(self, asked: Asked, plan: Plan) -> Sender | None:
        house = self._house
        if asked.service is Service.GET:
            for_ever = partial(house.silent, for_ever=True)
            return SubOperations(self._messages, _both_ways(self._messages.agreement), for_ever)
        if asked.service is Service.MOVE and asked.destination in house.destinations:
            to_come = [step.instance for step in plan.steps if isinstance(step, Store)]
            return house.destination(asked.destination, to_come)
        return None


def _send_late(answering: Answering, steps: Sequence[Step], destination: Destination) -> None:
    """Send what comes after the final response of a C-MOVE, which does not hold up others."""
    try:
        for step in steps:
            answering.take_one(step)
    finally:
        destination.close()


def _both_ways(agreement: Agreement) -> list[Agreed]:
    """Return the contexts over which the archive may send: those with the role of SCP granted."""
    return [
        one
        for one in agreement.contexts
        if (roles := agreement.roles.get(one.abstract_syntax)) is not None and roles.scp
    ]


def _asked(message: Message, association: Association) -> Asked:
    command = message.command
    identifier = _identifier(message)
    return Asked(
        _FIELDS.get(number(command, "CommandField"), Service.OTHER),
        association,
        text(command, "AffectedSOPClassUID") or message.context.abstract_syntax,
        number(command, "MessageID"),
        first_value(identifier, "QueryRetrieveLevel"),
        identifier,
        message.data,
        text(command, "MoveDestination"),
    )


def _identifier(message: Message) -> Dataset:
    """Return the identifier; an empty one where it cannot be read: its level is not known."""
    implicit = message.context.transfer_syntax == ImplicitVRLittleEndian
    try:
        return read_dataset(BytesIO(message.data), implicit, is_little_endian=True)
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged values (P01)
        return Dataset()
