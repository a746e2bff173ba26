"""What to ask an archive for: as few questions as bring what is wanted, and hardly more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Final, TypeAlias

import attrs
from pydicom.dataset import Dataset

from ..core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    InstanceReference,
    SeriesReference,
    group_by_series,
    number,
    to_instance_refs,
)

__all__ = ["Expected", "Wanted", "expectation", "finer", "in_lists", "plan"]

Expected: TypeAlias = Mapping[tuple[str, ...], InstanceReference]
"""Instances by their UIDs, in the order asked for."""

_LARGE: Final = 2000  # instances; larger studies are asked for series by series
_RELATED: Final = {
    DICOMObjectLevels.STUDY: "NumberOfStudyRelatedInstances",
    DICOMObjectLevels.SERIES: "NumberOfSeriesRelatedInstances",
}


@attrs.frozen(eq=False)
class Wanted:
    """One question to the archive, and what has to come of it.

    Attributes
    ----------
    reference
        What to ask for.
    expected
        The instances in it that are wanted; `None` if nobody knows them.
    all_wanted
        Whether whatever else is in it is wanted, too: for all that is known, there is nothing.
    attempt
        How often the same was asked for before, and was cut.
    reason
        Why what was asked before has not brought it.
    by_list
        Whether the expected instances are named, all of one series, instead of the series as a
        whole. Only some protocols can.
    """

    reference: DICOMObjectReference
    expected: Expected | None = attrs.field(default=None, repr=False)
    all_wanted: bool = True
    attempt: int = 0
    reason: str = ""
    by_list: bool = False

    @property
    def one(self) -> bool:
        """Whether a single instance is asked for."""
        return self.reference.level is DICOMObjectLevels.INSTANCE


def plan(objects: Iterable[DICOMDownloadable]) -> Iterator[Wanted]:
    """Yield what to ask for to get *objects*.

    A study that is known down to its instances is asked for as a whole if the archive has said that
    there are no more, and it is not large; else by series. A series is asked for by instance if the
    archive has said that there are more. References are asked for as they are.

    What was asked for before is not asked for again.
    """
    asked = set[tuple[str, ...]]()
    for obj in objects:
        for wanted in _questions(obj):
            uids = {wanted.reference.uids} if wanted.expected is None else wanted.expected.keys()
            if not asked.issuperset(uids):
                asked.update(uids)
                yield wanted


def expectation(references: Iterable[InstanceReference]) -> Expected:
    """Return *references* by their UIDs."""
    return {reference.uids: reference for reference in references}


def in_lists(questions: Iterable[Wanted], most: int) -> Iterator[Wanted]:
    """Yield *questions*, with up to *most* in a row for one instance of a series made into one.

    Examples
    --------
    >>> wanted = plan(InstanceReference("1.2", "1.2.1", f"1.2.1.{n}") for n in range(3))
    >>> [(str(each.reference), len(each.expected or ())) for each in in_lists(wanted, 50)]
    [('1.2/1.2.1', 3)]
    """
    alike = groupby(questions, lambda each: each.reference.uids[:-1] if each.one else None)
    for series, group in alike:
        if series is None:
            yield from group
            continue
        while listed := list(islice(group, most)):
            yield listed[0] if len(listed) == 1 else _listed(listed)


def _listed(questions: Sequence[Wanted]) -> Wanted:
    first = questions[0]
    expected = expectation(ref for each in questions for ref in (each.expected or {}).values())
    series = next(iter(group_by_series(expected.values())))
    return attrs.evolve(first, reference=series, expected=expected, all_wanted=False, by_list=True)


def finer(
    wanted: Wanted, missing: Sequence[InstanceReference], *, again: bool, reason: str
) -> Iterator[Wanted]:
    """Yield how to ask for what is *missing* of an answer.

    Parameters
    ----------
    wanted
        What was asked for.
    missing
        What of it has not come.
    again
        Whether the same question may bring it: the answer was cut. It is asked once more at most,
        unless it is for one instance. Else only smaller ones may bring it.
    reason
        Why it has not come.
    """
    asked = attrs.evolve(wanted, attempt=wanted.attempt + again, reason=reason)
    coarse = wanted.reference.level > DICOMObjectLevels.SERIES or (again and not wanted.attempt)
    asked_of = _by_series((wanted.expected or {}).values())
    for series, lost in _by_series(missing).items():
        whole = len(lost) > 1 and len(lost) * 2 > len(asked_of.get(series, ()))
        if whole and coarse:
            yield attrs.evolve(asked, reference=series, expected=expectation(lost))
        else:
            asked_of_one = attrs.evolve(asked, by_list=False)
            yield from (
                attrs.evolve(asked_of_one, reference=ref, expected={ref.uids: ref}) for ref in lost
            )


def _questions(obj: DICOMDownloadable) -> Iterator[Wanted]:
    reference, children = obj.reference(), obj.children
    if isinstance(reference, InstanceReference):
        yield Wanted(reference, {reference.uids: reference})
    elif not children:
        yield Wanted(reference)
    elif _fits_one_question(obj):
        all_wanted = _is_whole(obj) is True
        yield Wanted(reference, expectation(to_instance_refs([obj])), all_wanted=all_wanted)
    else:
        for child in children:
            yield from _questions(child)


def _fits_one_question(obj: DICOMDownloadable) -> bool:
    """Say whether to ask for a tree at once, though it may be that more comes than is wanted."""
    if not _is_known(obj):
        return False
    if obj.level is DICOMObjectLevels.STUDY:
        return _is_whole(obj) is True and (len(obj.children) == 1 or _size(obj) <= _LARGE)
    return _is_whole(obj) is not False


def _is_known(obj: DICOMDownloadable) -> bool:
    """Say whether all of a tree is known down to its instances."""
    if obj.level is DICOMObjectLevels.INSTANCE:
        return True
    return bool(obj.children) and all(map(_is_known, obj.children))


def _is_whole(obj: DICOMDownloadable) -> bool | None:
    """Say whether a tree holds all that the archive has said there is; `None` if it has not."""
    data: object = getattr(obj, "data", None)
    held = number(data, _RELATED[obj.level]) if isinstance(data, Dataset) else None
    return None if held is None else held <= _size(obj)


def _size(obj: DICOMDownloadable) -> int:
    if obj.level is DICOMObjectLevels.INSTANCE:
        return 1
    return sum(map(_size, obj.children))


def _by_series(
    references: Iterable[InstanceReference],
) -> dict[SeriesReference, tuple[InstanceReference, ...]]:
    return group_by_series(references)
