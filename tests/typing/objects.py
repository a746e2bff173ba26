"""Trees and references, as a type checker sees them. Checked, never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
from pydicom.dataset import Dataset
from typing_extensions import assert_type

from gurney.core import (
    DICOMObject,
    DICOMObjectLevels,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    parse_reference,
)

# ---------------------------------------------------------------- what is built


def instances() -> Iterator[Instance]:
    """Children may come from a generator."""
    yield Instance("1.2.3.4")


def later() -> Dataset:
    """Data may be made when they are asked for."""
    return Dataset()


instance = Instance("1.2.3.4", Dataset())
series = Series("1.2.3", instances=instances())
study = Study("1.2", data=Dataset(), series=[series, Series("1.2.4", instances=iter([]))])
Study("1.2", later, {series})
Study("1.2", data=None, series=(child for child in study.series))
Study(uid="1.2", data=later, series=study.series)

assert_type(instance.uid, str)
assert_type(instance.data, Dataset)
assert_type(instance.parent, Series | None)
assert_type(series.parent, Study | None)
assert_type(series.instances, tuple[Instance, ...])
assert_type(study.series, tuple[Series, ...])
assert_type(study.parent, None)
assert_type(attrs.evolve(study, uid="1.3"), Study)

# ---------------------------------------------------------------- what can be asked of them

assert_type(study.level, Literal[DICOMObjectLevels.STUDY])
assert_type(series.level, Literal[DICOMObjectLevels.SERIES])
assert_type(instance.level, Literal[DICOMObjectLevels.INSTANCE])
assert_type(study.children, tuple[Series, ...])
assert_type(series.children, tuple[Instance, ...])
assert_type(instance.children, tuple[()])
assert_type(study["1.2.3"], Series)
assert_type(study.get("1.2.3")["1.2.3.4"], Instance)
assert_type(study.root(), Study)
assert_type(instance.root(), DICOMObject)
assert_type(study.reference(), StudyReference)
assert_type(series.reference(), SeriesReference)
assert_type(instance.reference(), InstanceReference)
assert_type(study.all_series(), tuple[Series, ...])
assert_type(study.all_instances(), tuple[Instance, ...])
assert_type(instance.all_instances(), tuple[Instance])
assert_type(study.max_object_depth(), DICOMObjectLevels)
assert_type([child.uid for child in study.series], list[str])


def of_any_level(thing: DICOMObject, reference: DICOMObjectReference) -> None:
    """What objects of all levels have in common needs no narrowing."""
    assert_type(thing.uid, str)
    assert_type(thing.data, Dataset)
    assert_type(thing.level <= reference.level, bool)
    found: DICOMObjectReference = thing.reference()
    found = reference.reference()
    assert_type(found.study_uid, str)
    for _ in (*thing.children, *reference.children, *thing.all_series(), *thing.all_instances()):
        pass
    if isinstance(reference, InstanceReference):
        assert_type(reference.uids, tuple[str, str, str])


assert_type(parse_reference("1.2"), DICOMObjectReference)
assert_type(sorted([parse_reference("1.2")]), list[DICOMObjectReference])
assert_type(StudyReference("1.2").children, tuple[()])
assert_type(StudyReference("1.2") < SeriesReference("1.2", "1.2.3"), bool)

# ---------------------------------------------------------------- what is rejected

Study("1.2", series=[Instance("1.2.3.4")])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
Study("1.2", [Series("1.2.3")])  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
Series("1.2.3", instances=["1.2.3.4"])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
Instance()  # type: ignore[call-arg]  # ty: ignore[missing-argument]
Instance("1.2.3.4", parent=series)  # type: ignore[call-arg]  # ty: ignore[unknown-argument]
InstanceReference("1.2", "1.2.3")  # type: ignore[call-arg]  # ty: ignore[missing-argument]
StudyReference(12)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
study.uid = "1.3"  # type: ignore[misc]  # ty: ignore[invalid-assignment]
study.data = Dataset()  # type: ignore[misc]  # ty: ignore[invalid-assignment]
study.reference().study_uid = "1.3"  # type: ignore[misc]  # ty: ignore[invalid-assignment]
