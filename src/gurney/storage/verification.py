"""Says whether what lies in a folder is whole, and is what the receipt says."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from gurney.core import (
    DICOMObjectReference,
    Outcome,
    OutcomeStatus,
    Receipt,
    StorageError,
    Walked,
)

from .arrival import reference_in
from .content import checksum_of, look
from .disk import unusable
from .names import is_aside
from .temporary import is_temporary
from .tree import everything

__all__ = ["Verification", "verify"]

_DICOM_NAMES: Final = (".dcm", ".dicom")


@attrs.frozen(kw_only=True)
class Verification:
    """What `verify` found. Paths are relative to the folder, with ``/``, in order.

    Attributes
    ----------
    whole
        How many files are whole DICOM instances.
    verified_bytes
        The size of those together.
    checksums
        How many of those had their checksum compared with that of the receipt, and found equal.
    faults
        What is wrong, by path: damaged files, and files that are not what the receipt says.
    missing
        Paths that the receipt has and the folder has not.
    extra
        Whole DICOM files that the receipt does not have. No harm in itself.
    aside
        Files kept aside, because other content had their name or they were damaged.
    unfinished
        Temporary files that a storage writes now, or has left.
    others
        What was not looked into: no DICOM files, links, devices.
    wanted
        What the receipt names and is not here, whole: give it to the next download.
    shortfall
        Why the receipt itself is not complete; empty if it is, or if there is none.
    against_receipt
        Whether there was a receipt to compare with.
    """

    whole: int
    verified_bytes: int
    checksums: int
    faults: Mapping[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    aside: tuple[str, ...]
    unfinished: tuple[str, ...]
    others: tuple[str, ...]
    wanted: tuple[DICOMObjectReference, ...]
    shortfall: tuple[str, ...]
    against_receipt: bool

    @property
    def ok(self) -> bool:
        """The answer: all that should be here is here, and whole."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the answer is no; empty if it is yes."""
        return tuple(self._reasons())

    def _reasons(self) -> Iterator[str]:
        if self.faults:
            yield f"{_files(len(self.faults))} damaged, changed or unreadable"
        if self.missing:
            yield f"{_files(len(self.missing))} in the receipt and not here"
        if not self.against_receipt and not self.whole:
            yield "no DICOM instance is here"
        yield from (f"receipt: {reason}" for reason in self.shortfall)


