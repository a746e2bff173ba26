"""Range matching of DA, TM and DT (PS3.4 C.2.2.2.5), as intervals of their precision."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from gurney.core.matching import Match, matches
from gurney.core.values import put

MATCHED, NOT_MATCHED, UNVERIFIED = Match.MATCHED, Match.NOT_MATCHED, Match.UNVERIFIED


def data(**attributes: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        put(dataset, keyword, value.split("\\"))
    return dataset


def answer(keyword: str, key: str, value: str) -> Match:
    return matches(data(**{keyword: key}), data(**{keyword: value}))[keyword]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("20240115", "20240115", MATCHED),
        ("20240115", "20240116", NOT_MATCHED),
        ("20240115", "2024.01.15", MATCHED),
        ("20240115", "202401", UNVERIFIED),
        ("20240115", "2024", UNVERIFIED),
        ("20240115", "2023", NOT_MATCHED),
        ("20240115", "202402", NOT_MATCHED),
        ("20240101-20241231", "2024", MATCHED),
        ("20240101-20240131", "202401", MATCHED),
        ("20240102-20240131", "202401", UNVERIFIED),
        ("20240101-20240131", "20240131", MATCHED),
        ("20240101-20240131", "20240201", NOT_MATCHED),
        ("20240101-20240131", "20231231", NOT_MATCHED),
        ("20240101-", "20240101", MATCHED),
        ("20240101-", "99991231", MATCHED),
        ("20240101-", "20231231", NOT_MATCHED),
        ("-20240101", "20240101", MATCHED),
        ("-20240101", "20240102", NOT_MATCHED),
        ("20240101 - 20240131", "20240115", MATCHED),
        ("20240115\\20240117", "20240117", MATCHED),
        ("20240115\\20240117", "20240116", NOT_MATCHED),
        ("20240115\\20240101-20240131", "202401", MATCHED),
        ("20240229", "20230229", UNVERIFIED),
        ("20240115", "20241315", UNVERIFIED),
        ("20240115", "00000000", UNVERIFIED),
        ("20240115", "2024-01-15", UNVERIFIED),
        ("20240115", "today", UNVERIFIED),
        ("20240115", "٢٠٢٤٠١١٥", UNVERIFIED),
        ("20240115", "19000101\\20240115", MATCHED),
    ],
)
def test_dates(key: str, value: str, expected: Match) -> None:
    """Inside the key's interval, outside, or partly; what is no date proves nothing."""
    assert expected is answer("StudyDate", key, value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("1230", "1230", MATCHED),
        ("1230", "123000", MATCHED),
        ("1230", "123059.999999", MATCHED),
        ("1230", "1231", NOT_MATCHED),
        ("1230", "12", UNVERIFIED),
        ("12", "1230", MATCHED),
        ("1230", "12:30:00", MATCHED),
        ("1230", "12:30", MATCHED),
        ("123000.5", "12:30:00.5", MATCHED),
        ("123000", "123000.000001", MATCHED),
        ("123000.000000", "123000", UNVERIFIED),
        ("123000.0", "123000.1", NOT_MATCHED),
        ("123000.1", "123000.10", MATCHED),
        ("0800-1159", "115959.999", MATCHED),
        ("0800-1159", "120000", NOT_MATCHED),
        ("0800-1159", "11", MATCHED),
        ("0800-1130", "11", UNVERIFIED),
        ("2200-", "235960", MATCHED),
        ("-0600", "060059", MATCHED),
        ("-0600", "0601", NOT_MATCHED),
        ("12-12", "1259", MATCHED),
        ("1230", "2530", UNVERIFIED),
        ("1230", "1260", UNVERIFIED),
        ("1230", "123", UNVERIFIED),
        ("1230", "noon", UNVERIFIED),
    ],
)
def test_times(key: str, value: str, expected: Match) -> None:
    """``1230`` is a minute, ``12`` an hour, ``123000.5`` a tenth of a second."""
    assert expected is answer("StudyTime", key, value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("2024", "20240615120000", MATCHED),
        ("2024", "2024", MATCHED),
        ("202401", "2024", UNVERIFIED),
        ("20240101", "202401011230", MATCHED),
        ("20240101120000.5", "20240101120000.52", MATCHED),
        ("20240101-20240131", "20240115", MATCHED),
        ("2023-2024", "20231231", MATCHED),
        ("2023-2024", "2025", NOT_MATCHED),
        ("2024-", "2025", MATCHED),
        ("-2024", "2025", NOT_MATCHED),
        # both state an offset: the same moment, however written
        ("202401011200+0100", "202401011100+0000", MATCHED),
        ("202401011200+0100", "202401010600-0500", MATCHED),
        ("202401011200+0100", "202401011200+0000", NOT_MATCHED),
        ("20240101-0500", "202401020400+0000", MATCHED),
        # one states none: it may be any from -1200 to +1400
        ("202401011200+0000", "202401011200", UNVERIFIED),
        ("202401011200", "202401011200+0000", UNVERIFIED),
        ("202401011200+0000", "202401020201", NOT_MATCHED),
        ("202401011200+0000", "202401020159", UNVERIFIED),
        ("202401011200+0000", "202312312359", NOT_MATCHED),
        ("202401011200+0000", "202401010001", UNVERIFIED),
        ("202401011200", "202401010001+0000", UNVERIFIED),
        ("202401011200", "202312312159+0000", NOT_MATCHED),
        ("20240101+0000-20241231+0000", "20240615", MATCHED),
        ("20240101+0000-", "20240615", MATCHED),
        ("20240101-20241231", "20240615-0500", MATCHED),
        ("2024", "20241301", UNVERIFIED),
        ("2024", "20240101+1401", UNVERIFIED),
        ("2024", "20240101-1201", UNVERIFIED),
    ],
)
def test_date_times(key: str, value: str, expected: Match) -> None:
    """Offsets are honoured; where one side states none, all that it may be are considered."""
    assert expected is answer("AcquisitionDateTime", key, value)


@pytest.mark.parametrize(
    ("key", "inside", "outside"),
    [
        ("2024-0500", "202501010459+0000", "202501010500+0000"),
        ("2024-2025", "2025", "2026"),
        ("20240101-0500-20240102-0500", "202401030459+0000", "202401030500+0000"),
        ("20240101-0500-", "2024010105+0000", "2024010104+0000"),
        ("-20240101-0500", "2024010204+0000", "2024010205+0000"),
        ("2024-2025-0500", "20250601-0500", "2027-0500"),
        ("2024+0100-2025", "20240601+0100", "2022+0100"),
    ],
)
def test_hyphens_of_date_times(key: str, inside: str, outside: str) -> None:
    """A hyphen begins an offset where that is legal, else separates the ends of a range."""
    assert MATCHED is answer("AcquisitionDateTime", key, inside)
    assert NOT_MATCHED is answer("AcquisitionDateTime", key, outside)


def test_dates_and_times_match_independently() -> None:
    """C.2.2.2.5: two days and an hour are that hour of either day, not a stretch of time."""
    query = data(StudyDate="20240101-20240102", StudyTime="0800-0900")

    assert {"StudyDate": MATCHED, "StudyTime": NOT_MATCHED} == matches(
        query, data(StudyDate="20240101", StudyTime="1200")
    )
    assert {"StudyDate": NOT_MATCHED, "StudyTime": MATCHED} == matches(
        query, data(StudyDate="20240103", StudyTime="0830")
    )
