"""The structural walk: whether bytes are one whole DICOM instance, and which."""

from __future__ import annotations

from .result import FaultKind, Limits, Walked
from .structural import StructuralWalk, walk, walk_file

__all__ = ["FaultKind", "Limits", "StructuralWalk", "Walked", "walk", "walk_file"]
