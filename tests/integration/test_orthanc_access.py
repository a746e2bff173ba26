"""Who is let in and who is trusted: private authorities, client certificates, passwords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from requests.auth import HTTPBasicAuth
from tests.servers.orthanc import Orthanc, Settings
from tests.servers.tls import Certificates, tls_in_front_of

from gurney import Trolley
from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    GurneyError,
    Query,
    to_instance_refs,
)
from gurney.dicomweb import QidoRS, WadoRS, WadoURI
from gurney.http import Retries, Transport
from gurney.testing import TREE, conformance_files

from .conftest import StartOrthanc

ONCE = Retries(attempts=1)
USER, PASSWORD = "reader", "pa:ss word"
INSTANCES = to_instance_refs(TREE)


@pytest.fixture(scope="module")
def guarded(orthanc_with_kit: Orthanc, certificates: Certificates) -> Iterator[str]:
    """Return the address of one that takes only clients with a certificate."""
    with tls_in_front_of(orthanc_with_kit.http_port, certificates) as port:
        yield f"https://localhost:{port}"


@pytest.fixture(scope="module")
def locked(start_orthanc: StartOrthanc) -> Orthanc:
    """It takes only those who know the password."""
    server = start_orthanc(Settings(users={USER: PASSWORD}))
    server.fill(conformance_files().values())
    return server


def failures(transport: Transport) -> list[GurneyError]:
    """Return what searching and fetching raise."""
    attempts: tuple[Callable[[], object], ...] = (
        lambda: QidoRS(transport).find_studies(Query()),
        lambda: WadoRS(transport).get_dataset(INSTANCES[0]),
        lambda: WadoURI(transport).get_dataset(INSTANCES[0]),
    )
    return [failure(attempt) for attempt in attempts]


def failure(attempt: Callable[[], object]) -> GurneyError:
    with pytest.raises(GurneyError) as caught:
        attempt()
    return caught.value


def test_client_certificate_and_private_authority(
    guarded: str, certificates: Certificates, tmp_path: Path
) -> None:
    """With both, everything is found and fetched, by WADO-RS and by WADO-URI."""
    verify, cert = str(certificates.authority), str(certificates.client)
    with (
        Transport(f"{guarded}/dicom-web", verify=verify, cert=cert) as transport,
        Transport(f"{guarded}/wado", verify=verify, cert=cert) as wado,
    ):
        by_rs = Trolley(QidoRS(transport), WadoRS(transport))
        by_uri = Trolley(QidoRS(transport), WadoURI(wado))
        receipts = [
            trolley.download(trolley.find_studies(Query()), tmp_path / name)
            for name, trolley in {"rs": by_rs, "uri": by_uri}.items()
        ]

    assert [True, True] == [receipt.complete for receipt in receipts]
    assert [len(INSTANCES)] * 2 == [len(receipt.outcomes) for receipt in receipts]


def test_session_of_the_caller_brings_its_certificates(
    guarded: str, certificates: Certificates
) -> None:
    """What is set on a session holds, and the session is left as it was."""
    with requests.Session() as session:
        session.verify, session.cert = str(certificates.authority), str(certificates.client)
        before = {**vars(session)}
        found = QidoRS(f"{guarded}/dicom-web", session).find_studies(Query())

        assert len(TREE) == len(found)
        assert before == vars(session)


def test_unknown_authority_is_not_trusted(guarded: str, certificates: Certificates) -> None:
    """An archive that cannot prove who it is gets no question."""
    with Transport(
        f"{guarded}/dicom-web", cert=str(certificates.client), retries=ONCE
    ) as transport:
        errors = failures(transport)

    assert [AuthenticationError] * 3 == [type(error) for error in errors]
    assert all("certificate" in str(error) for error in errors)


def test_without_client_certificate_nobody_is_let_in(
    guarded: str, certificates: Certificates
) -> None:
    """The server closes the connection; that is neither an empty result nor a missing instance."""
    with Transport(
        f"{guarded}/dicom-web", verify=str(certificates.authority), retries=ONCE
    ) as transport:
        errors = failures(transport)

    assert all(isinstance(e, (AuthenticationError, ArchiveUnavailableError)) for e in errors)


def test_password_is_taken(locked: Orthanc, tmp_path: Path) -> None:
    """With it everything is found and fetched."""
    with Transport(locked.url, auth=HTTPBasicAuth(USER, PASSWORD)) as transport:
        trolley = Trolley(QidoRS(transport), WadoRS(transport))
        receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert receipt.complete
    assert len(INSTANCES) == len(receipt.outcomes)


@pytest.mark.parametrize(
    "auth", [None, HTTPBasicAuth(USER, "guessed"), HTTPBasicAuth("nobody", PASSWORD)]
)
def test_without_the_password_nobody_is_let_in(locked: Orthanc, auth: HTTPBasicAuth | None) -> None:
    """It is an error about credentials, which are not in it."""
    with Transport(locked.url, auth=auth) as transport:
        errors = failures(transport)

    assert [AuthenticationError] * 3 == [type(error) for error in errors]
    assert not any(secret in str(e) for e in errors for secret in (PASSWORD, "guessed", USER))


def test_refused_download_says_so_for_each_instance(locked: Orthanc, tmp_path: Path) -> None:
    """A receipt names what is missing, and why."""
    with Transport(locked.url) as transport:
        receipt = Trolley(QidoRS(transport), WadoRS(transport)).download(INSTANCES, tmp_path)

    assert set(INSTANCES) == set(receipt.missing)
    assert all("401" in outcome.reason for outcome in receipt.outcomes)
