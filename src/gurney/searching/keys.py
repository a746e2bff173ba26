"""From a query to matching keys, and to the fields that are to be returned. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Final, TypeAlias

from ..core import DICOMObjectLevels, Query, level_of_keyword, texts, unique

__all__ = [
    "Keys",
    "OF_EQUIPMENT",
    "REQUIRED",
    "alternatives",
    "equipment_keys",
    "fields_of",
    "loosened",
    "not_required",
    "series_keys",
    "study_keys",
    "widened",
]

Keys: TypeAlias = Mapping[str, str]
"""Matching keys: values by keyword, as DICOM writes them, several separated by a backslash."""

_OF_SERIES: Final = ("SeriesInstanceUID", "SeriesDescription")
OF_EQUIPMENT: Final = ("InstitutionName", "InstitutionalDepartmentName")

REQUIRED: Final = frozenset(
    """
    StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName
    PatientID StudyInstanceUID StudyID SeriesInstanceUID
    """.split()
)
"""What every DICOMweb archive must be able to search by (PS3.18 table 10.6.1-5)."""

# "Required" return keys are a promise about archives, not a fact: the counts are asked for.
_FIELDS: Final = {
    DICOMObjectLevels.STUDY: """
        StudyInstanceUID ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries
        NumberOfStudyRelatedInstances InstanceAvailability StudyDescription
    """.split(),
    DICOMObjectLevels.SERIES: """
        StudyInstanceUID SeriesInstanceUID SeriesDescription NumberOfSeriesRelatedInstances
    """.split(),
    DICOMObjectLevels.INSTANCE: "StudyInstanceUID SeriesInstanceUID".split(),
}
_TEXT: Final = frozenset(
    """
    AccessionNumber PatientName PatientID PatientSex InstitutionName InstitutionalDepartmentName
    StudyDescription SeriesDescription
    """.split()
)


def study_keys(query: Query) -> Keys:
    """Return the matching keys that studies have.

    Examples
    --------
    >>> study_keys(Query(PatientID="7", SeriesInstanceUID="1.2", max_study_date="20240131"))
    {'StudyDate': '-20240131', 'PatientID': '7'}
    >>> study_keys(Query(PatientName="*"))
    {}
    """
    others = (*_OF_SERIES, *OF_EQUIPMENT)
    return {name: value for name, value in _keys(query).items() if name not in others}


def series_keys(query: Query) -> Keys:
    """Return the matching keys that series have; only those that match are returned."""
    return {name: value for name, value in _keys(query).items() if name in _OF_SERIES}


def equipment_keys(query: Query) -> Keys:
    """Return the matching keys that series have, and that choose whole studies (PS3.3 C.7.5.1)."""
    return {name: value for name, value in _keys(query).items() if name in OF_EQUIPMENT}


def _keys(query: Query) -> Keys:
    return {keyword: value for keyword, value in _named(query).items() if not _is_universal(value)}


def _named(query: Query) -> Keys:
    identifier = query.identifier()
    keywords = [element.keyword for element in identifier]
    return {keyword: "\\".join(texts(identifier, keyword)) for keyword in keywords}


def _is_universal(value: str) -> bool:
    """Anything matches (PS3.4 C.2.2.2.3); sent, it would keep some archives from returning all.

    To Orthanc, a study without a PatientName does not match ``PatientName=*``.
    """
    return not value.strip("*")


def fields_of(query: Query, level: DICOMObjectLevels, keys: Keys) -> tuple[str, ...]:
    """Return the fields to ask for of objects of *level*: what counts, and what was asked for.

    Without what is searched by, answers could not be compared with the query. All of the equipment
    is asked for if some is: by C-FIND Orthanc tells of each series the InstitutionName of the first
    one in the study, until it is asked for something that it has to look up in the files.
    """
    universal = [keyword for keyword, value in _named(query).items() if _is_universal(value)]
    wanted = (*query.include_fields, *universal)
    own = (field for field in wanted if level_of_keyword(field) == level)
    equipment = () if keys.keys().isdisjoint(OF_EQUIPMENT) else OF_EQUIPMENT
    return tuple(unique([*_FIELDS[level], *keys, *equipment, *own]))


def not_required(keys: Keys, required: Container[str] = REQUIRED) -> tuple[str, ...]:
    """Return those keys that an archive need not be able to search by.

    Examples
    --------
    >>> not_required({"PatientID": "7", "StudyDescription": "Thorax"})
    ('StudyDescription',)
    """
    return tuple(name for name in keys if name not in required)


def widened(keys: Keys) -> Keys:
    """Return keys that find a name also where more of it is stored: other groups, a suffix.

    Many archives compare the whole of a stored name, ideographic and phonetic groups included,
    with one group that was asked for (PS3.4 C.2.2.2.1 wants otherwise).

    Examples
    --------
    >>> widened({"PatientName": "Wang^XiaoDong"})
    {'PatientName': 'Wang^XiaoDong*'}
    """
    name = keys.get("PatientName", "*").rstrip("^")
    if name.endswith("*") or "=" in name:
        return keys
    return {**keys, "PatientName": f"{name}*"}


def loosened(keys: Keys, unreadable: re.Pattern[str]) -> Keys | None:
    """Return wider keys, without what an archive may not be able to read (Q32, D25).

    Parameters
    ----------
    keys
        As they would be asked.
    unreadable
        Characters that may not be read.

    Returns
    -------
    dict
        With a wildcard for what is *unreadable*. *keys* themselves if nothing is; `None` if
        nothing would be left of a value.

    Examples
    --------
    >>> loosened({"PatientName": "DOE^JOHN SEBASTIAN"}, re.compile(r"[ ^]"))
    {'PatientName': 'DOE*JOHN*SEBASTIAN'}
    """
    loose = dict(keys)
    for name in _TEXT & keys.keys():
        loose[name] = re.sub(r"\*+", "*", unreadable.sub("*", keys[name]))
        if loose[name] != keys[name] and not re.search(r"\w", loose[name]):
            return None
    return loose


def alternatives(keys: Keys) -> Iterator[Keys]:
    r"""Yield *keys* for each modality: what several mean differs between archives (Q18).

    Examples
    --------
    >>> list(alternatives({"ModalitiesInStudy": "CT\\MR"}))
    [{'ModalitiesInStudy': 'CT'}, {'ModalitiesInStudy': 'MR'}]
    """
    if "ModalitiesInStudy" not in keys:
        yield keys
        return
    for modality in keys["ModalitiesInStudy"].split("\\"):
        yield {**keys, "ModalitiesInStudy": modality}
