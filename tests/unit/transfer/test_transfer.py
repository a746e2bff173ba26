"""A transfer is a value: made anew from the same parts, it goes on where it was."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Event

import attrs
import pytest
from pydicom.dataset import Dataset
from tests.unit.transfer.workers import (
    ALL,
    ARCHIVE,
    FAILED,
    INSTANCES,
    LIMITS,
    STORED,
    STUDIES,
    AtOnce,
    FakeClock,
    Moody,
    files_under,
    references,
    statuses,
)
from typing_extensions import override

from gurney.core import (
    ArchiveUnavailableError,
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InstanceReference,
    InvalidInputError,
    Query,
    Receipt,
    StudyReference,
)
from gurney.manners import Pace
from gurney.storage import FolderStorage, TransformingStorage
from gurney.testing import MemoryStorage
from gurney.transfer import (
    Given,
    Item,
    Limits,
    Opened,
    Source,
    Transfer,
    TransferProgress,
    status_of,
)

EVERYTHING = [ARCHIVE.study(number) for number in range(STUDIES)]


def to(
    folder: Path,
    *wanted: Item | StudyReference | Query,
    downloader: FileDownloader = ARCHIVE,
    limits: Limits = LIMITS,
) -> Transfer:
    source = Given(ARCHIVE, downloader, "simulated")
    return Transfer(wanted, source, FolderStorage(folder, durable=False), limits=limits)


def test_plan_then_run_then_report(tmp_path: Path) -> None:
    """References and queries; the plan says how much, the report that it is there."""
    query = Query(AccessionNumber=ARCHIVE.accession_number(3))
    made = to(tmp_path, *EVERYTHING[:2], Item("row 7 of x.csv", query))
    plan = made.plan()
    assert (3, 3, 3 * INSTANCES, True) == (plan.items, plan.studies, plan.instances, plan.complete)
    assert "stopped" == made.status().state

    report = made.run(AtOnce(), clock=FakeClock())
    assert report.complete
    assert [EVERYTHING[n].study_uid for n in (0, 1, 3)] == [
        each.study_uid for each in report.studies()
    ]
    assert "finished" == made.status().state


def test_run_plans_what_is_not_planned(tmp_path: Path) -> None:
    """For those who do not care; what is known is not asked for again."""
    assert to(tmp_path, *EVERYTHING).run(AtOnce(), clock=FakeClock()).complete
    archive = Moody()
    report = to(tmp_path, *EVERYTHING, downloader=archive).run(AtOnce(), clock=FakeClock())

    assert {STORED: ALL} == statuses(report)
    assert [] == archive.asked


def test_later_runs_need_no_list(tmp_path: Path) -> None:
    """What is wanted is in the ledger, as far as it has been planned."""
    to(tmp_path, *EVERYTHING).plan()

    assert to(tmp_path).run(AtOnce(), clock=FakeClock()).complete


def test_list_may_grow(tmp_path: Path) -> None:
    """More lines later are more work, and the receipt is of all."""
    to(tmp_path, *EVERYTHING[:1]).run(AtOnce(), clock=FakeClock())
    report = to(tmp_path, *EVERYTHING).run(AtOnce(), clock=FakeClock())

    assert {STORED: ALL} == statuses(report)


def test_receipt_is_beside_the_output(tmp_path: Path) -> None:
    """Written when all is done, once for each run that changed something."""
    made = to(tmp_path, *EVERYTHING[:1])
    made.plan()
    assert [] == list(tmp_path.glob("*.json"))
    made.run(AtOnce(), clock=FakeClock())
    report = made.run(AtOnce(), clock=FakeClock())

    (path,) = tmp_path.glob("*.json")
    assert "gurney-receipt.json" == path.name
    assert report.receipt() == Receipt.from_json(path.read_text())
    assert "simulated" == report.receipt().archive


class Unreachable(Source):
    """Cannot even be connected to."""

    @property
    @override
    def names(self) -> tuple[str, ...]:
        return ("simulated",)

    @override
    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        raise ArchiveUnavailableError("nobody answers")
        yield


def test_plan_that_never_began_is_no_proof(tmp_path: Path) -> None:
    """What was wanted when nobody could be asked is still wanted by a run without a list."""
    storage = FolderStorage(tmp_path, durable=False)
    with pytest.raises(ArchiveUnavailableError):
        Transfer(EVERYTHING, Unreachable(), storage, limits=LIMITS).plan()
    report = to(tmp_path).run(AtOnce(), clock=FakeClock())

    assert not report.complete
    assert ("item 1 and 3 more: not looked up yet",) == report.reasons
    assert "stopped" == status_of(tmp_path / "gurney-transfer").state
    assert [] == list(tmp_path.glob("*.json"))


def test_run_of_nothing_proves_nothing(tmp_path: Path) -> None:
    """There is no receipt that says complete before anybody has said what is wanted."""
    report = to(tmp_path).run(AtOnce(), clock=FakeClock())

    assert not report.complete
    assert ("nothing has been planned: say what is wanted",) == report.reasons
    assert not report.receipt().complete
    assert "new" == status_of(tmp_path / "gurney-transfer").state
    assert [] == list(tmp_path.glob("*.json"))


def test_rows_that_fail_later_are_in_the_last_receipt(tmp_path: Path) -> None:
    """Nobody keeps a receipt that says complete of a list that has grown since."""
    to(tmp_path, *EVERYTHING).run(AtOnce(), clock=FakeClock())
    unknown = Item("row 9", StudyReference("2.25.999"))
    for _ in range(2):
        to(tmp_path, *EVERYTHING, unknown).run(AtOnce(), clock=FakeClock())

    kept = {path.name: json.loads(path.read_text())["complete"] for path in tmp_path.glob("*.json")}
    assert {"gurney-receipt.json": True, "gurney-receipt-2.json": False} == kept


def exits(_: Dataset) -> Dataset | None:
    raise SystemExit(1)


def test_transform_that_exits_fails_its_instances(tmp_path: Path) -> None:
    """What a stranger raises ends neither the run nor what comes after it."""
    storage = TransformingStorage(FolderStorage(tmp_path, durable=False), exits)
    source = Given(ARCHIVE, ARCHIVE, "simulated")
    report = Transfer(EVERYTHING, source, storage, limits=LIMITS).run(AtOnce(), clock=FakeClock())

    assert {FAILED: ALL} == statuses(report)
    assert {"the transform exits raised SystemExit; nothing was kept"} == {
        outcome.reason for outcome in report.receipt().outcomes
    }


def test_ledger_of_another_transfer_is_refused(tmp_path: Path) -> None:
    """Two sources, or two layouts, in one ledger would make a receipt of nothing."""
    to(tmp_path, *EVERYTHING).plan()
    other = Given(ARCHIVE, ARCHIVE, "another archive")
    flat = FolderStorage(tmp_path, "{SOPInstanceUID}.dcm")

    with pytest.raises(InvalidInputError, match="from"):
        Transfer((), other, FolderStorage(tmp_path)).run(AtOnce(), clock=FakeClock())
    with pytest.raises(InvalidInputError, match="layout"):
        Transfer((), Given(ARCHIVE, ARCHIVE, "simulated"), flat).run(AtOnce(), clock=FakeClock())


def test_output_may_be_moved(tmp_path: Path) -> None:
    """With its ledger: another disk, another name, the same transfer."""
    to(tmp_path / "here", *EVERYTHING).run(AtOnce(), clock=FakeClock())
    (tmp_path / "here").rename(tmp_path / "there")
    archive = Moody()

    assert to(tmp_path / "there", downloader=archive).run(AtOnce(), clock=FakeClock()).complete
    assert [] == archive.asked


def test_storage_that_is_no_folder_needs_a_place_for_the_ledger(tmp_path: Path) -> None:
    """And gets no receipt file; the report is there."""
    source = Given(ARCHIVE, ARCHIVE, "simulated")
    with pytest.raises(InvalidInputError, match="ledger"):
        Transfer(EVERYTHING, source, MemoryStorage())
    made = Transfer(EVERYTHING, source, MemoryStorage(), ledger=tmp_path / "ledger")

    assert made.run(AtOnce(), clock=FakeClock()).complete
    assert [tmp_path / "ledger"] == list(tmp_path.iterdir())


def test_transfer_shows_no_patient(tmp_path: Path) -> None:
    """Neither its repr, nor anything that it writes, names one."""
    number = ARCHIVE.accession_number(1)
    made = to(tmp_path, Query(AccessionNumber=number), Query(PatientID=ARCHIVE.patient_id(0)))
    report = made.run(AtOnce(), clock=FakeClock())
    written = b"".join(files_under(made.folder).values()).decode("latin-1")

    assert report.complete
    for text in (repr(made), written, report.receipt().to_json()):
        assert "SIM0" not in text


def test_transfer_pickles(tmp_path: Path) -> None:
    """It is a value; a program may send it where it is to run."""
    made = to(tmp_path, *EVERYTHING[:1])
    copy: Transfer = pickle.loads(pickle.dumps(made))

    assert (made.wanted, made.folder) == (copy.wanted, copy.folder)


def test_progress_is_told(tmp_path: Path) -> None:
    """From nothing to all; what arrives is counted by archive."""
    seen: list[TransferProgress] = []
    report = to(tmp_path, *EVERYTHING).run(AtOnce(), clock=FakeClock(), progress=seen.append)

    assert ALL == seen[-1].counts.done
    assert sorted(each.counts.done for each in seen) == [each.counts.done for each in seen]
    assert report.receipt().verified_bytes == seen[-1].received
    assert {"simulated": seen[-1].received} == seen[-1].by_archive
    assert 0 == seen[-1].under_way


def test_listener_that_raises_ends_the_run_in_order(tmp_path: Path) -> None:
    """Its error is raised; the ledger can be gone on with."""
    made = to(tmp_path, *EVERYTHING)

    def fail(progress: TransferProgress) -> None:
        if progress.counts.done:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made.run(AtOnce(), clock=FakeClock(), progress=fail)
    assert ("stopped", "ZeroDivisionError") == (made.status().state, made.status().detail)
    assert made.run(AtOnce(), clock=FakeClock()).complete


def test_status_from_another_process(tmp_path: Path) -> None:
    """While it runs: it says who is at work, and how far."""
    told: list[list[object]] = []
    program = (
        "import sys, json; from gurney.transfer import status_of\n"
        "status = status_of(sys.argv[1])\n"
        "print(json.dumps([status.state, status.pid, status.counts.instances]))"
    )

    def ask(progress: TransferProgress) -> None:
        if progress.counts.done and not told:
            command = [sys.executable, "-c", program, str(tmp_path / "gurney-transfer")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            told.append(json.loads(done.stdout))

    to(tmp_path, *EVERYTHING).run(AtOnce(), clock=FakeClock(), progress=ask)
    assert [["running", os.getpid(), ALL]] == told


def test_interrupt_stops_in_good_order(tmp_path: Path) -> None:
    """Ctrl-C once: workers are parked between two instances, then `KeyboardInterrupt` comes."""
    archive = Moody()

    def mood(_: InstanceReference) -> None:
        if len(archive.given) == 5:
            signal.raise_signal(signal.SIGINT)

    archive.mood = mood
    made = to(tmp_path, *EVERYTHING, downloader=archive, limits=attrs.evolve(LIMITS, parcel=100))
    with pytest.raises(KeyboardInterrupt):
        made.run(AtOnce(), clock=FakeClock())

    status = status_of(made.folder)
    assert ("stopped", "it was interrupted") == (status.state, status.detail)
    assert 6 == status.counts.good == len(archive.given)
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_stop_from_another_thread(tmp_path: Path) -> None:
    """A run in a thread of a larger program ends when that says so."""
    stop = Event()
    archive = Moody()

    def mood(_: InstanceReference) -> None:
        if len(archive.given) == 5:
            stop.set()

    archive.mood = mood
    made = to(tmp_path, *EVERYTHING, downloader=archive)
    with ThreadPoolExecutor(1) as executor:
        report = executor.submit(made.run, stop=stop).result()

    assert not report.complete
    assert 5 < made.status().counts.good < ALL


class Busy(Source, FileDownloader):
    """Says that it is busy whenever two are asked for at a time."""

    def __init__(self) -> None:
        self.pace: Pace = Pace()
        self.refuses: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return ("busy",)

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        self.pace = pace
        yield Opened(ARCHIVE, self)

    @override
    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        if self.refuses:
            self.pace.busy()
        yield from ARCHIVE.files(objects)


def test_busy_archive_is_asked_less_at_a_time(tmp_path: Path) -> None:
    """The limit is halved, down to one, and everything comes."""
    seen: list[TransferProgress] = []
    limits = attrs.evolve(LIMITS, parallel=8)
    storage = FolderStorage(tmp_path, durable=False)
    made = Transfer(EVERYTHING, Busy(), storage, limits=limits)
    report = made.run(AtOnce(), clock=FakeClock(), progress=seen.append)

    assert report.complete
    assert (8, 4) == (max(each.limit for each in seen), min(each.limit for each in seen))
    assert 0 < made.status().counts.refusals


def test_two_names_of_one_study_are_one(tmp_path: Path) -> None:
    """What is wanted twice is fetched once, and is in the receipt once."""
    query = Query(AccessionNumber=ARCHIVE.accession_number(0))
    archive = Moody()
    made = to(tmp_path, EVERYTHING[0], query, downloader=archive)
    report = made.run(AtOnce(), clock=FakeClock())

    assert {STORED: INSTANCES} == statuses(report)
    assert sorted(references(0)) == sorted(archive.given)


def renamed(dataset: Dataset) -> Dataset | None:
    """Give other UIDs, the same each time; withhold an instance of each series."""
    if dataset.InstanceNumber == 2:
        return None
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        digest = sha256(dataset[keyword].value.encode()).digest()
        dataset[keyword].value = f"2.25.{int.from_bytes(digest[:16], 'big')}"
    return dataset


def test_transformed_and_stopped_and_run_again(tmp_path: Path) -> None:
    """What a transform makes is in the receipt under both names, as if nothing had happened."""
    archive = Moody()

    def made(folder: Path, downloader: FileDownloader) -> Transfer:
        source = Given(ARCHIVE, downloader, "simulated")
        storage = TransformingStorage(FolderStorage(folder / "out", durable=False), renamed)
        return Transfer(EVERYTHING, source, storage, limits=LIMITS, ledger=folder / "ledger")

    def mood(_: InstanceReference) -> None:
        if len(archive.given) == 5:
            raise KeyboardInterrupt

    archive.mood = mood
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "stopped", archive).run(AtOnce(), clock=FakeClock())
    archive.mood = lambda _: None
    report = made(tmp_path / "stopped", archive).run(AtOnce(), clock=FakeClock())
    expected = made(tmp_path / "calm", ARCHIVE).run(AtOnce(), clock=FakeClock())

    assert report.complete
    assert expected.receipt().studies == report.receipt().studies
    assert {"stored", "withheld"} == set(statuses(report))
    assert ALL == len(archive.given)
    stored = [each for each in report.receipt().outcomes if each.in_place]
    assert all(each.stored_as for each in stored)
    assert files_under(tmp_path / "calm" / "out") == files_under(tmp_path / "stopped" / "out")
    uids = "".join(path.as_posix() for path in (tmp_path / "calm" / "out").rglob("*"))
    assert EVERYTHING[0].study_uid not in uids
    assert [] == list((tmp_path / "calm" / "out").glob("*.json"))
    assert 1 == len(list((tmp_path / "calm" / "ledger").glob("gurney-receipt.json")))
