"""A storage in memory, for tests and for what is not to touch a disk."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    Outcome,
    OutcomeStatus,
    Storage,
    encode,
    walk,
)

__all__ = ["MemoryStorage"]


class MemoryStorage(Storage):
    """Keeps instances as Part 10 files in memory.

    Attributes
    ----------
    files
        What has been stored, in the order in which it came.

    Examples
    --------
    >>> from gurney.testing import example_datasets
    >>> storage = MemoryStorage()
    >>> storage.store(example_datasets()[0]).status.value
    'stored'
    >>> [str(reference) for reference in storage.files]
    ['2.25.4001/2.25.400101/2.25.400101001']
    """

    def __init__(self) -> None:
        self.files: dict[InstanceReference, bytes] = {}

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Keep *item*, whole or not at all; what is there already stays as it is."""
        file = item if isinstance(item, DICOMFile) else DICOMFile(_encoded(item))
        asked = file.reference
        try:
            content = file.read()
            found = _name(content)
        except DownloadError as error:
            return Outcome(reference=asked, status=OutcomeStatus.FAILED, reason=error.reason)
        if asked not in (None, found):
            reason = "the UIDs are not those that were asked for"
            return Outcome(reference=asked, status=OutcomeStatus.REFUSED, reason=reason)
        there = self.find(found)
        if self.files.setdefault(found, content) != content:
            reason = "other content is here under the same UIDs, and stays"
            return Outcome(reference=found, status=OutcomeStatus.REFUSED, reason=reason)
        return there or _outcome(OutcomeStatus.STORED, found, content, file.protocol, file.retries)

    def find(self, reference: InstanceReference, /) -> Outcome | None:
        """Return ``ALREADY_THERE`` if the instance is here, else `None`."""
        content = self.files.get(reference)
        if content is None:
            return None
        return _outcome(OutcomeStatus.ALREADY_THERE, reference, content)


def _encoded(dataset: Dataset) -> Iterator[bytes]:
    try:
        yield encode(dataset)
    except InvalidInputError as error:
        raise DownloadError("a data set", str(error)) from error


def _name(content: bytes) -> InstanceReference:
    walked = walk([content])
    if not walked.whole:
        raise DownloadError("a file", walked.fault)
    try:
        return InstanceReference(walked.study_uid, walked.series_uid, walked.instance_uid)
    except InvalidUIDError as error:
        raise DownloadError("a file", str(error)) from error


def _outcome(
    status: OutcomeStatus,
    reference: InstanceReference,
    content: bytes,
    protocol: str = "",
    retries: int = 0,
) -> Outcome:
    return Outcome(
        reference=reference,
        status=status,
        path=str(reference),
        size=len(content),
        transfer_syntax=walk([content]).transfer_syntax,
        protocol=protocol,
        retries=retries,
    )
