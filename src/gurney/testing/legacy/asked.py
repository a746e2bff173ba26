"""What was asked: a request, and what it means to MINT or RAD-69."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final
from xml.etree.ElementTree import Element, ParseError

import attrs
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from werkzeug.http import parse_options_header

from gurney.core import InstanceReference

from ..dicomweb.asked import parameters
from ..dicomweb.reply import RefusedError

__all__ = ["Asked", "DocumentRequest", "MINT", "RAD69", "Service", "asked", "understood"]

MINT: Final = "/mint"
RAD69: Final = "/rad69"
_RAD: Final = "{urn:ihe:rad:xdsi-b:2009}"
_ITI: Final = "{urn:ihe:iti:xds-b:2007}"
_SOAP: Final = "{http://www.w3.org/2003/05/soap-envelope}"
_WSA: Final = "{http://www.w3.org/2005/08/addressing}"


class Service(Enum):
    """What is asked for."""

    SEARCH = "search"
    RETRIEVE = "retrieve"
    NONE = "none"


@attrs.frozen
class DocumentRequest:
    """One document that is asked for.

    Attributes
    ----------
    reference
        Which.
    repository_id, home_community_id
        Where it is to be.
    """

    reference: InstanceReference
    repository_id: str = ""
    home_community_id: str = ""


@attrs.frozen
class Asked:
    """A request.

    Attributes
    ----------
    method, path, query, headers, body
        As they came: the query with its escapes, headers by lower-case name.
    service
        What is asked for; `Service.NONE` where there is nothing.
    parameters
        Names and values of the query, in order, without escapes.
    documents
        Those that RAD-69 is asked for, in order.
    transfer_syntaxes
        In which they may come.
    message_id
        Of the SOAP message.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    body: bytes = attrs.field(default=b"", repr=False)
    service: Service = Service.NONE
    parameters: tuple[tuple[str, str], ...] = ()
    documents: tuple[DocumentRequest, ...] = ()
    transfer_syntaxes: tuple[str, ...] = ()
    message_id: str = ""

    def parameter(self, name: str, otherwise: str = "") -> str:
        """Return the last value of a parameter."""
        return dict(self.parameters).get(name, otherwise)


def asked(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Return a request as it came."""
    service = {f"{MINT}/studies": Service.SEARCH, RAD69: Service.RETRIEVE}.get(path, Service.NONE)
    return Asked(method, path, query, headers, body, service, parameters(query))


def understood(request: Asked) -> Asked:
    """Return what a request for documents means.

    Raises
    ------
    RefusedError
        If it is not as the profile has it: IHE RAD TF-2 4.69.4.1.
    """
    envelope = _parsed(_root(request))
    header, body = envelope.find(f"{_SOAP}Header"), envelope.find(f"{_SOAP}Body")
    if header is None or body is None or len(body) != 1:
        raise RefusedError(400, "an envelope has a header, and a body with one element")
    action = header.find(f"{_WSA}Action")
    uri = "" if action is None else (action.text or "").strip()  # xs:anyURI collapses white space
    if action is None or uri != "urn:ihe:rad:2009:RetrieveImagingDocumentSet":
        raise RefusedError(400, "the action is another")
    if action.get(f"{_SOAP}mustUnderstand") not in ("1", "true"):
        raise RefusedError(400, "the action must be understood")
    (question,) = body
    syntaxes = question.findall(f"{_RAD}TransferSyntaxUIDList/{_RAD}TransferSyntaxUID")
    if question.tag != f"{_RAD}RetrieveImagingDocumentSetRequest" or not syntaxes:
        raise RefusedError(400, "that is no request with transfer syntaxes")
    return attrs.evolve(
        request,
        documents=tuple(_documents(question)),
        transfer_syntaxes=tuple(element.text or "" for element in syntaxes),
        message_id=header.findtext(f"{_WSA}MessageID", ""),
    )


def _documents(question: Element) -> Iterator[DocumentRequest]:
    for study in question.findall(f"{_RAD}StudyRequest"):
        for series in study.findall(f"{_RAD}SeriesRequest"):
            for document in series.findall(f"{_ITI}DocumentRequest"):
                uid = document.findtext(f"{_ITI}DocumentUniqueId", "")
                reference = InstanceReference(
                    study.get("studyInstanceUID", ""), series.get("seriesInstanceUID", ""), uid
                )
                yield DocumentRequest(
                    reference,
                    document.findtext(f"{_ITI}RepositoryUniqueId", ""),
                    document.findtext(f"{_ITI}HomeCommunityId", ""),
                )


def _parsed(content: bytes) -> Element:
    try:
        found: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException):
        raise RefusedError(400, "that is no XML") from None
    return found


def _root(request: Asked) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "application/soap+xml":
        return request.body
    if kind != "multipart/related" or options.get("type") != "application/xop+xml":
        raise RefusedError(415, "requests come as application/soap+xml, or as MTOM")
    delimiter = b"--" + options.get("boundary", "").encode()
    head, _, content = request.body.removeprefix(delimiter).partition(b"\r\n\r\n")
    if f"content-id: {options.get('start')}".encode() not in head.lower():
        raise RefusedError(400, "the part named by `start` is not there")
    return content.partition(b"\r\n" + delimiter + b"--")[0]
