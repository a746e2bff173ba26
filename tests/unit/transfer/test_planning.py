"""Planning asks few questions, forgets no doubt, and goes on where it was."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from threading import Event, Lock
from typing import Any

import attrs
import pytest
from tests.unit.transfer.workers import Punctual
from typing_extensions import override

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BusyError,
    Completeness,
    DICOMObjectLevels,
    ExtendedQuery,
    GurneyError,
    InstanceReference,
    InvalidInputError,
    Query,
    QueryLevels,
    Searcher,
    SearchError,
    SearchResult,
    SeriesReference,
    Study,
    StudyReference,
)
from gurney.testing import MemoryArchive, SimulatedArchive, example_datasets
from gurney.transfer import Cohort, Counts, Item, Limits, Plan, Report, read_cohort
from gurney.transfer.ledger import Ledger
from gurney.transfer.planning import plan_items
from gurney.transfer.running import Clock

ARCHIVE = SimulatedArchive(studies=300, instances=6, series=2)
LIMITS = Limits(
    parallel=3,
    retries=Punctual(attempts=3, first_wait=10.0, longest_wait=60.0),
    patience=600.0,
)
COMPLETE, CAPPED, UNKNOWN = Completeness.COMPLETE, Completeness.CAPPED, Completeness.UNKNOWN


@attrs.define(eq=False)
class Asked(Searcher):
    """Counts what it is asked, and lets *answer* have a say in it."""

    archive: Searcher = ARCHIVE
    answer: Callable[[Query, Sequence[Study]], Sequence[Study]] = lambda _, found: found
    queries: list[Query] = attrs.field(factory=list[Query])
    _lock: Lock = attrs.field(factory=Lock)

    @override
    def find_studies(self, query: Query, /) -> Sequence[Study]:
        with self._lock:
            self.queries.append(query)
        return self.answer(query, self.archive.find_studies(query))


class PatientClock(Clock):
    """Hours pass at once for who waits for nothing but time."""

    def __init__(self) -> None:
        self.now: float = 0.0

    @override
    def monotonic(self) -> float:
        return self.now

    @override
    def time(self) -> float:
        return self.now

    @override
    def wait(self, futures: Collection[Future[Any]], seconds: float) -> None:
        if futures:
            wait(futures, return_when=FIRST_COMPLETED)
        else:
            self.now += seconds


def table(heading: str, rows: Iterable[str]) -> Cohort:
    """Return what a table asks for."""
    return read_cohort(io.StringIO("\n".join([heading, *rows]) + "\n"), "c.csv")


def planned(folder: Path, items: Iterable[Item], searcher: Searcher, **how: Any) -> Plan:
    """Plan *items* with a ledger in *folder*."""
    with Ledger.open(folder) as ledger, ledger.locked("plan"):
        return plan_items(items, searcher, ledger, LIMITS, **how)


def expected(folder: Path) -> dict[str, set[InstanceReference]]:
    """Return what the ledger in *folder* is going to fetch, by study."""
    found: dict[str, set[InstanceReference]] = {}
    with Ledger.open(folder) as ledger:
        for parcel in ledger.parcels(100, 0.0):
            for reference in parcel.references:
                found.setdefault(reference.study_uid, set()).add(reference)
    return found


def studies(*numbers: int) -> list[StudyReference]:
    """Return studies of the archive."""
    return [ARCHIVE.study(number) for number in numbers]


def instances(*objects: StudyReference | SeriesReference) -> dict[str, set[InstanceReference]]:
    """Return all that the archive has of *objects*, by study."""
    found: dict[str, set[InstanceReference]] = {}
    for file in ARCHIVE.files(objects):
        assert isinstance(file.reference, InstanceReference)
        found.setdefault(file.reference.study_uid, set()).add(file.reference)
    return found


def series_of(study: StudyReference) -> list[SeriesReference]:
    """Return the series that the archive has in *study*."""
    (found,) = ARCHIVE.find_studies(
        Query(StudyInstanceUID=study.study_uid, query_level=QueryLevels.SERIES)
    )
    return [series.reference() for series in found.series]


# ---------------------------------------------------------------- few questions


def test_uids_are_asked_for_by_fifty(tmp_path: Path) -> None:
    """One question for many studies, and each of them is found."""
    wanted = studies(*range(120))
    searcher = Asked()

    plan = planned(tmp_path, table("StudyInstanceUID", map(str, wanted)), searcher)

    assert 3 == len(searcher.queries)
    assert (120, 120, 720, COMPLETE, ()) == (
        plan.items, plan.studies, plan.instances, plan.completeness, plan.reasons,
    )  # fmt: skip
    assert instances(*wanted) == expected(tmp_path)


def test_instances_are_believed(tmp_path: Path) -> None:
    """Who names instances is not doubted; nobody is asked."""
    wanted = sorted(instances(*studies(1, 2))[studies(2)[0].study_uid])
    searcher = Asked()

    plan = planned(tmp_path, [Item(str(n), each) for n, each in enumerate(wanted)], searcher)

    assert [] == searcher.queries
    assert (6, 1, 6, COMPLETE) == (plan.items, plan.studies, plan.instances, plan.completeness)


def test_series_are_fetched_and_not_their_studies(tmp_path: Path) -> None:
    """With the study beside, or alone; one question asks for all that are alone."""
    one, other = series_of(ARCHIVE.study(1))[0], series_of(ARCHIVE.study(2))[1]
    third = series_of(ARCHIVE.study(3))[0]
    searcher = Asked()
    cohort = table(
        "StudyInstanceUID,SeriesInstanceUID",
        [str(one).replace("/", ","), f",{other.series_uid}", f",{third.series_uid}"],
    )

    plan = planned(tmp_path, cohort, searcher)

    assert (3, 3, 9, COMPLETE) == (plan.items, plan.studies, plan.instances, plan.completeness)
    assert instances(one, other, third) == expected(tmp_path)
    assert 3 == len(searcher.queries)


def test_each_accession_number_is_a_question(tmp_path: Path) -> None:
    """And what the studies hold is asked for together."""
    searcher = Asked()
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(40)))

    plan = planned(tmp_path, cohort, searcher)

    assert (40, 40, 240, COMPLETE) == (plan.items, plan.studies, plan.instances, plan.completeness)
    assert instances(*studies(*range(40))) == expected(tmp_path)
    assert 42 == len(searcher.queries)


def test_rows_of_one_patient_are_one_question(tmp_path: Path) -> None:
    """From the first day to the last; other studies in between are not fetched."""
    wanted = [0, 2, 3]  # three studies in a row are one patient's
    cohort = table(
        "PatientID,StudyDate", [f"{ARCHIVE.patient_id(n)},{ARCHIVE.study_date(n)}" for n in wanted]
    )
    searcher = Asked()

    plan = planned(tmp_path, cohort, searcher)

    assert (3, 3, COMPLETE) == (plan.items, plan.studies, plan.completeness)
    assert instances(*studies(*wanted)) == expected(tmp_path)
    by_patient = [query for query in searcher.queries if query.PatientID]
    assert 2 == len(by_patient)


@pytest.mark.parametrize("spoilt", ["dateless", "unknown", "refused"])
def test_rows_that_one_question_does_not_tell_apart_are_asked_one_by_one(
    tmp_path: Path, spoilt: str
) -> None:
    """An archive that leaves out dates, stops early, or takes no ranges is asked otherwise."""

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if query.min_study_date == query.max_study_date:
            return found
        if spoilt == "refused":
            raise SearchError("ranges of dates are too much for this archive")
        if spoilt == "unknown":
            return SearchResult(found[:1], UNKNOWN, ["there may be more"])
        return SearchResult([Study(study.uid) for study in found], COMPLETE)

    rows = [f"{ARCHIVE.patient_id(n)},{ARCHIVE.study_date(n)}" for n in (0, 2)]
    searcher = Asked(answer=answer)

    plan = planned(tmp_path, table("PatientID,StudyDate", rows), searcher)

    assert 3 == sum(bool(query.PatientID) for query in searcher.queries)
    assert (2, 2, COMPLETE) == (plan.items, plan.studies, plan.completeness)
    assert instances(*studies(0, 2)) == expected(tmp_path)


def test_a_query_may_stand_for_many_studies(tmp_path: Path) -> None:
    """It is divided: what is in them is asked for by fifty."""
    searcher = Asked()

    plan = planned(tmp_path, [Item("all", Query())], searcher)

    assert (300, 1800, COMPLETE, 0) == (
        plan.studies, plan.instances, plan.completeness, plan.unplanned,
    )  # fmt: skip
    assert 1 + 6 == len(searcher.queries)


def test_series_that_a_query_describes(tmp_path: Path) -> None:
    """Only these are fetched, not all of their studies."""
    datasets = example_datasets()
    wanted = next(each for each in datasets if each.StudyInstanceUID == "2.25.4002")
    wanted.SeriesDescription = "Localizer"
    archive = MemoryArchive(datasets)
    query = ExtendedQuery(StudyInstanceUID="2.25.4002", SeriesDescription="Localizer")
    searcher = Asked(archive)

    plan = planned(tmp_path, [Item("item 1", query)], searcher)

    (references,) = expected(tmp_path).values()
    assert {wanted.SeriesInstanceUID} == {each.series_uid for each in references}
    assert COMPLETE is plan.completeness


def test_of_chosen_series_no_more_is_expected_than_they_have(tmp_path: Path) -> None:
    """What their whole study counts is not for them, though an archive says nothing else."""
    series = series_of(ARCHIVE.study(1))[0]

    def answer(_: Query, found: Sequence[Study]) -> Sequence[Study]:
        for study in found:
            del study.data.NumberOfStudyRelatedSeries
        return found

    row = f"{ARCHIVE.accession_number(1)},{series.series_uid}"
    planned(tmp_path, table("AccessionNumber,SeriesInstanceUID", [row]), Asked(answer=answer))

    (study,) = Report(tmp_path).studies()
    assert 3 == study.expectation.count


# ---------------------------------------------------------------- no doubt is forgotten


def test_what_is_not_listed_is_told_by_its_place(tmp_path: Path) -> None:
    """Never by its value; UIDs may be told."""
    cohort = table(
        "AccessionNumber,StudyInstanceUID",
        [f"{ARCHIVE.accession_number(1)},", "SECRET-1,", "SECRET-2,", ",1.2.3"],
    )

    plan = planned(tmp_path, cohort, ARCHIVE)

    assert (4, 3, 0, 1, UNKNOWN) == (
        plan.items, plan.failed, plan.unplanned, plan.studies, plan.completeness,
    )  # fmt: skip
    assert (
        "row 3 of c.csv and 1 more: the archive lists no study with this AccessionNumber",
        "row 5 of c.csv: 1.2.3: the archive lists no such study",
    ) == plan.reasons
    assert not plan.complete


@pytest.mark.parametrize("completeness", [CAPPED, UNKNOWN])
def test_a_search_that_stopped_early_is_remembered(
    tmp_path: Path, completeness: Completeness
) -> None:
    """Also when planning is called again for what is new alone, and asks nobody."""

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if not query.AccessionNumber:
            return found
        return SearchResult(found, completeness, ["it stops at one"])

    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(3)))
    searcher = Asked(answer=answer)

    plans = [planned(tmp_path, cohort, searcher, retry_failed=False) for _ in range(2)]

    assert 4 == len(searcher.queries)
    for plan in plans:
        assert (3, completeness) == (plan.studies, plan.completeness)
        assert ("row 2 of c.csv and 2 more: it stops at one",) == plan.reasons


def test_a_listing_of_a_study_that_stopped_early_is_remembered(tmp_path: Path) -> None:
    """Where somebody doubts, that is told."""

    searcher = Asked(answer=lambda _, found: SearchResult(found, CAPPED, ["it stops at six"]))

    plan = planned(tmp_path, table("StudyInstanceUID", map(str, studies(1, 2))), searcher)

    assert (2, CAPPED, ("2 of the listings of studies: it stops at six",)) == (
        plan.studies, plan.completeness, plan.reasons,
    )  # fmt: skip


def test_a_searcher_that_does_not_say_is_not_believed(tmp_path: Path) -> None:
    """A plain list proves nothing, unless its counts do."""
    searcher = Asked(answer=lambda _, found: list(found))

    plan = planned(tmp_path, table("AccessionNumber", [ARCHIVE.accession_number(1)]), searcher)

    assert (1, 6, UNKNOWN) == (plan.studies, plan.instances, plan.completeness)


def test_uids_of_a_query_that_are_not_listed(tmp_path: Path) -> None:
    """What is there is fetched, what is not is told."""
    known = ARCHIVE.study(1).study_uid
    items = [Item("item 1", Query(StudyInstanceUID=[known, "1.2.3"]))]

    plan = planned(tmp_path, items, ARCHIVE)

    assert (1, UNKNOWN) == (plan.studies, plan.completeness)
    assert ("item 1: the archive lists no such study: 1.2.3",) == plan.reasons


def test_nothing_may_match_a_query_that_names_nobody(tmp_path: Path) -> None:
    """On some days there are no studies; but an accession number exists."""
    items = [Item("item 1", Query(min_study_date="19000101", max_study_date="19000102"))]

    plan = planned(tmp_path, items, ARCHIVE)

    assert (0, 0, COMPLETE) == (plan.studies, plan.failed, plan.completeness)


def test_one_accession_number_of_two_studies(tmp_path: Path) -> None:
    """Both are fetched; it is noted."""
    datasets = example_datasets()
    for dataset in datasets:
        dataset.AccessionNumber = "A-1"
    cohort = table("AccessionNumber", ["A-1"])

    plan = planned(tmp_path, cohort, MemoryArchive(datasets))

    assert (4, COMPLETE) == (plan.studies, plan.completeness)
    assert ("4 studies have one accession number",) == plan.notes


def test_what_an_archive_refuses_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """One bad row does not keep the others from being planned; it can be tried again."""
    bad = ARCHIVE.accession_number(1)

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if query.AccessionNumber == bad:
            raise SearchError("status 0xC001")
        return found

    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(3)))

    plan = planned(tmp_path, cohort, Asked(answer=answer))
    left = planned(tmp_path, cohort, ARCHIVE, retry_failed=False)
    again = planned(tmp_path, cohort, ARCHIVE)

    assert (2, 1, UNKNOWN) == (plan.studies, plan.failed, plan.completeness)
    assert ("row 3 of c.csv: the search failed: status 0xC001",) == plan.reasons
    assert plan == left
    assert (3, 0, COMPLETE) == (again.studies, again.failed, again.completeness)


# ---------------------------------------------------------------- it goes on


def test_planning_again_asks_for_nothing_that_is_known(tmp_path: Path) -> None:
    """A list that has grown is asked for what is new; order and place do not matter."""
    searcher = Asked()
    planned(tmp_path, table("StudyInstanceUID", map(str, studies(1, 2))), searcher)
    longer = table("Name,StudyInstanceUID", [f"x,{each}" for each in studies(3, 2, 1)])

    plan = planned(tmp_path, longer, searcher)

    assert [studies(3)[0].study_uid] == [query.StudyInstanceUID for query in searcher.queries[1:]]
    assert (3, 3, COMPLETE) == (plan.items, plan.studies, plan.completeness)


def test_a_stopped_planning_says_what_is_left(tmp_path: Path) -> None:
    """What has been found out is noted, the rest is asked for next time."""
    stop = Event()
    searcher = Asked()
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(200)))

    def progress(counts: Counts) -> None:
        if counts.studies:
            stop.set()

    first = planned(tmp_path, cohort, searcher, stop=stop, progress=progress)
    second = planned(tmp_path, cohort, searcher)

    assert 0 < first.studies < 200
    assert (200 - first.studies, UNKNOWN) == (first.unplanned, first.completeness)
    assert any("not looked up yet" in reason for reason in first.reasons)
    assert (200, 0, COMPLETE) == (second.studies, second.unplanned, second.completeness)
    assert 200 + 10 == len(searcher.queries)


KILLED = """
import os, sys
from tests.unit.transfer.test_planning import ARCHIVE, Asked, planned, table
from pathlib import Path

