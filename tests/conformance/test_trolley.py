"""A trolley searches as its searcher does, and a class need not know gurney to pass."""

from __future__ import annotations

import pytest

from gurney import Trolley
from gurney.core import ExtendedQuery
from gurney.testing import (
    MemoryArchive,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    keys_of,
)


class TestTrolleyAsSearcher(SearcherConformance):
    """It passes queries on, and results back."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self) -> Trolley:
        archive = MemoryArchive(conformance_datasets())
        return Trolley(archive, archive)

    @pytest.fixture
    def capped_searcher(self) -> Trolley:
        archive = MemoryArchive(conformance_datasets(), cap=2)
        return Trolley(archive, archive)
