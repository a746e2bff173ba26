"""C-FIND: what is asked, in which order, and what is made of the answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final, cast
from unittest.mock import Mock

import attrs
import pytest
from pydicom.dataset import Dataset
from typing_extensions import override

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    ExtendedQuery,
    InvalidInputError,
    ProtocolViolationError,
    Query,
    QueryError,
    QueryLevels,
    UnsupportedParameterError,
    text,
)
from gurney.dimse import CFind, CFindQuery, Peer
from gurney.dimse.association import Associations
from gurney.dimse.find.desk import FindDesk
from gurney.dimse.find.negotiation import Root
from gurney.dimse.find.statuses import SearchRefusedError, in_words
from gurney.searching import NotRelationalError, Question
from gurney.testing import example_datasets
from gurney.testing.dimse import (
    Agreement,
    Asked,
    DIMSEServer,
    Done,
    Exchange,
    Fault,
    Pending,
    Plan,
    Proposal,
    Rejection,
    Service,
)
from gurney.testing.making import MadeSeries, made

STUDY, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)
EVERYTHING: Final = Query(query_level=QueryLevels.INSTANCE)


def peer(server: DIMSEServer) -> Peer:
    return Peer("127.0.0.1", server.port, server.ae_title)


def desk(server: DIMSEServer, *, relational: bool = False) -> FindDesk:
    return FindDesk(Associations(peer(server)), "study", relational=relational)


def searches(server: DIMSEServer) -> list[Asked]:
    return [asked for asked in server.requests if asked.service is Service.FIND]


# ---------------------------------------------------------------- the searcher


def test_settings_are_checked() -> None:
    """Before anything is sent."""
    archive = Peer("127.0.0.1", 104, "ARCHIVE")

    with pytest.raises(InvalidInputError, match="parallel"):
        CFind(archive, parallel=0)
    with pytest.raises(InvalidInputError, match="max_requests"):
        CFind(archive, max_requests=-1)
    with pytest.raises(InvalidInputError, match="root"):
        CFind(archive, root=cast("Root", "image"))


def test_a_query_of_another_kind_is_taken_or_refused() -> None:
    """Nothing that was asked for is lost in silence."""

    @attrs.frozen(kw_only=True)
    class OddQuery(Query):
        colour: str = ""

    find = CFind(Peer("127.0.0.1", 104, "ARCHIVE"))

    with pytest.raises(UnsupportedParameterError, match="colour"):
        find.find_studies(OddQuery(colour="red"))


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "3"])
def test_a_limit_is_a_number_of_studies(limit: object) -> None:
    """One or more."""
    with pytest.raises(QueryError, match="limit"):
        CFindQuery.from_mapping({"limit": limit})


def test_fuzzy_matching_is_yes_or_no() -> None:
    """Nothing else."""
    with pytest.raises(QueryError, match="fuzzy_matching"):
        CFindQuery.from_mapping({"fuzzy_matching": "yes"})


def test_associations_can_be_shared() -> None:
    """Two searchers over one pool take one association."""
    with DIMSEServer(example_datasets()) as server, Associations(peer(server)) as pool:
        CFind(pool).find_studies(Query())
        CFind(pool).find_studies(Query())

        assert 1 == len(server.associations)


def test_no_log_and_no_repr_names_a_patient(caplog: pytest.LogCaptureFixture) -> None:
    """Neither whom was searched for, nor who was found."""
    with caplog.at_level(logging.DEBUG), DIMSEServer(example_datasets()) as server:
        find = CFind(peer(server))
        found = find.find_studies(Query(PatientName="Doe^J*"))

    written = f"{caplog.text} {find!r} {found!r}".lower()
    assert 1 == len(found)
    assert "doe" not in written


@pytest.mark.parametrize("parallel", [1, 3])
def test_several_studies_may_be_asked_about_at_a_time(parallel: int) -> None:
    """Each over an association of its own; the order stays that of the archive."""
    with DIMSEServer(example_datasets()) as server:
        found = CFind(peer(server), parallel=parallel).find_studies(EVERYTHING)
        plain = CFind(peer(server)).find_studies(Query())

    assert [study.uid for study in plain] == [study.uid for study in found]
    assert found.complete


def test_no_thread_is_left() -> None:
    """A search works in the caller's own."""
    with DIMSEServer(example_datasets()) as server:
        before = {thread.name for thread in threading.enumerate() if "gurney" in thread.name}
        CFind(peer(server), parallel=3).find_studies(EVERYTHING)
        after = {thread.name for thread in threading.enumerate() if "gurney" in thread.name}

    assert before == after


