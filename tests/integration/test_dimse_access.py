"""Who is let in and who is trusted: AE titles, TLS on both sides, somebody else's receiver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from tests.servers.orthanc import Orthanc, Settings
from tests.servers.tls import Certificates

from gurney import Trolley
from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    GurneyError,
    Query,
    to_instance_refs,
)
from gurney.dimse import TLS, CFind, CGet, CMove, Peer, Receiver, Retries, echo
from gurney.testing import TREE, conformance_files

from .conftest import Destinations, StartOrthanc

INSTANCES = to_instance_refs(TREE)
ONCE = Retries(attempts=1)


@pytest.fixture(scope="module")
def guarded(
    start_orthanc: StartOrthanc, certificates: Certificates, destinations: Destinations
) -> Orthanc:
    """It takes only those whom it knows, who call it by its title and have a certificate."""
    settings = Settings(
        certificates=certificates, destinations=destinations, strict=True, tls_destinations=True
    )
    server = start_orthanc(settings)
    server.fill(conformance_files().values())
    return server


@pytest.fixture
def tls(certificates: Certificates) -> TLS:
    return TLS(ca=certificates.authority, cert=certificates.client)


@pytest.fixture
def peer(guarded: Orthanc, tls: TLS) -> Peer:
    return Peer("localhost", guarded.dicom_port, guarded.ae_title, tls=tls, retries=ONCE)


def failures(peer: Peer) -> list[GurneyError]:
    """Return what asking, searching and fetching raise."""
    attempts: tuple[Callable[[], object], ...] = (
        lambda: echo(peer),
        lambda: CFind(peer).find_studies(Query()),
        lambda: CGet(peer).get_dataset(INSTANCES[0]),
    )
    return [failure(attempt) for attempt in attempts]


def failure(attempt: Callable[[], object]) -> GurneyError:
    with pytest.raises(GurneyError) as caught:
        attempt()
    return caught.value


def test_certificates_and_titles_let_one_in(peer: Peer, tmp_path: Path) -> None:
    """Everything is found, and fetched by C-GET."""
    trolley = Trolley(CFind(peer), CGet(peer))
    receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert receipt.complete, receipt.reasons
    assert len(INSTANCES) == len(receipt.outcomes)


def test_c_move_over_tls_both_ways(
    peer: Peer, certificates: Certificates, destinations: Destinations, tmp_path: Path
) -> None:
    """The archive connects to us with its certificate, and looks at ours."""
    ours = TLS(ca=certificates.authority, cert=certificates.server)
    with closing(Receiver("GURNEY", port=destinations["GURNEY"], tls=ours)) as receiver:
        trolley = Trolley(CFind(peer), CMove(peer, receiver))
        receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert receipt.complete, receipt.reasons
    assert len(INSTANCES) == len(receipt.outcomes)


@pytest.mark.parametrize(("called", "calling"), [("SOMEBODY", "GURNEY"), ("ORTHANC", "NOBODY")])
def test_other_titles_are_turned_away(peer: Peer, called: str, calling: str) -> None:
    """It is an error that says what it is about."""
    errors = failures(attrs.evolve(peer, called=called, calling=calling))

    assert [AuthenticationError] * 3 == [type(error) for error in errors]
    assert all("AE title" in str(error) for error in errors)


def test_unknown_authority_is_not_trusted(peer: Peer, certificates: Certificates) -> None:
    """An archive that cannot prove who it is gets no question."""
    errors = failures(attrs.evolve(peer, tls=TLS(cert=certificates.client)))

    assert [AuthenticationError] * 3 == [type(error) for error in errors]
    assert all("certificate" in str(error) for error in errors)


@pytest.mark.parametrize("cert", [True, False], ids=["plain", "no certificate"])
def test_without_client_certificate_nobody_is_let_in(
    peer: Peer, certificates: Certificates, cert: bool
) -> None:
    """The archive closes the connection; that is neither an empty result nor nothing there."""
    errors = failures(attrs.evolve(peer, tls=None if cert else TLS(ca=certificates.authority)))

    assert all(isinstance(e, (AuthenticationError, ArchiveUnavailableError)) for e in errors)
