"""Searching archives that misbehave: each quirk of QIDO-RS by its id, see FAULTS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qsl

import attrs
import pytest
from tests.hostile.examples import MANY, large, many
from typing_extensions import override

from gurney.core import (
    AuthenticationError,
    Completeness,
    ExtendedQuery,
    Instance,
    NotFoundError,
    Query,
    QueryError,
    QueryLevels,
    Receipt,
    SearchResult,
    text,
)
from gurney.dicomweb import DICOMwebQuery, QidoRS, WadoRS
from gurney.http import Retries, Timeouts, Transport
from gurney.testing import MemoryArchive, MemoryStorage, example_datasets
from gurney.testing.dicomweb import (
    Asked,
    DICOMwebServer,
    Exchange,
    Fault,
    JSONObject,
    Page,
    Reply,
    Service,
)
from gurney.testing.making import MadeSeries, made
from gurney.trolley import Trolley

SHORT: Final = Timeouts(connect=10.0, first_byte=10.0, idle=10.0)
NOBODY: Final = Query(PatientID="nobody")
EVERYTHING: Final = Query(query_level=QueryLevels.INSTANCE)
COUNTS: Final = ("00201206", "00201208", "00201209")


def transport(server: DICOMwebServer, waits: list[float] | None = None) -> Transport:
    """Return a line to *server*, which waits no time, but tells how long it would."""
    waited = (waits if waits is not None else []).append
    return Transport(server.url, timeouts=SHORT, retries=Retries(first_wait=0.0, sleep=waited))


def search(
    server: DICOMwebServer, query: Query, *, max_requests: int = 500, missing_is_none: bool = False
) -> SearchResult:
    """Return what is found in *server*."""
    line = transport(server)
    return QidoRS(line, max_requests=max_requests, missing_is_none=missing_is_none).find_studies(
        query
    )


def uids(result: Iterable[object]) -> list[str]:
    """Return the UIDs of studies, sorted."""
    return sorted(str(getattr(study, "uid", "")) for study in result)


def values(requests: Sequence[Asked], name: str) -> list[str]:
    """Return the values of a parameter, in the order in which they were sent."""
    return [value for asked in requests for key, value in parse_qsl(asked.query) if key == name]


def fetched(server: DICOMwebServer, query: Query) -> Receipt:
    """Search, and download what is found by WADO-RS."""
    line = transport(server)
    trolley = Trolley(QidoRS(line), WadoRS(line), MemoryStorage())
    return trolley.download(trolley.find_studies(query))


@pytest.mark.parametrize("quirk", ["Q01", "Q02", "Q03"])
@pytest.mark.parametrize("level", list(QueryLevels))
def test_q01_q02_q03_none_is_none(quirk: str, level: QueryLevels) -> None:
    """204, an empty list and no bytes at all say the same: nothing was found, and that is all."""
    with DICOMwebServer(example_datasets(), [quirk]) as server:
        found = search(server, attrs.evolve(NOBODY, query_level=level))

    assert 0 == len(found)
    assert Completeness.COMPLETE is found.completeness


def test_q03_no_bytes_are_noted() -> None:
    """It may be a defect: who reads the notes can tell."""
    with DICOMwebServer(example_datasets(), ["Q03"]) as server:
        found = search(server, NOBODY)

    assert 1 == len(found.notes)


def test_q04_not_found_is_an_error_unless_the_archive_is_known_to_mean_none() -> None:
    """By itself it means that the address is wrong."""
    with DICOMwebServer(example_datasets(), ["Q04"]) as server:
        with pytest.raises(NotFoundError):
            search(server, NOBODY)
        found = search(server, NOBODY, missing_is_none=True)

    assert 0 == len(found)
    assert found.complete


@pytest.mark.parametrize("quirk", ["Q05", "Q06", "Q07", "Q09", "Q10"])
def test_q05_q06_q07_q09_q10_pages_make_a_whole(quirk: str) -> None:
    """However small pages are, and whether they say so: the next begins after what has come."""
    with DICOMwebServer(many(), [quirk]) as server:
        found = search(server, Query())
        asked = [request for request in server.requests if request.path.endswith("/studies")]

    assert uids(found) == MANY
    assert found.complete, found.reasons
    assert 40 > len(asked)


@pytest.mark.parametrize("quirk", ["Q05", "Q06", "Q07", "Q09", "Q10", "Q12", "Q13"])
def test_paged_instances_make_a_whole(quirk: str) -> None:
    """The same of the instances of a study: here a count tells, too."""
    with DICOMwebServer(large(), [quirk]) as server:
        found = search(server, EVERYTHING)

    assert found.complete, found.reasons
    assert 18 == len(found[0].series[0].instances)


class NothingFurther(Fault):
    """After the first page nothing comes."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Find nothing beyond the first page."""
        return attrs.evolve(page, found=()) if page.start else page


