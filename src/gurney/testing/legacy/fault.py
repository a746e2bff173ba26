"""What a fault is: an object that may alter any stage of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

import attrs

from ..dicomweb.reply import Reply
from ..holdings import Held, Holdings
from ..misbehaving import CountedFault, FaultyExchange
from .asked import Asked

__all__ = ["Delivery", "Exchange", "Fault", "Found", "Problem", "Sent", "Settings"]

Found: TypeAlias = Sequence[Sequence[Held]]
"""What a search has found: an instance for each object of the level, by study."""


@attrs.frozen
class Settings:
    """What several faults need to be told; `LegacyServer` takes the same.

    Attributes
    ----------
    page
        The most studies in one answer, for X16.
    times
        How many requests a fault spoils before it stops; `None` for what each fault says.
    pause
        Seconds between two pieces of an endless body, for X20.
    """

    page: int = 5
    times: int | None = None
    pause: float = 0.0


@attrs.frozen
class Sent:
    """A document that is sent.

    Attributes
    ----------
    uid
        What the root says it is.
    content
        A Part 10 file.
    cid
        The name of its part, as the root has it.
    part_cid
        The name that the part itself has.
    """

    uid: str
    content: bytes = attrs.field(repr=False)
    cid: str
    part_cid: str


@attrs.frozen
class Problem:
    """A RegistryError.

    Attributes
    ----------
    code, context, location
        As the profile has them.
    is_warning
        Whether its severity is Warning, not Error.
    """

    code: str
    context: str
    location: str = ""
    is_warning: bool = False


@attrs.frozen
class Delivery:
    """An answer of RAD-69, before it is written.

    Attributes
    ----------
    sent
        The documents, in the order of the root.
    problems
        Those that are not sent, and why.
    status
        ``Success``, ``PartialSuccess`` or ``Failure``.
    is_reversed
        Whether the parts come the other way round: the root last.
    is_inline
        Whether the documents are inside the root.
    fault
        A code of a SOAP fault, in place of everything; empty for none.
    http_status
        The status code.
    """

    sent: tuple[Sent, ...] = ()
    problems: tuple[Problem, ...] = ()
    status: str = "Success"
    is_reversed: bool = False
    is_inline: bool = False
    fault: str = ""
    http_status: int = 200


class Fault(CountedFault):
    """One way to misbehave. Override the stages that it alters; they run in the order given here.

    A stage gets what the well-behaved archive made of the request, and returns that same object,
    or another one in its place: what is returned as it came does not count as one of `times`.
    Stages are called from several threads.

    Parameters
    ----------
    settings
        Of the server.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings: Settings = settings or Settings()
        super().__init__(self.settings.times)

    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:  # noqa: ARG002  for those who override it
        """Take the request for another one."""
        return asked

    def found(self, exchange: Exchange, found: Found, /) -> Found:  # noqa: ARG002  for those who override it
        """Find other objects by MINT; the limit has been heeded already."""
        return found

    def described(self, exchange: Exchange, results: Element, /) -> Element:  # noqa: ARG002  for those who override it
        """Write the results of MINT otherwise."""
        return results

    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:  # noqa: ARG002  for those who override it
        """Send other documents by RAD-69, or say other things of them."""
        return delivery

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:  # noqa: ARG002  for those who override it
        """Alter the answer as it goes out; refusals come here too."""
        return reply


@attrs.define(eq=False)
class Exchange(FaultyExchange[Fault]):
    """One request, on its way through the stages.

    Attributes
    ----------
    asked
        The request, as it was understood.
    holdings
        What the archive holds.
    faults
        What is wrong with the archive.
    """

    asked: Asked
    holdings: Holdings
    settings: Settings
    faults: Sequence[Fault] = ()
    _acted: set[Fault] = attrs.field(factory=set["Fault"])
