"""Which SOP classes are to be expected: from what a search has found, or else from a listing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydicom.dataset import Dataset

from ...core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Searcher,
    SeriesReference,
    texts,
)
from ...retrieving import Wanted
from ..retrieving import Listed, classes_in, list_instances
from .contexts import COMMONEST, can_all_come

__all__ = ["Classes"]

_NONE: frozenset[str] = frozenset()


class Classes:
    """The SOP classes of studies and instances, as far as they are known.

    Parameters
    ----------
    searcher
        Asks the archive what is in a study or series.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._searcher: Searcher = searcher
        self._of_study: dict[str, frozenset[str]] = {}
        self._of_instance: dict[str, str] = {}
        self._listed: dict[DICOMObjectReference, Listed] = {}

    def learning(self, objects: Iterable[DICOMDownloadable]) -> Iterator[DICOMDownloadable]:
        """Yield *objects*, and look at what they say."""
        for obj in objects:
            self.learn(obj)
            yield obj

    def learn(self, obj: DICOMDownloadable) -> None:
        """Look at what an object, or the study it is in, says of SOP classes."""
        study_uid = obj.reference().study_uid
        if study_uid in self._of_study:
            return
        found = _values(_root(obj), "SOPClassesInStudy")
        if found:
            self._of_study[study_uid] = frozenset(found)
        else:
            self._learn_one_by_one(obj)

    def list(self, reference: DICOMObjectReference) -> Listed:
        """Return what the archive lists, and learn from it."""
        listed = list_instances(self._searcher, reference)
        self._listed[reference] = listed
        for study in listed.studies:
            self._learn_one_by_one(study)
        return listed

    def of(self, wanted: Wanted) -> tuple[frozenset[str], frozenset[str]]:
        """Return the classes to be ready for, and those needed; both empty if nobody knows.

        What did not come when it was asked for among others is looked up on its own: what a study
        is said to hold may not be all.
        """
        study_uid = wanted.reference.study_uid
        found = (
            self._of_expected(wanted) if wanted.reason or study_uid not in self._of_study else _NONE
        )
        known = self._of_study.get(study_uid) or found or self._look_up(study_uid)
        if known and not wanted.reason:
            return known, known
        found = found or self._of_expected(wanted, self._listing_of(wanted.reference))
        if not found or (found <= known and can_all_come(known)):
            return known, found
        return found, found

    def _look_up(self, study_uid: str) -> frozenset[str]:
        """Ask the archive what a study holds, once."""
        if study_uid not in self._of_study:
            self._of_study[study_uid] = classes_in(self._searcher, study_uid)
        return self._of_study[study_uid]

    def _listing_of(self, reference: DICOMObjectReference) -> Listed:
        """Return the instances in a study, or in the series that *reference* is in."""
        if len(reference.uids) > 1:
            reference = SeriesReference(*reference.uids[:2])
        return self._listed.get(reference) or self.list(reference)

    def _of_expected(self, wanted: Wanted, listed: Listed | None = None) -> frozenset[str]:
        """Return the classes of the expected instances, if all of them are known.

        What a listing that is all there is does not have may not be there at all: what others are
        of, or what most are, has to do for it.
        """
        expected = [ref.instance_uid for ref in (wanted.expected or {}).values()]
        found = {self._of_instance.get(uid, "") for uid in expected} - {""}
        if all(uid in self._of_instance for uid in expected):
            return frozenset(found)
        if listed is None or listed.doubt:
            return frozenset()
        others = {self._of_instance.get(ref.instance_uid, "") for ref in listed.references} - {""}
        said = self._of_study.get(wanted.reference.study_uid)
        return frozenset(found.union(others or said or COMMONEST))

    def _learn_one_by_one(self, obj: DICOMDownloadable) -> None:
        for instance in _instances(obj):
            for sop_class in _values(instance, "SOPClassUID"):
                self._of_instance[instance.reference().uids[-1]] = sop_class


def _instances(obj: DICOMDownloadable) -> Iterator[DICOMDownloadable]:
    if obj.level is DICOMObjectLevels.INSTANCE:
        yield obj
    for child in obj.children:
        yield from _instances(child)


def _root(obj: DICOMDownloadable) -> object:
    """Return the study that an object is in, if it can tell."""
    root = getattr(obj, "root", None)
    return root() if callable(root) else obj


def _values(obj: object, keyword: str) -> tuple[str, ...]:
    data = getattr(obj, "data", None)
    return texts(data, keyword) if isinstance(data, Dataset) else ()
