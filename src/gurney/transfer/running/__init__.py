"""A transfer at work: parcels go out to workers, and what became of them is written down."""

from __future__ import annotations

from .clock import Clock, SystemClock
from .keeping import keep_receipt, receipts_in
from .progress import ProgressTaker, TransferProgress
from .run import run_parcels

__all__ = [
    "Clock",
    "ProgressTaker",
    "SystemClock",
    "TransferProgress",
    "keep_receipt",
    "receipts_in",
    "run_parcels",
]
