"""How fast a run is: over the last minute, from what has been counted."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

__all__ = ["Meter"]

_SPAN: Final = 60.0  # seconds that are looked back on
_STEP: Final = 0.5


@attrs.define
class Meter:
    """Remembers a minute of figures."""

    _figures: deque[tuple[float, int, int]] = attrs.field(factory=deque[tuple[float, int, int]])

    def note(self, now: float, received: int, done: int) -> None:
        """Take down the bytes that have arrived and the instances that are done."""
        if self._figures and now - self._figures[-1][0] < _STEP:
            return
        self._figures.append((now, received, done))
        while len(self._figures) > 2 and now - self._figures[0][0] > _SPAN:
            self._figures.popleft()

    def rates(self, now: float, received: int, done: int) -> tuple[float, float]:
        """Return bytes and instances a second; zero while nobody can say."""
        if not self._figures:
            return 0.0, 0.0
        then, received_then, done_then = self._figures[0]
        seconds = now - then
        if seconds <= 0:
            return 0.0, 0.0
        return (received - received_then) / seconds, (done - done_then) / seconds
