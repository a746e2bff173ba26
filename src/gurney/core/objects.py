"""The study tree: `Study`, `Series` and `Instance`, frozen, each linked to its parent.

A tree is one expression. Children go in at construction and learn their parent while it is being
built; a child that has a parent already is copied, so no tree changes because another is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from threading import RLock
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar, cast

import attrs
from pydicom.dataset import Dataset
from typing_extensions import Self

from .errors import DetachedError, DuplicateUIDError, InvalidInputError
from .levels import DICOMObjectLevels
from .references import InstanceReference, SeriesReference, StudyReference, instance_of_tree
from .uids import check_uid

__all__ = ["DICOMObject", "Instance", "Series", "Study"]

_set: Final = object.__setattr__  # frozen means: nobody sets anything but the links made here
_linking: Final = RLock()  # two threads may give one child to two parents; one gets a copy


_Data: TypeAlias = Dataset | Callable[[], Dataset] | None


def _dataset(data: _Data) -> _Data:
    if data is None or isinstance(data, Dataset) or callable(data):
        return data
    raise InvalidInputError(
        f"data must be a pydicom Dataset, or a function that returns one, not "
        f"{type(data).__name__}; children are given by name: series=[...], instances=[...]"
    )


@attrs.frozen
class _Node:
    """What study, series and instance share."""

    uid: str = attrs.field(converter=check_uid)
    _data: _Data = attrs.field(default=None, alias="data", converter=_dataset, eq=False, repr=False)

    @property
    def data(self) -> Dataset:
        """What is known of this object; never part of equality, hash or repr.

        Made when first asked for, if it was given as a function, or not at all: an empty data set
        weighs ten times what an instance does.
        """
        given = self._data
        if isinstance(given, Dataset):
            return given
        made = Dataset() if given is None else given()
        with _linking:
            if self._data is given:  # still: no other thread was faster
                _set(self, "_data", made)
        return cast("Dataset", self._data)

    # One object is not a list of its children: download(study) is a mistake, never "nothing to do".
    __iter__: ClassVar[None] = None

    def __copy__(self) -> Self:
        # copy.copy skips __attrs_post_init__: the children would keep naming the original.
        return attrs.evolve(self)

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.uid}"


@attrs.frozen(repr=False)
class Instance(_Node):
    """One SOP instance.

    Parameters
    ----------
    uid
        SOP Instance UID (0008,0018).
    data
        What is known of it, or a function that returns that when it is asked for. Optional. The
        function should return the same data set each time: copies of this object share it.

    Attributes
    ----------
    parent
        The series it is part of; `None` until a series is built with it.

    Raises
    ------
    InvalidUIDError
        If *uid* is empty, or holds what a path or a request would misread.

    References
    ----------
    DICOM PS3.3 A.1.2.3, and PS3.4 C.6.2.1 for the tree.

    Examples
    --------
    >>> study = Study("1.2", series=[Series("1.2.3", instances=[Instance("1.2.3.4")])])
    >>> print(study.all_instances()[0].reference())
    1.2/1.2.3/1.2.3.4
    """

    parent: Series | None = attrs.field(init=False, default=None, eq=False, repr=False)

    @property
    def level(self) -> Literal[DICOMObjectLevels.INSTANCE]:
        """Always `DICOMObjectLevels.INSTANCE`."""
        return DICOMObjectLevels.INSTANCE

    @property
    def children(self) -> tuple[()]:
        """Nothing: the tree ends here."""
        return ()

    def root(self) -> DICOMObject:
        """Return the highest object above: the study, if this is part of one."""
        return self if self.parent is None else self.parent.root()

    def reference(self) -> InstanceReference:
        """Point to this instance.

        Raises
        ------
        DetachedError
            If it is not part of a study.
        """
        series = self.parent
        if series is None or series.parent is None:
            raise _detached("instance", self.uid)
        return instance_of_tree(series.parent.uid, series.uid, self.uid)

    def all_series(self) -> tuple[()]:
        """Nothing: an instance holds no series."""
        return ()

    def all_instances(self) -> tuple[Instance]:
        """Return this instance itself, so that it can be asked like a study or a series."""
        return (self,)

    def max_object_depth(self) -> Literal[DICOMObjectLevels.INSTANCE]:
        """Return the level of the deepest object known: this one."""
        return DICOMObjectLevels.INSTANCE

    def __repr__(self) -> str:
        return f"Instance({self.uid!r})"


def _instances(items: Iterable[Instance]) -> tuple[Instance, ...]:
    return _all_of(Instance, items)


@attrs.frozen(repr=False)
class Series(_Node):
    """One series and the instances known of it.

    Parameters
    ----------
    uid
        Series Instance UID (0020,000E).
    data
        What is known of it, or a function as for `Instance`. Optional.
    instances
        Any iterable; kept as a tuple in the order given. An instance that is part of a series
        already is copied.

    Attributes
    ----------
    parent
        The study it is part of; `None` until a study is built with it.

    Raises
    ------
    InvalidUIDError
        If *uid* is empty, or holds what a path or a request would misread.
    DuplicateUIDError
        If two instances have the same UID.

    Examples
    --------
    >>> series = Series("1.2.3", instances=[Instance("1.2.3.4"), Instance("1.2.3.5")])
    >>> series["1.2.3.5"].parent is series
    True
    """

    instances: tuple[Instance, ...] = attrs.field(default=(), converter=_instances, hash=False)
    parent: Study | None = attrs.field(init=False, default=None, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _set(self, "instances", _adopt(self, self.instances))

    @property
    def level(self) -> Literal[DICOMObjectLevels.SERIES]:
        """Always `DICOMObjectLevels.SERIES`."""
        return DICOMObjectLevels.SERIES

    @property
    def children(self) -> tuple[Instance, ...]:
        """The instances."""
        return self.instances

    def root(self) -> DICOMObject:
        """Return the highest object above: the study, if this is part of one."""
        return self if self.parent is None else self.parent

    def reference(self) -> SeriesReference:
        """Point to this series.

        Raises
        ------
        DetachedError
            If it is not part of a study.
        """
        if self.parent is None:
            raise _detached("series", self.uid)
        return SeriesReference(self.parent.uid, self.uid)

    def all_series(self) -> tuple[Series]:
        """Return this series itself, so that it can be asked like a study."""
        return (self,)

    def all_instances(self) -> tuple[Instance, ...]:
        """Return every instance known, in order."""
        return self.instances

    def max_object_depth(self) -> DICOMObjectLevels:
        """Return the level of the deepest object known."""
        return DICOMObjectLevels.INSTANCE if self.instances else DICOMObjectLevels.SERIES

    def get(self, uid: str) -> Instance:
        """Return the instance with this UID, in constant time.

        Raises
        ------
        KeyError
            If there is none; it names the UID.
        """
        return _lookup(self, self._by_uid, uid)

    def __getitem__(self, uid: str) -> Instance:
        return self.get(uid)

    def __repr__(self) -> str:
        return f"Series({self.uid!r}, {len(self.instances)} instances)"

    @cached_property
    def _by_uid(self) -> dict[str, Instance]:
        return {instance.uid: instance for instance in self.instances}


def _series(items: Iterable[Series]) -> tuple[Series, ...]:
    return _all_of(Series, items)


@attrs.frozen(repr=False)
class Study(_Node):
    """One study and the series known of it.

    Parameters
    ----------
    uid
        Study Instance UID (0020,000D).
    data
        What is known of it, or a function as for `Instance`. Optional.
    series
        Any iterable; kept as a tuple in the order given. A series that is part of a study already
        is copied, with its instances.

    Raises
    ------
    InvalidUIDError
        If *uid* is empty, or holds what a path or a request would misread.
    DuplicateUIDError
        If two series have the same UID.

    Examples
    --------
    >>> study = Study("1.2", series=[Series("1.2.3"), Series("1.2.4")])
    >>> study
    Study('1.2', 2 series, 0 instances)
    >>> [str(series.reference()) for series in study.series]
    ['1.2/1.2.3', '1.2/1.2.4']
    """

    series: tuple[Series, ...] = attrs.field(default=(), converter=_series, hash=False)

    def __attrs_post_init__(self) -> None:
        _set(self, "series", _adopt(self, self.series))

    @property
    def level(self) -> Literal[DICOMObjectLevels.STUDY]:
        """Always `DICOMObjectLevels.STUDY`."""
        return DICOMObjectLevels.STUDY

    @property
    def parent(self) -> None:
        """Always `None`: a study is the top of its tree."""
        return None

    @property
    def children(self) -> tuple[Series, ...]:
        """The series."""
        return self.series

    def root(self) -> Study:
        """Return this study itself."""
        return self

    def reference(self) -> StudyReference:
        """Point to this study."""
        return StudyReference(self.uid)

    def all_series(self) -> tuple[Series, ...]:
        """Return every series known, in order."""
        return self.series

    def all_instances(self) -> tuple[Instance, ...]:
        """Return every instance known, in tree order."""
        return tuple(instance for series in self.series for instance in series.instances)

    def max_object_depth(self) -> DICOMObjectLevels:
        """Return the level of the deepest object known."""
        return min((s.max_object_depth() for s in self.series), default=DICOMObjectLevels.STUDY)

    def get(self, uid: str) -> Series:
        """Return the series with this UID, in constant time.

        Raises
        ------
        KeyError
            If there is none; it names the UID.
        """
        return _lookup(self, self._by_uid, uid)

    def __getitem__(self, uid: str) -> Series:
        return self.get(uid)

    def __repr__(self) -> str:
        count = sum(len(series.instances) for series in self.series)
        return f"Study({self.uid!r}, {len(self.series)} series, {count} instances)"

    @cached_property
    def _by_uid(self) -> dict[str, Series]:
        return {series.uid: series for series in self.series}


DICOMObject: TypeAlias = Study | Series | Instance
"""An object of any level."""

_Child = TypeVar("_Child", Series, Instance)


def _all_of(kind: type[_Child], items: Iterable[object]) -> tuple[_Child, ...]:
    found = tuple(items)
    for item in found:
        if not isinstance(item, kind):
            raise InvalidInputError(f"{kind.__name__} expected, not {type(item).__name__}")
    return cast("tuple[_Child, ...]", found)


def _adopt(parent: Study | Series, children: tuple[_Child, ...]) -> tuple[_Child, ...]:
    """Link *children* to *parent*; one that has a parent already is copied, not moved."""
    if len({child.uid for child in children}) != len(children):
        raise DuplicateUIDError(_name_duplicate(parent, children))
    with _linking:
        own = tuple(child if child.parent is None else attrs.evolve(child) for child in children)
        for child in own:
            _set(child, "parent", parent)
    return own


def _name_duplicate(parent: Study | Series, children: tuple[_Child, ...]) -> str:
    ((uid, count),) = Counter(child.uid for child in children).most_common(1)
    return f"{parent} was given {count} children with the UID {uid}; give each once"


def _lookup(parent: Study | Series, index: dict[str, _Child], uid: str) -> _Child:
    try:
        return index[uid]
    except KeyError:
        raise KeyError(f"{uid} is not in {parent}") from None


def _detached(kind: str, uid: str) -> DetachedError:
    return DetachedError(f"{kind} {uid} is not part of a study; build a Study that holds it")
