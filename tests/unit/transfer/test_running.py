"""A run: parcels go out, and each instance has one outcome in the end, whatever happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Event
from typing import Any

import attrs
import pytest
from pydicom.dataset import Dataset
from tests.unit.transfer.workers import (
    ALL,
    FAILED,
    INSTANCES,
    LIMITS,
    MISSING,
    STORED,
    STUDIES,
    AtOnce,
    FakeClock,
    Hostile,
    Lockstep,
    Moody,
    Way,
    WorkerDiedError,
    files_under,
    references,
    statuses,
    transfer,
    undisturbed,
    without_retries,
)
from typing_extensions import override

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMFile,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    Outcome,
    StorageError,
)
from gurney.storage import FolderStorage
from gurney.transfer import LedgerBusyError, TransferProgress
from gurney.transfer.ledger import Ledger
from gurney.transfer.parcels import Delivered

SECOND, THIRD = references(1)[1], references(2)[2]


def test_everything_arrives(tmp_path: Path) -> None:
    """Each instance is fetched once, in whole studies where they fit into a parcel."""
    archive = Moody()
    report = transfer(tmp_path, archive).run(AtOnce(), clock=FakeClock())

    assert report.complete
    assert {STORED: ALL} == statuses(report)
    assert ALL == len(archive.given) == len(set(archive.given))


def test_own_threads_do_as_well(tmp_path: Path) -> None:
    """Without an executor there are threads, which leave nothing behind."""
    report = transfer(tmp_path / "threads").run()

    assert undisturbed(tmp_path / "at once").studies == report.receipt().studies
    assert [] == list((tmp_path / "threads" / "ledger" / "journal").iterdir())


# ---------------------------------------------------------------- executors


@pytest.mark.parametrize("seed", range(12))
def test_hostile_executors_change_nothing(tmp_path: Path, seed: int) -> None:
    """Lost, doubled, late or broken tasks leave no trace in the receipt, nor in the files."""
    ways = [way for way in Way if way is not Way.WELL]
    troubled = [0]

    def choose(chance: random.Random) -> Way:
        troubled[0] += 1
        return chance.choice(ways) if chance.random() < 0.5 else Way.WELL

    executor = Hostile(seed, choose)
    report = transfer(tmp_path / "hostile").run(executor, clock=executor.clock)

    expected = undisturbed(tmp_path / "calm")
    assert expected.studies == without_retries(report.receipt()).studies
    assert files_under(tmp_path / "calm" / "out") == files_under(tmp_path / "hostile" / "out")


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.WELL])
def test_one_bad_turn_changes_nothing(tmp_path: Path, way: Way) -> None:
    """Whatever becomes of the first task, the receipt is that of an undisturbed run."""
    turns = iter([way])
    executor = Hostile(1, lambda _: next(turns, Way.WELL))
    report = transfer(tmp_path / "hostile").run(executor, clock=executor.clock)

    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies


class Broken(Executor):
    """Has no workers any more."""

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise BrokenProcessPool


def test_broken_executor_ends_the_run(tmp_path: Path) -> None:
    """A pool that takes nothing any more does not hold a run up for ever; the report says so."""
    made = transfer(tmp_path)
    report = made.run(Broken(), clock=FakeClock())

    assert {MISSING: ALL} == statuses(report)
    assert "BrokenProcessPool" in report.studies().__next__().outcomes[0].reason
    assert {STORED: ALL} == statuses(made.run(AtOnce(), clock=FakeClock()))


def test_task_that_kills_its_workers_stops_no_other(tmp_path: Path) -> None:
    """A parcel that is the end of each worker has failed; all others come."""
    bad = references(1)

    class Fragile(AtOnce):
        @override
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if args[1].references[0].study_uid != bad[0].study_uid:
                return super().submit(fn, *args, **kwargs)
            future = Future[Any]()
            future.set_exception(WorkerDiedError())
            return future

    limits = attrs.evolve(LIMITS, retries=attrs.evolve(LIMITS.retries, attempts=1))
    report = transfer(tmp_path, limits=limits).run(Fragile(), clock=FakeClock())

    assert {STORED: ALL - INSTANCES, FAILED: INSTANCES} == statuses(report)
    reasons = {each.reason for each in report.receipt().outcomes if not each.good}
    assert {"the worker that fetched it was lost (WorkerDiedError)"} == reasons


@pytest.mark.parametrize("answer", [None, Delivered(parcel=99, outcomes=()), "of another"])
def test_executor_that_makes_things_up(tmp_path: Path, answer: object) -> None:
    """What is no answer, or the answer to something else, is not believed."""
    answers = [answer]

    class Liar(AtOnce):
        @override
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(fn, *args, **kwargs)
            if not answers:
                return future
            lie = answers.pop()
            lied = Future[Any]()
            other = attrs.evolve(future.result(), parcel=99)
            lied.set_result(other if lie == "of another" else lie)
            return lied

    report = transfer(tmp_path / "lied").run(Liar(), clock=FakeClock())

    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies


def test_stopped_run_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A worker that never comes back is waited for as long as patience lasts."""
    stop = Event()
    executor = Hostile(1, lambda _: Way.LOSES)
    executor.clock.meanwhile = stop.set
    report = transfer(tmp_path).run(executor, clock=executor.clock, stop=stop)

    assert {MISSING: ALL} == statuses(report)
    assert executor.clock.now < 700


