"""What became of what was to be stored, as outcomes."""

from __future__ import annotations

from pathlib import PurePath
from typing import TypeVar

from gurney.core import DICOMFile, DICOMObjectReference, InstanceReference, Outcome, Walked

from .disk import NotKeptError
from .placing import Settled

__all__ = ["kept", "not_kept"]

_Place = TypeVar("_Place", bound=PurePath)


def kept(
    reference: InstanceReference,
    settled: Settled[_Place],
    path: str,
    walked: Walked,
    file: DICOMFile | None = None,
) -> Outcome:
    """Return the outcome of what is at *path*, relative to the root of the storage."""
    return Outcome(
        reference=reference,
        status=settled.status,
        reason=settled.reason,
        path=path,
        size=settled.size,
        checksum=settled.checksum,
        transfer_syntax=walked.transfer_syntax,
        protocol=file.protocol if file else "",
        retries=file.retries if file else 0,
        notes=(*walked.oddities, *settled.notes),
    )


def not_kept(
    problem: NotKeptError,
    reference: DICOMObjectReference | None,
    file: DICOMFile,
    walked: Walked | None,
) -> Outcome:
    """Return the outcome of what was not kept."""
    return Outcome(
        reference=reference,
        status=problem.status,
        reason=problem.reason,
        transfer_syntax=walked.transfer_syntax if walked else "",
        protocol=file.protocol,
        retries=file.retries,
        notes=walked.oddities if walked else (),
    )
