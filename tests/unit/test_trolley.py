"""A trolley fetches what is asked for, each instance once, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney import Progress, Trolley
from gurney.core import (
    ArchiveUnavailableError,
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DownloadError,
    FileDownloader,
    IncompleteDownloadError,
    IncompleteResultWarning,
    InstanceReference,
    InvalidInputError,
    NoReferencesFoundError,
    OutcomeStatus,
    Query,
    QueryLevels,
    Receipt,
    SearchResult,
    Series,
    Study,
    StudyReference,
    encode,
    put,
    searcher_from,
    to_instance_refs,
)
from gurney.testing import MemoryArchive, MemoryStorage, example_datasets, reference_of

DATASETS = example_datasets()
INSTANCES = [reference_of(dataset) for dataset in DATASETS]
FILES = {reference_of(dataset): encode(dataset) for dataset in DATASETS}
CT, MR = (StudyReference(f"2.25.400{n}") for n in (1, 2))
ONE, TWO = INSTANCES[:2]
STRANGER = StudyReference("2.25.4999")

Answer = Callable[[Sequence[InstanceReference]], Iterator[DICOMFile]]


@attrs.define
class Files(FileDownloader):
    """Answers with a function."""

    answer: Answer

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        return self.answer(to_instance_refs(objects))


class DataSets:
    """A downloader of the right shape, that has no files to give, and fails for some."""

    def __init__(self, *failing: InstanceReference) -> None:
        self.failing = failing

    def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        for reference in to_instance_refs(objects):
            if reference in self.failing:
                raise DownloadError(str(reference), "gone")
            yield DATASETS[INSTANCES.index(reference)]

    def get_dataset(self, reference: InstanceReference) -> Dataset:
        return next(self.datasets([reference]))


@pytest.fixture
def archive() -> MemoryArchive:
    return MemoryArchive(DATASETS)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def trolley(archive: MemoryArchive, storage: MemoryStorage) -> Trolley:
    return Trolley(archive, archive, storage, name="memory")


def broken(*failing: InstanceReference) -> MemoryArchive:
    return MemoryArchive(DATASETS, failing=[reference.instance_uid for reference in failing])


# ---------------------------------------------------------------- searching


def test_searches_with_its_searcher(trolley: Trolley) -> None:
    """What the searcher finds is what the trolley finds."""
    assert [CT.study_uid] == [s.uid for s in trolley.find_studies(Query(ModalitiesInStudy="CT"))]
    assert CT.study_uid == trolley.find_study(Query(ModalitiesInStudy="CT")).uid
    assert 2 == len(trolley.find_study_by_id(MR.study_uid, query_level=QueryLevels.SERIES).series)


def test_resolves_references(trolley: Trolley) -> None:
    """References are completed down to the level asked for."""
    assert tuple(INSTANCES[:2]) == trolley.resolve([CT], DICOMObjectLevels.INSTANCE)


def test_names_what_cannot_be_resolved(trolley: Trolley) -> None:
    """What the archive does not list is an error that names it."""
    with pytest.raises(NoReferencesFoundError) as caught:
        trolley.resolve([CT, STRANGER], DICOMObjectLevels.INSTANCE)

    assert ("2.25.4999", "instance") == (caught.value.subject, caught.value.wanted)


# ---------------------------------------------------------------- data sets


def test_fetches_each_instance_once(trolley: Trolley) -> None:
    """Overlapping objects of all levels give each instance once."""
    tree = trolley.find_study_by_id(CT.study_uid, query_level=QueryLevels.INSTANCE)
    fetched = trolley.fetch([CT, tree, tree.series[0], ONE])

    assert INSTANCES[:2] == [reference_of(dataset) for dataset in fetched]


def test_fetches_lazily(trolley: Trolley) -> None:
    """Data sets come one by one; the rest may be left."""
    fetched = trolley.fetch([CT, MR])

    assert ONE == reference_of(next(fetched))


def test_fetches_from_a_downloader_without_files(archive: MemoryArchive) -> None:
    """A downloader that has only data sets is enough."""
    fetched = Trolley(archive, DataSets()).fetch([CT])

    assert INSTANCES[:2] == [reference_of(dataset) for dataset in fetched]


@pytest.mark.parametrize("downloader", [broken(ONE), DataSets(ONE)], ids=["files", "data sets"])
def test_failing_instance_is_told_at_the_end(
    archive: MemoryArchive, downloader: MemoryArchive | DataSets
) -> None:
    """An instance that cannot be had does not stop the others: first they come, then the error."""
    came: list[InstanceReference] = []
    with pytest.raises(IncompleteDownloadError) as caught:  # noqa: PT012  it comes at the end
        for dataset in Trolley(archive, downloader).fetch([CT, MR]):
            came.append(reference_of(dataset))  # noqa: PERF401

    assert INSTANCES[1:5] == came
    assert {str(ONE)} == caught.value.missing.keys()


def test_unlisted_study_is_told_at_the_end(trolley: Trolley) -> None:
    """A study that the archive does not list is missing; the others come."""
    came: list[Dataset] = []
    with pytest.raises(IncompleteDownloadError) as caught:  # noqa: PT012
        for dataset in trolley.fetch([STRANGER, CT]):
            came.append(dataset)  # noqa: PERF402

    assert 2 == len(came)
    assert {"2.25.4999": "the archive lists no such study"} == caught.value.missing


def test_larger_count_is_told_at_the_end(archive: MemoryArchive) -> None:
    """If the archive announces more than it lists, that is an error, not a guess."""
    tree = archive.find_study_by_id(CT.study_uid, query_level=QueryLevels.INSTANCE)
    put(tree.series[0].data, "NumberOfSeriesRelatedInstances", [3])
    with pytest.raises(IncompleteDownloadError, match="says 3"):
        list(Trolley(archive, archive).fetch([tree]))


def plain(archive: MemoryArchive) -> Callable[[Query], Sequence[Study]]:
    """Search as *archive* does, and say nothing about completeness or counts."""

    def find(query: Query) -> Sequence[Study]:
        return [
            Study(study.uid, series=[Series(s.uid, instances=s.instances) for s in study.series])
            for study in archive.find_studies(query)
        ]

    return find


def test_doubt_is_a_warning(archive: MemoryArchive) -> None:
    """If nobody knows whether the listing is everything, that is said, but is no error."""
    trolley = Trolley(searcher_from(plain(archive)), archive)
    with pytest.warns(IncompleteResultWarning, match="does not say whether its listing"):
        fetched = list(trolley.fetch([CT]))

    assert 2 == len(fetched)


def test_capped_search_is_a_warning() -> None:
    """To fetch all that a capped search found is not to fetch everything."""
    archive = MemoryArchive(DATASETS, cap=1)
    found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
    with pytest.warns(IncompleteResultWarning, match="stops at 1 studies"):
        fetched = list(Trolley(archive, archive).fetch(found))

    assert 2 == len(fetched)


def nameless(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
    return (DICOMFile(iter([FILES[reference]])) for reference in references)


@pytest.mark.parametrize("again", [ONE, INSTANCES[4]], ids=["twice", "unasked"])
def test_nameless_stranger_is_not_delivered(
    archive: MemoryArchive, again: InstanceReference
) -> None:
    """A file that nobody named, and that turns out to be unasked, does not reach the caller."""
    trolley = Trolley(archive, Files(lambda _: nameless([ONE, again, TWO])))

    assert [ONE, TWO] == [reference_of(dataset) for dataset in trolley.fetch([CT])]
    assert [ONE, TWO] == [reference_of(file.dataset()) for file in trolley.files([CT])]


def test_other_instance_is_not_delivered(archive: MemoryArchive) -> None:
    """Bytes of another instance than they are called do not reach the caller as a data set."""
    trolley = Trolley(archive, Files(lambda _: iter([DICOMFile(iter([FILES[TWO]]), ONE)])))
    with pytest.raises(IncompleteDownloadError, match="another instance came under its name"):
        list(trolley.fetch([ONE]))


# ---------------------------------------------------------------- files


def test_files_are_the_bytes_of_the_archive(trolley: Trolley) -> None:
    """Files come as the archive holds them, each once."""
    files = {file.reference: file.read() for file in trolley.files([CT, ONE])}

    assert {ONE: FILES[ONE], TWO: FILES[TWO]} == files


def test_data_sets_become_files(archive: MemoryArchive) -> None:
    """If there are only data sets, they are written as files."""
    files = Trolley(archive, DataSets()).files([CT])

    assert [FILES[ONE], FILES[TWO]] == [file.read() for file in files]


def test_nameless_files_get_their_names(archive: MemoryArchive) -> None:
    """A file that the sender does not name says itself which instance it is."""
    files = Trolley(archive, Files(nameless)).files([CT])

    assert {ONE: FILES[ONE], TWO: FILES[TWO]} == {file.reference: file.read() for file in files}


def test_data_set_that_cannot_be_written_does_not_stop_the_others(archive: MemoryArchive) -> None:
    """A data set that is no DICOM file is missing at the end; the others come."""
    bad = Dataset()
    bad.update(DATASETS[0])
    bad.add_new("Rows", "US", "many")

    class Bad(DataSets):
        def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
            return (bad if d is DATASETS[0] else d for d in super().datasets(objects))

    came: list[bytes] = []
    with pytest.raises(IncompleteDownloadError, match="cannot be written"):  # noqa: PT012
        for file in Trolley(archive, Bad()).files([CT]):
            came.append(file.read())  # noqa: PERF401

    assert [FILES[TWO]] == came


# ---------------------------------------------------------------- downloads


def test_download_of_everything_is_complete(trolley: Trolley, storage: MemoryStorage) -> None:
    """The receipt says what was expected, who says so, and that it is there."""
    receipt = trolley.download([CT, MR])
    first, second = receipt.studies

    assert receipt.complete
    assert "memory" == receipt.archive
    assert receipt.started is not None
    assert receipt.finished is not None
    assert receipt.started <= receipt.finished
    assert (2, 3) == (first.received, second.received)
    assert "instance listing and the archive's own count" == first.expectation.source
    assert ("memory",) == first.protocols
    assert set(INSTANCES[:5]) == storage.files.keys()
    assert sum(map(len, storage.files.values())) == receipt.verified_bytes


def test_download_needs_a_place(archive: MemoryArchive) -> None:
    """Without a storage or a folder there is nowhere to put anything."""
    with pytest.raises(InvalidInputError, match="output_dir"):
        Trolley(archive, archive).download([CT])


def test_download_into_a_folder(archive: MemoryArchive, tmp_path: Path) -> None:
    """A folder is a storage of the default layout."""
    receipt = Trolley(archive, archive).download([ONE], tmp_path)
    (outcome,) = receipt.outcomes

    assert receipt.complete
    assert "2.25.4001/2.25.400101/2.25.400101001.dcm" == outcome.path
    assert FILES[ONE] == (tmp_path / outcome.path).read_bytes()


def test_download_goes_on_where_it_was_interrupted(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """What is there already is not asked for again."""
    asked: list[tuple[InstanceReference, ...]] = []

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        asked.append(tuple(references))
        return archive.files(references)

    Trolley(archive, archive, storage).download([ONE])
    receipt = Trolley(archive, Files(answer), storage).download([CT])

    assert receipt.complete
    assert [(TWO,)] == asked
    assert [OutcomeStatus.ALREADY_THERE, OutcomeStatus.STORED] == [
        outcome.status for outcome in receipt.outcomes
    ]


def test_download_twice_asks_for_nothing(trolley: Trolley) -> None:
    """The second of two downloads finds everything there."""
    trolley.download([CT])

    def answer(_: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        raise AssertionError("nothing is to be asked for")

    receipt = attrs.evolve(trolley, downloader=Files(answer)).download([CT])

    assert receipt.complete
    assert 2 == receipt.counts[OutcomeStatus.ALREADY_THERE]


def test_failing_instance_makes_the_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """The others are there; the receipt names what is missing, in a form to ask for again."""
    receipt = Trolley(archive, broken(ONE), storage).download([CT, MR])

    assert not receipt.complete
    assert (ONE,) == receipt.missing
    assert ("1 of 2 did not arrive whole",) == receipt.studies[0].reasons
    assert receipt.studies[1].complete
    assert Trolley(archive, archive, storage).download(receipt.missing).complete


def test_unlisted_study_makes_the_receipt_incomplete(trolley: Trolley) -> None:
    """A study that the archive does not list has an outcome of its own."""
    receipt = trolley.download([STRANGER, CT])
    unlisted, listed = receipt.studies

    assert not receipt.complete
    assert (STRANGER,) == unlisted.missing
    assert listed.complete


def test_larger_count_makes_the_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """All that is listed is there, and the archive's own count says that there is more."""
    tree = archive.find_study_by_id(CT.study_uid, query_level=QueryLevels.INSTANCE)
    put(tree.series[0].data, "NumberOfSeriesRelatedInstances", [3])
    receipt = Trolley(archive, archive, storage).download([tree])

    assert () == receipt.missing
    assert (
        "2 instances are here, instances named by the caller and the archive's own count says 3",
    ) == receipt.studies[0].reasons


