"""What can be wrong with a ledger, in the words of whoever has to put it right."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gurney.core import GurneyError, InvalidInputError, StorageError

__all__ = ["DamagedLedgerError", "LedgerBusyError", "translated"]


class LedgerBusyError(GurneyError):
    """Another process is at work on this transfer; wait until it ends, or stop it."""


class DamagedLedgerError(GurneyError):
    """A ledger cannot be read, or contradicts itself; plan the transfer anew."""


@contextmanager
def translated(path: Path) -> Generator[None, None, None]:
    """Raise what sqlite3 says of the ledger at *path* as an error of ours.

    Raises
    ------
    StorageError
        If the disk is full, or the file cannot be written or read.
    LedgerBusyError
        If another process keeps it locked.
    DamagedLedgerError
        If it is no database, or a damaged one.
    InvalidInputError
        If a text cannot be kept.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            "a UID or a name holds what is no character, and no ledger can keep it; leave out what "
            "has such a name"
        ) from error
    except sqlite3.ProgrammingError:  # a mistake of ours, or another thread's
        raise
    except sqlite3.OperationalError as error:
        words = str(error)
        if "locked" in words:
            raise LedgerBusyError(
                f"the ledger {path.name} has been locked by another process for too long; "
                "wait until that has ended, then run again"
            ) from error
        if any(each in words for each in ("no such", "malformed")):
            raise _damaged(path, words) from error
        raise StorageError(
            f"the ledger {path.name} cannot be used ({words}); make room on its disk and check "
            "who may write there, then run again: nothing that was stored is fetched twice"
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, words: str) -> DamagedLedgerError:
    return DamagedLedgerError(
        f"the ledger {path.name} is damaged ({words}); move its folder away, then plan and run "
        "again: what has been stored is found where it is, and not fetched again"
    )
