"""The pure parts of a search: keys, counts, doubts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import pytest

from gurney.core import Completeness, DICOMObjectLevels, Query
from gurney.dicomweb.dicomjson import JSONItem, parse
from gurney.dicomweb.qido.addresses import ESCAPED
from gurney.searching.allowance import Allowance
from gurney.searching.counting import (
    Counts,
    count_of,
    doubts_about_instances,
    doubts_about_series,
)
from gurney.searching.doubts import Doubt, in_words
from gurney.searching.keys import alternatives, fields_of, loosened, not_required

STUDY, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)


def item(**values: object) -> JSONItem:
    """Return an item with these attributes."""
    (read,) = parse(json.dumps([values]).encode())
    return read


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("level", DICOMObjectLevels)
def test_fields_hold_what_is_counted_and_searched_by(level: DICOMObjectLevels) -> None:
    """Counts, UIDs of the levels above and the keys of the query are asked for by name."""
    fields = fields_of(Query(), level, {"PatientID": "7"})
    counts = {
        STUDY: "NumberOfStudyRelatedInstances",
        SERIES: "NumberOfSeriesRelatedInstances",
        INSTANCE: "SeriesInstanceUID",
    }

    assert {"StudyInstanceUID", "PatientID", counts[level]} <= set(fields)
    assert "all" not in fields
    assert len(set(fields)) == len(fields)


def test_fields_go_to_their_level() -> None:
    """What the caller wants is asked for where it belongs."""
    query = Query(include_fields=["StudyTime", "BodyPartExamined", "ConversionType"])
    asked = {level: set(fields_of(query, level, {})) for level in DICOMObjectLevels}
    wanted = {STUDY: "StudyTime", SERIES: "BodyPartExamined", INSTANCE: "ConversionType"}

    assert wanted == {
        level: next(iter(fields & set(query.include_fields))) for level, fields in asked.items()
    }


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"PatientName": "DOE*"}, {"PatientName": "DOE*"}),
        ({"PatientName": "DOE^J*"}, {"PatientName": "DOE*J*"}),
        ({"PatientName": "Müller^ Jürgen"}, {"PatientName": "M*ller*J*rgen"}),
        ({"StudyDescription": "a b"}, {"StudyDescription": "a*b"}),
        ({"StudyInstanceUID": "1.2\\1.3"}, {"StudyInstanceUID": "1.2\\1.3"}),
        ({"PatientID": "*"}, {"PatientID": "*"}),
        ({"PatientName": "山田"}, None),
        ({"PatientName": "^?"}, None),
    ],
    ids=str,
)
def test_wider_keys_need_no_escapes(keys: Mapping[str, str], expected: object) -> None:
    """They match all that the keys match; or there are none that would not match everything."""
    assert expected == loosened(keys, ESCAPED)


def test_one_question_for_each_modality() -> None:
    """Other keys stay."""
    keys = {"PatientID": "7", "ModalitiesInStudy": "CT\\MR"}

    assert ["CT", "MR"] == [each["ModalitiesInStudy"] for each in alternatives(keys)]
    assert {"7"} == {each["PatientID"] for each in alternatives(keys)}
    assert [{"PatientID": "7"}] == list(alternatives({"PatientID": "7"}))


def test_keys_that_need_not_be_known() -> None:
    """Table 10.6.1-5 does not have StudyDescription."""
    assert ("StudyDescription",) == not_required({"StudyDate": "", "StudyDescription": "x"})


# ---------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("said", "expected"),
    [("3", 3), (3, 3), ("0", 0), ("", None), ("-1", None), ("many", None), ("9" * 12, None)],
)
def test_counts_are_read_with_care(said: object, expected: int | None) -> None:
    """Absent is not zero, and nonsense is absent."""
    assert expected == count_of([item(NumberOfStudyRelatedSeries=said)], _SERIES)


def test_counts_of_several_patients_add_up() -> None:
    """A study that is listed for each of its patients has the sum (Q33); or nobody knows."""
    one, two = item(NumberOfStudyRelatedSeries=1), item(NumberOfStudyRelatedSeries=2)

    assert 3 == count_of([one, two], _SERIES)
    assert count_of([one, item()], _SERIES) is None


_SERIES = "NumberOfStudyRelatedSeries"


def counts(
    series: int | None, instances: int | None, in_series: Mapping[str, int | None]
) -> Counts:
    return Counts(series, instances, in_series, rows_of_series=len(in_series))


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (counts(2, 5, {"a": 2, "b": 3}), 5),
        (counts(2, 4, {"a": 2, "b": 3}), 5),
        (counts(2, 6, {"a": 2, "b": 3}), 6),
        (counts(2, None, {"a": 2, "b": 3}), 5),
        (counts(3, None, {"a": 2, "b": 3}), None),
        (counts(None, None, {"a": 2, "b": 3}), None),
        (counts(2, None, {"a": 2, "b": None}), None),
        (counts(2, 5, {"a": 2, "b": None}), 5),
    ],
)
def test_the_larger_count_is_to_be_reached(counted: Counts, expected: int | None) -> None:
    """Series add up to something only if all of them are there, and all are counted."""
    assert expected == counted.all_instances


def test_series_agree_or_not() -> None:
    """Enough, too few, and nobody knows; what is known to be cut is missing."""
    unknown, capped = Completeness.UNKNOWN, Completeness.CAPPED

    assert [] == list(doubts_about_series("1.2", 3, 3, cut=False))
    assert [] == list(doubts_about_series("1.2", 4, 3, cut=False))
    assert [unknown] == [d.completeness for d in doubts_about_series("1.2", 2, 3, cut=False)]
    assert [capped] == [d.completeness for d in doubts_about_series("1.2", 2, 3, cut=True)]
    assert [unknown] == [d.completeness for d in doubts_about_series("1.2", 2, None, cut=False)]


@pytest.mark.parametrize(
    ("listed", "counted", "whole", "expected"),
    [
        ({"a": 2, "b": 3}, counts(2, 5, {"a": 2, "b": 3}), True, None),
        ({"a": 2, "b": 2}, counts(2, 4, {"a": 2, "b": 3}), True, "4 of 5"),
        ({"a": 3, "b": 2}, counts(2, 5, {"a": 2, "b": 3}), True, "4 of 5"),
        ({"a": 2, "b": 3}, counts(2, 6, {"a": 2, "b": 3}), True, None),  # a stored value
        ({"a": 2, "b": 3}, counts(3, 6, {"a": 2, "b": 3}), True, "5 of 6"),
        ({"a": 2, "b": 3}, counts(2, 6, {"a": 2, "b": None}), True, "5 of 6"),
        ({"a": 2, "c": 3}, counts(1, 6, {"a": 2}), True, "5 of 6"),
        ({"a": 2}, counts(2, 6, {"a": 2}), False, None),
        ({"a": 2}, counts(2, 2, {"a": None}), True, None),
        ({"a": 2}, counts(2, 6, {"a": None}), False, ""),
        ({"a": 2}, counts(1, None, {"a": None}), True, ""),
        ({}, counts(1, 2, {"a": 2}), True, "0 of 2"),
    ],
)
def test_instances_agree_or_not(
    listed: Mapping[str, int], counted: Counts, whole: bool, expected: str | None
) -> None:
    """Each series has what it counts, and the whole study what it counts."""
    doubts = list(doubts_about_instances("1.2", Counter(listed), counted, whole=whole, cut=False))

    assert ([] if expected is None else [expected]) == [doubt.detail for doubt in doubts]


# ---------------------------------------------------------------- doubts, allowance


def test_doubts_are_said_once() -> None:
    """A reason that a thousand studies share is one reason."""
    doubts = [Doubt("a"), Doubt("b", "1.2"), Doubt("b", "1.3"), Doubt("b", "1.3"), Doubt("a")]

    assert ("a", "b: study 1.2, and 1 more") == in_words(doubts)


def test_allowance_is_used_up() -> None:
    """No more than was allowed."""
    allowance = Allowance(2)

    assert [True, True, False] == [allowance.take() for _ in range(3)]
    assert 0 == allowance.left
