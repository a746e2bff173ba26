"""What is to be fetched next: what the ledger has, and what has come back with trouble."""

from __future__ import annotations

import attrs

from ..ledger import Ledger
from ..parcels import Parcel
from .clock import Clock

__all__ = ["Queue"]


@attrs.frozen
class _Held:
    parcel: Parcel
    due: float


@attrs.define
class Queue:
    """Gives parcels; those that came back with trouble after a while.

    Parameters
    ----------
    size
        Instances in a parcel, at most.
    """

    ledger: Ledger
    clock: Clock
    size: int
    _held: list[_Held] = attrs.field(factory=list[_Held])

    def next(self, *, rather_others: bool = False) -> Parcel | None:
        """Return what to fetch next; `None` if there is nothing, or nothing yet.

        Parameters
        ----------
        rather_others
            Whether what has failed before comes last, but at once if there is nothing else.
        """
        if rather_others:
            return self._from_ledger() or self._from_held(float("inf"))
        return self._from_held(self.clock.monotonic()) or self._from_ledger()

    def hold(self, parcel: Parcel, seconds: float) -> None:
        """Keep *parcel* back for a while."""
        self._held.append(_Held(parcel, self.clock.monotonic() + seconds))

    def drop(self, parcel: int) -> None:
        """Forget the parcel of this number: somebody has brought it after all."""
        self._held = [held for held in self._held if held.parcel.number != parcel]

    def give_back(self) -> None:
        """Leave all that was held back to the next run."""
        for held in self._held:
            self.ledger.give_back(held.parcel.number)
        self._held.clear()

    def till_due(self) -> float | None:
        """Return the seconds until there is something; `None` if there is nothing any more."""
        waits = [held.due - self.clock.monotonic() for held in self._held]
        due = self.ledger.next_due(self.clock.time())
        if due is not None:
            waits.append(due)
        return max(0.0, min(waits)) if waits else None

    def _from_ledger(self) -> Parcel | None:
        return next(iter(self.ledger.parcels(self.size, self.clock.time())), None)

    def _from_held(self, until: float) -> Parcel | None:
        for held in self._held:
            if held.due <= until:
                self._held.remove(held)
                return held.parcel
        return None
