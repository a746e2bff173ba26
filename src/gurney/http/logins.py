"""Who to be at an archive that is reached over HTTP; see `gurney.logins`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import attrs
from requests import PreparedRequest
from requests.auth import HTTPBasicAuth

from .. import logins
from .origin import check_base_url, host_of, hostname, is_loopback, same_origin

__all__ = ["Login", "find_login"]


@attrs.frozen
class Login:
    """How to log in to one archive; its repr shows only where that comes from.

    Attributes
    ----------
    place
        Host of the archive, and its port unless it is the scheme's own.
    source
        Where the credentials come from, in words; empty if there are none.
    problems
        What was in the way of finding some, in words.
    token, auth, cert, allow_insecure_credentials
        What a `Transport` takes.
    """

    place: str
    source: str = ""
    problems: tuple[str, ...] = ()
    token: Callable[[], str] | None = attrs.field(default=None, repr=False)
    auth: Callable[[PreparedRequest], PreparedRequest] | None = attrs.field(
        default=None, repr=False
    )
    cert: str | tuple[str, str] | None = attrs.field(default=None, repr=False)
    allow_insecure_credentials: bool = False


def find_login(base_url: str, user: str = "", environ: Mapping[str, str] = os.environ) -> Login:
    """Return how to log in to the archive at *base_url*, as `gurney.logins.find_login` finds it.

    Parameters
    ----------
    base_url
        The archive's address.
    user
        Who to be; credentials of others are left alone. If not given, whoever comes first.
    environ
        The environment variables.

    Raises
    ------
    InvalidInputError
        If the environment contradicts itself, or does not say which archive it is for; if there
        is a user and no password; or if credentials would go unencrypted.
    """
    found = logins.find_login(_place(check_base_url(base_url)), user, environ)
    login = Login(
        found.place,
        found.source,
        found.problems,
        token=found.token,
        cert=found.cert,
        allow_insecure_credentials=found.allow_insecure_credentials,
    )
    if not found.source:
        return attrs.evolve(login, auth=_nobody, allow_insecure_credentials=True)
    if found.user:  # in UTF-8, by RFC 7617 2.1
        basic = HTTPBasicAuth(found.user.encode(), found.password.encode())
        return attrs.evolve(login, auth=basic)
    return login


def _nobody(request: PreparedRequest) -> PreparedRequest:
    """Sign nothing; else requests looks into netrc itself, and takes what is for any machine."""
    return request


def _place(base_url: str) -> logins.Place:
    scheme = base_url.partition("://")[0]
    return logins.Place(
        name=_name(base_url),
        host=hostname(base_url) or "",
        is_meant_by=lambda host: same_origin(f"{scheme}://{host}", base_url),
        safe=scheme.lower() == "https" or is_loopback(base_url),
        instead="https",
    )


def _name(base_url: str) -> str:
    scheme, host = base_url.partition("://")[0], hostname(base_url) or ""
    if same_origin(f"{scheme}://{host}", base_url):
        return host
    return host_of(base_url).partition("://")[2].lower()
