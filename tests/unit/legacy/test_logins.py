"""Logins with a session: when they happen, what they send where, and what is never shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
import pytest
import requests
from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    GurneyError,
    InvalidInputError,
)
from gurney.http import Retries, Transport
from gurney.legacy import ImpaxLogin, SessionLogin, VitreaLogin

USER, PASSWORD = "me", "s3cret&pa55=word"
QUICK: Final = Retries(attempts=1)


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@attrs.define(eq=False)
class Archive:
    """Lets in who has a session; as Vitrea Connection or IMPAX.

    Attributes
    ----------
    asked
        Requests, in order: method, path, query, headers, body.
    sessions
        Those that are valid.
    """

    impax: bool = False
    asked: list[tuple[str, str, str, Mapping[str, str], bytes]] = attrs.field(factory=list[Any])
    sessions: set[str] = attrs.field(factory=set[str])
    redirects_to: str = ""
    redirected: tuple[str, ...] = ("/wado",)
    logins: int = 0
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        query = request.query_string.decode()
        self.asked.append((request.method, request.path, query, dict(request.headers), body))
        return self.answer(request)(environ, start)

    def answer(self, request: Request) -> Response:
        if self.redirects_to and request.path in self.redirected:
            return Response(status=307, headers={"Location": self.redirects_to})
        if request.path == "/login":
            return self.let_in(request.headers.get("X-Password") == PASSWORD, 401)
        if request.path == "/wado/j_security_check":
            right = request.form.get("j_password") == PASSWORD
            return self.let_in(right, 200 if not right else 403)
        if request.cookies.get("JSESSIONID") in self.sessions:
            return Response(b"DICM", content_type="application/dicom")
        if self.impax:
            page = "<html><form action='j_security_check'><input type='password'></form></html>"
            return Response(page, content_type="text/html")
        return Response(status=401)

    def let_in(self, right: bool, status: int) -> Response:
        if not right:
            return Response("<html>Login Failed!</html>", status, content_type="text/html")
        with self.lock:
            self.logins += 1
            session = f"session-{self.logins}"
            self.sessions.add(session)
        response = Response(status=403 if self.impax else 200)
        response.set_cookie("JSESSIONID", session)
        return response


def serving(archive: Archive) -> Iterator[tuple[Archive, str]]:
    """Serve it."""
    server: BaseWSGIServer = make_server(
        "127.0.0.1", 0, archive, threaded=True, request_handler=Quiet
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield archive, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vitrea() -> Iterator[tuple[Archive, str]]:
    yield from serving(Archive())


@pytest.fixture
def impax() -> Iterator[tuple[Archive, str]]:
    yield from serving(Archive(impax=True))


def login_to(archive: Archive, url: str, password: str = PASSWORD) -> SessionLogin:
    """Return the login of an archive."""
    if archive.impax:
        return ImpaxLogin(f"{url}/wado", USER, password)
    return VitreaLogin(f"{url}/login", USER, password, "here")


@pytest.fixture(params=["vitrea", "impax"])
def served(request: pytest.FixtureRequest) -> tuple[Archive, str]:
    """Return an archive of each kind."""
    found: tuple[Archive, str] = request.getfixturevalue(request.param)
    return found


Get = Callable[[SessionLogin, str], bytes]


def by_transport(login: SessionLogin, url: str) -> bytes:
    """Ask as gurney does."""
    with Transport(url, auth=login, retries=QUICK) as transport, transport.get("wado") as answer:
        return answer.read()


def by_session(login: SessionLogin, url: str) -> bytes:
    """Ask as anybody does who uses requests."""
    with requests.Session() as session:
        session.trust_env = False
        session.auth = login
        return session.get(f"{url}/wado").content


@pytest.mark.parametrize("get", [by_transport, by_session])
def test_logs_in_when_it_is_wanted_and_again_when_the_session_has_lapsed(
    served: tuple[Archive, str], get: Get
) -> None:
    """In between, the session counts; connections and sessions of requests do not matter."""
    archive, url = served
    login = login_to(archive, url)
    first = [get(login, url), get(login, url)]
    logins = archive.logins
    archive.sessions.clear()

    assert [b"DICM", b"DICM", b"DICM"] == [*first, get(login, url)]
    assert 1 == logins
    assert 2 == archive.logins


def test_headers_of_vitrea(vitrea: tuple[Archive, str]) -> None:
    """User, password and realm go to the login, and nowhere else."""
    archive, url = vitrea
    by_transport(login_to(archive, url), url)
    told = [
        (path, headers.get("X-Userid"), headers.get("X-Realm"))
        for _, path, _, headers, _ in archive.asked
    ]

    assert [("/wado", None, None), ("/login", USER, "here"), ("/wado", None, None)] == told
    assert PASSWORD == archive.asked[1][3]["X-Password"]


def test_form_of_impax(impax: tuple[Archive, str]) -> None:
    """A session is begun first; the password is in no URL, which servers log."""
    archive, url = impax
    by_transport(login_to(archive, url), url)

    assert [
        ("GET", "/wado"),
        ("GET", "/wado"),
        ("POST", "/wado/j_security_check"),
        ("GET", "/wado"),
    ] == [(method, path) for method, path, _, _, _ in archive.asked]
    assert all("s3cret" not in path + query for _, path, query, _, _ in archive.asked)
    assert b"j_username=me&j_password=s3cret%26pa55%3Dword" == archive.asked[2][4]


def test_the_wrong_password_is_an_error_that_does_not_show_it(served: tuple[Archive, str]) -> None:
    """Nor does anything else."""
    archive, url = served
    login = login_to(archive, url, "wr0ng")
    with pytest.raises(AuthenticationError, match="does not let this user in") as caught:
        by_transport(login, url)

    assert "wr0ng" not in str(caught.value) + repr(login)
    assert USER not in repr(login)
    assert caught.value.__cause__ is None


def test_who_is_not_let_in_after_a_login_asks_no_more(served: tuple[Archive, str]) -> None:
    """One login for each request; then it is an error."""
    archive, url = served
    archive.sessions = _Never()
    with pytest.raises(AuthenticationError):
        by_transport(login_to(archive, url), url)

    assert 1 == archive.logins


class _Never(set[str]):
    """Forgets what is put into it."""

    def add(self, element: str, /) -> None:
        """Forget it."""


def test_nothing_is_sent_to_another_origin(
    vitrea: tuple[Archive, str], impax: tuple[Archive, str]
) -> None:
    """Neither password nor cookie, whoever asks there; not even after a redirect."""
    (archive, url), (stranger, elsewhere) = vitrea, impax
    login = login_to(archive, url)
    by_transport(login, url)
    by_session(login, elsewhere)
    archive.redirects_to = f"{elsewhere}/wado"
    by_session(login, url)

    assert 2 == len(stranger.asked)
    assert 0 == stranger.logins
    assert all("X-Password" not in headers for _, _, _, headers, _ in stranger.asked)
    assert all(
        "session-" not in headers.get("Cookie", "") for _, _, _, headers, _ in stranger.asked[:1]
    )


def test_a_login_that_redirects_is_not_followed(
    vitrea: tuple[Archive, str], impax: tuple[Archive, str]
) -> None:
    """The password goes to the address that was given, and nowhere else."""
    (archive, url), (stranger, elsewhere) = vitrea, impax

    archive.redirects_to, archive.redirected = f"{elsewhere}/login", ("/login",)
    with pytest.raises(AuthenticationError):
        by_transport(login_to(archive, url), url)

    assert [] == stranger.asked


def test_other_addresses_count_if_they_are_named(
    vitrea: tuple[Archive, str],
) -> None:
    """The same session on another port."""
    archive, url = vitrea
    for other_archive, other in serving(Archive(sessions=archive.sessions)):
        login = VitreaLogin(f"{url}/login", USER, PASSWORD, also=[other])

        assert b"DICM" == by_transport(login, other)
        assert 1 == archive.logins
        assert 0 == other_archive.logins


@pytest.mark.parametrize("kind", [VitreaLogin, ImpaxLogin])
def test_nothing_goes_unencrypted_unless_that_is_allowed(kind: type[SessionLogin]) -> None:
    """Except within this machine."""
    with pytest.raises(InvalidInputError, match="unencrypted") as caught:
        kind("http://archive.example/login", USER, PASSWORD)
    with pytest.raises(InvalidInputError, match="unencrypted"):
        kind("https://archive.example/login", USER, PASSWORD, also=["http://archive.example/"])
    with pytest.raises(InvalidInputError, match=r"begins with http\(s\)"):
        kind("archive.example/login", USER, PASSWORD)
    kind("http://archive.example/login", USER, PASSWORD, allow_insecure_credentials=True)
    kind("http://localhost/login", USER, PASSWORD)

    assert PASSWORD not in str(caught.value)


def test_threads_share_a_login(served: tuple[Archive, str]) -> None:
    """Of those that meet a lapsed session, one logs in."""
    archive, url = served
    login = login_to(archive, url)
    by_transport(login, url)
    archive.sessions.clear()
    came: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: came.append(by_transport(login, url))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [b"DICM"] * 6 == came
    assert 2 == archive.logins


def test_cookies_of_others_are_kept(vitrea: tuple[Archive, str]) -> None:
    """Those of the session of requests, and of its headers."""
    archive, url = vitrea
    with requests.Session() as session:
        session.cookies.set("own", "1")
        session.auth = login_to(archive, url)
        session.get(f"{url}/wado")
    cookies = archive.asked[-1][3]["Cookie"]

    assert {"own=1", "JSESSIONID=session-1"} == set(cookies.split("; "))


def test_a_login_that_nobody_answers_is_told(vitrea: tuple[Archive, str]) -> None:
    """Without its address, as it may be anything; it may be there later."""
    _, url = vitrea

    class Broken(VitreaLogin):
        """Loses its connection."""

        def _log_in(self, connection: Any, how: Any, jar: Any) -> None:
            refused = requests.Request("POST", "http://127.0.0.1:1/login")
            self._send(connection, how, refused, jar)

    with pytest.raises(ArchiveUnavailableError, match="the login: no answer came") as caught:
        by_transport(Broken(f"{url}/login", USER, PASSWORD), url)

    assert isinstance(caught.value, GurneyError)
    assert caught.value.__context__ is None
