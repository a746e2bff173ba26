"""Each instance asked for gets one outcome, whatever the downloader and the storage do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    Downloader,
    DownloadError,
    FileDownloader,
    GurneyError,
    IncompleteDownloadError,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Storage,
    StorageError,
    encode,
    to_instance_refs,
)
from gurney.testing import MemoryStorage, example_datasets, reference_of
from gurney.trolley.delivery import attempt, deliver

DATASETS = {reference_of(dataset): dataset for dataset in example_datasets()[:4]}
FILES = {reference: encode(dataset) for reference, dataset in DATASETS.items()}
ONE, TWO, THREE, FOUR = FILES
STRANGER = reference_of(example_datasets()[5])

Answer = Callable[[Sequence[InstanceReference]], Iterator[DICOMFile]]


def file(reference: InstanceReference, name: InstanceReference | None = None) -> DICOMFile:
    return DICOMFile(iter([FILES[reference]]), name or reference)


def fails(reference: InstanceReference, reason: str = "gone") -> Iterator[bytes]:
    raise DownloadError(str(reference), reason)
    yield b""


@attrs.define
class Files(FileDownloader):
    """Answers with a function, and remembers what it was asked for."""

    answer: Answer
    asked: list[tuple[InstanceReference, ...]] = attrs.field(
        factory=list[tuple[InstanceReference, ...]]
    )

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        self.asked.append(to_instance_refs(objects))
        return self.answer(self.asked[-1])


@attrs.define
class DataSets:
    """A downloader of the right shape, without files to give, for which some instances fail."""

    failing: Iterable[InstanceReference] = ()
    blames: bool = True
    asked: list[tuple[InstanceReference, ...]] = attrs.field(
        factory=list[tuple[InstanceReference, ...]]
    )

    def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        self.asked.append(to_instance_refs(objects))
        for reference in self.asked[-1]:
            if reference in self.failing:
                raise DownloadError(str(reference) if self.blames else "association", "aborted")
            yield DATASETS[reference]

    def get_dataset(self, reference: InstanceReference) -> Dataset:
        return next(self.datasets([reference]))


def delivered(
    downloader: Downloader,
    *references: InstanceReference,
    storage: Storage | None = None,
) -> list[tuple[InstanceReference | None, OutcomeStatus]]:
    """Return what became of *references*: the outcomes, in the order in which they came."""
    outcomes = deliver(downloader, references or FILES, (storage or MemoryStorage()).store)
    return [(outcome.reference, outcome.status) for outcome in outcomes]  # type: ignore[misc]


def all_of(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
    return map(file, references)


STORED, FAILED = OutcomeStatus.STORED, OutcomeStatus.FAILED
MISSING, UNEXPECTED = OutcomeStatus.MISSING, OutcomeStatus.UNEXPECTED


def test_all_is_asked_for_at_once() -> None:
    """If nothing fails, one request brings everything, in order."""
    downloader = Files(all_of)
    outcomes = delivered(downloader, ONE, TWO)

    assert [(ONE, STORED), (TWO, STORED)] == outcomes
    assert [(ONE, TWO)] == downloader.asked


def test_nothing_is_asked_for_if_nothing_is_wanted() -> None:
    """An empty request would make some archives send everything they have."""
    downloader = Files(all_of)

    assert [] == list(deliver(downloader, [], MemoryStorage().store))
    assert [] == downloader.asked


def test_each_is_asked_for_once() -> None:
    """What is named twice is delivered once."""
    assert [(ONE, STORED)] == delivered(Files(all_of), ONE, ONE)


def test_the_last_word_counts() -> None:
    """What breaks on its way may come again; it then has one outcome, and that is the good one."""

    def answer(_: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield DICOMFile(fails(ONE), ONE)
        yield DICOMFile(fails(TWO, "cut"), TWO)
        yield DICOMFile(fails(TWO, "cut again"), TWO)
        yield file(ONE)

    downloader = Files(answer)
    outcomes = list(deliver(downloader, [ONE, TWO], MemoryStorage().store))

    assert [(ONE, STORED, ""), (TWO, FAILED, "cut again")] == [
        (outcome.reference, outcome.status, outcome.reason) for outcome in outcomes
    ]
    assert [(ONE, TWO)] == downloader.asked


def test_what_broke_is_not_asked_for_again_after_an_error() -> None:
    """Its downloader has said its word; only those without one are asked for again."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        if ONE in references:
            yield DICOMFile(fails(ONE), ONE)
            raise DownloadError(str(TWO), "aborted")
        yield from all_of(references)

    downloader = Files(answer)
    outcomes = delivered(downloader, ONE, TWO, THREE)

    assert [(TWO, FAILED), (THREE, STORED), (ONE, FAILED)] == outcomes
    assert [(ONE, TWO, THREE), (THREE,)] == downloader.asked


