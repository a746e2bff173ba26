"""What the receiver agrees to: any class of instances, in the form in which the archive has it."""

from __future__ import annotations

from typing import Final

from pydicom.uid import UID

from ..association import Offered

__all__ = ["is_mixed", "transfer_syntax_for"]

_VERIFICATION: Final = "1.2.840.10008.1.1"
_NOT_STORED: Final = ("Storage Commitment", "Media Storage Directory")
_NATIVE: Final = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"))


def transfer_syntax_for(offered: Offered, *, other: bool = False) -> str | None:
    """Return the transfer syntax to accept of a context; `None` for one that is not for us.

    Whatever stores instances is accepted, private classes and those of next year too: which
    instances are taken is decided by what was asked for, not by their class. Of several transfer
    syntaxes the first is taken: archives name that first in which they hold an instance, and what
    is stored has to come as it is stored.

    Parameters
    ----------
    offered
        The context.
    other
        Whether that has failed: some archives (DCMTK's with ``--propose-rle``) name the same
        transfer syntaxes for whatever they hold, and convert nothing. Then the first of the other
        kind is taken: uncompressed, if that would be compressed.
    """
    uid = offered.abstract_syntax
    if uid != _VERIFICATION and not _is_stored(uid):
        return None
    first, *rest = offered.transfer_syntaxes
    if not other:
        return first
    return next((each for each in rest if (each in _NATIVE) != (first in _NATIVE)), first)


def is_mixed(offered: Offered) -> bool:
    """Say whether a context names both compressed and uncompressed transfer syntaxes."""
    return len({each in _NATIVE for each in offered.transfer_syntaxes}) > 1


def _is_stored(uid: str) -> bool:
    """Say whether *uid* is that of a storage class, as far as its name tells (PS3.6 table A-1)."""
    name = UID(uid).name
    return name in ("", uid) or ("Storage" in name and not name.startswith(_NOT_STORED))
