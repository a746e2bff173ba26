"""C-GET: fetching over the association on which is asked (PS3.4 C.4.3)."""

from __future__ import annotations

from .c_get import CGet

__all__ = ["CGet"]