class SaysPartial(Fault):
    """Says by the status that there are more results, and not by a Warning."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Answer 206 instead."""
        if "Warning" not in reply.headers:
            return reply
        headers = {name: reply.headers[name] for name in reply.headers if name != "Warning"}
        return attrs.evolve(reply, status=206, headers=headers)


@pytest.mark.parametrize("said", [[], [SaysPartial()]], ids=["Warning", "206"])
def test_q05_a_warning_of_more_that_does_not_come_is_evidence(said: Sequence[Fault]) -> None:
    """The archive says that there are more, and sends none: what is here is not all."""
    with DICOMwebServer(many(), ["Q05", NothingFurther(), *said]) as server:
        found = search(server, Query(), max_requests=0)

    assert 5 == len(found)
    assert Completeness.CAPPED is found.completeness


def test_q06_a_limit_is_always_set() -> None:
    """Who sets none gets a small page, and has to ask many times."""
    with DICOMwebServer(many(), ["Q06"], page=5) as server:
        found = search(server, EVERYTHING)
        limited = [values([request], "limit") for request in server.requests]

    assert 18 == len(found)
    assert found.complete, found.reasons
    assert [] not in limited


def test_q07_offset_grows_by_what_has_come() -> None:
    """A cap below our limit: adding the limit would pass over most."""
    with DICOMwebServer(many(), ["Q07"], page=5) as server:
        search(server, Query(), max_requests=0)
        offsets = values(server.requests, "offset")

    assert ["5", "10", "15"] == [offset for offset in offsets if offset != "0"][:3]


def test_q10_offset_grows_by_what_has_come() -> None:
    """Six come where five may: adding the cap would ask for the last one again."""
    with DICOMwebServer(many(), ["Q10"], page=5) as server:
        search(server, Query(), max_requests=0)
        offsets = values(server.requests, "offset")

    assert ["6", "12", "18"] == [offset for offset in offsets if offset != "0"]


def test_q10_one_more_than_the_query_takes_is_not_passed_on() -> None:
    """A limit is kept here, whatever the archive makes of it."""
    with DICOMwebServer(many(), ["Q10"], page=6) as server:
        found = search(server, DICOMwebQuery(limit=5))

    assert 5 == len(found)
    assert Completeness.CAPPED is found.completeness


class OneMoreIfThatIsAll(Fault):
    """Sends a page and one more if that is everything; else a page, and in silence no more."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Forget all that is beyond the first page, but for a single one."""
        if len(page.found) <= self.page_size + 1:
            return page
        return attrs.evolve(page, found=page.found[: self.page_size])


def test_q10_one_more_than_the_cap_proves_nothing_of_the_next_search() -> None:
    """Six were everything, as parts of the search have shown; five may be cut all the same."""
    with DICOMwebServer(many(), [OneMoreIfThatIsAll()]) as server:
        qido = QidoRS(transport(server))
        first = qido.find_studies(Query(max_study_date="20240106"))
        second = qido.find_studies(Query())

    assert 6 == len(first)
    assert uids(second) == MANY


def test_q08_cap_before_offset_is_seen_and_worked_around() -> None:
    """18 exist, 5 come, then none, and no Warning: divided by date, all are found."""
    with DICOMwebServer(many(), ["Q08"], page=5) as server:
        found = search(server, Query(min_study_date="20240101", max_study_date="20240131"))

    assert uids(found) == MANY
    assert found.complete, found.reasons


def test_q08_open_dates_are_never_silently_short() -> None:
    """Without any date, too."""
    with DICOMwebServer(many(), ["Q08"], page=5) as server:
        found = search(server, Query())

    assert uids(found) == MANY or Completeness.CAPPED is found.completeness


def test_q08_without_a_budget_for_it_nothing_is_claimed() -> None:
    """5 studies look whole; that they are is not known."""
    with DICOMwebServer(many(), ["Q08"], page=5) as server:
        found = search(server, Query(), max_requests=0)

    assert not found.complete
    assert found.reasons


