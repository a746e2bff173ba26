"""Who is not let in by an archive that was opened by a URL is told what to do about that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..core import AuthenticationError

__all__ = ["advising", "advising_each"]

T = TypeVar("T")


@contextmanager
def advising(advise: Callable[[AuthenticationError], str]) -> Generator[None]:
    """Add what *advise* says to whatever `AuthenticationError` comes up."""
    try:
        yield
    except AuthenticationError as error:
        reason = f"{error.reason}; {advise(error)}"
        raise AuthenticationError(error.asked, reason, error.status) from error.__cause__


def advising_each(items: Iterator[T], advise: Callable[[AuthenticationError], str]) -> Iterator[T]:
    """Yield *items*, as within `advising`."""
    with advising(advise):
        yield from items
