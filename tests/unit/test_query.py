"""Queries: mistakes are caught when one is built, and no message repeats a value."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timezone
from typing import Any

import attrs
import pytest
from pydicom.uid import UID
from pydicom.valuerep import DA, PersonName

from gurney.core import ExtendedQuery, Query, QueryError, QueryLevels, UnsupportedParameterError
from gurney.testing import strategies

NEW_YEAR = date(2024, 1, 1)
ONE_VALUE = [
    "AccessionNumber",
    "PatientName",
    "PatientID",
    "InstitutionName",
    "PatientSex",
    "StudyDescription",
    "SeriesDescription",
    "InstitutionalDepartmentName",
]
UIDS = ["StudyInstanceUID", "SeriesInstanceUID"]
SEVERAL_VALUES = [*UIDS, "ModalitiesInStudy"]
STUDY_DATES = ["min_study_date", "max_study_date"]
DATES = [*STUDY_DATES, "PatientBirthDate"]


def build(**parameters: Any) -> ExtendedQuery:
    """Build a query as untyped code would."""
    return ExtendedQuery(**parameters)


# ---------------------------------------------------------------- what is taken


def test_empty_query_asks_for_everything() -> None:
    """No parameter is needed."""
    assert {} == Query().parameters()
    assert "" == Query().to_short_string()
    assert 0 == len(Query().identifier())


@pytest.mark.parametrize("name", SEVERAL_VALUES)
def test_several_values_are_kept_as_dicom_writes_them(name: str) -> None:
    """A list, a generator and DICOM's own notation are the same (PS3.5 6.4)."""
    queries = [
        build(**{name: ["1.2", "1.3"]}),
        build(**{name: (uid for uid in ("1.2", "1.3"))}),
        build(**{name: "1.2\\1.3"}),
    ]

    assert 1 == len(set(queries))
    assert "1.2\\1.3" == getattr(queries[0], name)