left = [int(sys.argv[2])]

def answer(query, found):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return found

rows = map(ARCHIVE.accession_number, range(100))
planned(Path(sys.argv[1]), table("AccessionNumber", rows), Asked(answer=answer))
"""


def test_a_killed_planning_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was noted is not asked again, and nothing is there twice."""
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "70"], cwd=root, check=False
    )
    searcher = Asked()
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(100)))

    plan = planned(tmp_path, cohort, searcher)

    assert 9 == killed.returncode
    assert (100, 100, 600, COMPLETE) == (
        plan.items, plan.studies, plan.instances, plan.completeness,
    )  # fmt: skip
    assert len(searcher.queries) < 105
    assert instances(*studies(*range(100))) == expected(tmp_path)


def test_a_large_query_that_was_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    """Only the query itself is asked again, and what was not looked into yet."""
    broken = [True]

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if broken[0] and ARCHIVE.study(299).study_uid in query.StudyInstanceUID:
            raise AuthenticationError("a search", "the session has ended")
        return found

    searcher = Asked(answer=answer)
    items = [Item("all", Query())]
    with pytest.raises(AuthenticationError):
        planned(tmp_path, items, searcher)
    before = len(searcher.queries)
    broken[0] = False

    plan = planned(tmp_path, items, searcher)

    assert (300, 1800, 0, COMPLETE) == (
        plan.studies, plan.instances, plan.unplanned, plan.completeness,
    )  # fmt: skip
    assert len(searcher.queries) - before < 1 + 6


