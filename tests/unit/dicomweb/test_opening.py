"""From a URL to a DICOMweb archive: what it may say, what it may not, and what it never shows."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import Distribution, distribution
from pathlib import Path
from threading import Thread

import attrs
import pytest
import trustme
from werkzeug import Request, Response
from werkzeug.serving import make_server

from gurney import (
    AuthenticationError,
    InvalidInputError,
    Query,
    StudyReference,
    UnknownArchiveError,
    open_archive,
)
from gurney.archives import Archive
from gurney.dicomweb import open_url
from gurney.dicomweb.urls import ArchiveURL
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer, Exchange, Fault, Reply

PASSWORD = "s3cret"
PASSWORDS = ("s3cret", "s3cr#et", "s3cr?et", "s3cr/et", "s3cr@et", "s3%20cret", "1234/s3cret", "")
VARIABLES = ("HOST", "TOKEN", "TOKEN_FILE", "USER", "PASSWORD", "CERT", "KEY", "ALLOW_INSECURE")


@pytest.fixture(autouse=True)
def _nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the files of whoever runs this are not looked at."""
    for name in VARIABLES:
        monkeypatch.delenv(f"GURNEY_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


class Guarded(Fault):
    """Lets in who sends the right header."""

    def __init__(self, header: str, status: int = 401) -> None:
        super().__init__()
        self.header = header
        self.status = status

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        right = exchange.asked.headers.get("authorization") == self.header
        return None if right else Reply(self.status)


def dicomweb(url: str, user: str = "") -> str:
    """Return how an archive at an http URL is named."""
    return url.replace("http://", f"dicomweb+http://{user}")


# ---------------------------------------------------------------- what a URL says


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "dicomweb+https://archive.example/dicom-web",
            ArchiveURL("https://archive.example/dicom-web"),
        ),
        ("DICOMweb+HTTP://localhost:8042", ArchiveURL("http://localhost:8042")),
        ("dicomweb+https://[::1]:8042/a/", ArchiveURL("https://[::1]:8042/a/")),
        ("dicomweb+https://me@h.example/a", ArchiveURL("https://h.example/a", "me")),
        ("dicomweb+https://m%C3%A9@h.example", ArchiveURL("https://h.example", "mé")),
        ("dicomweb+https://me@site@h.example", ArchiveURL("https://h.example", "me@site")),
        ("dicomweb+https://h/a?retrieve=wado-rs", ArchiveURL("https://h/a")),
        ("dicomweb+https://h/a?retrieve=wado-uri", ArchiveURL("https://h/a", "", "wado-uri")),
        ("dicomweb+https://h/a?wado=/wado", ArchiveURL("https://h/a", "", "wado-uri", "/wado")),
        (
            "dicomweb+https://h/a?retrieve=wado-uri&wado=%2Fwado",
            ArchiveURL("https://h/a", "", "wado-uri", "/wado"),
        ),
    ],
)
def test_what_a_url_says(url: str, expected: ArchiveURL) -> None:
    """Address, user, and how to fetch."""
    assert expected == ArchiveURL.parse(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://h/a", "not the URL of a DICOMweb archive"),
        ("dicomweb+https:///a", "not the URL of a DICOMweb archive"),
        ("dicomweb+https://[::1/a", "not the URL of a DICOMweb archive"),
        ("dicomweb+https://h/a b", "not the URL of a DICOMweb archive"),
        ("dicomweb+https://h\n.example/a", "not the URL of a DICOMweb archive"),
        ("dicomweb+https://h:port/a", "begins with http"),
        ("dicomweb+https://h/a#b", "write %23"),
        ("dicomweb+https://me%0A@h/a", "control character"),
        ("dicomweb+https://h/a?retreive=wado-uri", "did you mean retrieve?"),
        ("dicomweb+https://h/a?password=s3cret", "there are retrieve and wado"),
        ("dicomweb+https://h/a?s3cret", "there are retrieve and wado"),
        ("dicomweb+https://h/a?retrieve=s3cret", "retrieve is one of wado-rs, wado-uri"),
        ("dicomweb+https://h/a?retrieve=", "empty, or given twice"),
        ("dicomweb+https://h/a?wado=/a&wado=/b", "empty, or given twice"),
        ("dicomweb+https://h/a?retrieve=wado-rs&wado=/b", "wado_uri is for"),
        ("dicomweb+https://h/a?wado=https://s3cret.example/b", "other origin|not the origin"),
    ],
)
def test_malformed_urls(url: str, words: str) -> None:
    """The error says what to change, and repeats nothing that may be a secret."""
    with pytest.raises(InvalidInputError, match=words) as caught:
        open_url(url)
    if "wado=" not in url:
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", ["me:{}@h/a", "me%3A{}@h/a", ":{}@h/a", "me:{}@h\u2100/a"])
def test_a_password_is_refused_and_never_repeated(
    password: str, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it holds, and wherever a reader of URLs would cut it."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvalidInputError) as caught:
        open_url(f"dicomweb+http://{form.format(password)}")

    told = "".join(str(error) for error in chain(caught.value)) + caplog.text
    assert "keyring" in str(caught.value) or "not the URL" in str(caught.value)
    assert not any(part in told for part in ("s3c", "cret", "1234"))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what a traceback would show of what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize("scheme", ["dicomweb+http", "dicomweb+https"])
def test_it_is_announced(scheme: str) -> None:
    """`gurney.open_archive` opens such URLs."""
    opener: Callable[[str], Archive] = open_url  # what an entry point has to be
    shown = repr(open_archive(f"{scheme}://localhost:1/a"))

    assert f"DICOMwebArchive('{scheme.removeprefix('dicomweb+')}://localhost:1/a')" == shown
    assert repr(opener(f"{scheme}://localhost:1/a")) == shown


# ---------------------------------------------------------------- who one is


def test_a_token_of_the_environment_lets_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes with each request, and nowhere else."""
    caplog.set_level(logging.DEBUG)
    with DICOMwebServer(example_datasets(), [Guarded(f"Bearer {PASSWORD}")]) as server:
        monkeypatch.setenv("GURNEY_HOST", server.url.split("/")[2])
        monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
        with open_url(dicomweb(server.url)) as archive:
            found = archive.find_studies(Query(PatientID="EX-1"))
            files = [file.read() for file in archive.files(found)]
            shown = repr(archive) + repr(vars(archive))

    assert (True, 2, 5) == (found.complete, len(found), len(files))
    assert PASSWORD not in caplog.text + shown


def test_a_token_for_another_archive_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent; the error says which variable to set."""
    with DICOMwebServer(faults=[Guarded(f"Bearer {PASSWORD}")]) as server:
        monkeypatch.setenv("GURNEY_HOST", "archive.example")
        monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
        place = server.url.split("/")[2]
        with (
            open_url(dicomweb(server.url)) as archive,
            pytest.raises(AuthenticationError, match=f"none were found for {place}: set GURNEY_H"),
        ):
            archive.find_studies(Query())

        assert ["authorization" in request.headers for request in server.requests] == [False]


def test_a_user_and_a_password_of_netrc(tmp_path: Path) -> None:
    """The URL names the user, netrc has the password."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}")
    with DICOMwebServer(example_datasets(), [Guarded("Basic bWU6czNjcmV0")]) as server:
        with open_url(dicomweb(server.url, "me@")) as archive:
            found = archive.find_studies(Query(PatientID="EX-1"))
        with pytest.raises(InvalidInputError, match="no password for the user") as caught:
            open_url(dicomweb(server.url, "s3cret-as-user@"))

    assert 2 == len(found)
    assert PASSWORD not in str(caught.value)


def test_what_is_for_any_machine_is_sent_to_none(tmp_path: Path) -> None:
    """An entry ``default`` of netrc, which requests would use, is not for archives."""
    (tmp_path / "netrc").write_text(f"default login me password {PASSWORD}")
    with DICOMwebServer() as server, open_url(dicomweb(server.url)) as archive:
        archive.find_studies(Query())

    assert [False] == ["authorization" in request.headers for request in server.requests]


@pytest.mark.parametrize("work", ["find", "fetch"])
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_named_by_where_they_come_from(
    tmp_path: Path, work: str, status: int
) -> None:
    """So that one knows what to correct."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}")
    with (
        DICOMwebServer(faults=[Guarded("", status)]) as server,
        open_url(dicomweb(server.url)) as archive,
    ):
        calls: dict[str, Callable[[], object]] = {
            "find": lambda: archive.find_studies(Query()),
            "fetch": lambda: list(archive.files([StudyReference("1.2")])),
        }
        with pytest.raises(AuthenticationError, match="credentials came from netrc") as caught:
            calls[work]()

    assert status == caught.value.status
    assert PASSWORD not in str(caught.value)