def test_what_cannot_travel_is_said_early(tmp_path: Path) -> None:
    """Nobody starts processes to find out that an open archive does not pickle."""
    made = transfer(tmp_path, Moody(mood=lambda _: None))
    with ProcessPoolExecutor(1) as executor, pytest.raises(InvalidInputError, match="travel"):
        made.run(executor)


# ---------------------------------------------------------------- archives


def test_failed_instance_is_asked_for_again(tmp_path: Path) -> None:
    """After a wait; its retries are in the receipt, and those of no other."""
    left = [2]

    def mood(reference: InstanceReference) -> DownloadError | None:
        if reference == SECOND and left[0]:
            left[0] -= 1
            return DownloadError(str(reference), "damaged on its way")
        return None

    clock = FakeClock()
    report = transfer(tmp_path, Moody(mood)).run(AtOnce(), clock=clock)

    assert report.complete
    retries = {each.reference: each.retries for each in report.receipt().outcomes if each.retries}
    assert {SECOND: 2} == retries
    assert clock.now >= 10.0 + 20.0


def test_bad_instance_stops_no_other(tmp_path: Path) -> None:
    """It has failed in the end, with its reason; the others are there; retry_failed asks again."""
    bad = [True]

    def mood(reference: InstanceReference) -> DownloadError | None:
        fails = bad[0] and reference == SECOND
        return DownloadError(str(reference), "is damaged there") if fails else None

    made = transfer(tmp_path, Moody(mood))
    report = made.run(AtOnce(), clock=FakeClock())
    assert {STORED: ALL - 1, FAILED: 1} == statuses(report)
    (outcome,) = [each for each in report.receipt().outcomes if not each.good]
    assert (SECOND, "is damaged there", 2) == (outcome.reference, outcome.reason, outcome.retries)

    bad[0] = False
    assert {STORED: ALL - 1, FAILED: 1} == statuses(made.run(AtOnce(), clock=FakeClock()))
    again = made.run(AtOnce(), clock=FakeClock(), retry_failed=True)
    assert {STORED: ALL} == statuses(again)


def test_archive_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    """No instance is to blame for an archive that is away; one worker at a time looks for it."""
    clock = FakeClock()
    seen: list[TransferProgress] = []

    def mood(_: InstanceReference) -> ArchiveUnavailableError | None:
        return ArchiveUnavailableError("nobody answers") if 1 < clock.now < 200 else None

    archive = Moody(mood)
    executor = Hostile(1, lambda _: Way.WELL)
    clock = executor.clock
    report = transfer(tmp_path, archive).run(executor, clock=clock, progress=seen.append)

    assert report.complete
    assert {0} == {each.retries for each in report.receipt().outcomes}
    waits = [each for each in seen if each.waiting == "for the archive"]
    assert waits
    assert {("nobody answers", 1)} == {(each.problem, each.limit) for each in waits}
    assert 20 > len(archive.asked)


def test_archive_that_stays_away_ends_the_run(tmp_path: Path) -> None:
    """Patience has an end; what is there stays, the rest is pending, and the report says why."""
    clock = FakeClock()
    away = [True]

    def mood(_: InstanceReference) -> ArchiveUnavailableError | None:
        return ArchiveUnavailableError("nobody answers") if away[0] else None

    made = transfer(tmp_path, Moody(mood))
    report = made.run(AtOnce(), clock=clock)

    assert {MISSING: ALL} == statuses(report)
    assert 600 <= clock.now < 700
    assert "nobody answers" in report.receipt().outcomes[0].reason
    away[0] = False
    assert made.run(AtOnce(), clock=FakeClock()).complete


def test_nobody_who_is_not_let_in_knocks_for_long(tmp_path: Path) -> None:
    """Wrong credentials end the run at once: archives lock accounts."""
    archive = Moody(lambda _: AuthenticationError("GET /", "wants other credentials", 401))
    report = transfer(tmp_path, archive).run(AtOnce(), clock=FakeClock())

    assert {MISSING: ALL} == statuses(report)
    assert 2 >= len(archive.asked)
    assert "wants other credentials" in report.receipt().outcomes[0].reason


