"""What comes to be stored: which instance it is, and whether it is the one that was meant."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    DICOMObjectReference,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    OutcomeStatus,
    SeriesReference,
    StructuralWalk,
    StudyReference,
    Walked,
    encode,
    is_uid,
    text,
)

from .disk import NotKeptError

__all__ = ["file_from", "identify", "named", "pieces", "receive", "reference_in"]

_NAMES = ("Study Instance UID", "Series Instance UID", "SOP Instance UID")
_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_SHOWN = 64  # characters of a UID in a message; the standard's longest


def file_from(item: DICOMFile | Dataset) -> DICOMFile:
    """Return *item* as a stream of Part 10 bytes."""
    return DICOMFile(_encoded(item)) if isinstance(item, Dataset) else item


def pieces(file: DICOMFile) -> Iterator[bytes]:
    """Yield the bytes of *file*; trouble on the way is trouble with this instance only."""
    try:
        yield from file.chunks
    except DownloadError as error:
        raise NotKeptError(OutcomeStatus.FAILED, error.reason) from error
    except OSError as error:  # its text may hold a path, and so a patient
        reason = f"its bytes could not be had to the end ({type(error).__name__}); ask again"
        raise NotKeptError(OutcomeStatus.FAILED, reason) from error


def receive(
    file: DICOMFile,
    write: Callable[[bytes], object],
    checksum: str | None = None,
    keywords: Iterable[str] = (),
) -> tuple[Walked, str]:
    """Have *file* written, and return what it is, and its checksum; empty if none is wanted."""
    structure = StructuralWalk(keywords)
    digest = hashlib.new(checksum, usedforsecurity=False) if checksum else None
    for piece in pieces(file):
        structure.feed(piece)
        if digest is not None:
            digest.update(piece)
        write(piece)
    return structure.finish(), f"{checksum}:{digest.hexdigest()}" if digest else ""


def identify(file: DICOMFile, walked: Walked) -> InstanceReference:
    """Return which instance *file* held: whole, with its UIDs, and the one that was asked for."""
    if not walked.whole:
        raise NotKeptError(OutcomeStatus.FAILED, walked.fault)
    if file.size is not None and walked.size < file.size:
        reason = f"{walked.size} of {file.size} announced bytes came; ask again"
        raise NotKeptError(OutcomeStatus.FAILED, reason)
    uids = _uids(walked)
    absent = [name for name, uid in zip(_NAMES, uids, strict=True) if not uid]
    if absent:
        reason = f"it has no {' and no '.join(absent)}, and so no place"
        raise NotKeptError(OutcomeStatus.FAILED, reason)
    asked = file.reference.uids if file.reference else ()
    if asked != uids[: len(asked)]:
        reason = f"asked for {file.reference}, got {'/'.join(map(_shown, uids))}"
        raise NotKeptError(OutcomeStatus.REFUSED, reason)
    try:
        return InstanceReference(*uids)
    except InvalidUIDError as error:
        raise NotKeptError(OutcomeStatus.FAILED, f"it cannot be addressed: {error}") from error


def named(item: DICOMFile | Dataset, walked: Walked | None) -> DICOMObjectReference | None:
    """Return the best name there is for what was not kept; `None` if there is none."""
    if isinstance(item, Dataset):
        return _deepest([text(item, keyword) for keyword in _KEYWORDS])
    if item.reference is not None:
        return item.reference
    return None if walked is None else _deepest(_uids(walked))


def reference_in(walked: Walked) -> InstanceReference | None:
    """Return the instance that was walked over, `None` if its UIDs do not name one."""
    reference = _deepest(_uids(walked))
    return reference if isinstance(reference, InstanceReference) else None


def _encoded(dataset: Dataset) -> Iterator[bytes]:
    try:
        yield encode(dataset)
    except InvalidInputError as error:
        raise DownloadError("a data set", str(error)) from error


def _uids(walked: Walked) -> tuple[str, str, str]:
    return (walked.study_uid, walked.series_uid, walked.instance_uid)


def _deepest(uids: Sequence[str]) -> DICOMObjectReference | None:
    """The reference made of the first *uids*, as far as they can be UIDs."""
    study, series, instance = map(is_uid, uids)
    if study and series and instance:
        return InstanceReference(*uids)
    if study and series:
        return SeriesReference(*uids[:2])
    return StudyReference(uids[0]) if study else None


def _shown(uid: str) -> str:
    if not is_uid(uid):
        return "(no UID)"
    return uid if len(uid) <= _SHOWN else f"{uid[:_SHOWN]}..."
