"""What a fault is: an object that may alter any stage of an answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Event

import attrs
from pydicom.dataset import Dataset

from ..misbehaving import CountedFault, FaultyExchange
from .archives import Archive
from .asked import Asked
from .letters import Letters
from .negotiation import Agreement, Proposal, Rejection
from .steps import Done, Ending, Plan
from .stored import Stored

__all__ = ["Exchange", "Fault", "Settings"]


@attrs.frozen(kw_only=True)
class Settings:
    """What several faults need to be told; `DIMSEServer` takes the same.

    Attributes
    ----------
    cap
        The most results of a search, for D01 to D04, and those that come before D30; 0 or more.
    keys
        Keywords of the keys that the archive does not support, for D05 and D06; `None` for all
        that PS3.4 C.6 does not require (D06), for all but unique ones (D05). Unique keys are
        never ignored.
    status
        Of the final response, in place of what the fault has.
    failing
        SOP Instance UIDs that cannot be sent, for D12 and D13; `None` for the last of a request.
    listed
        Whether the Failed SOP Instance UID List is sent, D13.
    charset
        Specific Character Set of answers, D25: ``"none"`` for text that is not marked, ``"wrong"``
        for text that is marked as something else, or defined terms, separated by backslashes.
    cut_after
        Bytes of a data set after which it ends, for D30 and D32; `None` for its middle.
    between
        Whether D30 ends retrievals between two sub-operations, not within a data set.
    ending
        How the association ends, D15, D29 and D30; `None` for what each fault says.
    times
        How many requests a fault spoils before it stops; `None` for what each fault says, which
        is for ever.
    pause
        Seconds of silence, D17 and D18.
    resume
        Ends a silence; if it is given, nothing else does but closing the server.
    """

    cap: int | None = None
    keys: Collection[str] | None = None
    status: int | None = None
    failing: Collection[str] | None = None
    listed: bool = True
    charset: str = "none"
    cut_after: int | None = None
    between: bool = False
    ending: Ending | None = None
    times: int | None = None
    pause: float = 0.05
    resume: Event | None = None


class Fault(CountedFault):
    """One way to misbehave. Override the stages that it alters; they run in the order given here.

    A stage gets what the well-behaved archive made of the request, and returns that same object,
    or another one in its place: what is returned as it came does not count as one of `times`.
    Stages are called from several threads.

    Parameters
    ----------
    settings
        Of the server.

    Attributes
    ----------
    on_the_wire
        Whether any answer differs: some quirks are a client's own.
    times
        How many requests it spoils before it stops, if the settings do not say; `None` for ever.

    Examples
    --------
    >>> class Forgetful(Fault):
    ...     def refusal(self, exchange: Exchange) -> Done | None:
    ...         return Done(0xC123)
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings: Settings = settings or Settings()
        super().__init__(self.settings.times)

    @property
    def cap(self) -> int:
        """The most results of a search."""
        return 5 if self.settings.cap is None else self.settings.cap

    def status(self, otherwise: int) -> int:
        """Return the status of the final response."""
        return otherwise if self.settings.status is None else self.settings.status

    def negotiated(
        self,
        proposal: Proposal,  # noqa: ARG002  for those who override it
        answer: Agreement | Rejection,
        /,
    ) -> Agreement | Rejection:
        """Agree on something else."""
        return answer

    def refusal(self, exchange: Exchange, /) -> Done | None:  # noqa: ARG002  for those who override it
        """Answer at once, without looking at what is asked for; `None` to go on."""
        return None

    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:  # noqa: ARG002  for those who override it
        """Take the request for another one."""
        return asked

    def found(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:  # noqa: ARG002  for those who override it
        """Find other objects: what is known of each."""
        return items

    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:  # noqa: ARG002  for those who override it
        """Say other things of what was found: the identifiers of the answers."""
        return items

    def lettered(self, exchange: Exchange, letters: Letters, /) -> Letters:  # noqa: ARG002  for those who override it
        """Write text in another character set, or mark it as such."""
        return letters

    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:  # noqa: ARG002  for those who override it
        """Send other instances than those asked for."""
        return instances

    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:  # noqa: ARG002  for those who override it
        """Take other steps to answer."""
        return plan


@attrs.define(eq=False)
class Exchange(FaultyExchange[Fault]):
    """One request, on its way through the stages.

    Attributes
    ----------
    asked
        The request, as it was understood.
    archive
        What is served.
    faults
        What is wrong with it.
    """

    asked: Asked
    archive: Archive
    settings: Settings
    faults: Sequence[Fault] = ()
    _acted: set[Fault] = attrs.field(factory=set["Fault"])

    def refusal(self) -> Done | None:
        """Return what the first fault says that refuses the request."""
        for fault in self.faults:
            refusal = fault.refusal(self)
            if refusal is not None and self.may_act(fault):
                return refusal
        return None
