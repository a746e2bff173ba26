"""Cohorts: thousands of studies, over nights, on one machine or many."""

from __future__ import annotations

from .cohort import Cohort, read_cohort
from .items import Item
from .ledger import Counts, DamagedLedgerError, LedgerBusyError
from .limits import Limits
from .looking import LookedUp, look_up
from .planning import Plan, plan_of
from .reporting import Report
from .running import ProgressTaker, TransferProgress
from .sources import ArchiveURLs, Given, Opened, Source
from .status import Status, status_of
from .transfer import Transfer

__all__ = [
    "ArchiveURLs",
    "Cohort",
    "Counts",
    "DamagedLedgerError",
    "Given",
    "Item",
    "LedgerBusyError",
    "Limits",
    "LookedUp",
    "Opened",
    "Plan",
    "ProgressTaker",
    "Report",
    "Source",
    "Status",
    "Transfer",
    "TransferProgress",
    "look_up",
    "plan_of",
    "read_cohort",
    "status_of",
]
