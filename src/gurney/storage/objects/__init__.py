"""Object stores that instances go into; needs the extra ``objects``."""

from __future__ import annotations

from .storage import ObjectStorage

__all__ = ["ObjectStorage"]
