"""The line to an archive: given as an address, or made before and shared."""

from __future__ import annotations

from requests import Session

from ..core import InvalidInputError
from ..http import Transport
from ..manners import Pace

__all__ = ["transport_of"]


def transport_of(
    archive: str | Transport, session: Session | None, pace: Pace | None = None
) -> Transport:
    """Return what talks to *archive*: itself, or something new that uses *session* and *pace*.

    Raises
    ------
    InvalidInputError
        If there is a session or a pace for a `Transport`, which has its own; or if the address is
        none.
    """
    if not isinstance(archive, Transport):
        return Transport(archive, session, pace=pace)
    if pace not in (None, archive.pace):
        raise InvalidInputError("a Transport has its own pace; give the pace to the Transport")
    if session is not None:
        raise InvalidInputError(
            "a Transport has its own session; give the session to the Transport, or an address here"
        )
    return archive
