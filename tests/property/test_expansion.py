"""Laws of expansion: idempotence, order, nothing lost and nothing made up."""

from __future__ import annotations

from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    InstanceReference,
    NoReferencesFoundError,
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
from gurney.testing.strategies import instance_references, references, studies

LEVELS: st.SearchStrategy[DICOMObjectLevels] = st.sampled_from(list(DICOMObjectLevels))
WHOLE = st.lists(studies(DICOMObjectLevels.INSTANCE), max_size=4)


@given(WHOLE, LEVELS)
def test_expansion_is_idempotent(objects: list[Study], level: DICOMObjectLevels) -> None:
    """References at a level expand to themselves at that level, and at any higher one."""
    once = to_references(objects, level)

    for higher in DICOMObjectLevels:
        if higher >= level:
            assert once == to_references(once, higher)


@given(WHOLE, LEVELS)
def test_expansion_names_every_object_of_the_level_in_tree_order(
    objects: list[Study], level: DICOMObjectLevels
) -> None:
    """Nothing is lost, nothing is made up."""
    expected: dict[DICOMObjectLevels, list[DICOMObjectReference]] = {
        DICOMObjectLevels.STUDY: [study.reference() for study in objects],
        DICOMObjectLevels.SERIES: [s.reference() for study in objects for s in study.series],
        DICOMObjectLevels.INSTANCE: [
            instance.reference()
            for study in objects
            for s in study.series
            for instance in s.instances
        ],
    }

    assert expected[level] == list(to_references(objects, level))


@given(WHOLE, WHOLE, LEVELS)
def test_expansion_of_a_sum_is_the_sum_of_expansions(
    one: list[Study], other: list[Study], level: DICOMObjectLevels
) -> None:
    """So work may be split and put together again."""
    assert to_references(one + other, level) == (
        to_references(one, level) + to_references(other, level)
    )


@given(WHOLE, LEVELS)
def test_every_way_to_expand_gives_the_same(objects: list[Study], level: DICOMObjectLevels) -> None:
    """One by one, all at once, lazily, by shorthand, from a generator."""
    together = to_references((study for study in objects), level)

    assert together == tuple(
        chain.from_iterable(contained_references(study, level) for study in objects)
    )
    assert together == tuple(iter_references(objects, level))
    if level is DICOMObjectLevels.INSTANCE:
        assert together == to_instance_refs(objects)
    if level is DICOMObjectLevels.SERIES:
        assert together == to_series_level_refs(objects)


@given(WHOLE)
def test_expansion_by_steps_is_expansion(objects: list[Study]) -> None:
    """To series and then each of them to instances, or to instances at once."""
    stepwise = chain.from_iterable(
        contained_references(series, DICOMObjectLevels.INSTANCE)
        for study in objects
        for series in study.series
    )

    assert to_instance_refs(objects) == tuple(stepwise)


@given(st.lists(studies(), min_size=1, max_size=4), LEVELS)
def test_unexpanded_branch_is_an_error_that_names_the_first(
    objects: list[Study], level: DICOMObjectLevels
) -> None:
    """Ragged trees expand whole or not at all; the first branch that ends too high is named."""
    short = [ref for study in objects for ref in ends_above(study, level)]
    if not short:
        assert len(to_references(objects, level)) >= len(objects)
        return

    with pytest.raises(NoReferencesFoundError) as caught:
        to_references(objects, level)
    assert (str(short[0]), level.name.lower()) == (caught.value.subject, caught.value.wanted)


def ends_above(obj: DICOMDownloadable, level: DICOMObjectLevels) -> list[DICOMObjectReference]:
    """Return references to what is above *level* and has no children, in tree order."""
    if obj.level <= level:
        return []
    if not obj.children:
        return [obj.reference()]
    return [ref for child in obj.children for ref in ends_above(child, level)]


@given(st.lists(st.integers(0, 5)))
def test_unique_is_a_set_in_order(items: list[int]) -> None:
    """Each once, at its first place; once more changes nothing."""
    found = list(unique(items))

    assert list(dict.fromkeys(items)) == found
    assert found == list(unique(found))


@given(st.lists(st.integers()), st.integers(1, 7))
def test_chunks_put_together_are_the_whole(items: list[int], size: int) -> None:
    """All but the last have the size asked for, and none is empty."""
    chunks = list(chunked(items, size))

    assert items == list(chain.from_iterable(chunks))
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(1 <= len(chunk) <= size for chunk in chunks)


@given(st.lists(st.integers(), min_size=1), st.integers(1, 7), st.integers(0, 3))
def test_chunks_read_no_further_than_they_must(items: list[int], size: int, taken: int) -> None:
    """A stream behind may be slow, or paid for by the item."""
    stream = iter(items)
    list(islice(chunked(stream, size), taken))

    assert items[taken * size :] == list(stream)


@given(st.lists(references()))
def test_groups_by_study_put_together_are_the_whole(refs: list[DICOMObjectReference]) -> None:
    """Nothing is lost, each group is of one study, and order is kept within it."""
    groups = group_by_study(refs)

    assert list(unique(StudyReference(ref.study_uid) for ref in refs)) == list(groups)
    for study, group in groups.items():
        assert [ref for ref in refs if ref.study_uid == study.study_uid] == list(group)


@given(st.lists(instance_references()))
def test_groups_by_series_put_together_are_the_whole(refs: list[InstanceReference]) -> None:
    """As by study."""
    groups = group_by_series(refs)
    series = [SeriesReference(ref.study_uid, ref.series_uid) for ref in refs]

    assert list(unique(series)) == list(groups)
    for key, group in groups.items():
        assert [ref for ref, of in zip(refs, series, strict=True) if of == key] == list(group)
