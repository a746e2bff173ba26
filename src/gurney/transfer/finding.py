"""What is in the studies that items stand for, as a ledger takes it. Any thread may do this."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    DICOMObjectReference,
    InstanceReference,
    Searcher,
    unique,
)
from gurney.trolley import Resolution, resolve_each

from .ledger import Claim
from .looking import Answer, answers
from .questions import UIDS_PER_QUESTION, Batch

__all__ = ["Found", "find"]

_TOLD = 3  # of the objects that could not be looked into


@attrs.frozen(kw_only=True)
class Found:
    """What was found for one item, or for several together.

    Attributes
    ----------
    numbers
        Of the items.
    claims
        One for each study.
    failure
        Why there is none; else empty.
    beyond
        What is to be looked into, if that is too much for one go; there are no claims then.
    notes, reasons, completeness
        As a ledger takes them.
    """

    numbers: tuple[int, ...]
    claims: tuple[Claim, ...] = ()
    failure: str = ""
    beyond: tuple[DICOMObjectReference, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    completeness: Completeness = Completeness.COMPLETE

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say but claims."""
        said = self.failure or self.beyond or self.notes or self.reasons
        return not said and self.completeness is Completeness.COMPLETE


def find(searcher: Searcher, batch: Batch) -> list[Found]:
    """Return what is known of each item of *batch*.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError
        If there is nobody to ask, or nobody who answers us.
    """
    told = [answer for question in batch.questions for answer in answers(searcher, question)]
    groups = [*_references(batch), *(((answer.number,), answer) for answer in told)]
    large = [group for group in groups if _is_large(group[1])]
    small = [group for group in groups if not _is_large(group[1])]
    objects = [answer.objects for _, answer in small]
    resolutions = resolve_each(searcher, objects, DICOMObjectLevels.INSTANCE)
    found = [_beyond(numbers, answer) for numbers, answer in large]
    said = set[str]()  # one note may be of several of those that were asked for together
    for (numbers, answer), resolution in zip(small, resolutions, strict=True):
        notes = [note for note in resolution.notes if note not in said]
        said.update(notes)
        found.append(_found(numbers, answer, attrs.evolve(resolution, notes=tuple(notes))))
    return found


def _references(batch: Batch) -> Iterator[tuple[tuple[int, ...], Answer]]:
    """Each by itself, because each may fail; but instances, which are what they are, together."""
    if any(isinstance(reference, InstanceReference) for _, reference in batch.references):
        numbers = tuple(number for number, _ in batch.references)
        objects = tuple(reference for _, reference in batch.references)
        yield numbers, Answer(number=numbers[0], objects=objects)
        return
    for number, reference in batch.references:
        yield (number,), Answer(number=number, objects=(reference,))


def _is_large(answer: Answer) -> bool:
    known = DICOMObjectLevels.INSTANCE
    return len(answer.objects) > UIDS_PER_QUESTION and any(
        obj.level > known and not obj.children for obj in answer.objects
    )


def _beyond(numbers: tuple[int, ...], answer: Answer) -> Found:
    return Found(
        numbers=numbers,
        beyond=tuple(unique(obj.reference() for obj in answer.objects)),
        notes=answer.notes,
        reasons=answer.reasons,
        completeness=answer.completeness,
    )


def _found(numbers: tuple[int, ...], answer: Answer, resolution: Resolution) -> Found:
    failure = answer.failure
    if not resolution.branches and resolution.unresolved:
        failure = _unresolved(resolution)
    return Found(
        numbers=numbers,
        claims=() if failure else tuple(_claims(answer.number, resolution)),
        failure=failure,
        notes=(*answer.notes, *resolution.notes),
        reasons=answer.reasons,
        completeness=answer.completeness,
    )


def _unresolved(resolution: Resolution) -> str:
    told = [f"{reference}: {why}" for reference, why in resolution.unresolved.items()]
    more = len(told) - _TOLD
    return "; ".join([*told[:_TOLD], *([f"and {more} more"] if more > 0 else [])])


def _claims(number: int, resolution: Resolution) -> Iterator[Claim]:
    references: dict[str, dict[InstanceReference, None]] = {}
    levels: dict[str, set[DICOMObjectLevels]] = {}
    for branch in resolution.branches:
        for reference in branch.references:
            if isinstance(reference, InstanceReference):
                references.setdefault(reference.study_uid, {})[reference] = None
        levels.setdefault(branch.references[0].study_uid, set()).add(branch.whole)
    for uid, expectation in resolution.expectations.items():
        members = tuple(references.get(uid, ()))
        series = {reference.series_uid for reference in members}
        yield Claim(
            study_uid=uid,
            references=members,
            expectation=expectation,
            whole=_whole(levels.get(uid, set())),
            item=number,
            unresolved=tuple(
                (ref, why) for ref, why in resolution.unresolved.items() if ref.study_uid == uid
            ),
            modalities={
                uid: modality for uid, modality in resolution.modalities.items() if uid in series
            },
        )


def _whole(levels: set[DICOMObjectLevels]) -> DICOMObjectLevels:
    """Who has all of a study, and parts of it once more, has all of it; else the worst counts."""
    if DICOMObjectLevels.STUDY in levels:
        return DICOMObjectLevels.STUDY
    return min(levels, default=DICOMObjectLevels.INSTANCE)
