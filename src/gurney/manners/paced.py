"""Keeping to a pace on behalf of those who do not know of any."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..core import DICOMFile
from .pace import Pace

__all__ = ["paced_files"]


def paced_files(files: Iterator[DICOMFile], pace: Pace) -> Generator[DICOMFile]:
    """Yield *files*, each of them a request, and their bytes as fast as *pace* allows.

    For a downloader that does not ask the pace itself. It is to be closed as any generator, and
    closes *files* then.

    Examples
    --------
    >>> pace = Pace()
    >>> for file in paced_files(iter([DICOMFile(iter([b"12", b"345"]))]), pace):
    ...     file.read()
    b'12345'
    >>> pace.requests, pace.bytes_received
    (1, 5)
    """
    try:
        for file in files:
            pace.request()
            file.chunks = _paced(file.chunks, pace)
            yield file
    finally:
        close = getattr(files, "close", None)
        if close is not None:
            close()


def _paced(chunks: Iterator[bytes], pace: Pace) -> Iterator[bytes]:
    for chunk in chunks:
        pace.received(len(chunk))
        yield chunk
