"""Classes that inherit nothing, and import nothing of gurney but types: their shape is enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DownloadError,
    InstanceReference,
    InvalidUIDError,
    NonInstanceParameterError,
    Query,
    QueryLevels,
    Study,
    StudyCountError,
    UnsupportedParameterError,
)
from gurney.testing import (
    TREE,
    DownloaderConformance,
    DownloaderFeatures,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    reference_of,
)


class PlainSearcher:
    """Finds what it was given, by the UID of the study and by PatientID."""

    def __init__(self, studies: Iterable[Study]) -> None:
        self.studies = tuple(studies)

    def find_studies(self, query: Query) -> Sequence[Study]:
        for name, value in query.parameters().items():
            if name not in ("StudyInstanceUID", "PatientID", "query_level"):
                raise UnsupportedParameterError(name, "PlainSearcher")
            if not {"*", "?", "\\"}.isdisjoint(value):
                raise UnsupportedParameterError(name, "PlainSearcher")
        return [
            study
            for study in self.studies
            if query.StudyInstanceUID in ("", study.uid)
            if query.PatientID in ("", study.data.PatientID)
        ]

    def find_study(self, query: Query) -> Study:
        found = self.find_studies(query)
        if len(found) != 1:
            raise StudyCountError(len(found))
        return found[0]

    def find_study_by_id(
        self, study_uid: str, query_level: QueryLevels = QueryLevels.STUDY
    ) -> Study:
        if not study_uid:
            raise InvalidUIDError("the study UID is empty; give one")
        return self.find_study(Query(StudyInstanceUID=study_uid, query_level=query_level))


class PlainDownloader:
    """Gives what it was given, by references of instances."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.held = {str(reference_of(dataset)): dataset for dataset in datasets}

    def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        names = [name for obj in objects for name in instances_of(obj)]
        for name in dict.fromkeys(names):
            if name not in self.held:
                raise DownloadError(name, "it was never given to this downloader")
            yield self.held[name]

    def get_dataset(self, reference: InstanceReference) -> Dataset:
        return next(self.datasets([reference]))


def instances_of(obj: DICOMDownloadable) -> Iterator[str]:
    if obj.children:
        for child in obj.children:
            yield from instances_of(child)
    elif obj.level == DICOMObjectLevels.INSTANCE:
        yield str(obj.reference())
    else:
        raise NonInstanceParameterError(str(obj.reference()), "instance")


class TestPlainSearcher(SearcherConformance):
    """It refuses what it does not know, and returns plain lists."""

    features = SearcherFeatures(
        keys=["StudyInstanceUID", "PatientID"],
        wildcards=[],
        lists=[],
        include_fields=False,
        states_completeness=False,
    )

    @pytest.fixture
    def searcher(self) -> PlainSearcher:
        return PlainSearcher(TREE)


class TestPlainDownloader(DownloaderConformance):
    """It needs instances, and has no files to give."""

    features = DownloaderFeatures(max_level=DICOMObjectLevels.INSTANCE)

    @pytest.fixture
    def downloader(self) -> PlainDownloader:
        return PlainDownloader(conformance_datasets())
