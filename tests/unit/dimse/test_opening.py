"""From a URL to a DIMSE archive: who one is there, and what is never shown."""

from __future__ import annotations

import importlib
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest
import trustme

from gurney import AuthenticationError, InvalidInputError, Query, open_archive
from gurney.dimse import DIMSEArchive, open_url
from gurney.testing import example_datasets
from gurney.testing.dimse import DIMSEServer

PASSWORD = "s3cret-pa55word"
VARIABLES = ("HOST", "TOKEN", "TOKEN_FILE", "USER", "PASSWORD", "CERT", "KEY", "ALLOW_INSECURE")


@pytest.fixture(autouse=True)
def _nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the files of whoever runs this are not looked at."""
    for name in VARIABLES:
        monkeypatch.delenv(f"GURNEY_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def server() -> Iterator[DIMSEServer]:
    """A well-behaved archive."""
    with DIMSEServer(example_datasets()) as server:
        yield server


def identities(server: DIMSEServer) -> set[tuple[int, bytes, bytes] | None]:
    """Return who associations were asked for by."""
    proposals = [association.proposal.identity for association in server.associations]
    return {(one.kind, one.primary, one.secondary) if one else None for one in proposals}


def test_entry_points_open_it(server: DIMSEServer) -> None:
    """Search and fetch, with nothing but a URL."""
    archive = open_archive(f"{server.url}?retrieve=get")
    assert isinstance(archive, DIMSEArchive)
    with archive:
        found = archive.find_studies(Query(PatientID="EX-1"))
        names = {file.reference for file in archive.files(found) if file.read()}

    assert found.complete, found.reasons
    assert 5 == len(names)


def test_titles_are_those_of_the_url(server: DIMSEServer) -> None:
    """Called and calling."""
    with open_url(f"{server.url}?calling=READING%20ROOM") as archive:
        archive.echo()

    (association,) = server.associations
    assert "ARCHIVE" == association.proposal.called
    assert "READING ROOM" == association.proposal.calling


def test_unknown_titles_are_not_let_in(server: DIMSEServer) -> None:
    """The error says where the titles are."""
    with (
        open_url(server.url.replace("ARCHIVE", "OTHER")) as archive,
        pytest.raises(AuthenticationError, match=r"dimse://CALLED@host:port\?calling=CALLING"),
    ):
        archive.echo()


# ---------------------------------------------------------------- who one is there


def keep(tmp_path: Path, user: str) -> None:
    """Write a netrc for this machine."""
    content = f"machine 127.0.0.1 login {user} password {PASSWORD}\n"
    (tmp_path / "netrc").write_text(content, encoding="ascii")


def test_nobody_is_named_unasked(server: DIMSEServer, tmp_path: Path) -> None:
    """What netrc has for the machine may be for another service there."""
    keep(tmp_path, "me")
    with open_url(server.url) as archive:
        archive.echo()

    assert {None} == identities(server)


def test_password_of_the_user_in_the_url(server: DIMSEServer, tmp_path: Path) -> None:
    """It comes from netrc."""
    keep(tmp_path, "me")
    with open_url(f"{server.url}?user=me") as archive:
        archive.echo()

    assert {(2, b"me", PASSWORD.encode())} == identities(server)


@pytest.mark.parametrize(
    ("variables", "identity"),
    [
        ({"USER": "me", "PASSWORD": PASSWORD}, (2, b"me", PASSWORD.encode())),
        ({"TOKEN": "a.b.c"}, (5, b"a.b.c", b"")),
    ],
)
def test_environment_says_who_one_is(
    server: DIMSEServer,
    variables: dict[str, str],
    identity: tuple[int, bytes, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the archive that it names."""
    monkeypatch.setenv("GURNEY_HOST", f"127.0.0.1:{server.port}")
    for name, value in variables.items():
        monkeypatch.setenv(f"GURNEY_{name}", value)
    with open_url(server.url) as archive:
        archive.echo()

    assert {identity} == identities(server)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "other.example"])
def test_environment_is_for_one_archive(
    server: DIMSEServer,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No other learns anything; without a port it is the usual one, and may have been forgotten."""
    monkeypatch.setenv("GURNEY_HOST", host)
    monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
    with open_url(server.url) as archive:
        archive.echo()

    assert {None} == identities(server)
    forgotten = f"GURNEY_TOKEN is not used; is GURNEY_HOST=127.0.0.1:{server.port} meant?"
    assert (host != "other.example") == (forgotten in caplog.text)
    assert PASSWORD not in caplog.text


def test_the_extra_that_is_needed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever imports it without pynetdicom learns how to get it."""
    for name in [name for name in sys.modules if name.startswith("gurney.dimse")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pynetdicom.pdu", None)
    with pytest.raises(ModuleNotFoundError, match=r'run: pip install "gurney\[dimse\]"'):
        importlib.import_module("gurney.dimse")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("dimse://A@archive.example", "archive.example"),
        ("dimse://A@archive.example:104", "ARCHIVE.example"),
        ("dimse://A@archive.example:11112", "archive.example:11112"),
        ("dimse://A@[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_nothing_secret_goes_unencrypted(
    url: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for an archive that is named as one where that is no risk."""
    monkeypatch.setenv("GURNEY_HOST", host)
    monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
    with pytest.raises(InvalidInputError, match=r"unencrypted.*use dimse\+tls") as caught:
        open_url(url)
    monkeypatch.setenv("GURNEY_ALLOW_INSECURE", host)

    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(open_url(url))


def test_user_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it could be is said; who it is, is not."""
    keyring = Mock(return_value=(None, "no keyring"))
    monkeypatch.setattr("gurney.logins.finding.in_keyring", keyring)
    with pytest.raises(InvalidInputError, match=r"the user at h: .* no keyring") as error:
        open_url("dimse+tls://A@h?user=somebody")

    assert "somebody" not in str(error.value)


# ---------------------------------------------------------------- TLS


Serve = Callable[[ssl.VerifyMode], DIMSEServer]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Nobody known to the system; its file is in ``ca.pem``."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Serve]:
    """Return a function that starts an archive over TLS."""
    with ExitStack() as stack:

        def start(verify: ssl.VerifyMode) -> DIMSEServer:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  it takes pyOpenSSL's too
            authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]  as above
            context.verify_mode = verify
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # says no in the handshake, not later
            return stack.enter_context(DIMSEServer(example_datasets(), tls=context))

        yield start


def test_authorities_are_those_of_openssl(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody known has signed is refused, with the variable to set."""
    url = serve(ssl.CERT_NONE).url
    with (
        open_url(url) as archive,
        pytest.raises(AuthenticationError, match="that signed it in SSL_CERT_FILE"),
    ):
        archive.echo()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    with open_url(url) as archive:
        assert 0 < archive.echo()


def test_client_certificates(
    serve: Serve, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one is wanted, the error says how to give it; and that is how it is given."""
    server = serve(ssl.CERT_REQUIRED)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with (
        open_url(server.url) as archive,
        pytest.raises(AuthenticationError, match=r"set GURNEY_HOST=.* and GURNEY_CERT"),
    ):
        archive.echo()
    mine = authority.issue_cert("me@archive.example")
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "me.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "me.key"))
    monkeypatch.setenv("GURNEY_HOST", f"127.0.0.1:{server.port}")
    monkeypatch.setenv("GURNEY_CERT", str(tmp_path / "me.pem"))
    monkeypatch.setenv("GURNEY_KEY", str(tmp_path / "me.key"))

    with open_url(server.url) as archive:
        assert 0 < archive.echo()
