"""Who to be at an archive: the right one gets credentials, no other, and nobody else sees them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import keyring
import pytest
from requests import Request
from requests.auth import HTTPBasicAuth

from gurney import InvalidInputError
from gurney.http import Login, Transport, find_login

URL = "https://archive.example/dicom-web"
TOKEN = "t0ken-" + "x" * 20
PASSWORD = "pässw0rd:with@all/of?it"
# The netrc of Python 3.10 takes no other letters: it says then that it cannot be read.
IN_NETRC = PASSWORD if sys.version_info >= (3, 11) else "passw0rd:with@all/of?it"
SECRETS = (TOKEN, PASSWORD, IN_NETRC, "pässw0rd")


class Keyring:
    """A keyring in memory, that knows what it was asked."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self.passwords = passwords
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, as `keyring.backend.KeyringBackend` does."""
        self.asked.append((service, username))
        return self.passwords.get(username)


class Silent(Keyring):
    """As those of operating systems, it never asks on a terminal."""

    __module__ = "keyring.backends.ours"


Kept = Callable[..., Keyring]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Return a function that fills the keyring, which asks nobody unless told to."""

    def fill(passwords: Mapping[str, str], *, asks: bool = False) -> Keyring:
        backend = Keyring(passwords) if asks else Silent(passwords)
        monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
        return backend

    return fill


@pytest.fixture(autouse=True)
def _nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Kept) -> None:
    """Neither files nor keyring of whoever runs this are looked at."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    kept({})


def authorization(login: Login, url: str = URL) -> str | None:
    """Return what a request would carry."""
    request = Request("GET", url).prepare()
    if login.token is not None:
        return f"Bearer {login.token()}"
    assert login.auth
    header = login.auth(request).headers.get("Authorization")
    return None if header is None else str(header)


def basic(user: str, password: str) -> str:
    """Return the header of basic authentication in UTF-8."""
    signed = HTTPBasicAuth(user.encode(), password.encode())(Request("GET", URL).prepare())
    return str(signed.headers["Authorization"])


def netrc(path: Path, *lines: str) -> dict[str, str]:
    """Write a netrc file, and return the variable that names it."""
    file = path / "my-netrc"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return {"NETRC": str(file)}


# ---------------------------------------------------------------- the environment


def test_token_of_the_environment() -> None:
    """A token is for the archive that is named beside it."""
    login = find_login(URL, environ={"GURNEY_HOST": "archive.example", "GURNEY_TOKEN": TOKEN})

    assert f"Bearer {TOKEN}" == authorization(login)
    assert "GURNEY_TOKEN" == login.source


def test_token_from_a_file_is_read_again(tmp_path: Path) -> None:
    """A token that somebody renews is in a file; what is in there now counts."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    login = find_login(
        URL, environ={"GURNEY_HOST": "archive.example", "GURNEY_TOKEN_FILE": str(file)}
    )
    first = authorization(login)
    file.write_text("renewed")

    assert [f"Bearer {TOKEN}", "Bearer renewed"] == [first, authorization(login)]


def test_user_and_password_of_the_environment() -> None:
    """They go out as basic authentication, in UTF-8."""
    variables = {"GURNEY_HOST": "archive.example", "GURNEY_USER": "me", "GURNEY_PASSWORD": PASSWORD}

    assert basic("me", PASSWORD) == authorization(find_login(URL, environ=variables))
    assert basic("me", PASSWORD) == authorization(find_login(URL, "me", variables))


def test_password_of_another_user_is_left_alone() -> None:
    """Who names a user wants to be that one, or nobody."""
    variables = {"GURNEY_HOST": "archive.example", "GURNEY_USER": "me", "GURNEY_PASSWORD": PASSWORD}

    with pytest.raises(InvalidInputError, match="no password for the user"):
        find_login(URL, "you", variables)


@pytest.mark.parametrize(
    ("host", "url", "ours"),
    [
        ("archive.example", "https://archive.example/a", True),
        ("Archive.Example", "https://archive.example:443/a", True),
        ("archive.example:443", "https://archive.example/a", True),
        ("archive.example:8443", "https://archive.example:8443", True),
        ("[::1]:8042", "http://[::1]:8042/a", True),
        ("localhost:8042", "http://localhost:8042/a", True),
        ("archive.example", "https://archive.example:8443/a", False),
        ("archive.example:8443", "https://archive.example/a", False),
        ("archive.example", "https://archive.example.evil.example/a", False),
        ("archive.example", "https://evil.example/archive.example", False),
        ("example", "https://archive.example/a", False),
        ("localhost", "http://localhost:8042/a", False),
    ],
)
@pytest.mark.parametrize(
    "secrets", [{"GURNEY_TOKEN": TOKEN}, {"GURNEY_USER": "me", "GURNEY_PASSWORD": PASSWORD}]
)
def test_no_other_archive_gets_them(
    host: str, url: str, ours: bool, secrets: dict[str, str]
) -> None:
    """Host and port must be those of the archive; a part of its name is not enough."""
    login = find_login(url, environ={"GURNEY_HOST": host, **secrets})

    assert (ours, ours) == (authorization(login, url) is not None, bool(login.source))


