"""The answer's root: which document is where, which is not there and why. Read while it arrives."""

from __future__ import annotations

import base64
import binascii
import re
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from urllib.parse import unquote

import attrs

from ...core import BudgetExceededError, ProtocolViolationError
from ..documents import Attributes, Elements

__all__ = ["Document", "RegistryError", "Response", "cid_of", "spool"]

_SMALL: Final = 4 << 20  # bytes of a document that are held in memory
_LONGEST: Final = 1024  # characters of an id or a code
_MOST: Final = 100_000  # documents, or errors, in one answer
_CODE: Final = re.compile(r"(XDS|IHE|RAD|XCA)[A-Za-z0-9]{1,60}")
_FOR_NOW: Final = ("XDSRegistryBusy", "XDSRepositoryBusy", "XDSUnavailableCommunity")
_FAULTS: Final = ("VersionMismatch", "MustUnderstand", "DataEncodingUnknown", "Sender", "Receiver")
_SAID: Final = ("DocumentUniqueId", "Value")  # elements of which the text is read
_BLANK: Final = str.maketrans("", "", " \t\r\n")


def spool() -> IO[bytes]:
    """Return where bytes wait: in memory if they are few, else in a file without a name."""
    return SpooledTemporaryFile(max_size=_SMALL)


def cid_of(text: str) -> str:
    """Return the name of a part, as a Content-ID or a ``cid:`` URL has it (RFC 2392).

    Examples
    --------
    >>> cid_of("<a+b@c>"), cid_of("cid:a%2Bb%40c"), cid_of("a+b@c")
    ('a+b@c', 'a+b@c', 'a+b@c')
    """
    text = text.strip()
    if text[:4].lower() == "cid:":
        text = unquote(text[4:])
    return text.removeprefix("<").removesuffix(">")


@attrs.define(eq=False)
class Document:
    """What is said of one document that is sent.

    Attributes
    ----------
    instance_uid
        Which it is said to be.
    cid
        The name of the part that holds it; empty if there is none.
    inline
        Its bytes, if they are inside the answer's root; to be closed.
    """

    instance_uid: str = ""
    cid: str = ""
    inline: IO[bytes] | None = None


@attrs.frozen
class RegistryError:
    """Why something is not sent.

    Attributes
    ----------
    code
        What is wrong: an identifier of the profile's, empty if it is another's.
    location
        Where; mostly the id of a document. It comes from a stranger.
    is_warning
        Whether it is said to be no error.
    """

    code: str
    location: str
    is_warning: bool = False

    @property
    def is_final(self) -> bool:
        """Whether to ask again is of no use, as far as anybody knows."""
        return bool(self.code) and not self.is_warning and self.code not in _FOR_NOW

    @property
    def words(self) -> str:
        """What an error may say of it: its own words may name a patient."""
        return self.code or "an error with a code of its own"


class Response(Elements):
    """Collects what the root says.

    Parameters
    ----------
    asked
        What was asked for, for errors.
    budget
        Bytes of documents inside the root that may wait on disk.

    Attributes
    ----------
    status
        ``Success``, ``PartialSuccess`` or ``Failure``; empty if it does not say.
    documents, errors
        In the order sent; documents that have ended.
    fault
        The code of a SOAP fault; empty if there is none.
    taken
        Bytes of text that were taken away since somebody has last asked: see `DocumentReader`.
    """

    def __init__(self, asked: str, budget: int) -> None:
        self.status: str = ""
        self.documents: list[Document] = []
        self.errors: list[RegistryError] = []
        self.fault: str = ""
        self.taken: int = 0
        self._asked: str = asked
        self._left: int = budget
        self._open: list[str] = []
        self._text: list[str] = []
        self._size: int = 0
        self._document: Document | None = None
        self._base64: str = ""  # what is left of less than four characters

    def begin(self, namespace: str, name: str, attributes: Attributes, /) -> None:  # noqa: ARG002  names are unique
        """Take note that an element begins."""
        if not self._open and name != "Envelope":
            raise ProtocolViolationError(
                self._asked, "XML came that is no SOAP; is the address that of RAD-69?"
            )
        self._open.append(name)
        self._text.clear()
        self._size = 0
        if name == "RegistryResponse":
            self.status = attributes.get("status", "").rpartition(":")[2]
        elif name == "RegistryError":
            self._take_error(attributes)
        elif name == "DocumentResponse":
            self._document = Document()
        elif name == "Include" and self._document is not None and "Document" in self._open:
            self._document.cid = cid_of(attributes.get("href", ""))
        elif name == "Fault" and not self.fault:
            self.fault = "Fault"

    def text(self, content: str, /) -> None:
        """Take a piece of text: of an id, or of a document inside the root."""
        if self._open[-1:] == ["Document"] and self._document is not None:
            self._take_inline(self._document, content.translate(_BLANK))
            self.taken += len(content)
        elif self._open and self._open[-1] in _SAID and self._size <= _LONGEST:
            self._text.append(content)
            self._size += len(content)

    def end(self) -> None:
        """Take note that the last element that began ends."""
        name = self._open.pop()
        said = "".join(self._text).strip() if name in _SAID else ""
        if name == "DocumentUniqueId" and self._document is not None:
            self._document.instance_uid = said if len(said) <= _LONGEST else ""
        elif name == "Value" and self.fault == "Fault":
            code = said.rpartition(":")[2]
            self.fault = code if code in _FAULTS else "Fault"
        elif name == "Document" and self._base64:
            raise ProtocolViolationError(self._asked, "a document in it is no base64, or cut")
        elif name == "DocumentResponse" and self._document is not None:
            self._check_number(len(self.documents))
            self.documents.append(self._document)
            self._document = None

    def close(self) -> None:
        """Give up documents that nobody has taken."""
        for document in (*self.documents, self._document):
            if document is not None and document.inline is not None:
                document.inline.close()

    def _take_error(self, attributes: Attributes) -> None:
        self._check_number(len(self.errors))
        code = attributes.get("errorCode", "").rpartition(":")[2]
        location = attributes.get("location", "").strip()
        self.errors.append(
            RegistryError(
                code if _CODE.fullmatch(code) else "",
                location if len(location) <= _LONGEST else "",
                attributes.get("severity", "").rpartition(":")[2] == "Warning",
            )
        )

    def _take_inline(self, document: Document, text: str) -> None:
        text = self._base64 + text
        whole = len(text) // 4 * 4
        self._base64 = text[whole:]
        if not whole:
            return
        try:
            content = base64.b64decode(text[:whole], validate=True)
        except (binascii.Error, ValueError):
            raise ProtocolViolationError(
                self._asked, "a document in it is no base64, or cut"
            ) from None
        self._left -= len(content)
        if self._left < 0:
            raise BudgetExceededError(f"{self._asked}: too much came inside of XML; ask for less")
        if document.inline is None:
            document.inline = spool()
        document.inline.write(content)

    def _check_number(self, count: int) -> None:
        if count >= _MOST:
            raise BudgetExceededError(f"{self._asked}: more than {_MOST} documents or errors came")
