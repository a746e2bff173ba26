"""Being asked for an association, as the receiver of a C-MOVE is."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from ssl import SSLContext
from typing import Final

from ...core import ProtocolViolationError
from ..framing import ABORT, ASSOCIATE_RJ, ASSOCIATE_RQ, SMALLEST_PDU, short_pdu
from ..pdus import Answer, ContextResult, Request
from ..settings import Peer, Timeouts, ae_title
from .association import Association
from .connection import Connection
from .contexts import Context, Offered
from .failures import TurnedAwayError, failure_of_connection
from .incoming import Incoming

__all__ = ["Policy", "accept"]

Policy = Callable[[Offered], str | None]
"""Says which transfer syntax to accept of a context that is offered; `None` for not at all."""

_ACCEPTED, _UNKNOWN_SYNTAX = 0, 3
_IMPLICIT: Final = "1.2.840.10008.1.2"  # stands where a context is refused, and means nothing
_CALLING_UNKNOWN: Final = (1, 1, 3)  # result, source, reason (PS3.8 9.3.4)
_CALLED_UNKNOWN: Final = (1, 1, 7)
_FULL: Final = (2, 3, 2)


def accept(
    connection: socket.socket,
    policy: Policy,
    *,
    called: str,
    calling: Collection[str] | None = None,
    full: bool = False,
    roles: bool = False,
    tls: SSLContext | None = None,
    timeouts: Timeouts | None = None,
    max_pdu: int = 131072,
) -> Association:
    """Agree with whoever has connected on an association.

    Parameters
    ----------
    connection
        As it comes from ``socket.accept()``; from now on it belongs to the association, and it is
        closed if none comes about.
    policy
        What to accept.
    called
        Our AE title. Who asks for another is turned away.
    calling
        The AE titles that are let in; `None` for all.
    full
        Whether there are too many already, so that this one is turned away for now.
    roles
        Whether the other side may be SCP where it wants to.
    tls
        ``TLS.context(server_side=True)``; `None` for none.
    timeouts, max_pdu
        As in `Peer`.

    Returns
    -------
    Association
        Its ``peer`` is the other side: ``peer.called`` the title by which it calls itself,
        ``peer.host`` where it comes from.

    Raises
    ------
    TurnedAwayError
        If it was not let in, and has been told so.
    TransferInterruptedError
        If it left, or said nothing.
    ProtocolViolationError
        If it does not speak DICOM.
    """
    timeouts = timeouts or Timeouts()
    host, port = _address(connection)
    asked = f"association from {host}:{port}"
    secured = _secured(connection, tls, timeouts.connect, asked)
    opened = Connection(secured, asked)
    try:
        request = _request(opened, timeouts)
        if (why := _objection(request, called, calling, full=full)) is not None:
            opened.write(short_pdu(ASSOCIATE_RJ, *why), timeouts.idle)
            opened.close()
            raise TurnedAwayError(asked, _REASONS[why])
        peer = Peer(host, port, request.calling, calling=called, timeouts=timeouts, max_pdu=max_pdu)
        return _agreed(peer, opened, policy, request, roles=roles)
    except BaseException:
        opened.close(short_pdu(ABORT))
        raise


_REASONS: Final[dict[tuple[int, int, int], str]] = {
    _CALLING_UNKNOWN: "it was turned away: its AE title is none of those that are let in",
    _CALLED_UNKNOWN: "it was turned away: it asked for an AE title that is not ours",
    _FULL: "it was turned away for now: there are too many associations already",
}


def _address(connection: socket.socket) -> tuple[str, int]:
    """Return where a connection comes from; a local one has no port, and gets one."""
    try:
        host, port = connection.getpeername()[:2]
    except (OSError, ValueError):  # it has gone already, which reading will tell
        return "localhost", 1
    return str(host), int(port)


def _secured(
    connection: socket.socket, tls: SSLContext | None, timeout: float, asked: str
) -> socket.socket:
    if tls is None:
        return connection
    try:
        connection.settimeout(timeout)
        return tls.wrap_socket(connection, server_side=True)
    except OSError as error:
        with suppress(OSError):
            connection.close()
        raise failure_of_connection(asked, error) from error


def _request(connection: Connection, timeouts: Timeouts) -> Request:
    _, content = Incoming(connection, timeouts).negotiation(ASSOCIATE_RQ, timeouts.connect)
    try:
        request = Request.decode(content)
        ae_title(request.calling)  # pynetdicom checks as far as its process-wide settings say
        _check(request)
    except ValueError as error:
        reason = f"its A-ASSOCIATE-RQ is malformed: {error}"
        raise ProtocolViolationError(connection.asked, reason) from error
    return request


def _check(request: Request) -> None:
    ids = [item.id for item in request.contexts]
    if len(set(ids)) < len(ids) or any(number % 2 == 0 for number in ids):
        raise ValueError("the ids of its contexts are not odd, or not different")
    if 0 < request.max_pdu < SMALLEST_PDU:
        raise ValueError(f"it takes no more than {request.max_pdu} bytes at a time")


def _objection(
    request: Request, called: str, calling: Collection[str] | None, *, full: bool
) -> tuple[int, int, int] | None:
    if request.called != called:
        return _CALLED_UNKNOWN
    if calling is not None and request.calling not in calling:
        return _CALLING_UNKNOWN
    return _FULL if full else None


def _agreed(
    peer: Peer, connection: Connection, policy: Policy, request: Request, *, roles: bool
) -> Association:
    """Answer by what the policy says."""
    contexts: list[Context] = []
    results: list[ContextResult] = []
    for item in request.contexts:
        wants_scp = request.roles.get(item.abstract_syntax, (False, False))[1]
        offered = Offered(item.id, item.abstract_syntax, item.transfer_syntaxes, wants_scp)
        syntax = policy(offered)
        if syntax is None:
            results.append(ContextResult(item.id, _UNKNOWN_SYNTAX, _IMPLICIT))
            continue
        results.append(ContextResult(item.id, _ACCEPTED, syntax))
        contexts.append(Context(item.id, item.abstract_syntax, syntax, as_scp=True))
    answer = Answer(
        called=request.called,
        calling=request.calling,
        results=results,
        roles=dict(request.roles) if roles else {},
        extended={},
        max_pdu=peer.max_pdu,
    )
    connection.write(answer.encode(), peer.timeouts.idle)
    return Association(
        peer, connection, contexts, refused={}, granted={}, their_max_pdu=request.max_pdu
    )
