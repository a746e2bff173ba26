"""Is anybody there? C-ECHO (PS3.4 annex A)."""

from __future__ import annotations

import time
from typing import Final

from ...core import ProtocolViolationError, RequestRefusedError
from ..settings import Peer
from .association import Association
from .commands import C_ECHO_RSP, SUCCESS, c_echo_rq
from .contexts import Proposed
from .pool import Associations, associations_of

__all__ = ["echo"]

_VERIFICATION: Final = "1.2.840.10008.1.1"
_IMPLICIT: Final = "1.2.840.10008.1.2"


def echo(archive: Peer | Associations) -> float:
    """Ask an archive whether it answers; return how long it took, in seconds.

    That is the time from the request to its answer, without the one for the association.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError, ProtocolViolationError
        If there is no association with it.
    RequestRefusedError
        If it answers with another status than success.
    """
    associations = associations_of(archive)
    try:
        with associations.taken([Proposed(_VERIFICATION, (_IMPLICIT,))]) as association:
            return _echo(association)
    finally:
        if associations is not archive:
            associations.close()


def _echo(association: Association) -> float:
    context = association.context(_VERIFICATION)
    message_id = association.next_message_id()
    started = time.perf_counter()
    association.send(context, c_echo_rq(message_id, _VERIFICATION))
    answer = association.receive().command
    took = time.perf_counter() - started
    asked = f"C-ECHO with {association.peer.address}"
    if answer.field != C_ECHO_RSP or answer.responds_to != message_id:
        raise ProtocolViolationError(asked, f"it answers with {answer!r}")
    if answer.status != SUCCESS:
        raise RequestRefusedError(asked, answer.status or 0)
    return took
