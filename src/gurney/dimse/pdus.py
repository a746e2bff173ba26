"""A-ASSOCIATE PDUs (PS3.8 9.3.2, 9.3.3), and the one door to pynetdicom, whose codecs read them.

Nothing of pynetdicom leaves this module. Where a peer's bytes are read, items that are not needed
are left out beforehand: unknown ones are to be skipped (PS3.8 9.3.1), and a garbled version name is
no reason to do without an archive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import attrs
from pydicom.uid import UID

try:
    from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
    from pynetdicom.pdu_items import (
        AbstractSyntaxSubItem,
        ApplicationContextItem,
        ImplementationClassUIDSubItem,
        ImplementationVersionNameSubItem,
        MaximumLengthSubItem,
        PresentationContextItemAC,
        PresentationContextItemRQ,
        SCP_SCU_RoleSelectionSubItem,
        SOPClassExtendedNegotiationSubItem,
        TransferSyntaxSubItem,
        UserIdentitySubItemRQ,
        UserInformationItem,
    )
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'gurney.dimse needs pynetdicom, which is not installed; run: pip install "gurney[dimse]"',
        name=_error.name,
    ) from _error

from .framing import without_needless_items

__all__ = ["Answer", "ContextItem", "ContextResult", "Request"]

_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_IMPLEMENTATION: Final = "2.25.287149843029541264126103281735302945183"
_VERSION: Final = "GURNEY"

_UNSAID: Final = 16384  # bytes of a PDU that every implementation takes

T = TypeVar("T")


@attrs.frozen
class ContextItem:
    """A presentation context that is proposed."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@attrs.frozen
class ContextResult:
    """What became of it: accepted if the result is 0."""

    id: int
    result: int
    transfer_syntax: str


@attrs.frozen(kw_only=True)
class Request:
    """An A-ASSOCIATE-RQ (PS3.8 9.3.2).

    Attributes
    ----------
    roles
        SOP class UID -> whether the requestor wants to be SCU, and SCP.
    extended
        SOP class UID -> what it asks for by extended negotiation.
    max_pdu
        Bytes that it takes at a time; 0 for any number.
    identity
        Type and two fields (PS3.7 D.3.3.7).
    """

    called: str
    calling: str
    contexts: Sequence[ContextItem]
    roles: Mapping[str, tuple[bool, bool]]
    extended: Mapping[str, bytes]
    max_pdu: int
    identity: tuple[int, bytes, bytes] | None = attrs.field(default=None, repr=False)

    def encode(self) -> bytes:
        """Return it as it is sent."""
        pdu = A_ASSOCIATE_RQ()
        pdu.called_ae_title = self.called
        pdu.calling_ae_title = self.calling
        user = _user_information(self.max_pdu, self.roles, self.extended, self.identity)
        contexts = [_proposal(item) for item in self.contexts]
        pdu.variable_items = [_application_context(), *contexts, user]
        return pdu.encode()

    @classmethod
    def decode(cls, encoded: bytes) -> Request:
        """Read one.

        Raises
        ------
        ValueError
            If it is malformed.
        """
        return _reading(_request, encoded)


@attrs.frozen(kw_only=True)
class Answer:
    """An A-ASSOCIATE-AC (PS3.8 9.3.3); titles are those of the request, again."""

    called: str
    calling: str
    results: Sequence[ContextResult]
    roles: Mapping[str, tuple[bool, bool]]
    extended: Mapping[str, bytes]
    max_pdu: int

    def encode(self) -> bytes:
        """Return it as it is sent."""
        pdu = A_ASSOCIATE_AC()
        pdu.reserved_aet = self.called
        pdu.reserved_aec = self.calling
        user = _user_information(self.max_pdu, self.roles, self.extended)
        results = [_result(item) for item in self.results]
        pdu.variable_items = [_application_context(), *results, user]
        return pdu.encode()

    @classmethod
    def decode(cls, encoded: bytes) -> Answer:
        """Read one.

        Raises
        ------
        ValueError
            If it is malformed.
        """
        return _reading(_answer, encoded)


# ---------------------------------------------------------------- to pynetdicom


def _application_context() -> ApplicationContextItem:
    item = ApplicationContextItem()
    item.application_context_name = UID(_APPLICATION_CONTEXT)
    return item


def _proposal(context: ContextItem) -> PresentationContextItemRQ:
    abstract = AbstractSyntaxSubItem()
    abstract.abstract_syntax_name = UID(context.abstract_syntax)
    item = PresentationContextItemRQ()
    item.presentation_context_id = context.id
    item.abstract_transfer_syntax_sub_items = [
        abstract,
        *(_transfer_syntax(uid) for uid in context.transfer_syntaxes),
    ]
    return item


