"""An archive and a storage in memory, for tests and for trying things out."""

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
    InvalidInputError,
    InvalidUIDError,
    Outcome,
    OutcomeStatus,
    Query,
    Searcher,
    SearchResult,
    Storage,
    encode,
    level_of_keyword,
    put,
    subset,
    unique,
    walk,
)

from .comparing import reference_of
from .selection import Selected, select

__all__ = ["MemoryArchive", "MemoryStorage"]

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
        yield from [ref for ref in self._instances if ref.uids[:depth] == asked.uids] or [asked]

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


class MemoryStorage(Storage):
    """Instances as bytes in memory, by reference: for tests, and for what is not to touch a disk.

    Attributes
    ----------
    files
        What has been stored: Part 10 files, in the order in which they came.

    Examples
    --------
    >>> storage = MemoryStorage()
    >>> storage.store(example_datasets()[0]).status.value
    'stored'
    >>> [str(reference) for reference in storage.files]
    ['2.25.4001/2.25.400101/2.25.400101001']
    """

    def __init__(self) -> None:
        self.files: dict[InstanceReference, bytes] = {}

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Keep *item*, whole or not at all; what is there already stays as it is."""
        if isinstance(item, Dataset):
            item = DICOMFile(_encoded(item))
        asked = item.reference
        try:
            content = item.read()
        except DownloadError as error:
            return Outcome(reference=asked, status=OutcomeStatus.FAILED, reason=error.reason)
        walked = walk([content])
        try:
            found = InstanceReference(walked.study_uid, walked.series_uid, walked.instance_uid)
        except InvalidUIDError as error:
            reason = walked.fault or str(error)
            return Outcome(reference=asked, status=OutcomeStatus.FAILED, reason=reason)
        if not walked.whole:
            reason = walked.fault
            return Outcome(reference=asked or found, status=OutcomeStatus.FAILED, reason=reason)
        if asked not in (None, found):
            reason = "other UIDs came than were asked for"
            return Outcome(reference=asked, status=OutcomeStatus.REFUSED, reason=reason)
        is_new = found not in self.files
        if self.files.setdefault(found, content) != content:
            reason = "other content is here under the same UIDs, and stays"
            return Outcome(reference=found, status=OutcomeStatus.REFUSED, reason=reason)
        return Outcome(
            reference=found,
            status=OutcomeStatus.STORED if is_new else OutcomeStatus.ALREADY_THERE,
            path=str(found),
            size=len(content),
            transfer_syntax=walked.transfer_syntax,
            protocol=item.protocol,
            retries=item.retries,
        )

    def find(self, reference: InstanceReference, /) -> Outcome | None:
        """Return ``ALREADY_THERE`` if the instance is here, else `None`."""
        content = self.files.get(reference)
        return content and ...


def _items(study: Selected, query: Query, level: DICOMObjectLevels) -> Iterator[Dataset]:
    """Yield one data set for each object of *level*, with what a search returns of it."""
    wanted = _tags(query, level)
    for series in study.series:
        for instance in series if level is DICOMObjectLevels.INSTANCE else series[:1]:
            item = subset(instance, wanted.__contains__)
            put(item, "ModalitiesInStudy", study.modalities)
            if study.whole:
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
