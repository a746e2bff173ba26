"""Find and fetch DICOM studies: complete, or loudly incomplete.

The names here are those of `gurney.core`, the contract, and `Trolley`, `Ladder` and `open_archive`,
which put it to use. Backends are reached by their own packages: ``gurney.folder``, ...

Names are imported when they are first used, so that the command line answers ``--help`` without
importing pydicom.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .archives import Archive, open_archive
    from .core import (
        ArchiveUnavailableError,
        AuthenticationError,
        BudgetExceededError,
        BusyError,
        Completeness,
        DetachedError,
        DICOMDownloadable,
        DICOMFile,
        DICOMObject,
        DICOMObjectLevels,
        DICOMObjectReference,
        Downloader,
        DownloadError,
        DuplicateUIDError,
        Expectation,
        ExtendedQuery,
        FileDownloader,
        GurneyError,
        HeldBack,
        IncompleteDownloadError,
        IncompleteResultWarning,
        Instance,
        InstanceReference,
        InvalidInputError,
        InvalidUIDError,
        LayoutError,
        Match,
        Matches,
        NonInstanceParameterError,
        NonSeriesParameterError,
        NoReferencesFoundError,
        NotFoundError,
        Outcome,
        OutcomeStatus,
        ProtocolViolationError,
        Query,
        QueryError,
        QueryLevels,
        Receipt,
        RequestRefusedError,
        Searcher,
        SearchError,
        SearchResult,
        Series,
        SeriesReference,
        Storage,
        StorageError,
        Study,
        StudyCountError,
        StudyReceipt,
        StudyReference,
        TransferInterruptedError,
        UnknownArchiveError,
        UnsupportedParameterError,
        chunked,
        completeness_of,
        contained_references,
        group_by_series,
        group_by_study,
        iter_references,
        matches,
        parse_reference,
        searcher_from,
        to_instance_refs,
        to_references,
        to_series_level_refs,
        unique,
    )
    from .retrieving import Ladder
    from .trolley import Progress, ProgressListener, Trolley

__all__ = [
    "Archive",
    "ArchiveUnavailableError",
    "AuthenticationError",
    "BudgetExceededError",
    "BusyError",
    "Completeness",
    "DICOMDownloadable",
    "DICOMFile",
    "DICOMObject",
    "DICOMObjectLevels",
    "DICOMObjectReference",
    "DetachedError",
    "DownloadError",
    "Downloader",
    "DuplicateUIDError",
    "Expectation",
    "ExtendedQuery",
    "FileDownloader",
    "GurneyError",
    "HeldBack",
    "IncompleteDownloadError",
    "IncompleteResultWarning",
    "Instance",
    "InstanceReference",
    "InvalidInputError",
    "InvalidUIDError",
    "Ladder",
    "LayoutError",
    "Match",
    "Matches",
    "NoReferencesFoundError",
    "NonInstanceParameterError",
    "NonSeriesParameterError",
    "NotFoundError",
    "Outcome",
    "OutcomeStatus",
    "Progress",
    "ProgressListener",
    "ProtocolViolationError",
    "Query",
    "QueryError",
    "QueryLevels",
    "Receipt",
    "RequestRefusedError",
    "SearchError",
    "SearchResult",
    "Searcher",
    "Series",
    "SeriesReference",
    "Storage",
    "StorageError",
    "Study",
    "StudyCountError",
    "StudyReceipt",
    "StudyReference",
    "TransferInterruptedError",
    "Trolley",
    "UnknownArchiveError",
    "UnsupportedParameterError",
    "chunked",
    "completeness_of",
    "contained_references",
    "group_by_series",
    "group_by_study",
    "iter_references",
    "matches",
    "open_archive",
    "parse_reference",
    "searcher_from",
    "to_instance_refs",
    "to_references",
    "to_series_level_refs",
    "unique",
]

_ELSEWHERE: Final = {
    "Archive": "archives",
    "Ladder": "retrieving",
    "Progress": "trolley",
    "ProgressListener": "trolley",
    "Trolley": "trolley",
    "open_archive": "archives",
}

if not TYPE_CHECKING:  # a checker that saw this would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(f".{_ELSEWHERE.get(name, 'core')}", __name__)
        return globals().setdefault(name, getattr(home, name))

    def __dir__() -> list[str]:
        return [*__all__]