@pytest.mark.parametrize("place", range(STUDIES))
@pytest.mark.parametrize("parcel", [1, 100], ids=["in parcels of one", "as one parcel"])
def test_study_that_is_kept_from_us_stops_no_other(tmp_path: Path, place: int, parcel: int) -> None:
    """An archive may keep one study from us, be it the first: that one fails, and says why."""
    uid = references(place)[0].study_uid

    def mood(reference: InstanceReference) -> AuthenticationError | None:
        kept = reference.study_uid == uid
        return AuthenticationError("GET /", "not for you", 403) if kept else None

    limits = attrs.evolve(LIMITS, parallel=1, parcel=parcel)
    report = transfer(tmp_path, Moody(mood), limits=limits).run(AtOnce(), clock=FakeClock())
    failed = [each for each in report.receipt().outcomes if each.status.value == FAILED]

    assert {STORED: ALL - INSTANCES, FAILED: INSTANCES} == statuses(report)
    assert {uid} == {each.reference.study_uid for each in failed if each.reference}
    assert {"GET /: not for you"} == {each.reason for each in failed}


def test_archive_that_keeps_everything_from_us_is_left_alone(tmp_path: Path) -> None:
    """Not each of ten thousand studies needs to find that out."""
    archive = Moody(lambda _: AuthenticationError("GET /", "not for you", 403))
    limits = attrs.evolve(LIMITS, parallel=1)
    report = transfer(tmp_path, archive, limits=limits).run(AtOnce(), clock=FakeClock())

    assert {MISSING: ALL} == statuses(report)
    assert STUDIES > len({asked[0].study_uid for asked in archive.asked})
    assert "keeps all studies from us" in report.receipt().outcomes[-1].reason


def test_token_that_runs_out_ends_the_run(tmp_path: Path) -> None:
    """What the archive denies from some moment on is not charged to the instances."""
    archive = Moody()

    def mood(_: InstanceReference) -> AuthenticationError | None:
        out = len(archive.given) >= 7
        return AuthenticationError("GET /", "the token is too old", 401) if out else None

    archive.mood = mood
    report = transfer(tmp_path, archive).run(AtOnce(), clock=FakeClock())

    assert {STORED: 7, MISSING: ALL - 7} == statuses(report)


# ---------------------------------------------------------------- storage


class Full:
    """A storage that can take some instances and no more."""

    def __init__(self, folder: Path, room: int) -> None:
        self.inner: FolderStorage = FolderStorage(folder, durable=False)
        self.room: int = room

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if not self.room:
            raise StorageError("no space left; make room")
        self.room -= 1
        return self.inner.store(item)

    def find(self, reference: InstanceReference, /) -> Outcome | None:
        return self.inner.find(reference)


def test_full_disk_ends_the_run(tmp_path: Path) -> None:
    """It is said; what is stored is stored, all else is pending; with room, the rest comes."""
    storage = Full(tmp_path / "out", room=5)
    archive = Moody()
    made = transfer(tmp_path, archive, storage=storage)
    report = made.run(AtOnce(), clock=FakeClock())

    assert {STORED: 5, MISSING: ALL - 5} == statuses(report)
    assert "no space left" in report.receipt().outcomes[-1].reason
    storage.room = ALL
    again = made.run(AtOnce(), clock=FakeClock())
    assert {STORED: ALL} == statuses(again)


