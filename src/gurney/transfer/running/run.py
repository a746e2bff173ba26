"""One run, from its beginning to an end in good order, whatever comes in between."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from secrets import token_hex
from threading import Event

import attrs

from gurney.core import GurneyError, InvalidInputError, Storage, StorageError
from gurney.manners import Pace, Windows

from ..ledger import Ledger
from ..limits import Limits
from ..parcels import Errand
from ..sources import Source
from ..workplace import Workplace, enter, leave
from .clock import Clock, SystemClock
from .coordinator import Coordinator
from .interrupts import Interrupts, interrupts
from .progress import ProgressTaker

__all__ = ["Orders", "run_parcels"]


@attrs.frozen(kw_only=True)
class Orders:
    """What a run is told: from where, to where, how hard, when.

    Attributes
    ----------
    executor
        Who does the work; threads of its own if `None`.
    stop
        Ends the run in good order when it is set.
    clock
        What tells the time; that of this machine if `None`.
    """

    source: Source
    storage: Storage
    limits: Limits
    windows: Windows
    executor: Executor | None = None
    progress: ProgressTaker | None = None
    stop: Event = attrs.field(factory=Event)
    clock: Clock | None = None


def run_parcels(ledger: Ledger, orders: Orders) -> bool:
    """Fetch what is pending in *ledger*, which is locked; say whether anything was written down.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed: the ledger is in order then.
    InvalidInputError
        If the work cannot travel to the processes that are to do it.
    StorageError
        If the ledger cannot be written. What is stored is found by the next run.
    """
    clock = orders.clock or SystemClock(orders.stop)
    run = token_hex(8)
    errand = _errand(ledger, orders, run)
    _check_that_it_travels(errand, orders.executor)
    limits = orders.limits
    pace = Pace(limits.requests_per_second, limits.bytes_per_second)
    ledger.began(run, "run", clock.time())
    with interrupts() as interrupted, _executor(orders) as executor:
        place = Workplace(orders.source, pace)
        coordinator = Coordinator(
            ledger=ledger,
            errand=errand,
            limits=limits,
            windows=orders.windows,
            executor=executor,
            place=place,
            clock=clock,
            stopped=lambda: orders.stop.is_set() or interrupted.came,
            progress=orders.progress,
        )
        place.parked = coordinator.is_parked
        enter(run, place)
        try:
            _work(coordinator, interrupted)
        finally:
            leave(run)
    if interrupted.came:
        raise KeyboardInterrupt
    if not coordinator.why:
        _clear(errand)
    return bool(coordinator.recorded)


def _work(coordinator: Coordinator, interrupted: Interrupts) -> None:
    """Run, and note how it ended, even if it ended by an error."""
    ledger, clock, run = coordinator.ledger, coordinator.clock, coordinator.errand.run
    try:
        coordinator.run()
    except BaseException as error:
        with suppress(GurneyError):  # the first one tells more
            if not isinstance(error, KeyboardInterrupt):  # who insists does not wait
                coordinator.drain()
            ledger.ended(run, clock.time(), _words(error))
        raise
    why = "it was interrupted" if interrupted.came else coordinator.why
    ledger.ended(run, clock.time(), why)


def _words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    return str(error) if isinstance(error, GurneyError) else type(error).__name__


def _errand(ledger: Ledger, orders: Orders, run: str) -> Errand:
    journal = ledger.folder.absolute() / "journal"
    try:
        journal.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {journal.name} of the ledger cannot be made: {error.strerror}; make room,"
            " check who may write there, and run again"
        ) from error
    requests, received = orders.limits.requests_per_second, orders.limits.bytes_per_second
    return Errand(
        run=run,
        source=orders.source,
        storage=orders.storage,
        journal=journal,
        requests_per_second=None if requests is None else requests / orders.limits.parallel,
        bytes_per_second=None if received is None else received / orders.limits.parallel,
    )


def _clear(errand: Errand) -> None:
    """Remove journals of parcels that are over, which workers taken for lost may have left."""
    if errand.journal is not None:
        with suppress(OSError):
            for path in errand.journal.glob("*.jsonl"):
                path.unlink(missing_ok=True)


def _check_that_it_travels(errand: Errand, executor: Executor | None) -> None:
    """Say early what each parcel would say later. Other executors have other ways to travel."""
    if not isinstance(executor, ProcessPoolExecutor):
        return
    try:
        pickle.dumps(errand)
    except GurneyError:
        raise
    except Exception as error:
        raise InvalidInputError(
            f"the source or the storage cannot travel to another process ({type(error).__name__});"
            " name archives by URLs, or use threads"
        ) from error


@contextmanager
def _executor(orders: Orders) -> Generator[Executor, None, None]:
    if orders.executor is not None:
        yield orders.executor
        return
    with ThreadPoolExecutor(orders.limits.parallel, thread_name_prefix="gurney") as executor:
        yield executor
