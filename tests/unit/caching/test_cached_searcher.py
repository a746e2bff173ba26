"""What a cache remembers, for how long, for whom, and what it never does."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.caching import CachedSearcher
from gurney.caching.answers import cut, from_json, to_json
from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    ExtendedQuery,
    HeldBack,
    Instance,
    InvalidInputError,
    Query,
    QueryLevels,
    Searcher,
    SearchError,
    SearchResult,
    Series,
    Study,
    StudyReference,
    put,
    text,
    to_references,
)
from gurney.testing import MemoryArchive, example_datasets

LEVELS = list(QueryLevels)


class Counted(Searcher):
    """Answers, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Query], Sequence[Study]] | None = None) -> None:
        self.asked: list[Query] = []
        self._answer = answer or MemoryArchive(example_datasets()).find_studies

    def find_studies(self, query: Query, /) -> Sequence[Study]:
        self.asked.append(query)
        return self._answer(query)


class Clock:
    """A clock that is set by hand."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def asked(source: Counted) -> int:
    return len(source.asked)


@pytest.mark.parametrize("shallow", LEVELS)
@pytest.mark.parametrize("deep", LEVELS)
def test_a_deeper_answer_serves_a_shallower_question(
    deep: QueryLevels, shallow: QueryLevels
) -> None:
    """Never the reverse."""
    source = Counted()
    cached = CachedSearcher(source)
    cached.find_studies(Query(query_level=deep))
    found = cached.find_studies(Query(query_level=shallow))
    truth = Counted().find_studies(Query(query_level=shallow))
    serves = LEVELS.index(deep) >= LEVELS.index(shallow)

    assert (1 if serves else 2) == asked(source)
    assert list(truth) == list(found)
    assert DICOMObjectLevels.from_query_level(shallow) == min(s.max_object_depth() for s in found)


def test_levels_are_in_order() -> None:
    """The test above takes the levels from the highest down."""
    assert [QueryLevels.STUDY, QueryLevels.SERIES, QueryLevels.INSTANCE] == LEVELS


def test_an_answer_says_that_it_is_old() -> None:
    """Its age is in the notes; nothing else is changed."""
    clock = Clock()
    cached = CachedSearcher(Counted(), clock=clock)
    fresh = cached.find_studies(Query())
    clock.now += 42
    old = cached.find_studies(Query())

    assert () == fresh.notes
    assert ("answered from a cache, 42 s old",) == old.notes
    assert fresh.completeness is old.completeness


def test_an_answer_expires() -> None:
    """At its age, not a moment before."""
    clock, source = Clock(), Counted()
    cached = CachedSearcher(source, max_age=60.0, clock=clock)
    cached.find_studies(Query())
    clock.now += 59.0
    cached.find_studies(Query())
    before = asked(source)
    clock.now += 1.0
    cached.find_studies(Query())

    assert (1, 2) == (before, asked(source))


def test_an_answer_of_the_future_is_not_believed() -> None:
    """A clock was set back: nobody knows how old it is."""
    clock, source = Clock(), Counted()
    cached = CachedSearcher(source, clock=clock)
    cached.find_studies(Query())
    clock.now -= 3600.0
    cached.find_studies(Query())

    assert 2 == asked(source)


@pytest.mark.parametrize(
    "other",
    [
        Query(PatientID="EX-1"),
        Query(include_fields=["StudyTime"]),
        ExtendedQuery(),
        Query(min_study_date="20240101"),
    ],
    ids=["key", "fields", "class", "date"],
)
def test_another_question_is_another(other: Query) -> None:
    """All fields count, and so does the class."""
    source = Counted()
    cached = CachedSearcher(source)
    cached.find_studies(Query())
    cached.find_studies(other)

    assert [Query(), other] == source.asked


def test_a_capped_answer_is_not_kept() -> None:
    """Who asks again may get more."""
    source = Counted(MemoryArchive(example_datasets(), cap=1).find_studies)
    cached = CachedSearcher(source)
    results = [cached.find_studies(Query()) for _ in range(2)]

    assert 2 == asked(source)
    assert [Completeness.CAPPED] * 2 == [result.completeness for result in results]


def test_nobody_knows_stays_so() -> None:
    """A plain list is kept as one that nobody vouches for."""
    source = Counted(lambda _: [Study("1.2")])
    cached = CachedSearcher(source)
    results = [cached.find_studies(Query()) for _ in range(2)]

    assert 1 == asked(source)
    assert [Completeness.UNKNOWN] * 2 == [result.completeness for result in results]


def test_a_doubt_of_below_does_not_go_up() -> None:
    """What may be missing deep down says nothing of the studies: they are asked for."""
    unknown = SearchResult([Study("1.2", series=[Series("1.3")])], Completeness.UNKNOWN, ["?"])
    source = Counted(lambda _: unknown)
    cached = CachedSearcher(source)
    cached.find_studies(Query(query_level=QueryLevels.SERIES))
    cached.find_studies(Query())

    assert 2 == asked(source)


def test_errors_are_not_kept() -> None:
    """The next question goes to the archive."""

    def fail(_: Query) -> Sequence[Study]:
        raise SearchError("no")

    source = Counted(fail)
    cached = CachedSearcher(source)
    for _ in range(2):
        with pytest.raises(SearchError):
            cached.find_studies(Query())

    assert 2 == asked(source)


def test_what_was_used_longest_ago_goes_first() -> None:
    """The bound counts all answers."""
    clock, source = Clock(), Counted(lambda _: [Study("1.2", named("x" * 1000))])
    cached = CachedSearcher(source, max_size=4000, clock=clock)
    for patient in "ab":
        cached.find_studies(Query(PatientID=patient))
        clock.now += 1
    cached.find_studies(Query(PatientID="a"))
    clock.now += 1
    cached.find_studies(Query(PatientID="c"))
    before = asked(source)
    cached.find_studies(Query(PatientID="a"))
    kept = asked(source)
    cached.find_studies(Query(PatientID="b"))

    assert (3, 3, 4) == (before, kept, asked(source))


def test_what_is_larger_than_all_is_not_kept() -> None:
    """And drives nothing else out."""
    source = Counted(lambda query: [Study("1.2", named("x" * len(query.PatientID) * 500))])
    cached = CachedSearcher(source, max_size=2000)
    cached.find_studies(Query(PatientID="a"))
    cached.find_studies(Query(PatientID="a" * 10))
    cached.find_studies(Query(PatientID="a"))
    cached.find_studies(Query(PatientID="a" * 10))

    assert ["a", "a" * 10, "a" * 10] == [query.PatientID for query in source.asked]


def named(name: str) -> Dataset:
    data = Dataset()
    put(data, "StudyDescription", [name])
    return data


def test_who_drops_a_cache_need_not_close_it(recwarn: pytest.WarningsRecorder) -> None:
    """Python warns of connections that nobody has closed, from 3.13 on."""
    unraisable: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        CachedSearcher(Counted()).find_studies(Query())
        gc.collect()
    finally:
        sys.unraisablehook = before

    assert [] == unraisable
    assert [] == [str(each.message) for each in recwarn if each.category is ResourceWarning]


# ---------------------------------------------------------------- files


def test_a_second_process_profits(tmp_path: Path) -> None:
    """What one has asked the other need not ask."""
    path = tmp_path / "answers.db"
    code = (
        "import sys; from gurney.caching import CachedSearcher; from gurney.core import Query;"
        "from gurney.testing import MemoryArchive, example_datasets;"
        "s = CachedSearcher(MemoryArchive(example_datasets()), sys.argv[1], name='A');"
        "print(len(s.find_studies(Query())))"
    )
    run = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    source = Counted()
    with CachedSearcher(source, path, name="A") as cached:
        found = cached.find_studies(Query())

    assert int(done.stdout) == len(found)
    assert 0 == asked(source)


def test_archives_in_one_file_are_told_apart(tmp_path: Path) -> None:
    """By their names."""
    one, other = Counted(), Counted(lambda _: [])
    with CachedSearcher(one, tmp_path / "a.db", name="one") as cached:
        cached.find_studies(Query())
    with CachedSearcher(other, tmp_path / "a.db", name="other") as cached:
        found = cached.find_studies(Query())

    assert [] == list(found)
    assert 1 == asked(other)


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """It holds what the archive told of patients."""
    CachedSearcher(Counted(), tmp_path / "a.db", name="A").close()

    assert 0o600 == stat.S_IMODE((tmp_path / "a.db").stat().st_mode)


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    """It may serve several archives."""
    with pytest.raises(InvalidInputError, match="name"):
        CachedSearcher(Counted(), tmp_path / "a.db")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("max_age", "max_size"), [(0.0, 1), (1.0, 0)])
def test_bounds_are_above_nothing(max_age: float, max_size: int) -> None:
    """A cache that keeps nothing is a mistake."""
    with pytest.raises(InvalidInputError, match="above 0"):
        CachedSearcher(Counted(), max_age=max_age, max_size=max_size)


def other_database(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE precious (x)")
    database.commit()
    database.close()


def letter(path: Path) -> None:
    path.write_text("Dear Sir, " * 100, encoding="ascii")


@pytest.mark.parametrize("make", [other_database, letter])
def test_what_is_somebody_elses_is_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A file that is no cache is refused, and not changed."""
    path = tmp_path / "a.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match="not a cache"):
        CachedSearcher(Counted(), path, name="A")

    assert before == path.read_bytes()


