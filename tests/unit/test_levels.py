"""Levels: an order of objects, a depth of searches, and the way between them."""

from __future__ import annotations

import pytest

from gurney.core import DICOMObjectLevels, QueryLevels


def test_study_is_highest_and_instance_lowest() -> None:
    """The order is that of the tree, so that `max_level` means what it says."""
    assert [
        DICOMObjectLevels.INSTANCE,
        DICOMObjectLevels.SERIES,
        DICOMObjectLevels.STUDY,
    ] == sorted(DICOMObjectLevels)
    assert (0, 1, 2) == tuple(sorted(DICOMObjectLevels))


@pytest.mark.parametrize("level", DICOMObjectLevels)
def test_object_level_survives_the_way_through_query_levels(level: DICOMObjectLevels) -> None:
    """Each object level has one query level, and back."""
    assert level is DICOMObjectLevels.from_query_level(QueryLevels.from_object_level(level))


@pytest.mark.parametrize("level", QueryLevels)
def test_query_level_survives_the_way_through_object_levels(level: QueryLevels) -> None:
    """Each query level has one object level, and back."""
    assert level is QueryLevels.from_object_level(DICOMObjectLevels.from_query_level(level))


def test_query_level_is_the_text_it_stands_for() -> None:
    """A level read from a file or a command line is found by its value."""
    assert QueryLevels.SERIES is QueryLevels("SERIES")
    assert "INSTANCE" == QueryLevels.INSTANCE
