"""Logins with a session: who is let in is known by a cookie, until that lapses.

For `requests`, and so for a `gurney.http.Transport`: give one as ``auth``. Credentials go in
requests of their own, to one address that does not change; all others carry the cookie, if they go
to the origin of that address, or to another that was named.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import closing
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from requests import PreparedRequest, Request, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.exceptions import RequestException
from typing_extensions import override

from ..core import ArchiveUnavailableError, AuthenticationError, InvalidInputError
from ..http import is_loopback, same_origin

__all__ = ["ImpaxLogin", "SessionLogin", "VitreaLogin"]

_ENOUGH: Final = 64 * 1024  # bytes of a page in which it shows what it is
_ASKED: Final = "the login"
_NOT_LET_IN: Final = "the archive does not let this user in; check user and password"


class SessionLogin(AuthBase):
    """Logs in when the archive wants it, and again when the session has lapsed.

    Safe to share between threads: of those that meet a lapsed session, one logs in.

    Parameters
    ----------
    url
        Where to log in.
    user, password
        Who to be. Neither is ever shown.
    also
        Other addresses of the archive where the session counts, e.g. on another port.
    allow_insecure_credentials
        Whether these may be sent unencrypted to another machine.

    Raises
    ------
    InvalidInputError
        If they would go unencrypted, or if an address is none.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        also: Iterable[str] = (),
        allow_insecure_credentials: bool = False,
    ) -> None:
        self._places: tuple[str, ...] = (url, *also)
        for place in self._places:
            _check(place, allow_insecure=allow_insecure_credentials)
        self._url: str = url
        self._user: str = user
        self._password: str = password
        self._lock: Lock = Lock()
        self._cookies: RequestsCookieJar = RequestsCookieJar()
        self._generation: int = 0

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign the request *r*: with the cookie of the session, if there is one already."""
        if not self._counts_at(r.url):
            return r
        with self._lock:
            cookies, generation = self._cookies.copy(), self._generation

        def after(response: Response, **how: object) -> Response:
            return self._after(response, generation, how)

        _sign(r, cookies)
        r.register_hook("response", after)
        return r

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _counts_at(self, url: str | None) -> bool:
        """Say whether the session counts there; no cookie of it goes elsewhere."""
        return any(same_origin(url or "", place) for place in self._places)

    def _after(self, response: Response, generation: int, how: Mapping[str, Any]) -> Response:
        """Log in if *response* wants it, and send its request once more; only once."""
        request = response.request
        if not self._counts_at(request.url) or not self._is_lapsed(response):
            return response
        response.close()
        again = request.copy()
        _sign(again, self._renewed(generation, response, how))
        replayed: Response = response.connection.send(again, **how)
        replayed.request = again
        replayed.history.append(response)
        return replayed

    def _renewed(
        self, generation: int, response: Response, how: Mapping[str, Any]
    ) -> RequestsCookieJar:
        """Return the cookies of a session that is newer than that of *generation*."""
        with self._lock:
            if generation == self._generation:
                jar = RequestsCookieJar()  # a login may put its user into a session that has begun
                extract_cookies_to_jar(jar, response.request, response.raw)
                self._log_in(response.connection, {**how, "stream": True}, jar)
                self._cookies = jar
                self._generation += 1
            return self._cookies.copy()

    def _send(
        self,
        connection: HTTPAdapter,
        how: Mapping[str, Any],
        request: Request,
        jar: RequestsCookieJar,
    ) -> tuple[int, bytes]:
        """Send one request of a login; return status and begin of what comes, keep its cookies.

        No redirect of it is followed.
        """
        prepared = request.prepare()
        _sign(prepared, jar)
        try:
            response: Response = connection.send(prepared, **how)
            with closing(response):
                extract_cookies_to_jar(jar, prepared, response.raw)
                return response.status_code, next(response.iter_content(_ENOUGH), b"")
        except (RequestException, OSError) as error:
            problem = type(error).__name__
        raise ArchiveUnavailableError(f"{_ASKED}: no answer came ({problem}); try again later")

    @abstractmethod
    def _is_lapsed(self, response: Response) -> bool:
        """Say whether *response* wants a login. Its body has not been read."""

    @abstractmethod
    def _log_in(
        self, connection: HTTPAdapter, how: Mapping[str, Any], jar: RequestsCookieJar
    ) -> None:
        """Log in, and collect the cookies of the new session.

        Raises
        ------
        AuthenticationError
            If the archive does not let this user in.
        """


class VitreaLogin(SessionLogin):
    """Logs in to Vitrea Connection: by headers, and again when the session has lapsed.

    Parameters
    ----------
    url
        Where to log in, e.g. ``"https://archive.example/login"``.
    user, password
        Who to be.
    realm
        Where that user is known.
    also
        Other addresses of the archive where the session counts, e.g. on another port.
    allow_insecure_credentials
        Whether these may be sent unencrypted to another machine.

    Examples
    --------
    >>> login = VitreaLogin("https://archive.example/login", "me", "secret")
    >>> login
    VitreaLogin()
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        realm: str = "DefaultSystemRealm",
        *,
        also: Iterable[str] = (),
        allow_insecure_credentials: bool = False,
    ) -> None:
        super().__init__(
            url, user, password, also=also, allow_insecure_credentials=allow_insecure_credentials
        )
        self._realm: str = realm

    @override
    def _is_lapsed(self, response: Response) -> bool:
        return response.status_code == 401

    @override
    def _log_in(
        self, connection: HTTPAdapter, how: Mapping[str, Any], jar: RequestsCookieJar
    ) -> None:
        headers = {"X-Userid": self._user, "X-Password": self._password, "X-Realm": self._realm}
        status, _ = self._send(connection, how, Request("POST", self._url, headers), jar)
        if status != 200:
            raise AuthenticationError(_ASKED, _NOT_LET_IN, status)


