"""MINT: searching over HTTP, with answers in XML."""

from __future__ import annotations

from .query import MintQuery
from .searcher import Mint

__all__ = ["Mint", "MintQuery"]
