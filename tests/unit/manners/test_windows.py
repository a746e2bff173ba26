"""Windows open and close by a clock on the wall, where it is put forward and back too."""

from __future__ import annotations

import pickle
import time as system
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import InvalidInputError
from gurney.manners import Window, Windows

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
NAMES: Sequence[str] = "Mon Tue Wed Thu Fri Sat Sun".split()
CHANGES = [
    ("Europe/Berlin", datetime(2024, 3, 31, tzinfo=UTC)),  # an hour forward
    ("Europe/Berlin", datetime(2024, 10, 27, tzinfo=UTC)),  # an hour back
    ("America/New_York", datetime(2024, 3, 10, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 11, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, tzinfo=UTC)),  # half an hour back
    ("Australia/Lord_Howe", datetime(2024, 10, 5, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, tzinfo=UTC)),  # midnight does not exist
    ("America/Sao_Paulo", datetime(2018, 2, 18, tzinfo=UTC)),  # a day ends twice
    ("Africa/Casablanca", datetime(2024, 3, 10, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2024, 3, 31, tzinfo=UTC)),  # two hours forward
    ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),  # a day is left out
    ("Asia/Kathmandu", datetime(2024, 6, 1, tzinfo=UTC)),  # never changed, and not by hours
    ("UTC", datetime(2024, 6, 1, tzinfo=UTC)),
]
DAYS_BEFORE, DAYS = 2, 12


@lru_cache
def walls(zone: str, change: datetime) -> list[tuple[str, str]]:
    """Return what the clock and the calendar show in each minute around a *change*."""
    begin = change - timedelta(days=DAYS_BEFORE)
    moments = (begin + n * MINUTE for n in range(DAYS * 24 * 60))
    return [
        (f"{here:%H:%M}", NAMES[here.weekday()])
        for here in (moment.astimezone(ZoneInfo(zone)) for moment in moments)
    ]


def is_open(wall: tuple[str, str], begin: str, end: str, days: set[str]) -> bool:
    """Say whether a window is open, by looking at clock and calendar only."""
    shown, day = wall
    before = NAMES[NAMES.index(day) - 1]
    if begin < end:
        return day in days and begin <= shown < end
    return (day in days and shown >= begin) or (before in days and shown < end)


TIMES = st.one_of(
    st.sampled_from(["00:00", "01:30", "02:00", "02:30", "03:00", "23:30"]),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
)
SPECS = st.tuples(TIMES, TIMES, st.sets(st.sampled_from(NAMES), min_size=1))


@given(
    st.sampled_from(CHANGES),
    st.lists(SPECS, min_size=1, max_size=3),
    st.integers(0, 4 * 24 * 60),
    st.sampled_from([0, 0, 1, 59]),
)
def test_every_minute_around_a_change(
    change: tuple[str, datetime],
    specs: list[tuple[str, str, set[str]]],
    number: int,
    seconds: int,
) -> None:
    """What is open, and when that changes, is what looking at the clock each minute finds."""
    shown = [any(is_open(wall, *spec) for spec in specs) for wall in walls(*change)]
    text = "; ".join(f"{','.join(sorted(days))} {begin}-{end}" for begin, end, days in specs)
    windows = Windows.parse(text, change[0])
    begin = change[1] - timedelta(days=DAYS_BEFORE)
    moment = begin + number * MINUTE + timedelta(seconds=seconds)

    def first(state: bool) -> datetime | None:
        if shown[number] is state:
            return moment
        later = range(number + 1, len(shown))
        return next((begin + n * MINUTE for n in later if shown[n] is state), None)

    assert shown[number] is windows.contains(moment)
    closing = windows.next_closing(moment)
    for expected, found in ((first(True), windows.next_opening(moment)), (first(False), closing)):
        if expected is not None:  # else it is beyond the days that were looked at
            assert found is not None
            assert (expected, UTC) == (found, found.tzinfo)
    if closing is None:
        assert first(False) is None


@given(st.lists(SPECS, min_size=1, max_size=3))
def test_texts_come_back(specs: list[tuple[str, str, set[str]]]) -> None:
    """What is shown says the same when it is read."""
    text = "; ".join(f"{','.join(sorted(days))} {begin}-{end}" for begin, end, days in specs)
    windows = Windows.parse(text, "UTC")

    assert windows == Windows.parse(str(windows), "UTC")
    assert windows == pickle.loads(pickle.dumps(windows))


# ---------------------------------------------------------------- examples


BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    """Return a moment, by a clock in *zone*."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("moment", "opening", "closing"),
    [
        ("2024-06-03 12:00", "2024-06-03 19:00", "2024-06-03 12:00"),
        ("2024-06-03 18:59", "2024-06-03 19:00", "2024-06-03 18:59"),
        ("2024-06-03 19:00", "2024-06-03 19:00", "2024-06-04 07:00"),
        ("2024-06-04 00:00", "2024-06-04 00:00", "2024-06-04 07:00"),
        ("2024-06-04 06:59", "2024-06-04 06:59", "2024-06-04 07:00"),
        ("2024-06-04 07:00", "2024-06-04 19:00", "2024-06-04 07:00"),
    ],
)
def test_a_night(moment: str, opening: str, closing: str) -> None:
    """It opens in the evening and closes in the morning; its end is not part of it."""
    windows = Windows.parse("19:00-07:00", BERLIN)

    assert at(opening) == windows.next_opening(at(moment))
    assert at(closing) == windows.next_closing(at(moment))
    assert (opening == moment) is windows.contains(at(moment))


def test_the_night_in_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    """By the clock it is as long as any."""
    windows = Windows.parse("19:00-07:00", BERLIN)
    opening = windows.next_opening(at("2024-03-30 12:00"))
    closing = windows.next_closing(opening)

    assert closing is not None
    assert timedelta(hours=11) == closing - opening


def test_a_window_in_the_hour_that_is_left_out_does_not_open() -> None:
    """There is no such time; it opens the next day."""
    windows = Windows.parse("02:10-02:50", BERLIN)

    assert at("2024-04-01 02:10") == windows.next_opening(at("2024-03-31 00:00"))


def test_a_window_that_begins_in_the_hour_that_is_left_out_opens_after_it() -> None:
    """As soon as the clock shows a time in it."""
    windows = Windows.parse("02:10-04:00", BERLIN)

    assert at("2024-03-31 03:00") == windows.next_opening(at("2024-03-31 00:00"))


def test_a_window_in_the_hour_that_comes_twice_opens_twice() -> None:
    """The clock shows its times twice."""
    windows = Windows.parse("02:10-02:50", BERLIN)
    first = windows.next_opening(at("2024-10-27 00:00"))
    end = windows.next_closing(first)
    assert end is not None
    second = windows.next_opening(end)

    assert timedelta(minutes=40) == end - first
    assert timedelta(hours=1) == second - first


def test_weekends() -> None:
    """Windows that touch are one: from Friday evening to Monday morning nothing closes."""
    windows = Windows.parse("Mon-Thu 19:00-07:00; Fri 19:00-24:00; Sat,Sun; Mon 0:00-7:00", BERLIN)
    friday = windows.next_opening(at("2024-06-07 12:00"))

    assert at("2024-06-07 19:00") == friday
    assert at("2024-06-10 07:00") == windows.next_closing(friday)


@pytest.mark.parametrize(
    "text", ["always", " Always ", "00:00-24:00", "Mon-Fri; Sat,Sun", "8:00-8:00"]
)
def test_what_never_closes(text: str) -> None:
    """There is no closing to wait for."""
    windows = Windows.parse(text, BERLIN)

    assert windows.contains(at("2024-06-07 12:00"))
    assert windows.next_closing(at("2024-06-07 12:00")) is None


def test_by_default_it_is_always_open() -> None:
    """Who names no window has no hours to keep to."""
    assert Windows.parse("always") == Windows()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("19:00-07:00", "19:00-07:00"),
        ("9:05 - 17:00", "09:05-17:00"),
        ("mon-FRI 19:00-07:00;sat, sun;", "Mon-Fri 19:00-07:00; Sat,Sun"),
        ("Sat-Mon 00:00-24:00", "Mon,Sat,Sun"),
        ("Mon,Tue,Thu-Sat", "Mon,Tue,Thu-Sat"),
        ("18:00-00:00", "18:00-24:00"),
        ("00:00-00:00", "always"),
        ("Mon-Sun", "always"),
    ],
)
def test_how_they_are_shown(text: str, shown: str) -> None:
    """In one way, however they were written."""
    assert shown == str(Windows.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "19:00", "19-07", "24:00-07:00", "19:00-25:00", "19:60-20:00", "nights",
        "Mo-Fr 19:00-07:00", "Mon- 19:00-07:00", "19:00-07:00 Mon", "always; Mon", "Mon;;Tue",
    ],
)  # fmt: skip
def test_what_is_no_window(text: str) -> None:
    """It says how windows are written."""
    with pytest.raises(InvalidInputError, match="19:00-07:00"):
        Windows.parse(text)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../UTC", "Europe", "Europe/\0"])
def test_what_is_no_zone(zone: str) -> None:
    """It says how they are named."""
    with pytest.raises(InvalidInputError, match="Europe/Berlin"):
        Windows.parse("19:00-07:00", zone)


def test_a_time_without_a_zone_is_no_moment() -> None:
    """Nobody knows when that is."""
    windows = Windows.parse("19:00-07:00", BERLIN)
    for ask in (windows.contains, windows.next_opening, windows.next_closing):
        with pytest.raises(InvalidInputError, match="zone"):
            ask(datetime(2024, 6, 7))  # noqa: DTZ001  that is what it is about


def test_windows_that_are_none() -> None:
    """Days, times and windows are checked."""
    with pytest.raises(InvalidInputError, match="Monday"):
        Window(days=(7,))
    with pytest.raises(InvalidInputError, match="Monday"):
        Window(days=())
    with pytest.raises(InvalidInputError, match="no zone"):
        Window(time(1, tzinfo=UTC))
    with pytest.raises(InvalidInputError, match="always"):
        Windows(())


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in New York."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        system.tzset()
        yield
    system.tzset()


@pytest.mark.skipif(not hasattr(system, "tzset"), reason="Windows has its zone from elsewhere")
@pytest.mark.usefixtures("in_new_york")
def test_without_a_zone_it_is_that_of_the_machine() -> None:
    """With its summer time."""
    zone, windows = "America/New_York", Windows.parse("01:30-05:00")
    for day in ("2024-03-09", "2024-03-10", "2024-11-02", "2024-11-03", "2024-11-04"):
        moment = at(f"{day} 00:10", zone)
        there = Windows.parse("01:30-05:00", zone)
        opening = windows.next_opening(moment)
        assert there.next_opening(moment) == opening
        assert there.next_closing(opening) == windows.next_closing(opening)
