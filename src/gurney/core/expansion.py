"""From what is known to what can be downloaded: pure functions over the shape of an object.

Nothing is fetched, logged or changed here, so the same functions serve a search result, a bare
reference and somebody else's class. All of them accept whatever has the shape of
`DICOMDownloadable`.

Eager: `contained_references`, `to_references` and its two shorthands, `group_by_study`,
`group_by_series`. Lazy, for pipelines: `iter_references` and `chunked` in constant memory,
`unique` with a set of what it has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, TypeAlias, TypeVar, overload

from .downloadable import DICOMDownloadable
from .errors import (
    InvalidInputError,
    NonInstanceParameterError,
    NonSeriesParameterError,
    NoReferencesFoundError,
)
from .levels import DICOMObjectLevels
from .references import (
    DICOMObjectReference,
    InstanceReference,
    SeriesReference,
    StudyReference,
)

__all__ = [
    "chunked",
    "contained_references",
    "group_by_series",
    "group_by_study",
    "iter_references",
    "to_instance_refs",
    "to_references",
    "to_series_level_refs",
    "unique",
]

T = TypeVar("T")
_Ref = TypeVar("_Ref", bound=DICOMObjectReference)
_DeepRef = TypeVar("_DeepRef", bound=SeriesReference | InstanceReference)
_InstanceLevel: TypeAlias = Literal[DICOMObjectLevels.INSTANCE]
_SeriesLevel: TypeAlias = Literal[DICOMObjectLevels.SERIES]
_SeriesOrInstance: TypeAlias = SeriesReference | InstanceReference


@overload
def contained_references(
    obj: DICOMDownloadable, max_level: _InstanceLevel
) -> tuple[InstanceReference, ...]: ...
@overload
def contained_references(
    obj: DICOMDownloadable, max_level: _SeriesLevel
) -> tuple[_SeriesOrInstance, ...]: ...
@overload
def contained_references(
    obj: DICOMDownloadable, max_level: DICOMObjectLevels
) -> tuple[DICOMObjectReference, ...]: ...
def contained_references(
    obj: DICOMDownloadable, max_level: DICOMObjectLevels
) -> tuple[DICOMObjectReference, ...]:
    """Return references to everything in *obj*, at *max_level* or deeper.

    Parameters
    ----------
    obj
        A study, series, instance or reference, or anything of that shape.
    max_level
        The highest level a returned reference may have.

    Returns
    -------
    tuple of DICOMObjectReference
        Length >= 1, in tree order; ``(obj.reference(),)`` if *obj* is deep enough already.

    Raises
    ------
    NoReferencesFoundError
        If *obj*, or anything in it, is above *max_level* and has no known children. A study of
        which one series is not expanded counts: to leave that branch out would lose data.

    References
    ----------
    DICOM PS3.4 C.6.2.1, Study Root Query/Retrieve Information Model.

    Examples
    --------
    >>> from gurney.core import Series, Study
    >>> study = Study("1.2", series=[Series("1.2.3"), Series("1.2.4")])
    >>> for reference in contained_references(study, DICOMObjectLevels.SERIES):
    ...     print(reference)
    1.2/1.2.3
    1.2/1.2.4
    """
    return to_references((obj,), max_level)


@overload
def to_references(
    objects: Iterable[DICOMDownloadable], max_level: _InstanceLevel
) -> tuple[InstanceReference, ...]: ...
@overload
def to_references(
    objects: Iterable[DICOMDownloadable], max_level: _SeriesLevel
) -> tuple[_SeriesOrInstance, ...]: ...
@overload
def to_references(
    objects: Iterable[DICOMDownloadable], max_level: DICOMObjectLevels
) -> tuple[DICOMObjectReference, ...]: ...
def to_references(
    objects: Iterable[DICOMDownloadable], max_level: DICOMObjectLevels
) -> tuple[DICOMObjectReference, ...]:
    """Return references to everything in *objects*, at *max_level* or deeper.

    The usual step before a download by something that takes no whole studies.

    Parameters
    ----------
    objects
        Consumed once.
    max_level
        The highest level a returned reference may have.

    Returns
    -------
    tuple of DICOMObjectReference
        In the order of *objects*, each in tree order. Empty if *objects* is.

    Raises
    ------
    NoReferencesFoundError
        As `contained_references`; nothing is returned then.

    Examples
    --------
    >>> to_references([SeriesReference("1.2", "1.2.3")], DICOMObjectLevels.STUDY)
    (SeriesReference(study_uid='1.2', series_uid='1.2.3'),)
    """
    found: list[DICOMObjectReference] = []
    _collect(objects, max_level, found)
    return tuple(found)


def to_instance_refs(objects: Iterable[DICOMDownloadable]) -> tuple[InstanceReference, ...]:
    """Return references to every instance in *objects*.

    Raises
    ------
    NonInstanceParameterError
        If something in *objects* is not expanded down to its instances.

    Examples
    --------
    >>> to_instance_refs([StudyReference("1.2")])
    Traceback (most recent call last):
    gurney.core.errors.NonInstanceParameterError: 1.2 holds no instance references; ...
    """
    try:
        return to_references(objects, DICOMObjectLevels.INSTANCE)
    except NoReferencesFoundError as error:
        raise NonInstanceParameterError(*error.args) from None


def to_series_level_refs(
    objects: Iterable[DICOMDownloadable],
) -> tuple[SeriesReference | InstanceReference, ...]:
    """Return references to every series in *objects*; instances stay as they are.

    Raises
    ------
    NonSeriesParameterError
        If a study in *objects* is not expanded to its series.

    Examples
    --------
    >>> to_series_level_refs([InstanceReference("1.2", "1.2.3", "1.2.3.4")])
    (InstanceReference(study_uid='1.2', series_uid='1.2.3', instance_uid='1.2.3.4'),)
    """
    try:
        return to_references(objects, DICOMObjectLevels.SERIES)
    except NoReferencesFoundError as error:
        raise NonSeriesParameterError(*error.args) from None


@overload
def iter_references(
    objects: Iterable[DICOMDownloadable], max_level: _InstanceLevel
) -> Iterator[InstanceReference]: ...
@overload
def iter_references(
    objects: Iterable[DICOMDownloadable], max_level: _SeriesLevel
) -> Iterator[_SeriesOrInstance]: ...
@overload
def iter_references(
    objects: Iterable[DICOMDownloadable], max_level: DICOMObjectLevels
) -> Iterator[DICOMObjectReference]: ...
def iter_references(
    objects: Iterable[DICOMDownloadable], max_level: DICOMObjectLevels
) -> Iterator[DICOMObjectReference]:
    """Yield what `to_references` returns, one by one, in memory of one object.

    Raises
    ------
    NoReferencesFoundError
        When an object that cannot be expanded is reached; references of the objects before it
        have been yielded by then, none of that object has.

    Examples
    --------
    >>> endless = iter(lambda: StudyReference("1.2"), None)
    >>> next(iter_references(endless, DICOMObjectLevels.STUDY))
    StudyReference(study_uid='1.2')
    """
    for obj in objects:
        yield from to_references((obj,), max_level)


def unique(items: Iterable[T]) -> Iterator[T]:
    """Yield each of *items* once, at its first place. Lazy; remembers what it has yielded.

    Examples
    --------
    >>> list(unique("gurney in a hurry"))
    ['g', 'u', 'r', 'n', 'e', 'y', ' ', 'i', 'a', 'h']
    """
    seen = set[T]()
    for item in items:
        if item not in seen:
            seen.add(item)
            yield item


def chunked(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield *items* in tuples of *size*, the last one shorter. Lazy.

    Raises
    ------
    InvalidInputError
        At once, if *size* is less than 1.

    Examples
    --------
    >>> list(chunked("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    if size < 1:
        raise InvalidInputError(f"chunks must have a size of at least 1, not {size}")
    iterator = iter(items)
    return iter(lambda: tuple(islice(iterator, size)), ())


def group_by_study(references: Iterable[_Ref]) -> dict[StudyReference, tuple[_Ref, ...]]:
    """Return *references* by the study they are in, both in order of first appearance. Not lazy.

    Examples
    --------
    >>> group_by_study([SeriesReference("1.2", "1.2.3")])
    {StudyReference(study_uid='1.2'): (SeriesReference(study_uid='1.2', series_uid='1.2.3'),)}
    """
    groups: dict[str, list[_Ref]] = {}
    for reference in references:
        groups.setdefault(reference.study_uid, []).append(reference)
    return {StudyReference(uid): tuple(group) for uid, group in groups.items()}


def group_by_series(
    references: Iterable[_DeepRef],
) -> dict[SeriesReference, tuple[_DeepRef, ...]]:
    """Return *references* by the series they are in, both in order of first appearance. Not lazy.

    Examples
    --------
    >>> groups = group_by_series([InstanceReference("1.2", "1.2.3", "1.2.3.4")])
    >>> [str(series) for series in groups]
    ['1.2/1.2.3']
    """
    groups: dict[tuple[str, str], list[_DeepRef]] = {}
    for reference in references:
        key = (reference.study_uid, reference.series_uid)
        groups.setdefault(key, []).append(reference)
    return {SeriesReference(*uids): tuple(group) for uids, group in groups.items()}


def _collect(
    objects: Iterable[DICOMDownloadable],
    max_level: DICOMObjectLevels,
    found: list[DICOMObjectReference],
) -> None:
    for obj in objects:
        if obj.level <= max_level:
            found.append(obj.reference())
        elif children := obj.children:
            _collect(children, max_level, found)
        else:
            raise NoReferencesFoundError(str(obj.reference()), max_level.name.lower())
