"""An instance that cannot be had is a file, too: one that raises when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..core import DICOMFile, DICOMObjectReference, DownloadError, GurneyError
from .judging import Came

__all__ = ["Failures", "failing"]


class Failures:
    """What could not be had in one download: told as it happens, unless nobody was there at all.

    Parameters
    ----------
    came
        What is not to be waited for any longer; what fails is added.
    protocol
        By which it was asked for.

    Attributes
    ----------
    reached
        Whether the archive has answered anything.
    down
        Why nothing more is asked of it; `None` as long as it is.
    """

    def __init__(self, came: Came, protocol: str) -> None:
        self._came: Came = came
        self._protocol: str = protocol
        self._held: list[DICOMFile] = []
        self.reached: bool = False
        self.down: GurneyError | None = None

    def of(
        self, references: Iterable[DICOMObjectReference], retries: int, reason: str
    ) -> Iterator[DICOMFile]:
        """Yield files that raise; later, if it may be that nobody was there at all."""
        for reference in references:
            self._came.add(reference.uids)
            file = failing(reference, self._protocol, reason, retries=retries)
            if self.down is not None and not self.reached:
                self._held.append(file)
            else:
                yield file

    def held(self) -> Iterator[DICOMFile]:
        """Yield, in the end, what was held back.

        Raises
        ------
        GurneyError
            What was in the way, if nobody was there at all.
        """
        if self.down is not None and not self.reached:
            raise self.down
        yield from self._held


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
