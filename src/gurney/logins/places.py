"""Whom credentials are for."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import attrs

__all__ = ["Place", "is_loopback"]


@attrs.frozen(kw_only=True)
class Place:
    """An archive, as far as credentials are concerned.

    Attributes
    ----------
    name
        Its host, and its port unless that is the usual one of its protocol.
    host
        As netrc names machines.
    is_meant_by
        Says whether a host, with or without a port, means it.
    safe
        Whether nobody else can read what is sent there.
    instead
        What to use if it is not.
    """

    name: str
    host: str
    is_meant_by: Callable[[str], bool] = attrs.field(repr=False)
    safe: bool
    instead: str


def is_loopback(host: str) -> bool:
    """Say whether a host is this very machine.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("archive.example")
    (True, False)
    """
    host = host.lower().strip("[]")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
