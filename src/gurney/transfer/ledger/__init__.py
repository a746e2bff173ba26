"""The memory of a transfer, in a folder beside its output."""

from __future__ import annotations

from .failures import DamagedLedgerError, LedgerBusyError
from .ledger import Ledger
from .locking import Holder
from .strays import Strays
from .values import Announced, Claim, Counts, Run, Sample, Setting

__all__ = [
    "Announced",
    "Claim",
    "Counts",
    "DamagedLedgerError",
    "Holder",
    "Ledger",
    "LedgerBusyError",
    "Run",
    "Sample",
    "Setting",
    "Strays",
]
