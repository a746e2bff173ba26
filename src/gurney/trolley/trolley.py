"""One searcher, one downloader, one storage: the place where they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from os import PathLike
from typing import TypeVar

import attrs
from pydicom.dataset import Dataset

from gurney.core import (
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DICOMObjectReference,
    Downloader,
    DownloadError,
    InvalidInputError,
    NoReferencesFoundError,
    Outcome,
    OutcomeStatus,
    Query,
    QueryLevels,
    Receipt,
    Searcher,
    SearchResult,
    Storage,
    Study,
    decode,
    encode,
    unique,
)
from gurney.storage import FolderStorage

from .accounting import complain, doubt, receipt_of
from .asking import to_be_asked
from .delivery import Item, deliver, name_of
from .progress import ProgressListener, Tracker
from .resolution import NOT_SAID, instances, resolve, unresolved

__all__ = ["Trolley"]

_Handed = TypeVar("_Handed", Dataset, DICOMFile)


@attrs.frozen
class Trolley:
    """Finds studies with a searcher, fetches them with a downloader, keeps them in a storage.

    The three know nothing of each other; any object of the right shape will do.

    Parameters
    ----------
    searcher
        Also asked what a study holds, when instances must be known.
    downloader
        Anything with `datasets`; one with `files` too gives the bytes as they are stored.
    storage
        Where `download` puts instances if it is given no folder.
    name
        What receipts call the archive. No credentials, please.

    Examples
    --------
    >>> from gurney.testing import MemoryArchive, example_datasets
    >>> archive = MemoryArchive(example_datasets())
    >>> trolley = Trolley(archive, archive)
    >>> for dataset in trolley.fetch(trolley.find_studies(Query(ModalitiesInStudy="CT"))):
    ...     print(dataset.Modality)
    CT
    CT
    """

    searcher: Searcher
    downloader: Downloader
    storage: Storage | None = None
    name: str = attrs.field(default="", kw_only=True)

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all.

        A searcher that gives a plain list does not say; the result is `Completeness.UNKNOWN` then.
        """
        found = self.searcher.find_studies(query)
        if isinstance(found, SearchResult):
            return found
        return SearchResult(found, Completeness.UNKNOWN, [NOT_SAID])

    def find_study(self, query: Query, /) -> Study:
        """Return the one study that matches *query*.

        Raises
        ------
        StudyCountError
            If there is none, or more than one.
        """
        return self.searcher.find_study(query)

    def find_study_by_id(
        self, study_uid: str, /, query_level: QueryLevels = QueryLevels.STUDY
    ) -> Study:
        """Return the study with this UID, filled down to *query_level*.

        Raises
        ------
        StudyCountError
            If there is none.
        """
        return self.searcher.find_study_by_id(study_uid, query_level=query_level)

    def resolve(
        self, objects: Iterable[DICOMDownloadable], level: DICOMObjectLevels
    ) -> tuple[DICOMObjectReference, ...]:
        """Return references to everything in *objects*, at *level* or deeper, each once.

        What *objects* do not know of their own content is asked of the searcher, in as few
        queries as possible.

        Raises
        ------
        NoReferencesFoundError
            If something cannot be completed: the archive does not list it, or not what is in it.
        SearchError
            If a listing that was asked for is known to be cut short.

        Warns
        -----
        IncompleteResultWarning
            If nobody knows whether the references are everything: references cannot say so.
        """
        resolution = resolve(self.searcher, objects, level)
        for reference, reason in resolution.unresolved.items():
            raise NoReferencesFoundError(str(reference), level.name.lower(), reason)
        doubt(resolution, _doubts(objects))
        return resolution.references

    def fetch(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        """Yield every instance in *objects* as a data set, verified to be whole, each once.

        One that cannot be had does not stop the others: they come first, then the error does.

        Raises
        ------
        IncompleteDownloadError
            At the end, if anything is missing; it names what, and why.
        """
        arrived: list[Dataset] = []
        return self._hand_over(objects, arrived, _opener(arrived))

    def files(self, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMFile]:
        """Yield every instance in *objects* as the bytes it is stored in, each once.

        The chunks of a file raise `DownloadError` if it cannot be had, or ends too early; whether
        what arrived is whole is for whoever takes it to check: a storage does. A downloader that
        has no files to give has its data sets written as files.

        Raises
        ------
        IncompleteDownloadError
            At the end, if anything did not come at all.
        """
        arrived: list[DICOMFile] = []
        return self._hand_over(objects, arrived, _passer(arrived))

    def download(
        self,
        objects: Iterable[DICOMDownloadable],
        output_dir: str | PathLike[str] | None = None,
        *,
        progress: ProgressListener | None = None,
    ) -> Receipt:
        """Store every instance in *objects*, and return the proof.

        What is there already, whole, is not asked for again: after an interruption, call it again.
        Nothing that goes wrong with one instance stops the others; look at `Receipt.complete`.

        Parameters
        ----------
        objects
            Studies, series, instances or references. What they do not know of their own content
            is asked of the searcher first.
        output_dir
            A folder, laid out as `gurney.storage.FolderStorage` does by default; if not given,
            the storage of this trolley takes the instances.
        progress
            Is called after each outcome, and while bytes arrive.

        Returns
        -------
        Receipt
            One outcome per expected instance.

        Raises
        ------
        InvalidInputError
            If there is nowhere to put instances.
        ArchiveUnavailableError
            If the searcher cannot be reached; nothing has been fetched then.
        """
        started = datetime.now(timezone.utc)
        storage = self._storage(output_dir)
        tracker = Tracker(progress) if progress else Tracker()
        resolution = resolve(self.searcher, objects, DICOMObjectLevels.INSTANCE)
        wanted = instances(resolution)
        tracker.begin(len(wanted) + len(resolution.unresolved))
        outcomes = [tracker.note(outcome) for outcome in unresolved(resolution)]
        there = [tracker.note(found) for ref in wanted if (found := storage.find(ref))]
        have = {outcome.reference for outcome in there}
        outcomes += there
        outcomes += map(
            tracker.note,
            deliver(
                self.downloader,
                to_be_asked(resolution, there=have),
                lambda item: storage.store(tracker.watched(item)),
            ),
        )
        return attrs.evolve(
            receipt_of(resolution, outcomes, _doubts(objects)),
            notes=unique([*_notes(objects), *resolution.notes]),
            archive=self.name,
            started=started,
            finished=datetime.now(timezone.utc),
        )

    def _hand_over(
        self,
        objects: Iterable[DICOMDownloadable],
        arrived: list[_Handed],
        take: Callable[[Item], Outcome],
    ) -> Iterator[_Handed]:
        """Yield what *take* puts into *arrived*, and say at the end if that was not everything."""
        resolution = resolve(self.searcher, objects, DICOMObjectLevels.INSTANCE)
        outcomes = list(unresolved(resolution))
        for outcome in deliver(self.downloader, to_be_asked(resolution), take):
            outcomes.append(outcome)
            if outcome.good:
                yield from arrived
            arrived.clear()
        complain(receipt_of(resolution, outcomes, _doubts(objects)))

    def _storage(self, output_dir: str | PathLike[str] | None) -> Storage:
        if output_dir is not None:
            return FolderStorage(output_dir)
        if self.storage is None:
            raise InvalidInputError("nowhere to put instances; give output_dir, or a storage")
        return self.storage


def _opener(arrived: list[Dataset]) -> Callable[[Item], Outcome]:
    """Data sets are collected as they come; a file that is not whole, or another, fails."""

    def take(item: Item) -> Outcome:
        name = name_of(item)
        try:
            dataset = item.dataset() if isinstance(item, DICOMFile) else item
        except DownloadError as error:
            return Outcome(reference=name, status=OutcomeStatus.FAILED, reason=error.reason)
        found = name_of(dataset)
        if name not in (None, found):
            reason = "another instance came under its name; it was not taken"
            return Outcome(reference=name, status=OutcomeStatus.REFUSED, reason=reason)
        arrived.append(dataset)
        return Outcome(reference=found, status=OutcomeStatus.STORED)

    return take


def _passer(arrived: list[DICOMFile]) -> Callable[[Item], Outcome]:
    """Files are passed on unread, if they say what they are; data sets are written as files."""

    def take(item: Item) -> Outcome:
        try:
            file = _named_file(item)
        except DownloadError as error:
            return Outcome(reference=None, status=OutcomeStatus.FAILED, reason=error.reason)
        except InvalidInputError as error:
            name = name_of(item)
            return Outcome(reference=name, status=OutcomeStatus.FAILED, reason=str(error))
        arrived.append(file)
        return Outcome(reference=file.reference, status=OutcomeStatus.STORED)

    return take


def _named_file(item: Item) -> DICOMFile:
    if isinstance(item, Dataset):
        return DICOMFile(iter([encode(item)]), name_of(item))
    if item.reference is not None:
        return item
    content = item.read()
    name = name_of(decode(content, "an instance without a name"))
    return attrs.evolve(item, chunks=iter([content]), reference=name)


def _doubts(objects: Iterable[DICOMDownloadable]) -> tuple[str, ...]:
    """What is downloaded from an incomplete search result is not everything, however whole."""
    return objects.reasons if isinstance(objects, SearchResult) else ()


def _notes(objects: Iterable[DICOMDownloadable]) -> tuple[str, ...]:
    return objects.notes if isinstance(objects, SearchResult) else ()
