"""How many requests one archive gets at a time: fewer when it is busy, more when it is not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Condition, get_ident

from ..core import InvalidInputError

__all__ = ["Gate"]


class Gate:
    """Lets a number of requests through at a time.

    The number is halved when the archive says that it is busy, and grows by one for each quiet
    period after that, up to what it was. Safe to share between threads: give the same gate to all
    transports that talk to one archive. A thread that has a slot gets another without waiting:
    it may need it to give back the first.

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
        self._limit: int = limit
        self._quiet: float = quiet
        self._clock: Callable[[], float] = clock
        self._changed: float = clock()
        self._halvings: int = 0
        self._inside: Counter[int] = Counter()  # slots by thread
        self._condition: Condition = Condition()

    @property
    def limit(self) -> int:
        """Requests at a time, now."""
        with self._condition:
            self._grow()
            return self._limit

    @contextmanager
    def slot(self) -> Generator[Callable[[], None]]:
        """Wait until there is room for a request; give what to call if it meets a busy archive."""
        thread = get_ident()
        halvings = self._enter(thread)
        try:
            yield lambda: self._halve(halvings)
        finally:
            self._leave(thread)

    def _enter(self, thread: int) -> int:
        with self._condition:
            self._condition.wait_for(lambda: self._has_room(thread))
            self._inside[thread] += 1
            return self._halvings

    def _has_room(self, thread: int) -> bool:
        self._grow()
        return self._inside[thread] > 0 or self._inside.total() < self._limit

    def _leave(self, thread: int) -> None:
        with self._condition:
            self._inside[thread] -= 1
            self._inside += Counter()  # forgets threads without slots
            self._condition.notify_all()

    def _halve(self, halvings: int) -> None:
        """Halve the limit once for all requests that were under way together."""
        with self._condition:
            self._changed = self._clock()
            if halvings == self._halvings:
                self._halvings += 1
                self._limit = max(1, self._limit // 2)

    def _grow(self) -> None:
        periods = int((self._clock() - self._changed) // self._quiet)
        if periods > 0:
            self._limit = min(self.maximum, self._limit + periods)
            self._changed += periods * self._quiet
