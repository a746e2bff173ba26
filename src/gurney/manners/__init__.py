"""How to treat an archive, whatever protocol it speaks."""

from __future__ import annotations

from .pace import Pace
from .retries import Retries

__all__ = ["Pace", "Retries"]
