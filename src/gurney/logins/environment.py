"""Credentials in environment variables, each for one archive only.

``GURNEY_HOST``
    The archive that the others are for, as in ``archive.example`` or ``archive.example:8443``. No
    other ever gets them.
``GURNEY_TOKEN`` or ``GURNEY_TOKEN_FILE``
    A bearer token, or a file that holds one and is read again when the token is refused.
``GURNEY_USER``, ``GURNEY_PASSWORD``
    A login.
``GURNEY_CERT``, ``GURNEY_KEY``
    Files in PEM: a client certificate, and its key unless it is in the same file.
``GURNEY_ALLOW_INSECURE``
    An archive, written as in ``GURNEY_HOST``, that may get credentials unencrypted.

What is no secret has names that others gave it. For HTTP, requests knows ``HTTPS_PROXY``,
``NO_PROXY`` and ``REQUESTS_CA_BUNDLE``, the authorities to trust; for DIMSE over TLS these are in
``SSL_CERT_FILE``, which OpenSSL knows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..core import InvalidInputError
from .places import Place

__all__ = ["certificate", "means", "read_token", "variables_for"]

_log = logging.getLogger("gurney.logins")

_SECRETS: Final = ("GURNEY_TOKEN", "GURNEY_TOKEN_FILE", "GURNEY_PASSWORD")
_BOUND: Final = (*_SECRETS, "GURNEY_USER", "GURNEY_CERT", "GURNEY_KEY")
_is_host = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/@?#:\[\]]+)(:[0-9]{1,5})?").fullmatch


def variables_for(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are for *place*; empty ones are not set.

    Raises
    ------
    InvalidInputError
        If they do not say for which archive they are, or contradict each other.
    """
    values = {name: environ[name] for name in _BOUND if environ.get(name)}
    if values and not environ.get("GURNEY_HOST"):
        raise InvalidInputError(
            f"{next(iter(values))} is set, but not for which archive; set GURNEY_HOST to its host,"
            " as in archive.example:8443, and no other will get it"
        )
    secrets = [name for name in _SECRETS if name in values]
    if len(secrets) > 1:
        raise InvalidInputError(f"{' and '.join(secrets)} are set; unset all but one")
    if "GURNEY_KEY" in values and "GURNEY_CERT" not in values:
        raise InvalidInputError("GURNEY_KEY is set without GURNEY_CERT; set that too")
    if means(environ, "GURNEY_HOST", place):
        return values
    if values and _host_of(environ["GURNEY_HOST"]) == place.host:
        _log.warning(
            "GURNEY_HOST is on the same host as %s, but at another port: %s not used; is"
            " GURNEY_HOST=%s meant?",
            place.name,
            f"{next(iter(values))} is" if len(values) == 1 else f"{', '.join(values)} are",
            place.name,
        )
    return {}


def _host_of(name: str) -> str:
    """Return *name* without port and brackets."""
    found = _is_host(name)
    return found.group(1).strip("[]").lower() if found else ""


def means(environ: Mapping[str, str], name: str, place: Place) -> bool:
    """Say whether the variable *name*, a host with or without a port, means *place*.

    Without a port it is the usual one of its protocol.
    """
    host = environ.get(name, "")
    if not host:
        return False
    if not _is_host(host):
        raise InvalidInputError(f"{name} is no host, as in archive.example:8443; correct it")
    return place.is_meant_by(host)


def read_token(path: str) -> str:
    """Return the token in a file."""
    return _content(path, "GURNEY_TOKEN_FILE").strip()


def certificate(variables: Mapping[str, str]) -> str | tuple[str, str] | None:
    """Return the file of the client certificate, or those of it and of its key, if there are.

    Raises
    ------
    InvalidInputError
        If one cannot be read, or has a passphrase: that would be asked for on the terminal.
    """
    names = [name for name in ("GURNEY_CERT", "GURNEY_KEY") if name in variables]
    for name in names:
        if "ENCRYPTED" in _content(variables[name], name):
            raise InvalidInputError(
                f"{name}: the key has a passphrase; give one without, which only you can read"
            )
    paths = [str(Path(variables[name]).expanduser()) for name in names]
    return (paths[0], paths[1]) if len(paths) == 2 else next(iter(paths), None)


def _content(path: str, name: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInputError(f"{name}: the file cannot be read: {error.strerror}") from error
