"""The question: a SOAP 1.2 envelope, plain or as MTOM. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import attrs

from ...core import InstanceReference, InvalidInputError, check_uid, group_by_series, is_uid

__all__ = ["Asking", "DEFAULT_SYNTAXES"]

_ACTION: Final = "urn:ihe:rad:2009:RetrieveImagingDocumentSet"
_ROOT: Final = "root@gurney"
_SOAP: Final = "application/soap+xml"
DEFAULT_SYNTAXES: Final = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
    *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 92, 93)),
    *(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109)),
    *(f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112, 201, 202, 203)),
)
"""All that archives are likely to hold: so they can send what they have, as it is."""


def _check_repository(_: object, __: object, value: str) -> None:
    check_uid(value, "repository id")


def _check_community(_: object, __: object, value: str) -> None:
    if value and not is_uid(value.removeprefix("urn:oid:")):
        raise InvalidInputError("a home community id is an OID, with urn:oid: before it")


def _check_syntaxes(_: object, __: object, value: tuple[str, ...]) -> None:
    for one in value:
        check_uid(one, "transfer syntax UID")
    if not value:
        raise InvalidInputError("name one transfer syntax or more: RAD-69 asks for those only")


@attrs.frozen
class Asking:
    """How to ask.

    Attributes
    ----------
    repository_id, home_community_id, transfer_syntaxes
        As `Rad69` takes them.
    mtom
        Whether the question is sent as MTOM, too.
    """

    repository_id: str = attrs.field(validator=_check_repository)
    home_community_id: str = attrs.field(default="", validator=_check_community)
    transfer_syntaxes: tuple[str, ...] = attrs.field(
        default=DEFAULT_SYNTAXES, validator=_check_syntaxes
    )
    mtom: bool = True

    def request(
        self, references: Iterable[InstanceReference], to: str
    ) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body of the question for *references*, of one message.

        Parameters
        ----------
        references
            What to ask for.
        to
            The address that it goes to.
        """
        message_id = uuid.uuid4()
        envelope = self._envelope(references, to, message_id).encode()
        headers = {"Accept": f'multipart/related; type="application/xop+xml", {_SOAP}'}
        if not self.mtom:
            headers["Content-Type"] = f'{_SOAP}; charset=utf-8; action="{_ACTION}"'
            return headers, envelope
        boundary = f"gurney-{message_id}"
        headers["Content-Type"] = (
            f'multipart/related; type="application/xop+xml"; start="<{_ROOT}>";'
            f' start-info="{_SOAP}"; action="{_ACTION}"; boundary="{boundary}"'
        )
        lines = (
            f"--{boundary}",
            f'Content-Type: application/xop+xml; charset=utf-8; type="{_SOAP}"',
            "Content-Transfer-Encoding: binary",
            f"Content-ID: <{_ROOT}>",
            "",
            "",
        )
        return headers, "\r\n".join(lines).encode() + envelope + f"\r\n--{boundary}--\r\n".encode()

    def _envelope(
        self, references: Iterable[InstanceReference], to: str, message_id: uuid.UUID
    ) -> str:
        syntaxes = (
            f"<r:TransferSyntaxUID>{escape(uid)}</r:TransferSyntaxUID>"
            for uid in self.transfer_syntaxes
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:a="http://www.w3.org/2005/08/addressing">'
            "<s:Header>"
            f'<a:Action s:mustUnderstand="true">{_ACTION}</a:Action>'
            f"<a:MessageID>urn:uuid:{message_id}</a:MessageID>"
            "<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address>"
            f"</a:ReplyTo><a:To>{escape(to)}</a:To>"
            "</s:Header><s:Body>"
            '<r:RetrieveImagingDocumentSetRequest xmlns:r="urn:ihe:rad:xdsi-b:2009"'
            ' xmlns:i="urn:ihe:iti:xds-b:2007">'
            f"{self._documents(references)}"
            f"<r:TransferSyntaxUIDList>{''.join(syntaxes)}</r:TransferSyntaxUIDList>"
            "</r:RetrieveImagingDocumentSetRequest></s:Body></s:Envelope>"
        )

    def _documents(self, references: Iterable[InstanceReference]) -> str:
        return "".join(
            f"<r:StudyRequest studyInstanceUID={quoteattr(series.study_uid)}>"
            f"<r:SeriesRequest seriesInstanceUID={quoteattr(series.series_uid)}>"
            f"{''.join(map(self._document, instances))}"
            "</r:SeriesRequest></r:StudyRequest>"
            for series, instances in group_by_series(references).items()
        )

    def _document(self, reference: InstanceReference) -> str:
        home = escape(self.home_community_id)
        return (
            "<i:DocumentRequest>"
            f"{f'<i:HomeCommunityId>{home}</i:HomeCommunityId>' if home else ''}"
            f"<i:RepositoryUniqueId>{escape(self.repository_id)}</i:RepositoryUniqueId>"
            f"<i:DocumentUniqueId>{escape(reference.instance_uid)}</i:DocumentUniqueId>"
            "</i:DocumentRequest>"
        )
