"""What is wanted whole is asked for whole, in one request; the rest instance by instance."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    Series,
    SeriesReference,
    Study,
    put,
    to_instance_refs,
)
from gurney.testing import MemoryArchive
from gurney.trolley.asking import to_be_asked
from gurney.trolley.resolution import resolve

A1, A2 = InstanceReference("1", "1.1", "1.1.1"), InstanceReference("1", "1.1", "1.1.2")
B1 = InstanceReference("1", "1.2", "1.2.1")
SERIES_A, SERIES_B = SeriesReference("1", "1.1"), SeriesReference("1", "1.2")


def counted(count: int | None, keyword: str = "NumberOfSeriesRelatedInstances") -> Dataset:
    data = Dataset()
    if count is not None:
        put(data, keyword, [count])
    return data


def series_a(count: int | None = None) -> Series:
    return Series("1.1", counted(count), [Instance("1.1.1"), Instance("1.1.2")])


def series_b(count: int | None = None) -> Series:
    return Series("1.2", counted(count), [Instance("1.2.1")])


def study(*series: Series, data: Dataset | None = None) -> Study:
    return Study("1", data or Dataset(), series or (series_a(), series_b()))


def asked(
    *objects: DICOMDownloadable, there: Collection[DICOMObjectReference | None] = ()
) -> list[DICOMObjectReference]:
    resolution = resolve(MemoryArchive(), objects, DICOMObjectLevels.INSTANCE)
    found = to_be_asked(resolution, there)
    wanted = [ref for ref in to_instance_refs(objects) if ref not in there]
    assert sorted(set(wanted)) == sorted(to_instance_refs(found))  # whatever the form
    return [obj.reference() for obj in found]


def test_a_whole_study_is_one_request() -> None:
    """Nothing speaks against it: everything that is known of a study is wanted."""
    assert [study().reference()] == asked(study())


def test_a_whole_study_says_that_it_is_whole() -> None:
    """A downloader that sees a tree cannot know whether it is all there is; the counts tell it."""
    resolution = resolve(MemoryArchive(), [study()], DICOMObjectLevels.INSTANCE)
    (found,) = to_be_asked(resolution)

    assert isinstance(found, Study)
    assert 3 == found.data.NumberOfStudyRelatedInstances


def test_what_is_there_is_not_asked_for_again() -> None:
    """A series of which something is there is asked for by instance, the others whole."""
    assert [A2, SERIES_B] == asked(study(), there=[A1])
    assert [SERIES_B] == asked(study(), there=[A1, A2])
    assert [] == asked(study(), there=[A1, A2, B1])


def test_some_series_of_a_study() -> None:
    """The caller chose two series of five; the study as a whole would bring all five."""
    some = study(data=counted(5, "NumberOfStudyRelatedSeries"))

    assert [SERIES_A, SERIES_B] == asked(some)


@pytest.mark.parametrize("listed", [series_a(count=100), series_a(count=1)])
def test_some_instances_of_a_series(listed: Series) -> None:
    """The archive counts others than are wanted: the series as a whole is something else."""
    assert [A1, A2, B1] == asked(study(listed, series_b(1)))


def test_references_are_asked_for_as_they_are() -> None:
    """Nobody knows whether three instances are all of their series."""
    assert [A1, A2, B1] == asked(A1, A2, B1)


def test_overlapping_objects_are_asked_for_once() -> None:
    """An instance that was named, and the series that it is in."""
    assert [A1, A2, SERIES_B] == asked(A1, study())