def verify(
    root: str | os.PathLike[str],
    receipt: Receipt | None = None,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Verification:
    """Walk over every file under *root*, and compare it with what *receipt* says of it.

    Nothing is changed. Links are not followed. What a transform has given other UIDs is to have
    those; what it has withheld is not looked for.

    Parameters
    ----------
    root
        The folder.
    receipt
        Of the download that filled it. Without one, only the files can tell: what is wholly
        absent is not seen.
    progress
        Called with the number of files done and of all, after each.

    Raises
    ------
    StorageError
        If *root* is not a folder, or something under it cannot be read.
    """
    folder = Path(os.path.realpath(root))
    if not folder.is_dir():
        raise StorageError(f"{folder.name!r} is not a folder; name the one that was fetched into")
    examination = _Examination(folder, receipt)
    try:
        paths = list(everything(folder))
        for done, path in enumerate(paths, 1):
            examination.look_at(path)
            if progress is not None:
                progress(done, len(paths))
    except OSError as error:
        raise unusable(folder, error) from error
    return examination.result()


class _Examination:
    """What has been seen so far."""

    def __init__(self, root: Path, receipt: Receipt | None) -> None:
        outcomes = receipt.outcomes if receipt else ()
        self.root: Path = root
        self.receipt: Receipt | None = receipt
        self.expected: dict[str, Outcome] = {o.path: o for o in outcomes if o.in_place}
        self.found: dict[str, int] = {}  # whole files, and their sizes
        self.checksums: int = 0
        self.faults: dict[str, str] = {}
        self.extra: list[str] = []
        self.aside: list[str] = []
        self.unfinished: list[str] = []
        self.others: list[str] = []

    def look_at(self, path: Path) -> None:
        """Put the file at *path* where it belongs."""
        relative = path.relative_to(self.root).as_posix()
        if is_temporary(path.name):
            self.unfinished.append(relative)
        elif is_aside(path.name):
            self.aside.append(relative)
        else:
            try:
                self._judge(path, relative)
            except PermissionError:  # the others can be judged all the same
                self.faults[relative] = "it cannot be read: permission denied"

    def result(self) -> Verification:
        """Add what was not seen."""
        seen = self.found.keys() | self.faults.keys()
        return Verification(
            whole=len(self.found),
            verified_bytes=sum(self.found.values()),
            checksums=self.checksums,
            faults=self.faults,
            missing=tuple(path for path in self.expected if path not in seen),
            extra=tuple(self.extra),
            aside=tuple(self.aside),
            unfinished=tuple(self.unfinished),
            others=tuple(self.others),
            wanted=tuple(self._wanted()),
            shortfall=tuple(_shortfall(self.receipt)),
            against_receipt=self.receipt is not None,
        )

    def _judge(self, path: Path, relative: str) -> None:
        walked, outcome = look(path), self.expected.get(relative)
        if outcome is None and _is_other(path, walked):
            self.others.append(relative)
        elif fault := self._fault(path, walked, outcome):
            self.faults[relative] = fault
        elif walked is not None:
            self.found[relative] = walked.size
            if outcome is None and self.receipt is not None:
                self.extra.append(relative)

    def _fault(self, path: Path, walked: Walked | None, outcome: Outcome | None) -> str:
        """What is wrong with the file; empty if nothing is."""
        if walked is None:
            return "it is a link, a device or a folder, not a file"
        if not walked.whole:
            return walked.fault
        if outcome is None:
            return ""
        if (outcome.stored_as or outcome.reference) != reference_in(walked):
            return "it holds another instance than the receipt says"
        return self._mismatch(path, walked, outcome)

    def _mismatch(self, path: Path, walked: Walked, outcome: Outcome) -> str:
        if walked.size != outcome.size:
            return f"it has {walked.size} bytes, the receipt says {outcome.size}"
        algorithm = outcome.checksum.partition(":")[0]
        if not algorithm:
            return ""
        if algorithm not in hashlib.algorithms_available:
            return f"the receipt has a {algorithm} checksum, which cannot be made here"
        if checksum_of(path, algorithm) != outcome.checksum:
            return f"its {algorithm} checksum is not that of the receipt"
        self.checksums += 1
        return ""

    def _wanted(self) -> Iterator[DICOMObjectReference]:
        """What the receipt names, each once, and is not here."""
        outcomes = self.receipt.outcomes if self.receipt else ()
        wanted = {o.reference: None for o in outcomes if _is_wanted(o, self.found)}
        return (reference for reference in wanted if reference is not None)


def _is_other(path: Path, walked: Walked | None) -> bool:
    """Whether the file is none of ours: a listing, a link; but a name may claim otherwise."""
    if walked is None:
        return True
    return not walked.is_dicom and path.suffix.lower() not in _DICOM_NAMES


def _is_wanted(outcome: Outcome, found: Container[str]) -> bool:
    if outcome.status in {OutcomeStatus.UNEXPECTED, OutcomeStatus.WITHHELD}:
        return False
    return not outcome.good or outcome.path not in found


def _shortfall(receipt: Receipt | None) -> Iterator[str]:
    if receipt is not None and not receipt.complete:
        yield from receipt.reasons
        short = sum(not study.complete for study in receipt.studies)
        if short:
            yield f"{short} of {len(receipt.studies)} studies are not complete"


def _files(count: int) -> str:
    return f"{count} file is" if count == 1 else f"{count} files are"
