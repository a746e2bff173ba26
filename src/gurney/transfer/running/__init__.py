"""A transfer at work: parcels go out to workers, and what became of them is written down."""

from __future__ import annotations

from .clock import Clock, SystemClock
from .progress import ProgressTaker, TransferProgress
from .run import run_parcels

__all__ = [
    "Clock",
    "ProgressTaker",
    "SystemClock",
    "TransferProgress",
    "run_parcels",
]
