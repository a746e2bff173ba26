"""Which request in progress takes an instance that an archive stores."""

from __future__ import annotations

from queue import Empty, SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import (
    DICOMObjectReference,
    InstanceReference,
    SeriesReference,
    StudyReference,
    TransferInterruptedError,
)
from gurney.dimse import Peer
from gurney.dimse.move.handing import Store
from gurney.dimse.move.origins import Caller, Origin
from gurney.dimse.move.routing import Request, Routing
from gurney.dimse.retrieving import Arrival
from gurney.retrieving import UIDs

HEAD: UIDs = ("1.2", "1.2.3", "1.2.3.4")
CHEST: UIDs = ("1.5", "1.5.3", "1.5.3.4")

depths = st.sampled_from([StudyReference, SeriesReference, InstanceReference])
numbers = st.integers(1, 3).map(str)


def store(uids: UIDs = HEAD, originator: str = "", originator_id: int | None = None) -> Store:
    verdicts: SimpleQueue[int] = SimpleQueue()
    arrival = Arrival(uids, "", iter([b""]), 0, True, verdicts.put, lambda: None)
    return Store(arrival, originator, originator_id, verdicts)


def request(
    *references: DICOMObjectReference, message_id: int = 1, routing: Routing | None = None
) -> Request:
    made = Request(references, "GURNEY", message_id)
    if routing is not None:
        routing.add(made)
    return made


@pytest.mark.parametrize(
    "reference", [StudyReference("1.2"), SeriesReference("1.2", "1.2.3"), InstanceReference(*HEAD)]
)
def test_an_instance_belongs_to_whoever_asked_for_it(reference: DICOMObjectReference) -> None:
    """It belongs to a request for its study, for its series, and for itself."""
    routing = Routing()
    asked = request(reference, routing=routing)

    assert asked is routing.find(store())
    assert routing.find(store(CHEST)) is None


@given(depths, st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_it_belongs_if_and_only_if_it_is_inside(
    kind: type[StudyReference], asked: UIDs, came: UIDs
) -> None:
    """What is asked for is the beginning of the UIDs of whatever belongs to it."""
    depth = (StudyReference, SeriesReference, InstanceReference).index(kind) + 1
    made = request(kind(*asked[:depth]))

    assert (asked[:depth] == came[:depth]) == made.holds(came)


def test_d19_what_nobody_asked_for_belongs_to_nobody() -> None:
    """Without a request, or after it was closed, nothing is taken."""
    routing = Routing()
    ended = request(StudyReference("1.2"), routing=routing)
    routing.discard(ended)

    assert routing.find(store()) is None
    assert not routing.busy


def test_what_does_not_say_which_it_is_belongs_to_nobody() -> None:
    """An instance without UIDs is taken by no request, whoever has originated it."""
    routing = Routing()
    request(StudyReference("1.2"), routing=routing)

    assert routing.find(store(("", "", ""), "GURNEY", 1)) is None


def test_of_two_requests_that_want_it_the_originator_gets_it() -> None:
    """Title and Message ID choose where both would do; a wrong one costs nothing."""
    routing = Routing()
    first = request(StudyReference("1.2"), message_id=1, routing=routing)
    second = request(StudyReference("1.2"), message_id=2, routing=routing)

    assert second is routing.find(store(originator="GURNEY", originator_id=2))
    assert first is routing.find(store(originator="GURNEY", originator_id=1))
    assert first is routing.find(store(originator="OTHER", originator_id=7))


def test_of_two_requests_the_one_that_lacks_it_gets_it() -> None:
    """An instance goes to a request that it has not come for, whatever it says (D18)."""
    routing = Routing()
    first = request(StudyReference("1.2"), message_id=1, routing=routing)
    second = request(InstanceReference(*HEAD), message_id=2, routing=routing)
    first.hand_over(store())

    assert second is routing.find(store(originator="GURNEY", originator_id=1))


@pytest.mark.parametrize(
    ("archive", "caller", "originator", "taken"),
    [
        ("192.0.2.1", Caller.behind("ARCHIVE", "192.0.2.7", "192.0.2.9"), "", True),
        ("192.0.2.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.1"), "", True),
        ("192.0.2.1", Caller.behind("OTHER", "::ffff:192.0.2.7", "::ffff:192.0.2.1"), "", True),
        ("127.0.0.1", Caller.behind("OTHER", "127.0.0.1", "127.0.0.1"), "", True),
        ("::1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.7"), "", True),
        ("192.0.2.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.9"), "GURNEY", True),
        ("192.0.2.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.9"), "", False),
        ("192.0.2.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.9"), "ELSE", False),
        ("127.0.0.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.9"), "", False),
        ("192.0.2.1", Caller.behind("OTHER", "192.0.2.7", "192.0.2.7"), "", False),
    ],
)
def test_only_the_archive_delivers(
    archive: str, caller: Caller, originator: str, taken: bool
) -> None:
    """It has the title or the host of the one that was asked, or names the request."""
    routing = Routing()
    asked = Request([StudyReference("1.2")], "GURNEY", 1, Origin(Peer(archive, 104, "ARCHIVE")))
    routing.add(asked)
    found = routing.find(store(originator=originator, originator_id=1), caller)

    assert (asked if taken else None) is found
    assert (None if taken else caller) == asked.stranger


def test_a_host_that_is_not_found_is_nobodys() -> None:
    """An archive whose name has no address any more is known by its title."""
    origin = Origin(Peer("nowhere.invalid", 104, "ARCHIVE"))

    assert origin.is_of(Caller("ARCHIVE", "192.0.2.1"))
    assert not origin.is_of(Caller("OTHER", "192.0.2.1"))


def test_a_foreign_instance_is_told_to_the_request_it_names() -> None:
    """Who originated an instance that it has not asked for is told: its count is short by it."""
    routing = Routing()
    asked = request(StudyReference("1.2"), routing=routing)
    found = routing.find(store(CHEST, "GURNEY", 1))

    assert found is None
    assert 1 == asked.foreign


def test_instances_are_taken_in_the_order_they_came() -> None:
    """Whatever association they come over, the oldest is first: nobody starves."""
    asked = request(StudyReference("1.2"))
    stores = [store(("1.2", "1.2.3", str(number))) for number in range(3)]
    for one in stores:
        asked.hand_over(one)

    assert stores == [asked.inbox.get_nowait() for _ in stores]


def test_what_was_not_taken_is_refused_when_the_request_is_closed() -> None:
    """No thread of the receiver waits for ever: before and after, it is told 0xA700."""
    asked = request(StudyReference("1.2"))
    before, after = store(), store()
    asked.hand_over(before)
    asked.close()
    asked.hand_over(after)

    assert 0xA700 == before.verdict()
    assert 0xA700 == after.verdict()
    with pytest.raises(Empty):
        asked.inbox.get_nowait()


def test_all_requests_can_be_ended() -> None:
    """When the receiver is closed, whoever waits is told why."""
    routing = Routing()
    asked = request(StudyReference("1.2"), routing=routing)
    error = TransferInterruptedError("C-STORE", "closed")
    routing.fail_all(error)

    assert error is asked.inbox.get_nowait()


def test_a_store_that_is_broken_off_has_no_status() -> None:
    """Only the first verdict counts."""
    broken, finished = store(), store()
    broken.break_off()
    broken.arrival.finish(0)
    finished.arrival.finish(0)
    finished.break_off()

    with pytest.raises(TransferInterruptedError):
        broken.verdict()

    assert 0 == finished.verdict()