def test_a_large_query_of_which_a_part_fails_is_asked_again(tmp_path: Path) -> None:
    """A part has no place of its own in a list: the query stands for it."""
    bad = ARCHIVE.study(7).study_uid
    items = [Item("all", Query())]

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if bad in query.StudyInstanceUID:
            raise SearchError("status 0xC001")
        return found

    first = planned(tmp_path, items, Asked(answer=answer))
    second = planned(tmp_path, items, ARCHIVE)

    assert (299, 2, UNKNOWN) == (first.studies, first.failed, first.completeness)
    assert "1 of what it stands for could not be looked up" in " ".join(first.reasons)
    assert (300, 0, COMPLETE) == (second.studies, second.failed, second.completeness)


@pytest.mark.parametrize("studies", [3, 60])
def test_a_listing_that_failed_for_a_moment_is_asked_for_again(
    tmp_path: Path, studies: int
) -> None:
    """What may not be all is looked up again with what failed; what is known to be all is not."""
    archive = SimulatedArchive(studies=studies, instances=2, series=1)
    bad = archive.study(1).study_uid

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if bad in query.StudyInstanceUID and query.query_level is not QueryLevels.STUDY:
            raise SearchError("status 0xC001")
        return found

    items = [Item("row 2", Query())]
    first = planned(tmp_path, items, Asked(archive, answer))
    untouched = planned(tmp_path, items, Asked(archive), retry_failed=False)
    second = planned(tmp_path, items, Asked(archive))
    idle = Asked(archive)
    planned(tmp_path, items, idle)

    assert COMPLETE is not first.completeness
    assert first == untouched
    assert (studies, 2 * studies, COMPLETE) == (
        second.studies, second.instances, second.completeness,
    )  # fmt: skip
    assert [] == idle.queries


