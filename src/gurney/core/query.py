"""What to search for: `Query`, which every searcher takes, and `ExtendedQuery`.

Mistakes are caught when a query is built. Messages name keywords, never values: a value may be a
patient's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Final, TypeAlias, cast

import attrs
from pydicom.datadict import keyword_dict
from pydicom.dataset import Dataset
from typing_extensions import Self

from .errors import QueryError, UnsupportedParameterError
from .levels import QueryLevels
from .uids import is_uid
from .values import put

__all__ = ["DateLike", "ExtendedQuery", "Query", "Texts"]

DateLike: TypeAlias = date | str | None
"""A date: `datetime.date`, or text as DICOM writes it (``YYYYMMDD``, PS3.5 6.2)."""

Texts: TypeAlias = str | Iterable[str]
"""One value, or several; within text, a backslash separates values (PS3.5 6.4)."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DATE: Final = re.compile(r"[0-9]{8}")
_KEYWORDS: Final = frozenset(keyword_dict) - {""}  # pydicom lists retired ones without a name


def _study_uids(value: Texts) -> str:
    return _uids(value, "StudyInstanceUID")


def _series_uids(value: Texts) -> str:
    return _uids(value, "SeriesInstanceUID")


def _modalities(value: Texts) -> str:
    return _joined(value, "ModalitiesInStudy")


def _uids(value: Texts, name: str) -> str:
    uids = _joined(value, name)
    if uids and not all(is_uid(uid) for uid in uids.split("\\")):
        raise QueryError(
            f"{name} must be a UID or a list of UIDs, without wildcards or white space "
            f"(PS3.4 C.2.2.2.2); leave it out to match any"
        )
    return uids


def _joined(value: Texts, name: str) -> str:
    """Join several values as DICOM writes them (PS3.5 6.4)."""
    if isinstance(value, str):
        return _checked(str.__str__(value), name)
    try:
        values = list(value)
        joined = "\\".join(values)
    except TypeError:
        raise QueryError(
            f"{name} must be text, or several texts; it is, or holds, something else"
        ) from None
    if not (values and all(values)):
        raise QueryError(
            f"{name} was given an empty list, or an empty entry, which would match anything; "
            f"leave it out if that is meant"
        )
    return _checked(joined, name)


def _checked(value: str, name: str) -> str:
    if _CONTROL.search(value):
        raise QueryError(f"{name} holds a control character; take it out")
    if value and not all(part.strip() for part in value.split("\\")):
        raise QueryError(
            f"{name} has a blank value, which would match anything; leave it out if that is meant"
        )
    return value


def _keywords(value: Texts) -> tuple[str, ...]:
    if value == "":
        return ()
    try:
        keywords = (value,) if isinstance(value, str) else tuple(value)
        unknown = [keyword for keyword in keywords if keyword not in _KEYWORDS]
    except TypeError:
        raise QueryError("include_fields must be one DICOM keyword, or several") from None
    if unknown:
        shown, near = _shown(unknown[0]), _nearest(unknown[0], _KEYWORDS)
        raise QueryError(f"include_fields: {shown} is not a DICOM keyword{near}")
    return keywords


def _shown(name: object) -> str:
    """Return a mistyped keyword as it is; whatever else was given may be a patient's."""
    return name if isinstance(name, str) and name.isidentifier() else "an entry"