@pytest.mark.parametrize(
    "given",
    [
        NEW_YEAR,
        "20240101",
        datetime(2024, 1, 1),  # noqa: DTZ001  what a notebook has
        datetime(2024, 1, 1, tzinfo=timezone.utc),
        DA("20240101"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", STUDY_DATES)
def test_study_date_becomes_a_plain_date(name: str, given: object) -> None:
    """Equal dates make equal queries, however they were given."""
    value = getattr(build(**{name: given}), name)

    assert NEW_YEAR == value
    assert date is type(value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, ""),
        ("", ""),
        (date(1960, 1, 1), "19600101"),
        (date(999, 1, 2), "09990102"),
        ("19600101", "19600101"),
        ("19600101-", "19600101-"),
        ("-19600101", "-19600101"),
        ("19600101-19691231", "19600101-19691231"),
    ],
)
def test_birth_date_may_be_a_day_or_a_range(given: object, kept: str) -> None:
    """Of a range either end may be left out (PS3.4 C.2.2.2.5)."""
    assert kept == build(PatientBirthDate=given).PatientBirthDate


@pytest.mark.parametrize("name", STUDY_DATES)
def test_study_date_range_may_be_open(name: str) -> None:
    """One-sided ranges are legal in DICOM and so here."""
    assert {name: NEW_YEAR} == build(**{name: NEW_YEAR}).parameters()
    assert {} == build(**{name: None}).parameters()
    assert {} == build(**{name: ""}).parameters()


def test_range_of_one_day() -> None:
    """The ends of a range are both included."""
    assert "20240101-20240101" == (
        build(min_study_date=NEW_YEAR, max_study_date=NEW_YEAR).identifier().StudyDate
    )


def test_wildcards_are_taken_in_text_only() -> None:
    """PS3.4 C.2.2.2.4 knows them for text; UIDs and dates are matched whole."""
    assert "DOE*" == build(PatientName="DOE*").PatientName
    assert "A?" == build(PatientID="A?").PatientID


@pytest.mark.parametrize("given", ["Modality", ["Modality"], ("Modality",), iter(["Modality"])])
def test_include_fields_are_keywords(given: object) -> None:
    """One, or several."""
    assert ("Modality",) == build(include_fields=given).include_fields


def test_uid_of_pydicom_becomes_plain_text() -> None:
    """So that the query pickles small, and prints as others do."""
    assert str is type(Query(StudyInstanceUID=UID("1.2.3")).StudyInstanceUID)


def test_query_is_frozen_hashable_and_picklable() -> None:
    """A query can be the key of a cache, and travel."""
    query = ExtendedQuery(PatientID="x", min_study_date="20240101", include_fields=["Modality"])

    with pytest.raises(AttributeError):
        query.PatientID = "y"  # type: ignore[misc]  # ty: ignore[invalid-assignment]  # pyrefly: ignore[read-only]
    assert query == pickle.loads(pickle.dumps(query))
    assert 1 == len({query, pickle.loads(pickle.dumps(query))})


def test_parameters_are_given_by_name_only() -> None:
    """Nobody remembers the order of sixteen."""
    with pytest.raises(TypeError):
        Query("1.2")  # type: ignore[call-arg]  # ty: ignore[too-many-positional-arguments]  # pyrefly: ignore[bad-argument-count]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("name", ONE_VALUE)
@pytest.mark.parametrize("value", [None, 12, 1.5, True, b"x", ["x"], ("x",), {}, PersonName("x")])
def test_one_text_and_nothing_else(name: str, value: object) -> None:
    """A value of the wrong type is refused by name and type, not turned into text."""
    with pytest.raises(QueryError, match=f"{name} must be text, not {type(value).__name__}"):
        build(**{name: value})


@pytest.mark.parametrize("name", SEVERAL_VALUES)
@pytest.mark.parametrize("value", [None, 12, 1.5, True, b"1.2", [1], ["1.2", None], [["1.2"]]])
def test_texts_and_nothing_else(name: str, value: object) -> None:
    """The members of a list are looked at too."""
    with pytest.raises(QueryError, match=f"{name} must be text, or several texts"):
        build(**{name: value})


@pytest.mark.parametrize("name", SEVERAL_VALUES)
@pytest.mark.parametrize("value", [[], (), [""], ["1.2", ""]])
def test_empty_list_is_not_everything(name: str, value: object) -> None:
    """Whoever looks for "these" and has none does not want the whole archive."""
    with pytest.raises(QueryError, match=f"{name} was given an empty list"):
        build(**{name: value})


@pytest.mark.parametrize("name", [*ONE_VALUE, *SEVERAL_VALUES])
@pytest.mark.parametrize("value", [" ", "   ", "\u3000"])
def test_blank_value_is_not_everything(name: str, value: str) -> None:
    """Padding is insignificant (PS3.5 6.2): sent, a blank would match any value."""
    with pytest.raises(QueryError, match=f"{name} has a blank value"):
        build(**{name: value})


@pytest.mark.parametrize("name", SEVERAL_VALUES)
@pytest.mark.parametrize("value", ["1.2\\", "\\1.2", "1.2\\\\1.3", "1.2\\ "])
def test_empty_entry_is_not_everything(name: str, value: str) -> None:
    """As little as in a Python list."""
    with pytest.raises(QueryError, match=f"{name} has a blank value"):
        build(**{name: value})


@pytest.mark.parametrize("name", ONE_VALUE)
def test_two_values_where_one_is_taken(name: str) -> None:
    """A backslash would make two values of it (PS3.5 6.4)."""
    with pytest.raises(QueryError, match=f"{name} takes one value"):
        build(**{name: "a\\b"})


@pytest.mark.parametrize("name", [*ONE_VALUE, *SEVERAL_VALUES])
@pytest.mark.parametrize("character", ["\0", "\n", "\r", "\x1b", "\x7f"])
def test_control_characters(name: str, character: str) -> None:
    """What could end a header or a value is not part of one."""
    with pytest.raises(QueryError, match=f"{name} holds a control character"):
        build(**{name: f"a{character}b"})


@pytest.mark.parametrize("name", UIDS)
@pytest.mark.parametrize("value", ["*", "1.2.*", "1.2.?", "1 2", "1/2", "..", ["1.2", "*"]])
def test_uids_take_no_wildcards(name: str, value: object) -> None:
    """PS3.4 C.2.2.2.2: some archives take them for everything, others for nothing."""
    with pytest.raises(QueryError, match=f"{name} must be a UID or a list of UIDs"):
        build(**{name: value})


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01",  # Q17: some archives take it for text that matches nothing
        "2024.01.01",
        "20240230",
        "20230229",
        "20241301",
        "00000101",
        "2024",
        "202401",
        "20240101 ",
        "２０２４０１０１",
        "today",
        "-",
        "20240101-20240102-20240103",
        20240101,
        0,
        1.5,
        True,
        b"20240101",
        ["20240101"],
        (NEW_YEAR, NEW_YEAR),
    ],
    ids=repr,
)
def test_dates_the_standard_does_not_know(name: str, value: object) -> None:
    """A date that is none is refused here (PS3.5 6.2), not interpreted by each archive."""
    with pytest.raises(QueryError, match=r"date must be a datetime.date|BirthDate must be"):
        build(**{name: value})


