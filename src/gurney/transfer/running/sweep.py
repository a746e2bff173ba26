"""What earlier runs have stored must still be there: the disk is believed, not the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from gurney.core import InstanceReference, Outcome, Storage, chunked

from ..ledger import Ledger
from ..work import holds

__all__ = ["sweep"]

_AT_ONCE: Final = 2000
_EACH: Final = 100
_THREADS: Final = 8  # a storage may be far away


def sweep(ledger: Ledger, storage: Storage, run: str, stopped: Callable[[], bool]) -> int:
    """Make pending what runs before *run* stored and is not there; return how many instances.

    Raises
    ------
    StorageError
        If nobody can say what is there.
    """
    lost = 0
    look = partial(_gone, storage)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="gurney-sweep") as executor:
        for outcomes in chunked(ledger.stored(before=run), _AT_ONCE):
            if stopped():
                break
            gone = [ref for some in executor.map(look, chunked(outcomes, _EACH)) for ref in some]
            if gone:
                lost += ledger.lost(gone)
    return lost


def _gone(storage: Storage, outcomes: Iterable[Outcome]) -> list[InstanceReference]:
    names = (each.reference for each in outcomes if not holds(storage, each))
    return [name for name in names if isinstance(name, InstanceReference)]
