"""One request to one answer: redirects within the origin, and one new login, lie in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs
from requests import PreparedRequest, Response, Session

from ..core import AuthenticationError, ProtocolViolationError
from .credentials import BearerTokens, Signature
from .discretion import discreetly
from .failures import FOREIGN, cause_of, failure_of_request
from .origin import describe, host_of, hostname, join
from .settings import Timeouts
from .wire import discard

__all__ = ["Request", "Sender"]

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
_LOCATION: Final = "X-Gurney-Location"


@attrs.frozen
class Request:
    """What to ask."""

    method: str
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)

    @property
    def asked(self) -> str:
        """The request in words that are fit for errors and logs."""
        return describe(self.method, self.url)


@attrs.frozen(repr=False)
class Sender:
    """Sends requests over a session, which is left as it is; all else goes with each request.

    What `wait` does is done before each of them, those of a redirect and a new login too.
    """

    session: Session
    tokens: BearerTokens | None
    auth: Callable[[PreparedRequest], PreparedRequest] | None
    verify: bool | str | None
    cert: str | tuple[str, str] | None
    timeouts: Timeouts
    allow_insecure: bool
    wait: Callable[[], None]

    def respond(self, request: Request) -> Response:
        """Return the answer to *request*, whatever its status; its body has not been read.

        Raises
        ------
        ArchiveUnavailableError
            If none comes.
        AuthenticationError
            If the archive cannot be trusted, or redirects to another host (Q25).
        ProtocolViolationError
            If it redirects otherwise where nothing may be sent, or does not speak HTTP.
        """
        token = None if self.tokens is None else self.tokens.current()
        url, renewed = request.url, False
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(request, url, token)
            if response.status_code == 401 and self.tokens is not None and not renewed:
                discard(response, self.timeouts)
                token, renewed = self.tokens.after(token), True
            elif response.status_code in _REDIRECTS:
                discard(response, self.timeouts)
                url = self._target(request, response, url)
            else:
                return response
        raise ProtocolViolationError(request.asked, "it redirects again and again; check it")

    def _target(self, request: Request, response: Response, url: str) -> str:
        """Return where a redirect leads, if the request may go there."""
        location = response.headers.get(_LOCATION, "")
        if not location or (request.method != "GET" and response.status_code < 307):
            raise ProtocolViolationError(
                request.asked, "it redirects to nowhere; check the address"
            )
        target = join(url, location)
        if target is not None:
            return target
        elsewhere = f"status {response.status_code}: it redirects to {host_of(location)}"
        if hostname(location) == hostname(url):
            raise ProtocolViolationError(
                request.asked, f"{elsewhere}; if that is right, give it as the archive's address"
            )
        raise AuthenticationError(
            request.asked,
            f"{elsewhere}, where nothing is sent; log in if that is its login page, or check the"
            " address",
            response.status_code,
        )

    def _send(self, request: Request, url: str, token: str | None) -> Response:
        session = self.session
        self.wait()
        try:
            with discreetly():
                return session.request(
                    request.method,
                    url,
                    headers=request.headers,
                    data=request.body,
                    auth=Signature(session, token, self.auth, self.allow_insecure),
                    timeout=(self.timeouts.connect, self.timeouts.first_byte),
                    allow_redirects=False,
                    hooks={"response": [*session.hooks["response"], _hide_redirect]},
                    stream=True,
                    verify=session.verify if self.verify is None else self.verify,
                    cert=self.cert,
                )
        except FOREIGN as error:
            failure, cause = failure_of_request(request.asked, error), cause_of(error)
        raise failure from cause


def _hide_redirect(response: Response, *_: object, **__: object) -> None:
    """Keep requests from reading the body of a redirect, however long, that we do not follow."""
    if response.status_code in _REDIRECTS:
        response.headers[_LOCATION] = response.headers.pop("Location", "")
