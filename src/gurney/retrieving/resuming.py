"""A large instance whose bytes stop coming is asked for again, and goes on where it stopped.

Its first bytes have been passed on by then, and cannot be taken back. So what comes again has to
begin with the same bytes, to the last one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext

from ..core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMFile,
    DownloadError,
    GurneyError,
    InvalidInputError,
)

__all__ = ["unbroken"]


def unbroken(
    file: DICOMFile,
    chunks: Iterator[bytes],
    again: Callable[[int], AbstractContextManager[Iterator[bytes]]],
    attempts: int,
) -> Generator[bytes]:
    """Yield the bytes of *file*, however often they have to be asked for.

    Parameters
    ----------
    file
        Its retries are counted, and its size is put right in the end.
    chunks
        The bytes, as they come at first.
    again
        Asks for all its bytes anew; is told how often they were asked for before.
    attempts
        Times to ask in all.

    Raises
    ------
    DownloadError
        If they do not come to their end, or are not the same any more.
    """
    subject = str(file.reference)
    seen, size, reason = hashlib.sha256(), 0, ""
    for attempt in range(attempts):
        file.retries += attempt > 0
        try:
            with again(attempt) if attempt else nullcontext(chunks) as pieces:
                for piece in _after(pieces, size, seen.digest(), subject):
                    seen.update(piece)
                    size += len(piece)
                    yield piece
                file.size = size  # what was announced may have been wrong
                return
        except (AuthenticationError, DownloadError, InvalidInputError):
            raise
        except ArchiveUnavailableError as error:
            reason = str(error)
        except GurneyError as error:
            raise DownloadError(subject, str(error)) from error
    raise DownloadError(subject, reason)


def _after(pieces: Iterator[bytes], size: int, digest: bytes, subject: str) -> Iterator[bytes]:
    """Pass over the first *size* bytes, which have to be those with that *digest*."""
    seen = hashlib.sha256()
    while size:
        piece = next(pieces, b"")
        seen.update(piece[:size])
        if size > len(piece) and piece:
            size -= len(piece)
            continue
        if seen.digest() != digest:
            raise DownloadError(subject, "cut, and asked for again: other bytes came")
        rest, size = piece[size:], 0
        if rest:
            yield rest
    yield from pieces
