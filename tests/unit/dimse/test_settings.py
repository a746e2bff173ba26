"""What may be set about an archive: checked when built, and no secret shown."""

from __future__ import annotations

import copy
import pickle
import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.tls import make_certificates

from gurney.core import InvalidInputError
from gurney.dimse import TLS, CFind, CGet, CMove, Peer, Retries, Timeouts, UserIdentity
from gurney.dimse.settings import ae_title

SECRET = "a-secret"


def test_a_title_loses_the_spaces_around_it() -> None:
    """They mean nothing (PS3.5 6.2)."""
    assert "MY PACS" == ae_title(" MY PACS  ")
    assert 16 == len(ae_title("A" * 16))


@pytest.mark.parametrize("title", ["", "   ", "A" * 17, "A\\B", "A\nB", "Ä", "A\0"])
def test_no_title_is_sent_that_is_none(title: str) -> None:
    """Neither as the called nor as the calling one."""
    with pytest.raises(InvalidInputError):
        Peer("localhost", 104, title)
    with pytest.raises(InvalidInputError):
        Peer("localhost", 104, "ARCHIVE", calling=title)


@pytest.mark.parametrize("host", ["", "a b", "a\n", "a" * 254])
def test_no_host_is_asked_that_is_none(host: str) -> None:
    """Nor is it put into a log."""
    with pytest.raises(InvalidInputError):
        Peer(host, 104, "ARCHIVE")


@pytest.mark.parametrize("port", [0, 65536])
def test_ports_have_sixteen_bits(port: int) -> None:
    """And 0 is none of them."""
    with pytest.raises(ValueError, match="port"):
        Peer("localhost", port, "ARCHIVE")


def test_numbers_are_checked() -> None:
    """Nothing that would never connect, or never stop."""
    with pytest.raises(ValueError, match="max_pdu"):
        Peer("localhost", 104, "ARCHIVE", max_pdu=0)
    with pytest.raises(ValueError, match="associations"):
        Peer("localhost", 104, "ARCHIVE", associations=0)
    with pytest.raises(ValueError, match="answer"):
        Timeouts(answer=0)
    with pytest.raises(ValueError, match="attempts"):
        Retries(attempts=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": None},
        {"host": "dimse://pacs.example"},
        {"port": "104"},
        {"port": 104.0},
        {"called": None},
        {"tls": True},
        {"identity": "somebody"},
        {"timeouts": 5},
        {"retries": 5},
        {"associations": "1"},
    ],
)
def test_wrong_types_are_told_when_it_is_built(wrong: dict[str, Any]) -> None:
    """Not when it is first used, and as what they are."""
    fields: dict[str, Any] = {"host": "pacs.example", "port": 104, "called": "ARCHIVE"}

    with pytest.raises(InvalidInputError):
        Peer(**{**fields, **wrong})


@pytest.mark.parametrize("kind", [CFind, CGet, CMove])
@pytest.mark.parametrize("archive", [None, "dimse://ARCHIVE@pacs.example:104"])
def test_what_is_no_archive_is_told_at_once(kind: Any, archive: Any) -> None:
    """A URL is for `open_url`."""
    with pytest.raises(InvalidInputError, match="open_url"):
        kind(archive)


def test_an_identity_is_not_sent_where_others_can_read_it() -> None:
    """Over TLS, to this machine, or because it was allowed."""
    identity = UserIdentity("somebody", SECRET)

    with pytest.raises(InvalidInputError, match="TLS"):
        Peer("pacs.example", 104, "ARCHIVE", identity=identity)
    Peer("pacs.example", 104, "ARCHIVE", identity=identity, tls=TLS())
    Peer("127.0.0.1", 104, "ARCHIVE", identity=identity)
    Peer("localhost", 104, "ARCHIVE", identity=identity)
    Peer("pacs.example", 104, "ARCHIVE", identity=identity, allow_insecure_credentials=True)


@pytest.mark.parametrize(
    ("identity", "fields"),
    [
        (UserIdentity("somebody"), (1, b"somebody", b"")),
        (UserIdentity("somebody", ""), (2, b"somebody", b"")),
        (UserIdentity("somebody", SECRET), (2, b"somebody", b"a-secret")),
        (UserIdentity(kerberos=b"a-secret"), (3, b"a-secret", b"")),
        (UserIdentity(saml=SECRET), (4, b"a-secret", b"")),
        (UserIdentity(jwt=SECRET), (5, b"a-secret", b"")),
    ],
)
def test_an_identity_is_of_one_kind_and_keeps_its_secret(
    identity: UserIdentity, fields: tuple[int, bytes, bytes]
) -> None:
    """The types are those of PS3.7 table D.3-14."""
    assert fields == identity.fields()
    assert SECRET not in repr(identity)
    assert SECRET not in repr(Peer("localhost", 104, "ARCHIVE", identity=identity))


def test_an_identity_is_one_thing() -> None:
    """Not nothing, not two, and no password without a user."""
    for wrong in (
        dict[str, str](),
        {"username": "somebody", "jwt": SECRET},
        {"password": SECRET},
        {"jwt": "x" * 70_000},
    ):
        with pytest.raises(InvalidInputError) as caught:
            UserIdentity(**wrong)  # type: ignore[arg-type]  # none of them is a ticket
        assert SECRET not in str(caught.value)


def test_a_peer_is_a_value() -> None:
    """It travels between processes, and serves as a key."""
    peer = Peer("localhost", 104, "ARCHIVE", tls=TLS(ca="a.pem"), identity=UserIdentity("me"))

    assert peer == pickle.loads(pickle.dumps(peer))
    assert peer == copy.deepcopy(peer)
    assert hash(peer) == hash(copy.copy(peer))


@given(st.integers(1, 2000))
def test_waits_are_bounded(attempt: int) -> None:
    """However often it was asked."""
    retries = Retries(first_wait=0.5, longest_wait=7.0)

    assert 0.0 <= retries.wait_before(attempt) <= min(7.0, 0.5 * 2 ** min(attempt - 1, 10))


# ---------------------------------------------------------------- TLS


def test_certificates_and_names_are_verified_by_default() -> None:
    """And nothing older than TLS 1.2 is spoken (BCP 195)."""
    context = TLS().context()

    assert ssl.CERT_REQUIRED == context.verify_mode
    assert context.check_hostname
    assert ssl.TLSVersion.TLSv1_2 <= context.minimum_version


def test_verification_can_be_switched_off() -> None:
    """If asked for by name."""
    context = TLS(verify=False).context()

    assert ssl.CERT_NONE == context.verify_mode
    assert not context.check_hostname


def test_an_acceptor_asks_for_a_certificate(tmp_path: Path) -> None:
    """Both sides have one (PS3.15 B.9), unless that is switched off."""
    files = make_certificates(tmp_path)
    tls = TLS(files.authority, files.server)

    assert ssl.CERT_REQUIRED == tls.context(server_side=True).verify_mode
    open_to_all = TLS(files.authority, files.server, verify=False)
    assert ssl.CERT_NONE == open_to_all.context(server_side=True).verify_mode


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """By what they are for; also where there is none."""
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no PEM")

    for tls in (TLS(tmp_path / "absent.pem"), TLS(garbage), TLS(cert=garbage)):
        with pytest.raises(InvalidInputError, match="`ca`"):
            tls.context()
    with pytest.raises(InvalidInputError, match="cert"):
        TLS().context(server_side=True)
    with pytest.raises(InvalidInputError, match="cert"):
        TLS(key=garbage)
