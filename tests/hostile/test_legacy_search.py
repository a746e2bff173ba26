"""Searching MINT servers that misbehave: each quirk by its id, see FAULTS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from tests.hostile.examples import MANY, found, known, many
from typing_extensions import override

from gurney.core import (
    AuthenticationError,
    BudgetExceededError,
    Completeness,
    ProtocolViolationError,
    Query,
    QueryLevels,
    SearchResult,
    TransferInterruptedError,
    text,
)
from gurney.http import Budgets, Retries, Timeouts, Transport
from gurney.legacy import Mint, MintQuery
from gurney.testing import MemoryArchive, example_datasets
from gurney.testing.legacy import Exchange, Fault, Framing, LegacyServer, Reply

SHORT: Final = Timeouts(connect=10.0, first_byte=10.0, idle=10.0)
QUICK: Final = Retries(attempts=3, first_wait=0.0, sleep=lambda _: None)
EVERYTHING: Final = Query(query_level=QueryLevels.INSTANCE)


def mint(server: LegacyServer, *, max_requests: int = 500, document: int = 1 << 20) -> Mint:
    """Return a searcher, impatient and with little room."""
    budgets = Budgets(document=document)
    line = Transport(server.mint, timeouts=SHORT, retries=QUICK, budgets=budgets)
    return Mint(line, max_requests=max_requests)


def search(server: LegacyServer, query: Query, *, max_requests: int = 500) -> SearchResult:
    """Return what is found in *server*."""
    return mint(server, max_requests=max_requests).find_studies(query)


def uids(result: Iterable[object]) -> list[str]:
    """Return the UIDs of studies, sorted."""
    return sorted(str(getattr(study, "uid", "")) for study in result)


@pytest.mark.parametrize("quirk", ["X01", "X05"])
def test_x01_x05_entities_are_not_read(quirk: str) -> None:
    """A bomb does not go off, a file is not read; nothing of the document is repeated."""
    with (
        LegacyServer(example_datasets(), [quirk]) as server,
        pytest.raises(ProtocolViolationError, match="entities came, which is not read") as caught,
    ):
        search(server, Query())

    assert "DOE" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("quirk", ["X04", "X19"])
@pytest.mark.parametrize("level", list(QueryLevels))
def test_x04_x19_the_order_and_what_nobody_knows_do_not_matter(
    quirk: str, level: QueryLevels
) -> None:
    """What is said after the children, or amidst strange elements, is what it would have been."""
    query = Query(query_level=level, include_fields=["PatientName", "Modality", "InstanceNumber"])
    with LegacyServer(example_datasets()) as server:
        right = search(server, query)
    with LegacyServer(example_datasets(), [quirk]) as server:
        result = search(server, query)

    assert right.studies == result.studies
    assert result.complete, result.reasons
    for one, other in zip(right, result, strict=True):
        assert one.data == other.data
        assert [each.data for each in one.all_series()] == [e.data for e in other.all_series()]
        assert [each.data for each in one.all_instances()] == [
            each.data for each in other.all_instances()
        ]


def test_x13_a_login_page_is_no_answer() -> None:
    """Somebody has to log in."""
    with (
        LegacyServer(example_datasets(), ["X13"]) as server,
        pytest.raises(AuthenticationError, match="log in"),
    ):
        search(server, Query())


def test_x14_a_limit_that_is_ignored_is_kept_here() -> None:
    """No more comes than was asked for, and the result says that there is more."""
    with LegacyServer(many(), ["X14"]) as server:
        result = search(server, MintQuery(limit=4))

    assert MANY[:4] == uids(result)
    assert Completeness.CAPPED is result.completeness


def test_x15_dates_that_are_swapped_prove_nothing() -> None:
    """Nothing found by dates is in doubt where nothing is found by any date."""
    query = Query(min_study_date="20240105", max_study_date="20240110")
    with LegacyServer(many(), ["X15"]) as server:
        result = search(server, query)
    with LegacyServer(many()) as server:
        right = search(server, query)

    assert MANY[4:10] == uids(right)
    assert right.complete
    assert 0 == len(result)
    assert Completeness.UNKNOWN is result.completeness


@pytest.mark.parametrize("level", list(QueryLevels))
def test_x16_a_silent_cap_is_seen_and_gone_around(level: QueryLevels) -> None:
    """Parts of the question bring the rest; where they may not be asked, the result says so."""
    with LegacyServer(many(), ["X16"]) as server:
        result = search(server, Query(query_level=level, min_study_date="20240101"))
        poor = search(server, Query(), max_requests=3)

    assert MANY == uids(result)
    assert Completeness.CAPPED is poor.completeness
    assert set(uids(poor)) < set(MANY)


def test_x20_what_has_no_end_is_given_up() -> None:
    """There is a budget."""
    with (
        LegacyServer(example_datasets(), ["X20"]) as server,
        pytest.raises(BudgetExceededError, match="larger than 1048576 bytes"),
    ):
        search(server, Query())


class LongTag(Fault):
    """A tag has no end."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Begin one, and go on."""
        pieces = (b"<studySearchResults a='", *[b"x" * 65536] * 500)
        return Reply(200, reply.headers, pieces)


