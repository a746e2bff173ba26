"""The one who hands out parcels, hears what became of them, and writes it down. One thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from datetime import datetime, timezone
from typing import Final

import attrs

from gurney.core import GurneyError, Outcome, OutcomeStatus
from gurney.manners import AdaptiveLimit, Windows

from ..journal import journal_path
from ..ledger import Ledger
from ..limits import Limits
from ..parcels import Delivered, Errand, Obstacle, Parcel
from ..work import look, work
from ..workplace import Workplace, park
from .absence import Absence
from .clock import Clock
from .progress import ProgressTaker
from .queue import Queue
from .sweep import sweep
from .tasks import Task, Troubles
from .telling import State, Teller

__all__ = ["Coordinator"]

_PULSE: Final = 0.5  # seconds after which one who waits looks around
_MOST_ERRORS: Final = 10  # of an executor, in a row
_MOST_DENIALS: Final = 3  # of an archive that has let us in before, in a row
_MOST_FORBIDDEN: Final = 3  # studies, of an archive that has never given us one
_SILENCE: Final = 3600.0  # seconds after which a worker that says no more has been lost
_NEVER_HEARD: Final = 86400.0  # the same, of one that never said anything: maybe nobody listens
_NO_JOURNAL: Final = -1
_ANYTHING: Final = (Exception, CancelledError, SystemExit, GeneratorExit)  # executors hand over


@attrs.define(kw_only=True, eq=False)
class Coordinator:
    """Hands out parcels until nothing is pending, or something is in the way.

    Attributes
    ----------
    stopped
        Says that the run is to end in good order.
    why
        Why it ended before everything was done; empty if it was done.
    parked
        Whether workers were told to stop.
    recorded
        How many reports were written down.
    """

    ledger: Ledger
    errand: Errand
    limits: Limits
    windows: Windows
    executor: Executor
    place: Workplace
    clock: Clock
    stopped: Callable[[], bool]
    progress: ProgressTaker | None
    why: str = ""
    parked: bool = False
    recorded: int = 0
    _limit: AdaptiveLimit = attrs.field(init=False)
    _absence: Absence = attrs.field(init=False)
    _troubles: Troubles = attrs.field(init=False)
    _queue: Queue = attrs.field(init=False)
    _teller: Teller = attrs.field(init=False)
    _tasks: list[Task] = attrs.field(factory=list[Task])
    _errors: int = 0
    _error: str = ""
    _denials: int = 0
    _forbidden: set[str] = attrs.field(factory=set[str])
    _swept: bool = False
    _ending: float = 0.0

    def __attrs_post_init__(self) -> None:
        retries = self.limits.retries
        self._limit = AdaptiveLimit(self.limits.parallel, clock=self.clock.monotonic)
        self._absence = Absence(retries, self.limits.patience)
        self._troubles = Troubles(retries.attempts)
        self._queue = Queue(self.ledger, self.clock, self.limits.parcel)
        self._teller = Teller(self.ledger, self.clock, self.place, self.progress)

    def run(self) -> None:
        """Work until nothing is pending, or something is in the way: then `why` says what."""
        self._park(parked=False)
        while True:
            self._end_if_needed()
            waiting, until = self._reason_to_wait()
            self._park(parked=waiting in ("to stop", "for the window"))
            if not waiting:
                self._hand_out()
            under_way = len(self._at_work())
            if not under_way and self._is_over():
                break
            if not waiting and not under_way:
                waiting, until = self._till_due()
            self._tell(waiting, until)
            if under_way or waiting:
                self.clock.wait([task.future for task in self._tasks], _PULSE)
            self._collect()
        self._queue.give_back()
        self._tell("", None, last=True)

    def is_parked(self) -> bool:
        """Say whether workers are to stop between two instances. They ask, in whatever thread."""
        return self.parked or self.stopped()

    def drain(self) -> None:
        """Have all workers stop, and wait for them as long as patience lasts.

        What they bring is not written down any more; it will be found on the disk.
        """
        self._park(parked=True)
        until = self.clock.monotonic() + self.limits.patience
        while self._at_work() and self.clock.monotonic() < until:
            self.clock.wait([task.future for task in self._at_work()], _PULSE)
            self._tasks = [task for task in self._tasks if not task.future.done()]

    # ------------------------------------------------------------ whether to go on

    def _end_if_needed(self) -> None:
        """Say why to end; who does not come back then is not waited for much longer."""
        now = self.clock.monotonic()
        self._end(self._reason_to_end())
        if self.why and now - self._ending > self.limits.patience:
            for task in self._tasks:
                task.lost = True

    def _end(self, why: str) -> None:
        if not self.why:
            self.why, self._ending = why, self.clock.monotonic()

    def _reason_to_end(self) -> str:
        if self.stopped():
            return "it was stopped"
        if self._absence.is_too_long(self.clock.monotonic()):
            patience, problem = self.limits.patience, self._absence.problem
            return f"the archive was away for {patience:.0f} s: {problem}"
        if self._errors >= _MOST_ERRORS:
            return (
                f"the executor failed {self._errors} times in a row ({self._error}); see to its"
                " workers, and run again"
            )
        return ""

    def _reason_to_wait(self) -> tuple[str, float | None]:
        if self.why:
            return "to stop", None
        now = datetime.fromtimestamp(self.clock.time(), timezone.utc)
        if not self.windows.contains(now):
            self._absence.over()  # as far as anyone knows when it opens again
            return "for the window", self.windows.next_opening(now).timestamp()
        wait = self._absence.next_try - self.clock.monotonic()
        if self._absence and wait > 0:
            return "for the archive", self.clock.time() + wait
        return "", None

    def _till_due(self) -> tuple[str, float | None]:
        due = self._queue.till_due()
        return ("to ask again", self.clock.time() + due) if due else ("", None)

    def _is_over(self) -> bool:
        """Say whether there is nothing left to do, or to wait for; look at the disk before that."""
        if self.why:
            return True
        if self._queue.till_due() is not None:
            return False
        if self._swept:
            return True
        self._swept = True
        self._tell("for a look at what is stored", None)
        return not sweep(self.ledger, self.errand.storage, self.errand.run, self.stopped)

    def _park(self, *, parked: bool) -> None:
        self.parked = parked
        park(self.errand, parked=parked)

    # ------------------------------------------------------------ handing out

    def _hand_out(self) -> None:
        """Start as much as may be at work at a time; one only while nobody answers."""
        while self._errors < _MOST_ERRORS and len(self._at_work()) < self._allowed():
            parcel = self._queue.next(rather_others=bool(self._absence))
            if parcel is None:
                return
            self._submit(parcel)

    def _allowed(self) -> int:
        return 1 if self._absence else self._limit.value

    def _at_work(self) -> list[Task]:
        return [task for task in self._tasks if not task.lost]

    def _submit(self, parcel: Parcel) -> None:
        try:
            future = self.executor.submit(work, self.errand, parcel)
        except _ANYTHING as error:
            self._fail(parcel, error)
            return
        now = self.clock.monotonic()
        self._tasks.append(Task(parcel, future, self._limit.generation, now))

    # ------------------------------------------------------------ hearing

    def _collect(self) -> None:
        done = [task for task in self._tasks if task.future.done()]
        self._tasks = [task for task in self._tasks if task not in done]
        for task in done:
            self._hear(task)
        for task in self._at_work():
            self._listen(task)

    def _hear(self, task: Task) -> None:
        try:
            delivered = _checked(task.future.result(timeout=0), task.parcel)
        except _ANYTHING as error:
            self._fail(task.parcel, error, lost=task.lost)
        else:
            self._take(task, delivered)

    def _take(self, task: Task, delivered: Delivered) -> None:
        """Write down what became of a parcel, and see to what was in the way."""
        number = task.parcel.number
        self._teller.hear(delivered)
        if delivered.refusals:
            self._limit.busy(task.generation)
        good = any(outcome.good for outcome in delivered.outcomes)
        if delivered.outcomes:
            self._record(delivered)
        if good or (delivered.outcomes and delivered.obstacle is None):
            self._absence.over()
            self._troubles.well(number)
            self._errors = self._denials = 0
        if delivered.obstacle is Obstacle.FORBIDDEN:
            self._meet_forbidden(task.parcel, delivered.problem)
        elif delivered.obstacle is not None:
            self._meet(delivered.obstacle, delivered.problem)
        if delivered.outcomes or task.lost:
            return
        if delivered.obstacle is not None:
            self._hold(task.parcel, delivered.problem)
        else:
            self.ledger.give_back(number)

    def _meet(self, obstacle: Obstacle, problem: str) -> None:
        """End the run, or wait, because of what kept a worker from its work."""
        self._denials += obstacle is Obstacle.DENIED
        most = _MOST_DENIALS if self._troubles.good else 1
        if obstacle is Obstacle.BLOCKED or self._denials >= most:
            self._end(problem)
        else:
            self._absence.noticed(problem, self.clock.monotonic())

    def _meet_forbidden(self, parcel: Parcel, problem: str) -> None:
        """Go on with other studies, unless it seems that all are kept from us."""
        self._absence.over()
        self._forbidden.add(parcel.references[0].study_uid)
        if len(self._forbidden) >= _MOST_FORBIDDEN and not self.ledger.counts.good:
            self.why = self.why or f"the archive keeps all studies from us: {problem}"

    def _fail(self, parcel: Parcel, error: BaseException, *, lost: bool = False) -> None:
        """The executor has lost a worker, or has none."""
        self._errors += 1
        self._error = str(error) if isinstance(error, GurneyError) else type(error).__name__
        if not lost:
            self._hold(parcel, f"the worker that fetched it was lost ({self._error})")

    def _hold(self, parcel: Parcel, problem: str) -> None:
        """Keep a parcel back that failed as a whole; if it does so while others do not, it has."""
        strikes = self._troubles.strike(parcel.number)
        if self._troubles.is_to_blame(parcel.number):
            self._blame(parcel, problem)
        else:
            self._queue.hold(parcel, self.limits.retries.wait_before(strikes))

    def _blame(self, parcel: Parcel, problem: str) -> None:
        there = look(self.errand, parcel)
        known = {outcome.reference for outcome in there}
        failed = [
            Outcome(reference=reference, status=OutcomeStatus.FAILED, reason=problem)
            for reference in parcel.references
            if reference not in known
        ]
        self._record(Delivered(parcel=parcel.number, outcomes=(*there, *failed)))

    def _record(self, delivered: Delivered) -> None:
        self.ledger.record(delivered, self.limits.retries, self.clock.time())
        self.recorded += 1
        self._queue.drop(delivered.parcel)
        if self.errand.journal is not None:
            with suppress(OSError):  # it is needed no more, and does no harm
                journal_path(self.errand.journal, delivered.parcel).unlink(missing_ok=True)

    def _listen(self, task: Task) -> None:
        """Give a parcel up of which nothing has been heard for long. It may report later."""
        now, sign = self.clock.monotonic(), self._sign_of(task.parcel)
        if sign != task.sign:
            task.sign, task.heard = sign, now
        elif now - task.heard >= (_NEVER_HEARD if sign == self._silence else _SILENCE):
            task.lost = True
            self._fail(task.parcel, TimeoutError())

    def _sign_of(self, parcel: Parcel) -> tuple[int, int]:
        """Return what changes while somebody is at work on *parcel*."""
        size = _NO_JOURNAL
        if self.errand.journal is not None:
            with suppress(OSError):
                size = journal_path(self.errand.journal, parcel.number).stat().st_size
        return self.place.received, size

    @property
    def _silence(self) -> tuple[int, int]:
        return 0, _NO_JOURNAL

    def _tell(self, waiting: str, until: float | None, *, last: bool = False) -> None:
        problem = self.why or self._absence.problem or (self._error if self._errors else "")
        state = State(
            under_way=len(self._at_work()),
            limit=self._allowed(),
            waiting=waiting,
            until=until,
            problem=problem,
        )
        self._teller.tell(state, last=last)


def _checked(result: object, parcel: Parcel) -> Delivered:
    """Return what an executor has brought, if it is an answer to what was asked."""
    if not isinstance(result, Delivered) or result.parcel != parcel.number:
        raise TypeError("not what was submitted")
    if not (result.outcomes or result.parked or result.obstacle):
        raise ValueError("nothing was done")
    return result
