"""XML, read while it arrives, from strangers.

No document type, no entities, nothing from outside: defusedxml sees to that. Here sizes are
bounded, and what is wrong is told without a word of the document, which may name patients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, ErrorHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from ..core import BudgetExceededError, ProtocolViolationError

__all__ = ["Attributes", "DocumentReader", "Elements"]

Attributes = Mapping[str, str]
"""The attributes of an element, by local name."""

_SLICE: Final = 64 * 1024  # bytes that are parsed at a time
_LONGEST: Final = 4 << 20  # bytes of one tag, comment, ...: the parser holds it, and reads it anew
_BEGINS: Final = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00<")
_DEEPEST: Final = 64  # levels of nesting


class Elements(Protocol):
    """Who is told what a document consists of, in order."""

    def begin(self, namespace: str, name: str, attributes: Attributes, /) -> None:
        """Take note that an element begins."""
        ...

    def text(self, content: str, /) -> None:
        """Take a piece of text, of any size up to 64 KiB."""
        ...

    def end(self) -> None:
        """Take note that the last element that began ends."""
        ...


class DocumentReader:
    r"""Reads one document.

    Parameters
    ----------
    elements
        Who is told what comes.
    asked
        What was asked for, for errors.
    budget
        Bytes that are read at most; those that `Elements` take away do not count.

    Attributes
    ----------
    begun
        Whether anything has come.
    ended
        Whether its outermost element has ended.

    Examples
    --------
    >>> class Names(Elements):
    ...     def begin(self, namespace, name, attributes, /):
    ...         print(name, dict(attributes))
    ...     def text(self, content, /): ...
    ...     def end(self): ...
    >>> reader = DocumentReader(Names(), "GET it")
    >>> reader.feed(b"<a><b c='1")
    a {}
    >>> reader.feed(b"'/></a>")
    b {'c': '1'}
    >>> reader.ended
    True
    """

    def __init__(self, elements: Elements, asked: str, budget: int = 1 << 28) -> None:
        self.begun: bool = False
        self._asked: str = asked
        self._budget: int = budget
        self._left: int = budget
        self._silent: int = 0  # bytes since the parser has last said anything
        self._content: _Content = _Content(elements, self._hears)
        self._parser: Any = DefusedExpatParser(forbid_dtd=True)
        self._parser.setFeature(feature_namespaces, True)
        self._parser.setContentHandler(self._content)
        self._parser.setErrorHandler(ErrorHandler())

    @property
    def ended(self) -> bool:
        """Whether its outermost element has ended."""
        return self._content.ended

    def feed(self, chunk: bytes) -> None:
        """Read on.

        Raises
        ------
        ProtocolViolationError
            If this is no XML, or it has a document type or entities (X01).
        BudgetExceededError
            If it is too large, or too deeply nested.
        """
        for at in range(0, len(chunk), _SLICE):
            self._feed(chunk[at : at + _SLICE])

    def give_back(self, size: int) -> None:
        """Do not count so many bytes, which have been taken away."""
        self._left += size

    def _feed(self, piece: bytes) -> None:
        if not self.begun:
            self.begun = bool(piece.strip())
            if self.begun and not piece.lstrip().startswith(_BEGINS):
                raise ProtocolViolationError(self._asked, "what came is no XML")
        self._left -= len(piece)
        self._silent += len(piece)
        if self._left < 0:
            raise BudgetExceededError(
                f"{self._asked}: the answer is larger than {self._budget} bytes; ask for less"
            )
        if self._silent > _LONGEST:
            raise BudgetExceededError(f"{self._asked}: a tag of the answer has no end")
        try:
            self._parser.feed(piece)
            self._flush()
        except DefusedXmlException:
            failure = "XML with a document type or entities came, which is not read"
        except (ValueError, LookupError, SAXException):
            failure = "what came is no XML, or broken"
        else:
            return
        raise ProtocolViolationError(self._asked, failure)

    def _flush(self) -> None:
        """Have expat 2.6 and later say at once what it has read: it waits for more otherwise."""
        flush = getattr(self._parser, "flush", None)  # Python 3.10.14, 3.11.9, 3.12.3 and later
        if callable(flush):
            flush()

    def _hears(self) -> None:
        self._silent = 0
        if self._content.depth > _DEEPEST:
            raise BudgetExceededError(f"{self._asked}: the answer is nested too deeply")


class _Content(ContentHandler):
    """What the parser calls."""

    def __init__(self, elements: Elements, hears: Callable[[], None]) -> None:
        super().__init__()
        self.depth: int = 0
        self.ended: bool = False
        self._elements: Elements = elements
        self._hears: Callable[[], None] = hears

    def startElementNS(  # noqa: N802  the parser's name
        self,
        name: tuple[str | None, str],
        qname: str | None,  # noqa: ARG002  the parser's
        attrs: AttributesNSImpl,
    ) -> None:
        """An element begins."""
        self.depth += 1
        self._hears()
        named = {local: str(attrs[uri, local]) for uri, local in attrs.getNames()}
        self._elements.begin(name[0] or "", name[1], named)

    def endElementNS(  # noqa: N802  the parser's name
        self,
        name: tuple[str | None, str],  # noqa: ARG002  the parser's
        qname: str | None,  # noqa: ARG002  the parser's
    ) -> None:
        """An element ends."""
        self.depth -= 1
        self.ended = self.depth == 0
        self._hears()
        self._elements.end()

    def characters(self, content: str) -> None:
        """Text comes."""
        self._hears()
        self._elements.text(content)
