"""Several answers are read at once, each by a thread, into buffers that never grow large.

The caller's thread asks, with `ReadAhead.submit`, and takes what has come; it alone sees the
content. A thread whose buffer is full waits until there is room, and gives its place at the
`Gate` to others meanwhile. Nothing is left behind by `close`: threads, connections, places.

An interrupt between ``with condition:`` and its first line would leave the lock taken for ever; a
plain lock has no such gap. Hence locks are named beside their conditions here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Condition, RLock, Thread, current_thread, get_ident
from types import TracebackType
from typing import Final, Generic, TypeVar

from typing_extensions import Self

from ..core import ArchiveUnavailableError
from ..http import Answer, Gate, GivenUpError

__all__ = ["Line", "ReadAhead"]

T = TypeVar("T")

_BUFFER: Final = 4 << 20  # bytes of an answer that have come and are not yet taken
_GRACE: Final = 0.2  # seconds in which a thread notices that it is given up
_PATIENCE: Final = 5.0  # seconds for one that has noticed


class Line(Generic[T]):
    """One question, and what has come of the answer to it.

    Attributes
    ----------
    task
        The question.
    buffered
        Bytes that have come and are not yet taken.
    ended
        Whether no more will come.
    dropped
        Whether nobody will take what comes.
    """

    def __init__(self, task: T, lock: RLock, changed: Condition) -> None:
        self.task: T = task
        self.buffered: int = 0
        self.ended: bool = False
        self.dropped: bool = False
        self._lock: RLock = lock
        self._changed: Condition = changed
        self._answer: Answer | None = None
        self._pieces: deque[bytes] = deque()
        self._failure: BaseException | None = None

    @property
    def ready(self) -> bool:
        """Whether there is something to take, be it the end."""
        return self.ended or self.buffered > 0

    @property
    def begun(self) -> bool:
        """Whether there is an answer."""
        return self._answer is not None

    @property
    def has_room(self) -> bool:
        """Whether half of the buffer is free: then it is worth going on."""
        return self.buffered <= _BUFFER // 2

    def answer(self) -> Answer:
        """Return the answer once it has begun; raise why there is none."""
        with self._lock:
            self._changed.wait_for(lambda: self._answer is not None or self.ended)
            if self._answer is None:
                raise self._failure or AssertionError("it has ended without an answer")
            return self._answer

    def chunks(self) -> Iterator[bytes]:
        """Yield the body; at its end, raise why it has ended too early."""
        while (piece := self._take()) is not None:
            yield piece
        if self._failure is not None:
            raise self._failure

    def _take(self) -> bytes | None:
        with self._lock:
            if not self._pieces:
                self._changed.wait_for(lambda: self._pieces or self.ended)
                if not self._pieces:
                    return None
            had_room = self.has_room
            piece = self._pieces.popleft()
            self.buffered -= len(piece)
            if self.has_room and not had_room:
                self._changed.notify_all()
            return piece

    # ------------------------------------------------------------ for the thread that reads

    def begin(self, answer: Answer) -> None:
        """Take note of the answer."""
        with self._lock:
            self._answer = answer
            self._changed.notify_all()

    def put(self, piece: bytes) -> bool:
        """Add what has come; say whether the buffer is full."""
        with self._lock:
            if not self._pieces:
                self._changed.notify_all()
            self._pieces.append(piece)
            self.buffered += len(piece)
            return self.buffered >= _BUFFER

    def end(self, failure: BaseException | None) -> None:
        """Take note that no more comes, and why."""
        with self._lock:
            self._failure = failure
            self.ended = True
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Have the thread that reads notice that nobody wants more."""
        if self._answer is not None and not self.ended:
            self._answer.hang_up()