def test_what_is_asked_for_besides_is_returned_at_its_level() -> None:
    """A C-FIND returns only what is named."""
    with DIMSEServer(example_datasets()) as server:
        (found,) = CFind(peer(server)).find_studies(
            Query(
                StudyInstanceUID="2.25.4001",
                query_level=QueryLevels.INSTANCE,
                include_fields=["StudyTime", "SeriesDescription", "Rows"],
            )
        )
    series, instance = found.series[0], found.series[0].instances[0]

    assert all(text(found.data, name) for name in ("PatientName", "PatientID", "StudyDate"))
    assert all(text(series.data, name) for name in ("Modality", "SeriesNumber"))
    assert all(text(instance.data, name) for name in ("InstanceNumber", "Rows"))


# ---------------------------------------------------------------- the desk


def test_a_level_without_its_parents_is_relational() -> None:
    """It is not asked where that was not wished for, nor where it is denied."""
    with DIMSEServer(example_datasets()) as server:
        for question in (Question(SERIES), Question(INSTANCE, above=("2.25.4001",))):
            with pytest.raises(NotRelationalError):
                list(desk(server).list(question))
        asked = len(server.requests)

    assert 0 == asked


class Denies(Fault):
    """Answers extended negotiation: nothing of it is granted."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Deny all."""
        if isinstance(answer, Rejection):
            return answer
        return attrs.evolve(answer, extended={uid: bytes(7) for uid in proposal.extended})


class Speechless(Fault):
    """Does not answer extended negotiation."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Say nothing."""
        return answer if isinstance(answer, Rejection) else attrs.evolve(answer, extended={})


def test_what_is_denied_is_not_done() -> None:
    """Relational queries were wished for; the archive has said no."""
    with DIMSEServer(example_datasets(), [Denies()]) as server:
        found = CFind(peer(server), relational=True).find_studies(EVERYTHING)
        above = [
            asked.values(name)
            for asked in searches(server)
            for name in {"SERIES": ["StudyInstanceUID"], "IMAGE": ["SeriesInstanceUID"]}.get(
                asked.level, []
            )
        ]

    assert found.complete
    assert above
    assert all(above)


def test_who_does_not_answer_is_tried_and_asked_level_by_level_if_that_is_refused() -> None:
    """Most archives that know nothing of negotiation do relational queries (Orthanc)."""
    with DIMSEServer(example_datasets(), [Speechless()]) as server:
        find = CFind(peer(server), relational=True)
        found = find.find_studies(EVERYTHING)
        before = len(server.requests)
        find.find_studies(EVERYTHING)
        refused = [one for one in server.requests[before:] if not one.values("StudyInstanceUID")]

    assert found.complete
    assert {"STUDY"} == {asked.level for asked in refused}


def test_without_wishes_nothing_is_negotiated() -> None:
    """Old archives need not understand what is not needed."""
    with DIMSEServer(example_datasets()) as server:
        CFind(peer(server)).find_studies(Query(PatientID="EX-1"))
        proposals = [association.proposal for association in server.associations]

    assert [{}] == [dict(proposal.extended) for proposal in proposals]


def test_fuzzy_matching_is_negotiated_and_said_if_it_is_not_granted() -> None:
    """The third byte (PS3.4 table C.5-1)."""
    with DIMSEServer(example_datasets(), [Denies()]) as server:
        query = CFindQuery(PatientName="Doe^J*", fuzzy_matching=True)
        found = CFind(peer(server)).find_studies(query)
        wished = [dict(one.proposal.extended) for one in server.associations]

    assert [{"1.2.840.10008.5.1.4.1.2.2.1": b"\0\0\1"}] == wished
    assert any("sound alike" in note for note in found.notes)


