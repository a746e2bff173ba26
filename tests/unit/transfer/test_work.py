"""What a worker does with a parcel, and what the next one makes of what it has left."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from pydicom.dataset import Dataset
from tests.unit.transfer.workers import ARCHIVE, Moody, references
from typing_extensions import override

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    FileDownloader,
    GurneyError,
    InstanceReference,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Storage,
    StorageError,
)
from gurney.manners import Pace
from gurney.storage import FolderStorage
from gurney.testing import MemoryStorage
from gurney.transfer import Given, Opened, Source
from gurney.transfer.journal import Coming, FileJournal, journal_path
from gurney.transfer.parcels import Delivered, Errand, Obstacle, Parcel
from gurney.transfer.work import holds, look, work
from gurney.transfer.workplace import Workplace, enter, leave, park, working

REFERENCES = references(0)
PARCEL = Parcel(1, REFERENCES, DICOMObjectLevels.STUDY)
FIRST = REFERENCES[0]


@pytest.fixture
def place(tmp_path: Path) -> Generator[Errand]:
    """Return an errand, whose workplace is left in the end."""
    journal = tmp_path / "journal"
    journal.mkdir()
    storage = FolderStorage(tmp_path / "out", durable=False)
    errand = Errand(run="r", source=source(), storage=storage, journal=journal)
    yield errand
    for run in ("r", "asking", "other"):
        leave(run)


def asking(errand: Errand, downloader: FileDownloader, run: str = "asking") -> Errand:
    """Return the errand of another run, which asks *downloader*."""
    leave(run)
    return attrs.evolve(errand, run=run, source=source(downloader))


def source(downloader: FileDownloader = ARCHIVE) -> Given:
    return Given(ARCHIVE, downloader, "simulated")


def found(delivered: Delivered) -> dict[str, int]:
    names = [outcome.status.value for outcome in delivered.outcomes]
    return {name: names.count(name) for name in names}


def test_everything_in_a_parcel_is_stored(place: Errand) -> None:
    """One outcome for each instance, and the figures."""
    delivered = work(place, PARCEL)

    assert list(REFERENCES) == [outcome.reference for outcome in delivered.outcomes]
    assert {"stored": 6} == found(delivered)
    assert sum(outcome.size for outcome in delivered.outcomes) == delivered.received
    assert (("simulated", delivered.received),) == delivered.by_archive
    assert (None, "", False) == (delivered.obstacle, delivered.problem, delivered.parked)


def test_whole_study_is_asked_for_at_once(place: Errand) -> None:
    """What is there is not asked for again."""
    archive = Moody()
    errand = asking(place, archive)
    work(errand, Parcel(1, REFERENCES[:2]))
    delivered = work(errand, Parcel(2, REFERENCES, DICOMObjectLevels.STUDY))

    assert {"already there": 2, "stored": 4} == found(delivered)
    assert [2, 4] == [len(asked) for asked in archive.asked]


@pytest.mark.parametrize("journal", ["noted", "not noted"])
def test_dead_worker_leaves_no_trace(place: Errand, journal: str) -> None:
    """What it stored keeps its outcome, whether or not it came to note that."""
    expected = work(place, PARCEL).outcomes
    path = journal_path(place.journal or Path(), 1)
    if journal == "not noted":
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if b'"outcome"' not in line))

    archive = Moody()
    assert expected == work(asking(place, archive), PARCEL).outcomes
    assert [] == archive.asked


def test_what_was_noted_and_is_gone_is_fetched(place: Errand) -> None:
    """The disk is believed, not the journal."""
    (outcome, *_) = work(place, PARCEL).outcomes
    Path(place.storage.root, outcome.path).unlink()  # type: ignore[attr-defined]

    archive = Moody()
    delivered = work(asking(place, archive), PARCEL)
    assert {"stored": 6} == found(delivered)
    assert [FIRST] == archive.given


def test_what_was_withheld_is_not_asked_for_again(place: Errand) -> None:
    """It is nowhere to be found; the journal is all that tells."""

    class Withholding(MemoryStorage):
        @override
        def store(self, item: DICOMFile | Dataset, /) -> Outcome:
            stored = super().store(item)
            withheld = attrs.evolve(stored, status=OutcomeStatus.WITHHELD, reason="unwanted")
            self.files.clear()
            return withheld

    errand = attrs.evolve(place, storage=Withholding())
    expected = work(errand, PARCEL).outcomes
    archive = Moody()
    again = work(asking(errand, archive), PARCEL)

    assert {"withheld": 6} == found(again)
    assert expected == again.outcomes
    assert [] == archive.asked


def test_what_was_there_before_is_said_to_be(place: Errand) -> None:
    """Also by the second worker, who finds what the first one has stored beside it."""
    for file in ARCHIVE.files([FIRST]):
        place.storage.store(file)

    for _ in range(2):
        assert {"already there": 1, "stored": 5} == found(work(place, PARCEL))


def test_two_workers_on_one_parcel(place: Errand) -> None:
    """One was taken for lost, and is quicker after all: both say the same."""
    other: list[Delivered] = []

    def mood(reference: InstanceReference) -> None:
        if reference == REFERENCES[3] and not other:
            other.append(Delivered(parcel=1, outcomes=()))
            other.append(work(asking(place, ARCHIVE, "other"), PARCEL))

    delivered = work(asking(place, Moody(mood)), PARCEL)

    assert set(other[1].outcomes) == set(delivered.outcomes)
    assert {"stored": 6} == found(delivered)


@pytest.mark.parametrize(
    ("error", "obstacle"),
    [
        (ArchiveUnavailableError("away"), Obstacle.AWAY),
        (AuthenticationError("GET", "who are you"), Obstacle.DENIED),
        (StorageError("full"), Obstacle.BLOCKED),
    ],
)
def test_obstacle_is_no_fault_of_instances(
    place: Errand, error: GurneyError, obstacle: Obstacle
) -> None:
    """What came before it has its outcome; the rest has none."""
    archive = Moody(lambda reference: error if reference == REFERENCES[2] else None)
    delivered = work(asking(place, archive), PARCEL)

    assert {"stored": 2} == found(delivered)
    assert (obstacle, str(error)) == (delivered.obstacle, delivered.problem)
    assert not delivered.parked


def test_failure_is_the_instances(place: Errand) -> None:
    """Anything else that is raised is charged to one instance; its text is not told."""
    bad = REFERENCES[2]

    class Odd(FileDownloader):
        @override
        def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
            for file in ARCHIVE.files(objects):
                if file.reference == bad:
                    raise RuntimeError("Doe^John")
                yield file

    delivered = work(asking(place, Odd()), PARCEL)
    (failed,) = [outcome for outcome in delivered.outcomes if not outcome.good]

    assert (bad, "RuntimeError on its way") == (failed.reference, failed.reason)
    assert {"stored": 5, "failed": 1} == found(delivered)


class Closed(Source):
    """Cannot be opened."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("closed",)

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:  # noqa: ARG002
        raise InvalidInputError("no such archive")
        yield