def test_a_search_that_was_capped_is_made_again(tmp_path: Path) -> None:
    """It may find everything the next time; until then the doubt stays."""

    def answer(_: Query, found: Sequence[Study]) -> Sequence[Study]:
        return SearchResult(found[:2], CAPPED, ["it stops at 2"])

    items = [Item("row 2", Query())]
    first = planned(tmp_path, items, Asked(answer=answer))
    archive = SimulatedArchive(studies=5, instances=2, series=1)
    second = planned(tmp_path, items, archive)

    assert (2, CAPPED) == (first.studies, first.completeness)
    assert ((), COMPLETE) == (second.reasons, second.completeness)


def test_what_was_never_tried_comes_before_what_failed(tmp_path: Path) -> None:
    """So that a planning that is killed again and again gets on."""
    with Ledger.open(tmp_path) as ledger:
        one, two, three = ledger.announce((each, ledger.digest(each)) for each in "abc")
        ledger.planned([two], [], reasons=["capped"], completeness=CAPPED)
        ledger.failed_to_plan([one], "no such study")

        assert [three, one, two] == ledger.unplanned(failed=True)
        assert [three] == ledger.unplanned()


def test_parts_that_are_listed_no_more_do_not_stay_open(tmp_path: Path) -> None:
    """A planning is cut short, and the archive has fewer studies when it goes on."""
    large = SimulatedArchive(studies=60, instances=2, series=1)
    small = SimulatedArchive(studies=40, instances=2, series=1)
    stop = Event()
    items = [Item("row 2", Query())]

    def halt(_: Counts) -> None:
        stop.set()

    first = planned(tmp_path, items, large, stop=stop, progress=halt)
    second = planned(tmp_path, items, small)

    assert first.unplanned
    assert (40, 0, 0) == (second.studies, second.unplanned, second.failed)
    assert not [reason for reason in second.reasons if "looked up" in reason]


