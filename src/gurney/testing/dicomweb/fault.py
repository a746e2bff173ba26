"""What a fault is: an object that may alter any stage of an answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import attrs

from ..holdings import Held, Holdings
from ..misbehaving import CountedFault, FaultyExchange
from .asked import Asked
from .envelope import Envelope
from .reply import Reply

__all__ = ["Exchange", "Fault", "JSONObject", "Page", "Settings"]

JSONObject: TypeAlias = dict[str, Any]
"""An object of the DICOM JSON model, by tag (PS3.18 F.2)."""


@attrs.frozen
class Settings:
    """What several faults need to be told; `DICOMwebServer` takes the same.

    Attributes
    ----------
    page
        The most results in one answer. The well-behaved archive has no such limit unless it is
        set, and then says by a Warning how many more there are. Faults that need one take 5.
    keys
        Keywords of the keys that the archive does not support, for Q15 and Q16; `None` for all
        that PS3.18 table 10.6.1-5 does not require (Q16), for all but UIDs (Q15).
    cut_after
        Bytes of a body after which it is cut, for W01; `None` for its middle.
    times
        How many requests a fault spoils before it stops; `None` for what each fault says, which
        is for ever unless it would leave nothing to see.
    pause
        Seconds between two pieces of a slow body, for W19 and W20.
    elsewhere
        A URL of another origin, for faults that point there: Q25, Q28, W21.
    """

    page: int | None = None
    keys: Collection[str] | None = None
    cut_after: int | None = None
    times: int | None = None
    pause: float = 0.05
    elsewhere: str = ""


@attrs.frozen
class Page:
    """The part of a list of results that is sent: ``found[start:stop]``.

    Attributes
    ----------
    found
        One instance for each object that matches.
    start, stop
        Of the part that is sent.
    warns
        Whether a Warning says how many more there are (PS3.18 8.3.4.4).
    """

    found: Sequence[Held]
    start: int
    stop: int
    warns: bool = True

    @property
    def items(self) -> Sequence[Held]:
        """What is sent."""
        return self.found[self.start : self.stop]

    @property
    def remaining(self) -> int:
        """How many there are after that."""
        return max(0, len(self.found) - self.stop)


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
    >>> class Teapot(Fault):
    ...     def refusal(self, exchange: Exchange) -> Reply | None:
    ...         return Reply(418)
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings: Settings = settings or Settings()
        super().__init__(self.settings.times)

    @property
    def page_size(self) -> int:
        """The most results in one answer."""
        return self.settings.page or 5

    @property
    def elsewhere(self) -> str:
        """A URL of another origin, without a slash at its end."""
        return (self.settings.elsewhere or "http://elsewhere.invalid").rstrip("/")

    def refusal(self, exchange: Exchange, /) -> Reply | None:  # noqa: ARG002  for those who override it
        """Answer at once, without looking at what is asked for; `None` to go on."""
        return None

    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:  # noqa: ARG002  for those who override it
        """Take the request for another one."""
        return asked

    def paged(self, exchange: Exchange, page: Page, /) -> Page:  # noqa: ARG002  for those who override it
        """Choose other results of a search."""
        return page

    def described(
        self,
        exchange: Exchange,  # noqa: ARG002  for those who override it
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Say other things of what was found, or of instances whose metadata was asked for."""
        return objects

    def chosen(self, exchange: Exchange, instances: Sequence[Held], /) -> Sequence[Held]:  # noqa: ARG002  for those who override it
        """Send other instances than those asked for."""
        return instances

    def written(self, exchange: Exchange, contents: Sequence[bytes], /) -> Sequence[bytes]:  # noqa: ARG002  for those who override it
        """Alter Part 10 files."""
        return contents

    def enveloped(self, exchange: Exchange, envelope: Envelope, /) -> Envelope:  # noqa: ARG002  for those who override it
        """Put the files into another envelope."""
        return envelope

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
    url
        Of the service, without a slash at its end.
    faults
        What is wrong with the archive.
    """

    asked: Asked
    holdings: Holdings
    url: str
    settings: Settings
    faults: Sequence[Fault] = ()
    _acted: set[Fault] = attrs.field(factory=set["Fault"])

    def refusal(self) -> Reply | None:
        """Return what the first fault says that refuses the request."""
        for fault in self.faults:
            refusal = fault.refusal(self)
            if refusal is not None and self.may_act(fault):
                return refusal
        return None
