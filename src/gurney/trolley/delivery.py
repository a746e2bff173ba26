"""Instances are asked for, and each gets one outcome: none stops the others, none vanishes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from typing import Final, TypeAlias, cast

import attrs
from pydicom.dataset import Dataset
from typing_extensions import TypeIs

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    Downloader,
    DownloadError,
    FileDownloader,
    GurneyError,
    IncompleteDownloadError,
    InstanceReference,
    InvalidUIDError,
    Outcome,
    OutcomeStatus,
    StorageError,
    text,
    to_instance_refs,
    unique,
)

__all__ = ["Item", "STOPPING", "attempt", "deliver", "has_files", "name_of"]

Item: TypeAlias = DICOMFile | Dataset
"""What a downloader gives: a file, or a data set if it has no files to give."""


STOPPING: Final = (ArchiveUnavailableError, AuthenticationError, StorageError)
"""What is no fault of an instance: nobody answers, or nothing can be stored."""


def _never() -> bool:
    return False


def has_files(downloader: Downloader) -> TypeIs[FileDownloader]:
    """Say whether *downloader* can give bytes as they are stored."""
    return callable(getattr(downloader, "files", None))


def name_of(item: Item) -> DICOMObjectReference | None:
    """Return what *item* says it is; `None` if it does not say."""
    if isinstance(item, DICOMFile):
        return item.reference
    uids = (text(item, f"{name}UID") for name in ("StudyInstance", "SeriesInstance", "SOPInstance"))
    try:
        return InstanceReference(*uids)
    except InvalidUIDError:
        return None


def deliver(
    downloader: Downloader,
    objects: Iterable[DICOMDownloadable],
    take: Callable[[Item], Outcome],
) -> Iterator[Outcome]:
    """Ask for *objects* as `attempt` does, and yield one outcome per instance whatever happens.

    If nobody answers, or nothing can be stored, all that is left has failed.
    """
    objects = tuple(unique(objects))
    pending = dict.fromkeys(unique(to_instance_refs(objects)))
    try:
        for outcome in attempt(downloader, objects, take):
            pending.pop(cast("InstanceReference", outcome.reference), None)
            yield outcome
    except STOPPING as error:
        reason = str(error)
        for reference in pending:
            yield Outcome(reference=reference, status=OutcomeStatus.FAILED, reason=reason)


def attempt(
    downloader: Downloader,
    objects: Iterable[DICOMDownloadable],
    take: Callable[[Item], Outcome],
    *,
    until: Callable[[], bool] = _never,
) -> Iterator[Outcome]:
    """Ask for *objects*, have *take* take each that comes, and yield one outcome per instance.

    All of *objects* are known down to their instances.

    What was not asked for, or comes a second time, is not taken but yielded as ``UNEXPECTED``.
    What broke on its way may come again, from another rung of a `Ladder`; so failures are yielded
    in the end.
    After a `DownloadError` the rest is asked for again: all at once if the error names what
    failed, one by one if it does not. An exception that is not ours is treated as one that names
    nothing; its class is told, its text is not, because that may hold anything.

    Once *until* says so, after an instance, nothing more is taken or asked for; what has no outcome
    then gets none.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError, StorageError
        After all outcomes that there are: what has none is as it was.
    """
    objects = tuple(unique(objects))
    asked = tuple(unique(to_instance_refs(objects)))
    pending = set[DICOMObjectReference | None](asked)
    failed: dict[DICOMObjectReference | None, Outcome] = {}
    batches = [asked]
    while batches and not until():
        batch = tuple(ref for ref in batches.pop() if ref in pending)
        try:
            for item in _items(downloader, objects if batch == asked else batch):
                outcome = _receive(item, (pending, failed), take)
                pending.discard(outcome.reference)
                failed.pop(outcome.reference, None)
                if outcome.status is OutcomeStatus.FAILED:
                    failed[outcome.reference] = outcome
                else:
                    yield outcome
                if until():
                    break
        except STOPPING:
            yield from failed.values()
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it stops no other instance
            rest = [ref for ref in batch if ref in pending]
            reasons = _reasons(error)
            blamed = [ref for ref in rest if str(ref) in reasons] or rest[: len(batch) == 1]
            for ref in blamed:
                reason = reasons.get(str(ref), _words(error))
                yield from _close(pending, [ref], OutcomeStatus.FAILED, reason)
            batches += [tuple(rest)] if blamed else [(ref,) for ref in reversed(rest)]
    yield from failed.values()
    if not until():
        yield from _close(pending, asked, OutcomeStatus.MISSING, "was asked for and did not come")


def _items(downloader: Downloader, objects: tuple[DICOMDownloadable, ...]) -> Iterator[Item]:
    if not objects:
        return iter(())
    return downloader.files(objects) if has_files(downloader) else downloader.datasets(objects)


def _reasons(error: Exception) -> Mapping[str, str]:
    """Why, by the name of what failed; empty if *error* does not say what."""
    if isinstance(error, IncompleteDownloadError):
        return error.missing
    return {error.subject: error.reason} if isinstance(error, DownloadError) else {}


def _words(error: Exception) -> str:
    if isinstance(error, DownloadError):
        return error.reason
    return str(error) if isinstance(error, GurneyError) else f"{type(error).__name__} on its way"


def _receive(
    item: Item,
    wanted: Collection[Container[DICOMObjectReference | None]],
    take: Callable[[Item], Outcome],
) -> Outcome:
    name = name_of(item)
    if name is not None and not any(name in each for each in wanted):
        reason = "came unasked, or a second time; it was not taken"
        return Outcome(reference=name, status=OutcomeStatus.UNEXPECTED, reason=reason)
    outcome = take(item)
    if any(outcome.reference in each for each in wanted):
        return outcome
    reason = f"came without a name and unasked; {outcome.status.value} {outcome.path}".rstrip()
    return attrs.evolve(outcome, status=OutcomeStatus.UNEXPECTED, reason=reason)


def _close(
    pending: set[DICOMObjectReference | None],
    references: Iterable[InstanceReference],
    status: OutcomeStatus,
    reason: str,
) -> Iterator[Outcome]:
    for reference in references:
        if reference in pending:
            pending.discard(reference)
            yield Outcome(reference=reference, status=status, reason=reason)
