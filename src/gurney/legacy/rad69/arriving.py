"""An answer of RAD-69, taken apart while it arrives: documents by the names of their parts.

The root says which document is in which part, and which is not sent, and why. Parts come in any
order (X03); what comes before the root waits, on disk if it is large, until that has been read. The
root's word is not taken for it: what comes has to be the instance that it is said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import IO, Final

from ...core import (
    CHUNK_SIZE,
    BudgetExceededError,
    BusyError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)
from ...fetching import Arrived, EndMark, Withheld, arriving, check_ending, end_of
from ...http import Answer, MultipartReader, Part, boundary_of, media_type, parameter_of
from ...retrieving import Wanted
from ..documents import DocumentReader
from .response import Document, RegistryError, Response, cid_of, spool

__all__ = ["answers"]

_WAITING: Final = 4 << 30  # bytes of documents that wait on disk for the root
_ROOT_BUDGET: Final = 1 << 20, 16 << 10  # bytes of a root; and for each document asked for
_FOR_ALL: Final = (
    "XDSMissingHomeCommunityId",
    "XDSUnknownCommunity",
    "XDSUnknownRepositoryId",
)


def answers(
    wanted: Wanted, answer: Answer, chunks: Iterator[bytes]
) -> Iterator[Arrived | Withheld]:
    """Yield what comes in an answer, and what it says is not in it; take each before the next.

    Raises
    ------
    TransferInterruptedError
        If it is cut. All that was yielded before is whole, or has raised on its own.
    ProtocolViolationError
        If it is something else.
    BusyError, RequestRefusedError
        If it is a SOAP fault.
    BudgetExceededError
        If it is too large.
    """
    with ExitStack() as resources:
        taking = _Taking(wanted, answer, resources)
        head = next(chunks, b"")
        body = chain((head,), chunks)
        is_multipart = answer.media_type.startswith("multipart/")
        if is_multipart or head.lstrip(b"\r\n").startswith(b"--"):
            yield from taking.parts(body)
        else:
            yield from taking.root(body)
            taking.check_root_ended()
        yield from taking.withheld()


class _Taking:
    """One answer, while it is taken apart."""

    def __init__(self, wanted: Wanted, answer: Answer, resources: ExitStack) -> None:
        expected = (wanted.expected or {}).values()
        self._wanted: frozenset[str] = frozenset(reference.instance_uid for reference in expected)
        self._answer: Answer = answer
        self._response: Response = Response(answer.asked, _WAITING)
        resources.callback(self._response.close)
        at_least, for_each = _ROOT_BUDGET
        budget = at_least + for_each * len(self._wanted)
        self._root: DocumentReader = DocumentReader(self._response, answer.asked, budget)
        self._by_cid: dict[str, Document] = {}
        self._early: IO[bytes] = resources.enter_context(spool())  # all that waits, one by one
        self._waiting: dict[str, tuple[int, int]] = {}  # begin and size
        self._room: int = _WAITING
        self._taken: set[str] = set()
        self._unnamed: int = 0
        self._last: Arrived | None = None

    # ------------------------------------------------------------ parts

    def parts(self, body: Iterator[bytes]) -> Iterator[Arrived | Withheld]:
        """Yield what comes in a multipart body."""
        content_type = self._answer.headers.get("content-type", "")
        reader = MultipartReader(body, boundary_of(content_type))
        start = cid_of(parameter_of(content_type, "start"))
        last_is_whole = True
        for number, part in enumerate(reader.parts()):
            end, cid = partial(end_of, reader, part, self._answer), _cid(part)
            self._last = None
            if (cid == start if start else number == 0) or self._must_be_root(part):
                yield from self.root(part.chunks)
                self.check_root_ended()
                yield from self._those_that_waited()
            elif self._root.ended:
                yield from self._document(cid, part, end)
            else:
                self._keep(cid, part)
            last_is_whole = self._is_whole(part)
        check_ending(reader, self._answer, last_is_whole=last_is_whole)
        if not self._root.ended:
            raise ProtocolViolationError(self._answer.asked, "no part of what came is the root")

    def _must_be_root(self, part: Part) -> bool:
        """Say whether nothing else can be of this type, whatever name the root should have."""
        kind = media_type(part.headers.get("content-type", ""))
        return kind == "application/xop+xml" and not self._root.begun

    def _is_whole(self, part: Part) -> bool:
        return part.whole if self._last is None else self._last.proved

    def _document(
        self, cid: str, part: Part, end: partial[EndMark]
    ) -> Iterator[Arrived | Withheld]:
        document = self._by_cid.pop(cid, None)
        if document is None:
            self._unnamed += 1
            return
        self._last = arriving(part.chunks, part.declared, end, self._answer)
        yield self._judged(document, self._last)

    def _keep(self, cid: str, part: Part) -> None:
        """Have a part wait for the root."""
        begin = self._early.tell()
        for chunk in part.chunks:
            self._room -= len(chunk)
            if self._room < 0:
                raise BudgetExceededError(
                    f"{self._answer.asked}: too much came before the root; ask for less"
                )
            self._early.write(chunk)
        if not part.whole:
            raise TransferInterruptedError(self._answer.asked, "the answer is cut in a part")
        if cid in self._waiting:
            self._unnamed += 1
        else:
            self._waiting[cid] = begin, self._early.tell() - begin

    def _those_that_waited(self) -> Iterator[Arrived | Withheld]:
        for cid, (begin, size) in self._waiting.items():
            document = self._by_cid.pop(cid, None)
            if document is None:
                self._unnamed += 1
            else:
                yield self._judged(document, self._kept(self._early, begin, size))
        self._waiting.clear()
        self._early.close()

    # ------------------------------------------------------------ the root

    def root(self, chunks: Iterator[bytes]) -> Iterator[Arrived | Withheld]:
        """Read the root; yield the documents that are inside of it."""
        read = 0
        for chunk in chunks:
            self._root.feed(chunk)
            self._root.give_back(self._response.taken)
            self._response.taken = 0
            for document in self._response.documents[read:]:
                read += 1
                if document.inline is not None:
                    inline = document.inline
                    yield self._judged(document, self._kept(inline, 0, inline.tell()))
                    inline.close()
                elif document.cid:
                    self._by_cid.setdefault(document.cid, document)

    def check_root_ended(self) -> None:
        """See whether there is a root, and whether it is an answer.

        Raises
        ------
        TransferInterruptedError, ProtocolViolationError, BusyError, RequestRefusedError
            If not.
        """
        asked, response = self._answer.asked, self._response
        if not self._root.begun:
            raise ProtocolViolationError(asked, "the answer has no content")
        if not self._root.ended:
            raise TransferInterruptedError(asked, "the answer ends in the middle of its XML")
        if response.fault == "Receiver":
            raise BusyError(asked, 500)
        if response.fault:
            raise _FaultError(asked, self._answer.status, response.fault)
        if self._answer.status >= 400:
            raise RequestRefusedError(asked, self._answer.status)
        if not response.status and not response.documents:
            raise ProtocolViolationError(asked, "SOAP came that is no answer of RAD-69")

    # ------------------------------------------------------------ what comes, and what does not

    def _kept(self, kept: IO[bytes], begin: int, size: int) -> Arrived:
        pieces = _pieces(kept, begin, size)
        return arriving(pieces, size, lambda: EndMark.DELIMITER, self._answer)

    def _judged(self, document: Document, arrived: Arrived) -> Arrived | Withheld:
        """See whether what comes is what it is said to be."""
        uid = document.instance_uid
        self._taken.add(uid)
        if arrived.fault or arrived.uids[2] == uid:
            return arrived
        return Withheld(uid, "another instance came in its place, and was refused")

    def withheld(self) -> Iterator[Withheld]:
        """Yield what was not sent, with what the root says of that."""
        errors, named = self._response.errors, set[str]()
        for error in errors:
            if error.location in self._wanted and error.location not in named | self._taken:
                named.add(error.location)
                reason = f"the archive does not send it: {error.words}"
                yield Withheld(error.location, reason, final=error.is_final)
        general = [error for error in errors if error.location not in self._wanted]
        for uid in sorted(self._wanted - named - self._taken):
            yield self._missing(uid, general)

    def _missing(self, uid: str, general: Collection[RegistryError]) -> Withheld:
        """Say of what is neither sent nor named why that may be."""
        if general:
            codes = ", ".join(sorted({error.words for error in general})[:5])
            reason = f"the archive's answer is {self._status}, for {codes}"
            return Withheld(uid, reason, final=any(error.code in _FOR_ALL for error in general))
        if any(document.instance_uid == uid for document in self._by_cid.values()):
            return Withheld(uid, "the part that the archive's answer names for it did not come")
        if self._unnamed:
            return Withheld(uid, "the archive's answer holds parts that it does not name")
        reason = f"the archive's answer ({self._status}) neither holds it nor says why"
        return Withheld(uid, reason)

    @property
    def _status(self) -> str:
        known = ("Success", "PartialSuccess", "Failure")
        return self._response.status if self._response.status in known else "of no known status"


class _FaultError(RequestRefusedError):
    """A SOAP fault came."""

    def __init__(self, asked: str, status: int, code: str) -> None:
        super().__init__(asked, status)
        self.args = (asked, status, code)
        self.code: str = code

    def __str__(self) -> str:
        return f"{self.asked}: refused by a SOAP fault ({self.code}, status {self.status})"


def _pieces(kept: IO[bytes], begin: int, size: int) -> Iterator[bytes]:
    kept.seek(begin)
    for at in range(0, size, CHUNK_SIZE):
        yield kept.read(min(CHUNK_SIZE, size - at))


def _cid(part: Part) -> str:
    return cid_of(part.headers.get("content-id", ""))
