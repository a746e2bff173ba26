"""The DICOMweb clients do what every backend has to do, against the archive that behaves well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gurney.core import DICOMObjectLevels, ExtendedQuery
from gurney.dicomweb import QidoRS, WadoRS, WadoURI
from gurney.testing import (
    DownloaderFeatures,
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    keys_of,
)
from gurney.testing.dicomweb import DICOMwebServer


@pytest.fixture(scope="module")
def server() -> Iterator[DICOMwebServer]:
    with DICOMwebServer(conformance_datasets()) as server:
        yield server


@pytest.fixture(scope="module")
def capped() -> Iterator[DICOMwebServer]:
    with DICOMwebServer(conformance_datasets(), ["Q08"], page=2) as server:
        yield server


class TestQidoRS(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, server: DICOMwebServer) -> QidoRS:
        return QidoRS(server.url)

    @pytest.fixture
    def capped_searcher(self, capped: DICOMwebServer) -> QidoRS:
        return QidoRS(capped.url, max_requests=2)


class TestWadoRS(FileDownloaderConformance):
    """It gives the bytes that the archive holds."""

    @pytest.fixture
    def downloader(self, server: DICOMwebServer) -> WadoRS:
        return WadoRS(server.url)


class TestWadoURI(FileDownloaderConformance):
    """The same, of instances only."""

    features = DownloaderFeatures(max_level=DICOMObjectLevels.INSTANCE)

    @pytest.fixture
    def downloader(self, server: DICOMwebServer) -> WadoURI:
        return WadoURI(server.wado_uri)
