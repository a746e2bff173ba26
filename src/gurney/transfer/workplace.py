"""What the workers of a run share within one process: the archive, the pace, the order to stop."""

from __future__ import annotations

import atexit
import os
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Final

from gurney.manners import Pace

from .parcels import Errand
from .sources import Opened, Source

__all__ = ["Workplace", "enter", "leave", "park", "working"]

_SIGN: Final = "parked"


def _never() -> bool:
    return False


class Workplace:
    """What the workers of a run share within one process.

    Parameters
    ----------
    source
        Is opened when first needed, once for all.
    pace
        Of all workers in this process.
    parked
        Says that workers are to stop between two instances.
    """

    def __init__(self, source: Source, pace: Pace, parked: Callable[[], bool] = _never) -> None:
        self.pace: Pace = pace
        self.parked: Callable[[], bool] = parked
        self.workers: int = 0
        self._source: Source = source
        self._lock: Lock = Lock()
        self._stack: ExitStack = ExitStack()
        self._opened: Opened | None = None
        self._received: int = 0
        self._told: Counter[str] = Counter()

    @property
    def may_be_left(self) -> bool:
        """Whether another run may close it: not that which has been entered."""
        return False

    def open(self) -> Opened:
        """Return whom to ask; connected the first time."""
        with self._lock:
            if self._opened is None:
                self._opened = self._stack.enter_context(self._source.open(self.pace))
            return self._opened

    def count(self, received: int) -> None:
        """Say that bytes have come."""
        with self._lock:
            self._received += received

    @property
    def received(self) -> int:
        """Bytes that have come so far, in this process."""
        return self._received

    def refusals(self) -> int:
        """Return how often the archive was busy since this was asked last."""
        return self._news({"": self.pace.refusals})[""]

    def by_archive(self, received: int) -> tuple[tuple[str, int], ...]:
        """Return the bytes that came from each archive since this was asked last.

        *received* came in this parcel, for sources that do not count by archive.
        """
        opened = self._opened
        if opened is None or not opened.paces:
            return ((self._source.names[0], received),) if self._source.names and received else ()
        news = self._news({name: pace.bytes_received for name, pace in opened.paces.items()})
        return tuple((name, count) for name, count in news.items() if count)

    def close(self) -> None:
        """Disconnect, and hold nobody back any more."""
        self.pace.close()
        with self._lock:
            self._opened = None
            self._stack.close()

    def _news(self, figures: dict[str, int]) -> dict[str, int]:
        with self._lock:
            news = {name: figure - self._told[name] for name, figure in figures.items()}
            self._told.update(news)
        return news


_places: Final[dict[str, Workplace]] = {}
_lock: Lock = Lock()


def enter(run: str, place: Workplace) -> None:
    """Have the workers of *run* in this process work at *place*."""
    with _lock:
        _places[run] = place


def leave(run: str) -> None:
    """Close the place of *run*, if there is one."""
    with _lock:
        place = _places.pop(run, None)
    if place is not None:
        place.close()


@contextmanager
def working(errand: Errand) -> Generator[Workplace, None, None]:
    """Give the place to work at in this process; a new one, if it has seen no worker of this run.

    Places of earlier runs are left when nobody works there any more.
    """
    place, idle = _place(errand)
    for each in idle:
        each.close()
    try:
        yield place
    finally:
        with _lock:
            place.workers -= 1


def _place(errand: Errand) -> tuple[Workplace, list[Workplace]]:
    """Return where to work, and what is to be left for it."""
    with _lock:
        place = _places.get(errand.run)
        idle: list[str] = []
        if place is None:
            idle = [run for run, other in _places.items() if other.may_be_left]
            pace = Pace(errand.requests_per_second, errand.bytes_per_second)
            place = _Elsewhere(errand.source, pace, _parked(errand))
        place.workers += 1
        left = [_places.pop(run) for run in idle]
        _places[errand.run] = place
    return place, left


class _Elsewhere(Workplace):
    """The place in a process that has not been told of the run but by an errand."""

    @property
    def may_be_left(self) -> bool:
        return not self.workers


def park(errand: Errand, *, parked: bool) -> None:
    """Put up, or take down, the sign for workers in other processes that they are to stop."""
    if errand.journal is None:
        return
    sign = errand.journal / _SIGN
    with suppress(OSError):  # then they finish what they have begun
        if parked:
            sign.touch(mode=0o600)
        else:
            sign.unlink(missing_ok=True)


def _parked(errand: Errand) -> Callable[[], bool]:
    """Return what looks for that sign."""
    if errand.journal is None:
        return _never
    sign = os.fspath(errand.journal / _SIGN)
    return lambda: os.path.exists(sign)  # noqa: PTH110  once an instance: be quick


def _close_all() -> None:
    for run in list(_places):
        leave(run)


def _forget() -> None:
    """What a process has opened is not its child's to use, nor to close."""
    global _lock  # noqa: PLW0603  who held it is not in this process
    _lock = Lock()
    _places.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
