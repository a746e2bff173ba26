"""What is dicomtrolley's works here, and what is ours works there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset

from gurney import Trolley
from gurney.core import (
    Completeness,
    Downloader,
    DownloadError,
    ExtendedQuery,
    IncompleteDownloadError,
    InstanceReference,
    NonInstanceParameterError,
    Query,
    QueryLevels,
    SearchError,
    SeriesReference,
    Study,
    StudyReference,
    UnsupportedParameterError,
    to_instance_refs,
)
from gurney.legacy.dicomtrolley import (
    AsTheirDownloader,
    AsTheirSearcher,
    FromTheirDownloader,
    FromTheirSearcher,
)
from gurney.testing import MemoryArchive, example_datasets
from gurney.testing.dicomweb import DICOMwebServer

# Without hints, and without stubs: it is Any.
their: Any = import_module("dicomtrolley.core")
TheirQidoRS: Any = import_module("dicomtrolley.qido_rs").QidoRS
TheirWadoRS: Any = import_module("dicomtrolley.wado_rs").WadoRS
TheirTrolley: Any = import_module("dicomtrolley.trolley").Trolley


@pytest.fixture(scope="module")
def server() -> Iterator[DICOMwebServer]:
    with DICOMwebServer(example_datasets()) as server:
        yield server


@pytest.fixture
def archive() -> MemoryArchive:
    return MemoryArchive(example_datasets())


def uids(datasets: Any) -> list[str]:
    return sorted(str(dataset.SOPInstanceUID) for dataset in datasets)


def everything() -> list[str]:
    return uids(example_datasets())


# ---------------------------------------------------------------- theirs, here


def test_their_searcher_finds_here(server: DICOMwebServer) -> None:
    """In trees of ours; nobody vouches for them."""
    searcher = FromTheirSearcher(TheirQidoRS(requests.Session(), server.url))
    result = searcher.find_studies(Query(query_level=QueryLevels.INSTANCE))

    assert everything() == sorted(ref.instance_uid for ref in to_instance_refs(result))
    assert Completeness.UNKNOWN is result.completeness
    assert all(study is series.parent for study in result for series in study.series)


def test_their_downloader_downloads_here(server: DICOMwebServer, tmp_path: Path) -> None:
    """One receipt, and one outcome for each instance."""
    session = requests.Session()
    trolley = Trolley(
        FromTheirSearcher(TheirQidoRS(session, server.url)),
        FromTheirDownloader(TheirWadoRS(session, server.url)),
    )
    receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert len(everything()) == sum(outcome.good for outcome in receipt.outcomes)
    assert not receipt.complete  # for nobody says that the search found everything


class Fails:
    """A downloader of theirs that raises."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def datasets(self, _: Any) -> Iterator[Dataset]:
        yield from ()
        raise self._error()


def test_what_they_leave_out_is_told(archive: MemoryArchive) -> None:
    """A downloader that ends early is found out."""

    class Short:
        def datasets(self, _: Any) -> Iterator[Dataset]:
            return iter(example_datasets()[:1])

    trolley = Trolley(archive, FromTheirDownloader(Short()))
    with pytest.raises(IncompleteDownloadError) as caught:
        list(trolley.fetch(archive.find_studies(Query())))

    assert len(everything()) - 1 == len(caught.value.missing)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (their.NonInstanceParameterError, NonInstanceParameterError),
        (RuntimeError, DownloadError),
    ],
)
def test_their_errors_are_ours(theirs: Callable[[], Exception], ours: type[Exception]) -> None:
    """By what a caller can do about them."""
    downloader: Downloader = FromTheirDownloader(Fails(theirs))

    with pytest.raises(ours):
        list(downloader.datasets([StudyReference("1.2")]))


def test_what_their_queries_cannot_say_is_refused() -> None:
    """Nothing is lost in silence."""
    searcher = FromTheirSearcher(TheirQidoRS(requests.Session(), "http://127.0.0.1:9"))

    with pytest.raises(UnsupportedParameterError, match="PatientBirthDate"):
        searcher.find_studies(ExtendedQuery(PatientBirthDate="19600101-19691231"))


def test_their_failure_is_a_search_error() -> None:
    """Its text is theirs, and may hold anything: its class is told."""
    searcher = FromTheirSearcher(TheirQidoRS(requests.Session(), "http://127.0.0.1:9"))

    with pytest.raises(SearchError, match="ConnectionError"):
        searcher.find_studies(Query(PatientName="SECRET"))


# ---------------------------------------------------------------- ours, there


def test_ours_in_their_trolley(archive: MemoryArchive, tmp_path: Path) -> None:
    """It finds and downloads, down to the series."""
    trolley = TheirTrolley(AsTheirDownloader(archive), AsTheirSearcher(archive))
    studies = trolley.find_studies(their.Query(query_level=their.QueryLevels.INSTANCE))
    trolley.download(studies, tmp_path)

    assert len(everything()) == sum(path.is_file() for path in tmp_path.rglob("*"))
    assert isinstance(studies[0], their.Study)
    assert studies[0].series[0].parent is studies[0]


def test_their_trolley_completes_what_ours_needs(archive: MemoryArchive) -> None:
    """A downloader that needs instances says so in their words."""

    class Instances(Downloader):
        def datasets(self, objects: Any, /) -> Iterator[Dataset]:
            return archive.datasets(to_instance_refs(objects))

    trolley = TheirTrolley(AsTheirDownloader(Instances()), AsTheirSearcher(archive))
    study = archive.find_studies(Query())[0].uid
    found = list(trolley.fetch_all_datasets([their.StudyReference(study_uid=study)]))

    assert found
    assert {study} == {str(dataset.StudyInstanceUID) for dataset in found}


@pytest.mark.parametrize(
    "query",
    [
        Query(ModalitiesInStudy="CT", query_level=QueryLevels.SERIES),
        Query(min_study_date="20240101", max_study_date="20241231"),
        ExtendedQuery(PatientSex="F", include_fields=["StudyTime"]),
    ],
    ids=["level", "dates", "extended"],
)
def test_queries_go_there_and_back(archive: MemoryArchive, query: Query) -> None:
    """A searcher of ours as theirs as ours answers as the first."""
    there_and_back = FromTheirSearcher(AsTheirSearcher(archive))

    assert list(archive.find_studies(query)) == list(there_and_back.find_studies(query))


def test_a_cut_search_is_an_error_there() -> None:
    """dicomtrolley has no other place to say it."""
    searcher = AsTheirSearcher(MemoryArchive(example_datasets(), cap=1))

    with pytest.raises(SearchError, match="cut short"):
        searcher.find_studies(their.Query())


def test_references_go_there_and_back(archive: MemoryArchive) -> None:
    """Of every level."""
    study: Study = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))[0]
    series = study.series[0]
    both = FromTheirDownloader(AsTheirDownloader(archive))
    for one in (study, series, series.instances[0]):
        ours: StudyReference | SeriesReference | InstanceReference = one.reference()

        assert uids(archive.datasets([ours])) == uids(both.datasets([ours]))
