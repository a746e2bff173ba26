"""Which file holds which instance, where a path does not follow from the UIDs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gurney.core import (
    InstanceReference,
)

from .arrival import reference_in
from .content import look

__all__ = ["Index"]


class Index:
    """What the files say of themselves, read once, when it is first asked for.

    Kept in memory only: after a restart the disk is believed again.
    """

    def __init__(self, files: Callable[[], Iterable[Path]]) -> None:
        self._files: Callable[[], Iterable[Path]] = files
        self._paths: dict[InstanceReference, Path] | None = None

    def get(self, reference: InstanceReference) -> Path | None:
        """Return where the instance was last seen."""
        return self._known().get(reference)

    def add(self, reference: InstanceReference, path: Path) -> None:
        """Take note of where the instance is now."""
        self._known()[reference] = path

    def _known(self) -> dict[InstanceReference, Path]:
        if self._paths is None:
            self._paths = {}
            for path in self._files():
                walked = look(path)
                reference = reference_in(walked) if walked and walked.whole else None
                if reference is not None:
                    self._paths.setdefault(reference, path)
        return self._paths
