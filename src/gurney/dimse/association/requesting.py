"""Asking for an association."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ...core import (
    ArchiveUnavailableError,
    InvalidInputError,
    ProtocolViolationError,
    TransferInterruptedError,
)
from ...manners import Pace
from ..framing import ABORT, ASSOCIATE_AC, ASSOCIATE_RJ, SMALLEST_PDU, short_pdu
from ..pdus import Answer, ContextItem, Request
from ..settings import Peer
from .association import Association
from .connection import Connection
from .contexts import MOST_CONTEXTS, Context, Proposed
from .failures import RejectedForNowError, failure_of_connection, rejected
from .incoming import Incoming

__all__ = ["associate"]


def associate(
    peer: Peer,
    proposed: Sequence[Proposed],
    *,
    extended: Mapping[str, bytes] | None = None,
    pace: Pace | None = None,
) -> Association:
    """Connect to an archive and agree on an association; one attempt.

    Parameters
    ----------
    peer
        The archive.
    proposed
        Presentation contexts, length 1 to 128, in order of preference. Of those that are not
        accepted nothing is said here; `Association.context` does.
    extended
        Extended negotiation by SOP class UID (PS3.7 D.3.3.5).
    pace
        For what is asked over it. An association is a request, too; when it is rejected for now,
        the archive is busy.

    Raises
    ------
    InvalidInputError
        If there are no contexts or more than 128.
    ArchiveUnavailableError
        If nothing answers there; `RejectedForNowError` if it has no time.
    AuthenticationError
        If it does not know one of the AE titles, or TLS finds a stranger.
    ProtocolViolationError
        If what answers does not speak DICOM.
    """
    if not 1 <= len(proposed) <= MOST_CONTEXTS:
        raise InvalidInputError(
            f"an association has 1 to {MOST_CONTEXTS} presentation contexts, not {len(proposed)};"
            " use several associations"
        )
    request = _request(peer, proposed, extended or {})
    asked = f"association with {peer.address}"
    if pace is not None:
        pace.request()
    connection = Connection(_connected(peer, asked), asked)
    try:
        connection.write(request.encode(), peer.timeouts.idle)
        return _agreed(peer, connection, proposed, request, pace)
    except TransferInterruptedError as error:
        connection.close(short_pdu(ABORT))
        raise ArchiveUnavailableError(
            f"{asked}: {error.reason}, before it agreed on anything; check the port, and whether it"
            " wants TLS or a certificate there, or try again later"
        ) from error
    except BaseException:
        connection.close(short_pdu(ABORT))
        raise


def _request(peer: Peer, proposed: Sequence[Proposed], extended: Mapping[str, bytes]) -> Request:
    return Request(
        called=peer.called,
        calling=peer.calling,
        contexts=tuple(
            ContextItem(number, item.abstract_syntax, item.transfer_syntaxes)
            for number, item in zip(range(1, 256, 2), proposed, strict=False)
        ),
        roles={item.abstract_syntax: (False, True) for item in proposed if item.as_scp},
        extended=extended,
        max_pdu=peer.max_pdu,
        identity=None if peer.identity is None else peer.identity.fields(),
    )


def _connected(peer: Peer, asked: str) -> socket.socket:
    """Return a socket, secured if it is to be."""
    context = None if peer.tls is None else peer.tls.context()
    connected: socket.socket | None = None
    try:
        address = (peer.host, peer.port)
        connected = socket.create_connection(address, timeout=peer.timeouts.connect)
        if context is None or peer.tls is None:
            return connected
        return context.wrap_socket(connected, server_hostname=peer.tls.server_name or peer.host)
    except (OSError, UnicodeError) as error:
        if connected is not None:
            with suppress(OSError):
                connected.close()
        known = error if isinstance(error, OSError) else socket.gaierror()
        raise failure_of_connection(asked, known) from error


def _agreed(
    peer: Peer,
    connection: Connection,
    proposed: Sequence[Proposed],
    request: Request,
    pace: Pace | None,
) -> Association:
    kind, content = Incoming(connection, peer.timeouts).negotiation(
        ASSOCIATE_AC, peer.timeouts.idle
    )
    if kind == ASSOCIATE_RJ:
        _, result, source, reason = content
        failure = rejected(
            connection.asked, result, source, reason, called=peer.called, calling=peer.calling
        )
        if pace is not None and isinstance(failure, RejectedForNowError):
            pace.busy()
        raise failure
    try:
        answer = Answer.decode(content)
        contexts = list(_contexts(proposed, request, answer))
    except ValueError as error:
        reason_ = f"its A-ASSOCIATE-AC is malformed: {error}"
        raise ProtocolViolationError(connection.asked, reason_) from error
    return Association(
        peer,
        connection,
        contexts,
        refused=_refused(request, answer),
        granted={uid: answer.extended[uid] for uid in request.extended if uid in answer.extended},
        their_max_pdu=answer.max_pdu,
        pace=pace,
    )


def _contexts(proposed: Sequence[Proposed], request: Request, answer: Answer) -> Iterator[Context]:
    """Yield what was accepted.

    Raises
    ------
    ValueError
        If it is not what was proposed, or twice.
    """
    if 0 < answer.max_pdu < SMALLEST_PDU:
        raise ValueError(f"it takes no more than {answer.max_pdu} bytes at a time")
    items = {item.id: (item, wish) for item, wish in zip(request.contexts, proposed, strict=True)}
    for result in answer.results:
        if result.id not in items:
            raise ValueError("it answers a context that was not proposed, or one twice")
        item, wish = items.pop(result.id)
        if result.result != 0:
            continue
        if result.transfer_syntax not in item.transfer_syntaxes:
            raise ValueError("it accepts a transfer syntax that was not proposed")
        granted = answer.roles.get(item.abstract_syntax, (False, False))[1]
        yield Context(
            result.id, item.abstract_syntax, result.transfer_syntax, wish.as_scp and granted
        )


def _refused(request: Request, answer: Answer) -> dict[str, int]:
    """Return why not, by SOP class; the first context of each counts."""
    syntaxes = {item.id: item.abstract_syntax for item in request.contexts}
    return {
        syntaxes[result.id]: result.result
        for result in reversed(answer.results)
        if result.result > 0 and result.id in syntaxes
    }
