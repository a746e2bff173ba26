"""A ladder of downloaders: what one does not bring, the next is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from tests.unit.reading import outcome

from gurney.core import (
    CHUNK_SIZE,
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    DownloadError,
    FileDownloader,
    GurneyError,
    IncompleteDownloadError,
    InstanceReference,
    InvalidInputError,
    NonInstanceParameterError,
    Query,
    QueryLevels,
    StorageError,
    StudyReference,
    to_instance_refs,
)
from gurney.retrieving import Ladder
from gurney.testing import (
    FileDownloaderConformance,
    MemoryArchive,
    conformance_datasets,
    example_datasets,
    reference_of,
)

DATASETS = example_datasets()
INSTANCES = [reference_of(dataset) for dataset in DATASETS]
UIDS = [instance.instance_uid for instance in INSTANCES]


class Recorder(FileDownloader):
    """Passes on what another downloader gives, and remembers what it was asked for."""

    def __init__(self, downloader: FileDownloader) -> None:
        self.downloader: FileDownloader = downloader
        self.asked: list[DICOMDownloadable] = []
        self.open: int = 0

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        self.asked = list(objects)
        self.open += 1
        try:
            yield from self.downloader.files(self.asked)
        finally:
            self.open -= 1


class Broken(FileDownloader):
    """Gives the instances it holds, then an error."""

    def __init__(self, error: GurneyError, datasets: Sequence[Dataset] = ()) -> None:
        self.error: GurneyError = error
        self.archive: MemoryArchive = MemoryArchive(datasets)
        self.held: set[DICOMObjectReference] = {reference_of(dataset) for dataset in datasets}

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        held = [reference for reference in to_instance_refs(objects) if reference in self.held]
        yield from self.archive.files(held)
        raise self.error


class Large(FileDownloader):
    """Gives one instance of 3 chunks, of which the last may not come."""

    def __init__(self, *, breaks: bool) -> None:
        self.breaks: bool = breaks

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        for obj in objects:
            reference = obj.reference()
            yield DICOMFile(self._chunks(reference), reference, "large")

    def _chunks(self, reference: DICOMObjectReference) -> Iterator[bytes]:
        yield bytes(CHUNK_SIZE)
        yield bytes(CHUNK_SIZE)
        if self.breaks:
            raise DownloadError(str(reference), "it broke")
        yield b"the end"


class TestLadder(FileDownloaderConformance):
    """Of two archives that hold half each, a ladder makes one."""

    @pytest.fixture
    def downloader(self) -> Ladder:
        datasets = conformance_datasets()
        return Ladder(MemoryArchive(datasets), MemoryArchive(datasets[::2]))


def test_next_rung_gets_only_what_failed() -> None:
    """What came is not asked for twice; what failed comes whole, once."""
    second = Recorder(MemoryArchive(DATASETS))
    ladder = Ladder(MemoryArchive(DATASETS, failing=UIDS[2:4]), second)
    whole, failed = outcome(ladder.files(INSTANCES))

    assert INSTANCES[2:4] == second.asked
    assert sorted(INSTANCES) == sorted(ref for ref in whole if ref is not None)
    assert [] == failed


def test_next_rung_gets_whole_objects_if_all_of_them_is_missing() -> None:
    """A study of which nothing came is asked for as a study: one question, not hundreds."""
    studies = MemoryArchive(DATASETS).find_studies(Query(query_level=QueryLevels.INSTANCE))
    second = Recorder(MemoryArchive(DATASETS))
    outcome(Ladder(MemoryArchive(DATASETS[2:]), second).files(studies))

    assert [studies[0]] == second.asked


@pytest.mark.parametrize(
    "error", [ArchiveUnavailableError("nobody there"), AuthenticationError("GET", "not you")]
)
@pytest.mark.parametrize("before", [0, 3])
def test_rung_that_breaks_off_leaves_the_rest_to_the_next(error: GurneyError, before: int) -> None:
    """What came before the error stays; the rest comes from below."""
    second = Recorder(MemoryArchive(DATASETS))
    whole, failed = outcome(Ladder(Broken(error, DATASETS[:before]), second).files(INSTANCES))

    assert (INSTANCES, []) == (whole, failed)
    assert INSTANCES[before:] == second.asked


def test_last_rung_is_not_asked_if_there_is_nothing_left() -> None:
    """A ladder climbs no further than it has to."""
    second = Recorder(MemoryArchive())
    outcome(Ladder(MemoryArchive(DATASETS), second).files(INSTANCES))

    assert [] == second.asked


def test_failure_has_the_reasons_of_all_rungs() -> None:
    """Whoever has to find out why sees what each way said."""
    down = Broken(ArchiveUnavailableError("nobody there"))
    whole, failed = outcome(Ladder(down, MemoryArchive(DATASETS[1:])).files(INSTANCES))

    assert INSTANCES[1:] == whole
    assert ["nobody there; then memory: this archive does not hold it; search for it"] == failed


def test_nobody_there_on_any_rung_is_an_error() -> None:
    """As with one downloader: there is nobody to ask."""
    down = Broken(ArchiveUnavailableError("nobody there"))
    with pytest.raises(ArchiveUnavailableError):
        outcome(Ladder(down, down).files(INSTANCES))


def test_what_is_wrong_with_the_call_is_said_before_the_first_file() -> None:
    """A caller may expand and start again."""
    deeper = Broken(NonInstanceParameterError("1.2", "instance"))
    second = Recorder(MemoryArchive(DATASETS))
    with pytest.raises(NonInstanceParameterError):
        outcome(Ladder(deeper, second).files(INSTANCES))

    assert [] == second.asked


def test_lower_rung_that_needs_more_is_a_failure() -> None:
    """Between two files there is no starting again."""
    second = Broken(NonInstanceParameterError("1.2", "instance"))
    whole, failed = outcome(Ladder(MemoryArchive(DATASETS[1:]), second).files(INSTANCES))

    assert INSTANCES[1:] == whole
    assert 1 == len(failed)


def test_large_one_that_breaks_may_come_again() -> None:
    """Its first bytes were passed on; the file that comes last is the one that counts."""
    ladder = Ladder(Large(breaks=True), Large(breaks=False))
    whole, failed = outcome(ladder.files(INSTANCES[:1]))

    assert (INSTANCES[:1], ["it broke"]) == (whole, failed)


def test_large_one_that_breaks_everywhere_fails_once_for_each_that_began() -> None:
    """No further file says what two have said."""
    ladder = Ladder(Large(breaks=True), Large(breaks=True))

    assert ([], ["it broke", "it broke"]) == outcome(ladder.files(INSTANCES[:1]))


def test_data_sets_wait_for_the_last_rung() -> None:
    """An error of a higher rung does not stop what a lower one brings."""
    ladder = Ladder(MemoryArchive(DATASETS, failing=UIDS[:1]), MemoryArchive(DATASETS[:1]))
    came = [reference_of(dataset) for dataset in ladder.datasets(INSTANCES)]

    assert sorted(INSTANCES) == sorted(came)


def test_data_sets_that_cannot_be_had_are_named_in_the_end() -> None:
    """All others come before."""
    ladder = Ladder(MemoryArchive(DATASETS[2:]), MemoryArchive())
    came: list[InstanceReference] = []
    with pytest.raises(IncompleteDownloadError) as caught:
        came.extend(reference_of(dataset) for dataset in ladder.datasets(INSTANCES))

    assert INSTANCES[2:] == came
    assert [str(ref) for ref in INSTANCES[:2]] == list(caught.value.missing)


def test_bare_study_is_done_with_when_it_came() -> None:
    """Nobody knows what else may be in it, so nobody else is asked."""
    study = StudyReference(INSTANCES[0].study_uid)
    second = Recorder(MemoryArchive(DATASETS))
    whole, failed = outcome(Ladder(MemoryArchive(DATASETS), second).files([study]))

    assert (INSTANCES[:2], []) == (whole, failed)
    assert [] == second.asked


def test_instance_that_fails_in_a_bare_study_is_asked_for() -> None:
    """By its own name: the study is not fetched anew."""
    study = StudyReference(INSTANCES[0].study_uid)
    second = Recorder(MemoryArchive(DATASETS))
    ladder = Ladder(MemoryArchive(DATASETS, failing=UIDS[:1]), second)
    whole, failed = outcome(ladder.files([study]))

    assert ([*INSTANCES[1:2], INSTANCES[0]], []) == (whole, failed)
    assert INSTANCES[:1] == second.asked


def test_given_up_ladder_closes_its_rung() -> None:
    """Whoever stops in the middle leaves nothing open."""
    first = Recorder(MemoryArchive(DATASETS))
    files = Ladder(first, MemoryArchive()).files(INSTANCES)
    next(files)
    before = first.open
    files.close()  # type: ignore[attr-defined]  # it is a generator

    assert (1, 0) == (before, first.open)


def keep_on_full_disk(files: Iterable[DICOMFile]) -> None:
    """Fail at the first."""
    for _ in files:
        raise StorageError("the disk is full")


def test_errors_of_the_consumer_are_not_the_rungs() -> None:
    """A full disk is not a reason to ask another archive."""
    files = Ladder(MemoryArchive(DATASETS), MemoryArchive(DATASETS)).files(INSTANCES)
    with pytest.raises(StorageError):
        keep_on_full_disk(files)


def test_ladder_without_rungs_is_refused() -> None:
    """There would be nothing to fail, and so nothing to say."""
    with pytest.raises(InvalidInputError):
        Ladder()


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=4))
def test_comes_whatever_any_rung_has(holdings: list[set[int]]) -> None:
    """Each instance comes once, or fails once; it comes if any rung has it."""
    rungs = [MemoryArchive(DATASETS[index] for index in sorted(held)) for held in holdings]
    whole, failed = outcome(Ladder(*rungs).files(INSTANCES))
    held = set[int]().union(*holdings)

    assert sorted(INSTANCES[index] for index in held) == sorted(ref for ref in whole if ref)
    assert len(INSTANCES) - len(held) == len(failed)