def test_source_that_cannot_be_opened_blocks(place: Errand) -> None:
    """It will not open for the next parcel either."""
    delivered = work(attrs.evolve(place, source=Closed()), PARCEL)

    assert (Obstacle.BLOCKED, "no such archive") == (delivered.obstacle, delivered.problem)


def test_parked_between_two_instances(place: Errand) -> None:
    """What has come is stored, the next is not asked for."""
    archive = Moody()
    pace = Pace()
    enter("r", Workplace(source(archive), pace, lambda: len(archive.given) == 2))
    delivered = work(place, PARCEL)

    assert {"stored": 2} == found(delivered)
    assert delivered.parked
    assert 2 == len(archive.given)


def test_sign_parks_workers_elsewhere(place: Errand) -> None:
    """Other processes see it in the folder of journals."""
    park(place, parked=True)
    assert () == work(place, PARCEL).outcomes

    park(place, parked=False)
    assert {"stored": 6} == found(work(place, PARCEL))


def test_journal_that_others_do_not_see(place: Errand, tmp_path: Path) -> None:
    """A worker on a machine without the ledger's folder does without, and says what it finds."""
    errand = attrs.evolve(place, journal=tmp_path / "elsewhere")

    assert {"stored": 6} == found(work(errand, PARCEL))
    assert {"already there": 6} == found(work(errand, PARCEL))


def test_errand_travels(place: Errand) -> None:
    """To another process, which opens the archive itself; and back comes the same."""
    assert place.run == pickle.loads(pickle.dumps(place)).run
    with ProcessPoolExecutor(1) as executor:
        delivered = executor.submit(work, place, PARCEL).result()

    assert {"stored": 6} == found(delivered)
    assert {"stored": 6} == found(work(place, PARCEL))


