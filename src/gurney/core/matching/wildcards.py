"""Wildcard matching (PS3.4 C.2.2.2.4), in time that does not explode on hostile text."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["has_wildcard", "wildcard"]


def has_wildcard(pattern: str) -> bool:
    """Say whether *pattern* holds ``*`` or ``?``; there is no escape for either."""
    return "*" in pattern or "?" in pattern


def wildcard(pattern: str) -> Callable[[str], bool]:
    r"""Compile *pattern*: ``*`` stands for any run of characters, ``?`` for any one.

    The pieces between the stars are looked for one after another, each at the first place where
    it fits: a later place could not help the pieces after it, so nothing is ever tried twice.

    Examples
    --------
    >>> match = wildcard("a*c?")
    >>> match("a\n\ncd"), match("ac"), match("Acd")
    (True, False, False)
    """
    head, *others = pattern.split("*")
    starts = _piece(head).match
    if not others:
        return lambda text: len(text) == len(head) and starts(text) is not None
    *between, tail = others
    finders = [_piece(piece).search for piece in between if piece]
    ends = _piece(tail).match

    def match(text: str) -> bool:
        at, end = len(head), len(text) - len(tail)
        if at > end or starts(text) is None or ends(text, end) is None:
            return False
        for find in finders:
            found = find(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return match


def _piece(piece: str) -> re.Pattern[str]:
    """Compile what stands between two stars: it fits as many characters as it has."""
    pattern = "".join("." if character == "?" else re.escape(character) for character in piece)
    return re.compile(pattern, re.DOTALL)