def test_part_that_is_wanted_itself_does_not_vanish(tmp_path: Path) -> None:
    """What somebody has named is told, whatever else it was a part of."""
    with Ledger.open(tmp_path) as ledger:
        (whole,) = ledger.announce([("row 2", ledger.digest("all"))])
        ledger.announce([("row 2", ledger.digest(part)) for part in "ab"], part_of=whole)
        (own,) = ledger.announce([("row 3", ledger.digest("a"))])
        ledger.planned([whole], [])

        assert [own] == ledger.unplanned()
        assert 2 == ledger.counts.items


def test_a_plan_of_nothing_is_not_complete(tmp_path: Path) -> None:
    """All of nothing is here, and proves nothing."""
    plan = planned(tmp_path, [], ARCHIVE)

    assert ("nothing has been planned: say what is wanted",) == plan.reasons
    assert not plan.complete


# ---------------------------------------------------------------- who is busy or away


@attrs.define
class Moods:
    """Raises what is in turn, for so many questions."""

    turns: Iterator[GurneyError | None]

    def __call__(self, _: Query, found: Sequence[Study]) -> Sequence[Study]:
        error = next(self.turns, None)
        if error is not None:
            raise error
        return found


@pytest.mark.parametrize(
    "error", [ArchiveUnavailableError("nobody answers"), BusyError("a search", 503)]
)
def test_who_is_busy_or_away_is_waited_for(tmp_path: Path, error: ArchiveUnavailableError) -> None:
    """Nothing of the list is lost by that, and nothing fails."""
    clock = PatientClock()
    searcher = Asked(answer=Moods(iter([None, *[error] * 6])))
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(100)))

    plan = planned(tmp_path, cohort, searcher, clock=clock)

    assert (100, 0, COMPLETE) == (plan.studies, plan.failed, plan.completeness)
    assert 30 < clock.now < 600
    with Ledger.reading(tmp_path) as ledger:
        waits = [sample.waiting for sample in ledger.samples()]
    assert ("for the archive", "") == (waits[0], waits[-1])