@pytest.mark.parametrize("where", ["missing/a.db", "."])
def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path, where: str) -> None:
    """As an error of ours, which says what to see after."""
    with pytest.raises(InvalidInputError, match="cannot be opened as a cache"):
        CachedSearcher(Counted(), tmp_path / where, name="A")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "x"}', "[" * 100_000])
def test_nonsense_in_the_cache_is_not_believed(tmp_path: Path, content: str) -> None:
    """The archive is asked."""
    path, source = tmp_path / "a.db", Counted()
    with CachedSearcher(source, path, name="A") as cached:
        cached.find_studies(Query())
        database = sqlite3.connect(path)
        database.execute("UPDATE answer SET content = ?", (content,))
        database.commit()
        database.close()
        found = cached.find_studies(Query())

    assert 2 == asked(source)
    assert len(Counted().find_studies(Query())) == len(found)


def test_a_cache_that_fails_is_no_obstacle(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the archive is asked."""
    source = Counted()
    cached = CachedSearcher(source)
    cached.close()
    with caplog.at_level(logging.WARNING, "gurney.caching"):
        found = cached.find_studies(Query())

    assert len(Counted().find_studies(Query())) == len(found)
    assert ["cannot be read", "cannot be written"] == [
        said for said in ("cannot be read", "cannot be written") if said in caplog.text
    ]


def test_threads_share_one() -> None:
    """All get whole answers."""
    source = Counted()
    cached = CachedSearcher(source)
    queries = [Query(query_level=level) for level in LEVELS] * 20
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(cached.find_studies, queries))
    truth = {level: list(Counted().find_studies(Query(query_level=level))) for level in LEVELS}

    assert all(
        truth[query.query_level] == list(result)
        for query, result in zip(queries, results, strict=True)
    )
    assert 3 <= asked(source) <= 24  # those who ask at the same time may all go


# ---------------------------------------------------------------- answers as JSON


def test_values_come_back_as_they_were() -> None:
    """At all levels, damaged ones too."""
    data = named("G\N{LATIN SMALL LETTER U WITH DIAERESIS}rtel")
    put(data, "SpecificCharacterSet", ["ISO_IR 100"])
    series = Series("1.3", Dataset(), [Instance("1.4", Dataset())])
    held = HeldBack("no match", StudyReference("1.9"), Dataset())
    result = SearchResult([Study("1.2", data, [series])], Completeness.UNKNOWN, ["?"], [held], "n")
    written = to_json(result)
    assert written is not None
    back = from_json(written)

    assert result == back
    assert text(data, "StudyDescription") == text(back[0].data, "StudyDescription")


def test_what_has_no_place_in_its_character_set_is_not_kept() -> None:
    """Without a character set there is only ASCII (PS3.5 6.1.2.1)."""
    result = SearchResult([Study("1.2", named("\N{HIRAGANA LETTER A}"))], Completeness.COMPLETE)

    assert to_json(result) is None


@given(st.sampled_from(DICOMObjectLevels), st.sampled_from(DICOMObjectLevels))
def test_cutting_twice_is_cutting_once(one: DICOMObjectLevels, other: DICOMObjectLevels) -> None:
    """What is left is as deep as the higher of the two."""
    result = MemoryArchive(example_datasets()).find_studies(Query(query_level=QueryLevels.INSTANCE))
    twice = cut(cut(result, one), other)

    assert cut(result, max(one, other)) == twice
    assert to_references(twice, max(one, other)) == to_references(result, max(one, other))