class ImpaxLogin(SessionLogin):
    """Logs in to IMPAX Data Center: by its form, and again when the session has lapsed.

    Parameters
    ----------
    url
        The address of WADO there, e.g. ``"https://archive.example/wado"``.
    user, password
        Who to be.
    also
        Other addresses of the archive where the session counts, e.g. on another port.
    allow_insecure_credentials
        Whether these may be sent unencrypted to another machine.

    Notes
    -----
    The form is sent in the body of a request, never in a URL, which servers and proxies log.
    """

    @override
    def _is_lapsed(self, response: Response) -> bool:
        kind = response.headers.get("Content-Type", "").lower()
        is_page = kind.startswith("text/html")
        return response.status_code == 401 or (
            is_page and response.status_code in (200, 302, 303, 403)
        )

    @override
    def _log_in(
        self, connection: HTTPAdapter, how: Mapping[str, Any], jar: RequestsCookieJar
    ) -> None:
        self._send(connection, how, Request("GET", self._url), jar)  # begins the session
        form = urlencode({"j_username": self._user, "j_password": self._password})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        action = f"{self._url.rstrip('/')}/j_security_check"
        request = Request("POST", action, headers, data=form)
        status, page = self._send(connection, how, request, jar)
        # Who is let in is answered 403: there is nothing at that address.
        if status in (400, 401) or status >= 500 or b"login failed" in page.lower():
            raise AuthenticationError(_ASKED, _NOT_LET_IN, status)


def _sign(request: PreparedRequest, cookies: RequestsCookieJar) -> None:
    """Put *cookies* beside those that the request has."""
    own = _pairs(request.headers.pop("Cookie", ""))
    request.prepare_cookies(cookies)
    added = _pairs(request.headers.pop("Cookie", ""))
    if merged := {**own, **added}:
        request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in merged.items())


def _pairs(header: str | bytes) -> dict[str, str]:
    text = header.decode("latin-1") if isinstance(header, bytes) else header
    pairs = (pair.strip().partition("=") for pair in text.split(";"))
    return {name: value for name, _, value in pairs if name}


def _check(url: str, *, allow_insecure: bool) -> None:
    if not same_origin(url, url):
        raise InvalidInputError("the address of a login is a URL that begins with http(s)://")
    if not (url.lower().startswith("https:") or is_loopback(url) or allow_insecure):
        raise InvalidInputError(
            "credentials would be sent unencrypted, for all to read; use https, or say"
            " allow_insecure_credentials=True"
        )
