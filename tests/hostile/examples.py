"""What the archives that misbehave hold, and what becomes of a download from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectReference,
    FileDownloader,
    InstanceReference,
    Query,
    QueryLevels,
    Receipt,
    SearchResult,
    text,
)
from gurney.testing import MemoryArchive, MemoryStorage, example_datasets, reference_of
from gurney.testing.making import MadeSeries, made
from gurney.trolley import Trolley

HEAD: Final = "2.25.4002"
PACKED: Final = "2.25.4005"
FIRST: Final = InstanceReference(HEAD, "2.25.400201", "2.25.400201001")
SECOND: Final = InstanceReference(HEAD, "2.25.400201", "2.25.400201002")
THIRD: Final = InstanceReference(HEAD, "2.25.400202", "2.25.400202001")
MANY: Final = [f"2.25.5{number:03}" for number in range(1, 19)]


def datasets() -> list[Dataset]:
    """Return the examples, and a study of six that are compressed."""
    series = MadeSeries("XA", 6, transfer_syntax=RLELossless)
    return [
        *example_datasets(),
        *made(PACKED, {"StudyDate": "20240105", "PatientID": "EX-4"}, series),
    ]


def many() -> list[Dataset]:
    """Return 18 studies of a patient each, one a day."""
    return [
        dataset
        for number, uid in enumerate(MANY, start=1)
        for dataset in made(
            uid,
            {"StudyDate": f"202401{number:02}", "PatientID": f"P{number:02}", "PatientName": "A^B"},
            MadeSeries("CT", 1),
        )
    ]


def large(instances: int = 18) -> list[Dataset]:
    """Return one study of one series."""
    return made("2.25.6001", {"StudyDate": "20240101"}, MadeSeries("CT", instances))


def held(study_uid: str) -> dict[DICOMObjectReference, Dataset]:
    """Return the data sets of a study, as the archive holds them."""
    return {
        reference_of(dataset): dataset
        for dataset in datasets()
        if text(dataset, "StudyInstanceUID") == study_uid
    }


def known(study_uid: str = HEAD, among: Sequence[Dataset] | None = None) -> SearchResult:
    """Return a study with all that is in it, as a search that is complete gives it."""
    query = Query(StudyInstanceUID=study_uid, query_level=QueryLevels.INSTANCE)
    return MemoryArchive(datasets() if among is None else among).find_studies(query)


def found(result: SearchResult, depth: int) -> set[tuple[str, ...]]:
    """Return the UIDs, down to *depth*, of what was found."""
    if depth == 1:
        return {(one.uid,) for one in result}
    return {
        reference.uids
        for one in result
        for reference in (
            [series.reference() for series in one.series]
            if depth == 2
            else [instance.reference() for instance in one.all_instances()]
        )
    }


@attrs.frozen
class Download:
    """What has become of a download."""

    receipt: Receipt
    files: dict[InstanceReference, bytes]

    @property
    def reasons(self) -> list[str]:
        """Why instances have not come."""
        return [outcome.reason for outcome in self.receipt.outcomes if not outcome.good]


def fetch(
    downloader: FileDownloader, objects: Iterable[DICOMDownloadable] | None = None
) -> Download:
    """Fetch *objects*, by default the study of three, as a trolley does."""
    storage = MemoryStorage()
    trolley = Trolley(MemoryArchive(datasets()), downloader, storage)
    receipt = trolley.download(known() if objects is None else objects)
    return Download(receipt, storage.files)
