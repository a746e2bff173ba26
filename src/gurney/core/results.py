"""What a search says about itself: the studies, and whether they are all there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import overload

import attrs
from pydicom.dataset import Dataset

from .errors import InvalidInputError
from .objects import Study
from .references import DICOMObjectReference

__all__ = ["Completeness", "HeldBack", "SearchResult", "completeness_of"]


class Completeness(str, Enum):
    """Whether what is here is all there is.

    `COMPLETE` is claimed only when it is known. `CAPPED`: known to be cut short. `UNKNOWN`: it may
    be everything, and nothing proves it.
    """

    COMPLETE = "complete"
    CAPPED = "capped"
    UNKNOWN = "unknown"

    @classmethod
    def of_all(cls, parts: Iterable[Completeness]) -> Completeness:
        """Return the completeness of a whole made of *parts*: that of the worst of them.

        Examples
        --------
        >>> Completeness.of_all([Completeness.COMPLETE, Completeness.UNKNOWN])
        <Completeness.UNKNOWN: 'unknown'>
        """
        found = set(parts)
        return next((bad for bad in (cls.CAPPED, cls.UNKNOWN) if bad in found), cls.COMPLETE)


@attrs.frozen
class HeldBack:
    """An item that an archive returned and that is not part of the result, with the reason.

    Attributes
    ----------
    reason
        Why, e.g. ``"does not match PatientID"`` or ``"has no StudyInstanceUID"``.
    reference
        What it is, if it can be named.
    data
        The item itself, for those who want to look.
    """

    reason: str
    reference: DICOMObjectReference | None = None
    data: Dataset = attrs.field(factory=Dataset, eq=False, repr=False)


def _studies(items: Iterable[Study]) -> tuple[Study, ...]:
    return tuple(items)


def _texts(items: Iterable[str]) -> tuple[str, ...]:
    return (items,) if isinstance(items, str) else tuple(items)


def _held_back(items: Iterable[HeldBack]) -> tuple[HeldBack, ...]:
    return tuple(items)


@attrs.frozen(repr=False)
class SearchResult(Sequence[Study]):
    """The studies found, and whether they are all.

    A `Sequence[Study]`; a slice of it is a plain tuple, because a part says nothing of the whole.

    Parameters
    ----------
    studies
        In the order the archive gave them, each once.
    completeness
        Whether these are all that match.
    reasons
        Why the result is not known to be complete, in words. Empty if and only if it is.
    held_back
        Items that the archive returned although they do not match, or that cannot be placed.
    notes
        Oddities that do not touch completeness: two patients in one study, differing copies.

    Raises
    ------
    InvalidInputError
        If an incomplete result gives no reason, or a complete one does.

    Examples
    --------
    >>> result = SearchResult([Study("1.2")], Completeness.CAPPED, ["the archive stops at 1"])
    >>> result
    SearchResult(1 studies, capped: the archive stops at 1)
    >>> result.complete, [study.uid for study in result]
    (False, ['1.2'])
    """

    studies: tuple[Study, ...] = attrs.field(converter=_studies)
    completeness: Completeness
    reasons: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    held_back: tuple[HeldBack, ...] = attrs.field(default=(), converter=_held_back)
    notes: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    def __attrs_post_init__(self) -> None:
        if self.complete == bool(self.reasons):
            raise InvalidInputError(
                f"a {self.completeness.value} result with {len(self.reasons)} reasons; "
                f"give reasons if and only if it is not complete"
            )

    @property
    def complete(self) -> bool:
        """Whether these are known to be all the studies that match."""
        return self.completeness is Completeness.COMPLETE

    @overload
    def __getitem__(self, index: int) -> Study: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Study, ...]: ...
    def __getitem__(self, index: int | slice) -> Study | tuple[Study, ...]:
        return self.studies[index]

    def __len__(self) -> int:
        return len(self.studies)

    def __iter__(self) -> Iterator[Study]:
        return iter(self.studies)

    def __repr__(self) -> str:
        state = ": ".join((self.completeness.value, *self.reasons[:1]))
        return f"SearchResult({len(self.studies)} studies, {state})"


def completeness_of(studies: Iterable[Study]) -> Completeness:
    """Return what *studies* says of itself; `UNKNOWN` for a plain list, which says nothing.

    Examples
    --------
    >>> completeness_of([Study("1.2")])
    <Completeness.UNKNOWN: 'unknown'>
    """
    return studies.completeness if isinstance(studies, SearchResult) else Completeness.UNKNOWN
