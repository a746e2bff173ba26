"""Who to be at an archive that is named by a URL: the first of environment, netrc and keyring.

Nothing is taken from a command line, and nothing is shown: no repr, error or log holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ..core import InvalidInputError
from .environment import certificate, means, read_token, variables_for
from .keepers import in_keyring, in_netrc
from .places import Place

__all__ = ["Login", "find_login"]


@attrs.frozen
class Login:
    """How to log in to one archive; its repr shows only where that comes from.

    Attributes
    ----------
    place
        Host of the archive, and its port unless it is the usual one.
    source
        Where the credentials come from, in words; empty if there are none.
    problems
        What was in the way of finding some, in words.
    token
        Returns a bearer token, which may change while one waits.
    user, password
        Either both, or none.
    cert
        The file of a client certificate, or those of it and of its key.
    allow_insecure_credentials
        Whether they may go where others can read them.
    """

    place: str
    source: str = ""
    problems: tuple[str, ...] = ()
    token: Callable[[], str] | None = attrs.field(default=None, repr=False)
    user: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)
    cert: str | tuple[str, str] | None = attrs.field(default=None, repr=False)
    allow_insecure_credentials: bool = False


def find_login(
    place: Place, user: str, environ: Mapping[str, str], *, only_named: bool = False
) -> Login:
    """Return how to log in at *place*.

    The environment is looked at first (see `gurney.logins.environment`), then netrc, then, for a
    user who is named there or by *user*, the keyring: that may open a window to be unlocked.

    Parameters
    ----------
    place
        The archive.
    user
        Who to be; credentials of others are left alone. If empty, whoever comes first.
    environ
        The environment variables.
    only_named
        Whether to be nobody if neither *user* nor the environment says who. What netrc has for a
        machine may be meant for another service there.

    Raises
    ------
    InvalidInputError
        If the environment contradicts itself, or does not say which archive it is for; if there
        is a user and no password; or if credentials would go unencrypted.
    """
    variables = variables_for(place, environ)
    login = Login(
        place.name,
        cert=certificate(variables),
        allow_insecure_credentials=means(environ, "GURNEY_ALLOW_INSECURE", place),
    )
    user = user or variables.get("GURNEY_USER", "")
    if user or not only_named or _is_somebody(variables):
        login = _found(login, place, user, variables, environ)
    if login.source and not (login.allow_insecure_credentials or place.safe):
        raise InvalidInputError(
            f"the credentials from {login.source} would go to {place.name} unencrypted, for all"
            f" to read; use {place.instead}, or set GURNEY_ALLOW_INSECURE={place.name} if that is"
            " no risk"
        )
    return login


def _is_somebody(variables: Mapping[str, str]) -> bool:
    return any(name.startswith(("GURNEY_TOKEN", "GURNEY_PASSWORD")) for name in variables)


def _found(
    login: Login, place: Place, user: str, variables: Mapping[str, str], environ: Mapping[str, str]
) -> Login:
    """Return *login* with the first credentials there are."""
    if token := variables.get("GURNEY_TOKEN"):
        return attrs.evolve(login, source="GURNEY_TOKEN", token=lambda: token)
    if path := variables.get("GURNEY_TOKEN_FILE"):
        return attrs.evolve(login, source="GURNEY_TOKEN_FILE", token=lambda: read_token(path))
    password = variables.get("GURNEY_PASSWORD")
    if password and user == variables.get("GURNEY_USER", user):
        return _as_user(login, "GURNEY_PASSWORD", user, password)
    kept, problem = in_netrc(place.host, user, environ)
    problems = [problem] if problem else []
    if kept:
        return _as_user(login, "netrc", *kept)
    if not user:
        return attrs.evolve(login, problems=tuple(problems))
    password, problem = in_keyring(f"{user}@{place.name}")
    if password:
        return _as_user(login, "the keyring", user, password)
    problems += [problem] if problem else []
    raise InvalidInputError(
        f"there is no password for the user at {place.name}: put it into ~/.netrc, into the"
        f" keyring (keyring set gurney USER@{place.name}), or into GURNEY_PASSWORD, with"
        f" GURNEY_HOST={place.name}{''.join(f'; {problem}' for problem in problems)}"
    )


def _as_user(login: Login, source: str, user: str, password: str) -> Login:
    if not user:
        raise InvalidInputError(f"{source} is set, and no user; set GURNEY_USER too")
    return attrs.evolve(login, source=source, user=user, password=password)
