"""Searching DIMSE archives that misbehave: each quirk of C-FIND by its id, see FAULTS."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

import attrs
import pytest
from pydicom.dataset import Dataset
from tests.hostile.examples import MANY, large, many
from typing_extensions import override

from gurney.core import (
    AuthenticationError,
    Completeness,
    ExtendedQuery,
    ProtocolViolationError,
    Query,
    QueryError,
    QueryLevels,
    RequestRefusedError,
    SearchResult,
    TransferInterruptedError,
    text,
)
from gurney.dimse import Associations, CFind, CFindQuery, Peer, Retries, Timeouts
from gurney.testing import MemoryArchive, example_datasets
from gurney.testing.dimse import (
    Agreement,
    Asked,
    DIMSEServer,
    Done,
    Exchange,
    Fault,
    Letters,
    Pending,
    Plan,
    Proposal,
    Raw,
    Rejection,
    Service,
)
from gurney.testing.dimse.steps import Ending
from gurney.testing.making import MadeSeries, made

SHORT: Final = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=10.0)
JANUARY: Final = Query(min_study_date="20240101", max_study_date="20240131")
NOBODY: Final = Query(PatientID="nobody")
EVERYTHING: Final = Query(query_level=QueryLevels.INSTANCE)
UNIQUE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def named(name: str) -> list[Dataset]:
    """Return one study of somebody."""
    return made("2.25.7001", {"StudyDate": "20240101", "PatientName": name}, MadeSeries("CT", 1))


def peer(server: DIMSEServer, timeouts: Timeouts = SHORT) -> Peer:
    """Return the address of *server*, where nobody waits before asking again."""
    retries = Retries(first_wait=0.0, longest_wait=0.0)
    return Peer("127.0.0.1", server.port, server.ae_title, timeouts=timeouts, retries=retries)


def search(server: DIMSEServer, query: Query, *, max_requests: int = 500) -> SearchResult:
    """Return what is found in *server*."""
    return CFind(peer(server), max_requests=max_requests).find_studies(query)


def uids(result: Iterable[object]) -> list[str]:
    """Return the UIDs of studies, sorted."""
    return sorted(str(getattr(study, "uid", "")) for study in result)


def searches(server: DIMSEServer) -> list[Asked]:
    """Return the C-FINDs that have come."""
    return [asked for asked in server.requests if asked.service is Service.FIND]


class Refuses(Fault):
    """Refuses searches with any of these keywords that are not empty, or there at all."""

    def __init__(self, *keywords: str, status: int, empty: bool = False) -> None:
        super().__init__()
        self.keywords: frozenset[str] = frozenset(keywords)
        self.said: int = status
        self.empty: bool = empty

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse."""
        present = {e.keyword for e in exchange.asked.identifier if self.empty or not e.is_empty}
        is_find = exchange.asked.service is Service.FIND
        return Done(self.said) if is_find and self.keywords & present else None


