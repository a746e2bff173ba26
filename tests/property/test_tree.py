"""Laws of the study tree: links, equality and order, whatever is done to it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import attrs
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.core import DICOMObject, DICOMObjectLevels, Series, Study
from gurney.testing.strategies import datasets, series, studies, uids

COPIES: dict[str, Callable[[Study], Study]] = {
    "evolve": attrs.evolve,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda study: pickle.loads(pickle.dumps(study)),
    "rebuilt": lambda study: Study(study.uid, study.data, series=study.series),
    "a study of copied series": lambda study: Study(study.uid, series=map(copy.copy, study.series)),
}


def assert_linked(study: Study) -> None:
    for child in study.series:
        assert study is child.parent
        for instance in child.instances:
            assert child is instance.parent


@given(studies(), st.lists(st.sampled_from(sorted(COPIES)), max_size=4))
def test_every_copy_is_equal_and_every_tree_stays_linked(study: Study, ways: list[str]) -> None:
    """Copies of copies, by any way: all equal, each a tree of its own, none disturbed."""
    trees = [study]
    for way in ways:
        trees.append(COPIES[way](trees[-1]))

    for tree in trees:
        assert_linked(tree)
    assert 1 == len(set(trees))
    parts = [part for tree in trees for part in (tree, *tree.series, *tree.all_instances())]
    assert len(parts) == len({id(part) for part in parts})


@given(st.lists(studies(), min_size=1), uids())
def test_series_of_many_studies_in_one_leave_the_many_alone(many: list[Study], uid: str) -> None:
    """Merging takes copies; what was merged is as it was."""
    before = copy.deepcopy(many)
    by_uid = {child.uid: child for study in many for child in study.series}
    merged = Study(uid, series=by_uid.values())

    assert_linked(merged)
    assert before == many
    for study in many:
        assert_linked(study)


@given(studies(), datasets(DICOMObjectLevels.STUDY))
def test_data_never_counts(study: Study, data: Dataset) -> None:
    """The same tree with other data is equal, hashes alike and prints alike."""
    other = attrs.evolve(study, data=data)

    assert study == other
    assert hash(study) == hash(other)
    assert repr(study) == repr(other)


@given(studies(DICOMObjectLevels.INSTANCE))
def test_a_missing_child_counts(study: Study) -> None:
    """A tree with less in it is another one, with the same hash."""
    less = attrs.evolve(study, series=study.series[1:])

    assert study != less
    assert hash(study) == hash(less)


@given(st.lists(series(), unique_by=lambda child: child.uid), uids())
def test_children_keep_their_order(children: list[Series], uid: str) -> None:
    """Whatever iterable they come from."""
    study = Study(uid, series=(child for child in children))

    assert [child.uid for child in children] == [child.uid for child in study.series]
    assert all(child is study[child.uid] for child in study.series)


@given(studies())
def test_every_object_finds_its_way_up_and_down(study: Study) -> None:
    """Root, reference and lookup agree."""
    parts: list[DICOMObject] = [study, *study.all_series(), *study.all_instances()]

    for part in parts:
        assert study is part.root()
        found: DICOMObject = study
        for uid in part.reference().uids[1:]:
            assert not isinstance(found, Study) or found[uid] is found.get(uid)
            found = next(child for child in found.children if child.uid == uid)
        assert part is found
    assert len(parts) == len({part.reference() for part in parts})


@given(
    st.sampled_from(DICOMObjectLevels).flatmap(
        lambda level: st.tuples(st.just(level), studies(level))
    )
)
def test_depth_is_that_of_the_search(level_and_study: tuple[DICOMObjectLevels, Study]) -> None:
    """A study filled down to a level says so."""
    level, study = level_and_study

    assert level is study.max_object_depth()
