"""A divided search never claims to be complete when it is not, whatever the archive does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import Completeness, Found, search_by_number, search_in_parts


@attrs.frozen
class Item:
    values: Mapping[str, str]

    def text(self, keyword: str) -> str:
        return self.values[keyword]


@attrs.define
class CappedArchive:
    """Returns the first *cap* matches; compares dates and times as text, as many archives do."""

    items: Mapping[str, Item]
    cap: int
    says_so: bool
    counts: bool = False
    heeds: tuple[str, ...] = ("StudyDate", "StudyTime", "PatientID", "InstanceNumber")
    knows_empty: bool = False
    dates: tuple[date | None, date | None] = (None, None)
    asked: int = 0

    def ask(self, keys: Mapping[str, str]) -> Found[Item]:
        self.asked += 1
        found = {uid: item for uid, item in self.expected().items() if self._matches(item, keys)}
        cut = len(found) > self.cap
        return Found(
            dict(list(found.items())[: self.cap]),
            capped="the archive says so" if cut and self.says_so else "",
            total=len(found) if self.counts else None,
        )

    def expected(self) -> dict[str, Item]:
        first, last = ((day.strftime("%Y%m%d") if day else "") for day in self.dates)
        undivided = {"StudyDate": f"{first}-{last}"} if first or last else {}
        return {uid: item for uid, item in self.items.items() if _in_ranges(item, undivided)}

    def _matches(self, item: Item, keys: Mapping[str, str]) -> bool:
        heeded = {keyword: key for keyword, key in keys.items() if keyword in self.heeds}
        if not self.knows_empty and '""' in heeded.values():
            return False
        return _in_ranges(item, heeded)


def _in_ranges(item: Item, keys: Mapping[str, str]) -> bool:
    for keyword, key in keys.items():
        value = item.text(keyword)
        first, hyphen, last = key.partition("-")
        if key == '""':
            good = not value
        elif key.endswith("*"):
            good = value.startswith(key[:-1])
        elif hyphen:
            good = value != "" and (not first or first <= value) and (not last or value <= last)
        else:
            good = value == key
        if not good:
            return False
    return True


def _moment(item: Item) -> tuple[str, str]:
    return item.text("StudyDate"), item.text("StudyTime")[:6].ljust(6, "0")


DATES = st.dates(date(2019, 12, 30), date(2020, 1, 3))
WRITTEN_DATES = st.one_of(st.just(""), DATES.map("{:%Y%m%d}".format))
WRITTEN_TIMES = st.sampled_from(
    ["", "12", "1200", "120000", "120000.5", "115959.999999", "000000", "235959", "120001"]
)


def _item(day: str, time: str, patient: str) -> Item:
    return Item({"StudyDate": day, "StudyTime": time, "PatientID": patient, "InstanceNumber": ""})


ITEMS = st.builds(_item, WRITTEN_DATES, WRITTEN_TIMES, st.text("aB1-", min_size=1, max_size=3))
RANGES = st.one_of(
    st.just((None, None)),
    st.tuples(DATES, st.none()),
    st.tuples(st.none(), DATES),
    st.tuples(DATES, DATES).map(lambda pair: (min(pair), max(pair))),
)


def archives(**fixed: object) -> st.SearchStrategy[CappedArchive]:
    drawn: dict[str, st.SearchStrategy[object]] = {
        "items": st.lists(ITEMS, max_size=14).map(lambda i: {f"1.{n}": x for n, x in enumerate(i)}),
        "cap": st.integers(1, 6),
        "says_so": st.booleans(),
        "counts": st.booleans(),
        "knows_empty": st.booleans(),
        "dates": RANGES,
    }
    return st.builds(CappedArchive, **{**drawn, **{k: st.just(v) for k, v in fixed.items()}})


@given(archives(says_so=True), st.sampled_from(["", "PatientID"]), st.integers(0, 200))
def test_complete_means_everything(archive: CappedArchive, spare: str, budget: int) -> None:
    """An archive that says when it cuts: COMPLETE is never wrong, and CAPPED never said in vain."""
    first = archive.ask({})
    found = search_in_parts(archive.ask, first, dates=archive.dates, spare=spare, budget=budget)

    assert found.items.keys() <= archive.expected().keys()
    assert first.items.keys() <= found.items.keys()
    if found.completeness is Completeness.COMPLETE:
        assert archive.expected().keys() == found.items.keys()
    assert archive.asked == found.questions + 1 <= budget + 1


@given(archives(says_so=False, counts=False), st.integers(0, 200))
def test_silence_is_seen_through(archive: CappedArchive, budget: int) -> None:
    """Q08: COMPLETE is wrong only if what was cut off has no StudyDate or no StudyTime, or if all
    that was found is of one second.
    """
    first = archive.ask({})
    found = search_in_parts(
        archive.ask, first, dates=archive.dates, spare="PatientID", budget=budget
    )

    missed = archive.expected().keys() - found.items.keys()
    hidden = all(
        "" in (archive.items[uid].text("StudyDate"), archive.items[uid].text("StudyTime"))
        for uid in missed
    )
    same = len({_moment(item) for item in first.items.values()}) == 1
    if found.completeness is Completeness.COMPLETE:
        assert hidden or same


@given(st.lists(st.tuples(DATES, st.integers(0, 86399)), unique=True, max_size=30), st.booleans())
def test_studies_told_apart_by_second_are_all_found(
    moments: list[tuple[date, int]], says_so: bool
) -> None:
    """A bounded search of dated and timed studies, cut at 2, is complete after division."""
    items = {
        f"1.{number}": Item(
            {
                "StudyDate": day.strftime("%Y%m%d"),
                "StudyTime": f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}",
                "PatientID": "1",
            }
        )
        for number, (day, second) in enumerate(moments)
    }
    dates = (date(2019, 12, 1), date(2020, 1, 31))
    archive = CappedArchive(items, cap=2, says_so=says_so, knows_empty=True, dates=dates)

    found = search_in_parts(archive.ask, archive.ask({}), dates=dates, budget=10_000)

    assert items.keys() == found.items.keys()


@given(archives(says_so=True, heeds=("PatientID",)))
def test_an_archive_that_ignores_dates_is_not_asked_for_ever(archive: CappedArchive) -> None:
    """Q15: what comes back lies outside what was asked for; that ends it, and nothing is proved."""
    first = archive.ask({})
    found = search_in_parts(archive.ask, first, dates=archive.dates, budget=10_000)

    if found.completeness is Completeness.COMPLETE:
        assert archive.expected().keys() == found.items.keys()
    assert archive.asked < 200


@given(st.integers(4, 60), st.integers(2, 3), st.booleans())
def test_an_archive_that_ignores_dates_is_divided_by_text(
    count: int, cap: int, says_so: bool
) -> None:
    """All are found by what their ids begin with; that there are no others, nobody says."""
    items = {
        f"1.{number}": Item({"StudyDate": "20200101", "StudyTime": "", "PatientID": f"{number:03}"})
        for number in range(count)
    }
    archive = CappedArchive(items, cap=cap, says_so=says_so, heeds=("PatientID",))
    dates = (date(2019, 12, 1), None)
    first = archive.ask({})
    found = search_in_parts(archive.ask, first, dates=dates, spare="PatientID", budget=10_000)

    if first.capped:
        assert items.keys() == found.items.keys()
        assert found.completeness is Completeness.CAPPED
    assert found.completeness is not Completeness.COMPLETE


@given(st.integers(0, 40), st.integers(1, 4), st.integers(2, 5))
def test_what_broke_off_says_nothing_of_limits(count: int, came: int, cap: int) -> None:
    """After an accident, parts that end where the archive may stop in silence are divided, too."""
    items = {
        f"1.{number}": Item(
            {
                "StudyDate": f"202001{number % 28 + 1:02}",
                "StudyTime": f"{number:02}",
                "PatientID": "",
            }
        )
        for number in range(count)
    }
    archive = CappedArchive(items, cap=cap, says_so=False, knows_empty=True)
    first = Found(dict(list(items.items())[:came]), capped="it broke off", accident=True)
    found = search_in_parts(archive.ask, first, dates=(date(2019, 1, 1), date(2021, 1, 1)))

    if found.completeness is Completeness.COMPLETE:
        assert items.keys() == found.items.keys()


@given(st.integers(0, 40), st.integers(1, 10), st.booleans(), st.integers(0, 50))
def test_by_number(count: int, cap: int, heeds: bool, budget: int) -> None:
    """Those that a listing left out are found by their numbers; else the result says CAPPED."""
    items = {f"1.{n}": Item({"InstanceNumber": str(n % 7 + 1)}) for n in range(count)}
    heeded = ("InstanceNumber",) if heeds else ()
    archive = CappedArchive(items, cap, says_so=False, heeds=heeded)

    found = search_by_number(
        archive.ask, archive.ask({}), "InstanceNumber", expected=count, budget=budget
    )

    assert (found.completeness is Completeness.COMPLETE) == (found.items.keys() == items.keys())
    assert (found.completeness is Completeness.COMPLETE) == (not found.reasons)
    if heeds and count <= 7 and budget >= 50:
        assert found.completeness is Completeness.COMPLETE
