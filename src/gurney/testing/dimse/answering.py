"""Steps are taken, one after another, and requests are heard meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from gurney.core import GurneyError, put

from .association import Message, Messages
from .commands import Command, Field, Status, number, text
from .fault import Exchange
from .letters import Letters, encoded, is_plain
from .line import LineEndedError
from .sending import Sender
from .steps import Counts, Done, Ending, Pending, Plan, Progress, Raw, Silence, Step, Store

__all__ = ["Answering"]

_WARNING = 0xB000  # to 0xBFFF: stored, but


@attrs.define
class _Tally:
    """What has become of the sub-operations."""

    remaining: int = 0
    completed: int = 0
    warnings: int = 0
    failed: list[str] = attrs.field(factory=list[str])

    def counts(self) -> Counts:
        return Counts(self.remaining, self.completed, len(self.failed), self.warnings)

    def add(self, uid: str, status: int | None) -> None:
        self.remaining = max(0, self.remaining - 1)
        if status == Status.SUCCESS:
            self.completed += 1
        elif status is not None and status & 0xF000 == _WARNING:
            self.warnings += 1
        else:
            self.failed.append(uid)

    def status(self) -> int:
        """Return what follows from it (PS3.4 C.4.2.1.5)."""
        if not self.failed:
            return Status.SOME_FAILED if self.warnings else Status.SUCCESS
        return Status.SOME_FAILED if self.completed + self.warnings else Status.CANNOT_PERFORM


class Answering:
    """One request is answered.

    Parameters
    ----------
    messages
        Of the association it came over.
    request
        As it came.
    sender
        Where instances go; `None` for those who ask for none.
    silent
        Waits, for ever if it is told so, or until the server is closed.
    noted
        Gets cancels, for the record.
    """

    def __init__(
        self,
        messages: Messages,
        request: Message,
        exchange: Exchange,
        *,
        sender: Sender | None,
        silent: Callable[..., None],
        noted: Callable[[Message], object],
    ) -> None:
        self._messages: Messages = messages
        self._request: Message = request
        self._exchange: Exchange = exchange
        self._sender: Sender | None = sender
        self._silent: Callable[..., None] = silent
        self._noted: Callable[[Message], object] = noted
        self._tally: _Tally = _Tally()
        self._cancelled: bool = False

    def take(self, plan: Plan) -> Sequence[Step]:
        """Take all steps up to the final response, unless a C-CANCEL comes; return the others.

        Raises
        ------
        LineEndedError
            If the other side ends the association.
        """
        self._tally.remaining = sum(isinstance(step, Store) for step in plan.steps)
        for place, step in enumerate(plan.steps, start=1):
            self._listen()
            if self._cancelled and plan.heeds_cancel:
                self._final(Done(Status.CANCELLED))
                return ()
            self.take_one(step)
            if self._messages.ended:
                return ()
            if isinstance(step, Done):
                return plan.steps[place:]
        return ()

    def heard(self, message: Message) -> None:
        """Take in what comes between two steps: a C-CANCEL of this request."""
        self._noted(message)
        responds_to = number(message.command, "MessageIDBeingRespondedTo")
        if number(message.command, "CommandField") != Field.CANCEL:
            self._messages.abort()
            raise LineEndedError("no such message is expected")
        if responds_to == number(self._request.command, "MessageID"):
            self._cancelled = True

    def _listen(self) -> None:
        while not self._messages.ended and self._messages.line.readable():
            message = self._messages.receive()
            if message is not None:
                self.heard(message)
        if self._messages.ended:
            raise LineEndedError("the association has ended")

    def take_one(self, step: Step) -> None:
        """Take a step."""
        if isinstance(step, Pending):
            self._respond(step.status, self._item(step.item))
        elif isinstance(step, Store):
            self._store(step)
        elif isinstance(step, Progress):
            counts = self._tally.counts() if step.counted else None
            self._respond(Status.PENDING, counts=counts)
        elif isinstance(step, Done):
            self._final(step)
        elif isinstance(step, Silence):
            self._silent()
        elif isinstance(step, Raw):
            self._messages.line.send(step.content)
        else:
            self._end(step.ending)

    def _store(self, step: Store) -> None:
        status: int | None = None
        if not step.fails and self._sender is not None:
            try:
                status = self._sender.send(step, self._origin())
            except GurneyError:  # it cannot be read
                status = None
        self._tally.add(step.instance.reference.instance_uid, status)

    def _origin(self) -> Command:
        if number(self._request.command, "CommandField") != Field.MOVE:
            return {}
        return {
            "MoveOriginatorApplicationEntityTitle": self._asker,
            "MoveOriginatorMessageID": number(self._request.command, "MessageID"),
        }

    @property
    def _asker(self) -> str:
        return self._exchange.asked.association.proposal.calling

    def _final(self, step: Done) -> None:
        status = self._tally.status() if step.status is None else step.status
        if self._sender is None:
            self._respond(status)
            return
        counts = step.counts or self._tally.counts()
        if status != Status.CANCELLED:
            counts = attrs.evolve(counts, remaining=0)
        listed = Dataset()
        put(listed, "FailedSOPInstanceUIDList", self._tally.failed)
        data = [self._encoded(listed)] if step.listed and self._tally.failed and status else None
        self._respond(status, data, counts if step.counted else None)

    def _item(self, item: Dataset) -> Iterable[bytes]:
        letters = Letters() if not is_plain(item) else Letters("", "")
        letters = self._exchange.through(letters, lambda fault: fault.lettered)
        return [self._encoded(item, letters)]

    def _encoded(self, item: Dataset, letters: Letters | None = None) -> bytes:
        implicit = self._request.context.transfer_syntax == ImplicitVRLittleEndian
        return encoded(item, letters or Letters("", ""), implicit=implicit)

    def _respond(
        self, status: int, data: Iterable[bytes] | None = None, counts: Counts | None = None
    ) -> None:
        asked = self._request.command
        response: dict[str, int | str] = {
            "AffectedSOPClassUID": text(asked, "AffectedSOPClassUID"),
            "CommandField": number(asked, "CommandField") | Field.RESPONSE,
            "MessageIDBeingRespondedTo": number(asked, "MessageID"),
            "Status": status,
            **dict(_numbers(counts, status)),
        }
        self._messages.send(self._request.context, response, data)

    def _end(self, ending: Ending) -> None:
        if ending == "silence":
            self._silent(for_ever=True)
        elif ending == "cut":
            self._messages.cut()
        else:
            self._messages.abort()


def _numbers(counts: Counts | None, status: int) -> Iterator[tuple[str, int]]:
    """Remaining ones are told while there can be some (PS3.7 9.1.3.2, 9.1.4.2)."""
    if counts is None:
        return
    if status in (Status.PENDING, Status.CANCELLED):
        yield "NumberOfRemainingSuboperations", counts.remaining
    yield "NumberOfCompletedSuboperations", counts.completed
    yield "NumberOfFailedSuboperations", counts.failed
    yield "NumberOfWarningSuboperations", counts.warnings
