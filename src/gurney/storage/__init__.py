"""Where instances go: folders on disk."""

from __future__ import annotations

from .folder import FolderStorage
from .layout import DEFAULT_LAYOUT, FLAT, Layout
from .verification import Verification, verify

__all__ = ["DEFAULT_LAYOUT", "FLAT", "FolderStorage", "Layout", "Verification", "verify"]
