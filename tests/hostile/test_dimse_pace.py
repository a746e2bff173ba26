"""DIMSE archives that have too much to do are asked at the pace that was agreed, and heard."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from tests.hostile.examples import HEAD, Download, datasets, fetch, known, large
from typing_extensions import override

from gurney.core import ArchiveUnavailableError, InvalidInputError, Query, QueryLevels
from gurney.dimse import (
    Associations,
    CFind,
    CGet,
    CMove,
    DIMSEArchive,
    Peer,
    Receiver,
    Retries,
    Timeouts,
)
from gurney.manners import Pace
from gurney.testing.dimse import (
    Agreement,
    DIMSEServer,
    Done,
    Exchange,
    Fault,
    Proposal,
    Rejection,
    Service,
    Settings,
)
from gurney.testing.making import MadeSeries, made

SHORT = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=10.0)
QUICK = Retries(attempts=3, first_wait=0.0, longest_wait=0.0)
BIG = made("2.25.7001", {}, MadeSeries("CT", 2, size=2500))  # more than is held in memory


class Exhausted(Fault):
    """Requests of a service are refused with 0xA700."""

    def __init__(self, service: Service, times: int) -> None:
        super().__init__(Settings(times=times))
        self.service: Service = service

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse."""
        return Done(0xA700) if exchange.asked.service is self.service else None


class Crowded(Fault):
    """So many associations are rejected, by the reason that is given."""

    def __init__(self, times: int, rejection: Rejection) -> None:
        super().__init__()
        self.left: int = times
        self.rejection: Rejection = rejection

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Reject."""
        self.left -= 1
        return self.rejection if self.left >= 0 else answer


def peer_of(server: DIMSEServer, retries: Retries = QUICK) -> Peer:
    """Return the address of *server*."""
    return Peer("127.0.0.1", server.port, server.ae_title, timeouts=SHORT, retries=retries)


def asked(server: DIMSEServer) -> int:
    """Return how often *server* was asked for anything: associations, and requests over them."""
    return len(server.associations) + len(server.requests)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on any port."""
    with Receiver("GURNEY", port=0, timeouts=SHORT) as receiver:
        yield receiver


def to(receiver: Receiver) -> dict[str, tuple[str, int]]:
    """Return the destinations that an archive knows."""
    return {receiver.ae_title: (receiver.host, receiver.port)}


# ---------------------------------------------------------------- counts


def test_searches_are_counted() -> None:
    """Each association, and each C-FIND over it; what is found is no instance."""
    pace = Pace()
    with DIMSEServer(datasets()) as server:
        found = CFind(peer_of(server), pace=pace).find_studies(
            Query(query_level=QueryLevels.INSTANCE)
        )

    assert len(found) > 2
    assert asked(server) == pace.requests > 2
    assert 0 == pace.bytes_received


def test_c_get_is_counted() -> None:
    """Instances of a few bytes, and those that are passed on while they come."""
    for study in (datasets(), BIG):
        pace = Pace()
        with DIMSEServer(study) as server:
            got = fetch(CGet(peer_of(server), pace=pace), known(study[0].StudyInstanceUID, study))
        size = sum(map(len, got.files.values()))

        assert got.receipt.complete
        assert asked(server) == pace.requests == 4  # it has asked for SOP classes before
        assert size - 500 * len(got.files) <= pace.bytes_received <= size


def test_c_move_is_counted(receiver: Receiver) -> None:
    """Bytes are those that the receiver got."""
    for study in (datasets(), BIG):
        pace = Pace()
        with (
            DIMSEServer(study, destinations=to(receiver)) as server,
            CMove(peer_of(server), receiver, pace=pace) as move,
        ):
            got = fetch(move, known(study[0].StudyInstanceUID, study))

        assert got.receipt.complete
        assert asked(server) == pace.requests == 2
        assert sum(map(len, got.files.values())) == pace.bytes_received


# ---------------------------------------------------------------- rates


@pytest.mark.parametrize("service", ["get", "move"])
@pytest.mark.parametrize("study", [large(18), BIG], ids=["small", "large"])
def test_bytes_come_no_faster_than_agreed(
    receiver: Receiver, service: str, study: list[Dataset]
) -> None:
    """Held or passed on: they wait for their turn."""
    slept = list[float]()

    def download(pace: Pace) -> Download:
        with Associations(peer_of(server), pace=pace) as associations:
            downloader = CGet(associations) if service == "get" else CMove(associations, receiver)
            return fetch(downloader, known(study[0].StudyInstanceUID, study))

    free = Pace()
    with DIMSEServer(study, destinations=to(receiver)) as server:
        download(free)
        rate = free.bytes_received / 10
        got = download(Pace(None, rate, clock=lambda: sum(slept), sleep=slept.append))

    assert got.receipt.complete
    assert pytest.approx(9.0) == sum(slept)


