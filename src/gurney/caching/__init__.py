"""A searcher around a searcher: who asks the same again soon is not sent to the archive."""

from __future__ import annotations

from .searcher import CachedSearcher

__all__ = ["CachedSearcher"]
