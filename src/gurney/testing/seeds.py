"""What an archive under test holds: the data of the conformance kit, and questions about them.

Four patients, five studies. Everything here is chosen so that a searcher which ignores a key, or
takes it for another kind of key, gives another answer than the right one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from gurney.core import (
    DICOMObjectLevels,
    ExtendedQuery,
    InstanceReference,
    Query,
    QueryLevels,
    Study,
    StudyReference,
    assemble,
    encode,
    to_references,
)

from .comparing import reference_of
from .features import keys_of
from .making import MadeSeries, made

__all__ = [
    "CASES",
    "Case",
    "FOLLOW_UP",
    "HAND",
    "HEAD",
    "THORAX",
    "TREE",
    "UNKNOWN",
    "conformance_datasets",
    "conformance_files",
]

THORAX: Final = "2.25.7001"
HEAD: Final = "2.25.7002"
FOLLOW_UP: Final = "2.25.7003"
ABDOMEN: Final = "2.25.7004"
HAND: Final = "2.25.7005"
UNKNOWN: Final = "2.25.7999"
"""Study Instance UIDs: of the five studies, and of none."""

_LARGE: Final = 1100  # rows and columns of a byte: more than a chunk


def conformance_datasets() -> list[Dataset]:
    """Return the instances that an archive under test holds, and nothing else.

    Put them there behind the back of what is tested: as files on disk, by C-STORE, by STOW-RS.
    Where an archive keeps bytes, they are those of `conformance_files`.
    """
    mueller = _patient("KIT-1", "Müller^Jürgen", "M", "19600229")
    jane = _patient("KIT-2", "Doe^Jane", "F", "19850704")
    john_a = _patient("KIT-22", "Doe^John^A", "M", "19850705")
    john = _patient("KIT-3", "Doe^John", "O", "20000101")
    north = {"InstitutionName": "Nordklinik", "InstitutionalDepartmentName": "Radiologie"}
    neuro = {"InstitutionName": "Nordklinik", "InstitutionalDepartmentName": "Neuroradiologie"}
    south = {"InstitutionName": "Klinik am See", "InstitutionalDepartmentName": "Radiologie"}
    guest = {"InstitutionName": "Gastklinik", "InstitutionalDepartmentName": "Radiologie"}
    return [
        *made(
            THORAX,
            {**mueller, **_study("20240115", "KIT-A1", "Thorax", "CHEST")},
            MadeSeries("CT", 3, {**north, "SeriesDescription": "Thorax axial"}),
            MadeSeries("CT", 1, {**north, "SeriesDescription": "Thorax coronal"}),
        ),
        *made(
            HEAD,
            {**mueller, **_study("20240131", "KIT-A10", "Kopf", "HEAD")},
            MadeSeries("MR", 2, {**neuro, "SeriesDescription": "Kopf axial"}),
        ),
        *made(
            FOLLOW_UP,
            {**jane, **_study("20240201", "KIT-B1", "Thorax Verlauf", "CHEST")},
            MadeSeries("CT", 2, {**south, "SeriesDescription": "Thorax axial"}),
            MadeSeries("MR", 1, {**guest, "SeriesDescription": "Herz"}),
        ),
        *made(
            ABDOMEN,
            {**john_a, **_study("20250630", "KIT-C1", "Abdomen", "ABDOMEN")},
            MadeSeries("US", 1, size=_LARGE, transfer_syntax=ImplicitVRLittleEndian),
        ),
        *made(
            HAND,
            {**john, **_study("19991231", "KIT-D1", "Hand", "HAND")},
            MadeSeries("CR", 2, {"SeriesDescription": "Hand"}, transfer_syntax=RLELossless),
        ),
    ]


def conformance_files() -> dict[InstanceReference, bytes]:
    """Return the same instances as Part 10 files, in tree order."""
    return {reference_of(dataset): encode(dataset) for dataset in conformance_datasets()}


def _patient(patient_id: str, name: str, sex: str, born: str) -> dict[str, str]:
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientID": patient_id,
        "PatientName": name,
        "PatientSex": sex,
        "PatientBirthDate": born,
    }


def _study(date: str, accession: str, description: str, body_part: str) -> dict[str, str]:
    return {
        "StudyDate": date,
        "StudyTime": "101500",
        "AccessionNumber": accession,
        "StudyDescription": description,
        "StudyID": accession[4:],
        "BodyPartExamined": body_part,
    }


TREE: Final[tuple[Study, ...]] = assemble(
    conformance_datasets(), DICOMObjectLevels.INSTANCE
).studies
"""The five studies, down to their instances, in the order of `conformance_datasets`."""


@attrs.frozen
class Case:
    """A question about `TREE`, and the answer to it.

    Attributes
    ----------
    question
        Parameters of an `ExtendedQuery`.
    studies
        UIDs of the studies that match.
    series
        UIDs of the series that a search deeper than STUDY returns; `None` for all of the studies'.
    """

    question: Mapping[str, Any]
    studies: tuple[str, ...]
    series: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.question.items()) or "everything"

    def query(self, level: QueryLevels) -> Query:
        """Return the question as a query; a plain `Query` if that can hold it."""
        plain = self.question.keys() <= keys_of(Query)
        query_class = Query if plain else ExtendedQuery
        return query_class(**self.question, query_level=level)

    def answer(self, level: DICOMObjectLevels) -> list[str]:
        """Return references to all that is to be found at *level*, printed and sorted."""
        references = to_references([study for study in TREE if study.uid in self.studies], level)
        return sorted(
            str(reference)
            for reference in references
            if self.series is None
            or isinstance(reference, StudyReference)
            or reference.series_uid in self.series
        )


_CT_OF_THORAX: Final = f"{THORAX}01"
_CT_OF_FOLLOW_UP: Final = f"{FOLLOW_UP}01"
_MR_OF_FOLLOW_UP: Final = f"{FOLLOW_UP}02"

CASES: Final[tuple[Case, ...]] = (
    Case({}, (THORAX, HEAD, FOLLOW_UP, ABDOMEN, HAND)),
    Case({"StudyInstanceUID": HEAD}, (HEAD,)),
    Case({"StudyInstanceUID": UNKNOWN}, ()),
    Case({"StudyInstanceUID": [HAND, UNKNOWN, HEAD]}, (HEAD, HAND)),
    Case({"SeriesInstanceUID": _CT_OF_THORAX}, (THORAX,), (_CT_OF_THORAX,)),
    Case({"SeriesInstanceUID": f"{UNKNOWN}01"}, ()),
    Case(
        {"SeriesInstanceUID": [_CT_OF_THORAX, _MR_OF_FOLLOW_UP]},
        (THORAX, FOLLOW_UP),
        (_CT_OF_THORAX, _MR_OF_FOLLOW_UP),
    ),
    Case(
        {"StudyInstanceUID": FOLLOW_UP, "SeriesInstanceUID": _MR_OF_FOLLOW_UP},
        (FOLLOW_UP,),
        (_MR_OF_FOLLOW_UP,),
    ),
    Case({"StudyInstanceUID": HEAD, "SeriesInstanceUID": _MR_OF_FOLLOW_UP}, ()),
    Case({"AccessionNumber": "KIT-A1"}, (THORAX,)),
    Case({"AccessionNumber": "KIT-A9"}, ()),
    Case({"AccessionNumber": "KIT-A*"}, (THORAX, HEAD)),
    Case({"AccessionNumber": "KIT-?1"}, (THORAX, FOLLOW_UP, ABDOMEN, HAND)),
    Case({"PatientID": "KIT-2"}, (FOLLOW_UP,)),
    Case({"PatientID": "KIT-9"}, ()),
    Case({"PatientID": "KIT-2*"}, (FOLLOW_UP, ABDOMEN)),
    Case({"PatientID": "KIT-?"}, (THORAX, HEAD, FOLLOW_UP, HAND)),
    Case({"PatientID": "*"}, (THORAX, HEAD, FOLLOW_UP, ABDOMEN, HAND)),
    Case({"PatientName": "Doe^Jane"}, (FOLLOW_UP,)),
    Case({"PatientName": "Doe^John"}, (HAND,)),
    Case({"PatientName": "Doe^Nobody"}, ()),
    Case({"PatientName": "Müller^Jürgen"}, (THORAX, HEAD)),
    Case({"PatientName": "Doe^John*"}, (ABDOMEN, HAND)),
    Case({"PatientName": "*Jane"}, (FOLLOW_UP,)),
    Case({"PatientName": "D?e^J*n*"}, (FOLLOW_UP, ABDOMEN, HAND)),
    Case({"PatientID": "KIT-1", "StudyInstanceUID": HEAD}, (HEAD,)),
    Case({"PatientID": "KIT-2", "StudyInstanceUID": HEAD}, ()),
    Case({"ModalitiesInStudy": "CT"}, (THORAX, FOLLOW_UP)),
    Case({"ModalitiesInStudy": "NM"}, ()),
    Case({"ModalitiesInStudy": ["MR", "US"]}, (HEAD, FOLLOW_UP, ABDOMEN)),
    Case({"ModalitiesInStudy": "MR", "PatientID": "KIT-1"}, (HEAD,)),
    Case({"min_study_date": "20240131"}, (HEAD, FOLLOW_UP, ABDOMEN)),
    Case({"max_study_date": "20240131"}, (THORAX, HEAD, HAND)),
    Case({"min_study_date": "20240116", "max_study_date": "20240201"}, (HEAD, FOLLOW_UP)),
    Case({"min_study_date": "20240131", "max_study_date": "20240131"}, (HEAD,)),
    Case({"min_study_date": "20260101"}, ()),
    Case({"min_study_date": "20240101", "ModalitiesInStudy": "CT"}, (THORAX, FOLLOW_UP)),
    Case({"InstitutionName": "Nordklinik"}, (THORAX, HEAD)),
    Case({"InstitutionName": "Gastklinik"}, (FOLLOW_UP,)),
    Case({"InstitutionName": "*klinik"}, (THORAX, HEAD, FOLLOW_UP)),
    Case({"InstitutionName": "Waldklinik"}, ()),
    Case({"InstitutionalDepartmentName": "Radiologie"}, (THORAX, FOLLOW_UP)),
    Case({"InstitutionalDepartmentName": "Neuro*"}, (HEAD,)),
    Case({"PatientSex": "F"}, (FOLLOW_UP,)),
    Case({"PatientSex": "O"}, (HAND,)),
    Case({"StudyDescription": "Thorax"}, (THORAX,)),
    Case({"StudyDescription": "Thorax*"}, (THORAX, FOLLOW_UP)),
    Case(
        {"SeriesDescription": "Thorax axial"},
        (THORAX, FOLLOW_UP),
        (_CT_OF_THORAX, _CT_OF_FOLLOW_UP),
    ),
    Case(
        {"SeriesDescription": "* axial"},
        (THORAX, HEAD, FOLLOW_UP),
        (_CT_OF_THORAX, f"{HEAD}01", _CT_OF_FOLLOW_UP),
    ),
    Case({"SeriesDescription": "axial"}, ()),
    Case({"PatientBirthDate": "19850704"}, (FOLLOW_UP,)),
    Case({"PatientBirthDate": "19850704-19850705"}, (FOLLOW_UP, ABDOMEN)),
    Case({"PatientBirthDate": "19850705-"}, (ABDOMEN, HAND)),
    Case({"PatientBirthDate": "-19600229"}, (THORAX, HEAD)),
)
"""Questions about `TREE`, by single value, list, wildcard and range, with no answer and several."""