def test_credentials_in_the_clear_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is allowed for that archive by name; nothing is sent to find out."""
    monkeypatch.setenv("GURNEY_HOST", "archive.example")
    monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
    with pytest.raises(InvalidInputError, match="GURNEY_ALLOW_INSECURE=archive"):
        open_url("dicomweb+http://archive.example/a")
    monkeypatch.setenv("GURNEY_ALLOW_INSECURE", "archive.example")

    open_url("dicomweb+http://archive.example/a").close()


# ---------------------------------------------------------------- TLS


Serve = Callable[..., str]


@pytest.fixture
def authority() -> trustme.CA:
    """Who signs certificates in a hospital."""
    return trustme.CA()


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Serve]:
    """Return a function that starts an empty archive with TLS, and gives its URL."""
    stack = ExitStack()

    def start(verify: ssl.VerifyMode = ssl.CERT_NONE) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  it takes pyOpenSSL's too
        authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]  as above
        context.verify_mode = verify
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # says no in the handshake, not after it
        server = make_server("127.0.0.1", 0, nothing_found, ssl_context=context)
        server.log = lambda *_: None  # type: ignore[method-assign]
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        return f"dicomweb+https://127.0.0.1:{server.port}/dicom-web"

    with stack:
        yield start


@Request.application
def nothing_found(_: Request) -> Response:
    """Answer a search."""
    return Response("[]", content_type="application/dicom+json")


def test_authorities_are_named_as_for_requests(
    serve: Serve, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody known has signed is refused, with the variable to set."""
    url = serve()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with (
        open_url(url) as archive,
        pytest.raises(AuthenticationError, match="name that file in REQUESTS_CA_BUNDLE"),
    ):
        archive.find_studies(Query())
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    with open_url(url) as archive:
        assert [] == list(archive.find_studies(Query()))


