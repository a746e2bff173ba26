"""Expansion: pure functions over anything that has the shape of an object."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    Instance,
    InstanceReference,
    InvalidInputError,
    NonInstanceParameterError,
    NonSeriesParameterError,
    NoReferencesFoundError,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    chunked,
    contained_references,
    group_by_series,
    group_by_study,
    iter_references,
    to_instance_refs,
    to_references,
    to_series_level_refs,
    unique,
)

STUDY, SERIES, INSTANCE = (
    DICOMObjectLevels.STUDY,
    DICOMObjectLevels.SERIES,
    DICOMObjectLevels.INSTANCE,
)


@pytest.fixture
def study() -> Study:
    """Return a study of two series, the second listed first, with two instances each."""
    return Study(
        "1",
        series=[
            Series("1.2", instances=[Instance("1.2.2"), Instance("1.2.1")]),
            Series("1.1", instances=[Instance("1.1.1")]),
        ],
    )


def test_expansion_to_each_level(study: Study) -> None:
    """What is deep enough stays as it is, what is above is opened, in tree order."""
    assert (StudyReference("1"),) == contained_references(study, STUDY)
    assert (SeriesReference("1", "1.2"), SeriesReference("1", "1.1")) == (
        contained_references(study, SERIES)
    )
    assert (
        InstanceReference("1", "1.2", "1.2.2"),
        InstanceReference("1", "1.2", "1.2.1"),
        InstanceReference("1", "1.1", "1.1.1"),
    ) == contained_references(study, INSTANCE)


def test_order_of_objects_is_kept(study: Study) -> None:
    """References come in the order of the objects, whatever their level."""
    objects: list[DICOMDownloadable] = [
        SeriesReference("9", "9.1"),
        study.series[1],
        StudyReference("0"),
    ]

    assert (
        SeriesReference("9", "9.1"),
        SeriesReference("1", "1.1"),
        StudyReference("0"),
    ) == to_references(objects, STUDY)


def test_nothing_expands_to_nothing() -> None:
    """An empty search result is not an error."""
    assert () == to_references([], INSTANCE)
    assert () == to_instance_refs(iter(()))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_unexpanded_branch_is_an_error_that_names_it(place: int) -> None:
    """To leave a series out in silence would lose its instances."""
    series = [Series(f"1.{n}", instances=[Instance(f"1.{n}.1")]) for n in range(2)]
    series.insert(place, Series("1.9"))

    with pytest.raises(NoReferencesFoundError) as caught:
        contained_references(Study("1", series=series), INSTANCE)

    assert "1/1.9 holds no instance references; search for it again at instance level" == (
        str(caught.value)
    )


def test_the_right_error_for_a_downloader_of_instances(study: Study) -> None:
    """A caller learns how deep to search."""
    with pytest.raises(NonInstanceParameterError, match=r"^1 holds no instance references"):
        to_instance_refs([StudyReference("1")])
    with pytest.raises(NonInstanceParameterError, match=r"^2/2\.1 holds no instance references"):
        to_instance_refs([study, SeriesReference("2", "2.1")])


def test_the_right_error_for_a_downloader_of_series(study: Study) -> None:
    """A study without series is refused; series and instances are good enough."""
    with pytest.raises(NonSeriesParameterError, match=r"^2 holds no series references"):
        to_series_level_refs([study, Study("2")])

    instance = InstanceReference("1", "1.1", "1.1.1")
    assert (SeriesReference("1", "1.1"), instance) == (
        to_series_level_refs([study.series[1], instance])
    )


def test_error_of_expansion_survives_pickling() -> None:
    """A worker process says which object could not be expanded."""
    with pytest.raises(NonInstanceParameterError) as caught:
        to_instance_refs([StudyReference("1")])
    other = pickle.loads(pickle.dumps(caught.value))

    assert str(caught.value) == str(other)
    assert ("1", "instance") == (other.subject, other.wanted)


# ---------------------------------------------------------------- foreign classes


class Slide:
    """Somebody else's class: no base, no import of ours but what it returns."""

    level = DICOMObjectLevels.SERIES

    def __init__(self, tiles: int) -> None:
        self.children: Sequence[Tile] = [Tile(number) for number in range(tiles)]

    def reference(self) -> SeriesReference:
        return SeriesReference("1", "1.2")


