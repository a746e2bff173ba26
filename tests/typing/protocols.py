"""A class of the right shape is a searcher, a downloader, a storage. Checked, never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydicom.dataset import Dataset
from typing_extensions import assert_type, override

from gurney.core import (
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    Downloader,
    FileDownloader,
    InstanceReference,
    Outcome,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
    Storage,
    Study,
    completeness_of,
    encode,
    searcher_from,
)

# ---------------------------------------------------------------- without a base class


class PlainSearcher:
    """Three methods, and names of its own for the parameters."""

    def find_studies(self, question: Query) -> list[Study]:
        """A list is a sequence."""
        return [Study(question.StudyInstanceUID)]

    def find_study(self, question: Query) -> Study:
        """Return the one."""
        return self.find_studies(question)[0]

    def find_study_by_id(self, uid: str, query_level: QueryLevels = QueryLevels.STUDY) -> Study:
        """Return the one."""
        return self.find_study(Query(StudyInstanceUID=uid, query_level=query_level))


class PlainDownloader:
    """Two methods."""

    def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        """A generator is an iterator."""
        for _ in objects:
            yield Dataset()

    def get_dataset(self, wanted: InstanceReference) -> Dataset:
        """Return the one."""
        return next(self.datasets([wanted]))


class PlainFileDownloader(PlainDownloader):
    """One method more."""

    def files(self, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        """Each with what it is meant to be."""
        for dataset in self.datasets(objects):
            yield DICOMFile(iter([encode(dataset)]))


class PlainStorage:
    """Two methods."""

    def store(self, item: DICOMFile | Dataset) -> Outcome:
        """Keep it."""
        raise NotImplementedError

    def find(self, reference: InstanceReference) -> Outcome | None:
        """Look for it."""
        raise NotImplementedError


searcher: Searcher = PlainSearcher()
downloader: Downloader = PlainDownloader()
files: FileDownloader = PlainFileDownloader()
downloader = files
storage: Storage = PlainStorage()

# ---------------------------------------------------------------- with a base class


class ShortSearcher(Searcher):
    """One method; the others are inherited."""

    @override
    def find_studies(self, query: Query, /) -> SearchResult:
        """A result is a sequence that says more."""
        return SearchResult([], Completeness.COMPLETE)


class ShortFiles(FileDownloader):
    """One method, and a whole downloader."""

    @override
    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Nothing to give."""
        return iter(())


searcher = ShortSearcher()
downloader = ShortFiles()
files = ShortFiles()
assert_type(ShortSearcher().find_studies(Query()), SearchResult)
assert_type(ShortSearcher().find_studies(Query())[0], Study)
assert_type(ShortSearcher().find_studies(Query())[:1], tuple[Study, ...])
assert_type(ShortSearcher().find_study_by_id("1.2", QueryLevels.SERIES), Study)
assert_type(ShortFiles().get_dataset(InstanceReference("1", "1", "1")), Dataset)
assert_type(completeness_of(searcher.find_studies(Query())), Completeness)

# ---------------------------------------------------------------- from a function


def answer(query: Query) -> Sequence[Study]:
    """Return what is known."""
    return [Study(query.StudyInstanceUID)]


assert_type(searcher_from(answer), Searcher)
assert_type(searcher_from(lambda query: [Study(query.StudyInstanceUID)]), Searcher)

# ---------------------------------------------------------------- what is rejected


class Silent:
    """Lacks two methods."""

    def find_studies(self, query: Query) -> list[Study]:
        """Return what is known."""
        return [Study(query.StudyInstanceUID)]


class Textual(PlainSearcher):
    """Returns something else."""

    def find_studies(self, question: Query) -> list[str]:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        """Return UIDs."""
        return [question.StudyInstanceUID]


class Streaming(PlainStorage):
    """Takes less than it must."""

    def store(self, item: DICOMFile) -> Outcome:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        """Keep it."""
        raise NotImplementedError


def wrong(query: str) -> list[Study]:
    """Takes something else."""
    return [Study(query)]


not_a_searcher: Searcher = Silent()  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
nor_this: Searcher = Textual()  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
not_files: FileDownloader = PlainDownloader()  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
not_a_storage: Storage = Streaming()  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
searcher_from(wrong)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
searcher.find_studies("1.2")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
searcher.find_studies(query=Query())  # type: ignore[call-arg]  # ty: ignore[positional-only-parameter-as-kwarg]