def test_what_does_not_come_is_missing() -> None:
    """A downloader that leaves something out in silence is found out."""
    outcomes = delivered(Files(lambda references: all_of(references[1:])), ONE, TWO)

    assert [(TWO, STORED), (ONE, MISSING)] == outcomes


def test_what_comes_twice_is_taken_once() -> None:
    """The second of two is not given to the storage, but said."""
    storage = MemoryStorage()
    outcomes = delivered(Files(lambda _: all_of([ONE, ONE])), ONE, storage=storage)

    assert [(ONE, STORED), (ONE, UNEXPECTED)] == outcomes


def test_what_nobody_asked_for_is_not_taken() -> None:
    """An instance that comes unasked is said, and does not reach the storage."""
    storage = MemoryStorage()
    outcomes = delivered(Files(lambda _: all_of([TWO, ONE])), ONE, storage=storage)

    assert [(TWO, UNEXPECTED), (ONE, STORED)] == outcomes
    assert [ONE] == list(storage.files)


def test_other_bytes_than_promised_fail() -> None:
    """A file that is not what it is called is no instance that was asked for."""
    outcomes = delivered(Files(lambda _: iter([file(TWO, name=ONE)])), ONE)

    assert [(ONE, OutcomeStatus.REFUSED)] == outcomes


def test_nameless_file_says_who_it_is() -> None:
    """A file that the sender does not name is known by its own UIDs."""
    nameless = DICOMFile(iter([FILES[ONE]]))

    assert [(ONE, STORED)] == delivered(Files(lambda _: iter([nameless])), ONE)


def test_nameless_stranger_is_unexpected() -> None:
    """A file without a name, that turns out to be another instance, is said to be that."""
    nameless = DICOMFile(iter([FILES[TWO]]))
    outcomes = delivered(Files(lambda _: iter([nameless])), ONE)

    assert [(TWO, UNEXPECTED), (ONE, MISSING)] == outcomes


def test_nameless_nothing_is_unexpected() -> None:
    """Bytes that are nothing at all have an outcome too, and so has what they should have been."""
    nothing = DICOMFile(iter([b"<html>"]))
    outcomes = delivered(Files(lambda _: iter([nothing])), ONE)

    assert [(None, UNEXPECTED), (ONE, MISSING)] == outcomes


def test_failing_file_does_not_stop_the_others() -> None:
    """A file whose bytes fail is one outcome; the others come by the same request."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        for reference in references:
            chunks = fails(TWO) if reference == TWO else iter([FILES[reference]])
            yield DICOMFile(chunks, reference)

    downloader = Files(answer)
    outcomes = delivered(downloader, ONE, TWO, THREE)

    assert [(ONE, STORED), (THREE, STORED), (TWO, FAILED)] == outcomes
    assert 1 == len(downloader.asked)


@pytest.mark.parametrize("place", range(4))
def test_blamed_instance_does_not_stop_the_others(place: int) -> None:
    """After an error that names an instance, all the others are asked for at once."""
    failing = list(FILES)[place]
    downloader = DataSets([failing])
    outcomes = delivered(downloader)

    assert {ref: FAILED if ref == failing else STORED for ref in FILES} == dict(outcomes)
    assert 4 == len(outcomes)
    assert 2 >= len(downloader.asked)


def test_all_failing_are_found() -> None:
    """One error after the other, each instance that fails is named."""
    downloader = DataSets([ONE, THREE])

    assert {ONE: FAILED, TWO: STORED, THREE: FAILED, FOUR: STORED} == dict(delivered(downloader))
    assert [(ONE, TWO, THREE, FOUR), (TWO, THREE, FOUR), (FOUR,)] == downloader.asked


def test_error_that_blames_nobody_costs_only_the_culprit() -> None:
    """After an error that names no instance, the rest is asked for one by one, in order."""
    downloader = DataSets([TWO], blames=False)

    assert {ONE: STORED, TWO: FAILED, THREE: STORED, FOUR: STORED} == dict(delivered(downloader))
    assert [(ONE, TWO, THREE, FOUR), (TWO,), (THREE,), (FOUR,)] == downloader.asked


def test_error_that_names_many_takes_one_more_request() -> None:
    """A downloader that delivers all it can, and then names what is missing, is not asked again."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        for reference in references:
            if reference in (ONE, FOUR):
                yield file(reference)
        raise IncompleteDownloadError({str(TWO): "gone", str(THREE): "lost"})

    downloader = Files(answer)
    outcomes = list(deliver(downloader, FILES, MemoryStorage().store))

    assert 1 == len(downloader.asked)
    assert [(ONE, ""), (FOUR, ""), (TWO, "gone"), (THREE, "lost")] == [
        (outcome.reference, outcome.reason) for outcome in outcomes
    ]


