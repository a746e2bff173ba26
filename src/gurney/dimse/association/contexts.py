"""Presentation contexts: what is proposed, offered to us, and agreed (PS3.8 9.3.2.2)."""

from __future__ import annotations

import attrs

from ...core import InvalidInputError

__all__ = ["Context", "MOST_CONTEXTS", "Offered", "Proposed"]

MOST_CONTEXTS = 128
"""Contexts of one association: their ids are odd and fit into a byte."""

_LONGEST_UID = 64


def _syntaxes(value: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(value)


@attrs.frozen
class Proposed:
    """What we ask for.

    Attributes
    ----------
    abstract_syntax
        UID of a SOP class.
    transfer_syntaxes
        UIDs, one or more; the acceptor picks one of them.
    as_scp
        Whether we want to be its SCP, as a C-GET needs for what is to come. This is asked once for
        all contexts of the same SOP class (role selection, PS3.7 D.3.3.4).
    """

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...] = attrs.field(converter=_syntaxes)
    as_scp: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.transfer_syntaxes:
            raise InvalidInputError("a presentation context has one transfer syntax or more")
        for uid in (self.abstract_syntax, *self.transfer_syntaxes):
            if not (1 <= len(uid) <= _LONGEST_UID and uid.isascii() and uid.isprintable()):
                raise InvalidInputError(
                    f"a UID of a presentation context has 1 to {_LONGEST_UID} characters of"
                    f" printable ASCII, not {uid[:_LONGEST_UID]!r}"
                )


@attrs.frozen
class Offered:
    """What the other side asks for.

    Attributes
    ----------
    id
        Its number, odd.
    abstract_syntax, transfer_syntaxes
        UIDs, as the other side has put them.
    wants_scp
        Whether the other side wants to be the SCP.
    """

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    wants_scp: bool = False


@attrs.frozen
class Context:
    """What was agreed.

    Attributes
    ----------
    id
        Its number, odd, 1 to 255.
    abstract_syntax, transfer_syntax
        UIDs.
    as_scp
        Whether we are its SCP: always where we accepted, and else if roles were granted.
    """

    id: int
    abstract_syntax: str
    transfer_syntax: str
    as_scp: bool = False
