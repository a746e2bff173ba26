"""Flat items, as archives return them, become study trees. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeAlias

import attrs
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from .errors import InvalidUIDError
from .levels import DICOMObjectLevels
from .objects import Instance, Series, Study
from .references import (
    DICOMObjectReference,
    InstanceReference,
    SeriesReference,
    StudyReference,
)
from .results import HeldBack
from .uids import check_uid
from .values import subset, text

__all__ = ["Assembler", "Assembly", "Data", "FlatItem", "assemble", "level_of_keyword"]

# The attributes that describe a study or its patient, and those that describe a series, whatever
# kind of image: PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2 and C.7.3.1, C.7.4.1, C.7.5.1, and the
# return keys of PS3.18 tables 10.6.3-3 and 10.6.3-4.
_STUDY_KEYWORDS: Final = """
    PatientName PatientID IssuerOfPatientID PatientBirthDate PatientBirthTime PatientSex
    OtherPatientIDs OtherPatientNames OtherPatientIDsSequence EthnicGroup PatientComments
    PatientSpeciesDescription PatientBreedDescription ResponsiblePerson PatientIdentityRemoved
    DeidentificationMethod DeidentificationMethodCodeSequence ClinicalTrialSponsorName
    ClinicalTrialProtocolID ClinicalTrialSubjectID ClinicalTrialSiteID
    StudyInstanceUID StudyDate StudyTime StudyID AccessionNumber IssuerOfAccessionNumberSequence
    StudyDescription ReferringPhysicianName PhysiciansOfRecord NameOfPhysiciansReadingStudy
    ProcedureCodeSequence ReferencedStudySequence PatientAge PatientSize PatientWeight Occupation
    AdditionalPatientHistory AdmittingDiagnosesDescription ModalitiesInStudy SOPClassesInStudy
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances NumberOfPatientRelatedStudies
    NumberOfPatientRelatedSeries NumberOfPatientRelatedInstances StudyStatusID
"""
_SERIES_KEYWORDS: Final = """
    SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDate SeriesTime Laterality
    BodyPartExamined PatientPosition ProtocolName OperatorsName PerformingPhysicianName
    RequestAttributesSequence PerformedProcedureStepID PerformedProcedureStepDescription
    PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    ReferencedPerformedProcedureStepSequence NumberOfSeriesRelatedInstances
    FrameOfReferenceUID PositionReferenceIndicator SynchronizationFrameOfReferenceUID
    Manufacturer ManufacturerModelName InstitutionName InstitutionAddress StationName
    InstitutionalDepartmentName DeviceSerialNumber SoftwareVersions