class Tile:
    """The same, one level deeper."""

    level = DICOMObjectLevels.INSTANCE
    children: Sequence[Tile] = ()

    def __init__(self, number: int) -> None:
        self.number = number

    def reference(self) -> InstanceReference:
        return InstanceReference("1", "1.2", f"1.2.{self.number}")


def test_foreign_classes_of_the_right_shape_are_expanded(study: Study) -> None:
    """Shape is all that counts, and kinds may be mixed."""
    assert (
        InstanceReference("1", "1.2", "1.2.0"),
        InstanceReference("1", "1.2", "1.2.1"),
        InstanceReference("1", "1.1", "1.1.1"),
    ) == to_instance_refs([Slide(2), study.series[1]])


def test_foreign_class_without_children_is_named_in_the_error() -> None:
    """An error about somebody's object speaks of its reference."""
    with pytest.raises(NonInstanceParameterError, match=r"^1/1\.2 holds no instance"):
        to_instance_refs([Slide(0)])


# ---------------------------------------------------------------- lazy


def endless() -> Iterator[Study]:
    """More studies than anyone may read ahead; it ends, so that a test that fails does too."""
    for n in range(1, 1000):
        yield Study(f"{n}", series=[Series(f"{n}.1"), Series(f"{n}.2")])
    raise AssertionError("the whole stream was read")


def test_iter_references_streams_an_endless_generator() -> None:
    """Nothing is read that was not asked for."""
    studies = endless()
    first = list(islice(iter_references(studies, SERIES), 3))

    assert ["1/1.1", "1/1.2", "2/2.1"] == [str(reference) for reference in first]
    assert "3" == next(studies).uid


def test_iter_references_yields_whole_objects_before_an_error() -> None:
    """What came before the bad object is there; of the bad object nothing is."""
    bad = Study("2", series=[Series("2.1", instances=[Instance("2.1.1")]), Series("2.2")])
    good = Study("1", series=[Series("1.1", instances=[Instance("1.1.1")])])
    stream = iter_references([good, bad, good], INSTANCE)

    assert InstanceReference("1", "1.1", "1.1.1") == next(stream)
    with pytest.raises(NoReferencesFoundError, match=r"^2/2\.2 "):
        next(stream)


def test_unique_keeps_first_places() -> None:
    """Each once, where it came first."""
    assert [3, 1, 2] == list(unique([3, 1, 3, 2, 1]))


def test_unique_is_lazy() -> None:
    """Nothing is read that was not asked for."""
    numbers = iter(range(1000))
    first = list(islice(unique(n // 2 for n in numbers), 3))

    assert [0, 1, 2] == first
    assert 5 == next(numbers)


def test_chunked_is_lazy() -> None:
    """Only the chunk that is asked for is read."""
    numbers = iter(range(1000))
    first = next(chunked(numbers, 3))

    assert (0, 1, 2) == first
    assert 3 == next(numbers)


@pytest.mark.parametrize("size", [0, -1])
def test_chunks_of_nothing_are_refused_at_once(size: int) -> None:
    """The error comes with the call, not with the first chunk."""
    with pytest.raises(InvalidInputError, match=f"not {size}"):
        chunked([1], size)


def test_groups_are_in_order_of_first_appearance() -> None:
    """What belongs together comes together, and nothing is sorted."""
    a, b = InstanceReference("2", "2.1", "x"), InstanceReference("1", "1.1", "x")
    c, d = InstanceReference("2", "2.2", "x"), InstanceReference("2", "2.1", "y")

    assert [(StudyReference("2"), (a, c, d)), (StudyReference("1"), (b,))] == list(
        group_by_study([a, b, c, d]).items()
    )
    assert [
        (SeriesReference("2", "2.1"), (a, d)),
        (SeriesReference("1", "1.1"), (b,)),
        (SeriesReference("2", "2.2"), (c,)),
    ] == list(group_by_series([a, b, c, d]).items())
