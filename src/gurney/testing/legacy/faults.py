"""All faults, by the id of their quirk."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import ClassVar, Final
from xml.etree.ElementTree import Element, SubElement

import attrs
from typing_extensions import override

from ..dicomweb.reply import Framing, Reply, plain
from ..misbehaving import fault_named
from .asked import Asked, Service
from .fault import Delivery, Exchange, Fault, Found, Problem, Sent, Settings
from .retrieving import NOT_FOUND
from .searching import NAMESPACE

__all__ = ["FAULTS", "fault_of"]

_ATTR: Final = f"{{{NAMESPACE}}}attr"
_STUDY: Final = f"{{{NAMESPACE}}}study"
_SERIES: Final = f"{{{NAMESPACE}}}series"
_DECLARATION: Final = b"?>"
_BOMB: Final = "".join(
    '<!ENTITY {} "{}">'.format(name, f"&{below};" * 10) for below, name in pairwise("abcdefghi")
)
_FALSE: Final = {"tag": "0020000D", "vr": "UI", "val": "1.9.9"}
_LOGIN: Final = (
    b'<!DOCTYPE html><html><body><form action="login"><input type="password" name="p"/></form>'
)


class EntityBomb(Fault):
    """The XML has a document type, with entities in entities in entities."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        return _with_doctype(reply, f'[<!ENTITY a "DOE^JANE">{_BOMB}]')


class PartialSuccess(Fault):
    """PartialSuccess: the last document of its study is not sent, as one of the errors says."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        kept, lost = _apart(exchange, delivery)
        if not lost:
            return delivery
        warning = Problem("XDSExtraMetadataNotSaved", "DOE^JANE", is_warning=True)
        errors = [Problem(NOT_FOUND, "DOE^JANE", each.uid) for each in lost]
        status = "PartialSuccess" if kept else "Failure"
        return attrs.evolve(delivery, sent=kept, problems=(warning, *errors), status=status)


class PartsOutOfOrder(Fault):
    """The parts come the other way round: the last document first, and the root last."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        return attrs.evolve(delivery, is_reversed=True)


class ParentsLast(Fault):
    """What is said of a study or series comes after what is in it."""

    @override
    def described(self, exchange: Exchange, results: Element, /) -> Element:
        results = copy.deepcopy(results)
        for node in [*results.iter(_STUDY), *results.iter(_SERIES)]:
            node[:] = sorted(node, key=lambda child: child.tag == _ATTR)
        return results


class ExternalEntity(Fault):
    """The XML has a document type from elsewhere, and an entity that is a file."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        return _with_doctype(reply, '[<!ENTITY a SYSTEM "file:///etc/passwd">]')


class DocumentTwice(Fault):
    """Each document comes twice, in two parts."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        again = [_named(each, f"again.{each.cid}") for each in delivery.sent]
        return attrs.evolve(delivery, sent=(*delivery.sent, *again))


class WrongCid(Fault):
    """The part of the last document of its study has another name than the root says."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        return _with_last(
            exchange, delivery, lambda sent: attrs.evolve(sent, part_cid="odd@gurney")
        )


class OtherDocument(Fault):
    """In place of the last document of its study comes the first of it, by the other's name."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        first = {
            held.reference.instance_uid: exchange.holdings.under(held.reference.uids[:1])[0].content
            for held in exchange.holdings.instances
        }
        return _with_last(
            exchange, delivery, lambda sent: attrs.evolve(sent, content=first[sent.uid])
        )