def test_error_after_everything_came_is_harmless() -> None:
    """Nothing is asked for again if everything has come."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield from all_of(references)
        raise DownloadError("association", "was not released")

    downloader = Files(answer)

    assert [(ONE, STORED)] == delivered(downloader, ONE)
    assert 1 == len(downloader.asked)


def test_unavailable_archive_ends_it() -> None:
    """Without an archive the rest fails, with the reason; what has come remains."""

    def answer(_: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield file(ONE)
        raise ArchiveUnavailableError("connection refused")

    downloader = Files(answer)
    outcomes = list(deliver(downloader, FILES, MemoryStorage().store))

    assert [STORED, FAILED, FAILED, FAILED] == [outcome.status for outcome in outcomes]
    assert {"", "connection refused"} == {outcome.reason for outcome in outcomes}
    assert 1 == len(downloader.asked)


def test_archive_that_goes_away_is_not_asked_again() -> None:
    """If the archive goes away while instances are asked for one by one, that is the end."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        if len(references) > 1:
            raise DownloadError("association", "aborted")
        raise ArchiveUnavailableError("connection refused")
        yield file(ONE)

    downloader = Files(answer)
    outcomes = delivered(downloader)

    assert 2 == len(downloader.asked)
    assert [(reference, FAILED) for reference in FILES] == outcomes


class Full(MemoryStorage):
    """Has room for one."""

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if self.files:
            raise StorageError("the disk is full")
        return super().store(item)


def test_full_storage_ends_it() -> None:
    """If nothing more can be stored, nothing more is asked for."""
    downloader = Files(all_of)
    outcomes = delivered(downloader, storage=Full())

    assert [(ONE, STORED), (TWO, FAILED), (THREE, FAILED), (FOUR, FAILED)] == outcomes
    assert 1 == len(downloader.asked)


def test_data_sets_do_without_files() -> None:
    """A downloader that has only data sets is as good."""
    storage = MemoryStorage()
    outcomes = delivered(DataSets(), ONE, TWO, storage=storage)

    assert [(ONE, STORED), (TWO, STORED)] == outcomes
    assert [ONE, TWO] == list(storage.files)


def test_error_of_somebody_else_stops_no_other_instance() -> None:
    """What is none of gurney's errors is told by its class; its text may hold anything."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        for reference in references:
            if reference == ONE:
                raise ZeroDivisionError("DOE^JOHN")
            yield file(reference)

    assert [(ONE, FAILED), (TWO, STORED)] == delivered(Files(answer), ONE, TWO)


# ---------------------------------------------------------------- who may ask once more later


@pytest.mark.parametrize(
    "error",
    [ArchiveUnavailableError("away"), AuthenticationError("GET", "no"), StorageError("full")],
)
def test_attempt_raises_what_is_no_fault_of_an_instance(error: GurneyError) -> None:
    """After the outcomes that there are, failures among them; what has none is as it was."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield file(references[0])
        yield DICOMFile(fails(references[1]), references[1])
        raise error

    outcomes = attempt(Files(answer), FILES, MemoryStorage().store)
    assert (ONE, STORED) == ((first := next(outcomes)).reference, first.status)
    assert (TWO, FAILED) == ((second := next(outcomes)).reference, second.status)
    with pytest.raises(type(error)):
        next(outcomes)


def test_attempt_ends_between_two_instances() -> None:
    """Once it is told to; nothing more is taken, and nothing is said to be missing."""
    downloader = Files(all_of)
    storage = MemoryStorage()
    outcomes = list(
        attempt(downloader, FILES, storage.store, until=lambda: len(storage.files) == 2)
    )

    assert [ONE, TWO] == [each.reference for each in outcomes]


def test_attempt_that_is_told_to_end_asks_for_nothing() -> None:
    """Not even for the first."""
    downloader = Files(all_of)

    assert [] == list(attempt(downloader, FILES, MemoryStorage().store, until=lambda: True))
    assert [] == downloader.asked
