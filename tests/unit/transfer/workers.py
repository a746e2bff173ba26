"""For tests of runs: time that passes at once, executors that misbehave, archives with moods."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor, Future
from enum import Enum
from pathlib import Path
from threading import Semaphore, Thread
from typing import Any

import attrs
from typing_extensions import override

from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    Expectation,
    FileDownloader,
    GurneyError,
    InstanceReference,
    OutcomeStatus,
    QueryLevels,
    Receipt,
    Storage,
    to_instance_refs,
)
from gurney.manners import Retries, Windows
from gurney.storage import FolderStorage
from gurney.testing import SimulatedArchive
from gurney.transfer import Given, Limits, Report, Transfer
from gurney.transfer.ledger import Claim, Ledger
from gurney.transfer.running import Clock

STUDIES, INSTANCES = 4, 6
ARCHIVE = SimulatedArchive(studies=STUDIES, instances=INSTANCES, series=2)
ALL = STUDIES * INSTANCES
MONDAY_MORNING = 1_767_600_000.0  # 2026-01-05 08:00 UTC


@attrs.frozen
class Punctual(Retries):
    """Waits that chance has no part in."""

    @override
    def wait_before(self, attempt: int) -> float:
        return min(self.longest_wait, self.first_wait * attempt)


LIMITS = Limits(
    parallel=2,
    parcel=4,
    retries=Punctual(attempts=3, first_wait=10.0, longest_wait=60.0),
    patience=600.0,
)


class FakeClock(Clock):
    """Time passes when somebody waits for it, and *meanwhile* is called."""

    def __init__(self, meanwhile: Callable[[], None] | None = None) -> None:
        self.now: float = 0.0
        self.meanwhile: Callable[[], None] | None = meanwhile

    @override
    def monotonic(self) -> float:
        return self.now

    @override
    def time(self) -> float:
        return MONDAY_MORNING + self.now

    @override
    def wait(self, futures: Collection[Future[Any]], seconds: float) -> None:
        self.now += seconds
        if self.meanwhile is not None:
            self.meanwhile()


class AtOnce(Executor):
    """Does everything in `submit`."""

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Future[Any]()
        future.set_result(fn(*args, **kwargs))
        return future


class Way(Enum):
    """What a hostile executor does with a task."""

    WELL = "does it"
    TWICE = "does it twice"
    SLOW = "does it after a while"
    LATE = "does it when it has been given up"
    BREAKS_BEFORE = "raises, and has not done it"
    BREAKS_AFTER = "raises, and has done it"
    CANCELS = "cancels it"
    LOSES = "never does it"
    KEEPS_SILENT = "does it and never says so"
    REPORTS_LATE = "does it, and says so hours later"


_DELAYS = {Way.SLOW: 2400.0, Way.LATE: 8000.0, Way.REPORTS_LATE: 8000.0}


class WorkerDiedError(Exception):
    """What an executor raises of its own."""


@attrs.define(eq=False)
class _Job:
    run: Callable[[], Any]
    future: Future[Any]
    way: Way
    due: float


class Hostile(Executor):
    """Takes tasks in another order, one at a time, and does with them what *choose* says."""

    def __init__(self, seed: int, choose: Callable[[random.Random], Way]) -> None:
        self.clock: FakeClock = FakeClock(self.step)
        self.ways: list[Way] = []
        self._random: random.Random = random.Random(seed)
        self._choose: Callable[[random.Random], Way] = choose
        self._jobs: list[_Job] = []

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        way = self._choose(self._random)
        self.ways.append(way)
        due = self.clock.now + _DELAYS.get(way, 0.0)
        job = _Job(lambda: fn(*args, **kwargs), Future[Any](), way, due)
        if way is Way.REPORTS_LATE:
            result = job.run()
            job.run = lambda: result
        self._jobs.append(job)
        return job.future

    def step(self) -> None:
        """Do one of the tasks that may be done now."""
        ready = [job for job in self._jobs if job.due <= self.clock.now]
        if ready:
            job = self._random.choice(ready)
            self._jobs.remove(job)
            self._do(job)
        else:
            self.clock.now += 30.0  # seconds in which nothing happens, for tests to be quick

    def _do(self, job: _Job) -> None:
        if job.way in (Way.BREAKS_AFTER, Way.KEEPS_SILENT, Way.TWICE):
            job.run()
        if job.way is Way.CANCELS:
            job.future.cancel()
        elif job.way in (Way.BREAKS_BEFORE, Way.BREAKS_AFTER):
            job.future.set_exception(WorkerDiedError())
        elif job.way not in (Way.LOSES, Way.KEEPS_SILENT):
            job.future.set_result(job.run())


class Lockstep(Executor):
    """Does one task in a thread, a step each time the clock is waited for."""

    def __init__(self) -> None:
        self.clock: FakeClock = FakeClock(self._step)
        self._go: Semaphore = Semaphore(0)
        self._done: Semaphore = Semaphore(0)
        self._future: Future[Any] = Future()
        self._thread: Thread | None = None

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = self._future = Future[Any]()

        def run() -> None:
            self._go.acquire()
            future.set_result(fn(*args, **kwargs))
            self._done.release()

        self._thread = Thread(target=run)
        self._thread.start()
        return future

    def pause(self) -> None:
        """End a step, in the thread that does the task, and wait for the next one."""
        self._done.release()
        self._go.acquire()

    def _step(self) -> None:
        if not self._future.done() and self._thread is not None:
            self._go.release()
            self._done.acquire()
            if self._future.done():
                self._thread.join()


Mood = Callable[[InstanceReference], "GurneyError | None"]


def calm(_reference: InstanceReference) -> GurneyError | None:
    return None


@attrs.define(eq=False)
class Moody(FileDownloader):
    """Gives what the simulated archive gives, unless its mood is against it; keeps count."""

    mood: Mood = calm
    given: list[InstanceReference] = attrs.field(factory=list[InstanceReference])
    asked: list[tuple[InstanceReference, ...]] = attrs.field(
        factory=list[tuple[InstanceReference, ...]]
    )

    @override
    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        references = to_instance_refs(objects)
        self.asked.append(references)
        for reference in references:
            error = self.mood(reference)
            if error is not None:
                raise error
            self.given.append(reference)
            yield from ARCHIVE.files([reference])


def references(study: int) -> tuple[InstanceReference, ...]:
    """Return all instances of the study with this number, in tree order."""
    uid = ARCHIVE.study(study).study_uid
    return to_instance_refs([ARCHIVE.find_study_by_id(uid, QueryLevels.INSTANCE)])


def transfer(
    folder: Path,
    downloader: FileDownloader = ARCHIVE,
    *,
    storage: Storage | None = None,
    windows: str = "always",
    limits: Limits = LIMITS,
) -> Transfer:
    """Return a transfer of everything to *folder*, planned."""
    made = Transfer(
        (),
        Given(ARCHIVE, downloader, "simulated"),
        FolderStorage(folder / "out", durable=False) if storage is None else storage,
        limits=limits,
        windows=Windows.parse(windows, "UTC"),
        ledger=folder / "ledger",
    )
    with Ledger.open(made.folder) as ledger:
        if not ledger.counts.items:
            _plan(ledger)
    return made


def _plan(ledger: Ledger) -> None:
    items = ledger.announce((f"row {n}", ledger.digest(str(n))) for n in range(STUDIES))
    for number, item in enumerate(items):
        claim = Claim(
            study_uid=ARCHIVE.study(number).study_uid,
            references=references(number),
            expectation=Expectation(INSTANCES, "instance listing"),
            whole=DICOMObjectLevels.STUDY,
            item=item,
        )
        ledger.planned([item], [claim])


def undisturbed(folder: Path) -> Receipt:
    """Return the receipt of a transfer in which nothing happens."""
    return transfer(folder).run(AtOnce(), clock=FakeClock()).receipt()


def without_retries(receipt: Receipt) -> Receipt:
    """Return *receipt* without how often an instance was asked for again."""
    studies = [
        attrs.evolve(study, outcomes=[attrs.evolve(each, retries=0) for each in study.outcomes])
        for study in receipt.studies
    ]
    return attrs.evolve(receipt, studies=studies)


def statuses(report: Report) -> dict[str, int]:
    """Return how many instances have which outcome."""
    return {status.value: count for status, count in report.counts.items() if count}


def files_under(folder: Path) -> dict[str, bytes]:
    """Return the content of all files under *folder* but receipts."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "receipt" not in path.name
    }


STORED = OutcomeStatus.STORED.value
FAILED = OutcomeStatus.FAILED.value
MISSING = OutcomeStatus.MISSING.value