def test_who_is_away_for_too_long_is_given_up(tmp_path: Path) -> None:
    """What has been found out is kept."""
    clock = PatientClock()

    def answer(query: Query, found: Sequence[Study]) -> Sequence[Study]:
        if query.AccessionNumber == ARCHIVE.accession_number(99):
            raise ArchiveUnavailableError("nobody answers")
        return found

    searcher = Asked(answer=answer)
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(100)))

    with pytest.raises(
        ArchiveUnavailableError, match=r"nobody answers\. It has been so for 10 min"
    ):
        planned(tmp_path, cohort, searcher, clock=clock)

    assert 600 <= clock.now
    assert 80 == planned(tmp_path, cohort[:80], searcher).studies


def test_who_is_not_let_in_does_not_go_on(tmp_path: Path) -> None:
    """Waiting does not help; nothing is said to be missing."""
    denied = AuthenticationError("a search", "wrong password", 401)
    searcher = Asked(answer=Moods(iter([denied] * 100)))
    cohort = table("AccessionNumber", map(ARCHIVE.accession_number, range(3)))

    with pytest.raises(AuthenticationError):
        planned(tmp_path, cohort, searcher)

    assert 0 == planned(tmp_path, [], searcher).failed


# ---------------------------------------------------------------- what is told


def test_a_plan_for_people(tmp_path: Path) -> None:
    """How much, and how sure that is."""
    cohort = table("AccessionNumber", [ARCHIVE.accession_number(1), "SECRET"])

    plan = planned(tmp_path, cohort, ARCHIVE)

    assert (
        "6 instances of 1 studies, for 2 items; INCOMPLETE (unknown)\n"
        "  row 3 of c.csv: the archive lists no study with this AccessionNumber"
    ) == str(plan)


