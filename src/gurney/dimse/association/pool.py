"""The associations with one archive: reused, and no more at a time than it allows."""

from __future__ import annotations

import logging
import weakref
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Condition, RLock, get_ident
from types import TracebackType
from typing import TypeVar

import attrs
from typing_extensions import Self

from ...core import ArchiveUnavailableError, InvalidInputError
from ...manners import Pace
from ..settings import Peer
from .association import Association
from .contexts import Proposed
from .requesting import associate

__all__ = ["Associations", "associations_of"]

T = TypeVar("T")

_log = logging.getLogger("gurney.dimse")


class Associations:
    """Associations with one archive, safe to share between threads.

    At most ``peer.associations`` are open at a time; who wants one more waits. A thread that has
    one gets another without waiting, because it may need it to give back the first.

    Idle ones are kept for the time of a ``with`` statement, or of a search or a download
    (`reusing`), and only until one is needed for something else: there are archives that serve four
    at a time, idle ones included, and leave the fifth without an answer.

    Parameters
    ----------
    peer
        The archive.
    pace
        How many requests and bytes a second: associations, C-FIND, C-GET and C-MOVE are requests,
        and the bytes those of instances. It is told when the archive is busy: when it rejects an
        association for now, or is out of resources (0xA700).
    """

    def __init__(self, peer: Peer, *, pace: Pace | None = None) -> None:
        self.peer: Peer = peer
        self.pace: Pace | None = pace
        self._closed: bool = False
        self._users: int = 0  # searches and downloads under way
        # Whoever takes one out owns it: a list does that in one step, so closing needs no lock.
        self._idle: list[_Idle] = []
        self._inside: Counter[int] = Counter()  # associations by thread
        # Reentrant: the collector may close a generator, and so this, where the lock is held.
        self._lock: RLock = RLock()
        self._changed: Condition = Condition(self._lock)
        weakref.finalize(self, _abort_all, self._idle)

    @contextmanager
    def reusing(self) -> Generator[None]:
        """Keep idle associations for the time of a ``with``, for who proposes the same again."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
            if not self._users:
                self._release_idle()

    def during(self, items: Iterator[T]) -> Generator[T]:
        """Yield *items*, `reusing` associations until their end."""
        with self.reusing():
            yield from items

    @contextmanager
    def taken(
        self, proposed: Sequence[Proposed], *, extended: Mapping[str, bytes] | None = None
    ) -> Generator[Association]:
        """Give an association for the time of a ``with``: an idle one, or a new one.

        It is given back if the ``with`` ends without an exception and between two messages, and
        aborted otherwise. An idle one that the archive has closed
        meanwhile is replaced.

        Parameters
        ----------
        proposed, extended
            As of `associate`.

        Raises
        ------
        ArchiveUnavailableError
            If there is none, after ``peer.retries``.
        GurneyError
            As `associate` says.
        """
        asked = _Asked(tuple(proposed), tuple(sorted((extended or {}).items())))
        thread = get_ident()
        self._enter(thread)
        try:
            association = self._reused(asked) or self._made(asked)
            try:
                yield association
            except BaseException:
                association.abort()
                raise
            self._keep(_Idle(asked, association))
        finally:
            self._leave(thread)

    def close(self) -> None:
        """Release what is idle; what is in use is released when it is given back."""
        self._closed = True
        self._release_idle()

    def __enter__(self) -> Self:
        with self._lock:
            self._users += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Associations], tuple[Peer]]:
        return partial(type(self), pace=self.pace), (self.peer,)

    def _enter(self, thread: int) -> None:
        with self._lock:
            self._changed.wait_for(lambda: self._has_room(thread))
            self._inside[thread] += 1

    def _has_room(self, thread: int) -> bool:
        return self._inside[thread] > 0 or self._inside.total() < self.peer.associations

    def _leave(self, thread: int) -> None:
        with self._lock:
            self._inside[thread] -= 1
            self._inside += Counter()  # forgets threads without associations
            self._changed.notify_all()

    def _reused(self, asked: _Asked) -> Association | None:
        for idle in reversed(self._idle.copy()):
            if idle.asked == asked and self._take(idle):
                if idle.association.usable:
                    return idle.association
                idle.association.abort()
        return None

    def _take(self, idle: _Idle) -> bool:
        try:
            self._idle.remove(idle)
        except ValueError:  # somebody else has it now
            return False
        return True

    def _made(self, asked: _Asked) -> Association:
        """Ask for an association, again and again if that may help."""
        self._release_idle()
        for attempt in range(1, self.peer.retries.attempts):
            if (association := self._tried(asked, attempt)) is not None:
                return association
        return self._asked(asked)

    def _asked(self, asked: _Asked) -> Association:
        extended = dict(asked.extended)
        return associate(self.peer, asked.proposed, extended=extended, pace=self.pace)

    def _tried(self, asked: _Asked, attempt: int) -> Association | None:
        """Ask for an association; if there is none now, wait for a while."""
        try:
            return self._asked(asked)
        except ArchiveUnavailableError as error:
            wait = self.peer.retries.wait_before(attempt)
            _log.info("%s; attempt %d in %.1f s", error, attempt + 1, wait)
            self.peer.retries.sleep(wait)
            return None

    def _keep(self, idle: _Idle) -> None:
        if not idle.association.usable:
            idle.association.abort()
            return
        self._idle.append(idle)
        if self._closed or not self._users:
            self._release_idle()

    def _release_idle(self) -> None:
        while self._idle:
            try:
                oldest = self._idle.pop(0)
            except IndexError:  # somebody else took the last
                return
            oldest.association.release()


def associations_of(archive: Peer | Associations, pace: Pace | None = None) -> Associations:
    """Return the associations with an archive: those given, or new ones that keep to *pace*.

    Raises
    ------
    InvalidInputError
        If *archive* is neither; or if there is a pace for `Associations`, which have their own.
    """
    if isinstance(archive, Associations):
        if pace not in (None, archive.pace):
            raise InvalidInputError("Associations have their own pace; give the pace to those")
        return archive
    _check(archive)
    return Associations(archive, pace=pace)


def _check(archive: object) -> None:
    """See that it is what it has to be: types are not checked where people try things out."""
    if not isinstance(archive, Peer):
        raise InvalidInputError(
            f"an archive is a Peer, or Associations with one, not {type(archive).__name__};"
            " gurney.dimse.open_url takes a URL"
        )


@attrs.frozen
class _Asked:
    """What has to be the same for an association to be of use again."""

    proposed: tuple[Proposed, ...]
    extended: tuple[tuple[str, bytes], ...]


@attrs.frozen(eq=False)
class _Idle:
    asked: _Asked
    association: Association


def _abort_all(idle: list[_Idle]) -> None:
    """Close what is left where nobody has; the collector does not wait for an answer."""
    while idle:
        idle.pop().association.abort()
