"""MINT and RAD-69 do what every backend has to do, against the archive that behaves well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gurney.caching import CachedSearcher
from gurney.core import DICOMObjectLevels, ExtendedQuery, Searcher
from gurney.legacy import LegacyArchive, Mint, Rad69
from gurney.testing import (
    DownloaderFeatures,
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    keys_of,
)
from gurney.testing.legacy import LegacyServer

INSTANCES_ONLY = DownloaderFeatures(max_level=DICOMObjectLevels.INSTANCE)


@pytest.fixture(scope="module")
def server() -> Iterator[LegacyServer]:
    with LegacyServer(conformance_datasets()) as server:
        yield server


@pytest.fixture(scope="module")
def capped() -> Iterator[LegacyServer]:
    with LegacyServer(conformance_datasets(), ["X16"], page=2) as server:
        yield server


class TestMint(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, server: LegacyServer) -> Searcher:
        return Mint(server.mint)

    @pytest.fixture
    def capped_searcher(self, capped: LegacyServer) -> Searcher:
        return Mint(capped.mint, max_requests=2)


class TestMintRelational(TestMint):
    """The same, with the series and instances of all studies in one answer."""

    @pytest.fixture
    def searcher(self, server: LegacyServer) -> Searcher:
        return Mint(server.mint, relational=True)


class TestMintCached(TestMint):
    """The same from a cache."""

    @pytest.fixture
    def searcher(self, server: LegacyServer) -> CachedSearcher:
        return CachedSearcher(Mint(server.mint))

    @pytest.fixture
    def capped_searcher(self, capped: LegacyServer) -> CachedSearcher:
        return CachedSearcher(Mint(capped.mint, max_requests=2))


class TestRad69(FileDownloaderConformance):
    """It gives the bytes that the archive holds."""

    features = INSTANCES_ONLY

    @pytest.fixture
    def downloader(self, server: LegacyServer) -> Rad69:
        return Rad69(server.rad69)


class TestRad69PlainSOAP(FileDownloaderConformance):
    """The same, asked one by one in plain SOAP, where the documents are inside of the XML."""

    features = INSTANCES_ONLY

    @pytest.fixture
    def downloader(self) -> Iterator[Rad69]:
        with LegacyServer(conformance_datasets(), ["X17"]) as server:
            yield Rad69(server.rad69, documents=1, mtom=False)


class TestLegacyArchiveFetches(FileDownloaderConformance):
    """Both together, as an archive."""

    features = INSTANCES_ONLY

    @pytest.fixture
    def downloader(self, server: LegacyServer) -> LegacyArchive:
        return LegacyArchive(server.mint, server.rad69)
