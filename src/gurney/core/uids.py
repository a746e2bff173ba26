"""Which texts may stand for a UID.

Real archives hold UIDs that break PS3.5 9.1 (letters, leading zeros, 74 characters): they are
kept as they are. What is refused is what makes a request or a path mean something else, ``..``
for one. An *empty* UID is the worst: some archives answer a retrieve without UID with everything
they hold.
"""

from __future__ import annotations

import re
from typing import Final

from .errors import InvalidUIDError

__all__ = ["check_uid", "is_uid"]

_FORBIDDEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f/\\?#%*]")
_is_plain: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]*").fullmatch  # nearly all; fast


def is_uid(value: str) -> bool:
    """Say whether *value* can stand for a UID in a reference.

    Examples
    --------
    >>> is_uid("1.2.840"), is_uid("0001.a.b"), is_uid(""), is_uid("1.2/../3")
    (True, True, False, False)
    """
    return value.strip(".") != "" and _FORBIDDEN.search(value) is None


def check_uid(value: str, name: str = "UID") -> str:
    r"""Return *value* as a plain `str`.

    Raises
    ------
    InvalidUIDError
        If it is not text, is empty, has nothing but dots, or holds white space, a control
        character or one of ``/ \ ? # % *``. The message says *name*.

    Examples
    --------
    >>> check_uid("1.2.840.10008.1.1")
    '1.2.840.10008.1.1'
    """
    if type(value) is str and _is_plain(value):
        return value
    return _explain(value, name)


def _explain(value: object, name: str) -> str:
    """Take the slow way: subclasses of `str` become `str`, odd UIDs pass, the rest is refused."""
    if not isinstance(value, str):
        raise InvalidUIDError(f"{name} must be text, not {type(value).__name__}")
    if not value:
        raise InvalidUIDError(f"{name} is empty; to address everything, search first")
    if not value.strip("."):
        raise InvalidUIDError(f"{name} has nothing but dots, which paths and URLs read as a way up")
    found = _FORBIDDEN.search(value)
    if found is not None:
        raise InvalidUIDError(
            f"{name} holds {found.group()!r} at position {found.start()}; "
            f"white space, control characters and / \\ ? # % * are never part of a UID"
        )
    return str.__str__(value)
