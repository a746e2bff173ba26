"""How to treat an archive, whatever protocol it speaks."""

from __future__ import annotations

from .retries import Retries

__all__ = ["Retries"]