@pytest.mark.parametrize("budget", [0, 10])
def test_q08_count_check_tells(budget: int) -> None:
    """A study says that it has 18 instances; 5 are listed. One more that is found proves a cut."""
    with DICOMwebServer(large(), ["Q08"], page=5) as server:
        found = search(server, EVERYTHING, max_requests=budget)

    assert (Completeness.CAPPED if budget else Completeness.UNKNOWN) is found.completeness
    assert "of 18)" in " ".join(found.reasons)


def test_q08_instances_beyond_the_cap_are_found_by_number() -> None:
    """InstanceNumber divides what dates cannot."""
    with DICOMwebServer(large(), ["Q08"], page=5) as server:
        found = search(server, EVERYTHING)

    assert 18 == len(found[0].series[0].instances)
    assert found.complete, found.reasons


class LosesPatience(Fault):
    """Refuses all after 50 requests, so that a test of endless asking ends."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: int = 0

    @override
    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Count."""
        self.asked += 1
        return Reply(403) if self.asked > 50 else None


def test_q11_repeated_pages_end_the_search() -> None:
    """The offset is ignored: the first page that brings nothing new is the last one asked for."""
    with DICOMwebServer(many(), ["Q11", LosesPatience()], page=5) as server:
        found = search(server, Query(), max_requests=0)
        asked = len(server.requests)

    assert 5 == len(found)
    assert Completeness.UNKNOWN is found.completeness
    assert asked <= 3


def test_q12_overlapping_pages_give_each_study_once() -> None:
    """What comes again is not another one, nor is anything wrong with it."""
    with DICOMwebServer(many(), ["Q12"], page=5) as server:
        found = search(server, Query())

    assert uids(found) == MANY
    assert () == found.held_back


def test_q13_smaller_limit_is_tried_and_remembered() -> None:
    """400 for a large limit: a smaller one, for this and for all searches to come."""
    with DICOMwebServer(large(230), ["Q13"], page=200) as server:
        qido = QidoRS(transport(server))
        first = qido.find_studies(EVERYTHING)
        before = len(server.requests)
        second = qido.find_studies(EVERYTHING)
        limits = [int(limit) for limit in values(server.requests[before:], "limit")]
        fields = values(server.requests[before:], "includefield")

    assert first.complete, first.reasons
    assert 230 == len(first[0].series[0].instances) == len(second[0].series[0].instances)
    assert max(limits) <= 200
    assert fields


def test_q13_no_limit_is_small_enough() -> None:
    """A page of five is found without asking for one; include fields are no part of the trouble."""
    with DICOMwebServer(many(), ["Q13"], page=5) as server:
        qido = QidoRS(transport(server))
        found = qido.find_studies(Query())
        before = len(server.requests)
        qido.find_studies(Query())
        fields = values(server.requests[before:], "includefield")

    assert uids(found) == MANY
    assert found.complete, found.reasons
    assert fields


def test_q14_too_broad_a_search_is_divided() -> None:
    """413: asked in parts, none of which is too broad."""
    with DICOMwebServer(many(), ["Q14"], page=5) as server:
        found = search(server, Query(min_study_date="20240101", max_study_date="20240131"))

    assert uids(found) == MANY
    assert found.complete, found.reasons


def test_q15_what_does_not_match_is_held_back() -> None:
    """The archive ignores a key: what it should not have sent is kept apart, with the reason."""
    with DICOMwebServer(many(), ["Q15"], keys=["PatientID"]) as server:
        found = search(server, Query(PatientID="P03"))

    assert MANY[2:3] == uids(found)
    assert 17 == len(found.held_back)
    assert all("PatientID" in held.reason for held in found.held_back)


def test_q15_an_ignored_key_is_named() -> None:
    """All came, and none matches: the key is not looked at, which is no proof that none exists."""
    with DICOMwebServer(many(), ["Q15"], keys=["PatientID"]) as server:
        found = search(server, Query(PatientID="nobody"))

    assert 0 == len(found)
    assert "PatientID" in " ".join([*found.reasons, *found.notes])


def test_q16_none_by_an_unknown_key_is_not_none() -> None:
    """StudyDescription is no key that archives must know: nothing found does not mean none."""
    with DICOMwebServer(example_datasets(), ["Q16"]) as server:
        found = search(server, ExtendedQuery(StudyDescription="Thorax"))

    assert 0 == len(found)
    assert Completeness.UNKNOWN is found.completeness
    assert "StudyDescription" in " ".join(found.reasons)


