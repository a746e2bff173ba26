"""What is shown of a study, a series, an instance, and where it is found in a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword

from gurney.core import (
    DICOMObject,
    DICOMObjectLevels,
    Series,
    Study,
    level_of_keyword,
    number,
    texts,
)

from .exits import WrongUseError

__all__ = [
    "FLAT",
    "OWN",
    "check_shown",
    "flat_row",
    "instance_count",
    "objects_at",
    "own_keywords",
    "series_count",
    "value_of",
    "values_of",
    "wanted_keywords",
]

STUDY, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)

OWN: Final[dict[DICOMObjectLevels, tuple[str, ...]]] = {
    STUDY: (
        "StudyInstanceUID",
        "PatientName",
        "PatientID",
        "StudyDate",
        "AccessionNumber",
        "ModalitiesInStudy",
        "StudyDescription",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    SERIES: (
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
    ),
    INSTANCE: ("SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
"""The keywords shown of an object by itself, by level."""

FLAT: Final[dict[DICOMObjectLevels, tuple[str, ...]]] = {
    STUDY: OWN[STUDY],
    SERIES: (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "PatientName",
        "PatientID",
        "StudyDate",
        "AccessionNumber",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
    ),
    INSTANCE: (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "SOPClassUID",
        "PatientName",
        "PatientID",
        "StudyDate",
        "AccessionNumber",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "InstanceNumber",
    ),
}
"""The columns of a table with one row for each object of a level."""

_WITHOUT_TEXT: Final = {"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN"}


def check_shown(keywords: Iterable[str]) -> None:
    """Refuse keywords whose values are no text, before anything is asked.

    Raises
    ------
    WrongUseError
        It names the keyword. One that DICOM does not know is left for the query to refuse.
    """
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        if tag is not None and _WITHOUT_TEXT & set(dictionary_VR(tag).split(" or ")):
            raise WrongUseError(
                f"--include-field {keyword} is a sequence or binary and cannot be shown"
            )


def wanted_keywords(level: DICOMObjectLevels, extra: Sequence[str]) -> tuple[str, ...]:
    """Return what to ask an archive for, down to *level*, beyond UIDs and counts."""
    shown = [keyword for at in (STUDY, SERIES, INSTANCE) if at >= level for keyword in OWN[at]]
    asked = [word for word in shown if not word.endswith("InstanceUID") and "Number" not in word]
    return tuple(dict.fromkeys([*asked, *extra]))


def own_keywords(
    level: DICOMObjectLevels, deepest: DICOMObjectLevels, extra: Sequence[str]
) -> tuple[str, ...]:
    """Return what is shown of an object of *level* in a tree that goes down to *deepest*."""
    here = (word for word in extra if max(level_of_keyword(word), deepest) == level)
    return tuple(dict.fromkeys([*OWN[level], *here]))


def flat_row(obj: DICOMObject, keywords: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the values of each keyword, from *obj* or what it is part of."""
    return (values_of(obj, keyword) for keyword in keywords)


def values_of(obj: DICOMObject, keyword: str) -> tuple[str, ...]:
    """Return the values of *keyword*, of *obj* or of what it is part of; empty if not known."""
    node: DICOMObject | None = obj
    while node is not None:
        if keyword == OWN[node.level][0]:
            return (node.uid,)
        if found := texts(node.data, keyword):
            return found
        node = node.parent
    return ()


def value_of(obj: DICOMObject, keyword: str) -> str | int | list[str] | None:
    """Return the same as JSON has it: a list only where DICOM allows several, `None` for nothing.

    Whole numbers (VR IS, US, ...) are numbers, where they can be read as such.
    """
    values = values_of(obj, keyword)
    if dictionary_VM(keyword) != "1" or len(values) > 1:
        return list(values)
    if not values:
        return None
    if dictionary_VR(keyword) in {"IS", "SL", "SS", "SV", "UL", "US", "UV"}:
        whole = _whole(values[0])
        return values[0] if whole is None else whole
    return values[0]


def series_count(study: Study) -> int | None:
    """Return how many series are listed, else how many the archive says there are."""
    return len(study.series) or number(study.data, "NumberOfStudyRelatedSeries")


def instance_count(obj: Study | Series) -> int | None:
    """Return how many instances are listed, else how many the archive says there are."""
    if listed := len(obj.all_instances()):
        return listed
    if isinstance(obj, Series):
        return number(obj.data, "NumberOfSeriesRelatedInstances")
    counts = [number(series.data, "NumberOfSeriesRelatedInstances") for series in obj.series]
    if counts and None not in counts:
        return sum(count or 0 for count in counts)
    return number(obj.data, "NumberOfStudyRelatedInstances")


def objects_at(studies: Iterable[Study], level: DICOMObjectLevels) -> Iterator[DICOMObject]:
    """Yield every object of *level*, in tree order."""
    for study in studies:
        if level is STUDY:
            yield study
        else:
            yield from study.series if level is SERIES else study.all_instances()


def _whole(value: str) -> int | None:
    try:
        return int(value)
    except ValueError:
        return None
