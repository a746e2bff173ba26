"""What the receiver agrees to: any class of instances, in the form in which the archive has it."""

from __future__ import annotations

from typing import Final

from pydicom.uid import UID

from ..association import Offered

__all__ = ["transfer_syntax_for"]

_VERIFICATION: Final = "1.2.840.10008.1.1"
_NOT_STORED: Final = ("Storage Commitment", "Media Storage Directory")


def transfer_syntax_for(offered: Offered) -> str | None:
    """Return the transfer syntax to accept of a context; `None` for one that is not for us.

    Whatever stores instances is accepted, private classes and those of next year too: which
    instances are taken is decided by what was asked for, not by their class. Of several transfer
    syntaxes the first is taken: archives name that first in which they hold an instance, and what
    is stored has to come as it is stored.
    """
    uid = offered.abstract_syntax
    if uid != _VERIFICATION and not _is_stored(uid):
        return None
    return offered.transfer_syntaxes[0]


def _is_stored(uid: str) -> bool:
    """Say whether *uid* is that of a storage class, as far as its name tells (PS3.6 table A-1)."""
    name = UID(uid).name
    return name in ("", uid) or ("Storage" in name and not name.startswith(_NOT_STORED))
