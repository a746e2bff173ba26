"""What an instance is, and what makes two of them differ."""

from __future__ import annotations

from hashlib import sha256

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gurney.core import InstanceReference, text

__all__ = ["differences", "fingerprint", "reference_of"]


def reference_of(dataset: Dataset) -> InstanceReference:
    """Return where *dataset* is in the tree, by its own UIDs.

    Raises
    ------
    InvalidUIDError
        If a UID is absent, or cannot be one.
    """
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    return InstanceReference(*(text(dataset, uid) for uid in uids))


def differences(expected: Dataset, found: Dataset) -> list[str]:
    """Return the tags of elements that are not the same in both; empty if the two are equal."""
    tags = sorted({*expected.keys(), *found.keys()})
    return [str(tag) for tag in tags if _element(expected, tag) != _element(found, tag)]


def fingerprint(content: bytes) -> str:
    """Return a text that is the same for the same bytes: pytest takes minutes to show megabytes.

    Examples
    --------
    >>> fingerprint(b"DICM")[:24]
    '4 bytes, sha256 4c07eaea'
    """
    return f"{len(content)} bytes, sha256 {sha256(content).hexdigest()}"


def _element(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    return dataset[tag] if tag in dataset else None  # noqa: SIM401  `get` gives raw elements