def test_q17_dates_with_hyphens_are_refused_here() -> None:
    """No archive is asked what it would make of them."""
    with DICOMwebServer(example_datasets(), ["Q17"]) as server:
        with pytest.raises(QueryError):
            search(server, Query(min_study_date="2024-01-01"))
        asked = list(server.requests)

    assert [] == asked


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(ModalitiesInStudy=["CT", "MR"]), ["2.25.4001", "2.25.4002"]),
        (Query(StudyInstanceUID=["2.25.4001", "2.25.4004"]), ["2.25.4001", "2.25.4004"]),
        (
            Query(SeriesInstanceUID=["2.25.400101", "2.25.400401"], query_level=QueryLevels.SERIES),
            ["2.25.4001", "2.25.4004"],
        ),
    ],
    ids=["modalities", "studies", "series"],
)
def test_q18_lists_are_asked_for_one_by_one(query: Query, expected: list[str]) -> None:
    """Nobody knows what an archive makes of a list: a question for each, and the union."""
    with DICOMwebServer(example_datasets(), ["Q18"]) as server:
        found = search(server, query)

    assert expected == uids(found)
    assert found.complete, found.reasons


def test_q19_fields_are_named() -> None:
    """``all`` may be ignored, so it is never asked for; what is asked for comes."""
    with DICOMwebServer(example_datasets(), ["Q19"]) as server:
        found = search(
            server,
            Query(include_fields=["SOPClassesInStudy", "Rows"], query_level=QueryLevels.INSTANCE),
        )
        fields = values(server.requests, "includefield")

    assert "all" not in ",".join(fields).split(",")
    assert "2" == text(found[0].series[0].instances[0].data, "Rows")
    assert text(found[0].data, "SOPClassesInStudy")


def test_q20_counts_are_asked_for() -> None:
    """Some archives send them only then."""
    with DICOMwebServer(example_datasets(), ["Q20"]) as server:
        found = search(server, Query(query_level=QueryLevels.SERIES))

    assert ["2", "3", "1", "2"] == [
        text(study.data, "NumberOfStudyRelatedInstances") for study in found
    ]
    assert found.complete, found.reasons
    assert "2" == text(found[1].data, "NumberOfStudyRelatedSeries")
    assert "MR" == text(found[1].data, "ModalitiesInStudy")
    assert "2" == text(found[1].series[0].data, "NumberOfSeriesRelatedInstances")


class WithoutCounts(Fault):
    """No counts, whoever asks."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Leave them out."""
        return [{tag: one[tag] for tag in one if tag not in COUNTS} for one in objects]


def test_q20_absent_counts_are_unknown_not_zero() -> None:
    """Nothing is known to be missing, nor that nothing is: 5 of 18 must not pass for all."""
    with DICOMwebServer(large(), ["Q08", WithoutCounts()], page=5) as server:
        found = search(server, EVERYTHING)
    reasons = " ".join(found.reasons)

    assert 5 == len(found[0].series[0].instances)
    assert Completeness.UNKNOWN is found.completeness
    assert "does not say how many series there are" in reasons
    assert "does not say how many instances there are" in reasons
    assert () == found.notes


def test_q21_without_include_fields_if_they_are_refused() -> None:
    """400: once more without them, and never again with them."""
    with DICOMwebServer(example_datasets(), ["Q21"]) as server:
        qido = QidoRS(transport(server))
        first = qido.find_studies(Query())
        before = len(server.requests)
        second = qido.find_studies(Query())
        fields = values(server.requests[before:], "includefield")

    assert (
        uids(first) == uids(second) == uids(MemoryArchive(example_datasets()).find_studies(Query()))
    )
    assert [] == fields


@pytest.mark.parametrize(
    ("level", "names"),
    [
        (QueryLevels.STUDY, ["study UID"]),
        (QueryLevels.SERIES, ["study UID", "series UID"]),
        (QueryLevels.INSTANCE, ["study UID", "series UID", "instance UID"]),
    ],
)
def test_q22_without_a_uid_held_back_and_doubled_merged(
    level: QueryLevels, names: Sequence[str]
) -> None:
    """What has no UID cannot be fetched: it is held back, not dropped. Twice the same is once."""
    with DICOMwebServer(example_datasets(), ["Q22"]) as server:
        found = search(server, Query(query_level=level))
    reasons = [held.reason for held in found.held_back]

    assert 4 == len(found)
    assert names == [name for name in names if any(name in reason for reason in reasons)]


