"""Does a data set match a query? Attribute matching (PS3.4 C.2.2.2), pure."""

from __future__ import annotations

from .matcher import Match, Matches, matcher, matches

__all__ = ["Match", "Matches", "matcher", "matches"]
