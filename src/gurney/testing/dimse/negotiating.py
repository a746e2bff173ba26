"""What the archive agrees on, when an association is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .asked import MODELS
from .negotiation import Agreed, Agreement, Proposal, Proposed, Roles
from .stored import UNCOMPRESSED

__all__ = ["agreement"]

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."  # what PS3.4 B.5 has begins with it, nearly all
_NO_SUCH_CLASS: Final = 3
_NO_SUCH_SYNTAX: Final = 4
_MESSAGES: Final = (str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian))


def agreement(proposal: Proposal, stored: Mapping[str, Collection[str]], max_pdu: int) -> Agreement:
    """Return what a well-behaved archive agrees on.

    Of the transfer syntaxes of a storage context it takes the first in which it stores an instance
    of the class, else an uncompressed one, else the first. Roles are granted as they are proposed;
    relational queries are, of all that can be negotiated.

    Parameters
    ----------
    stored
        Transfer syntaxes of what is stored, by SOP class.
    """
    contexts = tuple(_agreed(one, stored) for one in proposal.contexts)
    accepted = {one.abstract_syntax for one in contexts if not one.result}
    return Agreement(
        contexts,
        {uid: _roles(uid, one) for uid, one in proposal.roles.items() if uid in accepted},
        {uid: _granted(one) for uid, one in proposal.extended.items() if uid in accepted},
        max_pdu,
    )


def _agreed(one: Proposed, stored: Mapping[str, Collection[str]]) -> Agreed:
    uid, offered = one.abstract_syntax, one.transfer_syntaxes
    if uid in MODELS:
        syntax = next((syntax for syntax in offered if syntax in _MESSAGES), "")
    elif uid in stored or uid.startswith(_STORAGE):
        preferred = [*(syntax for syntax in offered if syntax in stored.get(uid, ()))]
        native = [syntax for syntax in UNCOMPRESSED if syntax in offered]
        syntax = next(iter([*preferred, *native, *offered]), "")
    else:
        return Agreed(one.context_id, uid, offered[0] if offered else _MESSAGES[0], _NO_SUCH_CLASS)
    if syntax:
        return Agreed(one.context_id, uid, syntax)
    return Agreed(one.context_id, uid, offered[0] if offered else _MESSAGES[0], _NO_SUCH_SYNTAX)


def _roles(uid: str, proposed: Roles) -> Roles:
    """Of a storage class both; the archive takes no instances, but that is said by a status."""
    return Roles(proposed.scu, proposed.scp and uid not in MODELS)


def _granted(asked_for: bytes) -> bytes:
    """Relational queries, the first byte, and nothing else (PS3.4 C.5.1.1)."""
    return asked_for[:1] + bytes(len(asked_for) - 1) if asked_for else b""
