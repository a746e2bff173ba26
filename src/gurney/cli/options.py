"""The options that say what to look for: one definition for every command that searches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from .exits import WrongUseError

__all__ = ["FILTERS", "Filter", "flag_of", "query_values"]

PANEL: Final = "What to look for"


@attrs.frozen
class Filter:
    """An option that fills a field of `gurney.ExtendedQuery`.

    Attributes
    ----------
    field
        The field: a DICOM keyword, or a study date.
    help
        What ``--help`` says about it.
    short
        One letter, for those that are typed often.
    metavar
        What its value looks like.
    several
        Whether it can be given more than once, or as a list with commas.
    """

    field: str
    help: str
    short: str = ""
    metavar: str = "TEXT"
    several: bool = False

    @property
    def parameter(self) -> str:
        """The name of the option in Python."""
        return flag_of(self.field).removeprefix("--").replace("-", "_")

    @property
    def flags(self) -> tuple[str, ...]:
        """The option as it is typed."""
        return (flag_of(self.field), f"-{self.short}") if self.short else (flag_of(self.field),)


# Written out, and compared with the fields of ExtendedQuery by a test: to import it here would
# make `gurney --help` import pydicom.
FILTERS: Final = (
    Filter(
        "PatientName",
        "Name, as in 'Doe*'; case does not count, and accents do only to some archives.",
        "n",
    ),
    Filter("PatientID", "Patient ID.", "i"),
    Filter("PatientBirthDate", "Birth date, or a range of them.", metavar="DATE"),
    Filter("PatientSex", "M, F or O.", metavar="CODE"),
    Filter("StudyInstanceUID", "Study UID.", "s", metavar="UID", several=True),
    Filter("AccessionNumber", "Accession number.", "a"),
    Filter("min_study_date", "First study date.", metavar="DATE"),
    Filter("max_study_date", "Last study date.", metavar="DATE"),
    Filter(
        "ModalitiesInStudy", "Studies with any of these, as in CT,MR.", "m", "CODE", several=True
    ),
    Filter("StudyDescription", "Description, as in 'Brain*'; case counts in most archives.", "d"),
    Filter("SeriesInstanceUID", "Only these series.", metavar="UID", several=True),
    Filter("SeriesDescription", "Only such series; case counts in most archives."),
    Filter("InstitutionName", "Institution."),
    Filter("InstitutionalDepartmentName", "Department."),
)

_ISO_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_word: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+")


def flag_of(field: str) -> str:
    """Return the option that fills *field*.

    Examples
    --------
    >>> flag_of("StudyInstanceUID"), flag_of("min_study_date")
    ('--study-instance-uid', '--min-study-date')
    """
    return "--" + "-".join(word.lower() for word in _word.findall(field))


def query_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a query that the options *given*, by name in Python, fill.

    Dates may be written ``2024-01-31`` too.

    Raises
    ------
    WrongUseError
        For an empty value: a script whose variable is unset would match everything.

    Examples
    --------
    >>> query_values({"modalities_in_study": ["CT,MR", "PT"], "min_study_date": "2024-01-31"})
    {'min_study_date': '20240131', 'ModalitiesInStudy': ['CT', 'MR', 'PT']}
    """
    return {
        filter_.field: _value(filter_, given[filter_.parameter])
        for filter_ in FILTERS
        if given.get(filter_.parameter) not in (None, [])
    }


def _value(filter_: Filter, value: str | Iterable[str]) -> str | list[str]:
    if isinstance(value, str):
        values = [_ISO_DATE.sub(r"\1\2\3", value) if filter_.metavar == "DATE" else value]
    else:
        values = [part.strip() for item in value for part in item.split(",")]
    if not all(part.strip() for part in values):
        raise WrongUseError(f"{filter_.flags[0]} is empty; leave it out to match any")
    return values if filter_.several else values[0]