class Ends(Fault):
    """Ends every search with a status, after no more than so many results."""

    def __init__(self, status: int, after: int = 0) -> None:
        super().__init__()
        self.said: int = status
        self.after: int = after

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Cut."""
        if exchange.asked.service is not Service.FIND:
            return plan
        results = [step for step in plan.steps if isinstance(step, Pending)]
        return Plan([*results[: self.after], Done(self.said)])


# ---------------------------------------------------------------- how a search ends


@pytest.mark.parametrize("quirk", ["D01", "D02", "D03", "D04"])
def test_d01_d02_d03_d04_what_was_cut_is_found_in_parts(quirk: str) -> None:
    """However an archive says that there is more, or does not: divided by date, all are found."""
    with DIMSEServer(many(), [quirk], cap=5) as server:
        found = search(server, JANUARY)

    assert uids(found) == MANY
    assert found.complete, found.reasons


@pytest.mark.parametrize("quirk", ["D01", "D02", "D03", "D04"])
def test_d01_d02_d03_d04_open_dates_are_never_silently_short(quirk: str) -> None:
    """Without any date, too."""
    with DIMSEServer(many(), [quirk], cap=5) as server:
        found = search(server, Query())

    assert uids(found) == MANY or Completeness.CAPPED is found.completeness


@pytest.mark.parametrize("quirk", ["D01", "D02", "D03", "D04"])
def test_d01_d02_d03_d04_without_a_budget_for_it_nothing_is_claimed(quirk: str) -> None:
    """What came is kept; that it is everything is not said."""
    with DIMSEServer(many(), [quirk], cap=5) as server:
        found = search(server, Query(), max_requests=0)

    assert (0 if quirk == "D04" else 5) == len(found)
    assert not found.complete
    assert found.reasons


@pytest.mark.parametrize("quirk", ["D01", "D02"])
@pytest.mark.parametrize("query", [Query(), Query(StudyInstanceUID=MANY[0])], ids=["any", "UID"])
def test_d02_no_result_at_all_is_not_none(quirk: str, query: Query) -> None:
    """Cut before the first result: nothing was found, and nobody can say that nothing is there."""
    with DIMSEServer(many(), [quirk], cap=0) as server:
        found = search(server, query, max_requests=10)

    assert 0 == len(found)
    assert Completeness.CAPPED is found.completeness


@pytest.mark.parametrize("quirk", ["D01", "D02", "D03", "D04"])
def test_d01_d02_d03_d04_instances_beyond_the_cap_are_found_by_number(quirk: str) -> None:
    """InstanceNumber divides what dates cannot; the archive's own count tells when to stop."""
    with DIMSEServer(large(), [quirk], cap=5) as server:
        found = search(server, EVERYTHING)

    assert 18 == len(found[0].series[0].instances)
    assert found.complete, found.reasons


class Uncounted(Fault):
    """Does not say how many series and instances there are."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Leave the numbers out."""
        for item in items:
            for level in ("StudyRelatedSeries", "StudyRelatedInstances", "SeriesRelatedInstances"):
                item.pop(f"NumberOf{level}", None)
        return items


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        ("D01", Completeness.CAPPED),
        ("D02", Completeness.CAPPED),
        ("D03", Completeness.UNKNOWN),
        ("D30", Completeness.CAPPED),
    ],
)
def test_d01_d02_d03_d30_what_nobody_counts_is_not_believed(
    quirk: str, expected: Completeness
) -> None:
    """Instances beyond the cap, and no number that tells: a cut is said, silence is doubted."""
    with DIMSEServer(large(), [Uncounted(), quirk], cap=5) as server:
        found = search(server, EVERYTHING)

    assert 5 == len(found[0].series[0].instances)
    assert expected is found.completeness
    assert found.reasons


def test_d03_what_no_date_tells_apart_is_doubted() -> None:
    """All of one second, and of one patient: no part can show that there is more."""
    held = [
        dataset
        for uid in MANY
        for dataset in made(
            uid,
            {"StudyDate": "20240101", "StudyTime": "120000", "PatientID": "P"},
            MadeSeries("CT", 1),
        )
    ]
    with DIMSEServer(held, ["D03"], cap=5) as server:
        found = search(server, Query(PatientID="P"))

    assert 5 <= len(found) < len(MANY)
    assert not found.complete
    assert found.reasons


def test_d04_a_refusal_of_too_much_is_told_from_one_of_the_form() -> None:
    """0xC000 without results means either: asked for nearly nothing, the archive answers."""
    with DIMSEServer(many(), ["D04"], cap=5, status=0xC000) as server:
        found = search(server, JANUARY)

    assert uids(found) == MANY
    assert found.complete, found.reasons


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0xC123, 0x0122, 0x0110, 0x1234])
def test_a_search_that_is_refused_in_any_form_is_an_error(status: int) -> None:
    """It says with which status; nothing is said about what the archive holds."""
    with DIMSEServer(many(), [Ends(status)]) as server:
        with pytest.raises(RequestRefusedError) as caught:
            search(server, Query(PatientID="P0815"))
        asked = len(searches(server))

    assert status == caught.value.status
    assert f"0x{status:04X}" in str(caught.value)
    assert "P0815" not in str(caught.value)
    assert asked <= 4


