"""An archive in memory, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from gurney.core import (
    CHUNK_SIZE,
    Assembler,
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DICOMObjectReference,
    DownloadError,
    DuplicateUIDError,
    ExtendedQuery,
    FileDownloader,
    InstanceReference,
    Query,
    Searcher,
    SearchResult,
    encode,
    level_of_keyword,
    put,
    subset,
    text,
    unique,
)

from .comparing import reference_of
from .selection import Selected, select

__all__ = ["MemoryArchive"]

# What is returned unasked: PS3.18 tables 10.6.3-3 to 10.6.3-5, where archives have it.
_RETURNED: Final = """
    StudyInstanceUID StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName
    PatientName PatientID PatientBirthDate PatientSex StudyID StudyDescription
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
    SeriesInstanceUID Modality SeriesNumber SeriesDescription NumberOfSeriesRelatedInstances
    SOPInstanceUID SOPClassUID InstanceNumber Rows Columns BitsAllocated NumberOfFrames
""".split()


class MemoryArchive(Searcher, FileDownloader):
    """Data sets in memory, to be searched and downloaded like those of any archive.

    Takes every key of `ExtendedQuery`, every level and `Query.include_fields`. What an instance
    does not say does not match. Studies come in the order in which they were added.

    Parameters
    ----------
    datasets
        One for each instance; they are neither copied nor changed.
    cap
        The most studies that a search returns, as archives have it; `None` for no limit. A result
        that was cut short says so.
    failing
        SOP Instance UIDs whose bytes end half-way, with a `DownloadError`.

    Raises
    ------
    InvalidUIDError
        If a data set has no UIDs.
    DuplicateUIDError
        If two data sets are one instance.

    Examples
    --------
    >>> from gurney.testing import example_datasets
    >>> archive = MemoryArchive(example_datasets())
    >>> for study in archive.find_studies(Query(ModalitiesInStudy="CT")):
    ...     print(study.data.StudyDate, study.data.NumberOfStudyRelatedInstances)
    20240115 2
    >>> MemoryArchive(example_datasets(), cap=2).find_studies(Query())
    SearchResult(2 studies, capped: this archive stops at 2 studies)
    """

    def __init__(
        self,
        datasets: Iterable[Dataset] = (),
        *,
        cap: int | None = None,
        failing: Collection[str] = (),
    ) -> None:
        self.cap: int | None = cap
        self.failing: Collection[str] = failing
        self._instances: dict[InstanceReference, Dataset] = {}
        for dataset in datasets:
            self.add(dataset)

    def add(self, dataset: Dataset) -> None:
        """Take one more instance in."""
        reference = reference_of(dataset)
        if reference in self._instances:
            raise DuplicateUIDError(f"{reference} is in this archive already; add it once")
        self._instances[reference] = dataset

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all."""
        query = ExtendedQuery.init_from_query(query)
        level = DICOMObjectLevels.from_query_level(query.query_level)
        found = list(select(query, self._instances.items()))
        assembler = Assembler()
        for study in found[: self.cap]:
            for item in _items(study, query, level):
                assembler.add(item, level)
        assembly = assembler.finish()
        capped = self.cap is not None and len(found) > self.cap
        return SearchResult(
            assembly.studies,
            Completeness.CAPPED if capped else Completeness.COMPLETE,
            reasons=[f"this archive stops at {self.cap} studies"] if capped else [],
            held_back=assembly.held_back,
            notes=assembly.notes,
        )

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield each instance in *objects* once, as a Part 10 file."""
        for reference in unique(ref for obj in objects for ref in self._expand(obj)):
            yield DICOMFile(self._chunks(reference), reference, protocol="memory")

    def _expand(self, obj: DICOMDownloadable) -> Iterator[DICOMObjectReference]:
        """What is not known of *obj* is looked up; what is not here at all is left as it is."""
        if obj.children:
            for child in obj.children:
                yield from self._expand(child)
            return
        asked = obj.reference()
        depth = len(asked.uids)
        found = [ref for ref in self._instances if ref.uids[:depth] == asked.uids]
        yield from found or (asked,)

    def _chunks(self, reference: DICOMObjectReference) -> Iterator[bytes]:
        dataset = None
        if isinstance(reference, InstanceReference):
            dataset = self._instances.get(reference)
        if dataset is None:
            raise DownloadError(str(reference), "this archive does not hold it; search for it")
        content = encode(dataset)
        fails = reference.uids[-1] in self.failing
        end = len(content) // 2 if fails else len(content)
        for start in range(0, end, CHUNK_SIZE):
            yield content[start : min(start + CHUNK_SIZE, end)]
        if fails:
            raise DownloadError(str(reference), "this archive was told to fail here")


def _items(study: Selected, query: Query, level: DICOMObjectLevels) -> Iterator[Dataset]:
    """Yield one data set for each object of *level*, with what a search returns of it."""
    wanted = _tags(query, level)
    modalities = [text(series[0], "Modality") for series in study.series]
    for series in study.answer:
        for instance in series if level is DICOMObjectLevels.INSTANCE else series[:1]:
            item = subset(instance, wanted.__contains__)
            put(item, "ModalitiesInStudy", list(unique(modalities)))
            put(item, "NumberOfStudyRelatedSeries", [len(study.series)])
            put(item, "NumberOfStudyRelatedInstances", [sum(map(len, study.series))])
            put(item, "NumberOfSeriesRelatedInstances", [len(series)])
            yield item
        if level is DICOMObjectLevels.STUDY:
            return


def _tags(query: Query, level: DICOMObjectLevels) -> frozenset[int | None]:
    """What is returned: the usual, what was searched by, and what was asked for."""
    searched_by = [name for name in query.parameters() if name[0].isupper()]
    keywords = {*_RETURNED, *searched_by, *query.include_fields}
    return frozenset(tag_for_keyword(word) for word in keywords if level_of_keyword(word) >= level)
