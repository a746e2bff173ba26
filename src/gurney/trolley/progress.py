"""How a caller watches a download: something callable, passed in by whoever wants to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs
from pydicom.dataset import Dataset

from gurney.core import DICOMFile, Outcome, OutcomeStatus

__all__ = ["Progress", "ProgressListener", "Tracker"]


@attrs.frozen
class Progress:
    """How far a download has come.

    Attributes
    ----------
    expected
        Instances in all.
    done
        Instances that have an outcome.
    failed
        Those of them whose outcome is not good.
    received
        Bytes that have arrived so far, whole instances or not.
    outcome
        The outcome that is new; `None` if only bytes are.
    """

    expected: int
    done: int = 0
    failed: int = 0
    received: int = 0
    outcome: Outcome | None = None


class ProgressListener(Protocol):
    """Is told how far a download has come: after each outcome, and while bytes arrive."""

    def __call__(self, progress: Progress, /) -> None:
        """Take note of *progress*. Runs in the thread that downloads: be quick."""
        ...


def _silence(progress: Progress, /) -> None:
    """Nobody is watching."""


@attrs.define
class Tracker:
    """Keeps the figures of one download, and tells the listener when they change."""

    listener: ProgressListener = _silence
    latest: Progress = attrs.field(factory=lambda: Progress(0))

    def begin(self, expected: int) -> None:
        """Say how many instances there will be."""
        self._tell(expected=expected)

    def note(self, outcome: Outcome) -> Outcome:
        """Count *outcome*, and return it."""
        if outcome.status is OutcomeStatus.UNEXPECTED:
            self._tell(outcome=outcome)
        else:
            done, failed = self.latest.done + 1, self.latest.failed + (not outcome.good)
            self._tell(outcome=outcome, done=done, failed=failed)
        return outcome

    def watched(self, item: DICOMFile | Dataset) -> DICOMFile | Dataset:
        """Return *item*, counting its bytes as they pass."""
        if isinstance(item, DICOMFile):
            item.chunks = self._counted(item.chunks)
        return item

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._tell(received=self.latest.received + len(chunk))
            yield chunk

    def _tell(self, outcome: Outcome | None = None, **changes: int) -> None:
        self.latest = attrs.evolve(self.latest, outcome=outcome, **changes)
        self.listener(self.latest)
