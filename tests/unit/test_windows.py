"""Parts of a search: together they are the whole, and half of what was found lies in each."""

from __future__ import annotations

from datetime import date

import pytest

from gurney.core.windows import Place, Window, place_of, whole_window


def keys(window: Window, *places: Place) -> list[dict[str, str]]:
    return [part.keys("PatientID") for part in window.cut(places, "PatientID")]


def at(day: str, time: str = "") -> Place:
    return place_of(day, time)


EVER = whole_window(None, None)
DAY = whole_window(date(2024, 1, 15), date(2024, 1, 15))


def test_days_are_cut_where_half_of_what_was_found_lies() -> None:
    """The ends of the parts meet, and stay open where the search was."""
    cut = keys(EVER, at("20240101"), at("20240110"), at("20240120"), at("20240131"))

    assert [{"StudyDate": "-20240119"}, {"StudyDate": "20240120-"}] == cut


def test_what_is_all_of_one_day_is_set_apart() -> None:
    """Else one part would bring the same again."""
    cut = keys(EVER, at("20240115"), at("20240115"))

    assert [
        {"StudyDate": "-20240114"},
        {"StudyDate": "20240115"},
        {"StudyDate": "20240116-"},
    ] == cut


def test_a_day_is_cut_by_time() -> None:
    """Archives that compare text put 1200 before 120000: the later part begins with 12."""
    cut = keys(DAY, at("20240115", "080000"), at("20240115", "120000"))

    assert [
        {"StudyDate": "20240115", "StudyTime": "-115959.999999"},
        {"StudyDate": "20240115", "StudyTime": "12-"},
    ] == cut


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("000000", ["00-000000.999999", "000001-"]),
        ("235959", ["-235958.999999", "235959-235959.999999", "235960-"]),
        ("235960", ["-235959.999999", "235960-235960.999999"]),
        ("240001", ["-115959.999999", "12-"]),
    ],
)
def test_no_part_lies_beyond_the_day(written: str, expected: list[str]) -> None:
    """No second of a day is before midnight, or after the leap second; 24:00:01 is none."""
    cut = keys(DAY, at("20240115", written), at("20240115", written))

    assert expected == [part["StudyTime"] for part in cut]


def test_no_part_lies_beyond_the_calendar() -> None:
    """Year 1 is the first, 9999 the last."""
    assert ["00010101", "00010102-"] == [part["StudyDate"] for part in keys(EVER, at("00010101"))]
    assert ["-99991230", "99991231"] == [part["StudyDate"] for part in keys(EVER, at("99991231"))]


def test_a_second_is_cut_by_first_characters() -> None:
    """There is nothing else that all studies have; and no other way, if the text is not open."""
    second = Window(DAY.days, (0, 0))

    assert {"StudyDate": "20240115", "StudyTime": "00-000000.999999", "PatientID": "0*"} == (
        keys(second)[0]
    )
    assert () == second.cut([], spare="")


@pytest.mark.parametrize("window", [EVER, DAY, whole_window(None, date(1800, 1, 1))])
def test_without_anything_found_a_window_is_cut_in_the_usual_middle(window: Window) -> None:
    """413 tells that there is too much, and nothing else (Q14); cutting comes to an end."""
    open_, cuts = [window], 0
    while open_ and cuts < 50:
        open_, cuts = list(open_[0].cut([], spare="")[:1]), cuts + 1

    assert cuts < 50


@pytest.mark.parametrize("written", ["1996.06.11", "199606", "19961301", "", "2024-1-1"])
def test_a_date_that_no_range_finds_is_no_place(written: str) -> None:
    """Archives that compare text find 1996.06.11 before 19960101, and are right to."""
    assert (None, None) == at(written)


def test_what_lies_inside() -> None:
    """What does not say where it lies may lie anywhere."""
    window = whole_window(date(2024, 1, 1), date(2024, 1, 31))

    assert [True, False, None] == [window.holds(at(day)) for day in ("20240131", "20240201", "")]