def test_no_value_is_written_down(tmp_path: Path) -> None:
    """Neither what was found nor what was not; nor in a way that can be guessed."""
    known = ARCHIVE.accession_number(1)
    rows = [f"{known},,", "SECRET,,", f",{ARCHIVE.patient_id(5)},{ARCHIVE.study_date(5)}"]
    planned(tmp_path, table("AccessionNumber,PatientID,StudyDate", rows), ARCHIVE)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    for secret in (known, "SECRET", ARCHIVE.patient_id(5), f"{ARCHIVE.study_date(5):%Y%m%d}"):
        assert secret.encode() not in written


def test_modalities_come_along(tmp_path: Path) -> None:
    """For the report, as far as the listing says them."""
    planned(tmp_path, table("StudyInstanceUID", map(str, studies(1))), ARCHIVE)

    with Ledger.open(tmp_path) as ledger:
        assert 1 == len(ledger.modalities)


def test_whole_studies_are_known_to_be_whole(tmp_path: Path) -> None:
    """So that one request may ask for all of one; parts of it are never asked for so."""
    one = series_of(ARCHIVE.study(1))[0]
    items = [Item("1", one), Item("2", ARCHIVE.study(2))]
    planned(tmp_path, items, ARCHIVE)

    with Ledger.open(tmp_path) as ledger:
        levels = [parcel.whole for parcel in ledger.parcels(100, 0.0)]

    assert [DICOMObjectLevels.SERIES, DICOMObjectLevels.STUDY] == levels


def test_a_query_that_cannot_be_asked_is_the_callers_mistake(tmp_path: Path) -> None:
    """It fails by itself, saying why, if the archive does not take it."""
    plan = planned(tmp_path, [Item("item 1", Query(AccessionNumber="A*"))], ARCHIVE)

    assert 1 == plan.failed
    assert "SimulatedArchive does not support AccessionNumber" in plan.reasons[0]
    with pytest.raises(InvalidInputError):
        Query(AccessionNumber="\n")