class Scripted(Fault):
    """Answers every search by these very steps."""

    def __init__(self, *steps: Pending | Done) -> None:
        super().__init__()
        self.steps: Sequence[Pending | Done] = steps

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Answer."""
        return Plan(self.steps) if exchange.asked.service is Service.FIND else plan


def study(uid: str) -> Pending:
    item = Dataset()
    item.StudyInstanceUID, item.StudyDate, item.QueryRetrieveLevel = uid, "20240101", "STUDY"
    return Pending(item)


def test_doubles_and_what_has_no_uid_are_counted_and_passed_on() -> None:
    """Somebody else says what is wrong with them (Q22)."""
    script = Scripted(study("1.2"), study("1.2"), study(""), Pending(Dataset()), Done(0))
    with DIMSEServer(example_datasets(), [script]) as server:
        listing = desk(server).list(Question(STUDY))
        names = [names for names, _ in listing]

    assert [("1.2",), ("1.2",), ("",), ("",)] == names
    assert (4, "", "") == (listing.received, listing.capped, listing.doubt)


def test_an_offset_passes_over() -> None:
    """What comes first is received, and not passed on."""
    script = Scripted(study("1.2"), study("1.3"), study("1.4"), Done(0))
    with DIMSEServer(example_datasets(), [script]) as server:
        listing = desk(server).list(Question(STUDY), offset=1, most=1)
        names = [names for names, _ in listing]

    assert [("1.3",)] == names


def test_an_answer_that_is_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is kept, and the association is still of use."""
    monkeypatch.setattr("gurney.dimse.find.exchange._LARGEST_ANSWER", 9000)
    script = Scripted(*[study(f"1.2.{number}") for number in range(50)], Done(0))
    with DIMSEServer(example_datasets(), [script]) as server:
        listing = desk(server).list(Question(STUDY))
        found = list(listing)

    assert 1 <= len(found) < 50
    assert "memory" in listing.capped


def test_an_identifier_that_is_too_large_ends_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is kept in memory."""
    monkeypatch.setattr("gurney.dimse.find.exchange._LONGEST_IDENTIFIER", 500)
    large = study("1.3")
    large.item.PatientComments = "A" * 1000
    with DIMSEServer(example_datasets(), [Scripted(study("1.2"), large, Done(0))]) as server:
        listing = desk(server).list(Question(STUDY))
        names = [names for names, _ in listing]

    assert [("1.2",)] == names
    assert listing.capped


def test_a_response_to_something_else_is_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers another request is not believed."""
    monkeypatch.setattr("gurney.dimse.association.Command.responds_to", 8)
    monkeypatch.setattr(
        "gurney.dimse.association.Association.next_message_id", Mock(return_value=7)
    )
    with DIMSEServer(example_datasets()) as server, pytest.raises(ProtocolViolationError):
        list(desk(server).list(Question(STUDY)))


def test_the_way_to_ask_that_was_taken_is_taken_again() -> None:
    """Fields that an archive refuses are not asked for a second time."""

    class Plain(Fault):
        @override
        def refusal(self, exchange: Exchange, /) -> Done | None:
            return Done(0xA900) if "StudyDescription" in exchange.asked.identifier else None

    with DIMSEServer(example_datasets(), [Plain()]) as server:
        asking = desk(server)
        question = Question(STUDY, fields=("StudyDescription",))
        first = len(list(asking.list(question)))
        before = len(searches(server))
        second = len(list(asking.list(question)))
        after = len(searches(server))

    assert (4, 4) == (first, second)
    assert (2, 1) == (before, after - before)
    assert not asking.takes_fields(STUDY)


def test_statuses_are_written_as_the_standard_writes_them() -> None:
    """In hexadecimal digits."""
    error = SearchRefusedError("C-FIND STUDY of A at b:1", 0xA900)

    assert "status 0xC001 (unable to process)" == in_words(0xC001)
    assert "status 0x1234" == in_words(0x1234)
    assert "0xA900" in str(error)


def test_a_key_that_a_series_has_is_asked_for_at_its_level() -> None:
    """By it, studies are chosen one by one: no archive has to search across levels."""
    datasets = made(
        "2.25.9001",
        {},
        *[
            MadeSeries(modality, 1, {"SeriesDescription": what})
            for modality, what in (("CT", "Thorax"), ("MR", "Brain"))
        ],
    )
    with DIMSEServer(datasets) as server:
        found = CFind(peer(server)).find_studies(
            ExtendedQuery(SeriesDescription="Bra*", query_level=QueryLevels.SERIES)
        )
        studies = [asked for asked in searches(server) if asked.level == "STUDY"]

    assert ["MR"] == [text(series.data, "Modality") for series in found[0].series]
    assert all("SeriesDescription" not in asked.identifier for asked in studies)
    assert Completeness.COMPLETE is found.completeness
