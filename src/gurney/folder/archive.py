"""An archive that is a folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs

from ..core import (
    ArchiveUnavailableError,
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    ExtendedQuery,
    FileDownloader,
    InvalidInputError,
    Query,
    Searcher,
    SearchResult,
    chunked,
)
from .fetching import Wanted, deepest, look_up, to_file
from .index import Index, open_index
from .paths import absolute
from .refreshing import Changes, is_of, refresh
from .report import FileStatus, FolderReport, ListedFile
from .reporting import describe, listing
from .schema import transaction
from .searching import Found, find

__all__ = ["FolderArchive", "open_url"]

_AT_ONCE = 100  # references that are looked up together
_TRIES = 10  # of a search, while others change the index


class FolderArchive(Searcher, FileDownloader):
    """The DICOM files in a folder and all below it, as an archive.

    The folder is never written to. What its files hold is kept in an index, which every search
    brings up to date: new files, and those whose size or time of modification has changed, are
    read; the others are only looked at.

    Parameters
    ----------
    path
        The folder. Files may have any name and any extension, or none. Links are followed.
    index
        Where to keep the index: a file, which may lie in the folder; or ``":memory:"``. By
        default, a file in the user's cache, which only the user can read: it holds patient data.

    Attributes
    ----------
    path
        The folder, absolute.

    Raises
    ------
    InvalidInputError
        If *index* is a file that is something else: it is not overwritten.

    Notes
    -----
    - All keys of `ExtendedQuery` are supported, at each level, by the rules of
      `gurney.core.matching`. A study matches if one of its files matches all keys about the study;
      ``ModalitiesInStudy`` looks at all its series. What a file says is the truth: an attribute
      that is absent matches no key. A value that is evidently damaged or not precise enough may
      match: the study is included, and a note says so.
    - Every study has ``ModalitiesInStudy``, ``SOPClassesInStudy``, ``NumberOfStudyRelatedSeries``
      and ``NumberOfStudyRelatedInstances``, every series ``NumberOfSeriesRelatedInstances``, all
      of them counted; they count the whole study, also if only some of its series match.
    - ``include_fields`` that the index does not hold are read from the files: one for each study
      or series, all for instances.
    - A result is complete if each file is either indexed, or surely not DICOM. Files that are cut
      off can be found if their UIDs can be read; fetching them fails with the reason.
    - Files with the same UIDs are one instance. If their bytes differ a note says so; a whole one
      is preferred, then the first by path.
    - A DICOMDIR is believed in one thing only: that the files it names should be there.
    - Safe to be used by several threads and processes at once.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> folder = Path(get_testdata_file("DICOMDIR")).parent
    >>> archive = FolderArchive(folder, index=":memory:")
    >>> result = archive.find_studies(Query(PatientName="doe^*", ModalitiesInStudy="MR"))
    >>> result.completeness.value, [study.data.StudyDescription for study in result]
    ('complete', ['Brain', 'Brain-MRA', 'Carotids'])
    """

    def __init__(
        self, path: str | os.PathLike[str], index: str | os.PathLike[str] | None = None
    ) -> None:
        self.path: Path = absolute(path)
        self._root: bytes = os.fsencode(self.path)
        self._index: Index = open_index(self._root, index)
        self._refreshed: bool = False

    def __repr__(self) -> str:
        return f"FolderArchive({str(self.path)!r})"

    def __reduce__(self) -> tuple[type[FolderArchive], tuple[object, ...]]:
        return type(self), (self.path, self._index.wanted)

    @property
    def index(self) -> Path | None:
        """The file that holds the index; `None` if it is in memory."""
        return self._index.path

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, filled down to its level.

        Studies are in order of date and time, series and instances of their numbers; those
        without come last, and UIDs decide between equals.

        Raises
        ------
        UnsupportedParameterError
            If *query* has a parameter that `ExtendedQuery` has not.
        ArchiveUnavailableError
            If the folder cannot be read.
        """
        extended = ExtendedQuery.init_from_query(query)

        def work(connection: sqlite3.Connection) -> tuple[Found, FolderReport] | None:
            changes = self._refresh(connection)
            with transaction(connection):
                if not is_of(connection, self._index.root, changes):
                    return None
                return find(connection, self._root, extended), describe(connection, changes)

        found, report = self._undisturbed(work)
        return SearchResult(
            found.studies,
            Completeness.UNKNOWN if report.reasons else Completeness.COMPLETE,
            report.reasons,
            notes=(*found.notes, *_notes(report), *self._index.notes),
        )

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*, in tree order, each instance once.

        Studies and series of which nothing more is known are looked up. Whatever cannot be had
        is a file whose chunks raise `DownloadError`: it is not here, not whole, or has changed
        since it was indexed.

        Raises
        ------
        ArchiveUnavailableError
            Before the first file, if the folder cannot be read.
        """
        if not self._refreshed:
            self.refresh()
        given = set[int | DICOMObjectReference]()
        references = (reference for obj in objects for reference in deepest(obj))
        for some in chunked(references, _AT_ONCE):
            for wanted in self._look_up(some):
                name = wanted.reference if wanted.key is None else wanted.key  # small
                if name not in given:
                    given.add(name)
                    yield to_file(self._root, wanted)

    def refresh(self) -> FolderReport:
        """Bring the index up to date now, and say what is in the folder.

        Raises
        ------
        ArchiveUnavailableError
            If the folder cannot be read.
        """
        report = self._index.run(lambda connection: describe(connection, self._refresh(connection)))
        return attrs.evolve(report, notes=tuple(self._index.notes))

    def listed(self, status: FileStatus | None = None) -> Iterator[ListedFile]:
        """Yield every file that the index knows, or those with *status*, in order of their paths.

        As of the last search or `refresh`; in memory of a few files, however many there are.
        """
        path: bytes | None = b""
        while path is not None:
            page, path = self._index.run(partial(listing, after=path, status=status))
            yield from page

    def _refresh(self, connection: sqlite3.Connection) -> Changes:
        changes = refresh(connection, self._root, self._index.files(), self._index.writing)
        self._refreshed = True
        return changes

    def _undisturbed(
        self, work: Callable[[sqlite3.Connection], tuple[Found, FolderReport] | None]
    ) -> tuple[Found, FolderReport]:
        """Do *work* until nobody brings the index up to date in the middle of it."""
        for _ in range(_TRIES):
            done = self._index.run(work)
            if done is not None:
                return done
        raise ArchiveUnavailableError(
            f"others changed the index during each of {_TRIES} searches; "
            f"give each folder an index of its own, or search when its files rest"
        )

    def _look_up(self, references: tuple[DICOMObjectReference, ...]) -> list[Wanted]:
        return self._index.run(lambda connection: look_up(connection, references))


def open_url(url: str) -> FolderArchive:
    """Open the folder at *url*: ``file:///abs/path``, percent-encoded, or a bare path.

    Raises
    ------
    InvalidInputError
        If *url* is of another kind, or of another machine.

    Examples
    --------
    >>> open_url("file:///data/my%20studies")
    FolderArchive('/data/my studies')
    """
    if not url.lower().startswith("file:"):
        if "://" in url:
            raise InvalidInputError("not the URL of a folder; give file:///… or a path")
        return FolderArchive(url)
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise InvalidInputError(f"a file URL names the machine {parts.netloc}; mount its folder")
    if parts.query or parts.fragment or not parts.path.startswith("/"):
        raise InvalidInputError("a file URL is file:///abs/path, with %3F for ? and %23 for #")
    path = unquote(parts.path)
    return FolderArchive(path.lstrip("/") if os.name == "nt" else path)


def _notes(report: FolderReport) -> Iterator[str]:
    groups = [group for group in report.groups if group.status is FileStatus.NOT_DICOM]
    if groups:
        kinds = ", ".join(f"{group.count} {group.problem}" for group in groups)
        yield f"{sum(group.count for group in groups)} files are not DICOM: {kinds}"
