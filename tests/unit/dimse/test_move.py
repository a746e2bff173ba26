"""C-MOVE: what it leaves behind, whom it waits for, and what it shares."""

from __future__ import annotations

import gc
import pickle
import socket
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Event, Thread
from threading import enumerate as threads
from typing import Final

import pytest
from pydicom.dataset import Dataset
from typing_extensions import override

from gurney.core import (
    ArchiveUnavailableError,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    Query,
    QueryLevels,
    SearchResult,
    StudyReference,
)
from gurney.dimse import Associations, CFind, CMove, Peer, Receiver, Retries, Timeouts
from gurney.dimse.move import DestinationUnknownError, NothingMovedError
from gurney.testing import MemoryArchive, example_datasets, reference_of
from gurney.testing.dimse import DIMSEServer, Exchange, Fault, Plan, Service, Silence
from gurney.testing.making import MadeSeries, made

HEAD: Final = "2.25.4002"
LARGE: Final = "2.25.4006"
SHORT: Final = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=2.0)
QUICK: Final = Retries(attempts=2, first_wait=0.0, longest_wait=0.0)
PIXELS: Final = 24 << 20


@cache
def datasets() -> list[Dataset]:
    """Return the examples, and a study of two large instances."""
    large = made(LARGE, {"StudyDate": "20240106", "PatientID": "EX-6"}, MadeSeries("CT", 2))
    for dataset in large:
        dataset.PixelData = bytes(PIXELS)
    return [*example_datasets(), *large]


@cache
def known(study_uid: str) -> SearchResult:
    """Return a study with all that is in it."""
    query = Query(StudyInstanceUID=study_uid, query_level=QueryLevels.INSTANCE)
    return MemoryArchive(datasets()).find_studies(query)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("GURNEY", port=0, timeouts=SHORT) as receiver:
        yield receiver


@pytest.fixture
def server(receiver: Receiver) -> Iterator[DIMSEServer]:
    with DIMSEServer(datasets(), destinations=to(receiver)) as server:
        yield server


@pytest.fixture
def move(server: DIMSEServer, receiver: Receiver) -> Iterator[CMove]:
    with CMove(peer_of(server), receiver) as move:
        yield move


def to(receiver: Receiver) -> dict[str, tuple[str, int]]:
    """Return the destinations that an archive knows."""
    return {receiver.ae_title: (receiver.host, receiver.port)}


def peer_of(server: DIMSEServer, associations: int = 4) -> Peer:
    return Peer(
        "127.0.0.1",
        server.port,
        server.ae_title,
        timeouts=SHORT,
        retries=QUICK,
        associations=associations,
    )


def threads_of_moves() -> list[Thread]:
    return [thread for thread in threads() if thread.name == "gurney-c-move"]