@pytest.mark.parametrize("level", list(QueryLevels))
@pytest.mark.parametrize("quirk", ["Q23", "Q26"])
def test_q23_q26_odd_json_says_the_same(quirk: str, level: QueryLevels) -> None:
    """Lower case, keywords, no VR, bare values, a BOM, a wrong character set: the same tree."""
    query = Query(query_level=level)
    with DICOMwebServer(example_datasets(), [quirk]) as server:
        found = search(server, query)
    with DICOMwebServer(example_datasets()) as server:
        expected = search(server, query)

    assert found.complete, found.reasons
    assert essence(expected) == essence(found)


class EmptyTextForItems(Fault):
    """A sequence without items is sent as an empty text."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Add a Referenced Study Sequence."""
        return [{**one, "00081110": {"vr": "SQ", "Value": [""]}} for one in objects]


def test_q23_an_empty_text_is_empty_not_absent() -> None:
    """Even where no text may stand."""
    with DICOMwebServer(example_datasets(), [EmptyTextForItems()]) as server:
        found = search(server, Query(PatientID="EX-3"))

    assert [0] == [len(study.data.ReferencedStudySequence) for study in found]


def essence(result: SearchResult) -> list[tuple[str, ...]]:
    """Return what a result says of studies, and the UIDs of all below them."""
    words = "PatientName", "PatientID", "StudyDate", "NumberOfStudyRelatedInstances"
    return [
        (
            study.uid,
            *(text(study.data, word) for word in words),
            *(series.uid for series in study.series),
            *(one.uid for series in study.series for one in series.instances),
        )
        for study in result
    ]


def test_q24_a_single_object_is_a_list_of_one() -> None:
    """Without its brackets."""
    with DICOMwebServer(example_datasets(), ["Q24"]) as server:
        found = search(server, Query(PatientID="EX-3", query_level=QueryLevels.INSTANCE))

    assert ["2.25.4004"] == uids(found)
    assert 2 == len(found[0].series[0].instances)
    assert found.complete, found.reasons


def test_q25_a_login_page_is_no_answer() -> None:
    """Status 200, and a form."""
    with (
        DICOMwebServer(example_datasets(), ["Q25"]) as server,
        pytest.raises(AuthenticationError),
    ):
        search(server, Query())


def test_q25_credentials_do_not_follow_a_redirect() -> None:
    """To another host nothing is sent at all."""
    with (
        DICOMwebServer(example_datasets()) as other,
        DICOMwebServer(
            example_datasets(), ["Q25"], elsewhere=other.url.replace("127.0.0.1", "localhost")
        ) as server,
    ):
        line = Transport(server.url, token=lambda: "secret", timeouts=SHORT)
        with pytest.raises(AuthenticationError):
            QidoRS(line).find_studies(Query())
        followed = list(other.requests)

    assert [] == followed


def test_q27_a_damaged_name_is_unverified_not_wrong() -> None:
    """``M?ller`` may be Müller: it is in the result."""
    with DICOMwebServer(example_datasets(), ["Q27"]) as server:
        found = search(server, Query(PatientName="Müller*"))

    assert ["2.25.4001", "2.25.4002"] == uids(found)
    assert () == found.held_back


def test_q28_wrong_retrieve_urls_are_not_followed() -> None:
    """We know how a URL is built: by PS3.18, from the archive's own."""
    with (
        DICOMwebServer() as other,
        DICOMwebServer(example_datasets(), ["Q28"], elsewhere=other.url) as server,
    ):
        receipt = fetched(server, EVERYTHING)
        followed = list(other.requests)

    assert receipt.complete
    assert [] == followed


def test_q28_wrong_retrieve_urls_that_are_handed_over_are_not_followed() -> None:
    """What was found goes to the downloader as it is, with the URLs in it."""
    with (
        DICOMwebServer() as other,
        DICOMwebServer(example_datasets(), ["Q28"], elsewhere=other.url) as server,
    ):
        line = transport(server)
        found = QidoRS(line).find_studies(EVERYTHING)
        files = [file.read() for file in WadoRS(line).files(found)]
        followed = list(other.requests)
    (instance, *_) = found[0].series[0].instances

    assert text(instance.data, "RetrieveURL").startswith(other.url)
    assert 8 == len(files)
    assert [] == followed


