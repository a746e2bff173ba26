"""A folder of files does what every searcher and downloader has to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gurney.core import ExtendedQuery
from gurney.folder import FolderArchive
from gurney.testing import (
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_files,
    keys_of,
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> FolderArchive:
    """Files whose names say nothing, some in folders."""
    folder = tmp_path_factory.mktemp("archive")
    for number, content in enumerate(conformance_files().values()):
        place = folder / ("top", "a", "a/b")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file {number}").write_bytes(content)
    return FolderArchive(folder, index=tmp_path_factory.mktemp("index") / "index.sqlite")


class TestFolderSearcher(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, archive: FolderArchive) -> FolderArchive:
        return archive


class TestFolderSearcherAnew(SearcherConformance):
    """It finds by every key, each time with an index that is read from its file."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, archive: FolderArchive) -> FolderArchive:
        return FolderArchive(archive.path, index=archive.index)


class TestFolderDownloader(FileDownloaderConformance):
    """It gives the bytes of its files."""

    @pytest.fixture
    def downloader(self, archive: FolderArchive) -> FolderArchive:
        return archive


def test_seeding_left_nothing_else(archive: FolderArchive) -> None:
    """What the kit finds in the folder is all that is there."""
    files = [path for path in Path(archive.path).rglob("*") if path.is_file()]

    assert len(conformance_files()) == len(files)
