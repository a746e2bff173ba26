"""References are completed through a searcher, in few queries, and say what they do not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    Completeness,
    DICOMDownloadable,
    DICOMObjectLevels,
    Expectation,
    GurneyError,
    Instance,
    InstanceReference,
    Query,
    QueryLevels,
    Searcher,
    SearchError,
    SearchResult,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    UnsupportedParameterError,
    put,
    searcher_from,
    to_references,
)
from gurney.trolley.resolution import Resolution, resolve

INSTANCE, SERIES = DICOMObjectLevels.INSTANCE, DICOMObjectLevels.SERIES


def study(uid: str, instances: int = 2, announced: int | None = None) -> Study:
    """Return a study of one series, that perhaps says how many instances it should have."""
    series = Series(f"{uid}.1", instances=[Instance(f"{uid}.1.{n}") for n in range(instances)])
    made = Study(uid, series=[series])
    if announced is not None:
        put(made.data, "NumberOfStudyRelatedInstances", [announced])
    return made


@attrs.define
class Archive(Searcher):
    """Knows some studies, and remembers what it was asked."""

    studies: Sequence[Study]
    answer: Callable[[Query, list[Study]], Sequence[Study]] = lambda _, found: SearchResult(
        found, Completeness.COMPLETE
    )
    queries: list[Query] = attrs.field(factory=list[Query])

    def find_studies(self, query: Query, /) -> Sequence[Study]:
        self.queries.append(query)
        uids, series = query.StudyInstanceUID.split("\\"), query.SeriesInstanceUID.split("\\")
        found = [made for made in self.studies if made.uid in uids]
        if query.SeriesInstanceUID:
            kept = {made.uid: [one for one in made.series if one.uid in series] for made in found}
            found = [attrs.evolve(m, series=kept[m.uid]) for m in found if kept[m.uid]]
        return self.answer(query, found)


STUDIES = [study(f"1.{n}") for n in range(120)]


def shallow(studies: Iterable[Study]) -> list[StudyReference]:
    return [made.reference() for made in studies]


def resolved(archive: Archive, *objects: DICOMDownloadable) -> Resolution:
    return resolve(archive, objects, INSTANCE)


def test_what_is_known_is_not_asked_for() -> None:
    """Trees that are known down to the level need no query."""
    archive = Archive([])
    found = resolved(archive, *STUDIES)

    assert [] == archive.queries
    assert to_references(STUDIES, INSTANCE) == found.references


def test_instances_count_as_known() -> None:
    """References of instances need no query, and are all that is expected."""
    archive = Archive([])
    reference = InstanceReference("1.1", "1.1.1", "1.1.1.0")
    found = resolved(archive, reference)

    assert [] == archive.queries
    assert {"1.1": Expectation(1, "instances named by the caller")} == found.expectations


def test_fifty_studies_take_one_query() -> None:
    """References of studies are completed in one query for up to 50 of them, in order."""
    archive = Archive(STUDIES)
    found = resolved(archive, *shallow(STUDIES))

    assert [50, 50, 20] == [len(q.StudyInstanceUID.split("\\")) for q in archive.queries]
    assert {QueryLevels.INSTANCE} == {query.query_level for query in archive.queries}
    assert to_references(STUDIES, INSTANCE) == found.references
    assert {} == found.unresolved


def test_series_take_a_query_of_their_own() -> None:
    """Series are asked for by both UIDs; the order of the objects is kept."""
    archive = Archive(STUDIES)
    series = [made.series[0].reference() for made in STUDIES[:2]]
    found = resolved(archive, series[1], STUDIES[5].reference(), series[0])

    assert 2 == len(archive.queries)
    assert "1.1.1\\1.0.1" == archive.queries[1].SeriesInstanceUID
    assert to_references([STUDIES[1], STUDIES[5], STUDIES[0]], INSTANCE) == found.references


def test_half_known_tree_asks_for_the_unknown_half() -> None:
    """Of a study that is known in part, only the unknown series is asked for."""
    known = STUDIES[0].series[0]
    tree = Study("1.0", series=[known, Series("1.0.2")])
    archive = Archive([Study("1.0", series=[known, Series("1.0.2", instances=[Instance("7")])])])
    found = resolved(archive, tree)

    assert ["1.0.2"] == [query.SeriesInstanceUID for query in archive.queries]
    assert ["1.0/1.0.1/1.0.1.0", "1.0/1.0.1/1.0.1.1", "1.0/1.0.2/7"] == [
        str(reference) for reference in found.references
    ]


def test_overlapping_objects_give_each_reference_once() -> None:
    """A study and a series of it, known and unknown, give each instance once."""
    archive = Archive(STUDIES)
    found = resolved(
        archive, STUDIES[0].reference(), STUDIES[0], STUDIES[0].series[0], STUDIES[0].reference()
    )

    assert to_references(STUDIES[:1], INSTANCE) == found.references
    assert 2 == found.expectations["1.0"].count


def test_series_level_is_deep_enough() -> None:
    """A search goes no deeper than the level wanted."""
    archive = Archive(STUDIES)
    found = resolve(archive, shallow(STUDIES[:1]), SERIES)

    assert [QueryLevels.SERIES] == [query.query_level for query in archive.queries]
    assert (SeriesReference("1.0", "1.0.1"),) == found.references


def no_lists(query: Query, found: list[Study]) -> Sequence[Study]:
    """Take a list of UIDs for one UID, as some archives do."""
    return [] if "\\" in query.StudyInstanceUID else found


def refuses_lists(query: Query, found: list[Study]) -> Sequence[Study]:
    if "\\" in query.StudyInstanceUID:
        raise UnsupportedParameterError("StudyInstanceUID", "this searcher")
    return found


def fails_on_lists(query: Query, found: list[Study]) -> Sequence[Study]:
    if "\\" in query.StudyInstanceUID:
        raise SearchError("the archive answered 500")
    return found


@pytest.mark.parametrize("answer", [no_lists, refuses_lists, fails_on_lists])
def test_lists_that_are_not_understood_are_asked_one_by_one(
    answer: Callable[[Query, list[Study]], Sequence[Study]],
) -> None:
    """What a query with several UIDs does not bring is asked for by itself."""
    archive = Archive(STUDIES[:3], answer)
    found = resolved(archive, *shallow(STUDIES[:3]))

    assert 4 == len(archive.queries)
    assert to_references(STUDIES[:3], INSTANCE) == found.references
    assert {} == found.unresolved


def test_only_what_did_not_come_is_asked_again() -> None:
    """One study that a list did not bring costs one more query."""

    def answer(query: Query, found: list[Study]) -> Sequence[Study]:
        return found[:2] if "\\" in query.StudyInstanceUID else found

    archive = Archive(STUDIES[:3], answer)
    found = resolved(archive, *shallow(STUDIES[:3]))

    assert ["1.0\\1.1\\1.2", "1.2"] == [query.StudyInstanceUID for query in archive.queries]
    assert to_references(STUDIES[:3], INSTANCE) == found.references


def test_capped_list_is_asked_one_by_one() -> None:
    """A result that was cut short proves nothing about any study in it; a single one may."""

    def answer(_: Query, found: list[Study]) -> Sequence[Study]:
        if len(found) < 2:
            return SearchResult(found, Completeness.COMPLETE)
        return SearchResult(found, Completeness.CAPPED, ["the archive stops at 2"])

    archive = Archive(STUDIES[:3], answer)
    found = resolved(archive, *shallow(STUDIES[:3]))

    assert 4 == len(archive.queries)
    assert {Completeness.COMPLETE} == {e.completeness for e in found.expectations.values()}


def test_capped_study_stays_capped() -> None:
    """If even one study by itself is cut short, its expectation says so."""

    def answer(_: Query, found: list[Study]) -> Sequence[Study]:
        return SearchResult(found, Completeness.CAPPED, ["the archive stops at 2 instances"])

    found = resolved(Archive(STUDIES[:1], answer), *shallow(STUDIES[:1]))
    expected = Expectation(
        2, "instance listing", Completeness.CAPPED, ("the archive stops at 2 instances",)
    )

    assert {"1.0": expected} == found.expectations


def test_unknown_study_is_unresolved() -> None:
    """What the archive does not list is said, and does not keep the others from being found."""
    unknown = StudyReference("9.9")
    found = resolved(Archive(STUDIES), unknown, STUDIES[0].reference())

    assert {unknown: "the archive lists no such study"} == found.unresolved
    assert to_references(STUDIES[:1], INSTANCE) == found.references
    assert None is found.expectations["9.9"].count


def test_study_listed_without_content_is_unresolved() -> None:
    """A listing that stops above the level wanted is not taken for an empty study."""

    def answer(_: Query, found: list[Study]) -> Sequence[Study]:
        return [Study(made.uid) for made in found]

    found = resolved(Archive(STUDIES, answer), STUDIES[0].reference())

    assert () == found.references
    (reason,) = found.unresolved.values()
    assert reason.startswith("the archive lists it, but not what is in it")


def test_failed_search_is_a_reason() -> None:
    """A search that fails leaves what it was for unresolved, with what it said."""

    def answer(query: Query, found: list[Study]) -> Sequence[Study]:
        if "1.1" in query.StudyInstanceUID:
            raise SearchError("the archive answered 500")
        return found

    found = resolved(Archive(STUDIES, answer), *shallow(STUDIES[:2]))

    assert {StudyReference("1.1"): "the search for it failed: the archive answered 500"} == (
        found.unresolved
    )
    assert to_references(STUDIES[:1], INSTANCE) == found.references


@pytest.mark.parametrize(
    "error",
    [
        ArchiveUnavailableError("connection refused"),
        AuthenticationError("GET /studies", "status 401", 401),
    ],
)
def test_nobody_to_ask_is_an_error(error: GurneyError) -> None:
    """Without an archive that answers nothing can be resolved; that is no fault of any study."""

    def answer(_: Query, __: list[Study]) -> Sequence[Study]:
        raise error

    with pytest.raises(type(error)):
        resolved(Archive(STUDIES, answer), STUDIES[0].reference())


def test_doubt_about_one_study_is_not_about_the_others() -> None:
    """A result of many studies has one state; asked about by itself, each has its own."""

    def answer(query: Query, found: list[Study]) -> Sequence[Study]:
        if "1.1" in query.StudyInstanceUID.split("\\"):
            return SearchResult(found, Completeness.UNKNOWN, ["study 1.1 is odd"])
        return SearchResult(found, Completeness.COMPLETE)

    found = resolved(Archive(STUDIES, answer), *shallow(STUDIES[:3]))

    states = {uid: expected.completeness.value for uid, expected in found.expectations.items()}
    assert {"1.0": "complete", "1.1": "unknown", "1.2": "complete"} == states


def plain(_: Query, found: list[Study]) -> Sequence[Study]:
    """Say nothing about completeness."""
    return found


def test_plain_list_proves_nothing() -> None:
    """A searcher that does not say whether its listing is complete leaves that open."""
    found = resolved(Archive(STUDIES, plain), STUDIES[0].reference())

    assert Completeness.UNKNOWN is found.expectations["1.0"].completeness
    assert ("the searcher does not say whether its listing is complete",) == (
        found.expectations["1.0"].reasons
    )


def test_plain_list_is_not_proved_by_another_count() -> None:
    """A plain list that is longer than the archive announces is odd, and proves nothing."""
    found = resolved(Archive([study("1.0", 3, announced=2)], plain), StudyReference("1.0"))

    assert Completeness.UNKNOWN is found.expectations["1.0"].completeness
    assert 3 == found.expectations["1.0"].count


def test_plain_list_is_proved_by_the_count() -> None:
    """A plain list that is as long as the archive announces is complete."""
    found = resolved(Archive([study("1.0", 3, announced=3)], plain), StudyReference("1.0"))
    expected = Expectation(3, "instance listing and the archive's own count")

    assert {"1.0": expected} == found.expectations


@pytest.mark.parametrize("level", [QueryLevels.STUDY, QueryLevels.SERIES, QueryLevels.INSTANCE])
def test_larger_count_is_expected(level: QueryLevels) -> None:
    """If the archive announces more than it lists, more is expected, however it is asked."""
    made = study("1.0", 2, announced=5)
    archive = Archive([made])
    series = [Series(one.uid) for one in made.series]
    known = {
        QueryLevels.STUDY: attrs.evolve(made, series=()),
        QueryLevels.SERIES: attrs.evolve(made, series=series),
        QueryLevels.INSTANCE: made,
    }
    found = resolved(archive, known[level])

    assert 5 == found.expectations["1.0"].count


def test_count_that_the_caller_knows_is_not_forgotten() -> None:
    """An earlier search announced more than the listing holds, which has no count of its own."""
    archive = Archive([study("1.0", 2)])
    known = attrs.evolve(study("1.0", announced=5), series=())

    assert 5 == resolved(archive, known).expectations["1.0"].count


def test_smaller_count_is_not_believed() -> None:
    """Counts may be stale: what is listed is expected, even if less is announced."""
    found = resolved(Archive([]), study("1.0", 3, announced=2))

    assert 3 == found.expectations["1.0"].count


@pytest.mark.parametrize("level", [QueryLevels.STUDY, QueryLevels.INSTANCE])
def test_series_that_agree_prove_more_than_the_count_of_their_study(level: QueryLevels) -> None:
    """All series are there, each with what it counts: what the study counts was stored long ago."""
    made = study("1.0", 2, announced=99)
    put(made.data, "NumberOfStudyRelatedSeries", [1])
    put(made.series[0].data, "NumberOfSeriesRelatedInstances", [2])
    known = made if level is QueryLevels.INSTANCE else attrs.evolve(made, series=())

    assert 2 == resolved(Archive([made]), known).expectations["1.0"].count


def test_counts_of_series_add_up() -> None:
    """Counts of all series are as good as a count of the study; the larger is to be reached."""
    made = study("1.0", 2)
    put(made.series[0].data, "NumberOfSeriesRelatedInstances", [4])

    assert 4 == resolved(Archive([]), made).expectations["1.0"].count
    assert 4 == resolved(Archive([]), made.series[0]).expectations["1.0"].count


def test_series_without_a_count_is_unknown_not_empty() -> None:
    """If one series has no count, those of the others say nothing about the study."""
    made = Study("1.0", series=[*study("1.0", 2).series, Series("8", instances=[Instance("9")])])
    put(made.series[0].data, "NumberOfSeriesRelatedInstances", [2])

    assert (
        Expectation(3, "instances named by the caller")
        == (resolved(Archive([]), made).expectations["1.0"])
    )


def test_series_chosen_by_a_search_are_all_that_is_expected() -> None:
    """A search for one series of two finds that one; the other was not asked for."""
    data = Dataset()
    put(data, "NumberOfStudyRelatedSeries", [2])
    put(data, "NumberOfStudyRelatedInstances", [5])
    chosen = Study("1.2", data, [Series("1.2.3", instances=[Instance("1.2.3.4")])])

    resolution = resolve(searcher_from(lambda _: []), [chosen], DICOMObjectLevels.INSTANCE)

    assert 1 == resolution.expectations["1.2"].count
