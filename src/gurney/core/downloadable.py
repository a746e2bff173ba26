"""The shape of whatever can be named to a downloader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .levels import DICOMObjectLevels
from .references import DICOMObjectReference

__all__ = ["DICOMDownloadable"]


class DICOMDownloadable(Protocol):
    """Anything that can be named to a downloader: our objects, our references, your own classes."""

    @property
    def level(self) -> DICOMObjectLevels:
        """Where this is in the tree."""
        ...

    @property
    def children(self) -> Sequence[DICOMDownloadable]:
        """What is known to be in it, one level deeper; empty if nothing is known."""
        ...

    def reference(self) -> DICOMObjectReference:
        """Return the address of this object, at its own level."""
        ...
