"""Flat data sets, as archives return them, become study trees. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from .errors import InvalidUIDError
from .levels import DICOMObjectLevels
from .objects import Instance, Series, Study
from .references import InstanceReference, SeriesReference, StudyReference
from .results import HeldBack
from .values import subset, text

__all__ = ["Assembler", "Assembly", "assemble", "level_of_keyword"]

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
_UID_KEYWORDS: Final = {
    DICOMObjectLevels.STUDY: "StudyInstanceUID",
    DICOMObjectLevels.SERIES: "SeriesInstanceUID",
    DICOMObjectLevels.INSTANCE: "SOPInstanceUID",
}
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


@attrs.frozen
class Assembly:
    """Trees made from flat data sets, and what could not become part of one.

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


def assemble(datasets: Iterable[Dataset], level: DICOMObjectLevels) -> Assembly:
    """Return the trees that *datasets*, each about one object of *level*, are parts of.

    Attributes go to the object they describe; those of a study or series are taken from the first
    data set that mentions it. The data sets are not changed.

    Examples
    --------
    >>> item = Dataset()
    >>> item.StudyInstanceUID, item.SeriesInstanceUID, item.Modality = "1.2", "1.2.3", "CT"
    >>> (study,) = assemble([item], DICOMObjectLevels.SERIES).studies
    >>> study, study.series[0].data.Modality
    (Study('1.2', 1 series, 0 instances), 'CT')
    """
    assembler = Assembler()
    for dataset in datasets:
        assembler.add(dataset, level)
    return assembler.finish()


class Assembler:
    """Collects data sets about objects of any level, and makes trees of them at the end.

    For searches that go level by level: add the studies, then their series, then the instances.
    """

    def __init__(self) -> None:
        self._studies: dict[str, _Branch] = {}
        self._held_back: list[HeldBack] = []
        self._notes: dict[str, None] = {}

    def add(self, dataset: Dataset, level: DICOMObjectLevels) -> None:
        """Add what *dataset* says about one object of *level*, and about those above it."""
        levels = _DOWNWARDS[: len(_DOWNWARDS) - level]
        uids = [text(dataset, _UID_KEYWORDS[at]) for at in levels]
        try:
            reference = _REFERENCES[level](*uids)
        except InvalidUIDError as error:
            self._held_back.append(HeldBack(str(error), data=dataset))
            return
        branches = self._studies
        for uid, at in zip(uids, levels, strict=True):
            branch = branches.setdefault(uid, _Branch())
            if at > level:
                branch.mention(dataset, at)
            elif branch.listed:
                self._held_back.append(HeldBack("is listed more than once", reference, dataset))
            else:
                branch.list(dataset, at)
            if at is DICOMObjectLevels.STUDY:
                self._compare_patients(branch, dataset, uid)
            branches = branch.children

    def _compare_patients(self, study: _Branch, dataset: Dataset, uid: str) -> None:
        """Two patients in one study are real (Q33): merged by UID, and said."""
        patient = text(dataset, "PatientID")
        if not patient or patient == study.patient:
            return
        if study.patient:
            self._notes[f"study {uid} holds more than one PatientID"] = None
        study.patient = patient

    def finish(self) -> Assembly:
        """Return everything added so far as trees."""
        studies = tuple(
            Study(uid, study.data, [_series(*item) for item in study.children.items()])
            for uid, study in self._studies.items()
        )
        return Assembly(studies, tuple(self._held_back), tuple(self._notes))


@attrs.define
class _Branch:
    """A study, series or instance under construction."""

    data: Dataset | None = None
    listed: bool = False
    patient: str = ""
    children: dict[str, _Branch] = attrs.field(
        factory=lambda: dict[str, _Branch]()  # noqa: PLW0108  `_Branch` is not there yet
    )

    def mention(self, dataset: Dataset, level: DICOMObjectLevels) -> None:
        """Take what an item from below says, unless something is known already."""
        if self.data is None:
            self.data = subset(dataset, lambda tag: _level_of_tag(tag) == level)

    def list(self, dataset: Dataset, level: DICOMObjectLevels) -> None:
        """Take what the item about this very object says, over what was known from below."""
        own = subset(dataset, lambda tag: _level_of_tag(tag) <= level)
        if self.data is not None:
            self.data.update(own)
        self.data = self.data if self.data is not None else own
        self.listed = True


def _series(uid: str, series: _Branch) -> Series:
    instances = [Instance(uid, branch.data) for uid, branch in series.children.items()]
    return Series(uid, series.data, instances)