@pytest.mark.parametrize("name", STUDY_DATES)
def test_a_range_is_not_a_study_date(name: str) -> None:
    """The two ends have a parameter each."""
    with pytest.raises(QueryError, match="a study date must be"):
        build(**{name: "20240101-20240131"})


@pytest.mark.parametrize("name", DATES)
def test_time_of_day_would_be_lost(name: str) -> None:
    """A study date has none, and to drop it would widen or narrow the search in silence."""
    with pytest.raises(QueryError, match="time of day, which would be lost"):
        build(**{name: datetime(2024, 1, 1, 12)})  # noqa: DTZ001


def test_reversed_study_dates() -> None:
    """Nothing lies between them."""
    with pytest.raises(QueryError, match="min_study_date is after max_study_date; swap"):
        build(min_study_date="20240102", max_study_date="20240101")


def test_reversed_birth_dates() -> None:
    """As for the study date."""
    with pytest.raises(QueryError, match="PatientBirthDate is a range that ends before"):
        build(PatientBirthDate="19600102-19600101")


@pytest.mark.parametrize("value", ["STUDY", None, 1, "PATIENT"])
def test_query_level_of_the_wrong_type(value: object) -> None:
    """`QueryLevels` alone says how deep."""
    with pytest.raises(QueryError, match="query_level must be one of QueryLevels"):
        build(query_level=value)


def test_unknown_keyword_names_the_nearest_real_one() -> None:
    """A slip of a finger is put right by the message."""
    with pytest.raises(QueryError, match=r"include_fields: Modalty is not .* mean Modality"):
        build(include_fields=["Modalty"])
    with pytest.raises(QueryError, match=r"zzzzzzzz is not a DICOM keyword; see DICOM PS3\.6"):
        build(include_fields=["zzzzzzzz"])


@pytest.mark.parametrize("value", [None, 12, [None], [12], [["Modality"]], [""], ["00080060"]])
def test_include_fields_that_are_no_keywords(value: object) -> None:
    """Tags, numbers and nothing are not keywords."""
    with pytest.raises(QueryError, match="include_fields"):
        build(include_fields=value)


# ---------------------------------------------------------------- no values in messages

SECRET = "SENTINEL^PATIENT"


