"""One C-MOVE: what is asked for, what the archive answers, and what it stores meanwhile.

How long to wait is told by progress, not by a clock: any response and any instance begins the time
anew (D17). After the final response there is a short time for what an archive claims to have sent
and has not come yet (D18).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from queue import Empty
from threading import get_ident
from time import monotonic
from typing import Final as Constant

from ...core import GurneyError, ProtocolViolationError, TransferInterruptedError
from ...manners import Pace
from ...retrieving import Wanted
from ..association import Associations, Proposed
from ..association.commands import SUCCESS, c_move_rq
from ..retrieving import Arrival, Final, identifier_of
from .handing import Store
from .receiver import Receiver
from .refusals import Suspicion
from .routing import Event, Request
from .watching import Watcher

__all__ = ["Moving", "conversation"]

_SYNTAXES: Constant = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")


class Moving:
    """What comes of one C-MOVE; or of two, the second for what was not to be had by the first.

    Parameters
    ----------
    asked
        What errors call it.
    ask
        Sends the request, and returns who reads the answer.
    request
        Where what comes goes.
    suspicion
        What is known of the move destination.
    answer
        Seconds without any progress after which nothing more is to be expected.
    grace
        Seconds to wait for an instance after the final response, if the archive claims that there
        are more.
    one
        Whether a single instance is asked for.
    pace
        Of the bytes that come.

    Attributes
    ----------
    final
        The final response, when it has come.
    """

    def __init__(
        self,
        asked: str,
        ask: Callable[[], Watcher],
        request: Request,
        suspicion: Suspicion,
        *,
        answer: float,
        grace: float,
        one: bool,
        pace: Pace | None = None,
    ) -> None:
        self._asked: str = asked
        self._ask: Callable[[], Watcher] = ask
        self._request: Request = request
        self._suspicion: Suspicion = suspicion
        self._answer: float = answer
        self._grace: float = grace
        self._one: bool = one
        self._pace: Pace | None = pace
        self._in_hand: Store | None = None
        self._failure: BaseException | None = None
        self._came: int = 0
        self.final: Final | None = None
        self.watcher: Watcher = ask()

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the instances that come, from any association; take each before the next.

        Raises
        ------
        DestinationUnknownError, NothingMovedError
            If the archive has moved nothing.
        TransferInterruptedError
            If there is no final response, and no progress either.
        """
        yield from self._stores()
        if self._may_come_otherwise():
            self._request.other = not self._request.other
            self.final = None
            self.watcher = self._ask()
            yield from self._stores()
        self._judge()

    def end(self, error: GurneyError) -> None:
        """Have who waits for an instance get *error* instead; for any thread."""
        self._request.inbox.put(error)

    def drop(self) -> None:
        """Give up the instance in hand, unless it has got its status."""
        if self._in_hand is not None:
            self._in_hand.break_off()
            self._in_hand = None

    def _stores(self) -> Iterator[Arrival]:
        while (store := self._next()) is not None:
            self._came += 1
            self._suspicion.clear()
            self._in_hand = store
            if self._pace is not None:
                _slow_down(store.arrival, self._pace)
            yield store.arrival
            self.drop()
            self._request.moved()  # who takes it may need long

    def _may_come_otherwise(self) -> bool:
        """Say whether an instance failed that may come in another transfer syntax."""
        failed = self.final is not None and self.final.status != SUCCESS
        return self._one and failed and not self._came and self._request.mixed

    def _next(self) -> Store | None:
        while True:
            try:
                event = self._wait()
            except Empty:
                return None
            if isinstance(event, Store):
                return event
            if isinstance(event, Final):
                self.final = event
            else:
                self._failure = event

    def _wait(self) -> Event:
        """Return what comes next; raise `Empty` when nothing is to be expected."""
        inbox = self._request.inbox
        if self._failure is not None:
            return inbox.get_nowait()
        if self.final is not None:
            return inbox.get(timeout=self._grace) if self._claims_more() else inbox.get_nowait()
        while (left := self._request.progress + self._answer - monotonic()) > 0:
            with suppress(Empty):  # there may have been responses meanwhile
                return inbox.get(timeout=left)
        raise TransferInterruptedError(
            self._asked, f"neither a response nor an instance came for {self._answer:.0f} s"
        )

    def _claims_more(self) -> bool:
        """Say whether the archive has sent more than has come, by its own count (D16, D18)."""
        final = self.final
        if final is None:
            return True
        if final.completed is None and final.warnings is None:
            return final.status == 0 and not self._request.is_satisfied
        return (final.completed or 0) + (final.warnings or 0) > self._came + self._request.foreign

    def _judge(self) -> None:
        """Raise why there is no more, if there is a reason."""
        if isinstance(self._failure, TransferInterruptedError) and not self._came:
            raise self._suspicion.aborted(self._failure) from self._failure
        if self._failure is not None:
            raise self._failure
        if (stranger := self._request.stranger) is not None and not self._came:
            raise ProtocolViolationError(
                self._asked,
                f"what was asked for came from {stranger.title} at {stranger.host} alone, which is"
                " neither the archive's AE title nor its host; refused. If it belongs to the"
                " archive, name it to the receiver (`callers` or `hosts`)",
            )
        if self.final is not None and not self._came:
            self._suspicion.judge(self._asked, self.final)


def _slow_down(arrival: Arrival, pace: Pace) -> None:
    """Wait for the bytes that are here; the others come as fast as *pace* allows."""
    if arrival.size is not None:
        pace.received(arrival.size)
    else:
        arrival.chunks = _paced(arrival.chunks, pace)


def _paced(chunks: Iterator[bytes], pace: Pace) -> Iterator[bytes]:
    for chunk in chunks:
        pace.received(len(chunk))
        yield chunk


@contextmanager
def conversation(
    associations: Associations,
    receiver: Receiver,
    suspicion: Suspicion,
    model: str,
    wanted: Wanted,
    *,
    grace: float,
) -> Generator[Moving]:
    """Ask an archive to move what is *wanted*, for the time of a ``with``.

    Left early, the archive is told to cancel, what still comes is refused, and the association
    aborted.

    Parameters
    ----------
    associations
        With the archive.
    receiver
        Where to move to.
    suspicion
        Of this download.
    model
        UID of the SOP class: an information model, and that it is to move.
    wanted
        What to ask for.
    grace
        See `Moving`.
    """
    peer = associations.peer
    asked = f"C-MOVE from {peer.address}"
    suspicion.check(asked)
    references = (wanted.expected or {}).values() if wanted.by_list else [wanted.reference]
    with (
        receiver.expecting(references, peer.calling, peer) as request,
        associations.taken([Proposed(model, _SYNTAXES)]) as association,
    ):
        context = association.context(model)
        command = c_move_rq(request.message_id, model, receiver.ae_title)
        identifier = identifier_of(wanted, implicit=context.transfer_syntax == _SYNTAXES[1])

        def ask() -> Watcher:
            association.send(context, command, identifier)
            request.moved()
            return Watcher(association, context, request)

        request.expected = frozenset(uids[2] for uids in wanted.expected or ())
        request.other = bool(wanted.reason) and not wanted.attempt
        timeouts, thread = peer.timeouts, get_ident()
        moving = Moving(
            asked,
            ask,
            request,
            suspicion,
            answer=timeouts.answer,
            grace=grace,
            one=wanted.one,
            pace=associations.pace,
        )
        try:
            yield moving
        finally:
            moving.drop()
            if moving.final is None:
                request.close()
                if get_ident() == thread:  # else the collector closes this: it must not wait
                    moving.watcher.cancel(timeouts.release)
            moving.watcher.end()
