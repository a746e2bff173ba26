"""The shapes that searchers, downloaders and storages have. No base class is needed: shape counts.

Name a protocol as a base class to inherit the methods that follow from the others, and to have
your type checker compare signatures where you write them.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import attrs
from pydicom.dataset import Dataset

from .downloadable import DICOMDownloadable
from .errors import DownloadError, IncompleteResultWarning, SearchError, StudyCountError
from .levels import QueryLevels
from .objects import Study
from .part10 import DICOMFile
from .query import Query
from .receipts import Outcome
from .references import InstanceReference
from .results import Completeness, SearchResult
from .uids import check_uid

__all__ = ["Downloader", "FileDownloader", "Searcher", "Storage", "searcher_from"]


class Searcher(Protocol):
    """Finds studies. Implement `find_studies`; the others follow from it."""

    @abstractmethod
    def find_studies(self, query: Query, /) -> Sequence[Study]:
        """Return the studies that match *query*, filled down to its level.

        A searcher that can tell whether this is everything returns a `SearchResult`.

        Returns
        -------
        Sequence of Study
            Each study once; empty if none matches. At SERIES and INSTANCE level every study holds
            its series, at INSTANCE level every series its instances.

        Raises
        ------
        UnsupportedParameterError
            If *query* asks for something this searcher would have to ignore.
        SearchError
            If the search failed.
        ArchiveUnavailableError
            If there is nobody to ask.
        """
        ...

    def find_study(self, query: Query, /) -> Study:
        """Return the one study that matches *query*.

        Raises
        ------
        StudyCountError
            If there is none, or more than one; it says how many.
        SearchError
            If the result is known to be cut short: there may be more, of the study and in it.

        Warns
        -----
        IncompleteResultWarning
            If a searcher that can tell does not know whether its result is complete.
        """
        studies = self.find_studies(query)
        if isinstance(studies, SearchResult):
            _complain(studies)
        if len(studies) != 1:
            raise StudyCountError(len(studies))
        return studies[0]

    def find_study_by_id(
        self, study_uid: str, /, query_level: QueryLevels = QueryLevels.STUDY
    ) -> Study:
        """Return the study with this UID, filled down to *query_level*.

        Raises
        ------
        InvalidUIDError
            If *study_uid* is empty (which would match any study) or not one UID.
        StudyCountError
            If there is none.
        """
        uid = check_uid(study_uid, "study UID")
        return self.find_study(Query(StudyInstanceUID=uid, query_level=query_level))


class Downloader(Protocol):
    """Downloads instances. Implement `datasets`."""

    @abstractmethod
    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield one data set for each instance in *objects*, in order of arrival.

        Raises
        ------
        NoReferencesFoundError
            Before the first data set, never between two, if this downloader needs deeper
            references: `NonInstanceParameterError` or `NonSeriesParameterError`. A caller may
            expand and start again without receiving anything twice.
        DownloadError
            When an instance cannot be had; it names the instance. Data sets that have been
            yielded remain valid.
        ArchiveUnavailableError
            If there is nobody to ask.
        """
        ...

    def get_dataset(self, reference: InstanceReference, /) -> Dataset:
        """Return the data set of one instance.

        Raises
        ------
        DownloadError
            If it cannot be had.
        """
        found = list(self.datasets([reference]))
        if len(found) != 1:
            raise DownloadError(str(reference), f"one data set was expected, {len(found)} came")
        return found[0]


class FileDownloader(Downloader, Protocol):
    """Downloads instances as the bytes they are stored in. Implement `files`."""

    @abstractmethod
    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*, in order of arrival.

        Each file is to be consumed before the next is asked for. An instance that cannot be had
        is a file whose chunks raise `DownloadError`: the others go on.

        Raises
        ------
        NoReferencesFoundError
            Before the first file, as `datasets`.
        ArchiveUnavailableError
            If there is nobody to ask.
        """
        ...

    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield one data set for each instance in *objects*, verified to be whole.

        Raises
        ------
        DownloadError
            When an instance cannot be had, or is not whole.
        """
        return (file.dataset() for file in self.files(objects))


class Storage(Protocol):
    """Keeps instances."""

    @abstractmethod
    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Keep *item*, whole or not at all, and say what became of it.

        A `DICOMFile` is consumed. What is there already is never overwritten.

        Raises
        ------
        StorageError
            If nothing more can be stored: disk full, no permission.
        """
        ...

    @abstractmethod
    def find(self, reference: InstanceReference, /) -> Outcome | None:
        """Return ``ALREADY_THERE`` if the instance is here and whole, else `None`."""
        ...


def searcher_from(function: Callable[[Query], Sequence[Study]]) -> Searcher:
    """Return a `Searcher` that answers with *function*.

    Examples
    --------
    >>> searcher = searcher_from(lambda query: [Study(query.StudyInstanceUID)])
    >>> searcher.find_study_by_id("1.2")
    Study('1.2', 0 series, 0 instances)
    """
    return _FunctionSearcher(function)


@attrs.frozen
class _FunctionSearcher(Searcher):
    function: Callable[[Query], Sequence[Study]]

    def find_studies(self, query: Query, /) -> Sequence[Study]:
        return self.function(query)


def _complain(result: SearchResult) -> None:
    """Say what a single study cannot carry: the completeness of the search that found it."""
    reasons = "; ".join(result.reasons)
    if result.completeness is Completeness.CAPPED:
        raise SearchError(f"the search was cut short ({reasons}); use find_studies to see the rest")
    if result.completeness is Completeness.UNKNOWN:
        message = f"nobody can say whether this is everything: {reasons}"
        warnings.warn(message, IncompleteResultWarning, stacklevel=3)
