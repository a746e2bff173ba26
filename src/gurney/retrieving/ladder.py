"""Several ways to the same instances: what one does not bring, the next may."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Final

from pydicom.dataset import Dataset

from ..core import (
    CHUNK_SIZE,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DICOMObjectReference,
    DownloadError,
    FileDownloader,
    GurneyError,
    IncompleteDownloadError,
    InvalidInputError,
    NoReferencesFoundError,
)
from .failing import failing

__all__ = ["Ladder"]

_log = logging.getLogger("gurney.retrieving")
_HELD: Final = CHUNK_SIZE  # bytes of an instance that are looked at before it is passed on
_TO_BE_CORRECTED: Final = (InvalidInputError, NoReferencesFoundError)
_NOT_COME: Final = "it was asked for and did not come"


class Ladder(FileDownloader):
    """Downloads by the first of several downloaders, and what is missing then by the next.

    An instance that fails is held back, and asked for on the next rung; so is whatever else has not
    come when a rung breaks off, or has nobody to ask. What no rung has brought comes in the end, as
    files that raise with the reasons of all rungs. A study or series that is not known down to its
    instances is done with on the first rung that sends something of it.

    An instance of more than 1 MiB that breaks off after that is a file that raises, and may come
    again, whole, as another file: of two files of one instance, the last word counts. `datasets`
    takes that into account.

    Parameters
    ----------
    downloaders
        The rungs, from the one to try first; at least one. They may ask different archives.

    Raises
    ------
    InvalidInputError
        If there is no rung.

    Examples
    --------
    >>> from gurney.core import StudyReference
    >>> from gurney.testing import MemoryArchive, example_datasets
    >>> first, *others = example_datasets()
    >>> ladder = Ladder(MemoryArchive(others), MemoryArchive([first]))
    >>> [file.protocol for file in ladder.files([StudyReference("2.25.4001")])]
    ['memory']
    """

    def __init__(self, *downloaders: FileDownloader) -> None:
        if not downloaders:
            raise InvalidInputError("a ladder has at least one rung; name a downloader")
        self._rungs: tuple[FileDownloader, ...] = downloaders

    @property
    def rungs(self) -> tuple[FileDownloader, ...]:
        """The downloaders, from the one that is tried first."""
        return self._rungs

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield a file for each instance in *objects*, rung by rung.

        Raises
        ------
        NoReferencesFoundError
            Before the first file, if the first rung that has anybody to ask needs deeper
            references.
        GurneyError
            What the last rung raised, if no rung had anything to say of any instance.
        """
        return _Climb(objects).files(self._rungs)

    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield one data set for each instance in *objects*, verified to be whole.

        Raises
        ------
        IncompleteDownloadError
            In the end, if instances could not be had on any rung.
        """
        failed: dict[str, DownloadError] = {}
        for file in self.files(objects):
            try:
                dataset = file.dataset()
            except DownloadError as error:
                failed[str(file.reference or error.subject)] = error
                continue
            failed.pop(str(file.reference), None)
            yield dataset
        if failed:
            raise IncompleteDownloadError({name: why.reason for name, why in failed.items()})

    def __repr__(self) -> str:
        return f"Ladder({', '.join(map(repr, self._rungs))})"


class _Climb:
    """One download, over all rungs."""

    def __init__(self, objects: Iterable[DICOMDownloadable]) -> None:
        self._objects: tuple[DICOMDownloadable, ...] = tuple(objects)
        leaves = chain.from_iterable(map(_leaves, self._objects))
        self._pending: dict[DICOMObjectReference, list[str]] = {leaf: [] for leaf in leaves}
        self._retries: dict[DICOMObjectReference, int] = {}
        self._came: set[DICOMObjectReference] = set()
        self._broken: set[DICOMObjectReference] = set()
        self._protocol: str = ""
        self._spoken: bool = False  # whether any rung has said anything of any instance

    def files(self, rungs: tuple[FileDownloader, ...]) -> Iterator[DICOMFile]:
        """Yield what each rung brings, then what none has brought."""
        down: GurneyError | None = None
        for rung in rungs:
            failed = set[DICOMObjectReference]()
            try:
                if self._pending:
                    yield from self._files_of(rung, failed)
                    self._close(failed)
            except GurneyError as error:
                if isinstance(error, _TO_BE_CORRECTED) and not self._spoken:
                    raise
                down = error
                _log.warning("%s: %d are left for the next rung", error, len(self._pending))
                self._blame(failed, str(error))
        if down is not None and not self._spoken:
            raise down
        yield from self._failures()

    def _failures(self) -> Iterator[DICOMFile]:
        """Yield what no rung has brought, but for files that have failed before all eyes."""
        for reference, reasons in self._pending.items():
            if reference not in self._broken:
                retries = self._retries.get(reference, 0)
                reason = "; then ".join(reasons) or _NOT_COME
                yield failing(reference, self._protocol, reason, retries=retries)

    def _files_of(
        self, rung: FileDownloader, failed: set[DICOMObjectReference]
    ) -> Iterator[DICOMFile]:
        """Yield what one rung brings; put into *failed* what it says it cannot have."""
        files = iter(rung.files(self._asked()))
        with closing(_Closable(files)) as items:
            for file in items:
                self._protocol, self._spoken = file.protocol, True
                if file.reference is not None and file.reference in self._came:
                    continue
                reason = _hold(file)
                if reason and file.reference is not None:
                    self._fail(file, reason, failed)
                    continue
                if file.reference is not None:
                    self._came.add(file.reference)
                    self._pending.pop(file.reference, None)
                    file.chunks = self._watched(file, file.chunks, failed)
                yield file

    def _asked(self) -> list[DICOMDownloadable]:
        """Return what is pending, in whole objects where all of one is."""
        asked: list[DICOMDownloadable] = []
        known = set[DICOMObjectReference]()
        for obj in self._objects:
            leaves = list(_leaves(obj))
            known.update(leaves)
            if all(leaf in self._pending for leaf in leaves):
                asked.append(obj)
            else:
                asked.extend(leaf for leaf in leaves if leaf in self._pending)
        asked.extend(reference for reference in self._pending if reference not in known)
        return asked

    def _watched(
        self, file: DICOMFile, chunks: Iterator[bytes], failed: set[DICOMObjectReference]
    ) -> Iterator[bytes]:
        """Yield *chunks*; if they break off, the next rung is asked for them."""
        try:
            yield from chunks
        except DownloadError as error:
            if file.reference is not None:
                self._came.discard(file.reference)
                self._broken.add(file.reference)
                self._fail(file, error.reason, failed)
            raise

    def _fail(self, file: DICOMFile, reason: str, failed: set[DICOMObjectReference]) -> None:
        if file.reference is not None:
            failed.add(file.reference)
            self._retries[file.reference] = file.retries
            reasons = self._pending.setdefault(file.reference, [])
            reasons.append(f"{file.protocol}: {reason}" if file.protocol else reason)

    def _close(self, failed: set[DICOMObjectReference]) -> None:
        """A rung has come to its end: a study or series of which it said nothing bad is here."""
        heard_of = chain(self._came, failed)
        came = {ref.uids[:depth] for ref in heard_of for depth in (1, 2) if depth < len(ref.uids)}
        for reference in list(self._pending):
            if reference in failed:
                continue
            if reference.level > DICOMObjectLevels.INSTANCE and reference.uids in came:
                del self._pending[reference]
            else:
                self._pending[reference].append(_NOT_COME)

    def _blame(self, failed: set[DICOMObjectReference], reason: str) -> None:
        """A rung broke off: whatever it has not brought is missing because of that."""
        for reference, reasons in self._pending.items():
            if reference not in failed:
                reasons.append(reason)


def _leaves(obj: DICOMDownloadable) -> Iterator[DICOMObjectReference]:
    """Yield references to what is known to be in *obj*, as deep as it is known."""
    if not obj.children:
        yield obj.reference()
    for child in obj.children:
        yield from _leaves(child)


def _hold(file: DICOMFile) -> str:
    """Look at the beginning of *file*; say why it fails if it fails there."""
    held: list[bytes] = []
    size = 0
    try:
        for piece in file.chunks:
            held.append(piece)
            size += len(piece)
            if size >= _HELD:
                break
    except DownloadError as error:
        return error.reason
    file.chunks = chain(held, file.chunks)
    return ""


class _Closable:
    """An iterator that can be closed, as a generator can, whether or not it is one."""

    def __init__(self, files: Iterator[DICOMFile]) -> None:
        self._files: Iterator[DICOMFile] = files

    def __iter__(self) -> Iterator[DICOMFile]:
        return self._files

    def close(self) -> None:
        """Close it, if it can be."""
        close = getattr(self._files, "close", None)
        if callable(close):
            close()
