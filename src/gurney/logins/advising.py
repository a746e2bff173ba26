"""Who is not let in by an archive that was opened by a URL is told what to do about that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError, SSLError
from typing import TypeVar

from ..core import AuthenticationError

__all__ = ["advice", "advising", "advising_each"]

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


def advice(
    error: AuthenticationError, place: str, source: str, *, untrusted: str, nobody: str
) -> str:
    """Return what to do about *error*.

    Parameters
    ----------
    error
        What came up.
    place, source
        Of the login: for which archive it is, and where it comes from; ``""`` if there is none.
    untrusted
        What to do if the archive's certificate is not trusted.
    nobody
        What to do if there is no login.
    """
    if isinstance(error.__cause__, SSLCertVerificationError):
        return untrusted
    if isinstance(error.__cause__, SSLError):
        return f"set GURNEY_HOST={place} and GURNEY_CERT, and GURNEY_KEY if that is apart"
    return f"the credentials came from {source}" if source else nobody
