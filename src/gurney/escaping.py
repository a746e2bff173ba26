"""Text from archives, made fit to be shown: it may hold what would steer a terminal."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import Final

__all__ = ["json_visible", "visible"]

# Control, format (bidirectional and invisible ones among them), surrogate, private, unassigned
# characters; line and paragraph separators. Listed by category, because Unicode grows.
_HAZARDS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_maybe_hazards: Final = re.compile(r"[^ -~]")  # a quick look: most text is printable ASCII
_ELLIPSIS: Final = "..."


def visible(text: str, limit: int | None = None) -> str:
    r"""Return *text* with every character that has an effect of its own written as an escape.

    Parameters
    ----------
    text
        Any text.
    limit
        Longest text to return, in characters; the rest becomes ``...``.

    Examples
    --------
    >>> print(visible("a\x1b[31mb\u202ec"), visible("Müller"), visible("long text", limit=7))
    a\x1b[31mb\u202ec Müller long...
    """
    shown = _maybe_hazards.sub(_escape, text)
    if limit is not None and len(shown) > limit:
        return shown[: limit - len(_ELLIPSIS)] + _ELLIPSIS
    return shown


def json_visible(document: str, encoding: str = "utf-8") -> str:
    r"""Return a JSON *document* with the same characters escaped as JSON does.

    So are those that *encoding* does not have. Nothing is lost: they can only be inside strings,
    where the escape means the same. The line feeds that lay the document out stay.

    Examples
    --------
    >>> print(json_visible('"\u202e\x7f"'))
    "\u202e\u007f"
    """
    return _maybe_hazards.sub(partial(_json_escape, encoding), document)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if unicodedata.category(character) not in _HAZARDS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(encoding: str, found: re.Match[str]) -> str:
    character = found.group()
    harmless = character == "\n" or unicodedata.category(character) not in _HAZARDS
    if harmless and character.encode(encoding, "ignore"):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
