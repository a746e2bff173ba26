"""What a run says of itself: to whoever watches, and to its ledger for whoever asks later."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from ..ledger import Counts, Ledger, Sample
from ..parcels import Delivered
from ..workplace import Workplace
from .clock import Clock
from .meter import Meter
from .progress import ProgressTaker, TransferProgress

__all__ = ["State", "Teller"]

_SAMPLE_EVERY: Final = 5.0  # seconds
_WAITING_EVERY: Final = 60.0


@attrs.frozen(kw_only=True)
class State:
    """What a run is about; see `TransferProgress`."""

    under_way: int
    limit: int
    waiting: str = ""
    until: float | None = None
    problem: str = ""


@attrs.define
class Teller:
    """Keeps the figures of a run, and passes them on."""

    ledger: Ledger
    clock: Clock
    place: Workplace
    progress: ProgressTaker | None
    _meter: Meter = attrs.field(factory=Meter)
    _by_archive: Counter[str] = attrs.field(factory=Counter[str])
    _before: int = attrs.field(init=False)
    _next_sample: float = float("-inf")
    _waiting: str = ""

    def __attrs_post_init__(self) -> None:
        self._before = self.ledger.counts.received

    def hear(self, delivered: Delivered) -> None:
        """Count what came from which archive."""
        self._by_archive.update(dict(delivered.by_archive))

    def tell(self, state: State, *, last: bool = False) -> None:
        """Say how the run stands; keep that in the ledger every few seconds, and the *last* time.

        Parcels under way are counted if they are fetched in this process.
        """
        now = self.clock.monotonic()
        to_be_kept = last or now >= self._next_sample or state.waiting != self._waiting
        if self.progress is None and not to_be_kept:
            return
        counts = self.ledger.counts
        received = max(counts.received - self._before, self.place.received)
        self._meter.note(now, received, counts.done)
        rate, instance_rate = self._meter.rates(now, received, counts.done)
        if to_be_kept:
            self._keep(state, counts, received)
            self._next_sample = now + (_WAITING_EVERY if state.waiting else _SAMPLE_EVERY)
            self._waiting = state.waiting
        if self.progress is None:
            return
        self.progress(
            TransferProgress(
                counts=counts,
                received=received,
                rate=rate,
                instance_rate=instance_rate,
                eta=counts.pending / instance_rate if instance_rate > 0 else None,
                by_archive=dict(self._by_archive),
                **attrs.asdict(state),
            )
        )

    def _keep(self, state: State, counts: Counts, received: int) -> None:
        self.ledger.sample(
            Sample(
                time=self.clock.time(),
                done=counts.done,
                failed=counts.failed,
                received=self._before + received,
                under_way=state.under_way,
                limit=state.limit,
                waiting=state.waiting,
                until=state.until,
            )
        )