def test_full_disk_of_the_ledger_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored and could not be written down is found on the disk."""
    archive = Moody()
    made = transfer(tmp_path / "full", archive)
    records = Ledger.record
    room = [3]

    def record(self: Ledger, *args: Any) -> None:
        if not room[0]:
            raise StorageError("the ledger cannot be written")
        room[0] -= 1
        records(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", record)
        with pytest.raises(StorageError):
            made.run(AtOnce(), clock=FakeClock())

    report = made.run(AtOnce(), clock=FakeClock())
    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies
    assert ALL == len(archive.given)


def test_what_was_lost_is_fetched_again(tmp_path: Path) -> None:
    """A later run looks at the disk: what earlier ones stored must still be there."""
    made = transfer(tmp_path)
    made.run(AtOnce(), clock=FakeClock())
    gone = sorted((tmp_path / "out").rglob("*.dcm"))[3]
    content = gone.read_bytes()
    gone.unlink()

    report = made.run(AtOnce(), clock=FakeClock())
    assert report.complete
    assert content == gone.read_bytes()


# ---------------------------------------------------------------- stopping, and windows


def test_stopped_between_two_instances(tmp_path: Path) -> None:
    """Nothing more is taken; what has come is stored; a later run takes the rest, once."""
    stop = Event()
    archive = Moody()

    def mood(_: InstanceReference) -> None:
        if len(archive.given) == 6:
            stop.set()

    archive.mood = mood
    made = transfer(tmp_path / "stopped", archive)
    report = made.run(AtOnce(), clock=FakeClock(), stop=stop)

    assert {STORED: 7, MISSING: ALL - 7} == statuses(report)
    assert "stopped" == made.status().state
    report = made.run(AtOnce(), clock=FakeClock())
    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies
    assert ALL == len(set(archive.given))


def test_window_closes_in_mid_parcel(tmp_path: Path) -> None:
    """At its edge, work is parked between two instances, and goes on when it opens again."""
    executor = Lockstep()
    clock = executor.clock
    seen: list[TransferProgress] = []
    times: list[float] = []

    def mood(_: InstanceReference) -> None:
        executor.pause()
        times.append(clock.now)

    archive = Moody(mood)
    limits = attrs.evolve(LIMITS, parallel=1, parcel=100)
    clock.now = 2 * 3600 - 2.0
    made = transfer(tmp_path / "parked", archive, windows="09:00-10:00; 10:05-12:00", limits=limits)
    report = made.run(executor, clock=clock, progress=seen.append)

    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies
    assert ALL == len(archive.given)
    closed = [time for time in times if 7200 <= time < 7500]
    assert 2 >= len(closed)  # one was under way, and one was asked for
    assert min(times) < 7200
    assert max(times) > 7500
    assert "for the window" in {each.waiting for each in seen if each.under_way}


def test_parcel_that_is_parked_at_once_comes_again(tmp_path: Path) -> None:
    """A worker may only get to it when the window is closed; it has done nothing wrong."""
    turns = iter([Way.SLOW])
    executor = Hostile(1, lambda _: next(turns, Way.WELL))
    made = transfer(tmp_path, windows="08:00-08:30; 09:00-12:00")
    report = made.run(executor, clock=executor.clock)

    assert {STORED: ALL} == statuses(report)
    assert executor.clock.now > 3600


def test_patience_does_not_run_out_while_nobody_asks(tmp_path: Path) -> None:
    """An archive that is away when the window closes may be there when it opens."""
    clock = FakeClock()

    def mood(_: InstanceReference) -> ArchiveUnavailableError | None:
        return ArchiveUnavailableError("nobody answers") if clock.now < 1900 else None

    clock.now = 1700.0
    made = transfer(tmp_path, Moody(mood), windows="08:00-08:30; 09:00-10:00")

    assert made.run(AtOnce(), clock=clock).complete


def test_closed_window_starts_nothing(tmp_path: Path) -> None:
    """Until it opens; whoever watches is told when that is."""
    clock = FakeClock()
    seen: list[TransferProgress] = []
    report = transfer(tmp_path, windows="08:10-10:00").run(
        AtOnce(), clock=clock, progress=seen.append
    )

    assert report.complete
    assert 600 <= clock.now < 610
    assert ("for the window", 0) == (seen[0].waiting, seen[0].under_way)
    assert clock.time() >= (seen[0].until or 0) > 0


def test_interrupt_leaves_all_in_order(tmp_path: Path) -> None:
    """`KeyboardInterrupt` comes when the ledger is in order; a later run takes the rest."""
    archive = Moody()

    def mood(_: InstanceReference) -> None:
        if len(archive.given) == 5:
            raise KeyboardInterrupt

    archive.mood = mood
    made = transfer(tmp_path / "interrupted", archive)
    with pytest.raises(KeyboardInterrupt):
        made.run(AtOnce(), clock=FakeClock())
    assert "stopped" == made.status().state

    archive.mood = lambda _: None
    report = made.run(AtOnce(), clock=FakeClock())
    assert undisturbed(tmp_path / "calm").studies == report.receipt().studies


def test_second_run_says_who_is_at_work(tmp_path: Path) -> None:
    """Two runs on one ledger would fetch everything twice."""
    made = transfer(tmp_path)
    with (
        Ledger.open(made.folder) as ledger,
        ledger.locked("run"),
        pytest.raises(LedgerBusyError, match=r"\d+"),
    ):
        made.run(AtOnce(), clock=FakeClock())


def test_run_says_nothing_of_patients(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the ledger's folder nor a log holds a value that names one."""
    made = transfer(tmp_path)
    made.run(AtOnce(), clock=FakeClock())
    content = b"".join(files_under(made.folder).values()) + caplog.text.encode()

    assert b"SIM0000" not in content
