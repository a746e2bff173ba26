"""The study tree: frozen, linked to its parents, compared by UID and children."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from threading import Barrier
from typing import Any, TypeVar, cast

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DetachedError,
    DICOMObject,
    DICOMObjectLevels,
    DuplicateUIDError,
    Instance,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    to_references,
)

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@pytest.fixture
def study() -> Study:
    """Return a study of two series with two instances each."""
    return Study(
        "1.2",
        series=[
            Series("1.2.3", instances=[Instance("1.2.3.1"), Instance("1.2.3.2")]),
            Series("1.2.4", instances=[Instance("1.2.4.1"), Instance("1.2.4.2")]),
        ],
    )


def assert_linked(study: Study) -> None:
    """Every object below names the object above it as its parent."""
    for series in study.series:
        assert study is series.parent
        for instance in series.instances:
            assert series is instance.parent


def untyped(kind: Any) -> Any:
    """Return *kind* as code without a type checker sees it."""
    return kind


def named(text: str) -> Dataset:
    dataset = Dataset()
    dataset.StudyDescription = text
    return dataset


# ---------------------------------------------------------------- links


def test_children_learn_their_parent(study: Study) -> None:
    """A tree is linked as soon as it is there."""
    assert_linked(study)
    assert study.parent is None
    assert study is study.root()
    assert study is study.series[0].root()
    assert study is study.series[0].instances[0].root()


def test_new_children_are_taken_not_copied() -> None:
    """Building a tree makes each object once."""
    instance = Instance("1.2.3.1")
    series = Series("1.2.3", instances=[instance])
    study = Study("1.2", series=[series])

    assert instance is series.instances[0]
    assert series is study.series[0]


def test_child_with_a_parent_is_copied_never_moved(study: Study) -> None:
    """Nothing that is made of a tree changes it."""
    series = study.series[0]
    other = Study("9", series=[series])

    assert series == other.series[0]
    assert series is not other.series[0]
    assert_linked(study)
    assert_linked(other)


def test_instance_with_a_parent_is_copied_never_moved(study: Study) -> None:
    """As a series, so an instance."""
    instance = study.series[0].instances[0]
    other = Series("9", instances=[instance])

    assert instance is not other.instances[0]
    assert instance.parent is study.series[0]
    assert other is other.instances[0].parent


def test_evolve_leaves_the_original_alone(study: Study) -> None:
    """A study made with evolve() owns copies; the original keeps its series."""
    other = attrs.evolve(study, uid="2")

    assert "2" == other.uid
    assert_linked(study)
    assert_linked(other)


def test_evolving_a_series_detaches_it(study: Study) -> None:
    """The study does not hold the new series, so the new series does not name the study."""
    series = attrs.evolve(study.series[0], uid="9")

    assert series.parent is None
    assert series is series.instances[0].parent
    assert_linked(study)


def test_copy_leaves_the_original_alone(study: Study) -> None:
    """A shallow copy is a tree of its own, over the same data sets."""
    study.series[0].data.Modality = "CT"
    other = copy.copy(study)

    assert study == other
    assert study.series[0].data is other.series[0].data
    assert_linked(study)
    assert_linked(other)


def test_deep_copy_shares_nothing(study: Study) -> None:
    """A deep copy is a tree of its own, with data sets of its own."""
    study.series[0].data.Modality = "CT"
    other = copy.deepcopy(study)
    other.series[0].data.Modality = "MR"

    assert study == other
    assert "CT" == study.series[0].data.Modality
    assert_linked(study)
    assert_linked(other)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_links_and_data(study: Study, protocol: int) -> None:
    """A tree that travels arrives as it was, changed data included."""
    study.series[0].instances[0].data.InstanceNumber = 7
    other = pickle.loads(pickle.dumps(study, protocol))

    assert study == other
    assert 7 == other.series[0].instances[0].data.InstanceNumber
    assert_linked(other)


def test_pickle_of_a_part_brings_the_study_along(study: Study) -> None:
    """An instance that travels knows where it belongs."""
    instance = pickle.loads(pickle.dumps(study.series[1].instances[0]))

    assert InstanceReference("1.2", "1.2.4", "1.2.4.1") == instance.reference()
    assert_linked(instance.root())


@pytest.mark.usefixtures("hasty")
def test_threads_may_give_one_child_to_several_parents() -> None:
    """Exactly one parent takes each child, the others get copies, and every tree is linked."""
    for _ in range(20):
        instances = [Instance(f"1.{number}") for number in range(300)]
        parents = in_threads(partial(Series, instances=instances), ["1", "2", "3", "4"])

        for place, instance in enumerate(instances):
            takers = [parent for parent in parents if parent.instances[place] is instance]
            assert [instance.parent] == takers
        for parent in parents:
            assert all(instance.parent is parent for instance in parent.instances)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Make threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_threads_see_one_data_set() -> None:
    """What one thread writes into `data` made on first use is not lost to the other."""
    both_have_made_one = Barrier(2)

    def make() -> Dataset:
        made = Dataset()
        both_have_made_one.wait()
        return made

    instance = Instance("1", make)
    first, second = in_threads(attrgetter("data"), [instance, instance])

    assert first is second
    assert first is instance.data


def in_threads(function: Callable[[_In], _Out], arguments: Sequence[_In]) -> list[_Out]:
    """Return what *function* makes of each of *arguments*, all at the same time."""
    barrier = Barrier(len(arguments))

    def run(argument: _In) -> _Out:
        barrier.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def test_tree_is_collected_when_it_is_dropped() -> None:
    """The links form a cycle, which the collector takes."""
    study = Study("1", series=[Series("2")])
    gone = weakref.ref(study.series[0])
    del study
    gc.collect()

    assert gone() is None


# ---------------------------------------------------------------- children


def test_children_may_come_from_a_generator_and_keep_their_order() -> None:
    """Any iterable will do, and is read once."""

    def instances() -> Iterator[Instance]:
        yield from (Instance(f"1.{number}") for number in (3, 1, 2))

    series = Series("1", instances=instances())

    assert ("1.3", "1.1", "1.2") == tuple(instance.uid for instance in series.instances)
    assert series.instances is series.children


def test_two_children_with_one_uid_are_refused() -> None:
    """One of them would be lost in every lookup; the message names both UIDs."""
    with pytest.raises(DuplicateUIDError, match=r"Study 1\.2 was given 2 .* 1\.2\.3"):
        Study("1.2", series=[Series("1.2.4"), Series("1.2.3"), Series("1.2.3")])


def test_children_of_a_refused_tree_stay_unlinked() -> None:
    """What could not be built leaves no trace: the children can be used again, uncopied."""
    once, twice = Series("1.2.3"), [Series("1.2.4"), Series("1.2.4")]
    with pytest.raises(DuplicateUIDError):
        Study("1.2", series=[once, *twice])

    assert once.parent is None
    assert once is Study("1.3", series=[once]).series[0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: untyped(Study)("1", series=[Instance("2")]),
        lambda: untyped(Study)("1", series=["1.2.3"]),
        lambda: untyped(Study)("1", series="1.2.3"),
        lambda: untyped(Study)("1", series=[StudyReference("1")]),
        lambda: untyped(Series)("1", instances=[Series("2")]),
        lambda: untyped(Series)("1", instances=[InstanceReference("1", "2", "3")]),
    ],
)
def test_children_of_the_wrong_kind_are_refused(build: Any) -> None:
    """A tree has three levels, in order."""
    with pytest.raises(InvalidInputError, match="expected, not"):
        build()


@pytest.mark.parametrize("build", [Study, Series, Instance])
def test_data_of_the_wrong_kind_is_refused(build: Any) -> None:
    """`Study(uid, [series])` would keep the children as data, and hold none."""
    with pytest.raises(InvalidInputError, match=r"must be a pydicom Dataset, .* not list"):
        build("1", [Series("2")])


@pytest.mark.parametrize("build", [Study, Series, Instance])
@pytest.mark.parametrize("uid", ["", "..", "1/2", "1.2\n"])
def test_dangerous_uid_is_refused(build: Any, uid: str) -> None:
    """No object holds a UID that no reference to it could hold."""
    with pytest.raises(InvalidUIDError):
        build(uid)


# ---------------------------------------------------------------- equality


def test_equality_looks_at_uid_and_children_only() -> None:
    """Data may say more or less of the same thing; a missing child is another thing."""
    one = Study("1", named("head"), series=[Series("2")])
    same = Study("1", named("HEAD CT"), series=[Series("2")])

    assert one == same
    assert hash(one) == hash(same)
    assert one != Study("1", named("head"))
    assert one != Study("1", named("head"), series=[Series("3")])
    assert one != Study("9", named("head"), series=[Series("2")])


def test_equality_does_not_look_up() -> None:
    """A series is itself in whatever study it is found."""
    (one,) = Study("1", series=[Series("2")]).series
    (other,) = Study("9", series=[Series("2")]).series

    assert one == other
    assert 1 == len({one, other, Series("2")})


def test_order_of_children_counts() -> None:
    """Archives give an order, and it is kept; a set would lose it."""
    assert Study("1", series=[Series("2"), Series("3")]) != Study(
        "1", series=[Series("3"), Series("2")]
    )


def test_hash_is_that_of_the_uid() -> None:
    """Trees are filled deeper as searches go on; sets of them hash without walking them."""
    assert hash(Series("1")) == hash(Series("1", instances=[Instance("2")]))


def test_objects_of_different_kinds_are_never_equal() -> None:
    """Some archives give a study and its series one UID."""
    objects: list[DICOMObject] = [Study("1"), Series("1"), Instance("1")]

    assert 3 == len(set(objects))
    assert objects[0] != objects[1]


# ---------------------------------------------------------------- text


def test_repr_of_a_large_study_is_short() -> None:
    """5 000 instances in a notebook cell are a line, not a megabyte."""
    many = [Instance(f"1.2.3.{number}") for number in range(5000)]
    study = Study("1.2", named("a secret"), series=[Series("1.2.3", instances=many)])

    assert "Study('1.2', 1 series, 5000 instances)" == repr(study)
    assert "Series('1.2.3', 5000 instances)" == repr(study.series[0])
    assert "Instance('1.2.3.7')" == repr(many[7])
    assert "Study 1.2" == str(study)
    assert "Series 1.2.3" == str(study.series[0])
    assert "Instance 1.2.3.7" == str(many[7])


# ---------------------------------------------------------------- data


def test_data_is_an_empty_data_set_until_something_is_known() -> None:
    """`data` is always there, always the same, and can be written to."""
    instance = Instance("1")
    data = instance.data

    assert Dataset() == data
    assert data is instance.data


def test_data_given_is_data_kept() -> None:
    """The data set of a search is not copied."""
    data = named("head")

    assert data is Study("1", data).data
    assert data is Study("1", data=data).data


@pytest.mark.parametrize("build", [Study, Series, Instance])
def test_objects_are_frozen(build: Any) -> None:
    """No attribute can be set, known or not; nor can one be deleted."""
    thing = build("1")

    for name in ("uid", "data", "parent", "level", "children", "series", "instances", "x"):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)
    with pytest.raises(AttributeError):
        del thing.uid
    assert not hasattr(thing, "__dict__")


# ---------------------------------------------------------------- navigation


def test_get_finds_a_child_by_uid(study: Study) -> None:
    """`get` and ``[]`` are the same."""
    assert study.series[1] is study.get("1.2.4")
    assert study.series[1] is study["1.2.4"]
    assert study.series[1].instances[1] is study["1.2.4"]["1.2.4.2"]


def test_get_names_what_it_did_not_find(study: Study) -> None:
    """A KeyError says which UID, and where it was looked for."""
    with pytest.raises(KeyError, match=r"9\.9 is not in Study 1\.2"):
        study.get("9.9")
    with pytest.raises(KeyError, match=r"9\.9 is not in Series 1\.2\.3"):
        study["1.2.3"]["9.9"]


def test_get_takes_constant_time() -> None:
    """However many children, a lookup compares one UID: none when it misses."""

    class Counting(str):
        __slots__ = ()
        compared = 0

        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Counting.compared += 1
            return str.__eq__(self, other)

    series = Series("1", instances=[Instance(f"1.{number}") for number in range(1000)])
    assert "1.999" == series.get(Counting("1.999")).uid
    with pytest.raises(KeyError):
        series.get(Counting("2"))

    assert 1 >= Counting.compared


def test_all_series_and_all_instances(study: Study) -> None:
    """Every level can be asked for what is in it."""
    first = study.series[0]
    instance = first.instances[0]

    assert study.series == study.all_series()
    assert (first,) == first.all_series()
    assert () == instance.all_series()
    assert ("1.2.3.1", "1.2.3.2", "1.2.4.1", "1.2.4.2") == tuple(
        i.uid for i in study.all_instances()
    )
    assert first.instances == first.all_instances()
    assert (instance,) == instance.all_instances()


@pytest.mark.parametrize(
    ("thing", "depth"),
    [
        (Study("1"), DICOMObjectLevels.STUDY),
        (Study("1", series=[Series("2")]), DICOMObjectLevels.SERIES),
        (
            Study("1", series=[Series("2"), Series("3", instances=[Instance("4")])]),
            DICOMObjectLevels.INSTANCE,
        ),
        (Series("1"), DICOMObjectLevels.SERIES),
        (Series("1", instances=[Instance("2")]), DICOMObjectLevels.INSTANCE),
        (Instance("1"), DICOMObjectLevels.INSTANCE),
    ],
    ids=repr,
)
def test_max_object_depth_is_that_of_the_deepest_branch(
    thing: DICOMObject, depth: DICOMObjectLevels
) -> None:
    """What is known may reach further in one series than in another."""
    assert depth is thing.max_object_depth()


def test_references_point_from_the_study_down(study: Study) -> None:
    """Each object in a study has an address."""
    assert StudyReference("1.2") == study.reference()
    assert SeriesReference("1.2", "1.2.3") == study.series[0].reference()
    assert InstanceReference("1.2", "1.2.3", "1.2.3.1") == (
        study.series[0].instances[0].reference()
    )


@pytest.mark.parametrize(
    "detached",
    [Series("1.2.3"), Instance("1.2.3.1"), Series("1", instances=[Instance("1.2.3.1")])["1.2.3.1"]],
    ids=repr,
)
def test_detached_object_has_no_address(detached: Series | Instance) -> None:
    """Outside a study nothing can be addressed; the error names the object."""
    with pytest.raises(DetachedError, match=rf"{detached.uid} is not part of a study"):
        detached.reference()


@pytest.mark.parametrize("tree", [Study("1", series=[Series("2")]), Series("2")])
def test_one_object_is_not_a_list_of_objects(tree: Study | Series) -> None:
    """``download(study)`` in place of ``download([study])`` is a mistake, not nothing to do."""
    with pytest.raises(TypeError, match="not iterable"):
        to_references(cast("Any", tree), DICOMObjectLevels.STUDY)  # checkers refuse it too
