"""An answer, taken apart into instances: which each is, and whether all of it has come.

What is small is held until it is whole; of what is large the last piece is, until there is proof.
The only end mark of a part is the delimiter after it. A part without one counts if its length, or
that of the answer, was announced and was met, and its structure ends where it ends. A body that
ends when the connection does proves nothing (W01).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from itertools import chain
from typing import Final

import attrs

from ..core import (
    CHUNK_SIZE,
    FaultKind,
    ProtocolViolationError,
    StructuralWalk,
    TransferInterruptedError,
    Walked,
    walk,
)
from ..http import Answer, Ending, MultipartReader, Part, boundary_of
from ..retrieving import UIDs, peek

__all__ = ["Arrived", "EndMark", "Withheld", "arrivals", "arriving", "check_ending", "end_of"]

_SMALL: Final = 4 << 20  # bytes; so much of an instance is held
_BEYOND: Final = 1 << 50  # bytes; a walk that would step over more has met a fault


@attrs.define(eq=False)
class Arrived:
    """One instance that comes.

    Attributes
    ----------
    uids
        Study, Series and SOP Instance UID of the data set; empty where it does not say.
    fault
        Why it does not say; ``""`` if it does.
    chunks
        Its bytes; their end is proved. If it cannot be, they raise before the last of them.
    size
        Its size, if all of it is here; or what is announced, if anything is.
    held
        Whether all of it is here.
    proved
        Whether its end has been seen.
    """

    uids: UIDs
    fault: str
    chunks: Iterator[bytes]
    size: int | None
    held: bool
    proved: bool = False


@attrs.frozen
class Withheld:
    """What an answer says of an instance that it does not hold, or that cannot be taken from it.

    Attributes
    ----------
    instance_uid
        Which.
    reason
        Why, in words that name no patient.
    final
        Whether to ask again is of no use.
    """

    instance_uid: str
    reason: str
    final: bool = False


def arrivals(answer: Answer, chunks: Iterator[bytes]) -> Iterator[Arrived]:
    """Yield the instances in the body of *answer*, in order; take each before the next.

    Raises
    ------
    TransferInterruptedError
        At the first instance that is cut and small enough to be held; or at the end of the body,
        if its end is missing. All that was yielded before is whole, or has raised on its own.
    ProtocolViolationError
        If the answer is something else.
    BudgetExceededError
        If it is too large, or in too many parts.
    """
    head = next(chunks, b"")
    body = chain((head,), chunks)
    if not head:
        return iter(())
    if answer.media_type.startswith("multipart/") or head.lstrip(b"\r\n").startswith(b"--"):
        return _parts(answer, body)
    return _single(answer, body)


def _parts(answer: Answer, body: Iterator[bytes]) -> Iterator[Arrived]:
    reader = MultipartReader(body, boundary_of(answer.headers.get("content-type", "")))
    arrived: Arrived | None = None
    for part in reader.parts():
        arrived = arriving(
            part.chunks, part.declared, partial(end_of, reader, part, answer), answer
        )
        yield arrived
    check_ending(reader, answer, last_is_whole=arrived is None or arrived.proved)


def _single(answer: Answer, body: Iterator[bytes]) -> Iterator[Arrived]:
    length = answer.headers.get("content-length", "")
    packed = "content-encoding" in answer.headers
    declared = int(length) if length.isdigit() and not packed else None
    yield arriving(body, declared, lambda: EndMark.LENGTH, answer)


def check_ending(reader: MultipartReader, answer: Answer, *, last_is_whole: bool) -> None:
    """Say whether all parts have been seen, at the end of a multipart body.

    Raises
    ------
    TransferInterruptedError
        If nothing proves it.
    """
    if reader.ending is Ending.TERMINATED:
        return
    if not answer.framed or not last_is_whole:  # there may be more that nobody saw (W01)
        raise TransferInterruptedError(answer.asked, f"the answer {reader.ending.value}")


class EndMark(Enum):
    """What tells that an instance has ended."""

    DELIMITER = "it has"
    LENGTH = "a length that was announced and met: its structure must be whole, too"
    NOTHING = "nothing at all"


def end_of(reader: MultipartReader, part: Part, answer: Answer) -> EndMark:
    """Return what tells that *part* has ended, when it has."""
    if part.whole:
        return EndMark.LENGTH if reader.ending is Ending.UNTERMINATED else EndMark.DELIMITER
    return EndMark.LENGTH if answer.framed else EndMark.NOTHING


def arriving(
    chunks: Iterator[bytes], declared: int | None, mark: Callable[[], EndMark], answer: Answer
) -> Arrived:
    """Hold an instance until it is whole, or too large for that.

    Parameters
    ----------
    chunks
        Its bytes, as they come.
    declared
        How many there are, if that is announced.
    mark
        Asked when they are at their end: what tells that it has ended.
    answer
        What it comes in.
    """
    held: list[bytes] = []
    size = 0
    for piece in chunks:
        held.append(piece)
        size += len(piece)
        if size > _SMALL:
            uids, fault = _identity(held, cut=True)
            if fault:  # there may be no end to it (W22)
                raise ProtocolViolationError(
                    answer.asked, f"megabytes came of no instance: {fault}"
                )
            arrived = Arrived(uids, fault, iter(()), declared, held=False)
            arrived.chunks = _proving(arrived, chain(held, chunks), mark, answer)
            return arrived
    _prove(mark(), lambda: walk(held), answer)
    chunks = iter(_bounded(held))
    return Arrived(*_identity(held, cut=False), chunks, size, held=True, proved=True)


def _proving(
    arrived: Arrived, chunks: Iterable[bytes], mark: Callable[[], EndMark], answer: Answer
) -> Iterator[bytes]:
    """Yield *chunks*, the last of them when the end is proved."""
    structure = StructuralWalk()
    last = b""
    for piece in _bounded(chunks):
        if last:
            yield last
        structure.feed(piece)
        if structure.skippable > _BEYOND:  # nor to this
            fault = structure.finish().fault
            raise ProtocolViolationError(answer.asked, f"what comes is no whole instance: {fault}")
        last = piece
    _prove(mark(), structure.finish, answer)
    arrived.proved = True
    yield last


def _prove(mark: EndMark, finish: Callable[[], Walked], answer: Answer) -> None:
    if mark is EndMark.DELIMITER:
        return
    reason = "an instance in it has no end mark"
    if mark is EndMark.LENGTH:
        walked = finish()
        if walked.whole or walked.kind is not FaultKind.CUT:
            return  # what is malformed is told by who keeps it
        reason = f"an instance in it is {walked.fault}"
    raise TransferInterruptedError(answer.asked, reason)


def _identity(held: list[bytes], *, cut: bool) -> tuple[UIDs, str]:
    """Return the UIDs of an instance, by its first bytes, and why one of them is unknown."""
    uids = peek(held[0]) if held else None
    if uids is not None and all(uids):
        return uids, ""
    walked = walk(held)
    uids = (walked.study_uid, walked.series_uid, walked.instance_uid)
    if all(uids):
        return uids, ""
    if walked.whole or (cut and walked.kind is FaultKind.CUT):
        return uids, "it does not say which instance it is"
    return uids, walked.fault


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *pieces* so that none is larger than a chunk."""
    for piece in pieces:
        if len(piece) <= CHUNK_SIZE:
            yield piece
        else:
            for at in range(0, len(piece), CHUNK_SIZE):
                yield piece[at : at + CHUNK_SIZE]
