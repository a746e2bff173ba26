"""Over a real Orthanc, the backends for DICOMweb do what every searcher and downloader has to."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from tests.servers.orthanc import Orthanc, Settings

from gurney.core import DICOMObjectLevels, ExtendedQuery
from gurney.dicomweb import DICOMwebArchive, QidoRS, WadoRS, WadoURI
from gurney.http import Transport
from gurney.testing import (
    DownloaderFeatures,
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_files,
    keys_of,
)

from .conftest import StartOrthanc

EVERY_KEY = SearcherFeatures(keys=keys_of(ExtendedQuery))


@pytest.fixture(scope="module")
def archive(orthanc_with_kit: Orthanc) -> Iterator[DICOMwebArchive]:
    with DICOMwebArchive(orthanc_with_kit.url) as archive:
        yield archive


@pytest.fixture(scope="module")
def line(orthanc_with_kit: Orthanc) -> Iterator[Transport]:
    with Transport(orthanc_with_kit.url) as transport:
        yield transport


@pytest.fixture(scope="module")
def capped(start_orthanc: StartOrthanc) -> Orthanc:
    server = start_orthanc(Settings(limit_results=2, limit_instances=2))
    server.fill(conformance_files().values())
    return server


class TestQidoRS(SearcherConformance):
    """It finds by every key; an archive that stops early is found out."""

    features = EVERY_KEY

    @pytest.fixture
    def searcher(self, line: Transport) -> QidoRS:
        return QidoRS(line)

    @pytest.fixture
    def capped_searcher(self, capped: Orthanc) -> QidoRS:
        return QidoRS(capped.url, max_requests=1)


class TestRelationalQidoRS(SearcherConformance):
    """As `TestQidoRS`, asking for series and instances of all studies at once."""

    features = EVERY_KEY

    @pytest.fixture
    def searcher(self, line: Transport) -> QidoRS:
        return QidoRS(line, relational=True)

    @pytest.fixture
    def capped_searcher(self, capped: Orthanc) -> QidoRS:
        return QidoRS(capped.url, relational=True, max_requests=1)


@pytest.mark.filterwarnings("ignore::gurney.core.IncompleteResultWarning")
class TestQidoRSOverLimits(SearcherConformance):
    """An archive that never gives more than two of anything is asked until it has given all.

    That there are no studies without a date, it cannot prove; so no result of several is COMPLETE.
    """

    features = attrs.evolve(EVERY_KEY, states_completeness=False)

    @pytest.fixture
    def searcher(self, capped: Orthanc) -> QidoRS:
        return QidoRS(capped.url)


class TestWadoRS(FileDownloaderConformance):
    """Every level, and the bytes that are stored."""

    @pytest.fixture
    def downloader(self, line: Transport) -> WadoRS:
        return WadoRS(line)


class TestWadoURI(FileDownloaderConformance):
    """Instances only."""

    features = DownloaderFeatures(max_level=DICOMObjectLevels.INSTANCE)

    @pytest.fixture
    def downloader(self, orthanc_with_kit: Orthanc) -> WadoURI:
        return WadoURI(orthanc_with_kit.wado_url)


class TestArchive(FileDownloaderConformance):
    """All in one, as it comes from an address; its searching is that of `QidoRS`."""

    @pytest.fixture
    def downloader(self, archive: DICOMwebArchive) -> DICOMwebArchive:
        return archive