def test_client_certificate(tmp_path: Path) -> None:
    """Certificate, or certificate and key, for the archive that is named beside them."""
    one, two = tmp_path / "cert.pem", tmp_path / "key.pem"
    one.touch()
    two.touch()
    cert = {"GURNEY_HOST": "archive.example", "GURNEY_CERT": str(one)}
    both = {**cert, "GURNEY_KEY": str(two)}

    assert str(one) == find_login(URL, environ=cert).cert
    assert (str(one), str(two)) == find_login(URL, environ=both).cert
    assert None is find_login("https://other.example", environ=both).cert


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    """OpenSSL would ask for it on the terminal, in the middle of everything."""
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")

    with pytest.raises(InvalidInputError, match="passphrase"):
        find_login(URL, environ={"GURNEY_HOST": "archive.example", "GURNEY_CERT": str(key)})


HERE = {"GURNEY_HOST": "archive.example"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"GURNEY_TOKEN": TOKEN}, "set GURNEY_HOST"),
        ({"GURNEY_USER": "me"}, "set GURNEY_HOST"),
        ({"GURNEY_HOST": "", "GURNEY_PASSWORD": PASSWORD}, "set GURNEY_HOST"),
        ({**HERE, "GURNEY_TOKEN": TOKEN, "GURNEY_PASSWORD": PASSWORD}, "unset all but one"),
        ({**HERE, "GURNEY_TOKEN": TOKEN, "GURNEY_TOKEN_FILE": "x"}, "unset all but one"),
        ({**HERE, "GURNEY_PASSWORD": PASSWORD}, "set GURNEY_USER"),
        ({**HERE, "GURNEY_USER": "me"}, "no password for the user"),
        ({**HERE, "GURNEY_KEY": "x"}, "set that too"),
        ({**HERE, "GURNEY_CERT": "/absent/cert.pem"}, "GURNEY_CERT: the file cannot be read: No "),
        ({"GURNEY_HOST": "https://archive.example", "GURNEY_TOKEN": TOKEN}, "is no host"),
        ({"GURNEY_HOST": f"me:{PASSWORD}@archive.example", "GURNEY_TOKEN": TOKEN}, "is no host"),
        ({"GURNEY_ALLOW_INSECURE": "http://archive.example"}, "is no host"),
    ],
)
def test_a_contradictory_environment(variables: dict[str, str], words: str) -> None:
    """It is an error that says what to change, and shows no value."""
    with pytest.raises(InvalidInputError, match=words) as caught:
        find_login(URL, environ=variables)
    assert not any(secret in str(caught.value) for secret in SECRETS)


# ---------------------------------------------------------------- netrc


def test_netrc(tmp_path: Path) -> None:
    """The entry of the archive's host, whatever its letters' case."""
    found = netrc(tmp_path, f"machine Archive.example login me password {IN_NETRC}")
    login = find_login(URL, environ=found)

    assert ("netrc", basic("me", IN_NETRC)) == (login.source, authorization(login))


def test_netrc_of_the_home(tmp_path: Path) -> None:
    """It is ``~/.netrc`` unless the environment names another; ``_netrc`` on Windows."""
    (tmp_path / "_netrc").write_text("machine archive.example login me password b")
    second = authorization(find_login(URL, environ={}))
    (tmp_path / ".netrc").write_text("machine archive.example login me password a")
    first = authorization(find_login(URL, environ={}))

    assert [basic("me", "a"), basic("me", "b")] == [first, second]


def test_netrc_is_for_hosts_and_users_that_it_names(tmp_path: Path) -> None:
    """Neither another host, nor another user, nor its entry for any machine."""
    found = netrc(
        tmp_path,
        f"machine archive.example login me password {IN_NETRC}",
        f"default login anyone password {IN_NETRC}",
    )
    other = find_login("https://other.example", environ=found)
    named_so = find_login("https://default", environ=found)

    assert [None, None] == [authorization(other), authorization(named_so)]
    assert basic("me", IN_NETRC) == authorization(find_login(URL, "me", found))
    with pytest.raises(InvalidInputError, match="no password for the user"):
        find_login(URL, "you", found)