def _nearest(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else "; see DICOM PS3.6 for the list"


def _date(value: DateLike) -> date | None:
    return None if value is None or value == "" else _day(value, "a study date")


def _date_range(value: DateLike) -> str:
    """Return ``PatientBirthDate`` as text: a day, or a range of days."""
    if value is None or value == "":
        return ""
    ends = value.split("-") if isinstance(value, str) else []
    if len(ends) != 2 or not any(ends):
        return _da(_day(value, "PatientBirthDate"))
    days = [_day(end, "PatientBirthDate") for end in ends if end]
    if days != sorted(days):
        raise QueryError("PatientBirthDate is a range that ends before it begins; swap its ends")
    return "-".join(ends)


def _day(value: DateLike, name: str) -> date:
    if isinstance(value, datetime) and value.time() != time():
        raise QueryError(f"{name} has a time of day, which would be lost; give a date")
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        if not (isinstance(value, str) and _DATE.fullmatch(value)):
            raise ValueError
        return datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007  a date has no zone
    except ValueError:
        raise QueryError(
            f"{name} must be a datetime.date, or text of the form YYYYMMDD that names a day "
            f"of the calendar (PS3.5 6.2)"
        ) from None


def _check_text(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise QueryError(f"{field.name} must be text, not {type(value).__name__}")
    if "\\" in _checked(value, field.name):
        raise QueryError(f"{field.name} takes one value; search once for each")


def _check_level(_: object, field: attrs.Attribute[QueryLevels], value: object) -> None:
    if not isinstance(value, QueryLevels):
        raise QueryError(f"{field.name} must be one of QueryLevels, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Query:
    r"""A question that every searcher understands.

    Empty fields match anything; an empty list, which is seldom meant so, is refused. Text may hold
    the wildcards ``*`` (any run of characters) and ``?`` (one character); UIDs and dates may not.

    Parameters
    ----------
    StudyInstanceUID, SeriesInstanceUID
        A UID or several (any of them matches); several are kept as DICOM writes them, separated
        by a backslash. With ``SeriesInstanceUID``, a search deeper than STUDY returns only the
        series that match.
    AccessionNumber, PatientName, PatientID
        One value, with wildcards or without.
    ModalitiesInStudy
        A modality or several: a study matches if any of its series has any of them. All series
        of such a study are returned.
    query_level
        How deep to search.
    min_study_date, max_study_date
        First and last study date, both included; either may stand alone. `datetime.date`, or text
        of the form YYYYMMDD.
    include_fields
        DICOM keywords of further attributes to return, at the level they belong to.

    Raises
    ------
    QueryError
        For a value of the wrong type, a blank value, a date that is none, dates in the wrong
        order, an unknown keyword. Nothing is sent anywhere.

    References
    ----------
    DICOM PS3.4 C.2.2.2, Attribute Matching.

    Examples
    --------
    >>> query = Query(ModalitiesInStudy=["CT", "MR"], min_study_date="20240101")
    >>> query.ModalitiesInStudy, query.min_study_date
    ('CT\\MR', datetime.date(2024, 1, 1))
    """

    StudyInstanceUID: str = attrs.field(default="", converter=_study_uids)
    AccessionNumber: str = attrs.field(default="", validator=_check_text)
    PatientName: str = attrs.field(default="", validator=_check_text)
    PatientID: str = attrs.field(default="", validator=_check_text)
    ModalitiesInStudy: str = attrs.field(default="", converter=_modalities)
    SeriesInstanceUID: str = attrs.field(default="", converter=_series_uids)
    query_level: QueryLevels = attrs.field(default=QueryLevels.STUDY, validator=_check_level)
    min_study_date: date | None = attrs.field(default=None, converter=_date)
    max_study_date: date | None = attrs.field(default=None, converter=_date)
    include_fields: tuple[str, ...] = attrs.field(default=(), converter=_keywords)

    def __new__(cls, *_: object, **values: object) -> Self:
        """See that every name is known, before Python says so without a suggestion."""
        known = attrs.fields_dict(cls)
        for name in values:
            if name not in known:
                near = _nearest(name, known)
                raise QueryError(f"{cls.__name__} has no parameter {_shown(name)}{near}")
        return super().__new__(cls)

    def __attrs_post_init__(self) -> None:
        first, last = self.min_study_date, self.max_study_date
        if first is not None and last is not None and last < first:
            raise QueryError("min_study_date is after max_study_date; swap them")

    @classmethod
    def init_from_query(cls, query: Query) -> Self:
        """Return *query* as a query of this class.

        Raises
        ------
        UnsupportedParameterError
            If *query* holds something that this class has no field for: it would be lost.

        Examples
        --------
        >>> Query.init_from_query(ExtendedQuery(PatientID="x")).PatientID
        'x'
        """
        given = query.parameters()
        lost = given.keys() - attrs.fields_dict(cls).keys()
        if lost:
            raise UnsupportedParameterError(min(lost), cls.__name__)
        return cls(**given)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a query from names and values that come from outside: a command line, a file.

        Raises
        ------
        QueryError
            For a name that this query has no field for; it says which is nearest.

        Examples
        --------
        >>> Query.from_mapping({"PatientNam": "DOE*"})
        Traceback (most recent call last):
        gurney.core.errors.QueryError: Query has no parameter PatientNam; did you mean PatientName?
        """
        return cls(**values)

    def parameters(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, by name, in order."""
        return {
            field.name: value
            for field in attrs.fields(type(self))
            if (value := getattr(self, field.name)) != _default(field)
        }

    def identifier(self) -> Dataset:
        """Return the matching keys as a data set, as a C-FIND or QIDO-RS request carries them.

        Study dates become a range of StudyDate. Keys that are not set are absent.

        References
        ----------
        DICOM PS3.4 C.4.1.1.3, Identifier structure of a C-FIND request.

        Examples
        --------
        >>> print(Query(PatientID="x", min_study_date="20240101").identifier())
        (0008,0020) Study Date                          DA: '20240101-'
        (0010,0020) Patient ID                          LO: 'x'
        """
        identifier = Dataset()
        for name, value in self.parameters().items():
            if name[0].isupper():
                put(identifier, name, str(value).split("\\"))
        if self.min_study_date or self.max_study_date:
            ends = (self.min_study_date, self.max_study_date)
            put(identifier, "StudyDate", ["-".join(_da(end) if end else "" for end in ends)])
        return identifier

    def to_short_string(self) -> str:
        """Return the parameters that are set, on one line, for people.

        It holds what was searched for, which may be a patient's name: show it, do not log it.

        Examples
        --------
        >>> Query(PatientID="x", min_study_date="20240101").to_short_string()
        'PatientID=x, min_study_date=20240101'
        """
        return ", ".join(f"{name}={_plain(value)}" for name, value in self.parameters().items())


@attrs.frozen(kw_only=True)
class ExtendedQuery(Query):
    """A `Query` with keys that many archives can search by, but not all.

    Parameters
    ----------
    InstitutionName, InstitutionalDepartmentName, PatientSex, StudyDescription
        One value, with wildcards or without. A study matches if any of its instances does.
    SeriesDescription
        One value, with wildcards or without. A search deeper than STUDY returns only the series
        that match.
    PatientBirthDate
        `datetime.date`, or text: ``YYYYMMDD``, or a range of which either end may be left out.

    Examples
    --------
    >>> ExtendedQuery(PatientBirthDate="19600101-19691231").PatientBirthDate
    '19600101-19691231'
    """

    InstitutionName: str = attrs.field(default="", validator=_check_text)
    PatientSex: str = attrs.field(default="", validator=_check_text)
    StudyDescription: str = attrs.field(default="", validator=_check_text)
    SeriesDescription: str = attrs.field(default="", validator=_check_text)
    InstitutionalDepartmentName: str = attrs.field(default="", validator=_check_text)
    PatientBirthDate: str = attrs.field(default="", converter=_date_range)


def _default(field: attrs.Attribute[Any]) -> object:
    """Backends' own fields may have a factory, say for a dictionary."""
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()


def _da(day: date) -> str:
    """As DICOM writes it (PS3.5 6.2); strftime would drop the zeros of the year 0999."""
    return day.isoformat().replace("-", "")


def _plain(value: object) -> str:
    if isinstance(value, date):
        return _da(value)
    if isinstance(value, QueryLevels):
        return value.value
    return "+".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)
