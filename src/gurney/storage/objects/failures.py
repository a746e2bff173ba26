"""What goes wrong at an object store, said as a storage says it."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from gurney.core import GurneyError, OutcomeStatus, StorageError

from ..disk import NotKeptError

__all__ = ["store_errors"]

_OF_ONE_OBJECT: Final = {errno.EMSGSIZE, errno.ENAMETOOLONG}


@contextmanager
def store_errors(name: str) -> Generator[None]:
    """Tell trouble with one object (`NotKeptError`) from the end of storing (`StorageError`).

    No text of the store is passed on, which may hold anything.
    """
    try:
        yield
    except (NotKeptError, GurneyError):
        raise
    except PermissionError as error:
        raise StorageError(
            f"{name}: access is denied; check the credentials, and that whoever has them may "
            "list, read and write there"
        ) from error
    except FileNotFoundError as error:
        raise StorageError(
            f"{name}: there is no such bucket or folder; make it, or correct the URL"
        ) from error
    except OSError as error:
        if error.errno in _OF_ONE_OBJECT:
            reason = f"the store refuses this object: {_in_words(error)}"
            raise NotKeptError(OutcomeStatus.FAILED, reason) from error
        raise _unusable(name, _in_words(error)) from error
    except Exception as error:  # each store's library has its own dozen classes
        raise _unusable(name, type(error).__name__) from error


def _unusable(name: str, reason: str) -> StorageError:
    return StorageError(
        f"{name} cannot be used ({reason}); check that it can be reached from here, and its "
        "quota, then run again"
    )


def _in_words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
