"""A C-GET request, and the instances that come back over the same association (PS3.7 9.1.3)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress

from ...core import GurneyError, ProtocolViolationError
from ...retrieving import Wanted
from ..association import Association, Associations, Context, ContextRefusedError, Message
from ..association.commands import (
    C_GET_RSP,
    C_STORE_RQ,
    SUCCESS,
    c_cancel_rq,
    c_get_rq,
    response_to,
)
from ..retrieving import Arrival, Final, Repeats, arrival, final_of, identifier_of
from .contexts import Proposal
from .detours import Detours

__all__ = ["GetConversation", "conversing"]

_log = logging.getLogger("gurney.dimse")
_IMPLICIT = "1.2.840.10008.1.2"


@contextmanager
def conversing(
    associations: Associations,
    batches: Sequence[Proposal],
    wanted: Wanted,
    needed: Collection[str] = (),
    detours: Detours | None = None,
) -> Generator[GetConversation]:
    """Ask for *wanted*; see `GetConversation`."""
    conversation = GetConversation(associations, batches, wanted, needed, detours)
    try:
        yield conversation
    finally:
        conversation.close()


class GetConversation:
    """One question: a C-GET with each of *batches* of contexts, until all that is expected came.

    Parameters
    ----------
    associations
        Those with the archive.
    batches
        The contexts to propose, for each association.
    wanted
        What to ask for.
    needed
        UIDs of the SOP classes of what is wanted, if they are known: an association that grants
        none of them is not asked (D14).
    detours
        What has worked before with what could not be sent.
    """

    def __init__(
        self,
        associations: Associations,
        batches: Sequence[Proposal],
        wanted: Wanted,
        needed: Collection[str] = (),
        detours: Detours | None = None,
    ) -> None:
        self._associations: Associations = associations
        self._batches: Sequence[Proposal] = batches
        self._wanted: Wanted = wanted
        self._needed: frozenset[str] = frozenset(needed)
        self._detours: Detours = detours or Detours()
        self._accepted: list[Context] = []
        self._refused: ContextRefusedError | None = None
        self._due: set[tuple[str, ...]] = set(wanted.expected or ())
        self._final: Final | None = None
        self._running: Generator[Arrival] = self._all()

    @property
    def final(self) -> Final | None:
        """The final response to the last request."""
        return self._final

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the instances that come, each to be finished before the next.

        Raises
        ------
        ContextRefusedError
            If the archive does not take part in C-GET, or does not grant the role that we need.
        TransferInterruptedError
            If it breaks off.
        """
        return self._running

    def close(self) -> None:
        """Cancel and abort what is under way."""
        self._running.close()

    def _all(self) -> Generator[Arrival]:
        asked_before = self._wanted.one and self._wanted.reason
        for proposal in self._detours.known(self._needed) if asked_before else ():
            yield from self._with(proposal)
            if self._is_all():
                return
        for proposal in self._batches:
            yield from self._with(proposal)
            if self._is_all():
                return
        if self._refused is not None and self._final is None:
            raise self._refused
        if self._wanted.one and self._could_not_be_sent():
            yield from self._by_detour()

    def _by_detour(self) -> Generator[Arrival]:
        """Ask for one instance in one transfer syntax after the other."""
        asking = self._batches[0][0]
        for proposal in self._detours.others(asking, self._accepted, self._needed):
            yield from self._with(proposal)
            if self._is_all():
                self._detours.remember(proposal)
                return

    def _with(self, proposal: Proposal) -> Generator[Arrival]:
        """Ask over an association with these contexts."""
        with self._associations.taken(proposal) as association:
            get_class = proposal[0].abstract_syntax
            asking = association.context(get_class)
            self._accepted += association.contexts
            if self._is_granted(association, get_class):
                yield from self._one(association, asking)
            else:
                subject = f"C-GET from {association.peer.address}"
                lacking = min(self._needed, default=proposal[1].abstract_syntax)
                self._refused = ContextRefusedError(subject, 0, lacking)

    def _could_not_be_sent(self) -> bool:
        """Say whether the archive has found something, and failed to send it."""
        final = self._final
        return final is not None and final.status != SUCCESS and final.failed != 0

    def _is_all(self) -> bool:
        """Say whether no other contexts can bring more."""
        if self._wanted.expected:
            return not self._due
        final = self._final
        return final is not None and final.status == SUCCESS and final.failed == 0

    def _is_granted(self, association: Association, get_class: str) -> bool:
        """Say whether the archive may send us anything of what is wanted (PS3.7 D.3.3.4)."""
        granted = {
            context.abstract_syntax
            for context in association.contexts
            if context.as_scp and context.abstract_syntax != get_class
        }
        return not granted.isdisjoint(self._needed or granted)

    def _one(self, association: Association, asking: Context) -> Generator[Arrival]:
        """Ask once; an association that is left before the final response is aborted."""
        message_id = association.next_message_id()
        identifier = identifier_of(self._wanted, implicit=asking.transfer_syntax == _IMPLICIT)
        request = c_get_rq(message_id, asking.abstract_syntax)
        try:
            association.send(asking, request, identifier)
            yield from self._received(association, message_id)
        except GeneratorExit:
            with suppress(GurneyError):
                association.send(asking, c_cancel_rq(message_id))
            raise

    def _received(self, association: Association, message_id: int) -> Generator[Arrival]:
        asked = f"C-GET from {association.peer.address}"
        repeats, stores = Repeats(asked), 0
        while True:
            message = association.receive()
            command = message.command
            if command.field == C_STORE_RQ:
                arrived = arrival(
                    message, _Answer(association, message), association.peer.max_instance
                )
                self._due.discard(arrived.uids)
                yield arrived
                stores += 1
                continue
            if command.field != C_GET_RSP or command.responds_to not in (message_id, None):
                raise ProtocolViolationError(asked, f"{command!r} came instead")
            message.skip()  # UIDs of what has failed: counted here, not believed
            if not command.is_pending:
                self._final = final_of(command)
                return
            repeats.check((final_of(command), stores))


class _Answer:
    """Answers a C-STORE request with a status."""

    __slots__ = ("_association", "_message")

    def __init__(self, association: Association, message: Message) -> None:
        self._association: Association = association
        self._message: Message = message

    def __call__(self, status: int) -> None:
        message = self._message
        self._association.send(message.context, response_to(message.command, status))