def test_a_search_that_is_not_allowed_is_an_error_of_authentication() -> None:
    """0x0124, not authorized."""
    with DIMSEServer(many(), [Ends(0x0124)]) as server, pytest.raises(AuthenticationError):
        search(server, Query())


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0x0110, 0xB000, 0x1234])
def test_results_before_any_failure_are_kept(status: int) -> None:
    """Any final status but 0x0000 makes a result capped."""
    with DIMSEServer(many(), [Ends(status, after=5)]) as server:
        found = search(server, Query(), max_requests=0)

    assert 5 == len(found)
    assert Completeness.CAPPED is found.completeness
    assert f"0x{status:04X}" in " ".join(found.reasons)


@pytest.mark.parametrize("ending", ["abort", "cut"])
def test_d30_an_answer_that_breaks_off_once_is_asked_for_again(ending: Ending) -> None:
    """What came before is not doubled."""
    with DIMSEServer(many(), ["D30"], ending=ending, times=1) as server:
        found = search(server, Query())

    assert uids(found) == MANY
    assert ((), True) == (found.held_back, found.complete)


@pytest.mark.parametrize("ending", ["abort", "cut"])
def test_d30_an_answer_that_always_breaks_off_is_kept_and_labelled(ending: Ending) -> None:
    """No final status is no normal end."""
    with DIMSEServer(many(), ["D30"], ending=ending) as server:
        found = search(server, JANUARY, max_requests=20)

    assert 9 <= len(found)
    assert Completeness.CAPPED is found.completeness
    assert found.reasons


def test_d30_silence_in_the_middle_is_no_end() -> None:
    """Who waits long enough gives up, keeps what has come, and says so."""
    patience = attrs.evolve(SHORT, answer=0.1)
    with DIMSEServer(many(), ["D30"], ending="silence") as server:
        found = CFind(peer(server, patience), max_requests=0).find_studies(Query())

    assert 9 == len(found)
    assert Completeness.CAPPED is found.completeness


def test_d30_an_answer_that_breaks_off_before_it_begins_is_an_error() -> None:
    """Nothing came, so there is nothing to keep."""
    with (
        DIMSEServer(many(), ["D30"], cap=0) as server,
        pytest.raises(TransferInterruptedError),
    ):
        search(server, Query())


@pytest.mark.parametrize("quirk", ["D03", "D30"])
def test_d30_in_a_study_its_counts_tell(quirk: str) -> None:
    """The instances of a series are cut, in silence or not: that some are missing is said."""
    with DIMSEServer(large(), [quirk], cap=9) as server:
        found = search(server, EVERYTHING, max_requests=0)

    assert 9 == len(found[0].series[0].instances)
    assert not found.complete


def test_d29_a_huge_pdu_costs_no_memory_and_is_no_end() -> None:
    """The length that it announces is never believed."""
    with DIMSEServer(many(), ["D29"]) as server:
        tracemalloc.start()
        try:
            with pytest.raises((ProtocolViolationError, TransferInterruptedError)):
                search(server, Query())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 1 << 24


# ---------------------------------------------------------------- keys


def test_d05_what_does_not_match_is_held_back() -> None:
    """The archive ignores a key under 0xFF00: what it should not have sent is kept apart."""
    with DIMSEServer(many(), ["D05"], keys=["PatientID"]) as server:
        found = search(server, Query(PatientID="P03"))

    assert MANY[2:3] == uids(found)
    assert 17 == len(found.held_back)
    assert all("PatientID" in held.reason for held in found.held_back)


class Reticent(Fault):
    """Does not say whose the last study is."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Leave it out."""
        if items:
            items[-1].pop("PatientID", None)
        return items


def test_d05_what_does_not_show_an_ignored_key_is_held_back_and_doubted() -> None:
    """Nobody vouches for it: it may match, and so the result may lack it."""
    with DIMSEServer(many(), ["D05", Reticent()], keys=["PatientID"]) as server:
        found = search(server, Query(PatientID="P03"))

    assert MANY[2:3] == uids(found)
    assert 17 == len(found.held_back)
    assert Completeness.UNKNOWN is found.completeness


