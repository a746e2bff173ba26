"""RAD-69: documents, each in a part of its own, and a root that says which is where."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ..dicomweb.reply import RefusedError, Reply
from .fault import Delivery, Exchange, Problem, Sent

__all__ = ["NOT_FOUND", "retrieve"]

NOT_FOUND: Final = "XDSDocumentUniqueIdError"
_BOUNDARY: Final = "gurney.1d8b40c2e7"
_ROOT: Final = "root@gurney"
_STATUS: Final = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:"
_SEVERITY: Final = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:"
_SOAP: Final = "application/soap+xml"


def retrieve(exchange: Exchange) -> Reply:
    """Send what is asked for, as far as it is there."""
    sent: list[Sent] = []
    problems: list[Problem] = []
    for number, asked in enumerate(exchange.asked.documents, start=1):
        uid = asked.reference.instance_uid
        held = exchange.holdings.under(asked.reference.uids)
        if held:
            cid = f"{number}.{uid}@gurney"
            sent.append(Sent(uid, held[0].content, cid, cid))
        else:
            problems.append(Problem(NOT_FOUND, "there is no such document", uid))
    if not exchange.asked.documents:
        raise RefusedError(400, "no document is asked for")
    status = ("PartialSuccess" if sent else "Failure") if problems else "Success"
    delivery = Delivery(tuple(sent), tuple(problems), status)
    return _written(exchange.through(delivery, lambda fault: fault.delivered))


def _written(delivery: Delivery) -> Reply:
    root = _envelope(delivery).encode()
    if delivery.fault or delivery.is_inline or not delivery.sent:
        headers = {"Content-Type": f"{_SOAP}; charset=utf-8"}
        return Reply(delivery.http_status, headers, (root,))
    parts = [(_ROOT, f'application/xop+xml; charset=utf-8; type="{_SOAP}"', root)]
    parts += [(each.part_cid, "application/dicom", each.content) for each in delivery.sent]
    if delivery.is_reversed:
        parts.reverse()
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{_BOUNDARY}";'
        f' start="<{_ROOT}>"; start-info="{_SOAP}"'
    )
    return Reply(delivery.http_status, {"Content-Type": content_type}, tuple(_pieces(parts)))


def _pieces(parts: list[tuple[str, str, bytes]]) -> Iterator[bytes]:
    start = ""
    for cid, kind, content in parts:
        head = (
            f"{start}--{_BOUNDARY}",
            f"Content-Type: {kind}",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: <{cid}>",
            "",
            "",
        )
        yield "\r\n".join(head).encode() + content
        start = "\r\n"
    yield f"{start}--{_BOUNDARY}--\r\n".encode()


def _envelope(delivery: Delivery) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        '<env:Header><wsa:Action env:mustUnderstand="true">'
        "urn:ihe:iti:2007:RetrieveDocumentSetResponse</wsa:Action></env:Header>"
        f"<env:Body>{_fault(delivery.fault) if delivery.fault else _response(delivery)}</env:Body>"
        "</env:Envelope>"
    )


def _fault(code: str) -> str:
    return (
        f"<env:Fault><env:Code><env:Value>env:{code}</env:Value></env:Code>"
        '<env:Reason><env:Text xml:lang="en">DOE^JANE cannot be sent</env:Text></env:Reason>'
        "</env:Fault>"
    )


def _response(delivery: Delivery) -> str:
    errors = "".join(
        f"<rs:RegistryError errorCode={quoteattr(problem.code)}"
        f" codeContext={quoteattr(problem.context)} location={quoteattr(problem.location)}"
        f' severity="{_SEVERITY}{"Warning" if problem.is_warning else "Error"}"/>'
        for problem in delivery.problems
    )
    listed = f"<rs:RegistryErrorList>{errors}</rs:RegistryErrorList>" if errors else ""
    documents = "".join(_document(each, inline=delivery.is_inline) for each in delivery.sent)
    return (
        '<RetrieveDocumentSetResponse xmlns="urn:ihe:iti:xds-b:2007"'
        ' xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">'
        f'<rs:RegistryResponse status="{_STATUS}{delivery.status}">{listed}'
        f"</rs:RegistryResponse>{documents}</RetrieveDocumentSetResponse>"
    )


def _document(sent: Sent, *, inline: bool) -> str:
    href = quoteattr(f"cid:{quote(sent.cid, safe='@')}")
    include = f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href={href}/>'
    content = base64.encodebytes(sent.content).decode() if inline else include
    return (
        "<DocumentResponse><RepositoryUniqueId>1.3.6.1.4.1000</RepositoryUniqueId>"
        f"<DocumentUniqueId>{escape(sent.uid)}</DocumentUniqueId>"
        f"<mimeType>application/dicom</mimeType><Document>{content}</Document>"
        "</DocumentResponse>"
    )
