"""How many requests one archive gets at a time: fewer when it is busy, more when it is not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Condition, RLock, get_ident

import attrs

from ..core import InvalidInputError
from ..manners import AdaptiveLimit

__all__ = ["Gate", "GivenUpError"]


class GivenUpError(Exception):
    """Nobody wants any more what this thread was about to ask for."""


@attrs.frozen
class _Help:
    """For which thread another works, and whether that has given up."""

    thread: int
    given_up: Callable[[], bool]


class Gate:
    """Lets a number of requests through at a time.

    The number is halved when the archive says that it is busy, and grows by one for each quiet
    period after that, up to what it was. Safe to share between threads: give the same gate to all
    transports that talk to one archive.

    Nobody waits for ever. A thread that has a slot gets another without waiting: it may need it to
    give back the first. If others ask on its behalf (`helping`), one of them does. And who waits
    for something else than the archive gives back its slot meanwhile (`parked`).

    Parameters
    ----------
    limit
        Requests at a time, at most.
    quiet
        Seconds without a busy answer after which one more is tried.
    clock
        What tells the time, in seconds.

    Examples
    --------
    >>> gate = Gate(8)
    >>> with gate.slot() as say_busy:
    ...     say_busy()
    >>> gate.limit
    4
    """

    def __init__(
        self, limit: int = 4, *, quiet: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if limit < 1:
            raise InvalidInputError(f"a gate lets through 1 request at a time or more, not {limit}")
        self.maximum: int = limit
        self._allowed: AdaptiveLimit = AdaptiveLimit(limit, quiet=quiet, clock=clock)
        self._inside: Counter[int] = Counter()  # slots by thread
        self._helps: dict[int, _Help] = {}  # by the thread that helps
        # An interrupt between `with condition:` and its first line would leave the lock taken.
        self._lock: RLock = RLock()
        self._changed: Condition = Condition(self._lock)

    @property
    def limit(self) -> int:
        """Requests at a time, now."""
        return self._allowed.value

    @property
    def inside(self) -> int:
        """Requests that are under way, those that are parked not counted."""
        with self._lock:
            return self._inside.total()

    @contextmanager
    def slot(self) -> Generator[Callable[[], None]]:
        """Wait until there is room for a request; give what to call if it meets a busy archive."""
        thread = get_ident()
        generation = self._enter(thread)
        try:
            yield lambda: self._allowed.busy(generation)
        finally:
            self._leave(thread)

    @contextmanager
    def parked(self) -> Generator[None]:
        """Give back a slot of this thread while it waits for anything but the archive."""
        thread = get_ident()
        self._leave(thread)
        try:
            yield
        finally:
            with self._lock:
                # Who has been given up comes back at once: only to leave.
                self._changed.wait_for(lambda: self._has_room(thread) or self._given_up(thread))
                self._inside[thread] += 1

    @contextmanager
    def helping(self, thread: int, given_up: Callable[[], bool]) -> Generator[None]:
        """Ask on behalf of another *thread* for as long as that does not give up.

        Parameters
        ----------
        thread
            Who waits for the answers, and may hold slots of its own meanwhile.
        given_up
            Whether it has stopped waiting; call `wake` when this changes. Then `slot` raises
            `GivenUpError`.
        """
        helper = get_ident()
        with self._lock:
            self._helps[helper] = _Help(thread, given_up)
        try:
            yield
        finally:
            self._helps.pop(helper, None)  # one step; a thread that ends waits for no lock

    def given_up(self) -> bool:
        """Say whether nobody wants any more what this thread asks for."""
        return self._given_up(get_ident())

    def wake(self) -> None:
        """Have all who wait look again whether they still need to."""
        with self._lock:
            self._changed.notify_all()

    def _enter(self, thread: int) -> int:
        with self._lock:
            self._changed.wait_for(lambda: self._has_room(thread) or self._given_up(thread))
            if self._given_up(thread):
                raise GivenUpError
            self._inside[thread] += 1
            return self._allowed.generation

    def _has_room(self, thread: int) -> bool:
        return (
            self._inside[thread] > 0
            or self._inside.total() < self._allowed.value
            or self._must_help(thread)
        )

    def _must_help(self, thread: int) -> bool:
        """Say whether a thread with a slot waits for this one, and for no other that has one."""
        helped = self._helps.get(thread)
        return (
            helped is not None
            and self._inside[helped.thread] > 0
            and not any(
                self._inside[other] > 0 and help_.thread == helped.thread
                for other, help_ in list(self._helps.items())
            )
        )

    def _given_up(self, thread: int) -> bool:
        helped = self._helps.get(thread)
        return helped is not None and helped.given_up()

    def _leave(self, thread: int) -> None:
        with self._lock:
            self._inside[thread] -= 1
            self._inside += Counter()  # forgets threads without slots
            self._changed.notify_all()