@pytest.mark.parametrize("name", [*ONE_VALUE, *SEVERAL_VALUES, *DATES, "query_level"])
@pytest.mark.parametrize(
    "value",
    [
        f"{SECRET}\n",
        f"{SECRET}\\ ",
        f"{SECRET}-{SECRET}",
        [SECRET, ""],
        [SECRET, 1],
        {SECRET},
        {SECRET: SECRET},
        SECRET.encode(),
        PersonName(SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_message_repeats_a_value(name: str, value: object) -> None:
    """Messages end up in logs; a value may be a patient's."""
    try:
        build(**{name: value})
    except QueryError as error:
        caught: QueryError | None = error
    else:
        caught = None

    assert "SENTINEL" not in f"{caught} {caught!r}"
    assert caught is None or caught.__suppress_context__ or caught.__context__ is None


def test_no_message_repeats_a_value_given_for_a_keyword() -> None:
    """A CSV without a heading makes a name of the first patient."""
    with pytest.raises(QueryError) as as_field:
        build(include_fields=[SECRET])
    with pytest.raises(QueryError) as as_name:
        Query.from_mapping({SECRET: "x"})

    assert "SENTINEL" not in f"{as_field.value} {as_name.value}"


# ---------------------------------------------------------------- from outside


def test_from_mapping_takes_what_the_call_takes() -> None:
    """A row of a table becomes a query."""
    row = {"PatientID": "x", "min_study_date": "20240101"}

    assert Query(PatientID="x", min_study_date=NEW_YEAR) == Query.from_mapping(row)


def test_from_mapping_names_the_nearest_parameter() -> None:
    """Case counts, and is what people get wrong."""
    with pytest.raises(QueryError, match=r"Query has no parameter PatientId; .* PatientID"):
        Query.from_mapping({"PatientId": "x"})
    with pytest.raises(QueryError, match="Query has no parameter PatientSex"):
        Query.from_mapping({"PatientSex": "F"})


# ---------------------------------------------------------------- conversion


@attrs.frozen(kw_only=True)
class PagedQuery(Query):
    """A backend's own query."""

    limit: int = 0
    hints: dict[str, str] = attrs.field(factory=dict[str, str])


def test_conversion_to_the_same_class_changes_nothing() -> None:
    """Searchers convert whatever they are given."""
    query = PagedQuery(PatientID="x", limit=5, hints={"a": "b"})

    assert query == PagedQuery.init_from_query(query)


@pytest.mark.parametrize("name", sorted(attrs.fields_dict(ExtendedQuery)))
def test_conversion_loses_nothing_or_says_what(name: str) -> None:
    """What a class has no field for is never dropped in silence."""
    values: dict[str, Any] = dict.fromkeys(["StudyInstanceUID", "SeriesInstanceUID"], "1.2")
    values |= {"query_level": QueryLevels.SERIES, "include_fields": ["Modality"]}
    values |= dict.fromkeys(DATES, "20240101")
    query = build(**{name: values.get(name, "x")})

    if name in attrs.fields_dict(PagedQuery):
        assert query.parameters() == PagedQuery.init_from_query(query).parameters() != {}
    else:
        with pytest.raises(UnsupportedParameterError, match=f"PagedQuery .*{name}") as caught:
            PagedQuery.init_from_query(query)
        assert name == caught.value.parameter


def test_parameter_of_a_subclass_is_not_lost_either() -> None:
    """A query of a subclass is not the query of its base: what it adds would be ignored."""
    with pytest.raises(UnsupportedParameterError, match="Query does not support limit"):
        Query.init_from_query(PagedQuery(limit=5))


def test_parameter_of_one_backend_is_lost_on_another() -> None:
    """Backends do not know each other's parameters."""
    with pytest.raises(UnsupportedParameterError, match="ExtendedQuery does not support limit"):
        ExtendedQuery.init_from_query(PagedQuery(limit=5))
    with pytest.raises(UnsupportedParameterError, match="ExtendedQuery does not support hints"):
        ExtendedQuery.init_from_query(PagedQuery(hints={"a": "b"}))

    assert ExtendedQuery(PatientID="x") == ExtendedQuery.init_from_query(PagedQuery(PatientID="x"))


# ---------------------------------------------------------------- to the wire, and to people


def test_identifier_holds_the_matching_keys_only() -> None:
    """Depth and return keys are not matched."""
    query = ExtendedQuery(
        StudyInstanceUID=["1.2", "1.3"],
        PatientName="DOE*",
        PatientBirthDate="19600101-",
        max_study_date="20240131",
        query_level=QueryLevels.SERIES,
        include_fields=["Modality"],
    )
    identifier = query.identifier()

    assert {"StudyInstanceUID", "PatientName", "PatientBirthDate", "StudyDate"} == {
        element.keyword for element in identifier
    }
    assert ["1.2", "1.3"] == identifier.StudyInstanceUID
    assert "DOE*" == identifier.PatientName
    assert "19600101-" == identifier.PatientBirthDate
    assert "-20240131" == identifier.StudyDate


def test_identifier_is_new_each_time() -> None:
    """A backend adds its return keys to it."""
    query = Query(PatientID="x")
    query.identifier().PatientID = "y"

    assert "x" == query.identifier().PatientID


def test_short_string_is_one_line_for_people() -> None:
    """Only what was asked for, as DICOM writes it."""
    query = Query(
        ModalitiesInStudy=["CT", "MR"],
        min_study_date=date(999, 1, 1),
        query_level=QueryLevels.INSTANCE,
        include_fields=["Modality", "StudyID"],
    )

    assert (
        "ModalitiesInStudy=CT\\MR, query_level=INSTANCE, min_study_date=09990101, "
        "include_fields=Modality+StudyID"
    ) == query.to_short_string()


def test_every_parameter_has_a_strategy() -> None:
    """Property tests over queries leave no parameter out."""
    assert attrs.fields_dict(ExtendedQuery).keys() == strategies._PARAMETERS.keys()  # pyright: ignore[reportPrivateUsage]
