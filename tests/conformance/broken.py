"""Searchers, downloaders and storages with one thing wrong each, and the tests that have to tell.

Not collected as it is: `test_kit_can_fail.py` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import ClassVar, TypeAlias, cast

import attrs
import pytest
from pydicom.dataset import Dataset
from typing_extensions import override

from gurney.core import (
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DICOMObjectReference,
    DownloadError,
    ExtendedQuery,
    FileDownloader,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
    Study,
    StudyReference,
    UnsupportedParameterError,
    encode,
    put,
    searcher_from,
    to_instance_refs,
    unique,
)
from gurney.testing import (
    Contents,
    DownloaderFeatures,
    FileDownloaderConformance,
    MemoryArchive,
    MemoryStorage,
    SearcherConformance,
    SearcherFeatures,
    StorageConformance,
    conformance_datasets,
    keys_of,
    reference_of,
)

Find: TypeAlias = Callable[[Query], SearchResult]
Files: TypeAlias = Callable[[Iterable[DICOMDownloadable]], Iterator[DICOMFile]]

DATASETS = conformance_datasets()

# ---------------------------------------------------------------- searchers

KEYS = {"test_finds_what_matches", "test_finds_one_study"}


class Searching(SearcherConformance):
    """A searcher in which `answer` is wrong; everything else is right."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))
    caught_by: ClassVar[Collection[str]] = ()

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return find(query)

    @pytest.fixture
    def searcher(self) -> Searcher:
        find = MemoryArchive(DATASETS).find_studies
        return searcher_from(lambda query: self.answer(find, query))

    @pytest.fixture
    def capped_searcher(self) -> Searcher:
        find = MemoryArchive(DATASETS, cap=3).find_studies
        return searcher_from(lambda query: self.answer(find, query))


class TestNothingWrong(Searching):
    """Without a fault the kit is content."""


class TestReturnsDuplicates(Searching):
    caught_by = KEYS | {
        "test_finds_study_by_id",
        "test_result_is_a_sequence",
        "test_takes_foreign_queries",
    }

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        found = find(query)
        return attrs.evolve(found, studies=[*found, *found])


class TestIgnoresKey(Searching):
    caught_by = KEYS

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return find(attrs.evolve(query, PatientID=""))


class TestIgnoresOneEndOfDates(Searching):
    caught_by = KEYS

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return find(attrs.evolve(query, max_study_date=None))


class TestTakesFirstOfList(Searching):
    caught_by = KEYS

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        first = query.ModalitiesInStudy.partition("\\")[0]
        return find(attrs.evolve(query, ModalitiesInStudy=first))


class TestTakesWildcardsLiterally(Searching):
    caught_by = KEYS

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        if "*" in query.PatientName:
            return []
        return find(query)


