"""Answers read ahead: bounded, one place at the gate each, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gurney.core import TransferInterruptedError
from gurney.fetching import ReadAhead
from gurney.http import Answer, Gate

LONG = 30.0
MIB = 1 << 20


class Archive:
    """Answers without a network: each task is the number of MiB that it brings.

    Attributes
    ----------
    taken
        MiB that were read of each answer.
    most
        The most answers that were being read at a time, places at the gate counted.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.taken: dict[int, int] = {}
        self.inside = 0
        self.most = 0
        self.changed = threading.Condition()
        self.closed: list[int] = []
        self.hung_up: list[int] = []
        self.stalled: set[int] = set()  # tasks whose answers stop after one piece

    def ask(self, task: int) -> Answer:
        resources = ExitStack()
        resources.enter_context(self.gate.slot())
        resources.callback(self._close, task)
        return Answer(
            asked="GET it",
            url="",
            status=200,
            headers={},
            chunks=self._chunks(task),
            document_budget=1,
            resources=resources,
            hang_up=lambda: self._hang_up(task),
        )

    def _chunks(self, task: int) -> Iterator[bytes]:
        self.taken[task] = 0
        for _ in range(task):
            with self.changed:
                self.taken[task] += 1
                self.inside = self.gate.inside
                self.most = max(self.most, self.inside)
                self.changed.notify_all()
                if task in self.stalled and self.taken[task] > 1:
                    self.changed.wait_for(lambda: task in self.hung_up, LONG)
                    raise TransferInterruptedError("GET it", "hung up")
            yield bytes(MIB)

    def _close(self, task: int) -> None:
        with self.changed:
            self.closed.append(task)
            self.changed.notify_all()

    def _hang_up(self, task: int) -> None:
        with self.changed:
            self.hung_up.append(task)
            self.changed.notify_all()

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, LONG)


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gurney")]


@pytest.fixture
def gate() -> Gate:
    return Gate(2)


@pytest.fixture
def archive(gate: Gate) -> Archive:
    return Archive(gate)


def test_everything_comes_in_order(archive: Archive) -> None:
    """The answer, then its body, then the end."""
    with ReadAhead(archive.ask, archive.gate, 2) as ahead:
        line = ahead.submit(20)

        assert 200 == line.answer().status
        assert 20 == sum(1 for _ in line.chunks())


def test_a_failure_comes_after_what_came(archive: Archive) -> None:
    """Nothing that came before it is lost."""
    archive.stalled, archive.hung_up = {3}, [3]
    with ReadAhead(archive.ask, archive.gate, 2) as ahead:
        chunks = ahead.submit(3).chunks()
        first = next(chunks)
        with pytest.raises(TransferInterruptedError):
            next(chunks)

    assert MIB == len(first)


def test_why_there_is_no_answer_is_raised(gate: Gate) -> None:
    """In the thread that wants it, whatever it is."""

    def ask(task: int) -> Answer:
        raise ZeroDivisionError(task)

    with ReadAhead(ask, gate, 1) as ahead, pytest.raises(ZeroDivisionError):
        ahead.submit(1).answer()


def test_a_reader_stops_when_its_buffer_is_full(archive: Archive) -> None:
    """However large the answer: 4 MiB are read ahead, and the next piece."""
    with ReadAhead(archive.ask, archive.gate, 1) as ahead:
        line, other = ahead.submit(100), ahead.submit(1)
        del other
        assert archive.wait_until(lambda: archive.taken.get(100) == 4)
        chunks = line.chunks()
        for _ in range(50):
            next(chunks)
            assert line.buffered <= 4 * MIB


def test_who_waits_for_room_gives_up_its_place(archive: Archive) -> None:
    """At a gate for one, somebody else can ask while a full buffer waits to be read."""
    archive.gate = Gate(1)
    with ReadAhead(archive.ask, archive.gate, 1) as ahead:
        line = ahead.submit(100)
        assert archive.wait_until(lambda: archive.taken.get(100) == 4)
        with archive.gate.slot():  # would wait for ever
            pass

        assert 100 == sum(1 for _ in line.chunks())


