"""An archive that is away is asked by one worker at a time, more and more rarely, for a while."""

from __future__ import annotations

from typing import Final

import attrs

from gurney.manners import Retries

__all__ = ["Absence"]

_LEAST: Final = 1.0  # seconds between two who ask, whatever chance says


@attrs.define
class Absence:
    """Whether an archive is away, since when, and when it is asked again.

    Attributes
    ----------
    retries
        How the waits grow.
    patience
        Seconds after which it is given up.
    problem
        What it is like; empty while it is there.
    next_try
        When it is asked again, on the clock that the callers read.
    """

    retries: Retries
    patience: float
    problem: str = ""
    next_try: float = 0.0
    _since: float = 0.0
    _failures: int = 0

    def __bool__(self) -> bool:
        return bool(self.problem)

    def noticed(self, problem: str, now: float) -> None:
        """Say that nobody answered. Several who asked at a time count as one."""
        if self.problem and now < self.next_try:
            return
        if not self.problem:
            self._since, self._failures = now, 0
        self.problem = problem
        self._failures += 1
        wait = max(_LEAST, self.retries.wait_before(self._failures))
        self.next_try = min(now + wait, max(now + _LEAST, self._since + self.patience))

    def over(self) -> None:
        """Say that somebody answered."""
        self.problem = ""

    def is_too_long(self, now: float) -> bool:
        """Say whether patience is at its end."""
        return bool(self.problem) and now - self._since >= self.patience
