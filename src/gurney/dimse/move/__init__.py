"""C-MOVE, and the receiver that archives store at."""

from __future__ import annotations

from .c_move import CMove
from .receiver import Receiver
from .refusals import DestinationUnknownError, NothingMovedError

__all__ = ["CMove", "DestinationUnknownError", "NothingMovedError", "Receiver"]
