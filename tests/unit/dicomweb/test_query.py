"""`DICOMwebQuery`: what can be asked beyond `ExtendedQuery`."""

from __future__ import annotations

from typing import Any

import pytest

from gurney.core import ExtendedQuery, QueryError
from gurney.dicomweb import DICOMwebQuery

SECRET = "DOE^JANE"


def test_defaults_ask_for_everything() -> None:
    """Without a window of its own a query is an `ExtendedQuery`."""
    query = DICOMwebQuery(PatientName=SECRET)

    assert (None, 0, False) == (query.limit, query.offset, query.fuzzy_matching)
    assert {"PatientName": SECRET} == query.parameters()


def test_is_made_of_any_query() -> None:
    """Nothing of an `ExtendedQuery` is lost."""
    query = ExtendedQuery(StudyDescription="x", min_study_date="20240101")

    assert query.parameters() == DICOMwebQuery.init_from_query(query).parameters()


def test_window_is_no_matching_key() -> None:
    """`limit`, `offset` and `fuzzy_matching` say how to answer, not what to match."""
    query = DICOMwebQuery(PatientID="7", limit=3, offset=2, fuzzy_matching=True)

    assert ["PatientID"] == [element.keyword for element in query.identifier()]


@pytest.mark.parametrize(
    "values",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": True},
        {"limit": "5"},
        {"offset": -1},
        {"offset": None},
        {"offset": 1.5},
        {"fuzzy_matching": 1},
    ],
    ids=str,
)
def test_what_is_no_window_is_refused(values: dict[str, Any]) -> None:
    """Numbers of studies, and a flag."""
    with pytest.raises(QueryError, match=next(iter(values))):
        DICOMwebQuery(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"StudyInstanceUID": ["1.2", "1.3"]},
        {"ModalitiesInStudy": ["CT", "MR"]},
        {"SeriesInstanceUID": "1.2"},
        {"SeriesDescription": SECRET},
    ],
    ids=str,
)
def test_offset_goes_with_one_question_only(values: dict[str, Any]) -> None:
    """What becomes several questions has no one list to pass over a part of."""
    with pytest.raises(QueryError, match=next(iter(values))) as caught:
        DICOMwebQuery(**values, offset=5)

    assert SECRET not in str(caught.value)
    assert 5 == DICOMwebQuery(**values, limit=5).limit


def test_dates_are_still_checked() -> None:
    """The rules of `Query` hold."""
    with pytest.raises(QueryError, match="swap"):
        DICOMwebQuery(min_study_date="20240102", max_study_date="20240101")