def _result(context: ContextResult) -> PresentationContextItemAC:
    item = PresentationContextItemAC()
    item.presentation_context_id = context.id
    item.result_reason = context.result
    item.transfer_syntax_sub_item = [_transfer_syntax(context.transfer_syntax)]
    return item


def _transfer_syntax(uid: str) -> TransferSyntaxSubItem:
    item = TransferSyntaxSubItem()
    item.transfer_syntax_name = UID(uid)
    return item


def _user_information(
    max_pdu: int,
    roles: Mapping[str, tuple[bool, bool]],
    extended: Mapping[str, bytes],
    identity: tuple[int, bytes, bytes] | None = None,
) -> UserInformationItem:
    maximum = MaximumLengthSubItem()
    maximum.maximum_length_received = max_pdu
    implementation = ImplementationClassUIDSubItem()
    implementation.implementation_class_uid = UID(_IMPLEMENTATION)
    version = ImplementationVersionNameSubItem()
    version.implementation_version_name = _VERSION
    item = UserInformationItem()
    item.user_data = [  # in the order of PS3.7 D.3.3
        maximum,
        implementation,
        *(_role(uid, *role) for uid, role in roles.items()),
        version,
        *(_extension(uid, information) for uid, information in extended.items()),
        *([] if identity is None else [_identity(identity)]),
    ]
    return item


def _role(uid: str, scu: bool, scp: bool) -> SCP_SCU_RoleSelectionSubItem:
    item = SCP_SCU_RoleSelectionSubItem()
    item.sop_class_uid = UID(uid)
    item.scu_role, item.scp_role = int(scu), int(scp)
    return item


def _extension(uid: str, information: bytes) -> SOPClassExtendedNegotiationSubItem:
    item = SOPClassExtendedNegotiationSubItem()
    item.sop_class_uid = UID(uid)
    item.service_class_application_information = information
    return item


def _identity(identity: tuple[int, bytes, bytes]) -> UserIdentitySubItemRQ:
    item = UserIdentitySubItemRQ()
    item.user_identity_type, item.primary_field, item.secondary_field = identity
    item.positive_response_requested = 0
    return item


# ---------------------------------------------------------------- from pynetdicom


def _request(encoded: bytes) -> Request:
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(encoded)
    user = pdu.user_information or UserInformationItem()
    identity = user.user_identity
    return Request(
        called=pdu.called_ae_title.strip(),
        calling=pdu.calling_ae_title.strip(),
        contexts=tuple(
            ContextItem(
                item.presentation_context_id or 0,
                str(item.abstract_syntax or ""),
                tuple(str(uid) for uid in item.transfer_syntax),
            )
            for item in pdu.presentation_context
        ),
        roles=_roles(user),
        extended=_extended(user),
        max_pdu=_maximum(user),
        identity=(
            (identity.id_type or 0, identity.primary or b"", identity.secondary or b"")
            if isinstance(identity, UserIdentitySubItemRQ)
            else None
        ),
    )


def _answer(encoded: bytes) -> Answer:
    pdu = A_ASSOCIATE_AC()
    pdu.decode(encoded)
    user = pdu.user_information or UserInformationItem()
    return Answer(
        called=pdu.called_ae_title,
        calling=pdu.calling_ae_title,
        results=tuple(
            ContextResult(
                item.presentation_context_id or 0,
                -1 if item.result is None else item.result,
                str(item.transfer_syntax or "") if item.result == 0 else "",
            )
            for item in pdu.presentation_context
        ),
        roles=_roles(user),
        extended=_extended(user),
        max_pdu=_maximum(user),
    )


def _roles(user: UserInformationItem) -> dict[str, tuple[bool, bool]]:
    return {str(uid): (bool(item.scu), bool(item.scp)) for uid, item in user.role_selection.items()}


def _extended(user: UserInformationItem) -> dict[str, bytes]:
    return {
        str(item.uid or ""): item.service_class_application_information or b""
        for item in user.ext_neg
    }


def _maximum(user: UserInformationItem) -> int:
    return _UNSAID if user.maximum_length is None else user.maximum_length


def _reading(read: Callable[[bytes], T], encoded: bytes) -> T:
    """Decode by pynetdicom, which meets malformed bytes with whatever exception comes up."""
    needed = without_needless_items(encoded)
    try:
        return read(needed)
    except Exception as error:
        raise ValueError("one of its items is malformed") from error
