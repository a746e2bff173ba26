"""A number of things at a time: fewer when an archive is busy, more when it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock

from ..core import InvalidInputError

__all__ = ["AdaptiveLimit"]


class AdaptiveLimit:
    """Is halved when an archive says that it is busy, and grows by one for each quiet period.

    What was begun together is often refused together, and says one thing only. So each beginning
    notes the `generation`, and the limit is halved once for all that were begun in it.
    Safe to share between threads.

    Parameters
    ----------
    maximum
        The limit at first, and at most.
    quiet
        Seconds without a busy answer after which one more is tried.
    clock
        What tells the time, in seconds.

    Raises
    ------
    InvalidInputError
        If *maximum* is less than 1, or *quiet* not more than 0.

    Examples
    --------
    >>> limit = AdaptiveLimit(8)
    >>> begun = limit.generation
    >>> limit.busy(begun)
    >>> limit.busy(begun)  # another that was under way then
    >>> limit.value
    4
    """

    def __init__(
        self, maximum: int, *, quiet: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if maximum < 1 or not quiet > 0:
            raise InvalidInputError(
                f"a limit is 1 or more, and grows after more than 0 s; not {maximum} and {quiet} s"
            )
        self.maximum: int = maximum
        self._value: int = maximum
        self._quiet: float = quiet
        self._clock: Callable[[], float] = clock
        self._since: float = clock()
        self._generation: int = 0
        self._lock: RLock = RLock()

    @property
    def value(self) -> int:
        """How many at a time, now: 1 to `maximum`."""
        with self._lock:
            self._grow()
            return self._value

    @property
    def generation(self) -> int:
        """How often it was halved; to be noted when something is begun."""
        return self._generation

    def busy(self, generation: int | None = None) -> None:
        """Say that the archive is busy.

        Parameters
        ----------
        generation
            That in which the refused one was begun; `None` for the present one.
        """
        with self._lock:
            self._grow()
            self._since = self._clock()
            if generation in (None, self._generation):
                self._generation += 1
                self._value = max(1, self._value // 2)

    def _grow(self) -> None:
        periods = int((self._clock() - self._since) // self._quiet)
        if periods > 0:
            self._value = min(self.maximum, self._value + periods)
            self._since += periods * self._quiet