@contextmanager
def free_port() -> Generator[int]:
    """Give a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    yield port


def fetched(move: CMove) -> list[InstanceReference]:
    """Download a study, and return what came, sorted."""
    return sorted(map(reference_of, move.datasets(known(HEAD))))


def services(server: DIMSEServer) -> list[Service]:
    return [request.service for request in server.requests]


def test_instances_come(move: CMove) -> None:
    """One file for each instance, named, with the protocol."""
    came = [(file.reference, file.protocol, file.retries) for file in move.files(known(HEAD))]

    assert {HEAD} == {ref.uids[0] for ref, _, _ in came if ref}
    assert [("C-MOVE", 0)] * 3 == [(protocol, retries) for _, protocol, retries in came]


def test_without_a_receiver_one_of_its_own_listens() -> None:
    """It listens under the calling title when it is first needed, and not after closing."""
    with (
        free_port() as port,
        DIMSEServer(datasets(), destinations={"ME": ("127.0.0.1", port)}) as server,
    ):
        peer = Peer("127.0.0.1", server.port, server.ae_title, calling="ME", retries=QUICK)
        with CMove(peer) as move:
            own = move.receiver

    assert "ME" == own.ae_title
    assert 11112 == own.port
    with pytest.raises(InvalidInputError, match="closed"):
        own.open()


def test_what_is_shared_stays_open(server: DIMSEServer, receiver: Receiver) -> None:
    """A receiver and associations that were given are not closed with it."""
    with Associations(peer_of(server)) as associations:
        with CMove(associations, receiver) as first:
            one = [reference_of(file.dataset()) for file in first.files(known(HEAD))]
        with CMove(associations, receiver) as second:
            other = [reference_of(file.dataset()) for file in second.files(known(HEAD))]

    assert one == other


def test_the_grace_is_checked(server: DIMSEServer) -> None:
    """Time does not run backwards."""
    with pytest.raises(InvalidInputError, match="grace"):
        CMove(peer_of(server), grace=-1.0)


def test_closed_it_downloads_no_more(server: DIMSEServer, receiver: Receiver) -> None:
    """After closing there is nobody to ask."""
    with CMove(peer_of(server), receiver, MemoryArchive(datasets())) as move:
        pass

    with pytest.raises(ArchiveUnavailableError, match="closed"):
        list(move.files(known(HEAD)))


def test_nobody_to_ask(receiver: Receiver) -> None:
    """Without an archive the download raises, and does not name each instance."""
    with free_port() as port:
        peer = Peer("127.0.0.1", port, "ARCHIVE", retries=QUICK)
        with CMove(peer, receiver) as move, pytest.raises(ArchiveUnavailableError):
            list(move.files(known(HEAD)))


def test_two_share_a_receiver(server: DIMSEServer, receiver: Receiver) -> None:
    """Two downloads of the same study at the same time: each gets all of it."""
    with (
        CMove(peer_of(server), receiver) as first,
        CMove(peer_of(server), receiver) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        came = list(pool.map(fetched, [first, second]))

    assert [3, 3] == list(map(len, came))
    assert came[0] == came[1]
    assert 0 == receiver.refused


def test_two_take_turns(server: DIMSEServer, receiver: Receiver) -> None:
    """The same with one thread, which takes an instance of each in turn."""
    with (
        CMove(peer_of(server), receiver) as first,
        CMove(peer_of(server), receiver) as second,
    ):
        pairs = zip(first.datasets(known(HEAD)), second.datasets(known(HEAD)), strict=True)
        came = [(reference_of(one), reference_of(other)) for one, other in pairs]

    assert 3 == len({one for one, _ in came}) == len({other for _, other in came})


def test_searching_in_the_middle_of_a_download(server: DIMSEServer, receiver: Receiver) -> None:
    """A loop over a download may search the same archive, though it allows one association."""
    with Associations(peer_of(server, associations=1)) as associations:
        find = CFind(associations)
        with CMove(associations, receiver, find) as move:
            found = [
                find.find_study_by_id(str(dataset.StudyInstanceUID)).uid
                for dataset in move.datasets(known(HEAD))
            ]

    assert [HEAD] * 3 == found


def test_downloading_in_the_middle_of_a_download(move: CMove) -> None:
    """A loop over a download may download by the same C-MOVE."""
    came = [
        (reference_of(outer.dataset()).study_uid, len(list(move.datasets(known("2.25.4001")))))
        for outer in move.files(known(HEAD))
    ]

    assert 3 == len(came)
    assert all(count > 0 for _, count in came)


def test_a_large_instance_streams(move: CMove) -> None:
    """No piece of it is large, and all of it comes."""
    sizes = [
        (max(pieces), sum(pieces))
        for file in move.files([StudyReference(LARGE)])
        if (pieces := list(map(len, file.chunks)))
    ]

    assert 2 == len(sizes)
    assert all(largest <= 1 << 20 and total > PIXELS for largest, total in sizes)


def test_left_in_the_middle_of_an_instance(move: CMove, server: DIMSEServer) -> None:
    """The archive is told to cancel, no thread is left, and the next download works."""
    files = move.files(known(LARGE))
    next(next(files).chunks)
    del files
    gc.collect()

    assert [] == threads_of_moves()
    assert Service.CANCEL in services(server)
    assert 3 == len(list(move.datasets(known(HEAD))))


def test_left_between_two_instances(move: CMove) -> None:
    """The same, after a whole instance."""
    files = move.files(known(LARGE))
    sum(map(len, next(files).chunks))
    del files

    assert [] == threads_of_moves()
    assert 3 == len(list(move.datasets(known(HEAD))))


def test_given_up_in_another_thread(move: CMove) -> None:
    """A download that another thread closes, as the collector does, neither hangs nor leaks."""
    files = move.files(known(LARGE))
    next(next(files).chunks)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(files.close).result(10.0)  # type: ignore[attr-defined]  # a generator is one
    for thread in threads_of_moves():
        thread.join(10.0)

    assert [] == threads_of_moves()
    assert 3 == len(list(move.datasets(known(HEAD))))


def test_collected_in_another_thread(move: CMove) -> None:
    """A download in a cycle that the collector finds in another thread ends, too."""
    holder: list[object] = [move.files(known(LARGE))]
    holder.append(holder)
    next(holder[0])  # type: ignore[call-overload]  # it is an iterator
    del holder
    with ThreadPoolExecutor(1) as pool:
        pool.submit(gc.collect).result(20.0)
    for thread in threads_of_moves():
        thread.join(10.0)

    assert [] == threads_of_moves()


def test_closed_while_it_waits(receiver: Receiver) -> None:
    """Who waits for an instance gets an error at once when the download is closed elsewhere."""
    resume, begun = Event(), Event()

    class Sleeping(Fault):
        """Sends nothing until told."""

        @override
        def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
            if exchange.asked.service is Service.MOVE:
                begun.set()
                return Plan([Silence(), *plan.steps])
            return plan

    with (
        DIMSEServer(datasets(), [Sleeping()], destinations=to(receiver), resume=resume) as server,
        CMove(peer_of(server), receiver) as move,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(lambda: [file.read() for file in move.files(known(HEAD))])
        assert begun.wait(10.0)
        move.close()

        with pytest.raises((ArchiveUnavailableError, DownloadError), match="closed"):
            waiting.result(10.0)


def test_the_receiver_closed_while_it_waits(move: CMove, receiver: Receiver) -> None:
    """A receiver that is closed in the middle is told with each instance that is missing."""
    files = move.files(known(HEAD))
    next(files).read()
    receiver.close()

    with pytest.raises((DownloadError, InvalidInputError), match="receiver"):
        [file.read() for file in files]


@pytest.mark.parametrize("kind", [DestinationUnknownError, NothingMovedError])
def test_errors_survive_pickling(kind: type[DestinationUnknownError | NothingMovedError]) -> None:
    """They are raised in one process and read in another."""
    error = kind("C-MOVE", 0xA801, "AE title GURNEY")

    assert str(error) == str(pickle.loads(pickle.dumps(error)))
    assert "AE title GURNEY" in str(error)
    assert "0xA801" in str(error)


def test_repr_names_both(server: DIMSEServer, receiver: Receiver) -> None:
    """The archive, and where it is to send to."""
    with CMove(peer_of(server), receiver) as move:
        text = repr(move)

    assert f"CMove('ARCHIVE at 127.0.0.1:{server.port}', to='GURNEY')" == text


def test_an_instance_comes_alone(move: CMove) -> None:
    """One instance is one request, at image level."""
    reference = InstanceReference(HEAD, "2.25.400201", "2.25.400201001")

    assert reference == reference_of(move.get_dataset(reference))
