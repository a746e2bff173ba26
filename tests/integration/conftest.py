"""Real servers, one of each kind for all tests of a process, stopped whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.servers import dcmtk, orthanc, s3
from tests.servers.corpus import Loaded, load
from tests.servers.dcmqrscp import Dcmqrscp
from tests.servers.orthanc import Orthanc, Settings
from tests.servers.running import Server, reserved_ports
from tests.servers.s3 import S3
from tests.servers.storescp import Storescp
from tests.servers.tls import Certificates, make_certificates

from gurney.testing import conformance_files

Destinations = Mapping[str, int]
StartOrthanc = Callable[[Settings], Orthanc]
StartDcmqrscp = Callable[[Destinations, Sequence[str]], Dcmqrscp]
StartStorescp = Callable[[int | None, Certificates | None], Storescp]


@pytest.fixture(scope="session")
def start_orthanc() -> Iterator[StartOrthanc]:
    """Return a function that starts an empty Orthanc; skip where there is none, fail in CI."""
    if not orthanc.installed():
        lacking(f"no Orthanc with its DICOMweb plug-in on this machine: {orthanc.HOW_TO_INSTALL}")
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(Orthanc(folder_in(stack), settings))


@pytest.fixture(scope="session")
def start_dcmqrscp() -> Iterator[StartDcmqrscp]:
    """Return a function that starts an empty dcmqrscp; skip where there is none, fail in CI."""
    need_dcmtk()
    with ExitStack() as stack:
        yield lambda destinations, options: stack.enter_context(
            Dcmqrscp(folder_in(stack), destinations, options)
        )


@pytest.fixture(scope="session")
def start_storescp() -> Iterator[StartStorescp]:
    """Return a function that starts a storescp at a port, with TLS if it gets certificates."""
    need_dcmtk()
    with ExitStack() as stack:
        yield lambda port, certificates: stack.enter_context(
            Storescp(folder_in(stack), port, certificates)
        )


@pytest.fixture(scope="session")
def destinations() -> Iterator[Destinations]:
    """Return ports of this machine that C-MOVE may send to, by AE title: ours, and somebody's."""
    with reserved_ports(3) as ports:
        yield dict(zip(("GURNEY", "GURNEY2", Storescp.ae_title), ports, strict=True))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates of one private authority."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """Return an object store that holds no bucket; skip where there is none, fail in CI."""
    if not s3.installed():
        lacking(f"no S3-compatible server on this machine: {s3.HOW_TO_INSTALL}")
    with ExitStack() as stack:
        yield stack.enter_context(S3(folder_in(stack)))


def need_dcmtk() -> None:
    """Skip where there are no programs of DCMTK; in CI, fail."""
    if not dcmtk.installed():
        lacking(f"no DCMTK on this machine: {dcmtk.HOW_TO_INSTALL}")


def lacking(problem: str) -> None:
    """Skip what needs it; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)


def folder_in(stack: ExitStack) -> Path:
    return Path(stack.enter_context(TemporaryDirectory(prefix="gurney-server-")))


@pytest.fixture(scope="session")
def orthanc_with_kit(start_orthanc: StartOrthanc, destinations: Destinations) -> Orthanc:
    """It holds what the conformance kit wants an archive to hold."""
    server = start_orthanc(Settings(destinations=destinations))
    server.fill(conformance_files().values())
    return server


@pytest.fixture(scope="session")
def loaded(start_orthanc: StartOrthanc, corpus: Path, destinations: Destinations) -> Loaded:
    """Return a server that holds what it takes of the corpus of real files."""
    return load(corpus, start_orthanc(Settings(destinations=destinations)))


@pytest.fixture(scope="session")
def capped_corpus(start_orthanc: StartOrthanc, corpus: Path) -> Loaded:
    """Return one that never gives more than five of anything, and says nothing about it."""
    return load(corpus, start_orthanc(Settings(limit_results=5, limit_instances=5)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test wrote last."""
    report = yield
    if report.failed:
        values: dict[str, object] = getattr(item, "funcargs", {})
        for name, value in values.items():
            server = value.server if isinstance(value, Loaded) else value
            if isinstance(server, Server):
                report.sections.append((f"log of {name}", server.log))
    return report
