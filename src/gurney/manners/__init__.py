"""How to treat an archive, whatever protocol it speaks."""

from __future__ import annotations

from .adaptive import AdaptiveLimit
from .pace import Pace
from .paced import paced_files
from .retries import Retries
from .windows import Window, Windows

__all__ = ["AdaptiveLimit", "Pace", "Retries", "Window", "Windows", "paced_files"]
