"""An instance that comes as a C-STORE request: which it is, and its bytes as those of a file.

What it is says its data set. The command says so, too, and is not believed: a file has to agree
with itself.

The last fragment of a data set is marked as such, so its end is always proved; what is cut raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

import attrs

from ...core import (
    BudgetExceededError,
    FaultKind,
    InstanceReference,
    ProtocolViolationError,
    is_uid,
    walk,
)
from ...retrieving import UIDs, peek_dataset
from ..association import Message
from .heads import head_of

__all__ = ["Arrival", "arrival"]

_log = logging.getLogger("gurney.dimse")

_SMALL: Final = 4 << 20  # bytes; so much of an instance is held
_GLANCE: Final = 1 << 16  # bytes in which the UIDs nearly always are


@attrs.define(eq=False)
class Arrival:
    """One instance that comes.

    Attributes
    ----------
    uids
        Study, Series and SOP Instance UID of the data set; empty where it does not say.
    fault
        Why it does not say; ``""`` if it does.
    chunks
        The bytes of a Part 10 file. They raise `TransferInterruptedError` if they stop coming.
    size
        How many bytes, if all are here.
    held
        Whether all are here, so that the archive may go on.
    finish
        Answers with a status; to be called once, when all has come or was passed over.
    skip
        Passes over what has not come yet.
    """

    uids: UIDs
    fault: str
    chunks: Iterator[bytes]
    size: int | None
    held: bool
    finish: Callable[[int], None]
    skip: Callable[[], None]


def arrival(message: Message, finish: Callable[[int], None], most: int = 64 << 30) -> Arrival:
    """Receive the beginning of an instance, or all of it if it is small.

    Its chunks raise `BudgetExceededError` after *most* bytes.

    Raises
    ------
    TransferInterruptedError
        If it is cut before that.
    ProtocolViolationError
        If megabytes come, and it is no instance: there may be no end to it.
    """
    held: list[bytes] = []
    size = 0
    fragments = message.fragments()
    for piece in fragments:
        held.append(piece)
        size += len(piece)
        if size > _SMALL:
            uids, head, fault = _identity(message, held, cut=True)
            if fault:
                asked = message.command.name
                raise ProtocolViolationError(asked, f"megabytes came of no instance: {fault}")
            chunks = chain([head], held, _bounded(fragments, size, most))
            return Arrival(uids, fault, chunks, None, False, finish, message.skip)
    uids, head, fault = _identity(message, held, cut=False)
    return Arrival(uids, fault, iter([head, *held]), len(head) + size, True, finish, message.skip)


def _bounded(fragments: Iterator[bytes], size: int, most: int) -> Iterator[bytes]:
    """Yield what follows the first *size* bytes: there may be no end to it."""
    for piece in fragments:
        size += len(piece)
        if size > most:
            raise BudgetExceededError(
                f"an instance of more than {most} bytes came; allow more with `max_instance`, or"
                " have those who run the archive look at it"
            )
        yield piece


def _identity(message: Message, pieces: list[bytes], *, cut: bool) -> tuple[UIDs, bytes, str]:
    """Return the UIDs of an instance and the head of its file, or why there are none."""
    syntax = message.context.transfer_syntax
    seen = peek_dataset(pieces[0], syntax) if pieces else None
    if seen is None and len(pieces) > 1:
        seen = peek_dataset(b"".join(pieces)[:_GLANCE], syntax)
    if seen is None or not all(seen):
        walked = walk([head_of("", "", syntax), *pieces])
        seen = walked.study_uid, walked.series_uid, walked.instance_uid, walked.sop_class_uid
        if not all(seen[:3]):
            silent = walked.whole or (cut and walked.kind is FaultKind.CUT)
            fault = "it does not say which instance it is" if silent else walked.fault
            return seen[:3], b"", fault
    uids, sop_class = seen[:3], seen[3]
    if not _is_usable(uids[2]):
        return ("", "", ""), b"", "its SOP Instance UID is none"
    return uids, head_of(_sop_class(message, uids, sop_class), uids[2], syntax), ""


def _sop_class(message: Message, uids: UIDs, own: str) -> str:
    """Return the SOP class of an instance: its *own*, or where it has none what the rest says."""
    command = message.command
    if command.sop_instance_uid != uids[2] or (own and command.sop_class_uid != own):
        _log.warning(
            "%s: the C-STORE that brought it names another instance or SOP class; what its data"
            " set says counts",
            InstanceReference(*uids) if all(map(is_uid, uids)) else "an instance",
        )
    candidates = (own, command.sop_class_uid, message.context.abstract_syntax)
    return next(filter(_is_usable, candidates), "")


def _is_usable(uid: str) -> bool:
    """Say whether file meta information can hold a UID."""
    return is_uid(uid) and uid.isascii() and len(uid) < 1 << 16
