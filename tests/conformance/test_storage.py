"""Folders do what every storage has to do, in each layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from gurney.storage import DEFAULT_LAYOUT, FLAT, FolderStorage, Layout
from gurney.testing import Contents, StorageConformance


class TestFolderStorage(StorageConformance):
    """By default: a folder for each study and series."""

    layout: Layout | str = DEFAULT_LAYOUT

    @pytest.fixture
    def storage(self, tmp_path: Path) -> FolderStorage:
        return FolderStorage(tmp_path / "out", self.layout, durable=False)

    @pytest.fixture
    def contents(self, tmp_path: Path) -> Contents:
        root = tmp_path / "out"

        def look() -> dict[str, bytes]:
            assert [] == [path for path in tmp_path.iterdir() if path != root]
            files = [path for path in root.rglob("*") if path.is_file()]
            return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

        return look


class TestFlatFolderStorage(TestFolderStorage):
    """All in one folder."""

    layout = FLAT


class TestNamedFolderStorage(TestFolderStorage):
    """By what is in the header; all instances of a series want one and the same name."""

    layout = "{PatientID}/{StudyDate}_{StudyDescription}/{Modality}.dcm"
