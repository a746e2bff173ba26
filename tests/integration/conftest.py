"""Real servers, one of each kind for all tests of a process, stopped whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.servers.corpus import Loaded, load
from tests.servers.orthanc import HOW_TO_INSTALL, Orthanc, Settings, installed

from gurney.testing import conformance_files

StartOrthanc = Callable[[Settings], Orthanc]


@pytest.fixture(scope="session")
def start_orthanc() -> Iterator[StartOrthanc]:
    """Return a function that starts an empty Orthanc; skip where there is none, fail in CI."""
    if not installed():
        problem = f"no Orthanc with its DICOMweb plug-in on this machine: {HOW_TO_INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(problem)
    with ExitStack() as stack:

        def start(settings: Settings) -> Orthanc:
            folder = stack.enter_context(TemporaryDirectory(prefix="gurney-orthanc-"))
            return stack.enter_context(Orthanc(Path(folder), settings))

        yield start


@pytest.fixture(scope="session")
def orthanc_with_kit(start_orthanc: StartOrthanc) -> Orthanc:
    """It holds what the conformance kit wants an archive to hold."""
    server = start_orthanc(Settings())
    server.fill(conformance_files().values())
    return server


@pytest.fixture(scope="session")
def loaded(start_orthanc: StartOrthanc, corpus: Path) -> Loaded:
    """Return a server that holds what it takes of the corpus of real files."""
    return load(corpus, start_orthanc(Settings()))


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
            if isinstance(server, Orthanc):
                report.sections.append((f"log of {name}", server.log))
    return report
