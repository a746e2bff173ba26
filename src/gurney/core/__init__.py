"""The contract: what searchers, downloaders and storages exchange, and the shapes they have.

Nothing here does I/O. Only attrs, pydicom and typing-extensions are needed.
"""

from __future__ import annotations

from .assembly import Assembler, Assembly, assemble, level_of_keyword
from .downloadable import DICOMDownloadable
from .errors import (
    ArchiveUnavailableError,
    BudgetExceededError,
    DetachedError,
    DownloadError,
    DuplicateUIDError,
    GurneyError,
    IncompleteDownloadError,
    IncompleteResultWarning,
    InvalidInputError,
    InvalidUIDError,
    LayoutError,
    NonInstanceParameterError,
    NonSeriesParameterError,
    NoReferencesFoundError,
    QueryError,
    SearchError,
    StorageError,
    StudyCountError,
    UnknownArchiveError,
    UnsupportedParameterError,
)
from .expansion import (
    chunked,
    contained_references,
    group_by_series,
    group_by_study,
    iter_references,
    to_instance_refs,
    to_references,
    to_series_level_refs,
    unique,
)
from .levels import DICOMObjectLevels, QueryLevels
from .matching import Match, Matches, matcher, matches
from .objects import DICOMObject, Instance, Series, Study
from .part10 import CHUNK_SIZE, DICOMFile, decode, encode
from .protocols import Downloader, FileDownloader, Searcher, Storage, searcher_from
from .query import DateLike, ExtendedQuery, Query, Texts
from .receipts import Expectation, Outcome, OutcomeStatus, Receipt, StudyReceipt
from .references import (
    DICOMObjectReference,
    InstanceReference,
    SeriesReference,
    StudyReference,
    parse_reference,
)
from .results import Completeness, HeldBack, SearchResult, completeness_of
from .uids import check_uid, is_uid
from .values import number, put, subset, text, texts
from .walk import FaultKind, Limits, StructuralWalk, Walked, walk, walk_file

__all__ = [
    "ArchiveUnavailableError",
    "Assembler",
    "Assembly",
    "BudgetExceededError",
    "CHUNK_SIZE",
    "Completeness",
    "DICOMDownloadable",
    "DICOMFile",
    "DICOMObject",
    "DICOMObjectLevels",
    "DICOMObjectReference",
    "DateLike",
    "DetachedError",
    "DownloadError",
    "Downloader",
    "DuplicateUIDError",
    "Expectation",
    "ExtendedQuery",
    "FaultKind",
    "FileDownloader",
    "GurneyError",
    "HeldBack",
    "IncompleteDownloadError",
    "IncompleteResultWarning",
    "Instance",
    "InstanceReference",
    "InvalidInputError",
    "InvalidUIDError",
    "LayoutError",
    "Limits",
    "Match",
    "Matches",
    "NoReferencesFoundError",
    "NonInstanceParameterError",
    "NonSeriesParameterError",
    "Outcome",
    "OutcomeStatus",
    "Query",
    "QueryError",
    "QueryLevels",
    "Receipt",
    "SearchError",
    "SearchResult",
    "Searcher",
    "Series",
    "SeriesReference",
    "Storage",
    "StorageError",
    "StructuralWalk",
    "Study",
    "StudyCountError",
    "StudyReceipt",
    "StudyReference",
    "Texts",
    "UnknownArchiveError",
    "UnsupportedParameterError",
    "Walked",
    "assemble",
    "check_uid",
    "chunked",
    "completeness_of",
    "contained_references",
    "decode",
    "encode",
    "group_by_series",
    "group_by_study",
    "is_uid",
    "iter_references",
    "level_of_keyword",
    "matcher",
    "matches",
    "number",
    "parse_reference",
    "put",
    "searcher_from",
    "subset",
    "text",
    "texts",
    "to_instance_refs",
    "to_references",
    "to_series_level_refs",
    "unique",
    "walk",
    "walk_file",
]
