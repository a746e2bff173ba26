"""Downloading by C-MOVE from archives that misbehave: each quirk by its id, see FAULTS."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final

import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless
from tests.hostile.examples import HEAD, PACKED, datasets, fetch, held, known
from typing_extensions import override

from gurney.core import (
    DICOMDownloadable,
    DownloadError,
    InstanceReference,
    OutcomeStatus,
    Query,
    QueryLevels,
    StudyReference,
    decode,
    to_instance_refs,
    walk,
)
from gurney.dimse import CMove, Peer, Receiver, Retries, Timeouts
from gurney.dimse.association import Proposed, associate
from gurney.dimse.move.origins import Caller
from gurney.dimse.move.routing import Request
from gurney.testing import MemoryArchive, differences, reference_of
from gurney.testing.dimse import (
    FAULTS,
    Asked,
    Counts,
    DIMSEServer,
    Done,
    Exchange,
    Fault,
    Plan,
    Progress,
    Service,
    Silence,
    Store,
    many_classes,
)
from gurney.testing.making import MadeSeries, made

CT: Final = "1.2.840.10008.5.1.4.1.1.2"
SHORT: Final = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=10.0)
QUICK: Final = Retries(attempts=3, first_wait=0.0, longest_wait=0.0)


@pytest.fixture
def receiver() -> Iterable[Receiver]:
    with Receiver("GURNEY", port=0, timeouts=SHORT) as receiver:
        yield receiver


def to(receiver: Receiver) -> dict[str, tuple[str, int]]:
    """Return the destinations that an archive knows."""
    return {receiver.ae_title: (receiver.host, receiver.port)}


def mover(server: DIMSEServer, receiver: Receiver, *, grace: float = 10.0) -> CMove:
    """Return C-MOVE, impatient."""
    peer = Peer("127.0.0.1", server.port, server.ae_title, timeouts=SHORT, retries=QUICK)
    return CMove(peer, receiver, grace=grace)


def moves(server: DIMSEServer) -> list[Asked]:
    """Return the C-MOVE requests that a server got."""
    return [request for request in server.requests if request.service is Service.MOVE]


def same(study_uid: str, files: dict[InstanceReference, bytes]) -> bool:
    """Say whether *files* are the study, but for how its data sets are written (D31)."""
    expected = held(study_uid)
    return expected.keys() == files.keys() and not any(
        differences(expected[reference], decode(content, str(reference)))
        for reference, content in files.items()
    )


@pytest.mark.parametrize(
    "faults",
    [[], ["D16"], ["D17"], ["D18"], ["D19"], ["D20"], ["D23"], ["D31"], ["D16", "D19", "D23"]],
    ids="+".join,
)
@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["tree", "bare"])
def test_what_can_be_put_right_is(
    receiver: Receiver, faults: list[str], objects: Sequence[DICOMDownloadable]
) -> None:
    """All instances come, with the values that are stored, and the receipt says so."""
    with (
        DIMSEServer(datasets(), faults, destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, objects)

    assert same(HEAD, got.files)
    assert got.receipt.complete, got.receipt.reasons


@pytest.mark.parametrize("fault", ["D10", "D11"])
def test_d10_d11_nothing_sent_is_not_success(receiver: Receiver, fault: str) -> None:
    """0x0000 without sub-operations, or 0xC000: each instance is missing, with a reason."""
    with (
        DIMSEServer(datasets(), [fault], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert not got.receipt.complete
    assert {} == got.files
    assert 3 == len(got.receipt.outcomes)
    assert all(outcome.reason for outcome in got.receipt.outcomes)


@pytest.mark.parametrize("fault", ["D10", "D11"])
def test_d10_d11_each_instance_is_a_file_that_raises(receiver: Receiver, fault: str) -> None:
    """Who does not count for himself learns it, too: none that is known to be there is left out."""
    with (
        DIMSEServer(datasets(), [fault], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        files = list(move.files(known(HEAD)))

    assert 3 == len(files)
    for file in files:
        with pytest.raises(DownloadError):
            file.read()


def test_d11_who_fails_each_time_is_not_asked_for_ever(receiver: Receiver) -> None:
    """Of many instances of which none comes, some are asked for; all are told, with what to do."""
    study = "2.25.4007"
    many = made(study, {"StudyDate": "20240107", "PatientID": "EX-7"}, MadeSeries("CT", 60))
    trees = MemoryArchive(many).find_studies(Query(query_level=QueryLevels.INSTANCE))
    with (
        DIMSEServer(many, ["D11"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        files = list(move.files(trees))
        requests = moves(server)

    assert 60 == len(files)
    assert len(requests) <= 20
    for file in files:
        with pytest.raises(DownloadError, match="register"):
            file.read()


def test_d10_an_unknown_study_is_missing(receiver: Receiver) -> None:
    """A study that the archive does not list is an error that names it, and is not asked for."""
    with (
        DIMSEServer(datasets(), destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        (file,) = move.files([StudyReference("2.25.9999")])
        with pytest.raises(DownloadError, match=r"2\.25\.9999"):
            file.read()
        requests = moves(server)

    assert [] == requests


@pytest.mark.parametrize(
    ("fault", "status", "listed"),
    [("D12", None, True), ("D13", 0xB000, True), ("D13", 0xB000, False), ("D13", 0xA702, True)],
)
def test_d12_d13_failures_are_told_and_asked_for_again(
    receiver: Receiver, fault: str, status: int | None, listed: bool
) -> None:
    """Whatever the final response says: what has come counts, and the rest is asked for again."""
    with (
        DIMSEServer(
            datasets(),
            [fault],
            status=status,
            listed=listed,
            failing=["2.25.400201002"],
            destinations=to(receiver),
        ) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)
        requests = moves(server)

    assert not got.receipt.complete
    assert ["2.25.400201002"] == [ref.uids[-1] for ref in got.receipt.missing]
    assert 2 == len(got.files)
    assert ("2.25.400201002",) == requests[-1].values("SOPInstanceUID")
    assert {"released"} == {association.ended for association in server.associations}


class Boasts(Fault):
    """Does not send the last instance, and counts it as completed."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Say that all went well."""
        stores = [step for step in plan.steps if isinstance(step, Store)]
        if exchange.asked.service is not Service.MOVE or not stores:
            return plan
        return Plan([*stores[:-1], Done(0x0000, Counts(completed=len(stores)))])


