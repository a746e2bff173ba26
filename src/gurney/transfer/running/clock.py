"""Time, as a run sees it: put another in its place, and hours pass at once."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Event
from typing import Any, Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Tells the time, and waits."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return seconds that never go back, from whatever moment."""
        ...

    @abstractmethod
    def time(self) -> float:
        """Return seconds since the epoch."""
        ...

    @abstractmethod
    def wait(self, futures: Collection[Future[Any]], seconds: float) -> None:
        """Return when one of *futures* is done, or after so many seconds."""
        ...


class SystemClock(Clock):
    """The time of this machine; who waits for nothing but time is woken by *stop*."""

    def __init__(self, stop: Event) -> None:
        self._stop: Event = stop

    def monotonic(self) -> float:
        """Return seconds of `time.monotonic`."""
        return time.monotonic()

    def time(self) -> float:
        """Return seconds of `time.time`."""
        return time.time()

    def wait(self, futures: Collection[Future[Any]], seconds: float) -> None:
        """Return when one of *futures* is done, or after so many seconds."""
        if futures:
            wait(futures, timeout=seconds, return_when=FIRST_COMPLETED)
        else:
            self._stop.wait(seconds)
