"""The URLs of MINT and RAD-69, taken apart. A password in one is refused, and never repeated."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin

import attrs

from ..core import InvalidInputError
from ..http import same_origin
from ..logins import split_url, url_options

__all__ = ["ArchiveURL"]

_SCHEMES: Final = {
    f"{service}+{scheme}": (service, scheme)
    for service in ("mint", "rad69")
    for scheme in ("http", "https")
}
_FORM: Final = "mint+https://user@host:port/path?rad69=/path"
_OTHERS: Final = {"mint": ("rad69", "wado"), "rad69": ("mint",)}
_OF_RAD69: Final = ("repository", "home")


@attrs.frozen
class ArchiveURL:
    """What a URL says of an archive.

    Attributes
    ----------
    mint, rad69, wado_uri
        The addresses of the services; `None` for what it does not name.
    user
        Who to be; empty if it does not say.
    repository_id, home_community_id
        As `Rad69` takes them; empty if it does not say.

    Examples
    --------
    >>> url = ArchiveURL.parse("mint+https://me@archive.example/mint?rad69=/rids")
    >>> url.mint, url.rad69, url.user
    ('https://archive.example/mint', 'https://archive.example/rids', 'me')
    """

    mint: str | None = None
    rad69: str | None = None
    user: str = attrs.field(default="", repr=False)
    repository_id: str = ""
    home_community_id: str = ""
    wado_uri: str | None = None

    @classmethod
    def parse(cls, url: str) -> ArchiveURL:
        """Return what *url* says.

        Raises
        ------
        InvalidInputError
            If it is malformed, holds a password, or an option that there is not; if an option is
            no address, or says something of a service that is not named.
        """
        parts, user = split_url(url, _SCHEMES, _FORM, "MINT or RAD-69")
        service, scheme = _SCHEMES[parts.scheme]
        others = _OTHERS[service]
        options = url_options(parts.query, (*others, *_OF_RAD69))
        base_url = f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        addresses = {service: base_url}
        if options.keys() >= {"rad69", "wado"}:
            raise InvalidInputError("instances come by RAD-69 or by WADO-URI; name one of them")
        for other in options.keys() & set(others):
            addresses[other] = _joined(base_url, options[other])
        if "rad69" not in addresses and not options.keys().isdisjoint(_OF_RAD69):
            raise InvalidInputError("repository and home are for RAD-69; name its address, too")
        return cls(
            addresses.get("mint"),
            addresses.get("rad69"),
            user,
            options.get("repository", ""),
            options.get("home", ""),
            addresses.get("wado"),
        )


def _joined(base_url: str, address: str) -> str:
    """Return the address of the other service: a path, or a whole URL of another port or host."""
    try:
        url = urljoin(base_url, address)
    except ValueError:
        url = ""
    if not same_origin(url, url):
        raise InvalidInputError("the address of the other service is a path, or a URL of http(s)")
    if base_url.startswith("https:") and not url.lower().startswith("https:"):
        raise InvalidInputError("one service is reached by https, the other is not; use https")
    return url