def test_at_least_one_reads_for_a_caller_who_holds_the_only_place(archive: Archive) -> None:
    """Else the caller would wait for the reader, and the reader for the caller."""
    archive.gate = Gate(1)
    with ReadAhead(archive.ask, archive.gate, 4) as ahead, archive.gate.slot():
        lines = [ahead.submit(size) for size in (9, 10, 11)]

        assert [9, 10, 11] == [sum(1 for _ in line.chunks()) for line in lines]
    assert 2 == archive.most


@pytest.mark.parametrize(("parallel", "limit"), [(1, 4), (4, 2), (3, 3)])
def test_no_more_are_read_than_allowed(parallel: int, limit: int) -> None:
    """Neither more than asked for, nor more than the archive gets."""
    archive = Archive(Gate(limit))
    with ReadAhead(archive.ask, archive.gate, parallel) as ahead:
        lines = [ahead.submit(size) for size in range(3, 3 + ahead.capacity)]
        while lines:
            line = ahead.fullest(lines)
            sum(1 for _ in line.chunks())
            lines.remove(line)

    assert min(parallel, limit) >= archive.most


def test_the_fullest_comes_first(archive: Archive) -> None:
    """One that stalls holds up no other."""
    archive.stalled = {50}
    with ReadAhead(archive.ask, archive.gate, 2) as ahead:
        stalled, flowing = ahead.submit(50), ahead.submit(9)
        assert archive.wait_until(lambda: archive.taken.get(9) == 4)

        assert flowing is ahead.fullest([stalled, flowing])


def test_what_has_ended_comes_before_the_fullest(archive: Archive) -> None:
    """It makes room for another question."""
    with ReadAhead(archive.ask, archive.gate, 2) as ahead:
        full, ended = ahead.submit(50), ahead.submit(1)
        assert archive.wait_until(lambda: archive.taken.get(50) == 4)
        assert archive.wait_until(lambda: 1 in archive.closed)

        assert ended is ahead.fullest([full, ended])


def test_the_callers_turn_counts(archive: Archive) -> None:
    """What the caller reads itself is one of those that are read at a time."""
    archive.gate = Gate(4)
    with ReadAhead(archive.ask, archive.gate, 1) as ahead:
        with ahead.turn():
            line = ahead.submit(2)
            assert not line.begun
        assert 2 == sum(1 for _ in line.chunks())


@pytest.mark.parametrize("size", [2, 100])
def test_nothing_is_left_behind(archive: Archive, size: int) -> None:
    """Stalled, full, or waiting for a place: all end when the caller does."""
    archive.gate = Gate(2)
    archive.stalled = {2, 3}
    before = readers()
    ahead = ReadAhead(archive.ask, archive.gate, 4)
    with ahead:
        for task in (size, 3, 4, 5):
            ahead.submit(task)
        assert archive.wait_until(lambda: archive.taken.get(3, 0) > 1)

    assert before == readers()
    assert 0 == archive.gate.inside
    assert {size, 3} <= set(archive.closed)


def test_who_waits_at_the_gate_is_given_up_too(archive: Archive) -> None:
    """A place that nobody gives back keeps no thread."""
    archive.gate = Gate(1)
    before = readers()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with archive.gate.slot():
            entered.set()
            leave.wait(LONG)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(LONG)
    with ReadAhead(archive.ask, archive.gate, 1) as ahead:
        ahead.submit(1)
    after = readers()
    leave.set()
    holder.join(LONG)

    assert before == after
    assert {} == archive.taken


def test_a_pause_ends_with_the_caller(gate: Gate) -> None:
    """A thread that waits before it asks again notices that nobody wants it any more."""
    asked = threading.Event()

    def ask(task: int) -> Answer:
        asked.set()
        ahead.pause(LONG)
        raise AssertionError(task)

    before = readers()
    ahead = ReadAhead(ask, gate, 1)
    with ahead:
        ahead.submit(1)
        assert asked.wait(LONG)

    assert before == readers()


def test_the_collector_may_close_it_where_the_gate_is_locked() -> None:
    """An abandoned download is closed wherever the collector runs: it must not wait for ever."""
    gate = Gate()
    ahead = ReadAhead[str](lambda _: pytest.fail("nothing is asked for"), gate, parallel=1)
    closed = threading.Event()

    def collect() -> None:
        with gate._lock:  # pyright: ignore[reportPrivateUsage]  as inside `_has_room`
            ahead.submit("something")  # whose thread cannot go on now
            ahead.close()
            closed.set()

    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    collector.join(10)

    assert closed.is_set()
