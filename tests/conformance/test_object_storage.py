"""Object stores do what every storage has to do: in memory, and in folders."""

from __future__ import annotations

from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gurney.storage import FLAT, Layout, ObjectStorage
from gurney.storage.layout import DEFAULT_LAYOUT
from gurney.testing import Contents, StorageConformance

_number = count()


class TestObjectStorageInMemory(StorageConformance):
    """fsspec's ``memory://``."""

    layout: Layout | str = DEFAULT_LAYOUT

    @pytest.fixture
    def url(self) -> str:
        return f"memory://storage-{next(_number)}/below"

    @pytest.fixture
    def storage(self, url: str) -> ObjectStorage:
        return ObjectStorage(url, self.layout)

    @pytest.fixture
    def contents(self, url: str) -> Contents:
        def look() -> dict[str, bytes]:
            fsspec: Any = import_module("fsspec")
            files, root = fsspec.url_to_fs(url)
            found: list[str] = files.find(root)
            return {path.removeprefix(f"{root}/"): files.cat_file(path) for path in found}

        return look


class TestFlatObjectStorage(TestObjectStorageInMemory):
    """All below one prefix."""

    layout = FLAT


class TestCrowdedObjectStorage(TestObjectStorageInMemory):
    """All instances of a series want one and the same name."""

    layout = "{StudyInstanceUID}/{SeriesInstanceUID}.dcm"


class TestObjectStorageOnDisk(TestObjectStorageInMemory):
    """fsspec's ``file://``."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"file://{tmp_path}/out"