@pytest.mark.parametrize(
    ("faults", "count", "complete"),
    [
        (["D28"], 3, True),
        (["D28", "D12"], 2, False),
        (["D28", "D16"], 3, False),
        (["D28", Boasts()], 2, False),
    ],
    ids=["D28", "D28-D12", "D28-D16", "D28-D12-boasts"],
)
def test_a_bare_study_that_cannot_be_listed_needs_proof(
    receiver: Receiver, faults: list[str | Fault], count: int, complete: bool
) -> None:
    """Without a listing, the archive's own count is all there is: it has to be what has come."""
    with (
        DIMSEServer(datasets(), faults, destinations=to(receiver)) as server,
        mover(server, receiver, grace=0.0) as move,
    ):
        files = list(move.files([StudyReference(HEAD)]))
    doubted = [] if complete else [files.pop()]

    assert count == len([file.read() for file in files])
    for file in doubted:
        assert StudyReference(HEAD) == file.reference
        with pytest.raises(DownloadError):
            file.read()


def test_d12_a_failure_that_passes_is_made_good(receiver: Receiver) -> None:
    """What failed once comes when it is asked for again."""
    with (
        DIMSEServer(
            datasets(), ["D12"], failing=["2.25.400201002"], times=1, destinations=to(receiver)
        ) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert same(HEAD, got.files)
    assert got.receipt.complete


@pytest.mark.parametrize("status", [0xA801, 0xC000])
def test_d15_destination_unknown_says_what_to_do(receiver: Receiver, status: int) -> None:
    """By its own status or by a general one: the reason names what has to be registered."""
    with (
        DIMSEServer(datasets(), ["D15"], status=status, destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)
        requests = moves(server)

    assert {} == got.files
    assert f"AE title GURNEY, host 127.0.0.1, port {receiver.port}" in " ".join(got.reasons)
    assert "register" in " ".join(got.reasons)
    assert len(requests) == 1 or status != 0xA801  # the second answer would be the same


def test_d15_destination_unknown_as_an_abort(receiver: Receiver) -> None:
    """An abort in place of an answer: asked again, but not for ever; the reason says what to do."""
    objects = [*known(HEAD), *known(PACKED)]
    with (
        DIMSEServer(datasets(), ["D15"], ending="abort", destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, objects)
        requests = moves(server)

    assert {} == got.files
    assert f"AE title GURNEY, host 127.0.0.1, port {receiver.port}" in " ".join(got.reasons)
    assert len(requests) <= 6


def test_d15_one_abort_says_already_what_it_may_mean(receiver: Receiver) -> None:
    """Before anything has come the destination is suspected; who is asked for one tries thrice."""
    one = known(HEAD)[0].series[0].instances[0]
    with (
        DIMSEServer(datasets(), ["D15"], ending="abort", destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, [one])
        requests = moves(server)

    (reason,) = got.reasons
    assert "it may not know the move destination" in reason
    assert f"AE title GURNEY, host 127.0.0.1, port {receiver.port}" in reason
    assert QUICK.attempts == len(requests)


def test_d15_who_is_really_unknown(receiver: Receiver) -> None:
    """A well-behaved archive that does not know the receiver says so, once."""
    with DIMSEServer(datasets()) as server, mover(server, receiver) as move:
        got = fetch(move)
        requests = moves(server)

    assert "does not know the move destination" in " ".join(got.reasons)
    assert 1 == len(requests)


def test_d17_silence_is_borne_as_long_as_there_is_progress(receiver: Receiver) -> None:
    """An archive may be silent; only when nothing at all comes for long is it given up."""
    impatient = Timeouts(connect=10.0, answer=0.2, idle=10.0, release=0.2)
    silent = Event()
    with DIMSEServer(datasets(), ["D17"], resume=silent, destinations=to(receiver)) as server:
        peer = Peer("127.0.0.1", server.port, server.ae_title, timeouts=impatient, retries=QUICK)
        searcher = MemoryArchive(datasets())
        with CMove(peer, receiver, searcher) as move:
            got = fetch(move)

    assert {} == got.files
    assert "neither a response nor an instance" in " ".join(got.reasons)


class Hesitates(Fault):
    """Is silent after each step, of which there are only pending responses, or only instances."""

    def __init__(self, kind: type[Progress | Store]) -> None:
        super().__init__()
        self._kind: type[Progress | Store] = kind

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Think after each step."""
        if exchange.asked.service is not Service.MOVE:
            return plan
        stores = [step for step in plan.steps if isinstance(step, Store)]
        said = [Progress(counted=number % 2 == 0) for number, _ in enumerate(stores)]
        slow = stores if self._kind is Store else said  # each says something else than the last
        rest = [] if self._kind is Store else stores
        return Plan([*(step for one in slow for step in (one, Silence())), *rest, Done()])


@pytest.mark.parametrize("kind", [Progress, Store])
def test_d17_any_progress_begins_the_time_anew(
    receiver: Receiver, kind: type[Progress | Store]
) -> None:
    """An archive that takes longer in all than it may be silent is neither left nor asked again."""
    patience = Timeouts(connect=10.0, answer=0.6, idle=10.0, release=10.0)
    with DIMSEServer(datasets(), [Hesitates(kind)], pause=0.2, destinations=to(receiver)) as server:
        peer = Peer("127.0.0.1", server.port, server.ae_title, timeouts=patience, retries=QUICK)
        with CMove(peer, receiver, MemoryArchive(datasets())) as move:
            got = fetch(move, known(PACKED))
            requests = moves(server)

    assert same(PACKED, got.files)
    assert 1 == len(requests)


def test_d16_d18_late_stores_are_waited_for_though_nothing_is_counted(receiver: Receiver) -> None:
    """The archive says that all went well, and not how many: what is known to be there is due."""
    with (
        DIMSEServer(datasets(), ["D18", "D16"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, known(PACKED))
        requests = moves(server)

    assert same(PACKED, got.files)
    assert 1 == len(requests)


def test_d18_late_stores_are_waited_for(receiver: Receiver) -> None:
    """What comes after the final response, because that counted it already, is taken."""
    with (
        DIMSEServer(datasets(), ["D18"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, known(PACKED))
        requests = moves(server)

    assert same(PACKED, got.files)
    assert 1 == len(requests)


def test_d18_without_grace_they_are_asked_for_again(receiver: Receiver) -> None:
    """Stores that come too late belong to the next question, and are taken all the same."""
    with (
        DIMSEServer(datasets(), ["D18"], times=1, destinations=to(receiver)) as server,
        mover(server, receiver, grace=0.0) as move,
    ):
        got = fetch(move, known(PACKED))

    assert same(PACKED, got.files)
    assert got.receipt.complete


def test_d19_what_nobody_asked_for_is_refused(receiver: Receiver) -> None:
    """Instances that are pushed are refused with a status, counted, and never handed on."""
    with DIMSEServer(datasets(), destinations=to(receiver)) as server:
        statuses = server.push("GURNEY")

    assert {0x0124} == set(statuses)
    assert len(statuses) == receiver.refused


def test_d19_what_comes_from_elsewhere_is_refused(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is asked for, too: only the archive delivers, unless others are named."""

    def behind(*_: object) -> Caller:
        return Caller("STRANGER", "192.0.2.1")

    def is_named_by(*_: object) -> bool:
        return False

    monkeypatch.setattr(Caller, "behind", behind)
    monkeypatch.setattr(Request, "is_named_by", is_named_by)
    with (
        DIMSEServer(datasets(), destinations=to(receiver)) as server,
        mover(server, receiver) as move,
        Receiver(port=0, timeouts=SHORT, callers=["STRANGER", server.ae_title]) as naming,
        DIMSEServer(datasets(), destinations=to(naming)) as other,
        mover(other, naming) as moving,
    ):
        got = fetch(move)
        named = fetch(moving)

    assert {} == got.files
    assert "came from STRANGER at 192.0.2.1 alone" in " ".join(got.reasons)
    assert same(HEAD, named.files)


def test_d19_a_foreign_instance_among_those_asked_for(receiver: Receiver) -> None:
    """It is refused and counted; those asked for come."""
    with (
        DIMSEServer(datasets(), ["D19"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert same(HEAD, got.files)
    assert 1 == receiver.refused


@pytest.mark.parametrize("faults", [[], ["D20"]], ids=["heeded", "D20"])
def test_d20_whoever_stops_early_cancels(receiver: Receiver, faults: list[str]) -> None:
    """Nor does it wait for an archive that goes on; what comes is refused."""
    with (
        DIMSEServer(datasets(), faults, destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        files = move.files(known(PACKED))
        next(files).read()
        del files
        again = fetch(move, known(PACKED))
        services = [request.service for request in server.requests]

    assert same(PACKED, again.files)
    assert [Service.MOVE, Service.CANCEL, Service.MOVE] == services


def test_d20_an_archive_that_falls_silent_is_left(receiver: Receiver) -> None:
    """It is told to stop, and not waited for longer than for a release."""
    hasty = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=0.1)
    with DIMSEServer(
        datasets(), [Hesitates(Store)], resume=Event(), destinations=to(receiver)
    ) as server:
        peer = Peer("127.0.0.1", server.port, server.ae_title, timeouts=hasty, retries=QUICK)
        with CMove(peer, receiver, MemoryArchive(datasets())) as move:
            files = move.files(known(PACKED))
            first = next(files).read()
            del files

    assert "" == walk([first]).fault
    assert 1 == len(moves(server))


def test_d21_more_classes_than_contexts(receiver: Receiver) -> None:
    """The receiver takes every class, over as many associations as the archive makes."""
    classes = many_classes(200)  # beyond those that PS3.6 has
    archive = MemoryArchive(classes)
    studies = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
    with (
        DIMSEServer(classes, destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        came = [reference_of(file.dataset()) for file in move.files(studies)]

    assert sorted(to_instance_refs(studies)) == sorted(came)
    assert len(came) > 128
    assert any(UID(dataset.SOPClassUID).name == dataset.SOPClassUID for dataset in classes)


def test_d22_compressed_instances_come_as_they_are_stored(receiver: Receiver) -> None:
    """The receiver accepts each transfer syntax: nothing is decompressed on the way."""
    with (
        DIMSEServer(datasets(), destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, known(PACKED))

    assert same(PACKED, got.files)
    assert {RLELossless} == {walk([one]).transfer_syntax for one in got.files.values()}


def test_d22_the_other_kind_is_accepted_where_one_fails(receiver: Receiver) -> None:
    """An archive that offers both kinds in one context, and converts nothing: both are tried."""
    chosen: list[str] = []

    class Mixed(Fault):
        """Can send uncompressed instances only, and offers a compressed transfer syntax first."""

        @override
        def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
            if exchange.asked.service is not Service.MOVE:
                return plan
            peer = Peer(receiver.host, receiver.port, receiver.ae_title)
            association = associate(peer, [Proposed(CT, [RLELossless, ExplicitVRLittleEndian])])
            chosen.append(association.contexts[0].transfer_syntax)
            association.release()
            return plan if chosen[-1] == ExplicitVRLittleEndian else Plan([Done(0xA702)])

    with (
        DIMSEServer(datasets(), [Mixed()], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        one = fetch(move, [known(HEAD)[0].series[0].instances[0]])
        chosen_for_one = chosen.copy()
        several = fetch(move)

    assert [RLELossless, ExplicitVRLittleEndian] == chosen_for_one
    assert 1 == len(one.files)
    assert same(HEAD, several.files)


def test_d23_a_list_that_is_refused_becomes_single_questions(receiver: Receiver) -> None:
    """Instances are asked for in a list, and one by one where the archive takes none."""
    references = to_instance_refs(known(PACKED))
    with (
        DIMSEServer(datasets(), ["D23"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move, references)
        requests = moves(server)

    assert same(PACKED, got.files)
    assert [6, 1, 1, 1, 1, 1, 1] == [len(each.values("SOPInstanceUID")) for each in requests]


def test_d09_every_request_names_what_it_asks_for(receiver: Receiver) -> None:
    """No request has an empty UID, or a wildcard; to each belong a level and a destination."""
    with (
        DIMSEServer(datasets(), ["D09", "D12"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        fetch(move, [*known(HEAD), *to_instance_refs(known(PACKED)), StudyReference("2.25.1")])
        requests = moves(server)

    assert requests
    for request in requests:
        uids = [element for element in request.identifier if element.VR == "UI"]
        assert request.level in ("STUDY", "SERIES", "IMAGE")
        assert "GURNEY" == request.destination
        assert all(str(uid.value).strip("*?") for uid in uids)
        assert 1 + ["STUDY", "SERIES", "IMAGE"].index(request.level) == len(uids)
        assert request.values("StudyInstanceUID") in [(HEAD,), (PACKED,)]


@pytest.mark.parametrize("ending", ["abort", "cut"])
@pytest.mark.parametrize("between", [False, True], ids=["within", "between"])
def test_d30_an_association_that_ends_early(receiver: Receiver, ending: str, between: bool) -> None:
    """In the middle of an instance, or of the request: once it is made good, always it is told."""
    with (
        DIMSEServer(
            datasets(),
            ["D30"],
            ending="abort" if ending == "abort" else "cut",
            between=between,
            times=1,
            destinations=to(receiver),
        ) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert same(HEAD, got.files)
    assert got.receipt.complete


def test_d30_an_association_that_always_ends_is_given_up(receiver: Receiver) -> None:
    """The reason is how it ended; the others are asked for as often as `Retries` says."""
    with (
        DIMSEServer(datasets(), ["D30"], between=True, destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)
        requests = moves(server)

    assert 0 < len(got.files) < 3
    assert all("the association was aborted by the other side" in each for each in got.reasons)
    assert len(requests) <= QUICK.attempts * (3 - len(got.files))


def test_d30_for_ever_is_told(receiver: Receiver) -> None:
    """Instances that break off each time are failures; what came whole stays."""
    with (
        DIMSEServer(datasets(), ["D30"], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert not got.receipt.complete
    assert 3 == len(got.receipt.outcomes)
    assert all(
        outcome.status is OutcomeStatus.STORED or outcome.reason for outcome in got.receipt.outcomes
    )


def test_d29_a_huge_announced_length_ends_the_association(receiver: Receiver) -> None:
    """Nothing is made room for by what a stranger announces; others are not disturbed."""
    with (
        socket.create_connection((receiver.host, receiver.port), timeout=5.0) as stranger,
        DIMSEServer(datasets(), destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        stranger.sendall(bytes.fromhex("0100fffffff0") + bytes(1024))
        got = fetch(move)
        ended = stranger.recv(64)

    assert same(HEAD, got.files)
    assert ended == b"" or ended[:1] == b"\x07"  # A-ABORT


def test_d29_a_huge_announced_answer(receiver: Receiver) -> None:
    """A response whose PDU announces 4 GB is a failure, not memory."""
    with (
        DIMSEServer(datasets(), [_OnlyMoves("D29")], destinations=to(receiver)) as server,
        mover(server, receiver) as move,
    ):
        got = fetch(move)

    assert {} == got.files
    assert 3 == len(got.receipt.outcomes)


def test_instances_come_over_several_associations(receiver: Receiver) -> None:
    """An archive may deliver over several at once: each instance is taken, none twice."""
    uids = [str(reference.uids[2]) for reference in to_instance_refs(known(PACKED))]
    with (
        DIMSEServer(datasets(), destinations=to(receiver)) as server,
        DIMSEServer(datasets(), destinations=to(receiver)) as other,
        mover(server, receiver) as move,
        ThreadPoolExecutor(2) as pool,
    ):
        files = move.files([StudyReference(PACKED)])
        first = next(files)
        pushed = [pool.submit(other.push, "GURNEY", uids[3 * n : 3 * n + 3]) for n in range(2)]
        came = [first.reference, *(reference_of(file.dataset()) for file in files)]
        statuses = [status for each in pushed for status in each.result(10.0)]

    assert sorted(to_instance_refs(known(PACKED))) == sorted(filter(None, came))
    assert 6 == len(statuses)
    assert set(statuses) <= {0x0000, 0x0111, 0x0124, 0xA700}


class _OnlyMoves(Fault):
    """Another fault, of C-MOVE only."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self._fault: Fault = FAULTS[fault](self.settings)

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        is_move = exchange.asked.service is Service.MOVE
        return self._fault.planned(exchange, plan) if is_move else plan
