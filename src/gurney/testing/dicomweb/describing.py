"""What is said of studies, series and instances, in the DICOM JSON model (PS3.18 F.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset

from gurney.core import DICOMObjectLevels, level_of_keyword, subset

from ..holdings import Held
from .fault import JSONObject

__all__ = ["DICOM_JSON", "described", "metadata", "returned", "url_of"]

DICOM_JSON: Final = "application/dicom+json"

# PS3.18 tables 10.6.3-3 to 10.6.3-5, and the UIDs of every level above.
_RETURNED: Final = {
    DICOMObjectLevels.STUDY: """
        StudyInstanceUID StudyDate StudyTime AccessionNumber InstanceAvailability ModalitiesInStudy
        ReferringPhysicianName PatientName PatientID PatientBirthDate PatientSex StudyID
        StudyDescription NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
        """.split(),
    DICOMObjectLevels.SERIES: """
        StudyInstanceUID SeriesInstanceUID Modality SeriesNumber SeriesDescription
        NumberOfSeriesRelatedInstances PerformedProcedureStepStartDate
        PerformedProcedureStepStartTime RequestAttributesSequence
        """.split(),
    DICOMObjectLevels.INSTANCE: """
        StudyInstanceUID SeriesInstanceUID SOPInstanceUID SOPClassUID InstanceAvailability
        InstanceNumber Rows Columns BitsAllocated NumberOfFrames
        """.split(),
}
_RESOURCES: Final = ("studies", "series", "instances")


def returned(
    searched_by: Iterable[str], level: DICOMObjectLevels, fields: Iterable[str]
) -> Callable[[int], bool]:
    """Return what says of a tag whether it is returned.

    Those of the tables are; the keys of the query; the fields asked for. What describes a lower
    level never is.
    """
    asked_for = [*searched_by, *fields]
    if "all" in asked_for:
        return lambda tag: _reaches(keyword_for_tag(tag), level)
    keywords = [*_RETURNED[level], *(word for word in asked_for if _reaches(word, level))]
    return frozenset(tag_for_keyword(keyword) for keyword in keywords).__contains__


def described(
    held: Held, level: DICOMObjectLevels, wanted: Callable[[int], bool], url: str
) -> JSONObject:
    """Return what a search says of an object of *level*, of which *held* is an instance."""
    found = _attributes(subset(held.item, wanted))
    place = url_of(held.reference.uids[: 3 - level], url)
    found["00081190"] = {"vr": "UR", "Value": [place]}  # RetrieveURL
    return _in_order(found)


def metadata(held: Held, url: str) -> JSONObject:
    """Return all attributes of an instance; bulk data by URL."""
    bulk = held.bulk
    found = _attributes(subset(held.dataset, lambda tag: tag not in bulk))
    place = url_of(held.reference.uids, url)
    for tag in bulk:
        vr = held.dataset[tag].VR
        found[f"{tag:08X}"] = {"vr": vr, "BulkDataURI": f"{place}/bulkdata/{tag:08X}"}
    return _in_order(found)


def url_of(uids: Iterable[str], url: str) -> str:
    """Return where a study, a series or an instance is."""
    return "/".join([url, *(f"{name}/{uid}" for name, uid in zip(_RESOURCES, uids, strict=False))])


def _attributes(dataset: Dataset) -> JSONObject:
    """Return what can be written as JSON.

    Not by pydicom's own way to leave out the rest: that turns a switch of the whole process, and
    other threads may find it turned for ever.
    """
    found: JSONObject = {}
    for tag in dataset.keys():  # noqa: SIM118  iterating itself would convert the values
        with suppress(Exception):  # pydicom raises a dozen classes on damaged values (P01)
            found[f"{tag:08X}"] = dataset[tag].to_json_dict(None, 1024)
    return {**found, "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}  # the text is UTF-8


def _in_order(found: JSONObject) -> JSONObject:
    return dict(sorted(found.items()))  # PS3.18 F.2.2


def _reaches(keyword: str, level: DICOMObjectLevels) -> bool:
    """Say whether an attribute describes an object of *level*, or one above it."""
    return keyword in _RETURNED[level] or level_of_keyword(keyword) >= level
