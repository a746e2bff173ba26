"""The faults that an archive can be told to have, by subject; see `FAULTS`."""

from __future__ import annotations

from .table import FAULTS, fault_of

__all__ = ["FAULTS", "fault_of"]
