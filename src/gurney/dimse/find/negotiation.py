"""What is agreed upon before a C-FIND: the information model, and what goes beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import attrs

from ..association import Association, Proposed

__all__ = ["MODELS", "Root", "Wishes", "is_implicit"]

Root: TypeAlias = Literal["study", "patient"]
"""Where the information model begins (PS3.4 C.6.1, C.6.2)."""

MODELS: Final[dict[str, str]] = {
    "study": "1.2.840.10008.5.1.4.1.2.2.1",
    "patient": "1.2.840.10008.5.1.4.1.2.1.1",
}
_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
# The bytes of PS3.4 table C.5-1
_RELATIONAL, _FUZZY, _EMPTY = 0, 2, 5


@attrs.frozen
class Wishes:
    """What a search would like an archive to do beyond the hierarchical (PS3.4 C.5.1.1).

    Attributes
    ----------
    model
        SOP class UID of the information model.
    relational
        To take keys of any level at any level.
    fuzzy
        To match names by their sound.
    empty
        To understand ``""``, present and empty, as a value.
    """

    model: str
    relational: bool = False
    fuzzy: bool = False
    empty: bool = False

    @property
    def proposed(self) -> Sequence[Proposed]:
        """The presentation context."""
        return [Proposed(self.model, (_EXPLICIT, _IMPLICIT))]

    @property
    def extended(self) -> dict[str, bytes]:
        """Extended negotiation: no longer than needed, and none without need."""
        asked = {_RELATIONAL: self.relational, _FUZZY: self.fuzzy, _EMPTY: self.empty}
        flags = bytes(int(asked.get(index, False)) for index in range(_EMPTY + 1)).rstrip(b"\0")
        return {self.model: flags} if flags else {}

    def granted(self, association: Association) -> Wishes:
        """Return which of them may be used.

        Those that the archive has granted; and, if it does not answer at all, relational queries:
        most archives do these without a word, and others refuse them (PS3.4 C.5.1.1 has it that
        they are not granted then).
        """
        answer = association.granted.get(self.model)
        flags = (answer or b"").ljust(_EMPTY + 1, b"\0")
        return Wishes(
            self.model,
            relational=self.relational and (answer is None or flags[_RELATIONAL] == 1),
            fuzzy=self.fuzzy and flags[_FUZZY] == 1,
            empty=self.empty and flags[_EMPTY] == 1,
        )


def is_implicit(transfer_syntax: str) -> bool:
    """Say whether data sets are written without VRs."""
    return transfer_syntax == _IMPLICIT