class ReadAhead(Generic[T]):
    """Asks for tasks with a few threads, and reads the answers ahead.

    Parameters
    ----------
    ask
        Asks for a task; called by any thread.
    gate
        That of the archive.
    parallel
        Answers that are read at a time, at most.
    """

    def __init__(self, ask: Callable[[T], Answer], gate: Gate, parallel: int) -> None:
        self.capacity: int = 2 * min(parallel, gate.maximum)
        self._ask: Callable[[T], Answer] = ask
        self._gate: Gate = gate
        self._parallel: int = min(parallel, gate.maximum)
        self._turns: Gate = Gate(self._parallel)
        self._caller: int = get_ident()
        self._lock: RLock = RLock()
        self._changed: Condition = Condition(self._lock)
        self._tasks: deque[Line[T]] = deque()
        self._threads: dict[Thread, Line[T] | None] = {}  # and what each is reading
        self._closing: bool = False

    def submit(self, task: T) -> Line[T]:
        """Have *task* asked for; no more than ``capacity`` of them are useful at a time."""
        line = Line(task, self._lock, self._changed)
        with self._lock:
            self._tasks.append(line)
            idle = sum(reading is None for reading in self._threads.values())
            if idle < len(self._tasks) and len(self._threads) < self._parallel:
                thread = Thread(target=self._work, name="gurney-read-ahead", daemon=True)
                thread.start()
                self._threads[thread] = None  # now that `close` can wait for it
            self._changed.notify_all()
        return line

    def fullest(self, lines: Sequence[Line[T]]) -> Line[T]:
        """Wait until one of *lines* is ready; return one that is all there, or else most of it."""
        with self._lock:
            self._changed.wait_for(lambda: any(line.ready for line in lines))
            return max(lines, key=lambda line: (line.ended, line.buffered))

    def drop(self, line: Line[T]) -> None:
        """Give up what is left of an answer: its thread would wait for room for ever.

        Where nothing is left but the end, that may come, so that the connection is used again.
        """
        with self._lock:
            line.dropped = True
            self._changed.notify_all()
        if line.buffered:
            line.hang_up()

    def turn(self) -> AbstractContextManager[object]:
        """Wait until one answer fewer is being read, for one that the caller's thread reads."""
        return self._turns.slot()

    def given_up(self) -> bool:
        """Say whether nobody wants the answers any more."""
        return self._closing

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than anybody wants the answers."""
        with self._lock:
            self._changed.wait_for(self.given_up, seconds)
        if self._closing:
            raise GivenUpError

    def close(self) -> None:
        """End everything that is under way.

        A thread that waits for an answer to begin ends when that does, or when the time for it is
        over: nothing else can make it. None is waited for without end: the collector may call this
        in any thread, at any point, also in the middle of what holds the gate's lock.
        """
        with self._lock:
            self._closing = True
            self._tasks.clear()
            reading = dict(self._threads)
            self._changed.notify_all()
        self._turns.wake()
        self._gate.wake()
        for line in reading.values():
            if line is not None:
                line.hang_up()
        for thread, line in reading.items():
            if thread is not current_thread():
                notices = get_ident() == self._caller and (line is None or line.begun)
                thread.join(_PATIENCE if notices else _GRACE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ the threads

    def _work(self) -> None:
        helping = (self._caller, self.given_up)
        with self._turns.helping(*helping), self._gate.helping(*helping):
            while (line := self._next()) is not None:
                line.end(self._read(line))

    def _next(self) -> Line[T] | None:
        thread = current_thread()
        with self._lock:
            self._threads[thread] = None
            self._changed.wait_for(lambda: self._tasks or self._closing)
            if self._closing:
                del self._threads[thread]
                return None
            self._threads[thread] = line = self._tasks.popleft()
            return line

    def _read(self, line: Line[T]) -> BaseException | None:
        """Read an answer to its end, and return what went wrong."""
        try:
            with self._turns.slot(), self._ask(line.task) as answer:
                line.begin(answer)
                for piece in answer.chunks():
                    if line.put(piece):
                        self._wait_for_room(line)
                    if self._closing or line.dropped:
                        break
        except BaseException as error:  # noqa: BLE001  raised where the answer is taken
            return error
        return ArchiveUnavailableError("given up") if self._closing else None

    def _wait_for_room(self, line: Line[T]) -> None:
        # It has to come back in the order it came in, or two could wait for each other.
        with self._gate.parked(), self._turns.parked(), self._lock:
            self._changed.wait_for(lambda: line.has_room or line.dropped or self._closing)
