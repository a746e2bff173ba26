"""Clocks that tests turn on: nobody waits for real."""

from __future__ import annotations

from threading import Condition

__all__ = ["Clock", "SharedClock"]

LONG = 30.0  # seconds; no test waits so long, unless what it tests is broken


class Clock:
    """Shows the time; who sleeps turns it on."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now: float = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Turn it on."""
        self.slept.append(seconds)
        self.now += seconds


class SharedClock:
    """Shows the time to several threads; they sleep until a test turns it on."""

    def __init__(self) -> None:
        self.now: float = 1000.0
        self.sleepers: int = 0
        self._changed: Condition = Condition()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait until it shows so much more."""
        with self._changed:
            until = self.now + seconds
            self.sleepers += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.now >= until, LONG)
            self.sleepers -= 1
            self._changed.notify_all()

    def wait_for_sleepers(self, count: int) -> None:
        """Wait until so many threads sleep."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.sleepers == count, LONG)

    def turn(self, seconds: float) -> None:
        """Turn it on."""
        with self._changed:
            self.now += seconds
            self._changed.notify_all()
