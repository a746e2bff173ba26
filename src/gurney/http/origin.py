"""Which URLs may be asked: those of the archive's own origin, whoever names them."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from .. import logins
from ..core import InvalidInputError, ProtocolViolationError

__all__ = [
    "check_base_url",
    "describe",
    "host_of",
    "hostname",
    "is_loopback",
    "join",
    "same_origin",
    "server_url",
]

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")  # what two parsers of URLs may read in two ways


def check_base_url(url: str) -> str:
    """Return an archive's address without a slash at its end.

    Raises
    ------
    InvalidInputError
        If it is no http(s) address, holds credentials, a query or a fragment, or what two
        readers of URLs may take for different things.
    """
    parsed = _parsed(url)
    if parsed is None or parsed.scheme not in _PORTS or not parsed.host:
        raise InvalidInputError("an archive's address is a URL that begins with http(s)://")
    if parsed.auth:
        raise InvalidInputError(
            "credentials do not belong into an archive's address, which is logged; pass them apart"
        )
    if parsed.query is not None or parsed.fragment is not None:
        raise InvalidInputError("an archive's address has no query (?) and no fragment (#)")
    return url.rstrip("/")


def same_origin(url: str, other: str) -> bool:
    """Say whether two URLs have scheme, host and port in common.

    Examples
    --------
    >>> same_origin("https://archive.example/a", "https://ARCHIVE.example:443/b")
    True
    >>> same_origin("https://archive.example/", "http://archive.example/")
    False
    """
    origin = _origin(url)
    return origin is not None and origin == _origin(other)


def server_url(url: str, at: str) -> str:
    """Return the absolute form of a URL that the server at the address *at* has given (W21).

    Raises
    ------
    ProtocolViolationError
        If it leads to another origin; no credentials may be sent there.
    """
    absolute = join(at, url)
    if absolute is None:
        raise ProtocolViolationError(
            describe("GET", at), f"it refers to {host_of(url)}, to which nothing is sent"
        )
    return absolute


def join(at: str, url: str) -> str | None:
    """Return the absolute form of a URL found *at* an address, if it is of the same origin."""
    if _parsed(url) is None:
        return None
    absolute = urljoin(at, url)
    return absolute if same_origin(absolute, at) else None


def hostname(url: str) -> str | None:
    """Return the host of a URL; `None` if there is none."""
    parsed = _parsed(url)
    return parsed.host.lower() if parsed is not None and parsed.host else None


def is_loopback(url: str) -> bool:
    """Say whether a URL leads to this very machine."""
    return logins.is_loopback(hostname(url) or "")


def describe(method: str, url: str) -> str:
    """Return what an error may say of a request: no query, which may name patients."""
    parsed = _parsed(url)
    if parsed is None:
        return f"{method} (no URL)".strip()
    return f"{method} {Url(parsed.scheme, None, parsed.host, parsed.port, parsed.path)}".strip()


def host_of(url: str) -> str:
    """Return scheme, host and port for an error; the URL comes from a stranger."""
    parsed = _parsed(url)
    if parsed is None or not parsed.host or len(url) > 2000:
        return "a place that is no URL"
    return str(Url(parsed.scheme, None, parsed.host, parsed.port))


def _origin(url: str) -> tuple[str, str, int] | None:
    parsed = _parsed(url)
    if parsed is None or parsed.scheme not in _PORTS or not parsed.host or parsed.auth:
        return None
    return parsed.scheme, parsed.host.lower(), parsed.port or _PORTS[parsed.scheme]


def _parsed(url: str) -> Url | None:
    """Parse as the library does that makes the connection."""
    if _UNSAFE.search(url):
        return None
    try:
        return parse_url(url)
    except LocationParseError:
        return None
