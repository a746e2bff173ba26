"""The DICOM JSON model, read leniently and lazily (PS3.18 annex F)."""

from __future__ import annotations

from ...searching import Reading
from .attributes import LeftOut
from .datasets import left_out, to_dataset
from .parsing import JSONItem, JSONLimits, is_markup, parse

__all__ = [
    "JSONItem",
    "JSONLimits",
    "LeftOut",
    "Reading",
    "is_markup",
    "left_out",
    "parse",
    "to_dataset",
]