def test_q29_retry_after_is_waited_for() -> None:
    """No sooner than the archive says; then it goes on."""
    waits: list[float] = []
    with DICOMwebServer(example_datasets(), ["Q29"]) as server:
        found = QidoRS(transport(server, waits)).find_studies(Query())

    assert 4 == len(found)
    assert found.complete, found.reasons
    assert [True] == [wait >= 7 for wait in waits]


def test_q30_a_token_that_expires_is_renewed_once() -> None:
    """In the middle of a search, which goes on where it was."""
    tokens = iter(["first", "second"])
    with DICOMwebServer(example_datasets(), ["Q30"]) as server:
        line = Transport(server.url, token=lambda: next(tokens), timeouts=SHORT)
        found = QidoRS(line).find_studies(EVERYTHING)

    assert 4 == len(found)
    assert found.complete, found.reasons
    assert [] == list(tokens)


def test_q30_a_token_that_is_not_renewed_is_an_error() -> None:
    """Twice the same token will not do, and half a result is none."""
    with DICOMwebServer(example_datasets(), ["Q30"]) as server:
        line = Transport(server.url, token=lambda: "first", timeouts=SHORT)
        with pytest.raises(AuthenticationError):
            QidoRS(line).find_studies(EVERYTHING)


class SaysXML(Fault):
    """JSON comes, and is called XML."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Alter the label."""
        if exchange.asked.service is not Service.SEARCH:
            return reply
        return reply.with_headers(Content_Type="application/dicom+xml")


@pytest.mark.parametrize("fault", ["Q31", SaysXML()], ids=["Q31", "label"])
def test_q31_json_is_read_whatever_it_is_called(fault: str | Fault) -> None:
    """We ask for JSON, and look at what comes."""
    with DICOMwebServer(example_datasets(), [fault]) as server:
        found = search(server, Query())
        accepts = {request.accept for request in server.requests}

    assert 4 == len(found)
    assert all("json" in accept for accept in accepts)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(PatientName="M*"), 2),
        (Query(PatientName="Doe^J*"), 1),
        (Query(PatientName="Doe^Jane"), 1),
        (Query(AccessionNumber="EX-A?"), 4),
        (Query(PatientName="Müller^Jürgen"), 2),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_q32_escapes_that_are_not_decoded_hide_nothing(query: Query, expected: int) -> None:
    """Found by another spelling, or said to be unknown: never "none" by one spelling alone."""
    with DICOMwebServer(example_datasets(), ["Q32"]) as server:
        found = search(server, query)

    assert expected == len(found)
    assert found.complete, found.reasons


def test_q32_a_space_or_slash_that_is_not_decoded_hides_nothing() -> None:
    """These have to be escaped: the question is asked once more, without them."""
    datasets = made("2.25.7101", {"PatientID": "A B/1"}, MadeSeries("CT", 1))
    with DICOMwebServer(datasets, ["Q32"]) as server:
        found = search(server, Query(PatientID="A B/1"))

    assert ["2.25.7101"] == uids(found) or Completeness.UNKNOWN is found.completeness


def test_q33_two_patients_in_a_study_are_one_study() -> None:
    """Listed twice: merged by UID, and noted."""
    with DICOMwebServer(example_datasets(), ["Q33"]) as server:
        found = search(server, EVERYTHING)

    assert 4 == len(found)
    assert found.notes


def test_q33_a_study_that_is_404_is_fetched_by_its_series() -> None:
    """WADO-RS does not know the study; it knows what is in it."""
    with DICOMwebServer(example_datasets(), ["Q33"]) as server:
        receipt = fetched(server, EVERYTHING)

    assert receipt.complete
    assert 8 == len(receipt.outcomes)


def test_the_archive_that_behaves_is_complete() -> None:
    """What all of the above is measured against."""
    with DICOMwebServer(example_datasets()) as server:
        found = search(server, EVERYTHING)
        receipt = fetched(server, EVERYTHING)
    instances: list[Instance] = [
        one for study in found for series in study.series for one in series.instances
    ]

    assert found.complete, found.reasons
    assert ((), ()) == (found.held_back, found.notes)
    assert 8 == len(instances)
    assert receipt.complete
