"""Who to be at an archive that is named by a URL: the first of environment, netrc and keyring.

Nothing is taken from a command line, and nothing is shown: no repr, error or log holds a secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import attrs
from requests import PreparedRequest
from requests.auth import HTTPBasicAuth

from ..core import InvalidInputError
from .environment import certificate, means, read_token, variables_for
from .keepers import in_keyring, in_netrc
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
    """Return how to log in to the archive at *base_url*.

    The environment is looked at first (see `gurney.http.environment`), then netrc, then, for a
    user who is named there or by *user*, the keyring: that may open a window to be unlocked.

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
    base_url = check_base_url(base_url)
    variables = variables_for(base_url, environ)
    login = Login(
        _place(base_url),
        cert=certificate(variables),
        allow_insecure_credentials=means(environ, "GURNEY_ALLOW_INSECURE", base_url),
    )
    login = _found(login, base_url, user or variables.get("GURNEY_USER", ""), variables, environ)
    if not login.source:
        return attrs.evolve(login, auth=_nobody, allow_insecure_credentials=True)
    if not (login.allow_insecure_credentials or _is_safe(base_url)):
        raise InvalidInputError(
            f"the credentials from {login.source} would go to {login.place} unencrypted, for all"
            f" to read; use https, or set GURNEY_ALLOW_INSECURE={login.place} if that is no risk"
        )
    return login


def _found(
    login: Login, base_url: str, user: str, variables: Mapping[str, str], environ: Mapping[str, str]
) -> Login:
    """Return *login* with the first credentials there are."""
    if token := variables.get("GURNEY_TOKEN"):
        return attrs.evolve(login, source="GURNEY_TOKEN", token=lambda: token)
    if path := variables.get("GURNEY_TOKEN_FILE"):
        return attrs.evolve(login, source="GURNEY_TOKEN_FILE", token=lambda: read_token(path))
    password = variables.get("GURNEY_PASSWORD")
    if password and user == variables.get("GURNEY_USER", user):
        return _as_user(login, "GURNEY_PASSWORD", user, password)
    kept, problem = in_netrc(hostname(base_url) or "", user, environ)
    problems = [problem] if problem else []
    if kept:
        return _as_user(login, "netrc", *kept)
    if not user:
        return attrs.evolve(login, problems=tuple(problems))
    password, problem = in_keyring(f"{user}@{login.place}")
    if password:
        return _as_user(login, "the keyring", user, password)
    problems += [problem] if problem else []
    raise InvalidInputError(
        f"there is no password for the user at {login.place}: put it into ~/.netrc, into the"
        f" keyring (keyring set gurney USER@{login.place}), or into GURNEY_PASSWORD, with"
        f" GURNEY_HOST={login.place}{''.join(f'; {problem}' for problem in problems)}"
    )


def _as_user(login: Login, source: str, user: str, password: str) -> Login:
    if not user:
        raise InvalidInputError(f"{source} is set, and no user; set GURNEY_USER too")
    basic = HTTPBasicAuth(user.encode(), password.encode())  # in UTF-8, by RFC 7617 2.1
    return attrs.evolve(login, source=source, auth=basic)


def _nobody(request: PreparedRequest) -> PreparedRequest:
    """Sign nothing; else requests looks into netrc itself, and takes what is for any machine."""
    return request


def _is_safe(base_url: str) -> bool:
    return base_url.lower().startswith("https:") or is_loopback(base_url)


def _place(base_url: str) -> str:
    scheme, host = base_url.partition("://")[0], hostname(base_url) or ""
    if same_origin(f"{scheme}://{host}", base_url):
        return host
    return host_of(base_url).partition("://")[2].lower()