def test_requests_wait_for_their_turn() -> None:
    """Nothing has been sent while one waits."""
    slept, sent = list[float](), set[int]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        sent.add(asked(server))

    pace = Pace(1.0, clock=lambda: sum(slept), sleep=sleep)
    with DIMSEServer(datasets()) as server:
        for _ in range(3):
            assert fetch(CGet(peer_of(server), pace=pace)).receipt.complete

    assert 12 == asked(server) == pace.requests
    assert pytest.approx(11.0) == sum(slept)
    assert set(range(1, 12)) == sent


# ---------------------------------------------------------------- busy archives


@pytest.mark.parametrize(
    ("service", "times"),
    [(Service.GET, 1), (Service.GET, 2), (Service.MOVE, 1), (Service.MOVE, 2), (Service.FIND, 1)],
)
def test_out_of_resources_is_heard(receiver: Receiver, service: Service, times: int) -> None:
    """0xA700 in answer to any of the three; what was refused is asked again."""
    pace = Pace()
    with (
        DIMSEServer(datasets(), [Exhausted(service, times)], destinations=to(receiver)) as server,
        Associations(peer_of(server), pace=pace) as associations,
    ):
        if service is Service.FIND:
            CFind(associations).find_studies(Query(StudyInstanceUID=HEAD))
        else:
            get = service is Service.GET
            fetch(CGet(associations) if get else CMove(associations, receiver))

    assert times == pace.refusals
    assert asked(server) == pace.requests


@pytest.mark.parametrize("rejection", [Rejection(2, 3, 2), Rejection(2, 1, 1), Rejection(1, 3, 1)])
def test_rejections_for_now_are_heard(rejection: Rejection) -> None:
    """Each attempt is a request, whether an association comes of it or not."""
    pace = Pace()
    with DIMSEServer(datasets(), [Crowded(2, rejection)]) as server:
        got = fetch(CGet(peer_of(server), pace=pace))

    assert got.receipt.complete
    assert 2 == pace.refusals
    assert asked(server) == pace.requests == 2 + 4


def test_rejections_for_good_are_not() -> None:
    """An archive that does not know us is not busy."""
    pace = Pace()
    with (
        DIMSEServer(datasets(), [Crowded(9, Rejection(1, 1, 3))]) as server,
        pytest.raises(Exception, match="AE title"),
    ):
        CFind(peer_of(server), pace=pace).find_studies(Query())

    assert (1, 0) == (pace.requests, pace.refusals)


def test_an_archive_that_rejects_all_is_not_stormed() -> None:
    """However often it is asked, nothing is sent faster than agreed."""
    slept = list[float]()
    pace = Pace(2.0, clock=lambda: sum(slept), sleep=slept.append)
    with DIMSEServer(datasets(), [Crowded(10**6, Rejection(2, 3, 1))]) as server:
        peer = peer_of(server, Retries(attempts=30, first_wait=0.0, longest_wait=0.0))
        with pytest.raises(ArchiveUnavailableError):
            CFind(peer, pace=pace).find_studies(Query())

    assert 30 == pace.requests == pace.refusals
    assert pytest.approx(14.0) == sum(slept)


# ---------------------------------------------------------------- sharing


def test_associations_have_one_pace() -> None:
    """Who shares them shares it; another is a mistake, the same is none."""
    pace = Pace(5.0)
    associations = Associations(Peer("localhost", 104, "A"), pace=pace)
    for make in (CFind, CGet, CMove, DIMSEArchive):
        make(associations, pace=pace)
        with pytest.raises(InvalidInputError, match="own pace"):
            make(associations, pace=Pace())


def test_associations_travel_with_the_rates() -> None:
    """A copy in another process keeps to the same rates, by itself."""
    associations = Associations(Peer("localhost", 104, "A"), pace=Pace(5.0))
    again = pickle.loads(pickle.dumps(associations))

    assert associations.peer == again.peer
    assert 5.0 == again.pace.requests_per_second