def test_d05_an_ignored_key_is_named() -> None:
    """All came, and none matches: the key is not looked at, which is no proof that none exists."""
    with DIMSEServer(many(), ["D05"], keys=["PatientID"]) as server:
        found = search(server, NOBODY)

    assert 0 == len(found)
    assert "PatientID" in " ".join([*found.reasons, *found.notes])


class SaysSo(Fault):
    """Answers 0xFF01 for all results."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Say that some keys are not supported."""
        steps = [
            attrs.evolve(step, status=0xFF01) if isinstance(step, Pending) else step
            for step in plan.steps
        ]
        return attrs.evolve(plan, steps=steps)


def test_d05_an_archive_that_says_so_is_believed() -> None:
    """0xFF01 is a result like any other, and noted."""
    with DIMSEServer(many(), ["D05", SaysSo()], keys=["PatientID"]) as server:
        found = search(server, Query(PatientID="P03"))

    assert MANY[2:3] == uids(found)
    assert "0xFF01" in " ".join(found.notes)


def test_d06_none_by_an_unknown_key_is_not_none() -> None:
    """StudyDescription is no key that archives must know: nothing found does not mean none."""
    with DIMSEServer(example_datasets(), ["D06"]) as server:
        found = search(server, ExtendedQuery(StudyDescription="Thorax"))

    assert 0 == len(found)
    assert Completeness.UNKNOWN is found.completeness
    assert "StudyDescription" in " ".join(found.reasons)


class Wordless(Fault):
    """Returns no ModalitiesInStudy, though it was asked for."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Leave it out."""
        for item in items:
            item.pop("ModalitiesInStudy", None)
        return items


@pytest.mark.parametrize("faults", [["D05"], ["D06"], []], ids=["D05", "D06", "known"])
@pytest.mark.parametrize("modalities", ["MR", ["MR", "PT"], "M*", "XA"])
def test_d05_d06_modalities_are_looked_for_in_series_if_need_be(
    faults: list[str | Fault], modalities: str | list[str]
) -> None:
    """ModalitiesInStudy is no key that archives must know; Modality of series is one."""
    query = Query(ModalitiesInStudy=modalities)
    keys = ["ModalitiesInStudy"]
    with DIMSEServer(example_datasets(), [*faults, Wordless()], keys=keys) as server:
        found = search(server, query)

    assert uids(MemoryArchive(example_datasets()).find_studies(query)) == uids(found)
    assert found.complete, found.reasons


