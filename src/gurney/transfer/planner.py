"""Looks items up on a few threads, notes what there is, and waits while the archive is away."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Final

import attrs

from gurney.core import ArchiveUnavailableError, BusyError, Searcher
from gurney.manners import AdaptiveLimit

from .finding import Found, find
from .ledger import Ledger, Sample
from .limits import Limits
from .questions import Batch, batches
from .running.absence import Absence
from .running.clock import Clock, SystemClock
from .words import duration

__all__ = ["Planner"]

_GLANCE: Final = 0.5  # seconds after which it is looked whether somebody wants to stop


@attrs.define
class _Large:
    """An item that stands for so much that its parts are looked up as items of their own."""

    found: Found
    left: set[int]
    failed: int = 0


class Planner:
    """Looks up what is wanted, and notes what there is.

    Parameters
    ----------
    searcher
        Whom to ask; from several threads at a time.
    ledger
        Only the thread that works uses it.
    limits
        How hard the searcher may be worked, and how long it may be away.
    stop
        Ends the work in good order when it is set.
    clock
        What tells the time.
    """

    def __init__(
        self,
        searcher: Searcher,
        ledger: Ledger,
        limits: Limits,
        stop: Event,
        clock: Clock | None = None,
    ) -> None:
        self._searcher: Searcher = searcher
        self._ledger: Ledger = ledger
        self._limits: Limits = limits
        self._stop: Event = stop
        self._clock: Clock = clock or SystemClock(stop)
        self._absence: Absence = Absence(limits.retries, limits.patience)
        self._limit: AdaptiveLimit = AdaptiveLimit(limits.parallel, clock=self._clock.monotonic)
        self._waiting: deque[Batch] = deque()
        self._under_way: dict[Future[list[Found]], tuple[Batch, int]] = {}
        self._large: list[_Large] = []

    def work(self, wanted: Iterable[Batch], places: Mapping[int, str]) -> Iterator[None]:
        """Look up *wanted*; yield whenever something of it has been noted.

        Parameters
        ----------
        wanted
            What to look up.
        places
            Where the items are, by their numbers.

        Raises
        ------
        ArchiveUnavailableError
            If there has been nobody to ask for too long.
        AuthenticationError
            If nobody answers us.
        """
        self._waiting.extend(wanted)
        pool = ThreadPoolExecutor(self._limits.parallel, thread_name_prefix="gurney-plan")
        try:
            while self._under_way or (self._waiting and not self._stop.is_set()):
                self._start(pool)
                self._clock.wait(self._under_way, self._patience())
                for future in [future for future in self._under_way if future.done()]:
                    self._take(future, places)
                    yield
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, pool: ThreadPoolExecutor) -> None:
        """Have as much under way as the archive takes; one to try with, if it is away."""
        limit = self._limit.value
        if self._absence:
            limit = int(self._clock.monotonic() >= self._absence.next_try)
        while self._waiting and len(self._under_way) < limit and not self._stop.is_set():
            batch = self._waiting.popleft()
            future = pool.submit(find, self._searcher, batch)
            self._under_way[future] = (batch, self._limit.generation)

    def _patience(self) -> float:
        if self._under_way:
            return _GLANCE
        return max(0.0, self._absence.next_try - self._clock.monotonic())

    def _take(self, future: Future[list[Found]], places: Mapping[int, str]) -> None:
        batch, generation = self._under_way.pop(future)
        error = future.exception()
        if error is None:
            if self._absence:
                self._absence.over()
                self._tell()
            self._note(future.result(), places)
        elif isinstance(error, ArchiveUnavailableError):
            self._waiting.appendleft(batch)
            self._put_off(error, generation)
        else:
            raise error

    def _put_off(self, error: ArchiveUnavailableError, generation: int) -> None:
        if isinstance(error, BusyError):
            self._limit.busy(generation)
        now = self._clock.monotonic()
        self._absence.noticed(str(error), now)
        if self._absence.is_too_long(now):
            raise ArchiveUnavailableError(
                f"{error}. It has been so for {duration(self._limits.patience)}; what has been"
                " looked up until then is kept: plan again when the archive is there"
            ) from error
        self._tell()

    def _tell(self) -> None:
        """Let those who ask how the transfer stands know whether it waits, and until when."""
        counts, until = self._ledger.counts, None
        if self._absence:
            left = self._absence.next_try - self._clock.monotonic()
            until = self._clock.time() + max(0.0, left)
        self._ledger.sample(
            Sample(
                time=self._clock.time(),
                done=counts.done,
                failed=counts.failed,
                received=counts.received,
                waiting="for the archive" if self._absence else "",
                until=until,
            )
        )

    # ------------------------------------------------------------ noting

    def _note(self, found: Sequence[Found], places: Mapping[int, str]) -> None:
        plain = [each for each in found if each.plain]
        if plain:
            self._ledger.planned(
                [number for each in plain for number in each.numbers],
                [claim for each in plain for claim in each.claims],
            )
        for each in found:
            if each.failure:
                self._ledger.failed_to_plan(each.numbers, each.failure)
            elif each.beyond:
                self._divide(each, places[each.numbers[0]])
            elif not each.plain:
                self._noted(each)
        self._finish(found)

    def _noted(self, found: Found) -> None:
        self._ledger.planned(
            found.numbers, found.claims, found.notes, found.reasons, found.completeness
        )

    def _divide(self, found: Found, place: str) -> None:
        """Announce the parts of an item, which is planned when they all are.

        Who is killed in between asks for the item again, and finds those parts planned that are.
        """
        parts = self._ledger.announce(
            ((place, self._ledger.digest(str(reference))) for reference in found.beyond),
            part_of=found.numbers[0],
        )
        left = set(parts).intersection(self._ledger.unplanned(failed=True))
        by_number = zip(parts, found.beyond, strict=True)
        self._waiting.extend(batches((n, ref) for n, ref in by_number if n in left))
        self._large.append(_Large(found, left))

    def _finish(self, found: Sequence[Found]) -> None:
        """Note the large items of which all parts have been noted now."""
        good = {number for each in found if not each.failure for number in each.numbers}
        bad = {number for each in found if each.failure for number in each.numbers}
        for large in self._large:
            large.failed += len(large.left & bad)
            large.left -= good | bad
            if not large.left and large.failed:
                reason = f"{large.failed} of what it stands for could not be looked up"
                self._ledger.failed_to_plan(large.found.numbers, reason)
            elif not large.left:
                self._noted(large.found)
        self._large = [large for large in self._large if large.left]
