"""An instance that cannot be had is a file, too: one that raises when it is read."""

from __future__ import annotations

from collections.abc import Iterator

from ..core import DICOMFile, DICOMObjectReference, DownloadError

__all__ = ["failing"]


def failing(
    reference: DICOMObjectReference, protocol: str, reason: str, *, retries: int = 0
) -> DICOMFile:
    """Return a file whose chunks raise a `DownloadError` for *reference*.

    Examples
    --------
    >>> from gurney.core import StudyReference
    >>> failing(StudyReference("1.2"), "C-GET", "the archive does not hold it").read()
    Traceback (most recent call last):
    gurney.core.errors.DownloadError: 1.2 could not be downloaded: the archive does not hold it
    """
    chunks = _raising(DownloadError(str(reference), reason))
    return DICOMFile(chunks, reference, protocol, retries=retries)


def _raising(error: DownloadError) -> Iterator[bytes]:
    raise error
    yield b""  # makes it a generator: raises when it is read, not before
