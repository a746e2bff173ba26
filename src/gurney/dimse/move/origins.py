"""Whether an instance comes from the archive that was asked for it, as far as that can be told."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import cached_property
from ipaddress import IPv6Address, ip_address

import attrs

from ..settings import Peer

__all__ = ["Caller", "Origin"]


@attrs.frozen
class Caller:
    """Who stores.

    Attributes
    ----------
    title
        The AE title by which it calls itself.
    host
        The address that it connects from.
    here
        Whether that is this very machine.
    """

    title: str
    host: str
    here: bool = False

    @classmethod
    def behind(cls, title: str, here: str, there: str) -> Caller:
        """Return who is at the far end of a connection between two addresses."""
        return cls(title, _plain(there), here=_plain(here) == _plain(there))


class Origin:
    """An archive that is asked, and how to know it: by its AE title, or by its host.

    Titles and addresses can be forged. This keeps out who stores by mistake what it was not asked
    for, or does not know the network well; certificates keep out the others.
    """

    def __init__(self, archive: Peer) -> None:
        self._archive: Peer = archive

    def is_of(self, caller: Caller) -> bool:
        """Say whether *caller* has its title, or one of its addresses."""
        if caller.title == self._archive.called or caller.host in self._addresses:
            return True
        return caller.here and any(map(_is_loopback, self._addresses))

    @cached_property
    def _addresses(self) -> frozenset[str]:
        try:
            found = socket.getaddrinfo(self._archive.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the archive itself was reached, perhaps through others
            return frozenset()
        return frozenset(_plain(str(address[0])) for *_, address in found)


def _is_loopback(address: str) -> bool:
    with suppress(ValueError):
        return ip_address(address).is_loopback
    return False


def _plain(address: str) -> str:
    """Return an address as IPv4 if it is one that IPv6 has wrapped."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    wrapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(wrapped or parsed)
