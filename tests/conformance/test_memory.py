"""Archive and storage in memory do what every backend has to do."""

from __future__ import annotations

import pytest

from gurney.core import ExtendedQuery
from gurney.testing import (
    Contents,
    FileDownloaderConformance,
    MemoryArchive,
    MemoryStorage,
    SearcherConformance,
    SearcherFeatures,
    StorageConformance,
    conformance_datasets,
    keys_of,
)


@pytest.fixture(scope="module")
def archive() -> MemoryArchive:
    return MemoryArchive(conformance_datasets())


class TestMemorySearcher(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, archive: MemoryArchive) -> MemoryArchive:
        return archive

    @pytest.fixture
    def capped_searcher(self) -> MemoryArchive:
        return MemoryArchive(conformance_datasets(), cap=3)


class TestMemoryDownloader(FileDownloaderConformance):
    """It gives the bytes it was filled with."""

    @pytest.fixture
    def downloader(self, archive: MemoryArchive) -> MemoryArchive:
        return archive


class TestMemoryStorage(StorageConformance):
    """It keeps the very bytes."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return MemoryStorage()

    @pytest.fixture
    def contents(self, storage: MemoryStorage) -> Contents:
        return lambda: {str(reference): content for reference, content in storage.files.items()}
