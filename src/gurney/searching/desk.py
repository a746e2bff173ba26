"""What a search needs of an archive: items, listings of them, and a desk that lists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias

import attrs
from pydicom.dataset import Dataset

from ..core import DICOMObjectLevels, FlatItem, GurneyError
from .keys import REQUIRED, Keys

__all__ = ["Desk", "Item", "Listing", "Names", "NotRelationalError", "Question"]

Names: TypeAlias = tuple[str, ...]
"""UIDs from the study down to the item; one that is missing is empty."""


class NotRelationalError(GurneyError):
    """The archive lists no series or instances of all studies: ask about each by itself."""


class Item(FlatItem, Protocol):
    """What an archive says of one object and of those above it."""

    @abstractmethod
    def texts(self, keyword: str, /) -> tuple[str, ...]:
        """Return the values of *keyword* as text, in order; empty if there are none."""
        ...

    @abstractmethod
    def written(self, names: Iterable[str], /) -> list[object]:
        """Return what was sent at *names*, tags as eight digits; `None` for nothing.

        Two items that say the same there are equal in this.
        """
        ...

    @abstractmethod
    def dataset(self, wanted: Callable[[int], bool] | None = None, /) -> Dataset:
        """Return the attributes whose tags are *wanted*, or all."""
        ...


@attrs.frozen
class Question:
    """What to list.

    Attributes
    ----------
    level
        Of its items.
    keys, fields
        To match, and to return.
    fuzzy
        Whether names may match by their sound.
    above
        UIDs of what all items are part of, from the study down; none: of the whole archive.
    """

    level: DICOMObjectLevels
    keys: Keys = attrs.field(factory=dict[str, str], repr=False)
    fields: tuple[str, ...] = ()
    fuzzy: bool = False
    above: tuple[str, ...] = ()

    @property
    def is_relational(self) -> bool:
        """Whether it asks for series or instances of all studies."""
        return self.level < DICOMObjectLevels.STUDY and not self.above


class Listing(Protocol):
    """The items of one question; iterate over it once, then see how it ended.

    Attributes
    ----------
    capped
        Why it is known to be cut short, in words; ``""`` if it is not.
    doubt
        Why nothing can be said about its end, in words.
    total
        How many there are in all, if the archive said so.
    note
        What is odd, and does not matter.
    received
        How many items there were, doubles included.
    accident
        Whether it is cut short by accident, and not because the archive sends no more at a time.
    too_large
        Whether it was cut short here, because there is no room for more.
    """

    accident: bool = False
    too_large: bool = False
    capped: str
    doubt: str
    total: int | None
    note: str
    received: int

    def __iter__(self) -> Iterator[tuple[Names, Item]]: ...


class Desk(Protocol):
    """Asks an archive, in the way that it was found to answer. Safe to share between threads.

    Attributes
    ----------
    required
        Keys that every archive of this kind must be able to search by.
    folds_case
        Whether names are certainly found in small letters and capitals alike; PS3.4 C.2.2.2.1
        leaves that to the archive.
    equipment_by_series
        Whether the equipment that it tells of a series is certainly that of this series, and not
        that of the first one in the study.
    """

    required: frozenset[str] = REQUIRED
    folds_case: bool = True
    equipment_by_series: bool = True

    @abstractmethod
    def list(
        self,
        question: Question,
        /,
        *,
        expected: int | None = None,
        offset: int = 0,
        most: int | None = None,
    ) -> Listing:
        """Return what answers *question*; asking begins when it is iterated over.

        Parameters
        ----------
        question
            What to list.
        expected
            How many there are, if that is known.
        offset, most
            The window to look at: how many to pass over, how many to take at most.

        Raises
        ------
        NotRelationalError
            On iteration, if it is a relational question, and the archive does not take such.
        """
        ...

    @abstractmethod
    def takes_fields(self, level: DICOMObjectLevels, /) -> bool:
        """Say whether the archive has not refused to be asked for fields by name."""
        ...

    @abstractmethod
    def across_series(self) -> bool:
        """Say whether the instances of a study can be listed without naming their series."""
        ...

    @abstractmethod
    def loosened(self, keys: Keys, /) -> Keys | None:
        """Return wider keys, without what the archive may not be able to read; see `loosened`."""
        ...

    def is_surely_whole(self, received: int, /) -> bool:  # noqa: ARG002  for those who override it
        """Say whether an answer of so many is everything, though the archive does not count it."""
        return False

    def lists_more_than(self, count: int, /) -> bool:
        """Say whether the archive has more series than that to list, and lists them.

        Those archives that stop somewhere stop at the same number of studies and of series.
        """
        listing = self.list(Question(DICOMObjectLevels.SERIES), most=count + 1)
        try:
            return len({names for names, _ in listing}) > count
        except NotRelationalError:
            return False
