"""How fast an archive is asked: requests and bytes in a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock
from typing import Final

from ..core import InvalidInputError

__all__ = ["Pace"]

_NOTICES: Final = 0.1  # seconds after which one who waits looks whether that is still wanted


def _never() -> bool:
    return False


class Pace:
    """Shared by all who ask one archive: keeps them to a rate, and hears when it is busy.

    What was not used for a while may be caught up with, for one second's worth: of requests and
    bytes that have passed in *t* seconds there are never more than ``rate * (t + 1)``; or one more,
    if the rate is less than one request, or one piece of bytes, in a second. Who comes first is
    served first. Safe to share between threads.

    Parameters
    ----------
    requests_per_second, bytes_per_second
        Of all who share it together; `None` for no bound. A rate of few bytes makes archives wait
        with half of an answer sent, which some do not do for long: below some 100 kB a second they
        may hang up.
    within
        Another that has to be kept, too: this one then has counts of its own, for one archive of
        several, or one worker. Closing it leaves the other open.
    clock
        What tells the time, in seconds.
    sleep
        What waits, for seconds. It is called for a tenth of a second at most.

    Attributes
    ----------
    requests_per_second, bytes_per_second
        As above.
    requests
        How many have passed or wait to.
    bytes_received
        How many have come, of what is paced.
    refusals
        How often the archive has said that it is busy.

    Notes
    -----
    It pickles and copies as its rates alone: the copy counts from zero, and shares nothing with the
    original. A rate that several processes are to keep together has to be divided between them.

    Examples
    --------
    >>> pace = Pace(requests_per_second=10, bytes_per_second=20e6)
    >>> pace.request()
    >>> pace.received(65536)
    >>> pace.requests, pace.bytes_received, pace.refusals
    (1, 65536, 0)
    """

    def __init__(
        self,
        requests_per_second: float | None = None,
        bytes_per_second: float | None = None,
        *,
        within: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.requests_per_second: float | None = _checked(requests_per_second, "requests")
        self.bytes_per_second: float | None = _checked(bytes_per_second, "bytes")
        self.requests: int = 0
        self.bytes_received: int = 0
        self.refusals: int = 0
        self._within: Pace | None = within
        self._clock: Callable[[], float] = clock
        self._sleep: Callable[[float], None] = sleep
        self._closed: bool = False
        # Reentrant: the collector may close a generator, and so anything, where it is held.
        self._lock: RLock = RLock()
        self._asking: _Bucket | None = _bucket(self.requests_per_second, 1.0, clock())
        self._coming: _Bucket | None = _bucket(self.bytes_per_second, 0.0, clock())

    @property
    def closed(self) -> bool:
        """Whether nobody waits any more."""
        return self._closed or (self._within is not None and self._within.closed)

    def request(self, given_up: Callable[[], bool] = _never) -> None:
        """Wait until one more request may be sent.

        Parameters
        ----------
        given_up
            Says whether the one who waits need not any more; it is asked ten times a second.
        """
        with self._lock:
            self.requests += 1
            due = None if self._asking is None else self._asking.take(1, self._clock())
        self._wait(due, given_up)
        if self._within is not None:
            self._within.request(self._or_closed(given_up))

    def received(self, count: int, given_up: Callable[[], bool] = _never) -> None:
        """Say that *count* bytes have come; wait as long as they are ahead of the rate.

        Parameters
        ----------
        count
            How many, 0 or more.
        given_up
            As for `request`.
        """
        with self._lock:
            self.bytes_received += count
            due = None if self._coming is None else self._coming.take(count, self._clock())
        self._wait(due, given_up)
        if self._within is not None:
            self._within.received(count, self._or_closed(given_up))

    def busy(self) -> None:
        """Say that the archive has refused a request because it has too many."""
        with self._lock:
            self.refusals += 1
        if self._within is not None:
            self._within.busy()

    def close(self) -> None:
        """Have nobody wait any more, now or later: for one who has stopped asking. Never waits.

        What is under way goes on without a bound, and is still counted.
        """
        self._closed = True

    def __reduce__(self) -> tuple[type[Pace], tuple[float | None, float | None]]:
        return type(self), (self.requests_per_second, self.bytes_per_second)

    def __repr__(self) -> str:
        rates = f"{self.requests_per_second}, {self.bytes_per_second}"
        return f"{type(self).__name__}({rates})"

    def _wait(self, due: float | None, given_up: Callable[[], bool]) -> None:
        if due is None:
            return
        while (left := due - self._clock()) > 0 and not self.closed and not given_up():
            self._sleep(min(left, _NOTICES))

    def _or_closed(self, given_up: Callable[[], bool]) -> Callable[[], bool]:
        return lambda: self._closed or given_up()


class _Bucket:
    """Tokens: they come at a *rate*, up to a number; who takes more than there are owes them."""

    __slots__ = ("_ahead", "_full", "_rate")

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate: float = rate
        self._ahead: float = size / rate  # seconds in which it fills
        self._full: float = now

    def take(self, count: int, now: float) -> float:
        """Take tokens; return the time when they, and all taken before, will have come."""
        self._full = max(self._full, now) + count / self._rate
        return self._full - self._ahead


def _bucket(rate: float | None, least: float, now: float) -> _Bucket | None:
    """Return one that holds what comes in a second, and no less than *least*."""
    return None if rate is None else _Bucket(rate, max(rate, least), now)


def _checked(rate: float | None, of: str) -> float | None:
    if rate is not None and not rate > 0:  # so that nan is caught, too
        raise InvalidInputError(f"{of} per second are more than 0, not {rate}; None for no bound")
    return rate
