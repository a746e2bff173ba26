"""Which request in progress an instance belongs to that an archive stores: or none (D19).

What an instance is decides: its own UIDs; and whether it comes from the archive that was asked. Who
originated the store, which archives may say and many do not, chooses between two requests that both
want it, and lets in an archive that stores from elsewhere.

Nothing here takes a lock: a request may be closed by the collector, in any thread and at any point.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TypeAlias

from ...core import DICOMObjectReference, GurneyError
from ..association import Offered
from ..retrieving import Final
from .accepting import is_mixed, transfer_syntax_for
from .handing import Store
from .origins import Caller, Origin

__all__ = ["Event", "Request", "Routing"]

Event: TypeAlias = Store | Final | BaseException
"""What the consumer waits for: an instance, the end of the answer, or why it has ended early."""


class Request:
    """What an archive is asked for now, and where what comes of it goes.

    Parameters
    ----------
    references
        What is asked for: whatever is in it belongs to the request.
    originator, message_id
        Who asks, and the Message ID of the C-MOVE request.
    origin
        The archive that is asked; `None` if anyone may store what was asked for.

    Attributes
    ----------
    inbox
        What has come and is not yet taken, the oldest first.
    expected
        SOP Instance UIDs of what is wanted; empty if nobody knows.
    came
        Those of what has been handed over.
    foreign
        How many instances came in its name that do not belong to it, and were refused.
    stranger
        Who has stored what was asked for without being the archive, and was refused.
    other
        Whether to choose transfer syntaxes in the other way, see `transfer_syntax_for`.
    mixed
        Whether it makes a difference, for all that was offered since it began.
    progress
        When anything came last, as `time.monotonic` tells it.
    closed
        Whether nobody takes anything any more.
    """

    def __init__(
        self,
        references: Iterable[DICOMObjectReference],
        originator: str,
        message_id: int,
        origin: Origin | None = None,
    ) -> None:
        self.references: frozenset[tuple[str, ...]] = frozenset(ref.uids for ref in references)
        self.originator: str = originator
        self.message_id: int = message_id
        self.origin: Origin | None = origin
        self.inbox: SimpleQueue[Event] = SimpleQueue()
        self.expected: frozenset[str] = frozenset()
        self.came: set[str] = set()
        self.foreign: int = 0
        self.stranger: Caller | None = None
        self.other: bool = False
        self.mixed: bool = False
        self.progress: float = monotonic()
        self.closed: bool = False

    def holds(self, uids: tuple[str, str, str]) -> bool:
        """Say whether the instance with these UIDs is part of what is asked for."""
        return any(uids[:depth] in self.references for depth in (3, 2, 1))

    def is_named_by(self, store: Store) -> bool:
        """Say whether *store* names this request as its originator."""
        return store.originator == self.originator and store.originator_id == self.message_id

    def lets_in(self, store: Store, caller: Caller | None) -> bool:
        """Say whether *caller* is the archive, or was told by it what only the archive knows."""
        if self.origin is None or caller is None or self.is_named_by(store):
            return True
        return self.origin.is_of(caller)

    @property
    def is_satisfied(self) -> bool:
        """Whether all that is known to be wanted has come."""
        return bool(self.expected) and self.expected <= self.came

    def hand_over(self, store: Store) -> None:
        """Have the consumer take *store*; it is refused if there is none any more."""
        self.came.add(store.uids[2])
        self.progress = monotonic()
        self.inbox.put(store)
        if self.closed:  # meanwhile: whoever sees both has to see to what is in the inbox
            self.refuse_rest()

    def moved(self) -> None:
        """Take note that the archive is at work."""
        self.progress = monotonic()

    def close(self) -> None:
        """Take nothing any more; what has come and was not taken is refused."""
        self.closed = True
        self.refuse_rest()

    def refuse_rest(self) -> None:
        """Refuse what is in the inbox."""
        with suppress(Empty):
            while True:
                event = self.inbox.get_nowait()
                if isinstance(event, Store):
                    event.give_up()


class Routing:
    """The requests in progress of all who share a receiver."""

    def __init__(self) -> None:
        self._requests: dict[int, Request] = {}  # by identity; single operations are atomic

    def add(self, request: Request) -> None:
        """Take note of a request, before it is sent."""
        self._requests[id(request)] = request

    def discard(self, request: Request) -> None:
        """Forget a request."""
        self._requests.pop(id(request), None)

    def find(self, store: Store, caller: Caller | None = None) -> Request | None:
        """Return the request that *store* belongs to: one that still waits for it, if there is.

        A request that the store names as its originator, and that it does not belong to, takes
        note of it; so does one whose archive the *caller* is not.
        """
        requests = list(self._requests.values())
        holding = [request for request in requests if request.holds(store.uids)]
        fitting = [request for request in holding if request.lets_in(store, caller)]
        if holding and not fitting:
            for request in holding:
                request.stranger = caller
            return None
        if fitting:
            uid = store.uids[2]
            return min(fitting, key=lambda r: (uid in r.came, not r.is_named_by(store)))
        for request in requests:
            if request.is_named_by(store):
                request.foreign += 1
        return None

    def choose(self, offered: Offered) -> str | None:
        """Return the transfer syntax to accept of a context; see `transfer_syntax_for`."""
        requests = list(self._requests.values())
        if is_mixed(offered):
            for request in requests:
                request.mixed = True
        return transfer_syntax_for(offered, other=any(request.other for request in requests))

    def fail_all(self, error: GurneyError) -> None:
        """Have all requests end with *error*."""
        for request in list(self._requests.values()):
            request.inbox.put(error)

    @property
    def busy(self) -> bool:
        """Whether any request is in progress."""
        return bool(self._requests)
