"""Expansion gives the exact type, for whatever has the right shape. Checked, never run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from typing_extensions import assert_type

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    SearchResult,
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

# ---------------------------------------------------------------- the exact type


def overloads(study: Study, result: SearchResult, level: DICOMObjectLevels) -> None:
    """A level known in advance gives references of that level; one that is not gives any."""
    assert_type(
        contained_references(study, DICOMObjectLevels.INSTANCE), tuple[InstanceReference, ...]
    )
    assert_type(
        contained_references(study, DICOMObjectLevels.SERIES),
        tuple[SeriesReference | InstanceReference, ...],
    )
    assert_type(contained_references(study, level), tuple[DICOMObjectReference, ...])
    assert_type(to_references(result, DICOMObjectLevels.INSTANCE), tuple[InstanceReference, ...])
    assert_type(
        to_references([study], DICOMObjectLevels.SERIES),
        tuple[SeriesReference | InstanceReference, ...],
    )
    assert_type(to_references([study], DICOMObjectLevels.STUDY), tuple[DICOMObjectReference, ...])
    assert_type(to_references([study], level), tuple[DICOMObjectReference, ...])
    assert_type(iter_references([study], DICOMObjectLevels.INSTANCE), Iterator[InstanceReference])
    assert_type(iter_references([study], level), Iterator[DICOMObjectReference])
    assert_type(to_instance_refs([study]), tuple[InstanceReference, ...])
    assert_type(to_series_level_refs([study]), tuple[SeriesReference | InstanceReference, ...])


def pipelines(study: Study) -> None:
    """The type of a reference goes through."""
    references = iter_references([study], DICOMObjectLevels.INSTANCE)
    assert_type(unique(references), Iterator[InstanceReference])
    assert_type(chunked(references, 10), Iterator[tuple[InstanceReference, ...]])
    assert_type(group_by_study(references), dict[StudyReference, tuple[InstanceReference, ...]])
    assert_type(group_by_series(references), dict[SeriesReference, tuple[InstanceReference, ...]])


# ---------------------------------------------------------------- the right shape


class Slide:
    """No base class: shape is all that counts."""

    level = DICOMObjectLevels.SERIES
    children: tuple[Instance, ...] = ()

    def reference(self) -> SeriesReference:
        """Return where it is."""
        return SeriesReference("1.2", "1.2.3")


class Folder:
    """Properties will do as well."""

    @property
    def level(self) -> DICOMObjectLevels:
        """Where it is in the tree."""
        return DICOMObjectLevels.STUDY

    @property
    def children(self) -> Sequence[Slide | Series]:
        """What is in it, of any kind."""
        return [Slide(), Series("1.2.4")]

    def reference(self) -> DICOMObjectReference:
        """Return where it is."""
        return StudyReference("1.2")


downloadables: list[DICOMDownloadable] = [
    Study("1.2"),
    Series("1.2.3"),
    Instance("1.2.3.4"),
    StudyReference("1.2"),
    SeriesReference("1.2", "1.2.3"),
    InstanceReference("1.2", "1.2.3", "1.2.3.4"),
    Slide(),
    Folder(),
]
assert_type(to_instance_refs([Slide()]), tuple[InstanceReference, ...])
assert_type(to_instance_refs([Slide(), Folder(), Study("1.2")]), tuple[InstanceReference, ...])
to_references((item for item in downloadables), DICOMObjectLevels.STUDY)

# ---------------------------------------------------------------- the wrong shape

lone = to_instance_refs(Study("1.2"))  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]


class Shapeless:
    """Has children that nobody can expand, and no level."""

    children: tuple[str, ...] = ()

    def reference(self) -> SeriesReference:
        """Return where it is."""
        return SeriesReference("1.2", "1.2.3")


class Nameless:
    """Says where it is in a form of its own."""

    level = DICOMObjectLevels.SERIES
    children: tuple[Instance, ...] = ()

    def reference(self) -> str:
        """Return where it is."""
        return "1.2/1.2.3"


to_instance_refs([Shapeless()])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
to_instance_refs([Nameless()])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
to_instance_refs(["1.2.3"])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
to_references([Study("1.2")], "SERIES")  # type: ignore[call-overload]  # ty: ignore[no-matching-overload]
to_references([Study("1.2")])  # type: ignore[call-overload]  # ty: ignore[no-matching-overload]
group_by_series([StudyReference("1.2")])  # type: ignore[type-var]  # ty: ignore[invalid-argument-type]
