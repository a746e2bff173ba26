"""The one door to HTTP: a caller's session, with the manners and the suspicion that it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from copy import copy
from functools import partial
from itertools import chain
from threading import Event
from typing import Final

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import default_user_agent
from typing_extensions import Self

from ..core import BusyError, InvalidInputError
from ..manners import Pace
from .answer import Answer
from .credentials import BearerTokens, check_transport_is_safe
from .failures import failure_of_status
from .gate import Gate, GivenUpError
from .media import media_type
from .origin import check_base_url, host_of, join, same_origin
from .pages import failure_of_page, may_be_page
from .patience import persistently
from .sending import Request, Sender
from .settings import Budgets, Retries, Timeouts
from .unpacking import unpacked
from .wire import Wire, already_read, discard, hang_up

__all__ = ["Transport"]

_ENOUGH_OF_A_PAGE: Final = 64 * 1024  # bytes in which a login page shows that it is one


class Transport:
    """Talks to one archive over HTTP. Safe to share between threads.

    Parameters
    ----------
    base_url
        The archive's address, e.g. ``"https://archive.example/dicom-web"``. All requests go to
        its origin: scheme, host and port. No redirect and no URL that the archive names leads
        anywhere else.
    session
        Your own session, with its authentication, proxies and certificates; it is not changed.
    token
        What gives a bearer token; called again, once for each request, when one is refused (Q30).
    auth
        What signs requests otherwise, e.g. ``requests.auth.HTTPBasicAuth(user, password)``.
    verify
        The file of the authorities to trust, or `False` to trust anyone; by default the session's.
    cert
        The file of your certificate, or those of the certificate and of its key; by default the
        session's.
    timeouts, budgets, retries
        How long to wait, how much to take, how often to ask.
    gate
        How many requests at a time; share it between all transports to one archive.
    pace
        How many requests and bytes a second, as they come over the line; `None` for any number.
        Asking again, redirects and new logins are requests, too. It is told when the archive is
        busy: status 429 or 503.
    allow_insecure_credentials
        Whether credentials may be sent unencrypted to another machine.

    Raises
    ------
    InvalidInputError
        If the address is none, or holds credentials; or if credentials would go unencrypted.

    Examples
    --------
    >>> with Transport("https://archive.example/dicom-web/") as transport:
    ...     transport
    Transport('https://archive.example/dicom-web')
    """

    def __init__(
        self,
        base_url: str,
        session: Session | None = None,
        *,
        token: Callable[[], str] | None = None,
        auth: Callable[[PreparedRequest], PreparedRequest] | None = None,
        verify: bool | str | None = None,
        cert: str | tuple[str, str] | None = None,
        timeouts: Timeouts | None = None,
        budgets: Budgets | None = None,
        retries: Retries | None = None,
        gate: Gate | None = None,
        pace: Pace | None = None,
        allow_insecure_credentials: bool = False,
    ) -> None:
        if token is not None and auth is not None:
            raise InvalidInputError("give `token` or `auth`, not both")
        self.base_url: str = check_base_url(base_url)
        self.timeouts: Timeouts = timeouts or Timeouts()
        self.budgets: Budgets = budgets or Budgets()
        self.retries: Retries = retries or Retries()
        self.gate: Gate = gate or Gate()
        self.pace: Pace | None = pace
        self._own: ExitStack = ExitStack()
        session = session or self._own.enter_context(_new_session(self.gate))
        self._sender: Sender = Sender(
            session=session,
            tokens=None if token is None else BearerTokens(token),
            auth=auth,
            verify=verify,
            cert=cert,
            timeouts=self.timeouts,
            allow_insecure=allow_insecure_credentials,
            wait=self._wait,
        )
        if not allow_insecure_credentials and (token or auth or session.auth):
            check_transport_is_safe(self.base_url, {"Authorization": ""})

    def get(
        self,
        path: str = "",
        *,
        params: str = "",
        headers: Mapping[str, str] | None = None,
        retries: Retries | None = None,
    ) -> Answer:
        """Ask for something.

        Parameters
        ----------
        path
            What follows the archive's address, e.g. ``"studies/1.2"``; or a whole URL of the
            same origin.
        params
            The query, already percent-encoded; ``*`` and ``,`` stay as they are (Q32).
        headers
            More headers. Unless they say otherwise, the answer is to come unpacked.
        retries
            Others than the transport's, for this request.

        Returns
        -------
        Answer
            With a status from 200 to 299, or 304. Its first bytes have come.

        Raises
        ------
        ArchiveUnavailableError
            If there is no answer, or a `BusyError`, also after asking again.
        AuthenticationError
            If the archive, or a page in between, wants to know who asks.
        NotFoundError
            If nothing is there: status 404 or 410.
        RequestRefusedError
            If the archive does not do this as asked: 400, 406, 413, ...
        ProtocolViolationError
            If what comes is no answer to this: a web page, not HTTP, a redirect elsewhere.
        BudgetExceededError
            If it unpacks to more than a budget.
        InvalidInputError
            If *path* leads to another origin, or the request cannot be made.
        """
        request = Request("GET", self._url(path, params), _with_defaults(headers))
        return self._ask(request, retries or self.retries)

    def post(
        self,
        path: str = "",
        *,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        retries: Retries | None = None,
        is_answer: Callable[[int, str], bool] | None = None,
    ) -> Answer:
        """Ask for something by sending *body*: a question only, it may be sent more than once.

        The other parameters, and the errors, are those of `get`.

        Parameters
        ----------
        body
            What to send.
        is_answer
            Says of a status from 400 on, and of a media type, whether this is an answer all the
            same: SOAP sends its faults so.
        """
        request = Request("POST", self._url(path, ""), _with_defaults(headers), body)
        return self._ask(request, retries or self.retries, is_answer)

    def at(self, path: str) -> Transport:
        """Return a transport to another service of the same origin; close this one when done.

        Parameters
        ----------
        path
            Its path, e.g. ``"/wado"``, or its whole URL.

        Raises
        ------
        InvalidInputError
            If that is of another origin, or no address.
        """
        url = join(self.base_url, path)
        if url is None:
            raise _another_origin(path, self.base_url)
        other = copy(self)
        other.base_url = check_base_url(url)
        other._own = ExitStack()
        return other

    def close(self) -> None:
        """Close the connections; those of your own session stay."""
        self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    # ------------------------------------------------------------ one question

    def _url(self, path: str, params: str) -> str:
        absolute = path.lower().startswith(("http:", "https:"))
        url = path if absolute else f"{self.base_url}/{path.lstrip('/')}".rstrip("/")
        if not same_origin(url, self.base_url):
            raise _another_origin(url, self.base_url)
        return f"{url}{'&' if '?' in url else '?'}{params}" if params else url

    def _ask(
        self,
        request: Request,
        retries: Retries,
        is_answer: Callable[[int, str], bool] | None = None,
    ) -> Answer:
        answer, failed = persistently(lambda: self._attempt(request, is_answer), retries)
        answer.retries = failed
        return answer

    def _attempt(
        self, request: Request, is_answer: Callable[[int, str], bool] | None = None
    ) -> Answer:
        with ExitStack() as resources:
            say_busy = resources.enter_context(self.gate.slot())
            response = self._sender.respond(request)
            resources.callback(response.close)
            headers = {name.lower(): value for name, value in response.headers.items()}
            failure = failure_of_status(request.asked, response.status_code, headers)
            kind = media_type(headers.get("content-type", ""))
            if is_answer is not None and is_answer(response.status_code, kind):
                failure = None
            if failure is not None:
                if isinstance(failure, BusyError) and failure.status in (429, 503):
                    say_busy()
                    if self.pace is not None:
                        self.pace.busy()
                discard(response, self.timeouts)
                raise failure
            over = Event()
            return Answer(
                asked=request.asked,
                url=response.url,
                status=response.status_code,
                headers=headers,
                chunks=self._body(request.asked, response, headers, over),
                document_budget=self.budgets.document,
                resources=resources.pop_all(),
                hang_up=partial(_end, response, over),
            )

    def _wait(self) -> None:
        """Wait until the next request may be sent."""
        if self.pace is not None:
            self.pace.request(self.gate.given_up)
            if self.gate.given_up():
                raise GivenUpError

    def _body(
        self, asked: str, response: Response, headers: Mapping[str, str], over: Event
    ) -> Iterator[bytes]:
        """Return the body; its first bytes have come, so that a dead line is noticed in time."""
        chunks = already_read(response)
        if chunks is None:
            pieces = Wire(response, asked, self.timeouts).pieces()
            if self.pace is not None:
                pieces = _paced(pieces, self.pace, lambda: over.is_set() or self.gate.given_up())
            chunks = unpacked(pieces, headers.get("content-encoding", ""), asked, self.budgets)
        first = next(chunks, b"")
        kind = media_type(headers.get("content-type", ""))
        if may_be_page(kind, first):
            for chunk in chunks:
                first += chunk
                if len(first) >= _ENOUGH_OF_A_PAGE:
                    break
        failure = failure_of_page(asked, response.status_code, kind, first)
        if failure is not None:
            raise failure
        return chain((first,), chunks) if first else chunks


def _paced(pieces: Iterator[bytes], pace: Pace, given_up: Callable[[], bool]) -> Iterator[bytes]:
    for piece in pieces:
        pace.received(len(piece), given_up)
        yield piece


def _end(response: Response, over: Event) -> None:
    over.set()
    hang_up(response)


def _another_origin(url: str, base_url: str) -> InvalidInputError:
    return InvalidInputError(
        f"{host_of(url)} is not the origin of {base_url}; no credentials may go there"
    )


def _with_defaults(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    return CaseInsensitiveDict({"Accept-Encoding": "identity"}, **(headers or {}))


def _new_session(gate: Gate) -> Session:
    session = Session()
    session.headers["User-Agent"] = f"gurney {default_user_agent()}"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=gate.maximum))
    return session
