"""Other ways to what an archive could not send: one transfer syntax at a time.

DCMTK's dcmqrscp, and others, send over the first context of a SOP class that was accepted, whatever
the instance is stored in. Then a compressed one fails, though there is a context for it, unless
that is the only one of its class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from ..association import MOST_CONTEXTS, Context, Proposed
from .contexts import Proposal

__all__ = ["Detours"]

_NATIVE: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_REMEMBERED: Final = 3


class Detours:
    """The ways that have worked with one archive, the last one first."""

    def __init__(self) -> None:
        self._worked: tuple[Proposal, ...] = ()

    def known(self, needed: Collection[str]) -> list[Proposal]:
        """Return what has worked for instances of one of the classes *needed*, or of any."""
        return [
            proposal
            for proposal in self._worked
            if not needed or any(each.abstract_syntax in needed for each in proposal[1:])
        ]

    def remember(self, proposal: Proposal) -> None:
        """Try this first the next time."""
        others = (other for other in self._worked if other != proposal)
        self._worked = (proposal, *others)[:_REMEMBERED]

    def others(
        self, asking: Proposed, accepted: Sequence[Context], needed: Collection[str]
    ) -> Iterator[Proposal]:
        """Yield what else to propose: of what was *accepted*, one compressed syntax at a time."""
        storage = [each for each in accepted if each.as_scp]
        for syntax in dict.fromkeys(each.transfer_syntax for each in storage):
            if syntax in _NATIVE:
                continue
            found = (each.abstract_syntax for each in storage if each.transfer_syntax == syntax)
            classes = [uid for uid in dict.fromkeys(found) if not needed or uid in needed]
            contexts = [Proposed(uid, (syntax,), as_scp=True) for uid in classes]
            for at in range(0, len(contexts), MOST_CONTEXTS - 1):
                proposal = (asking, *contexts[at : at + MOST_CONTEXTS - 1])
                if proposal not in self._worked:
                    yield proposal
