"""What a folder holds, file by file: each is counted, none is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

import attrs

__all__ = ["FileGroup", "FileStatus", "FolderReport", "ListedFile"]


class FileStatus(str, Enum):
    """What a file is to an archive; each file is exactly one of these."""

    INDEXED = "indexed"
    """An instance; it can be found, and fetched if it is whole."""

    DICOMDIR = "DICOMDIR"
    """A list of instances, not an instance."""

    NOT_DICOM = "not DICOM"
    """Surely something else."""

    UNUSABLE = "unusable"
    """DICOM that cannot be placed in a study, a series or under a UID: data may be missing."""

    UNREADABLE = "unreadable"
    """Nobody can say what it is: data may be missing."""


@attrs.frozen
class ListedFile:
    """One file, and what it is to the archive.

    Attributes
    ----------
    path
        Relative to the root, with ``/``; what cannot be printed is escaped.
    status
        What it is.
    problem
        Of which kind its problem is; ``""`` for a whole instance.
    detail
        What exactly; for a whole instance, what is odd about it.
    """

    path: str
    status: FileStatus
    problem: str = ""
    detail: str = ""


@attrs.frozen
class FileGroup:
    """Files of one status that have one kind of problem.

    Attributes
    ----------
    status, problem
        As those of a `ListedFile`.
    count
        How many files there are.
    examples
        The first of their paths, in order; at most ten.
    """

    status: FileStatus
    problem: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        # Without examples: a path may name a patient, and this text reaches messages and logs.
        return f"{self.count} {self.problem}"


@attrs.frozen
class FolderReport:
    """What the index holds after it was brought up to date.

    Attributes
    ----------
    added, changed, removed
        Files that are new, differ, or are gone since the index was last brought up to date.
    counts
        How many files have which status, in the order of `FileStatus`, all of them.
    groups
        The files that are more or less than whole instances, by status and problem.
    missing
        How many files a DICOMDIR names that are not there.
    missing_examples
        The first of their paths; at most ten.
    notes
        What became of the index itself: kept in memory, rebuilt.
    """

    added: int
    changed: int
    removed: int
    counts: Mapping[FileStatus, int]
    groups: tuple[FileGroup, ...]
    missing: int = 0
    missing_examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(self.counts.values())

    @property
    def complete(self) -> bool:
        """Whether every file is either indexed, or surely no instance."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there may be more in the folder than could be indexed; empty if there is not."""
        return tuple(self._reasons())

    def _reasons(self) -> Iterator[str]:
        for group in self.groups:
            if group.status is FileStatus.UNUSABLE:
                yield f"DICOM that cannot be placed: {group}"
            elif group.status is FileStatus.UNREADABLE:
                yield f"files or folders that cannot be read: {group}"
        if self.missing:
            yield f"a DICOMDIR names files that are not there: {self.missing}"
