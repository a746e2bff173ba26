"""From a query to the paths and parameters of QIDO-RS (PS3.18 8.3.4 and 10.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote

import attrs

from ...core import DICOMObjectLevels, Query, level_of_keyword, texts, unique

__all__ = [
    "Keys",
    "Question",
    "alternatives",
    "equipment_keys",
    "fields_of",
    "instances_of",
    "loosened",
    "not_required",
    "query_of",
    "series_keys",
    "series_of",
    "study_keys",
    "widened",
]

Keys: TypeAlias = Mapping[str, str]
"""Matching keys: values by keyword, as DICOM writes them, several separated by a backslash."""

_OF_SERIES: Final = ("SeriesInstanceUID", "SeriesDescription")
_OF_EQUIPMENT: Final = ("InstitutionName", "InstitutionalDepartmentName")

# Table 10.6.1-5: what every archive must be able to search by.
_REQUIRED: Final = frozenset(
    """
    StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName
    PatientID StudyInstanceUID StudyID SeriesInstanceUID
    """.split()
)
# "Required" return keys are a promise about archives, not a fact: the counts are asked for.
_FIELDS: Final = {
    DICOMObjectLevels.STUDY: """
        StudyInstanceUID ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries
        NumberOfStudyRelatedInstances InstanceAvailability StudyDescription
    """.split(),
    DICOMObjectLevels.SERIES: """
        StudyInstanceUID SeriesInstanceUID SeriesDescription NumberOfSeriesRelatedInstances
    """.split(),
    DICOMObjectLevels.INSTANCE: """
        StudyInstanceUID SeriesInstanceUID InstanceAvailability
    """.split(),
}
_TEXT: Final = frozenset(
    """
    AccessionNumber PatientName PatientID PatientSex InstitutionName InstitutionalDepartmentName
    StudyDescription SeriesDescription
    """.split()
)
# What the query of a URL may hold unescaped (RFC 3986 3.4), less what QIDO-RS, or a server that
# splits parameters at a semicolon or reads a plus as a space, would take for its own. Some archives
# do not decode what is escaped (Q32). The circumflex cannot be helped: urllib3 escapes it.
_PLAIN: Final = "*?/:@!$'()~"
_ESCAPED: Final = re.compile(rf"[^\w.\-{re.escape(_PLAIN)}]+|[^\x00-\x7f]+", re.ASCII)


@attrs.frozen
class Question:
    """What to list.

    Attributes
    ----------
    path
        Of the resource.
    level
        Of its items.
    keys, fields
        To match, and to return.
    fuzzy
        Whether names may match by their sound.
    above
        UIDs of what all items are part of, from the study down.
    """

    path: str
    level: DICOMObjectLevels
    keys: Keys = attrs.field(factory=dict[str, str], repr=False)
    fields: tuple[str, ...] = ()
    fuzzy: bool = False
    above: tuple[str, ...] = ()


def query_of(keys: Keys, fields: Iterable[str], *, fuzzy: bool = False) -> str:
    r"""Return the query of a URL: percent-encoded UTF-8, with a comma between several values.

    Examples
    --------
    >>> query_of({"PatientName": "M\xfcller^J*", "StudyInstanceUID": "1.2\\1.3"}, ["Modality"])
    'PatientName=M%C3%BCller%5EJ*&StudyInstanceUID=1.2,1.3&includefield=Modality'
    """
    pairs = [(name, _listed(value)) for name, value in keys.items()]
    pairs += [("includefield", field) for field in fields]
    pairs += [("fuzzymatching", "true")] * fuzzy
    pairs += [("emptyvaluematching", "true")] * ('""' in keys.values())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _listed(value: str) -> str:
    return ",".join(quote(part, safe=_PLAIN) for part in value.split("\\"))


def study_keys(query: Query) -> Keys:
    """Return the matching keys that studies have.

    Examples
    --------
    >>> study_keys(Query(PatientID="7", SeriesInstanceUID="1.2", max_study_date="20240131"))
    {'StudyDate': '-20240131', 'PatientID': '7'}
    >>> study_keys(Query(PatientName="*"))
    {}
    """
    others = (*_OF_SERIES, *_OF_EQUIPMENT)
    return {name: value for name, value in _keys(query).items() if name not in others}


def series_keys(query: Query) -> Keys:
    """Return the matching keys that series have; only those that match are returned."""
    return {name: value for name, value in _keys(query).items() if name in _OF_SERIES}


def equipment_keys(query: Query) -> Keys:
    """Return the matching keys that series have, and that choose whole studies (PS3.3 C.7.5.1)."""
    return {name: value for name, value in _keys(query).items() if name in _OF_EQUIPMENT}


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

    Without what is searched by, answers could not be compared with the query.
    """
    universal = [keyword for keyword, value in _named(query).items() if _is_universal(value)]
    wanted = (*query.include_fields, *universal)
    own = (field for field in wanted if level_of_keyword(field) == level)
    return tuple(unique([*_FIELDS[level], *keys, *own]))


def series_of(study_uid: str) -> str:
    """Return the path of the series of a study."""
    return f"studies/{quote(study_uid, safe='')}/series"


def instances_of(study_uid: str, series_uid: str = "") -> str:
    """Return the path of the instances of a study, or of one of its series."""
    if series_uid:
        return f"{series_of(study_uid)}/{quote(series_uid, safe='')}/instances"
    return f"studies/{quote(study_uid, safe='')}/instances"


def not_required(keys: Keys) -> tuple[str, ...]:
    """Return those keys that an archive need not be able to search by.

    Examples
    --------
    >>> not_required({"PatientID": "7", "StudyDescription": "Thorax"})
    ('StudyDescription',)
    """
    return tuple(name for name in keys if name not in _REQUIRED)


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


def loosened(keys: Keys) -> Keys | None:
    """Return wider keys that need no escapes, for archives that do not decode these (Q32).

    Returns
    -------
    dict
        With a wildcard for what would have to be escaped. *keys* themselves if nothing has to be;
        `None` if nothing would be left of a value.

    Examples
    --------
    >>> loosened({"PatientName": "DOE^JOHN SEBASTIAN"})
    {'PatientName': 'DOE*JOHN*SEBASTIAN'}
    """
    loose = dict(keys)
    for name in _TEXT & keys.keys():
        loose[name] = re.sub(r"\*+", "*", _ESCAPED.sub("*", keys[name]))
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