def test_x20_a_tag_without_end_is_given_up() -> None:
    """The parser would hold it, and read it again and again."""
    with (
        LegacyServer(example_datasets(), [LongTag()]) as server,
        pytest.raises(BudgetExceededError, match="a tag of the answer has no end"),
    ):
        mint(server, document=1 << 26).find_studies(Query())


def test_x22_an_answer_that_is_cut_is_asked_for_again() -> None:
    """The end of the outermost element is its end mark, whatever the connection does."""
    with LegacyServer(example_datasets(), ["X22"]) as server:
        result = search(server, EVERYTHING)

    assert found(known(), 3) <= found(result, 3)
    assert result.complete, result.reasons


def test_x22_an_answer_that_stays_cut_is_an_error() -> None:
    """Half of a list does not pass for the whole."""
    with (
        LegacyServer(example_datasets(), ["X22"], times=99) as server,
        pytest.raises(TransferInterruptedError, match="in the middle of its XML"),
    ):
        search(server, Query())


def test_x23_keys_that_are_ignored_are_checked_here() -> None:
    """What does not match is held back."""
    with LegacyServer(many(), ["X23"]) as server:
        result = search(server, Query(PatientID="P07"))

    assert [MANY[6]] == uids(result)
    assert 17 == len(result.held_back)


def test_x24_fields_that_are_refused_are_left_out() -> None:
    """One simpler question; it is remembered, and said."""
    with LegacyServer(example_datasets(), ["X24"]) as server:
        searcher = mint(server)
        result = searcher.find_studies(Query(PatientID="EX-2"))
        before = len(server.requests)
        searcher.find_studies(Query(StudyInstanceUID=result[0].uid))
        refused = [one for one in server.requests[before:] if one.parameter("IncludeFields")]

    assert 1 == len(result)
    assert any("names of fields" in note for note in result.notes)
    assert [] == refused


def test_x25_counts_tell_what_is_missing() -> None:
    """A series that is counted and not listed is missed, by name of its study."""
    with LegacyServer(example_datasets(), ["X25"]) as server:
        result = search(server, EVERYTHING)

    assert not result.complete
    assert any("counts more series than it lists" in reason for reason in result.reasons)


class Nothing(Fault):
    """An answer without a byte."""

    def __init__(self, framing: Framing) -> None:
        super().__init__()
        self.framing = framing

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send nothing."""
        return Reply(200, reply.headers, (), self.framing)


@pytest.mark.parametrize(
    ("framing", "completeness"),
    [(Framing.LENGTH, Completeness.COMPLETE), (Framing.CLOSE, Completeness.UNKNOWN)],
)
def test_no_bytes_are_none_if_that_is_certain(framing: Framing, completeness: Completeness) -> None:
    """No content at all is an empty list if HTTP says that it is whole; it is noted."""
    with LegacyServer(example_datasets(), [Nothing(framing)]) as server:
        result = search(server, Query(PatientID="nobody"))

    assert 0 == len(result)
    assert completeness is result.completeness
    assert result.notes or not result.complete


class Other(Fault):
    """Another document."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send it."""
        return Reply(200, {"Content-Type": "application/xml"}, (self.content,))


@pytest.mark.parametrize(
    "content",
    [
        b"<feed xmlns='http://www.w3.org/2005/Atom'/>",
        b"<studySearchResults xmlns='urn:other'/>",
        b"[]",
        b"<studySearchResults><study></studySearchResults>",
        b"<studySearchResults/><studySearchResults/>",
        b"DICM",
        b"<a>&b;</a>",
    ],
)
def test_what_is_not_mint_is_an_error(content: bytes) -> None:
    """It does not pass for an empty list."""
    with (
        LegacyServer(example_datasets(), [Other(content)]) as server,
        pytest.raises(ProtocolViolationError),
    ):
        search(server, Query())


def test_a_study_without_a_uid_is_held_back() -> None:
    """It cannot be placed; nobody says that the result is whole."""
    attr = b'<attr tag="00100020" vr="LO" val="EX-1"/>'
    content = b"<studySearchResults><study>" + attr + b"</study></studySearchResults>"
    with LegacyServer(example_datasets(), [Other(content)]) as server:
        result = search(server, Query())

    assert 0 == len(result)
    assert not result.complete
    assert ["EX-1"] == [text(one.data, "PatientID") for one in result.held_back]


def test_the_answer_is_what_the_archive_holds() -> None:
    """All of it, at any depth: the same as from memory."""
    with LegacyServer(example_datasets()) as server:
        result = search(server, EVERYTHING)

    assert found(MemoryArchive(example_datasets()).find_studies(EVERYTHING), 3) == found(result, 3)
    assert result.complete, result.reasons