def test_client_certificates(
    serve: Serve, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one is wanted, the error says how to give it; and that is how it is given."""
    url = serve(ssl.CERT_REQUIRED)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with (
        open_url(url) as archive,
        pytest.raises(AuthenticationError, match=r"set GURNEY_HOST=.* and GURNEY_CERT"),
    ):
        archive.find_studies(Query())
    mine = authority.issue_cert("me@archive.example")
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "me.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "me.key"))
    monkeypatch.setenv("GURNEY_HOST", url.split("/")[2])
    monkeypatch.setenv("GURNEY_CERT", str(tmp_path / "me.pem"))
    monkeypatch.setenv("GURNEY_KEY", str(tmp_path / "me.key"))

    with open_url(url) as archive:
        assert [] == list(archive.find_studies(Query()))


# ---------------------------------------------------------------- what is not installed


@attrs.frozen
class Broken:
    """An entry point of a backend that cannot be loaded."""

    error: ImportError
    dist: Distribution | None
    name: str = "dicomweb+https"
    module: str = "mine.archive"

    def load(self) -> None:
        """Fail."""
        raise self.error


Break = Callable[..., None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Return a function that makes the backend fail to load, and says what package it is of."""

    def breaking(error: ImportError, package: str | None = "gurney") -> None:
        entry = Broken(error, distribution(package) if package else None)

        def installed(group: str) -> list[Broken]:
            return [entry] if group == "gurney.archives" else []

        monkeypatch.setattr("gurney.archives.entry_points", installed)

    return breaking


def test_a_missing_extra_is_named(broken: Break) -> None:
    """Whoever opens a URL without the library for it is told what to install."""
    broken(ModuleNotFoundError("No module named 'requests.auth'", name="requests.auth"))

    with pytest.raises(UnknownArchiveError, match=r'pip install "gurney\[dicomweb\]"') as caught:
        open_archive("dicomweb+https://h/a")
    assert str(caught.value).startswith("dicomweb+https:// needs requests, which is not installed")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("no x", name="x"), 'needs x, which is not installed; .* "gurney"$'),
        (ImportError("cannot import name 'y'"), "pip install --upgrade gurney"),
        (ModuleNotFoundError("nothing said"), "pip install --upgrade gurney"),
    ],
)
def test_backends_that_cannot_be_loaded(broken: Break, error: ImportError, words: str) -> None:
    """Also those of others, that name no extra, or have come with another version."""
    broken(error)

    with pytest.raises(UnknownArchiveError, match=words) as caught:
        open_archive("dicomweb+https://h/a")
    assert error is caught.value.__cause__


def test_a_backend_without_a_package(broken: Break) -> None:
    """It is named after its module."""
    broken(ModuleNotFoundError("no x", name="x"), package=None)

    with pytest.raises(UnknownArchiveError, match='run: pip install "mine"'):
        open_archive("dicomweb+https://h/a")
