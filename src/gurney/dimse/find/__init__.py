"""C-FIND: searching over an association (PS3.4 C.4.1)."""

from __future__ import annotations

from .c_find import CFind
from .query import CFindQuery

__all__ = ["CFind", "CFindQuery"]
