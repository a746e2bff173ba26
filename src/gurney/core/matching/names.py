"""Matching of person names (VR PN, PS3.5 6.2.1): by component, however they are spelled.

The standard lets a server fold case, accents and width (PS3.4 C.2.2.2.1), so a re-check of its
answers has to fold them too, or it would hold back what the server rightly sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from unicodedata import combining, normalize

from .wildcards import has_wildcard, wildcard

__all__ = ["is_nameless", "name_test"]

_DOTLESS_I: Final = "\N{LATIN SMALL LETTER DOTLESS I}"  # its capital is I, as that of i


def is_nameless(key: str) -> bool:
    """Say whether *key* names nobody: nothing in it but separators and spaces."""
    return not any(_groups(key))


def name_test(key: str) -> Callable[[str], bool]:
    """Compile *key*: one group matches any group of a value, of several each its own.

    Groups are alphabetic, ideographic and phonetic, in this order, separated by ``=``. An empty
    group of the key matches anything. A wildcard may stand for several components.

    Examples
    --------
    >>> match = name_test("Müller^J*")
    >>> match("MULLER^JAN^^DR"), match("MULLER^^JAN")
    (True, False)
    """
    wanted = _groups(key)
    while len(wanted) > 1 and not wanted[-1]:
        wanted.pop()
    if len(wanted) == 1:
        only = _group_test(wanted[0])
        return lambda value: any(only(group) for group in _groups(value) if group)
    tests = [(index, _group_test(group)) for index, group in enumerate(wanted) if group]

    def match(value: str) -> bool:
        groups = _groups(value)
        return all(test(groups[i] if i < len(groups) else "") for i, test in tests)

    return match


def _group_test(wanted: str) -> Callable[[str], bool]:
    if not has_wildcard(wanted):
        return wanted.__eq__
    match = wildcard(wanted)
    carets = wanted.count("^")
    # ``DOE`` and ``DOE^^`` are one name, so ``DOE^*`` must match both or neither.
    return lambda group: match(group + "^" * (carets - group.count("^")))


def _groups(name: str) -> list[str]:
    """Split into groups, folded, without insignificant spaces or trailing empty components."""
    folded = _fold(name)
    if " " not in folded:
        return [group.rstrip("^") for group in folded.split("=")]
    return [
        "^".join(component.strip() for component in group.split("^")).rstrip("^")
        for group in folded.split("=")
    ]


def _fold(text: str) -> str:
    """Without case, accents and width; separators and wildcards of full width become plain ones."""
    if text.isascii():
        return text.lower()
    folded = _without_accents(_without_accents(text).casefold())
    return normalize("NFKC", folded.replace(_DOTLESS_I, "i"))


def _without_accents(text: str) -> str:
    return "".join(c for c in normalize("NFKD", text) if not _is_accent(combining(c)))


def _is_accent(combining_class: int) -> bool:
    """Accents, overlays, Hebrew and Arabic points; not the signs that make another letter.

    Those are kana voicing marks (class 8), and Indic, Thai, Lao and Tibetan signs (7, 9, 84 to
    132): without them other names would be the same.
    """
    return combining_class == 1 or 10 <= combining_class <= 36 or combining_class >= 200
