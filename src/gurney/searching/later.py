"""Data sets that are made when somebody looks at them, which for most instances is never."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from pydicom.dataset import Dataset

__all__ = ["Later"]

_keeping: Final = Lock()  # two threads that look at once are to see one data set


class Later:
    """Makes a data set when first called, by *make* from *given*. Travels as the data set.

    Examples
    --------
    >>> later = Later(lambda uid: Dataset(), "1.2")
    >>> later() is later()
    True
    """

    __slots__ = ("_given", "_made", "_make")

    def __init__(self, make: Callable[..., Dataset], *given: object) -> None:
        self._make: Callable[..., Dataset] = make
        self._given: tuple[Any, ...] = given
        self._made: Dataset | None = None

    def __call__(self) -> Dataset:
        """Return the data set, always the same one."""
        with _keeping:
            if self._made is not None:
                return self._made
            given = self._given
        made = self._make(*given)
        with _keeping:
            if self._made is None:  # still: no other thread was faster
                self._made, self._given = made, ()
            return self._made

    def __reduce__(self) -> tuple[Callable[[Dataset], Dataset], tuple[Dataset]]:
        return _itself, (self(),)


def _itself(dataset: Dataset) -> Dataset:
    return dataset