def test_requests_does_not_look_into_netrc_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not found here is not found behind our back: the entry for any machine."""
    found = netrc(tmp_path, f"default login anyone password {PASSWORD}")
    monkeypatch.setenv("NETRC", found["NETRC"])

    assert None is authorization(find_login(URL))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"machine archive.example login me {PASSWORD}", "cannot be read near line"),
        (None, "cannot"),
    ],
)
def test_an_unreadable_netrc_is_told(tmp_path: Path, line: str | None, words: str) -> None:
    """It stops nobody who needs no password, and is named where one is missing."""
    found = {"NETRC": str(tmp_path)} if line is None else netrc(tmp_path, line)
    (problem,) = find_login(URL, environ=found).problems

    assert words in problem
    with pytest.raises(InvalidInputError, match=words) as caught:
        find_login(URL, "me", found)
    assert PASSWORD not in problem + str(caught.value)


# ---------------------------------------------------------------- the keyring


def test_keyring(kept: Kept) -> None:
    """The password of user and host, and of the port if it is not the usual one."""
    passwords = {"me@archive.example": PASSWORD, "me@archive.example:8443": "other"}
    backend = kept(passwords)
    login = find_login("https://archive.example:443/dicom-web", "me", {})
    other = find_login("https://ARCHIVE.example:8443/dicom-web", "me", {})

    assert ("the keyring", basic("me", PASSWORD)) == (login.source, authorization(login))
    assert basic("me", "other") == authorization(other)
    assert [("gurney", name) for name in passwords] == backend.asked


def test_keyring_is_left_alone_if_nobody_is_named(kept: Kept) -> None:
    """It may open a window: not for an archive that may want no password at all."""
    backend = kept({"me@archive.example": PASSWORD})

    assert None is authorization(find_login(URL, environ={}))
    assert [] == backend.asked


def test_keyring_that_may_ask_is_not_used_without_a_terminal(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take what another program sends for a password, or wait for ever."""
    backend = kept({"me@archive.example": PASSWORD}, asks=True)
    with pytest.raises(InvalidInputError, match="on no terminal"):
        find_login(URL, "me", {})
    before = list(backend.asked)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)

    assert [] == before
    assert basic("me", PASSWORD) == authorization(find_login(URL, "me", {}))


def test_keyrings_behind_a_keyring(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that are tried in turn, those that may ask are left out."""
    asking, silent = kept({}, asks=True), kept({"me@archive.example": PASSWORD})
    chain = kept({})
    monkeypatch.setattr(chain, "backends", [asking, silent], raising=False)

    assert basic("me", PASSWORD) == authorization(find_login(URL, "me", {}))
    assert ([], []) == (asking.asked, chain.asked)


def test_a_failing_keyring_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the class of its error only: what it says is its own."""

    def fail() -> Keyring:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(keyring, "get_keyring", fail)
    with pytest.raises(InvalidInputError, match="keyring is not used: RuntimeError") as caught:
        find_login(URL, "me", {})
    assert PASSWORD not in str(caught.value)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring is an extra of its own."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(InvalidInputError, match=r'pip install "gurney\[keyring\]"'):
        find_login(URL, "me", {})


# ---------------------------------------------------------------- all of them


def test_order(tmp_path: Path, kept: Kept) -> None:
    """The environment is before netrc, netrc before the keyring."""
    kept({"me@archive.example": "c"})
    file = netrc(tmp_path, "machine archive.example login me password b")
    variables = {"GURNEY_HOST": "archive.example", "GURNEY_PASSWORD": "a"}
    sources = [find_login(URL, "me", env).source for env in ({**file, **variables}, file, {})]

    assert ["GURNEY_PASSWORD", "netrc", "the keyring"] == sources


@pytest.mark.parametrize(
    ("url", "allowed", "refused"),
    [
        ("http://archive.example", "", True),
        ("http://archive.example", "other.example", True),
        ("http://archive.example:8042", "archive.example", True),
        ("http://archive.example", "archive.example", False),
        ("http://localhost:8042", "", False),
        ("https://archive.example", "", False),
    ],
)
def test_credentials_go_encrypted_unless_allowed(url: str, allowed: str, refused: bool) -> None:
    """To this very machine, or to an archive for which it was allowed by name."""
    host = url.partition("://")[2]
    variables = {"GURNEY_HOST": host, "GURNEY_TOKEN": TOKEN, "GURNEY_ALLOW_INSECURE": allowed}

    if refused:
        with pytest.raises(InvalidInputError, match=f"set GURNEY_ALLOW_INSECURE={host}"):
            find_login(url, environ=variables)
        return
    login = find_login(url, environ=variables)

    assert bool(allowed) == login.allow_insecure_credentials
    Transport(
        url, token=login.token, allow_insecure_credentials=login.allow_insecure_credentials
    ).close()


def test_nobody_may_ask_unencrypted(tmp_path: Path) -> None:
    """Without credentials there is nothing to protect; a transport takes it."""
    login = find_login("http://archive.example", environ=netrc(tmp_path))

    Transport(
        "http://archive.example",
        auth=login.auth,
        allow_insecure_credentials=login.allow_insecure_credentials,
    ).close()
    assert "" == login.source


def test_a_repr_shows_no_secret(tmp_path: Path, kept: Kept) -> None:
    """It says where a login comes from, and for which archive."""
    kept({"me@archive.example": PASSWORD})
    file = netrc(tmp_path, f"machine archive.example login me password {PASSWORD}")
    logins = [
        find_login(URL, environ={**HERE, "GURNEY_TOKEN": TOKEN}),
        find_login(URL, "me", {**HERE, "GURNEY_PASSWORD": PASSWORD}),
        find_login(URL, environ=file),
        find_login(URL, "me", {}),
    ]
    shown = "".join(map(repr, logins))

    assert 4 == shown.count("Login(place='archive.example', source='")
    assert "token=" not in shown
    assert "auth=" not in shown
    assert not any(secret in shown for secret in SECRETS)
