"""Parcels in the hands of workers, and what to think of those that come back with trouble."""

from __future__ import annotations

from concurrent.futures import Future

import attrs

from ..parcels import Delivered, Parcel

__all__ = ["Task", "Troubles"]


@attrs.define(eq=False)
class Task:
    """A parcel in the hands of a worker.

    Attributes
    ----------
    generation
        Of the limit when it was started: who is refused says so once for all of its time.
    heard
        When there was a last sign of life.
    sign
        What that was.
    lost
        Whether it has been given up; it may still report.
    """

    parcel: Parcel
    future: Future[Delivered]
    generation: int
    heard: float
    sign: object = None
    lost: bool = False


@attrs.define
class Troubles:
    """Tells a parcel that is bad from an archive, or an executor, that is.

    A parcel is to blame if it fails as a whole *most* times, while others do not.

    Attributes
    ----------
    good
        How many parcels have brought something.
    """

    most: int
    good: int = 0
    _strikes: dict[int, tuple[int, int]] = attrs.field(factory=dict[int, tuple[int, int]])

    def well(self, parcel: int) -> None:
        """Say that a parcel has brought something, or has come to its end."""
        self.good += 1
        self._strikes.pop(parcel, None)

    def strike(self, parcel: int) -> int:
        """Say that a parcel has failed as a whole; return how often it has."""
        count, good = self._strikes.get(parcel, (0, self.good))
        self._strikes[parcel] = (count + 1, good)
        return count + 1

    def is_to_blame(self, parcel: int) -> bool:
        """Say whether a parcel fails while others do not."""
        count, good = self._strikes.get(parcel, (0, self.good))
        return count >= self.most and self.good > good
