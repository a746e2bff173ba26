"""Faults of what is agreed on when an association is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import attrs
from typing_extensions import override

from ..asked import MODELS, Service
from ..fault import Fault
from ..negotiation import Agreed, Agreement, Proposal, Proposed, Rejection
from ..stored import UNCOMPRESSED

__all__ = ["CompressedOnly", "FindRefused", "ManyClasses", "RolesRefused"]

_NO_SUCH_CLASS: Final = 3


class RolesRefused(Fault):
    """No role is granted: the archive cannot send anything over the association of a C-GET."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Say nothing of roles."""
        if isinstance(answer, Rejection) or not answer.roles:
            return answer
        return attrs.evolve(answer, roles={})


class ManyClasses(Fault):
    """More than 128 SOP classes are a matter of what is served: see `many_classes`."""

    on_the_wire: ClassVar[bool] = False


class CompressedOnly(Fault):
    """Of a context that offers both, the uncompressed syntax is taken; nothing is decompressed."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Prefer what is of no use."""
        return _with_contexts(proposal, answer, _uncompressed)


class FindRefused(Fault):
    """No context for C-FIND is accepted."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Support no searches."""
        return _with_contexts(proposal, answer, _without_find)


def _uncompressed(proposed: Proposed, agreed: Agreed) -> Agreed:
    native = [one for one in UNCOMPRESSED if one in proposed.transfer_syntaxes]
    if agreed.result or agreed.abstract_syntax in MODELS or not native:
        return agreed
    return attrs.evolve(agreed, transfer_syntax=native[0])


def _without_find(proposed: Proposed, agreed: Agreed) -> Agreed:
    model = MODELS.get(proposed.abstract_syntax)
    if model is None or model.service is not Service.FIND:
        return agreed
    return attrs.evolve(agreed, result=_NO_SUCH_CLASS)


def _with_contexts(
    proposal: Proposal,
    answer: Agreement | Rejection,
    change: Callable[[Proposed, Agreed], Agreed],
) -> Agreement | Rejection:
    if isinstance(answer, Rejection):
        return answer
    pairs = zip(proposal.contexts, answer.contexts, strict=True)
    contexts = tuple(change(proposed, agreed) for proposed, agreed in pairs)
    return answer if contexts == answer.contexts else attrs.evolve(answer, contexts=contexts)