def test_look_fetches_nothing(place: Errand) -> None:
    """It says what a worker that is no more has stored."""
    assert () == look(place, PARCEL)
    work(place, Parcel(1, REFERENCES[:2]))

    assert 2 == len(look(place, PARCEL))


def test_archive_is_opened_once_and_closed(place: Errand) -> None:
    """All parcels of a run share it; the run closes it."""
    opened: list[str] = []

    @attrs.frozen
    class Door(Source):
        @property
        def names(self) -> tuple[str, ...]:
            return ("door",)

        @contextmanager
        def open(self, pace: Pace) -> Generator[Opened]:  # noqa: ARG002
            opened.append("opened")
            yield Opened(ARCHIVE, ARCHIVE)
            opened.append("closed")

    errand = attrs.evolve(place, source=Door())
    work(errand, Parcel(1, REFERENCES[:2]))
    delivered = work(errand, Parcel(2, REFERENCES[2:]))
    leave("r")

    assert ["opened", "closed"] == opened
    assert (("door", delivered.received),) == delivered.by_archive


class Keeps(MemoryStorage):
    """Can say whether it holds something."""

    def holds(self, outcome: Outcome, /) -> bool:
        return outcome.path == "here"


def outcome(status: OutcomeStatus = OutcomeStatus.STORED, path: str = "") -> Outcome:
    return Outcome(reference=FIRST, status=status, path=path, reason="why")


def test_storage_is_asked_whether_it_holds_something() -> None:
    """By `holds`, if it has it; else by looking for the instance. What was withheld is nowhere."""
    storage: Storage = Keeps()
    plain = MemoryStorage()

    assert holds(storage, outcome(path="here"))
    assert not holds(storage, outcome(path="there"))
    assert not holds(plain, outcome())
    for file in ARCHIVE.files([FIRST]):
        plain.store(file)
    assert holds(plain, outcome())
    assert holds(MemoryStorage(), outcome(OutcomeStatus.WITHHELD))


def test_other_names_are_found_under_these(place: Errand) -> None:
    """What a transform named anew and a dead worker stored is not new, and not there before."""
    new = references(3)[0]

    class Renaming(Storage):
        """Stores one as another, and cannot find it by the name that was asked for."""

        def __init__(self) -> None:
            self.inner = MemoryStorage()

        @override
        def store(self, item: DICOMFile | Dataset, /) -> Outcome:
            (file,) = ARCHIVE.files([new])
            stored = self.inner.store(file)
            return attrs.evolve(stored, reference=FIRST, stored_as=new, reason="")

        @override
        def find(self, reference: InstanceReference, /) -> Outcome | None:
            return None

    storage = Renaming()
    parcel = Parcel(5, (FIRST,))
    errand = attrs.evolve(place, storage=storage)
    with FileJournal(journal_path(errand.journal or Path(), 5)) as journal:  # it died in between
        journal.begin([])
        journal.intend(FIRST, Coming("C-MOVE", 1))
    (file,) = ARCHIVE.files([new])
    storage.store(file)

    (after,) = work(errand, parcel).outcomes
    assert (OutcomeStatus.STORED, "C-MOVE", 1) == (after.status, after.protocol, after.retries)

    (unseen,) = work(attrs.evolve(errand, journal=None), parcel).outcomes
    assert OutcomeStatus.ALREADY_THERE is unseen.status


def test_places_of_earlier_runs_are_left(place: Errand) -> None:
    """A process that works for one run after another does not collect open archives."""
    events: list[str] = []

    @attrs.frozen
    class Door(Source):
        name: str

        @property
        def names(self) -> tuple[str, ...]:
            return (self.name,)

        @contextmanager
        def open(self, pace: Pace) -> Generator[Opened]:  # noqa: ARG002
            events.append(f"open {self.name}")
            yield Opened(ARCHIVE, ARCHIVE)
            events.append(f"close {self.name}")

    one = attrs.evolve(place, source=Door("one"))
    two = attrs.evolve(place, source=Door("two"), run="other")
    with working(one):
        work(one, Parcel(1, REFERENCES[:1]))
        work(two, Parcel(2, REFERENCES[1:2]))
        assert ["open one", "open two"] == events

    work(attrs.evolve(place, source=Door("three"), run="asking"), Parcel(3, REFERENCES[2:3]))
    assert ["close one", "close two", "open three"] == events[2:]