"""
_DOWNWARDS: Final = tuple(sorted(DICOMObjectLevels, reverse=True))
_UID_KEYWORDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_UID_NAMES: Final = ("study UID", "series UID", "instance UID")
_REFERENCES: Final = {
    DICOMObjectLevels.STUDY: StudyReference,
    DICOMObjectLevels.SERIES: SeriesReference,
    DICOMObjectLevels.INSTANCE: InstanceReference,
}
_LEVEL_OF_TAG: Final = {
    tag_for_keyword(keyword): level
    for level, keywords in (
        (DICOMObjectLevels.STUDY, _STUDY_KEYWORDS),
        (DICOMObjectLevels.SERIES, _SERIES_KEYWORDS),
    )
    for keyword in keywords.split()
}


def level_of_keyword(keyword: str) -> DICOMObjectLevels:
    """Return which object an attribute describes.

    Examples
    --------
    >>> level_of_keyword("PatientName").name, level_of_keyword("InstanceNumber").name
    ('STUDY', 'INSTANCE')
    """
    return _level_of_tag(tag_for_keyword(keyword))


def _level_of_tag(tag: int | None) -> DICOMObjectLevels:
    return _LEVEL_OF_TAG.get(tag, DICOMObjectLevels.INSTANCE)


Data: TypeAlias = Dataset | Callable[[], Dataset]
"""What is known of an object, or what returns that when it is asked for."""


class FlatItem(Protocol):
    """What an archive says of one object, and of those above it, before it is a data set.

    For archives that list instances by the thousand: to make a `Dataset` of each takes longer
    than everything else, and few of them are ever looked at.
    """

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        ...

    def part(self, wanted: Callable[[int], bool], /) -> Data:
        """Return the attributes whose tags are *wanted*, at once or when called."""
        ...


@attrs.frozen
class Assembly:
    """Trees made from flat items, and what could not become part of one.

    Attributes
    ----------
    studies
        In order of first appearance, as are series and instances in them.
    held_back
        Items without a usable UID, or listed before.
    notes
        What is odd and harmless: patients that share a study.
    """

    studies: tuple[Study, ...]
    held_back: tuple[HeldBack, ...]
    notes: tuple[str, ...]


def assemble(items: Iterable[Dataset | FlatItem], level: DICOMObjectLevels) -> Assembly:
    """Return the trees that *items*, each about one object of *level*, are parts of.

    Attributes go to the object they describe; those of a study or series are taken from the first
    item that mentions it. Data sets are not changed.

    Examples
    --------
    >>> item = Dataset()
    >>> item.StudyInstanceUID, item.SeriesInstanceUID, item.Modality = "1.2", "1.2.3", "CT"
    >>> (study,) = assemble([item], DICOMObjectLevels.SERIES).studies
    >>> study, study.series[0].data.Modality
    (Study('1.2', 1 series, 0 instances), 'CT')
    """
    assembler = Assembler()
    for item in items:
        assembler.add(item, level)
    return assembler.finish()


class Assembler:
    """Collects items about objects of any level, and makes trees of them at the end.

    For searches that go level by level: add the studies, then their series, then the instances.
    """

    def __init__(self) -> None:
        self._root: _Branch = _Branch()
        self._above: list[str] = []  # what the last item was part of, by UIDs
        self._parent: _Branch = self._root  # and as a branch
        self._held_back: list[HeldBack] = []
        self._notes: dict[str, None] = {}

    def add(self, item: Dataset | FlatItem, level: DICOMObjectLevels) -> None:
        """Add what *item* says about one object of *level*, and about those above it."""
        flat = _Flat(item) if isinstance(item, Dataset) else item
        uids = [flat.text(keyword) for keyword in _UID_KEYWORDS[: len(_UID_KEYWORDS) - level]]
        try:
            branch = self._place(flat, uids)
        except InvalidUIDError as error:
            self._hold_back(str(error), None, item)
            return
        if branch.listed:
            self._hold_back("is listed more than once", _REFERENCES[level](*uids), item)
        else:
            branch.list(flat, level)
        self._compare_patients(flat, uids[0])

    def _place(self, item: FlatItem, uids: list[str]) -> _Branch:
        """Return the branch of these UIDs; what is new of it is made, if all of them are legal.

        The items of a series come together, mostly, so where the last one went is remembered.
        """
        *above, own = uids
        if above == self._above:
            check_uid(own, _UID_NAMES[len(above)])
            return self._parent.child(own)
        for uid, name in zip(uids, _UID_NAMES, strict=False):
            check_uid(uid, name)
        branch = self._root
        for uid, level in zip(above, _DOWNWARDS, strict=False):
            branch = branch.child(uid)
            if branch.data is None:
                branch.data = item.part(_DESCRIBES[level])
        self._above, self._parent = above, branch
        return branch.child(own)

    def _hold_back(
        self, reason: str, reference: DICOMObjectReference | None, item: Dataset | FlatItem
    ) -> None:
        data = item if isinstance(item, Dataset) else _made(item.part(_any))
        self._held_back.append(HeldBack(reason, reference, data))

    def _compare_patients(self, item: FlatItem, uid: str) -> None:
        """Two patients in one study are real (Q33): merged by UID, and said."""
        patient, study = item.text("PatientID"), self._root.children[uid]
        if not patient or patient == study.patient:
            return
        if study.patient:
            self._notes[f"study {uid} holds more than one PatientID"] = None
        study.patient = patient

    def finish(self) -> Assembly:
        """Return everything added so far as trees."""
        studies = tuple(
            Study(uid, study.data, [_series(*item) for item in study.children.items()])
            for uid, study in self._root.children.items()
        )
        return Assembly(studies, tuple(self._held_back), tuple(self._notes))


def _no_branches() -> dict[str, _Branch]:
    return {}


@attrs.define
class _Branch:
    """A study, series or instance under construction."""

    data: Data | None = None
    listed: bool = False
    patient: str = ""
    children: dict[str, _Branch] = attrs.field(factory=_no_branches)

    def child(self, uid: str) -> _Branch:
        found = self.children.get(uid)
        if found is None:
            found = self.children[uid] = _Branch()
        return found

    def list(self, item: FlatItem, level: DICOMObjectLevels) -> None:
        """Take what the item about this very object says, over what was known from below."""
        own = item.part(_DESCRIBES_OR_BELOW[level])
        if self.data is not None:
            known = _made(self.data)
            known.update(_made(own))
            own = known
        self.data = own
        self.listed = True


def _series(uid: str, series: _Branch) -> Series:
    instances = [Instance(uid, branch.data) for uid, branch in series.children.items()]
    return Series(uid, series.data, instances)


@attrs.frozen
class _Flat:
    """A data set as an item. Its parts are made at once: the caller may change it afterwards."""

    dataset: Dataset

    def text(self, keyword: str) -> str:
        return text(self.dataset, keyword)

    def part(self, wanted: Callable[[int], bool]) -> Dataset:
        return subset(self.dataset, wanted)


def _made(data: Data) -> Dataset:
    return data if isinstance(data, Dataset) else data()


def _any(_: int) -> bool:
    return True


def _only(level: DICOMObjectLevels) -> Callable[[int], bool]:
    return lambda tag: _level_of_tag(tag) == level


def _at_most(level: DICOMObjectLevels) -> Callable[[int], bool]:
    return lambda tag: _level_of_tag(tag) <= level


_DESCRIBES: Final = {level: _only(level) for level in DICOMObjectLevels}
_DESCRIBES_OR_BELOW: Final = {level: _at_most(level) for level in DICOMObjectLevels}
