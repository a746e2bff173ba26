"""Who asks: tokens that are renewed, and credentials that never leave in the clear unasked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import cast

from requests import PreparedRequest, Session
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_netrc_auth

from ..core import InvalidInputError
from .origin import is_loopback

__all__ = ["BearerTokens", "Signature", "check_transport_is_safe"]

_CREDENTIAL = re.compile(r"authorization|api-?key|token|secret", re.IGNORECASE)


class BearerTokens:
    """Tokens from a callable, asked for once and again when one is no longer taken."""

    def __init__(self, source: Callable[[], str]) -> None:
        self._source: Callable[[], str] = source
        self._token: str | None = None
        self._lock: Lock = Lock()

    def current(self) -> str:
        """Return the token in use."""
        return self.after(None)

    def after(self, used: str | None) -> str:
        """Return a token other than *used*; threads that had the same get one new for all."""
        with self._lock:
            if self._token is None or self._token == used:
                self._token = _checked(self._source())
            return self._token


class Signature(AuthBase):
    """Signs one request; the session that sends it is left as it is.

    A given token or authorization comes first, then the session's own, then what its headers
    hold; ``.netrc`` is looked at last, and only by a session that trusts its environment.
    """

    def __init__(
        self,
        session: Session,
        token: str | None,
        auth: Callable[[PreparedRequest], PreparedRequest] | None,
        allow_insecure: bool,
    ) -> None:
        self._session: Session = session
        self._token: str | None = token
        self._auth: Callable[[PreparedRequest], PreparedRequest] | None = auth
        self._allow_insecure: bool = allow_insecure

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign the request *r*."""
        signed = self._sign(r)
        if not self._allow_insecure:
            check_transport_is_safe(signed.url or "", signed.headers)
        return signed

    def _sign(self, request: PreparedRequest) -> PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
            return request
        auth = self._auth or _callable(self._session.auth)
        if auth is None and "Authorization" not in request.headers and self._session.trust_env:
            auth = _callable(get_netrc_auth(request.url or ""))
        return request if auth is None else auth(request)


def check_transport_is_safe(url: str, headers: Mapping[str, object]) -> None:
    """Refuse to send credentials in the clear, except within this machine.

    Raises
    ------
    InvalidInputError
        If *url* is not encrypted and *headers* look as if they hold credentials.
    """
    if url.lower().startswith("https:") or is_loopback(url):
        return
    found = sorted(name for name in headers if _CREDENTIAL.search(name))
    if found:
        raise InvalidInputError(
            f"credentials ({', '.join(found)}) would be sent unencrypted, for all to read; use"
            " https, or say allow_insecure_credentials=True"
        )


def _callable(auth: object) -> Callable[[PreparedRequest], PreparedRequest] | None:
    """Return what signs a request: requests takes a pair for basic authentication."""
    if isinstance(auth, tuple):
        user, password = cast("tuple[str, str]", auth)
        return HTTPBasicAuth(user, password)
    return cast("Callable[[PreparedRequest], PreparedRequest] | None", auth)


def _checked(token: str) -> str:
    if not re.fullmatch(r"[!-~]+", token):
        raise InvalidInputError(
            "the token source gave no bearer token: that is printable ASCII without spaces"
        )
    return token
