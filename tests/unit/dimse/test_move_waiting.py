"""How long a C-MOVE waits: by progress, not by a clock (D17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, cast

import attrs
import pytest
from typing_extensions import override

from gurney.core import ProtocolViolationError, StudyReference, TransferInterruptedError
from gurney.dimse import Receiver
from gurney.dimse.association import Association, Command, Context, Message
from gurney.dimse.association.commands import c_echo_rq, c_move_rq, response_to
from gurney.dimse.move.conversation import Moving
from gurney.dimse.move.handing import Store
from gurney.dimse.move.refusals import Suspicion
from gurney.dimse.move.routing import Request
from gurney.dimse.move.watching import Watcher
from gurney.dimse.retrieving import Arrival, Final

MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
CONTEXT = Context(1, MOVE, "1.2.840.10008.1.2.1")
LONG_AGO = -1e6
ASKED = c_move_rq(7, MOVE, "GURNEY")


@attrs.frozen
class Said:
    """A message without a data set."""

    command: Command

    def skip(self) -> None:
        pass


class Line:
    """An association over which only what is given comes."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._commands: Iterator[Command] = iter(commands)
        self.peer: object = attrs.make_class("_Peer", {"address": attrs.field(default="here")})()
        self.interrupted: bool = False

    def receive(self, timeout: float) -> Message:
        assert timeout > 86400.0  # who waits for the instances knows how long
        command = next(self._commands, None)
        if command is None:
            raise TransferInterruptedError("C-MOVE", "the association is over")
        return cast("Message", Said(command))

    def interrupt(self) -> None:
        self.interrupted = True


class Waiting(Line):
    """An association over which nothing comes until it is interrupted."""

    def __init__(self) -> None:
        super().__init__([])
        self._over: Event = Event()

    @override
    def receive(self, timeout: float) -> Message:
        self._over.wait(10.0)
        return super().receive(timeout)

    @override
    def interrupt(self) -> None:
        super().interrupt()
        self._over.set()


class Slow(SimpleQueue[Any]):
    """What is put is there at once; who puts it is kept until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.release: Event = Event()

    @override
    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        super().put(item)
        self.release.wait(10.0)


def request() -> Request:
    made = Request([StudyReference("1.2")], "GURNEY", 7)
    made.progress = LONG_AGO
    return made


def watch(asked: Request, commands: Iterable[Command] | Line) -> Watcher:
    line = commands if isinstance(commands, Line) else Line(commands)
    return Watcher(cast("Association", line), CONTEXT, asked)


def moving(asked: Request, *commands: Command, answer: float = 10.0) -> Moving:
    suspicion = Suspicion(Receiver())
    return Moving(
        "C-MOVE",
        lambda: watch(asked, commands),
        asked,
        suspicion,
        answer=answer,
        grace=0.0,
        one=False,
    )


def test_a_pending_response_is_progress() -> None:
    """Whatever it says, the time begins anew; the final response is passed on."""
    asked = request()
    watch(asked, [response_to(ASKED, 0xFF00), response_to(ASKED, 0x0000)])
    event = asked.inbox.get(timeout=10.0)

    assert Final(0x0000) == event
    assert asked.progress > LONG_AGO


def test_there_is_an_end_to_the_same_response() -> None:
    """An archive may be at work for hours, and say so (D17); not for ever."""
    asked = request()
    watch(asked, repeat(response_to(ASKED, 0xFF00)))
    event = asked.inbox.get(timeout=10.0)

    assert isinstance(event, TransferInterruptedError)
    assert "said the same" in str(event)


def test_a_final_response_alone_is_none() -> None:
    """Nothing has been sent by then."""
    asked = request()
    watch(asked, [response_to(ASKED, 0x0000)])
    asked.inbox.get(timeout=10.0)

    assert LONG_AGO == asked.progress


def test_who_has_read_the_final_response_is_not_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread may be about to end for a while; the association is sound and is used again."""
    inbox = Slow()
    asked = request()
    asked.inbox = inbox
    line = Line([response_to(ASKED, 0x0000)])
    watcher = watch(asked, line)
    inbox.get(timeout=10.0)
    join = Thread.join

    def let_go(thread: Thread, timeout: float | None = None) -> None:
        inbox.release.set()
        join(thread, timeout)

    monkeypatch.setattr(Thread, "join", let_go)
    watcher.end()

    assert inbox.release.is_set()
    assert not line.interrupted


def test_who_still_reads_is_interrupted() -> None:
    """Nothing else ends its waiting."""
    asked = request()
    line = Waiting()
    watch(asked, line).end()

    assert line.interrupted
    assert isinstance(asked.inbox.get(timeout=10.0), TransferInterruptedError)


@pytest.mark.parametrize(
    "stranger",
    [response_to(c_move_rq(8, MOVE, "GURNEY"), 0), response_to(c_echo_rq(7, MOVE), 0), ASKED],
    ids=["another request", "another service", "a request"],
)
def test_what_is_no_response_is_told(stranger: Command) -> None:
    """Another message than a response to this request is a violation."""
    asked = request()
    watch(asked, [stranger])

    assert isinstance(asked.inbox.get(timeout=10.0), ProtocolViolationError)


def test_without_progress_it_is_given_up() -> None:
    """Neither a response nor an instance for as long as was allowed."""
    asked = request()
    waiting = moving(asked)
    asked.inbox.get(timeout=10.0)  # that the association is over is not told here

    with pytest.raises(TransferInterruptedError, match="neither a response nor an instance"):
        list(waiting.arrivals())


def test_who_takes_an_instance_may_need_long() -> None:
    """After an instance was taken the time begins anew."""
    asked = request()
    verdicts: SimpleQueue[int] = SimpleQueue()
    uids = ("1.2", "1.3", "1.4")
    arrival = Arrival(uids, "", iter([b""]), 0, True, verdicts.put, lambda: None)
    asked.hand_over(Store(arrival, "", None, verdicts))
    taking = moving(asked, response_to(ASKED, 0x0000))
    for _ in taking.arrivals():
        asked.progress = LONG_AGO

    assert asked.progress > monotonic() - 1000.0
