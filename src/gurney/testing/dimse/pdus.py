"""The one door to pynetdicom: how PDUs of the association are written and read.

Only its codecs are used. Its association, its threads, its loggers and its process-wide switches
are not: what a misbehaving archive does between two messages they do not allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
)
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    A_P_ABORT,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext

from .negotiation import Agreed, Agreement, Identity, Proposal, Proposed, Rejection, Roles

__all__ = [
    "RELEASE_RP",
    "RELEASE_RQ",
    "abort",
    "accept",
    "agreement_of",
    "proposal_of",
    "propose",
    "reject",
]

_APPLICATION: Final = "1.2.840.10008.3.1.1.1"  # PS3.7 A.2.1
_IMPLEMENTATION: Final = "2.25.102030405060708090"
_VERSION: Final = "GURNEY_TESTING"


def propose(proposal: Proposal) -> bytes:
    """Return an A-ASSOCIATE-RQ."""
    primitive = _primitive(proposal.calling, proposal.called, proposal.max_pdu)
    primitive.presentation_context_definition_list = [
        _context(one.context_id, one.abstract_syntax, list(one.transfer_syntaxes))
        for one in proposal.contexts
    ]
    _add(primitive, proposal.roles, proposal.extended)
    return _bytes(A_ASSOCIATE_RQ(primitive))


def proposal_of(pdu: bytes) -> Proposal:
    """Return what an A-ASSOCIATE-RQ says.

    Raises
    ------
    ValueError
        If it is none.
    """
    primitive = _decoded(A_ASSOCIATE_RQ(), pdu)
    told = _Told(primitive)
    contexts = [
        Proposed(one.context_id, str(one.abstract_syntax), tuple(map(str, one.transfer_syntax)))
        for one in primitive.presentation_context_definition_list
    ]
    return Proposal(
        str(primitive.calling_ae_title).strip(),
        str(primitive.called_ae_title).strip(),
        tuple(contexts),
        told.roles,
        told.extended,
        told.max_pdu,
        told.identity,
        told.implementation,
    )


def accept(proposal: Proposal, agreement: Agreement) -> bytes:
    """Return an A-ASSOCIATE-AC."""
    primitive = _primitive(proposal.calling, proposal.called, agreement.max_pdu)
    results: list[Any] = []
    for one in agreement.contexts:
        context = _context(one.context_id, one.abstract_syntax, [one.transfer_syntax])
        context.result = one.result
        results.append(context)
    primitive.presentation_context_definition_results_list = results
    _add(primitive, agreement.roles, agreement.extended)
    return _bytes(A_ASSOCIATE_AC(primitive))


def agreement_of(pdu: bytes, proposal: Proposal) -> Agreement:
    """Return what an A-ASSOCIATE-AC says to *proposal*.

    Raises
    ------
    ValueError
        If it is none.
    """
    primitive = _decoded(A_ASSOCIATE_AC(), pdu)
    told = _Told(primitive)
    classes = {one.context_id: one.abstract_syntax for one in proposal.contexts}
    contexts = [
        Agreed(
            one.context_id,
            classes.get(one.context_id, ""),
            str(one.transfer_syntax[0]) if one.transfer_syntax else "",
            one.result,
        )
        for one in primitive.presentation_context_definition_results_list
    ]
    return Agreement(tuple(contexts), told.roles, told.extended, told.max_pdu)


def reject(rejection: Rejection) -> bytes:
    """Return an A-ASSOCIATE-RJ."""
    primitive = cast("Any", A_ASSOCIATE())
    primitive.result = rejection.result
    primitive.result_source = rejection.source
    primitive.diagnostic = rejection.reason
    return _bytes(A_ASSOCIATE_RJ(primitive))


def abort() -> bytes:
    """Return an A-ABORT of the service provider, for no reason."""
    primitive = A_P_ABORT()
    primitive.provider_reason = 0
    return _bytes(A_ABORT_RQ(primitive))


def _bytes(pdu: Any) -> bytes:  # noqa: ANN401  of pynetdicom
    return bytes(pdu.encode())


RELEASE_RQ: Final = _bytes(A_RELEASE_RQ())
RELEASE_RP: Final = _bytes(A_RELEASE_RP())


class _Told:
    """What the user information says (PS3.7 D.3.3)."""

    def __init__(self, primitive: Any) -> None:  # noqa: ANN401  of pynetdicom
        self.roles: dict[str, Roles] = {}
        self.extended: dict[str, bytes] = {}
        self.max_pdu: int = 0
        self.identity: Identity | None = None
        self.implementation: str = ""
        for item in primitive.user_information:
            self._read(item)

    def _read(self, item: Any) -> None:  # noqa: ANN401  of pynetdicom
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation):
            roles = Roles(bool(item.scu_role), bool(item.scp_role))
            self.roles[str(item.sop_class_uid)] = roles
        elif isinstance(item, SOPClassExtendedNegotiation):
            told = item.service_class_application_information or b""
            self.extended[str(item.sop_class_uid)] = told
        elif isinstance(item, MaximumLengthNotification):
            self.max_pdu = item.maximum_length_received
        elif isinstance(item, ImplementationVersionNameNotification):
            self.implementation = item.implementation_version_name or ""
        elif isinstance(item, UserIdentityNegotiation):
            kind, secondary = item.user_identity_type or 0, item.secondary_field or b""
            self.identity = Identity(kind, item.primary_field or b"", secondary)


def _primitive(calling: str, called: str, max_pdu: int) -> Any:  # noqa: ANN401  of pynetdicom
    primitive = cast("Any", A_ASSOCIATE())
    primitive.application_context_name = _APPLICATION
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    primitive.result = 0
    longest = MaximumLengthNotification()
    longest.maximum_length_received = max_pdu
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = cast("Any", _IMPLEMENTATION)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = _VERSION
    primitive.user_information = [longest, implementation, version]
    return primitive


def _add(primitive: Any, roles: Mapping[str, Roles], extended: Mapping[str, bytes]) -> None:  # noqa: ANN401
    for sop_class, role in roles.items():
        item = SCP_SCU_RoleSelectionNegotiation()
        item.sop_class_uid, item.scu_role, item.scp_role = sop_class, role.scu, role.scp
        primitive.user_information.append(item)
    for sop_class, granted in extended.items():
        extension = SOPClassExtendedNegotiation()
        extension.sop_class_uid = sop_class
        extension.service_class_application_information = granted
        primitive.user_information.append(extension)


def _context(context_id: int, abstract_syntax: str, transfer_syntaxes: list[str]) -> Any:  # noqa: ANN401
    context = PresentationContext()
    context.context_id = context_id
    context.abstract_syntax = cast("Any", abstract_syntax)
    context.transfer_syntax = cast("Any", transfer_syntaxes)
    return context


def _decoded(pdu: Any, content: bytes) -> Any:  # noqa: ANN401  of pynetdicom
    try:
        pdu.decode(content)
        return pdu.to_primitive()
    except Exception as error:  # pynetdicom raises what struct and its own checks raise
        name = type(pdu).__name__.replace("_", "-")
        raise ValueError(f"this is no {name} ({type(error).__name__})") from error
