"""An instance that comes as a C-STORE request: which it is, and its bytes as those of a file.

The last fragment of a data set is marked as such, so its end is always proved; what is cut raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

import attrs

from ...core import FaultKind, ProtocolViolationError, walk
from ...retrieving import UIDs, peek_dataset
from ..association import Message
from .heads import head_of

__all__ = ["Arrival", "arrival"]

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


def arrival(message: Message, finish: Callable[[int], None]) -> Arrival:
    """Receive the beginning of an instance, or all of it if it is small.

    Raises
    ------
    TransferInterruptedError
        If it is cut before that.
    ProtocolViolationError
        If megabytes come, and it is no instance: there may be no end to it.
    """
    command, syntax = message.command, message.context.transfer_syntax
    held = [head_of(command.sop_class_uid, command.sop_instance_uid, syntax)]
    size = len(held[0])
    fragments = message.fragments()
    for piece in fragments:
        held.append(piece)
        size += len(piece)
        if size > _SMALL:
            uids, fault = _identity(held, syntax, cut=True)
            if fault:
                asked = message.command.name
                raise ProtocolViolationError(asked, f"megabytes came of no instance: {fault}")
            chunks = chain(held, fragments)
            return Arrival(uids, fault, chunks, None, False, finish, message.skip)
    uids, fault = _identity(held, syntax, cut=False)
    return Arrival(uids, fault, iter(held), size, True, finish, message.skip)


def _identity(held: list[bytes], transfer_syntax: str, *, cut: bool) -> tuple[UIDs, str]:
    """Return the UIDs of an instance, by its first bytes, and why one of them is unknown."""
    head, *pieces = held
    uids = peek_dataset(pieces[0], transfer_syntax) if pieces else None
    if uids is None and len(pieces) > 1:
        uids = peek_dataset(b"".join(pieces)[:_GLANCE], transfer_syntax)
    if uids is not None and all(uids):
        return uids, ""
    walked = walk([head, *pieces])
    uids = (walked.study_uid, walked.series_uid, walked.instance_uid)
    if all(uids):
        return uids, ""
    if walked.whole or (cut and walked.kind is FaultKind.CUT):
        return uids, "it does not say which instance it is"
    return uids, walked.fault
