"""What comes from a cache does what every searcher has to do, whoever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from gurney.caching import CachedSearcher
from gurney.core import ExtendedQuery, Query, Searcher, SearchResult
from gurney.dicomweb import QidoRS
from gurney.dimse import CFind, Peer
from gurney.folder import FolderArchive
from gurney.testing import (
    MemoryArchive,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    conformance_files,
    keys_of,
)
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.dimse import DIMSEServer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> FolderArchive:
    folder = tmp_path_factory.mktemp("archive")
    for number, content in enumerate(conformance_files().values()):
        (folder / f"file {number}").write_bytes(content)
    return FolderArchive(folder, index=tmp_path_factory.mktemp("index") / "index.sqlite")


@pytest.fixture(scope="module")
def qido() -> Iterator[QidoRS]:
    with DICOMwebServer(conformance_datasets()) as server:
        yield QidoRS(server.url)


@pytest.fixture(scope="module")
def c_find() -> Iterator[CFind]:
    with DIMSEServer(conformance_datasets()) as server:
        yield CFind(Peer("127.0.0.1", server.port, server.ae_title))


@attrs.frozen
class Twice(Searcher):
    """Asks twice, and gives the second answer."""

    searcher: CachedSearcher

    def find_studies(self, query: Query, /) -> SearchResult:
        self.searcher.find_studies(query)
        return self.searcher.find_studies(query)


class Cached(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, source: Searcher, tmp_path: Path) -> Iterator[Twice]:
        with CachedSearcher(source, tmp_path / "answers.db", name="archive") as cached:
            yield Twice(cached)

    @pytest.fixture
    def capped_searcher(self) -> Twice:
        return Twice(CachedSearcher(MemoryArchive(conformance_datasets(), cap=3)))


class TestInMemory(Cached):
    """Around an archive in memory, in memory."""

    @pytest.fixture
    def searcher(self) -> Twice:
        return Twice(CachedSearcher(MemoryArchive(conformance_datasets())))


class TestAroundFolder(Cached):
    """Around a folder of files."""

    @pytest.fixture
    def source(self, folder: FolderArchive) -> FolderArchive:
        return folder


class TestAroundQidoRS(Cached):
    """Around QIDO-RS."""

    @pytest.fixture
    def source(self, qido: QidoRS) -> QidoRS:
        return qido


class TestAroundCFind(Cached):
    """Around C-FIND."""

    @pytest.fixture
    def source(self, c_find: CFind) -> CFind:
        return c_find
