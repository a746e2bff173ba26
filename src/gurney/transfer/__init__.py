"""Cohorts: thousands of studies, over nights, on one machine or many."""

from __future__ import annotations

from .limits import Limits

__all__ = ["Limits"]