def test_a_count_that_the_series_disprove_is_noted(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """The study says 3; its series, all there, say 2, and that is what is there."""
    tree = archive.find_study_by_id(CT.study_uid, query_level=QueryLevels.INSTANCE)
    put(tree.data, "NumberOfStudyRelatedInstances", [3])
    receipt = Trolley(archive, archive, storage).download([tree])

    assert receipt.complete
    assert f"study {CT.study_uid} counts 3 instances" in receipt.notes[0]


def test_series_that_were_chosen_are_all_that_is_expected(trolley: Trolley) -> None:
    """Of a study of which one series was searched for, that series is expected, and no other."""
    query = Query(SeriesInstanceUID="2.25.400202", query_level=QueryLevels.INSTANCE)
    receipt = trolley.download(trolley.find_studies(query))

    assert receipt.complete
    assert 1 == receipt.studies[0].received


def test_plain_listing_makes_the_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """A listing of which nobody says that it is everything proves nothing."""
    receipt = Trolley(searcher_from(plain(archive)), archive, storage).download([CT])

    assert ("the searcher does not say whether its listing is complete",) == (
        receipt.studies[0].reasons
    )
    assert 2 == receipt.studies[0].received


def test_capped_search_makes_the_receipt_incomplete(storage: MemoryStorage) -> None:
    """All studies that were found are complete, and yet they are not all studies."""
    archive = MemoryArchive(DATASETS, cap=1)
    found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
    receipt = Trolley(archive, archive, storage).download(found)

    assert ("this archive stops at 1 studies",) == receipt.reasons
    assert not receipt.complete
    assert receipt.studies[0].complete


def test_capped_listing_makes_the_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """A listing of instances that was cut short is not all of the study."""

    def find(query: Query) -> SearchResult:
        reasons = ["the archive stops at 2 instances"]
        return attrs.evolve(
            archive.find_studies(query), completeness=Completeness.CAPPED, reasons=reasons
        )

    receipt = Trolley(searcher_from(find), archive, storage).download([CT])

    assert ("the archive stops at 2 instances",) == receipt.studies[0].reasons


def test_archive_that_goes_away_leaves_a_receipt(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """What had come is there, what had not is named with the reason."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield from archive.files(references[:1])
        raise ArchiveUnavailableError("connection refused")

    receipt = Trolley(archive, Files(answer), storage).download([CT, MR])

    assert tuple(INSTANCES[1:5]) == receipt.missing
    assert {"connection refused"} == {o.reason for o in receipt.outcomes if not o.good}


def test_archive_that_is_not_there_is_an_error(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """If nobody can say what there is to download, nothing is downloaded."""

    def find(_: Query) -> Sequence[Study]:
        raise ArchiveUnavailableError("connection refused")

    with pytest.raises(ArchiveUnavailableError):
        Trolley(searcher_from(find), archive, storage).download([ONE, CT])

    assert {} == storage.files


def test_unexpected_instance_does_not_make_a_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """An instance that nobody asked for is in the receipt, under its own study, and not stored."""
    stranger = INSTANCES[5]
    trolley = Trolley(archive, Files(lambda _: archive.files([ONE, stranger, TWO])), storage)
    receipt = trolley.download([CT])

    assert receipt.complete
    assert 1 == receipt.counts[OutcomeStatus.UNEXPECTED]
    assert stranger not in storage.files


def test_nameless_nothing_makes_the_receipt_incomplete(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """Bytes that are nothing, under no name, may have been anything."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        yield from archive.files(references)
        yield DICOMFile(iter([b"<html>"]))

    receipt = Trolley(archive, Files(answer), storage).download([CT])

    assert ("1 instances came that cannot be named",) == receipt.reasons
    assert not receipt.complete


def test_download_from_a_downloader_without_files(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """A downloader that has only data sets, and fails for one, leaves a receipt like any other."""
    receipt = Trolley(archive, DataSets(TWO), storage).download([CT, MR])

    assert (TWO,) == receipt.missing
    assert ["gone"] == [outcome.reason for outcome in receipt.outcomes if not outcome.good]
    assert 4 == len(storage.files)


def test_objects_may_come_from_a_generator(trolley: Trolley) -> None:
    """What is asked for is read once."""
    assert 2 == trolley.download(obj for obj in [CT]).studies[0].received


def test_outcomes_are_in_tree_order(trolley: Trolley, archive: MemoryArchive) -> None:
    """However instances arrive, a receipt lists them as the tree does."""

    def answer(references: Sequence[InstanceReference]) -> Iterator[DICOMFile]:
        return archive.files(list(reversed(references)))

    receipt = attrs.evolve(trolley, downloader=Files(answer)).download([CT, MR])

    assert tuple(INSTANCES[:5]) == tuple(outcome.reference for outcome in receipt.outcomes)


# ---------------------------------------------------------------- progress


def test_progress_is_told(trolley: Trolley) -> None:
    """The listener learns what is expected, each byte that passes, and each outcome, in order."""
    heard: list[Progress] = []
    trolley.download([ONE])
    receipt = trolley.download([CT, STRANGER, MR], progress=heard.append)
    came = INSTANCES[1:5]

    assert Progress(expected=6) == heard[0]
    assert [STRANGER, ONE, *came] == [p.outcome.reference for p in heard if p.outcome]
    assert (6, 6, 1) == (heard[-1].expected, heard[-1].done, heard[-1].failed)
    assert sum(len(FILES[reference]) for reference in came) == heard[-1].received
    assert set(receipt.outcomes) == {p.outcome for p in heard if p.outcome}
    assert sorted(p.done for p in heard) == [p.done for p in heard]


def test_unexpected_instances_are_no_progress(
    archive: MemoryArchive, storage: MemoryStorage
) -> None:
    """What comes unasked is told, but does not count as done."""
    heard: list[Progress] = []
    trolley = Trolley(archive, Files(lambda _: archive.files([INSTANCES[5], ONE])), storage)
    trolley.download([ONE], progress=heard.append)

    assert 2 == sum(p.outcome is not None for p in heard)
    assert (1, 1) == (heard[-1].expected, heard[-1].done)


def test_plain_list_is_not_believed(archive: MemoryArchive) -> None:
    """What a searcher lists without saying whether that is all is not proved to be all."""
    trolley = Trolley(searcher_from(plain(archive)), archive, MemoryStorage())
    found = trolley.find_studies(Query(query_level=QueryLevels.INSTANCE))

    assert Completeness.UNKNOWN is found.completeness
    assert not trolley.download(found).complete


def test_references_from_a_capped_listing_are_refused() -> None:
    """References cannot say that they are not all; so they are not given."""
    archive = MemoryArchive(DATASETS, cap=1)
    capped = archive.find_studies(Query())
    trolley = Trolley(archive, archive)

    with pytest.warns(IncompleteResultWarning, match="stops at 1 studies"):
        trolley.resolve(capped, DICOMObjectLevels.SERIES)


def test_notes_of_the_search_are_in_the_receipt(archive: MemoryArchive) -> None:
    """Differing copies, two patients in a study: who reads the receipt only is told too."""
    found = attrs.evolve(archive.find_studies(Query()), notes=["two copies differ"])
    receipt = Trolley(archive, archive, MemoryStorage()).download(found)

    assert ("two copies differ",) == receipt.notes == Receipt.from_json(receipt.to_json()).notes


def test_resolve_says_why_it_cannot(archive: MemoryArchive) -> None:
    """To search again at a deeper level is no advice for a study that is not there."""
    with pytest.raises(NoReferencesFoundError, match=r"9\.9 cannot .*lists no such study"):
        Trolley(archive, archive).resolve([StudyReference("9.9")], DICOMObjectLevels.SERIES)
