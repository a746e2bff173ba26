"""Protocols: shape is enough, and what follows from the one method is inherited."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    Downloader,
    DownloadError,
    FileDownloader,
    IncompleteResultWarning,
    InstanceReference,
    InvalidUIDError,
    Query,
    QueryLevels,
    Searcher,
    SearchError,
    SearchResult,
    Study,
    StudyCountError,
    encode,
    searcher_from,
)

A, B = Study("1"), Study("2")


class Fixed(Searcher):
    """Finds the same, whatever is asked, and remembers the question."""

    def __init__(self, studies: Sequence[Study]) -> None:
        self.studies = studies
        self.asked: list[Query] = []

    def find_studies(self, query: Query, /) -> Sequence[Study]:
        self.asked.append(query)
        return self.studies


# ---------------------------------------------------------------- one study


def test_find_study_returns_the_only_one() -> None:
    """The study itself, not a copy."""
    assert A is Fixed([A]).find_study(Query())
    assert A is Fixed(SearchResult([A], Completeness.COMPLETE)).find_study(Query())


@pytest.mark.parametrize(("studies", "advice"), [([], "widen"), ([A, B], "narrow")])
def test_any_other_number_is_an_error_that_says_how_many(studies: list[Study], advice: str) -> None:
    """A caller may want to narrow or to widen the query."""
    with pytest.raises(StudyCountError, match=f"{len(studies)} were found; {advice}") as caught:
        Fixed(studies).find_study(Query())

    assert len(studies) == caught.value.count


def test_result_known_to_be_cut_short_is_an_error() -> None:
    """There may be more studies than the one, and more in it."""
    capped = SearchResult([A], Completeness.CAPPED, ["the archive stops at 1"])

    with pytest.raises(SearchError, match=r"cut short \(the archive stops at 1\)"):
        Fixed(capped).find_study(Query())


def test_result_that_may_be_cut_short_is_a_warning_at_the_callers_line() -> None:
    """Nothing is wrong for sure; nothing is passed over either."""
    unknown = SearchResult([A], Completeness.UNKNOWN, ["no count was given"])

    with pytest.warns(IncompleteResultWarning, match="everything: no count was given") as caught:
        assert A is Fixed(unknown).find_study(Query())
    assert __file__ == caught[0].filename


def test_plain_list_is_taken_without_a_warning() -> None:
    """A searcher that cannot tell would warn each time, and be switched off."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert A is Fixed([A]).find_study(Query())


def test_find_study_by_id_asks_for_that_study_at_that_level() -> None:
    """Nothing else narrows the search."""
    searcher = Fixed([A])
    searcher.find_study_by_id("1")
    searcher.find_study_by_id("1", query_level=QueryLevels.INSTANCE)

    assert [
        Query(StudyInstanceUID="1"),
        Query(StudyInstanceUID="1", query_level=QueryLevels.INSTANCE),
    ] == searcher.asked


@pytest.mark.parametrize("uid", ["", "1*", "1\\2", ".."])
def test_find_study_by_id_takes_one_uid(uid: str) -> None:
    """An empty UID matches any study: in an archive of one it would find the wrong one."""
    searcher = Fixed([A])
    with pytest.raises(InvalidUIDError, match="study UID"):
        searcher.find_study_by_id(uid)

    assert [] == searcher.asked


def test_function_becomes_a_searcher() -> None:
    """Five lines are enough to plug in anything."""
    searcher = searcher_from(lambda query: [Study(query.StudyInstanceUID)])

    assert [Study("1.2")] == searcher.find_studies(Query(StudyInstanceUID="1.2"))
    assert Study("1.2") == searcher.find_study_by_id("1.2")


@pytest.mark.parametrize("protocol", [Searcher, Downloader, FileDownloader])
def test_protocol_alone_cannot_be_instantiated(protocol: type) -> None:
    """A subclass that forgets its method fails where it is made, not where it is used."""
    with pytest.raises(TypeError, match=r"abstract|Protocols cannot be instantiated"):
        type("Forgetful", (protocol,), {})()


# ---------------------------------------------------------------- downloads


def dataset(uid: str) -> Dataset:
    made = Dataset()
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID = "1", "1.1", uid
    return made


class Shelf(Downloader):
    """Yields what it was filled with."""

    def __init__(self, *datasets: Dataset) -> None:
        self.held = datasets

    def datasets(self, _objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        return iter(self.held)


class Files(FileDownloader):
    """Yields the bytes of what it was filled with."""

    def __init__(self, *content: bytes) -> None:
        self.content = content

    def files(self, _objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        for content in self.content:
            yield DICOMFile(iter([content]), InstanceReference("1", "1.1", "1.1.1"))


def test_get_dataset_returns_the_one_that_comes() -> None:
    """One reference, one data set."""
    wanted = dataset("1.1.1")

    assert wanted is Shelf(wanted).get_dataset(InstanceReference("1", "1.1", "1.1.1"))


@pytest.mark.parametrize("number", [0, 2])
def test_get_dataset_wants_exactly_one(number: int) -> None:
    """None is a failure; with two, nobody knows which is meant."""
    shelf = Shelf(*[dataset("1.1.1")] * number)

    with pytest.raises(DownloadError, match=rf"1/1\.1/1\.1\.1 .* {number} came"):
        shelf.get_dataset(InstanceReference("1", "1.1", "1.1.1"))


def test_datasets_of_a_file_downloader_follow_from_its_files() -> None:
    """Whoever implements `files` has a whole downloader."""
    files = Files(encode(dataset("1.1.1")), encode(dataset("1.1.2")))

    assert ["1.1.1", "1.1.2"] == [found.SOPInstanceUID for found in files.datasets([])]


def test_datasets_of_a_file_downloader_are_verified() -> None:
    """A cut file is an error that names the instance, not half a data set."""
    whole = encode(dataset("1.1.1"))
    found = Files(whole, whole[:-3]).datasets([])

    assert "1.1.1" == next(found).SOPInstanceUID
    with pytest.raises(DownloadError, match=r"1/1\.1/1\.1\.1 could not be downloaded"):
        next(found)