class TellsCase(Fault):
    """Compares names letter by letter."""

    @override
    def found(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Leave out who is written otherwise."""
        key = exchange.asked.values("PatientName")
        if not key or not key[0]:
            return items
        return [item for item in items if fnmatchcase(text(item, "PatientName"), key[0])]


@pytest.mark.parametrize("key", ["doe*", "DOE*", "Doe*", "d?E^*"])
@pytest.mark.parametrize("faults", [[], [TellsCase()]], ids=["folds", "tells"])
def test_names_are_found_in_any_case(faults: Sequence[Fault], key: str) -> None:
    """PS3.4 C.2.2.2.1 leaves it to the archive; so it is asked for the usual spellings, too."""
    with DIMSEServer(named("Doe^Jane"), faults) as server:
        found = search(server, Query(PatientName=key))

    assert 1 == len(found)
    assert (Completeness.UNKNOWN if faults else Completeness.COMPLETE) is found.completeness


def test_none_in_any_case_is_not_none_where_case_is_told() -> None:
    """McDonald is neither in capitals nor in small letters."""
    with DIMSEServer([*named("McDonald^Ian")], [TellsCase()]) as server:
        found = search(server, Query(PatientName="mcdonald*"))

    assert 0 == len(found)
    assert Completeness.UNKNOWN is found.completeness
    assert any("capitals" in reason for reason in found.reasons)


class OneForAll(Fault):
    """Tells of all series in a study the equipment of the first."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Say the same of all."""
        if exchange.asked.level != "SERIES":
            return items
        for item in items:
            item.InstitutionName = items[0].InstitutionName
        return [*items]


@pytest.mark.parametrize(("faults", "expected"), [([], 1), ([OneForAll()], 0)])
def test_d06_equipment_of_a_series_may_be_that_of_another(
    faults: Sequence[Fault], expected: int
) -> None:
    """Orthanc does so: where it was never seen to tell them apart, none is not none."""
    first, second = ({"InstitutionName": name} for name in ("One", "Another"))
    held = made(
        "2.25.7009",
        {"StudyDate": "20240101"},
        MadeSeries("CT", 1, first),
        MadeSeries("CT", 1, second),
    )
    with DIMSEServer(held, faults) as server:
        found = search(server, ExtendedQuery(InstitutionName="Another"))

    assert expected == len(found)
    assert (Completeness.COMPLETE if expected else Completeness.UNKNOWN) is found.completeness


@pytest.mark.parametrize("relational", [False, True])
def test_d07_parents_are_always_named(relational: bool) -> None:
    """Each level is asked for with the unique keys of those above; no status tells otherwise."""
    with DIMSEServer(example_datasets(), ["D07"]) as server:
        find = CFind(peer(server), relational=relational)
        found = find.find_studies(EVERYTHING)

    assert found.complete, found.reasons
    assert 8 == sum(len(list(study.all_instances())) for study in found)


def test_d07_below_the_study_nothing_but_unique_keys_is_sent_of_what_is_above() -> None:
    """In a hierarchical search other keys of upper levels are not allowed (PS3.4 C.4.1.2.2.1)."""
    with DIMSEServer(example_datasets(), ["D07"]) as server:
        search(server, attrs.evolve(EVERYTHING, PatientID="EX*"))
        below = [asked for asked in searches(server) if asked.level in ("SERIES", "IMAGE")]

    assert below
    for asked in below:
        assert not {"PatientID", "PatientName", "StudyDate"} & {
            element.keyword for element in asked.identifier
        }


def relational_ones(server: DIMSEServer) -> list[Asked]:
    """Return the C-FINDs that have come without the unique key of a level above."""
    depth = {"STUDY": 0, "SERIES": 1, "IMAGE": 2}
    return [
        asked
        for asked in searches(server)
        if not all(asked.values(name) for name in UNIQUE[: depth[asked.level]])
    ]


def test_d07_a_refused_relational_question_is_not_put_again() -> None:
    """Though it was agreed on: the archive has shown what it takes."""
    with DIMSEServer(example_datasets(), ["D07"]) as server:
        find = CFind(peer(server), relational=True)
        find.find_studies(EVERYTHING)
        before = len(server.requests)
        find.find_studies(EVERYTHING)
        again = [asked for asked in relational_ones(server) if asked in server.requests[before:]]

    assert [] == again


class Hierarchical(Fault):
    """Denies relational queries, and all else that can be negotiated."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Grant nothing."""
        if isinstance(answer, Rejection) or not answer.extended:
            return answer
        denied = {uid: bytes(len(flags)) for uid, flags in answer.extended.items()}
        return attrs.evolve(answer, extended=denied)


def test_d07_relational_questions_that_are_denied_are_not_put() -> None:
    """What the association has not agreed on is not tried."""
    with DIMSEServer(example_datasets(), ["D07", Hierarchical()]) as server:
        find = CFind(peer(server), relational=True)
        found = find.find_studies(EVERYTHING)
        relational = relational_ones(server)

    assert [] == relational
    assert found.complete, found.reasons


def test_d08_the_level_is_always_sent() -> None:
    """As the information model has it."""
    with DIMSEServer(example_datasets(), ["D08"]) as server:
        search(server, EVERYTHING)
        levels = {asked.level for asked in searches(server)}

    assert {"STUDY", "SERIES", "IMAGE"} == levels


def test_d09_no_unique_key_above_is_empty_or_a_wildcard() -> None:
    """Nor is one a list: each study and series is asked about by itself."""
    with DIMSEServer(example_datasets(), ["D09"]) as server:
        search(server, Query(SeriesInstanceUID="2.25.400101", query_level=QueryLevels.INSTANCE))
        asked = searches(server)

    depth = {"STUDY": 0, "SERIES": 1, "IMAGE": 2}
    above = [one.values(name) for one in asked for name in UNIQUE[: depth[one.level]]]
    assert above
    assert all(len(values) == 1 and set(values[0]) <= set("0123456789.") for values in above)


# ---------------------------------------------------------------- enough


@pytest.mark.parametrize("quirks", [[], ["D20"]], ids=["heeded", "D20"])
def test_d20_a_limit_is_kept_whether_a_cancel_is_heeded_or_not(quirks: Sequence[str]) -> None:
    """The archive is told to stop, and read until it does; the association serves on."""
    with DIMSEServer(many(), quirks) as server, Associations(peer(server)) as associations:
        find = CFind(associations)
        found = find.find_studies(CFindQuery(limit=5))
        again = find.find_studies(Query())
        cancelled = [asked for asked in server.requests if asked.service is Service.CANCEL]

    assert 5 == len(found)
    assert Completeness.CAPPED is found.completeness
    assert uids(again) == MANY
    assert cancelled
    assert 1 == len(server.associations)


class NeverEnds(Fault):
    """Sends all results but no final response, and goes on with the first one again for long."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Go on."""
        return Plan([*plan.steps[:-1]] * 2000, heeds_cancel=False)


def test_d20_who_does_not_stop_is_left() -> None:
    """After some grace the association is aborted, and what was wanted is there."""
    with DIMSEServer(many(), [NeverEnds()]) as server:
        grace = attrs.evolve(SHORT, release=0.05)
        found = CFind(peer(server, grace)).find_studies(CFindQuery(limit=5))

    assert 5 == len(found)
    (association,) = server.associations
    assert association.ended in {"aborted", "cut"}  # which one is seen first is left to chance


def test_a_search_within_its_limit_is_not_cut() -> None:
    """As many as there are may be taken: nothing is missing."""
    with DIMSEServer(many()) as server:
        found = search(server, CFindQuery(limit=18))

    assert 18 == len(found)
    assert found.complete, found.reasons


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("none", "Müller^Jürgen"),
        ("wrong", "Müller^Jürgen"),
        ("none", "山田^太郎"),
        ("wrong", "山田^太郎"),
        ("ISO_IR 192", "山田^太郎"),
        (r"\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (r"ISO 2022 IR 13\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        (r"\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        (r"ISO 2022 IR 100\ISO 2022 IR 149", "洪^Jérôme"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("GBK", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 100", "Buc^Jérôme"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 126", "Διονυσιος"),
    ],
)
def test_d25_names_are_read_in_any_character_set(charset: str, name: str) -> None:
    """Declared, not declared, declared wrongly: found by it, and returned as it is."""
    with DIMSEServer(named(name), ["D25"], charset=charset) as server:
        found = search(server, Query(PatientName=name.rpartition("=")[2]))
        study = found[0]

    assert found.complete, found.reasons
    assert (name, ()) == (text(study.data, "PatientName"), found.held_back)


class Unsaid(Fault):
    """Writes in a character set, and says another one, or none."""

    def __init__(self, used: str, said: str) -> None:
        super().__init__()
        self.used: str = used
        self.said: str = said

    @override
    def lettered(self, exchange: Exchange, letters: Letters, /) -> Letters:
        """Mark it wrongly."""
        return Letters(self.used, self.said)


@pytest.mark.parametrize("used", ["GB18030", "GBK"])
@pytest.mark.parametrize("said", ["", "ISO_IR 100", "ISO_IR 192", "ISO_IR 6", "NONSENSE"])
@pytest.mark.parametrize("key", ["王^小东", "*王*", "W*"])
def test_d25_what_cannot_be_read_is_not_said_to_differ(used: str, said: str, key: str) -> None:
    """Bytes of an unknown character set: what comes is kept, and said to be unverified."""
    faults: list[str | Fault] = ["D05", Unsaid(used, said)]
    with DIMSEServer(named("王^小东"), faults, keys=["PatientName"]) as server:
        found = search(server, Query(PatientName=key))

    assert 1 == len(found)
    assert any("PatientName could not be checked" in note for note in found.notes)


class DefaultEncoding(Fault):
    """Knows no letters beyond ASCII: such names are matched, and sent, as ``^`` (Orthanc)."""

    @override
    def found(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Find nothing by such a key."""
        return [] if any(not value.isascii() for value in self._names(exchange)) else items

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Lose all that is beyond ASCII."""
        for item in items:
            item.PatientName = "^"
        return items

    @staticmethod
    def _names(exchange: Exchange) -> tuple[str, ...]:
        return exchange.asked.values("PatientName")


@pytest.mark.parametrize("key", ["山田*", "山田^太郎", "*山田*", "^太*"])
def test_d25_names_that_an_archive_has_lost_do_not_end_as_none(key: str) -> None:
    """Nothing is found by such a name, and that proves nothing."""
    with DIMSEServer(named("山田^太郎"), [DefaultEncoding()]) as server:
        found = search(server, Query(PatientName=key))

    assert len(found) or not found.complete


def test_d25_a_character_set_is_sent_only_with_what_needs_it() -> None:
    """And never empty (PS3.4 C.4.1.1.3.1)."""
    with DIMSEServer(named("Müller^Jürgen")) as server:
        search(server, Query(PatientName="M*"))
        plain = [asked.values("SpecificCharacterSet") for asked in searches(server)]
        server.requests.clear()
        search(server, Query(PatientName="Müller^Jürgen"))
        lettered = [asked.values("SpecificCharacterSet") for asked in searches(server)]
        server.requests.clear()
        search(server, Query(PatientName="山田*"))
        beyond = [asked.values("SpecificCharacterSet") for asked in searches(server)]

    assert {()} == set(plain)
    assert ("ISO_IR 100",) in lettered
    assert ("ISO_IR 192",) in beyond


class KnowsUTF8Only(Fault):
    """Refuses searches in ISO_IR 100."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse."""
        charset = exchange.asked.values("SpecificCharacterSet")
        return Done(0xC000) if charset == ("ISO_IR 100",) else None


def test_d25_a_character_set_that_is_refused_is_replaced_by_another() -> None:
    """What the archive takes is remembered."""
    with DIMSEServer(named("Müller^Jürgen"), [KnowsUTF8Only()]) as server:
        find = CFind(peer(server))
        found = find.find_studies(Query(PatientName="Müller^Jürgen"))
        before = len(server.requests)
        find.find_studies(Query(PatientName="Müller^Jürgen"))
        after = [asked.values("SpecificCharacterSet") for asked in server.requests[before:]]

    assert 1 == len(found)
    assert ("ISO_IR 100",) not in after


def test_d26_numbers_are_numbers_however_they_are_spelt() -> None:
    """``+4``, ``0004`` and `` 4 `` are counted, and compared, as 4."""
    with DIMSEServer(example_datasets(), ["D26"]) as server:
        found = search(server, EVERYTHING)

    assert found.complete, found.reasons
    assert 8 == sum(len(list(study.all_instances())) for study in found)


def test_d26_what_is_beyond_the_cap_is_found_by_number_however_that_is_spelt() -> None:
    """The archive's own count tells how many to look for, and their numbers which are missing."""
    with DIMSEServer(large(), ["D26", "D03"], cap=5) as server:
        found = search(server, EVERYTHING)

    assert 18 == len(found[0].series[0].instances)
    assert found.complete, found.reasons


@pytest.mark.parametrize(
    "query",
    [
        Query(AccessionNumber="A" * 17),
        Query(PatientID="A" * 65),
        Query(PatientName="A" * 65),
        Query(PatientName="A^B^C^D^E^F"),
        Query(PatientName="A=B=C=D"),
        Query(ModalitiesInStudy="xq"),
        Query(StudyInstanceUID="1." * 70 + "1"),
        ExtendedQuery(PatientSex="female"),
    ],
    ids=lambda query: "-".join(query.parameters()),
)
def test_d27_what_a_vr_does_not_allow_is_never_sent(query: Query) -> None:
    """The error says which key, and what it takes; nothing of the value; nobody is asked."""
    with DIMSEServer(example_datasets(), ["D27"]) as server:
        with pytest.raises(QueryError) as caught:
            search(server, query)
        associations = len(server.associations)
    ((name, value),) = query.parameters().items()

    assert 0 == associations
    assert name in str(caught.value)
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize("value", [7, b"A", None, ["A", "B"], 1.5])
def test_d27_a_wrong_type_is_refused_before_anything_is_sent(value: object) -> None:
    """A query is checked when it is built."""
    with pytest.raises(QueryError):
        CFindQuery.from_mapping({"PatientID": value})


def test_d28_an_archive_without_c_find_says_so() -> None:
    """Its context was not accepted; the error names it."""
    with (
        DIMSEServer(example_datasets(), ["D28"]) as server,
        pytest.raises(RequestRefusedError, match="FIND"),
    ):
        search(server, Query())


# ---------------------------------------------------------------- other forms


def test_fields_that_are_refused_are_left_out_and_that_is_said() -> None:
    """What archives must know is asked for still; the rest cannot be had."""
    refuses = Refuses("NumberOfStudyRelatedSeries", status=0xA900, empty=True)
    with DIMSEServer(example_datasets(), [refuses]) as server:
        find = CFind(peer(server))
        found = find.find_studies(Query())
        before = len(server.requests)
        find.find_studies(Query())
        after = server.requests[before:]

    assert 4 == len(found)
    assert any("fields" in note for note in found.notes)
    assert all("NumberOfStudyRelatedSeries" not in asked.identifier for asked in after)


@pytest.mark.parametrize("relational", [False, True])
def test_empty_values_are_sent_only_to_those_who_have_agreed(relational: bool) -> None:
    """Two quotes in a date are no value of its VR (PS3.4 C.2.2.2.7)."""
    undated = made("2.25.8001", {"PatientID": "P"}, MadeSeries("CT", 1))
    with DIMSEServer([*many(), *undated], ["D01"], cap=5) as server:
        found = CFind(peer(server), relational=relational).find_studies(Query())
        dates = [value for asked in searches(server) for value in asked.values("StudyDate")]

    assert '""' not in dates
    assert not found.complete


def test_relational_queries_take_fewer_requests() -> None:
    """Where they are granted, all instances are listed at once."""
    with DIMSEServer(example_datasets()) as server:
        found = CFind(peer(server), relational=True).find_studies(EVERYTHING)
        levels = [asked.level for asked in searches(server)]

    assert found.complete, found.reasons
    assert 8 == sum(len(list(study.all_instances())) for study in found)
    assert 1 == levels.count("IMAGE")


def test_one_association_serves_all_questions_of_a_search() -> None:
    """It is released at the end."""
    with DIMSEServer(example_datasets()) as server:
        CFind(peer(server)).find_studies(EVERYTHING)

    assert ["released"] == [association.ended for association in server.associations]
    assert len(server.requests) > 3


class Garbage(Fault):
    """Sends what is no PDU."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Send it in the middle."""
        return Plan([*plan.steps[:9], Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")])


def test_garbage_in_the_middle_is_no_end() -> None:
    """What came before is kept, and labelled."""
    with DIMSEServer(many(), [Garbage()]) as server:
        found = search(server, Query(), max_requests=0)

    assert 9 == len(found)
    assert Completeness.CAPPED is found.completeness


def test_the_archive_that_behaves_is_complete() -> None:
    """What all of the above is measured against."""
    with DIMSEServer(example_datasets()) as server:
        found = search(server, EVERYTHING)

    assert found.complete, found.reasons
    assert ((), ()) == (found.held_back, found.notes)
    assert 8 == sum(len(list(study.all_instances())) for study in found)