class TestReturnsOtherSeriesToo(Searching):
    caught_by = ("test_finds_what_matches",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        found = find(query)
        uids = [study.uid for study in found]
        return find(Query(StudyInstanceUID=uids, query_level=query.query_level)) if uids else found


class TestReturnsTooLittle(Searching):
    caught_by = (
        "test_finds_what_matches",
        "test_finds_study_by_id",
        "test_order_is_stable",
        "test_returns_fields_asked_for",
    )

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return find(attrs.evolve(query, query_level=QueryLevels.STUDY))


class TestAnswersWhatItDoesNotClaim(Searching):
    features = SearcherFeatures(levels=[QueryLevels.STUDY], include_fields=False)
    caught_by = KEYS | {
        "test_finds_study_by_id",
        "test_returns_fields_asked_for",
        "test_completeness_is_true",
    }


class TestRefusesByAnotherName(Searching):
    features = SearcherFeatures(keys=["StudyInstanceUID"])
    caught_by = KEYS | {"test_completeness_is_true"}

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        if query.parameters().keys() - {"StudyInstanceUID", "query_level", "include_fields"}:
            raise UnsupportedParameterError("something", "this searcher")
        return find(query)


class TestLeaksThePatient(Searching):
    features = SearcherFeatures(keys=keys_of(Query) - {"PatientName"})
    caught_by = KEYS | {"test_completeness_is_true"}

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        if query.PatientName:
            raise UnsupportedParameterError("PatientName", f"the search for {query.PatientName}")
        if type(query) is ExtendedQuery:
            raise UnsupportedParameterError(min(query.parameters()), "this searcher")
        return find(query)


class TestDropsForeignParameters(Searching):
    caught_by = ("test_refuses_foreign_parameters",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        known = keys_of(ExtendedQuery) | {"query_level", "include_fields"}
        given = query.parameters()
        return find(ExtendedQuery(**{name: given[name] for name in known & given.keys()}))


class TestRefusesForeignQueries(Searching):
    caught_by = (
        "test_takes_foreign_queries",
        "test_refuses_foreign_parameters",
    )

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        if type(query) not in (Query, ExtendedQuery):
            raise UnsupportedParameterError("query", "this searcher")
        return find(query)


class TestReturnsIterator(Searching):
    caught_by = (
        "test_finds_one_study",
        "test_finds_study_by_id",
        "test_unknown_id_is_an_error",
        "test_result_is_a_sequence",
        "test_completeness_is_true",
        "test_capped_result_says_so",
    )

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return cast("Sequence[Study]", iter(find(query)))


class TestChangesOrder(Searching):
    caught_by = ("test_order_is_stable",)
    calls = count()

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        found = find(query)
        return attrs.evolve(found, studies=found.studies[:: (1, -1)[next(self.calls) % 2]])


class TestKnowsBranchesInPart(Searching):
    caught_by = ("test_no_branch_is_known_in_part",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        found = find(query)
        if query.query_level is not QueryLevels.STUDY:
            return found
        deep = find(attrs.evolve(query, query_level=QueryLevels.SERIES))
        return attrs.evolve(found, studies=[attrs.evolve(s, series=s.series[:1]) for s in deep])


class TestTellsUntruths(Searching):
    caught_by = ("test_data_are_true",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        found = find(query)
        for study in found:
            put(study.data, "PatientID", ["KIT-0"])
        return found


class TestIgnoresIncludeFields(Searching):
    caught_by = ("test_returns_fields_asked_for",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return find(attrs.evolve(query, include_fields=[]))


class TestClaimsCompleteWhileCapped(Searching):
    caught_by = ("test_capped_result_says_so",)

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return attrs.evolve(find(query), completeness=Completeness.COMPLETE, reasons=[])


class TestClaimsCappedWhileComplete(Searching):
    caught_by = (
        "test_completeness_is_true",
        "test_finds_one_study",
        "test_finds_study_by_id",
        "test_unknown_id_is_an_error",
    )

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return attrs.evolve(find(query), completeness=Completeness.CAPPED, reasons=["perhaps"])


class TestSaysNothingOfCompleteness(Searching):
    caught_by = (
        "test_completeness_is_true",
        "test_capped_result_says_so",
    )

    def answer(self, find: Find, query: Query) -> Sequence[Study]:
        return list(find(query))


class Careless(MemoryArchive):
    """Takes the first of many for the one."""

    def find_study(self, query: Query, /) -> Study:
        return self.find_studies(query)[0]

    def find_study_by_id(
        self, study_uid: str, /, query_level: QueryLevels = QueryLevels.STUDY
    ) -> Study:
        return self.find_study(Query(StudyInstanceUID=study_uid, query_level=query_level))


class TestTakesFirstOfMany(Searching):
    caught_by = ("test_finds_one_study", "test_unknown_id_is_an_error")

    @pytest.fixture
    def searcher(self) -> Careless:
        return Careless(DATASETS)


# ---------------------------------------------------------------- downloaders


@attrs.frozen
class From(FileDownloader):
    """A downloader whose `files` are those of a function."""

    function: Files

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        return self.function(objects)


DELIVERING = {"test_delivers_each_instance_once", "test_delivers_each_file_once"}
ALL = DELIVERING | {"test_takes_a_generator", "test_can_be_given_up"}
CONTENT = {"test_gets_the_data_set", "test_bytes_are_those_stored"}
STRANGE = {"test_unknown_is_an_error", "test_unknown_is_a_file_that_fails"}
PASSING = {"test_file_can_be_passed_over"}
OTHERS = {"test_others_can_be_had"}
GETTING = {"test_does_not_get_what_is_unknown"}


class Downloading(FileDownloaderConformance):
    """A downloader in which `deliver` is wrong; everything else is right."""

    caught_by: ClassVar[Collection[str]] = ()
    archive = MemoryArchive(DATASETS)

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        return files(objects)

    @pytest.fixture
    def downloader(self) -> From:
        return From(lambda objects: self.deliver(self.archive.files, objects))


class TestNothingWrongEither(Downloading):
    """Without a fault the kit is content."""


class TestDeliversTwice(Downloading):
    caught_by = DELIVERING

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for obj in objects:
            yield from files([obj])


class TestLosesTheLast(Downloading):
    caught_by = ALL | PASSING | {"test_unknown_is_a_file_that_fails"}

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        everything = list(files(objects))
        return iter(everything[:-1] if len(everything) > 1 else everything)


class TestSendsEverythingForNothing(Downloading):
    caught_by = DELIVERING

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        return files(list(objects) or [StudyReference(f"2.25.700{n}") for n in range(1, 6)])


class TestFetchesWholeStudies(Downloading):
    caught_by = DELIVERING | CONTENT | STRANGE | OTHERS

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        return files(StudyReference(obj.reference().study_uid) for obj in objects)


class TestReadsObjectsTwice(Downloading):
    caught_by = (
        "test_takes_a_generator",
        "test_others_can_be_had",
    )

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        return files(objects) if list(objects) else iter(())


class TestSaysNothingOfTheUnknown(Downloading):
    caught_by = STRANGE | OTHERS

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            try:
                content = file.read()
            except DownloadError:
                continue
            yield DICOMFile(iter([content]), file.reference)


class TestStopsAtTheUnknown(Downloading):
    caught_by = ("test_unknown_is_a_file_that_fails",)

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            yield DICOMFile(iter(list(file.chunks)), file.reference)


class TestBlamesNobody(Downloading):
    caught_by = STRANGE

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        return (attrs.evolve(file, chunks=self.chunks(file)) for file in files(objects))

    def chunks(self, file: DICOMFile) -> Iterator[bytes]:
        try:
            yield from file.chunks
        except DownloadError as error:
            raise DownloadError("something", error.reason) from error


class TestLooksAtTheLastUIDOnly(Downloading):
    caught_by = STRANGE | GETTING

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        held = {ref.uids[-1]: ref for ref in map(reference_of, DATASETS)}
        for file in files(objects):
            asked = cast("DICOMObjectReference", file.reference)
            yield from files([held.get(asked.uids[-1], asked)])


class TestRefusesTooLate(Downloading):
    features = DownloaderFeatures(max_level=DICOMObjectLevels.INSTANCE)
    caught_by = DELIVERING | {"test_unknown_is_a_file_that_fails"}

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for reference in unique(ref for obj in objects for ref in to_instance_refs([obj])):
            yield from files([reference])


class TestTakesWhatItDoesNotClaim(Downloading):
    features = DownloaderFeatures(max_level=DICOMObjectLevels.SERIES)
    caught_by = DELIVERING | STRANGE


class TestCutsBytes(Downloading):
    caught_by = ALL | CONTENT | OTHERS | PASSING
    caught_by |= {"test_unknown_is_a_file_that_fails", "test_file_is_what_it_is_called"}

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            content = b"" if self.is_strange(file) else file.read()
            yield DICOMFile(iter([content[:-1]]), file.reference)

    def is_strange(self, file: DICOMFile) -> bool:
        held = map(reference_of, DATASETS)
        return file.reference not in set[object](held)


class TestChangesBytes(Downloading):
    caught_by = ("test_bytes_are_those_stored",)

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            yield attrs.evolve(file, chunks=self.chunks(file))

    def chunks(self, file: DICOMFile) -> Iterator[bytes]:
        content = file.read()
        yield bytes(128) + content[128:] + b"\0\0"


class TestChangesContent(Downloading):
    features = DownloaderFeatures(keeps_bytes=False)
    caught_by = CONTENT

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            yield attrs.evolve(file, chunks=self.chunks(file))

    def chunks(self, file: DICOMFile) -> Iterator[bytes]:
        dataset = file.dataset()
        put(dataset, "PatientName", ["Doe^Nobody"])
        yield encode(dataset)


class TestSendsHugeChunks(Downloading):
    caught_by = ("test_chunks_are_small",)

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        for file in files(objects):
            yield attrs.evolve(file, chunks=self.chunks(file))

    def chunks(self, file: DICOMFile) -> Iterator[bytes]:
        yield file.read()


class TestCallsAllByOneName(Downloading):
    caught_by = ("test_file_is_what_it_is_called",)

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        name = InstanceReference("2.25.7001", "2.25.700101", "2.25.700101001")
        return (attrs.evolve(file, reference=name) for file in files(objects))


class TestSharesOneStream(Downloading):
    caught_by = PASSING

    def deliver(self, files: Files, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        everything = list(files(objects))
        streams = iter([file.chunks for file in everything])
        for file in everything:
            yield attrs.evolve(file, chunks=self.chunks(streams))

    def chunks(self, streams: Iterator[Iterator[bytes]]) -> Iterator[bytes]:
        yield from next(streams)


class TestReturnsLists(Downloading):
    caught_by = ("test_can_be_given_up",)

    @pytest.fixture
    def downloader(self) -> From:
        return Listing(self.archive.files)


class Listing(From):
    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        return cast("Iterator[Dataset]", list(super().datasets(objects)))


# ---------------------------------------------------------------- storages


class Storing(StorageConformance):
    """A storage of the class `broken`."""

    broken: ClassVar[type[MemoryStorage]] = MemoryStorage
    caught_by: ClassVar[Collection[str]] = ()

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return self.broken()

    @pytest.fixture
    def contents(self, storage: MemoryStorage) -> Contents:
        return lambda: {str(reference): content for reference, content in storage.files.items()}


class TestNothingWrongHere(Storing):
    """Without a fault the kit is content."""


class Overwrites(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        elsewhere = MemoryStorage()
        outcome = elsewhere.store(item)
        self.files.update(elsewhere.files)
        return outcome


class TestOverwrites(Storing):
    broken = Overwrites
    caught_by = (
        "test_stores_once",
        "test_never_overwrites",
        "test_one_of_two_at_once_wins",
    )


class HidesConflicts(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        outcome = super().store(item)
        there = (
            self.find(outcome.reference)
            if isinstance(outcome.reference, InstanceReference)
            else None
        )
        return there if there and not outcome.good else outcome


class TestHidesConflicts(Storing):
    broken = HidesConflicts
    caught_by = (
        "test_never_overwrites",
        "test_one_of_two_at_once_wins",
    )


class TakesWhateverComes(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if isinstance(item, Dataset) or not isinstance(item.reference, InstanceReference):
            return super().store(item)
        self.files[item.reference] = item.read()
        found = self.find(item.reference)
        assert found is not None
        return attrs.evolve(found, status=OutcomeStatus.STORED)


class TestTakesWhateverComes(Storing):
    broken = TakesWhateverComes
    caught_by = (
        "test_outcome_tells_how_it_came",
        "test_stores_once",
        "test_never_overwrites",
        "test_leaves_nothing_of_a_cut_file",
        "test_leaves_nothing_of_a_failed_file",
        "test_does_not_keep_what_is_no_dicom",
        "test_does_not_keep_another_instance",
        "test_one_of_two_at_once_wins",
    )


class LeavesWhatHasCome(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if isinstance(item, Dataset) or not isinstance(item.reference, InstanceReference):
            return super().store(item)
        if item.reference in self.files:
            return super().store(item)
        part = bytearray()
        item.chunks = self.filling(item.chunks, part)
        try:
            outcome = super().store(item)
        except KeyboardInterrupt:
            self.files[item.reference] = bytes(part)
            raise
        if outcome.status in (OutcomeStatus.FAILED, OutcomeStatus.REFUSED):
            self.files.setdefault(item.reference, bytes(part))
        return outcome

    def filling(self, chunks: Iterator[bytes], part: bytearray) -> Iterator[bytes]:
        for chunk in chunks:
            part.extend(chunk)
            yield chunk


class TestLeavesWhatHasCome(Storing):
    broken = LeavesWhatHasCome
    caught_by = (
        "test_leaves_nothing_of_a_cut_file",
        "test_leaves_nothing_of_a_failed_file",
        "test_leaves_nothing_when_interrupted",
        "test_does_not_keep_what_is_no_dicom",
        "test_does_not_keep_another_instance",
    )


class BelievesTheBytes(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if isinstance(item, DICOMFile):
            item.reference = None
        return super().store(item)


class TestBelievesTheBytes(Storing):
    broken = BelievesTheBytes
    caught_by = (
        "test_leaves_nothing_of_a_cut_file",
        "test_leaves_nothing_of_a_failed_file",
        "test_does_not_keep_what_is_no_dicom",
        "test_does_not_keep_another_instance",
    )


class Forgets(MemoryStorage):
    @override
    def find(self, reference: InstanceReference, /) -> Outcome | None:
        return None


class TestForgets(Storing):
    broken = Forgets
    caught_by = (
        "test_finds_what_is_there",
        "test_stores_once",
        "test_one_of_two_at_once_wins",
    )


class ForgetsHowItCame(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        return attrs.evolve(super().store(item), protocol="", retries=0)


class TestForgetsHowItCame(Storing):
    broken = ForgetsHowItCame
    caught_by = ("test_outcome_tells_how_it_came",)


class WritesAnew(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if isinstance(item, DICOMFile):
            item.chunks = self.changed(item.chunks)
        return super().store(item)

    def changed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for place, chunk in enumerate(chunks):
            yield b"x" + chunk[1:] if place == 0 else chunk


class TestWritesAnew(Storing):
    broken = WritesAnew
    caught_by = (
        "test_stores_a_file",
        "test_keeps_all",
        "test_one_of_two_at_once_wins",
    )


class HasOnePlaceForASeries(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        outcome = super().store(item)
        last = str(outcome.reference)
        for other in list(self.files):
            if str(other) != last and str(other)[:-3] == last[:-3]:
                del self.files[other]
        return outcome


class TestHasOnePlaceForASeries(Storing):
    broken = HasOnePlaceForASeries
    caught_by = ("test_keeps_all",)


class RaisesForTheNameless(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        return super().store(DICOMFile(iter([encode(item)])) if isinstance(item, Dataset) else item)


class TestRaisesForTheNameless(Storing):
    broken = RaisesForTheNameless
    caught_by = ("test_does_not_keep_a_nameless_data_set",)


class IgnoresInterrupts(MemoryStorage):
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        try:
            return super().store(item)
        except KeyboardInterrupt:
            return Outcome(reference=None, status=OutcomeStatus.FAILED, reason="interrupted")


class TestIgnoresInterrupts(Storing):
    broken = IgnoresInterrupts
    caught_by = ("test_leaves_nothing_when_interrupted",)