class DocumentMissing(Fault):
    """The last document of its study is not sent, and nothing says so: Success."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        kept, lost = _apart(exchange, delivery)
        return attrs.evolve(delivery, sent=kept) if lost else delivery


class CutInPart(Fault):
    """The connection breaks in the middle of the last of several documents."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        pieces = tuple(reply.body)
        if exchange.asked.service is not Service.RETRIEVE or len(pieces) < 4:
            return reply
        *before, last, _ = pieces
        return attrs.evolve(reply, cut_after=sum(map(len, before)) + len(last) // 2)


class FaultUnder500(Fault):
    """A question for more than one document is answered by a SOAP fault, with status 500."""

    status = 500

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        if len(exchange.asked.documents) < 2:
            return delivery
        return Delivery(fault="Receiver", http_status=self.status)


class FaultUnder200(FaultUnder500):
    """A question for more than one document is answered by a SOAP fault, with status 200."""

    status = 200


class LoginPage(Fault):
    """A login page comes, with status 200, in place of any answer."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        return Reply(200, {"Content-Type": "text/html"}, (_LOGIN,))


class LimitIgnored(Fault):
    """MINT sends all studies, whatever the limit."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        kept = tuple(pair for pair in asked.parameters if pair[0] != "limit")
        return asked if kept == asked.parameters else attrs.evolve(asked, parameters=kept)


class DatesSwapped(Fault):
    """MINT takes the first date for the last, and the last for the first."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        first, last = asked.parameter("min_study_date"), asked.parameter("max_study_date")
        if first == last:
            return asked
        swapped = {**dict(asked.parameters), "min_study_date": last, "max_study_date": first}
        return attrs.evolve(asked, parameters=tuple(swapped.items()))


class SilentCap(Fault):
    """MINT sends a page of studies at most, and nothing says so."""

    @override
    def found(self, exchange: Exchange, found: Found, /) -> Found:
        page = self.settings.page
        return found if len(found) <= page else found[:page]


class Inline(Fault):
    """Documents are inside of the XML, in base64 with line ends."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        return attrs.evolve(delivery, is_inline=True) if delivery.sent else delivery


class EscapedCid(Fault):
    """The names of parts hold characters that the root writes with percent signs."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        sent = [_named(each, f"{each.uid}+100%/a&b=c@gurney") for each in delivery.sent]
        return attrs.evolve(delivery, sent=tuple(sent)) if sent else delivery


class UnknownElements(Fault):
    """MINT's XML holds elements that nobody knows, with attributes of other objects inside."""

    @override
    def described(self, exchange: Exchange, results: Element, /) -> Element:
        results = copy.deepcopy(results)
        for node in [*results.iter()]:
            if node.tag != _ATTR:
                odd = Element(f"{{{NAMESPACE}}}thumbnail", odd="yes")
                odd.text = "DOE^JANE"
                SubElement(odd, _ATTR, _FALSE)
                SubElement(SubElement(odd, _STUDY), _ATTR, _FALSE)
                node.insert(0, odd)
                node.insert(1, Element("{urn:other}attr", _FALSE))
        return results


class EndlessXML(Fault):
    """The XML has no end: ever more of it comes."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        head = b"".join(reply.body)
        at = head.rindex(b"</")
        return attrs.evolve(
            reply,
            body=_endless(head[:at]),
            framing=Framing.CHUNKED,
            pause=self.settings.pause,
        )


class GeneralError(Fault):
    """Failure: the repository is unknown; the error names no document."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        problem = Problem("XDSUnknownRepositoryId", "DOE^JANE", "1.3.6.1.4.1000")
        return Delivery(problems=(problem,), status="Failure")


class CutXML(Fault):
    """MINT's XML ends with the connection, in its middle."""

    times: ClassVar[int | None] = 1

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        if exchange.asked.service is not Service.SEARCH:
            return reply
        middle = sum(map(len, reply.body)) // 2
        return attrs.evolve(reply, framing=Framing.CLOSE, cut_after=middle)


class KeysIgnored(Fault):
    """MINT ignores all keys but UIDs, and all dates."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        kept = tuple(pair for pair in asked.parameters if _is_heeded(pair[0]))
        return asked if kept == asked.parameters else attrs.evolve(asked, parameters=kept)


class FieldsRefused(Fault):
    """MINT refuses IncludeFields with 400; without, no counts are returned."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        return plain(400, "no") if exchange.asked.parameter("IncludeFields") else reply


class ChildrenMissing(Fault):
    """MINT leaves out the last series of each study, which it counts."""

    @override
    def described(self, exchange: Exchange, results: Element, /) -> Element:
        results = copy.deepcopy(results)
        for study in results.iter(_STUDY):
            for last in study.findall(_SERIES)[-1:]:
                study.remove(last)
        return results


FAULTS: Final[Mapping[str, type[Fault]]] = {
    "X01": EntityBomb,
    "X02": PartialSuccess,
    "X03": PartsOutOfOrder,
    "X04": ParentsLast,
    "X05": ExternalEntity,
    "X06": DocumentTwice,
    "X07": WrongCid,
    "X08": OtherDocument,
    "X09": DocumentMissing,
    "X10": CutInPart,
    "X11": FaultUnder500,
    "X12": FaultUnder200,
    "X13": LoginPage,
    "X14": LimitIgnored,
    "X15": DatesSwapped,
    "X16": SilentCap,
    "X17": Inline,
    "X18": EscapedCid,
    "X19": UnknownElements,
    "X20": EndlessXML,
    "X21": GeneralError,
    "X22": CutXML,
    "X23": KeysIgnored,
    "X24": FieldsRefused,
    "X25": ChildrenMissing,
}
"""Every quirk, X01 to X25; the docstring of each is one line that says it."""


def fault_of(fault: str | Fault, settings: Settings) -> Fault:
    """Return the fault of a quirk, told what it needs."""
    return fault_named(fault, FAULTS, settings)


def _last_of_its_study(exchange: Exchange, uid: str) -> bool:
    """Say whether this document is asked for, and is the last one of its study."""
    return any(
        asked.reference.instance_uid == uid
        and exchange.holdings.under(asked.reference.uids[:1])[-1].reference == asked.reference
        for asked in exchange.asked.documents
    )


def _apart(exchange: Exchange, delivery: Delivery) -> tuple[tuple[Sent, ...], tuple[Sent, ...]]:
    """Return what is the last of no study, and what is."""
    lost = tuple(each for each in delivery.sent if _last_of_its_study(exchange, each.uid))
    return tuple(each for each in delivery.sent if each not in lost), lost


def _with_last(exchange: Exchange, delivery: Delivery, alter: Callable[[Sent], Sent]) -> Delivery:
    sent = tuple(
        alter(each) if _last_of_its_study(exchange, each.uid) else each for each in delivery.sent
    )
    return delivery if sent == delivery.sent else attrs.evolve(delivery, sent=sent)


def _named(sent: Sent, cid: str) -> Sent:
    return attrs.evolve(sent, cid=cid, part_cid=cid)


def _with_doctype(reply: Reply, subset: str) -> Reply:
    """Put a document type into the XML, and an entity of it into its root."""
    head, *others = reply.body
    if b"<?xml" not in head:
        return reply
    declaration, _, rest = head.partition(_DECLARATION)
    document, _, end = rest.rpartition(b"</")
    doctype = f"<!DOCTYPE odd {subset}>".encode()
    piece = b"".join((declaration, _DECLARATION, doctype, document, b"&a;</", end))
    return attrs.evolve(reply, body=(piece, *others))


def _endless(head: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield b'<odd more="and more"/>' * 1000


def _is_heeded(name: str) -> bool:
    return name.endswith("UID") or name in ("QueryLevel", "IncludeFields", "limit")
