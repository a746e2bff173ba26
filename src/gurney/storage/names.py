"""Values of a data set as names that every file system takes, and takes for different.

A name holds ASCII letters, digits and ``. _ - + %`` and nothing else. A space is ``+``, any other
character is percent-encoded as in a URL, so `urllib.parse.unquote_plus` reads a name back. The
sign ``~`` never comes from a value: it marks what gurney itself adds to a name.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

from gurney.core import TRANSFER_FOLDER

__all__ = ["LONGEST_NAME", "MARK", "encode", "is_aside", "is_plain", "marked", "named"]

LONGEST_NAME: Final = 120
"""Bytes of the longest name; file systems take 255, encrypted ones 143."""

MARK: Final = "~"
"""Begins what gurney adds to a name."""

_unsafe: Final = re.compile(r"[^0-9A-Za-z._-]")
_unsafe_or_upper: Final = re.compile(r"[^0-9a-z._-]")
_aside: Final = re.compile(r"~(conflict|damaged)-[0-9a-f]{16}(\.[0-9A-Za-z]{1,16})?$")
_literal: Final = re.compile(r"[0-9A-Za-z._+=,-]*")

# Reserved on Windows, with any extension: PRN.dcm is the printer. And by gurney itself.
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", TRANSFER_FOLDER}
    | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)


def is_aside(name: str) -> bool:
    """Return whether *name* is that of a file kept beside the one it cannot replace.

    Examples
    --------
    >>> is_aside("1.2~conflict-0123456789abcdef.dcm"), is_aside("1.2.dcm")
    (True, False)
    """
    return _aside.search(name) is not None


def is_plain(literal: str) -> bool:
    """Return whether *literal* may stand in a name as it is."""
    return _literal.fullmatch(literal) is not None


@lru_cache(maxsize=1024)
def encode(value: str, *, upper: bool = True) -> str:
    """Return *value* in safe characters; different values give different texts.

    Parameters
    ----------
    value
        Any text.
    upper
        Whether capital letters stay. Without them, texts differ even where case does not count.

    Examples
    --------
    >>> encode("Doe^Jane 2"), encode("../../x"), encode("1.2.A", upper=False)
    ('Doe%5EJane+2', '..%2F..%2Fx', '1.2.%41')
    """
    return (_unsafe if upper else _unsafe_or_upper).sub(_encoded, value)


@lru_cache(maxsize=1024)
def named(head: str, extension: str = "") -> str:
    """Return encoded text as one whole name, of `LONGEST_NAME` bytes at most.

    Different heads give different names. A long one is shortened and ends in a hash of the whole.

    Examples
    --------
    >>> named("con", ".dcm"), named(".."), named("1.2.3", ".dcm")
    ('%63on.dcm', '%2E%2E', '1.2.3.dcm')
    >>> len(named("9" * 300, ".dcm"))
    120
    """
    if head[0] in ".-" or head.partition(".")[0].casefold() in _RESERVED:
        head = _percent(head[0]) + head[1:]
    if head[-1] == ".":
        head = head[:-1] + _percent(".")
    if len(head) + len(extension) <= LONGEST_NAME:
        return head + extension
    return marked(head, hashlib.sha256(head.encode("ascii")).hexdigest()[:32], extension)


def marked(head: str, mark: str, extension: str = "") -> str:
    """Return *head* with a *mark* before its *extension*, shortened to `LONGEST_NAME` bytes.

    Examples
    --------
    >>> marked("1.2.3", "conflict-05f7", ".dcm")
    '1.2.3~conflict-05f7.dcm'
    """
    tail = f"{MARK}{mark}{extension}"
    return head[: LONGEST_NAME - len(tail)] + tail


def _encoded(found: re.Match[str]) -> str:
    return "+" if found.group() == " " else _percent(found.group())


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
