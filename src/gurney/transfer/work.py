"""What a worker does with a parcel, in whatever thread or process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Protocol

import attrs
from typing_extensions import TypeIs

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMFile,
    GurneyError,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Storage,
)
from gurney.trolley import Item, attempt, in_trees, name_of

from .journal import Coming, FileJournal, Journal, MemoryJournal, journal_path
from .parcels import Delivered, Errand, Obstacle, Parcel
from .workplace import Workplace, working

__all__ = ["holds", "look", "work"]

_FORBIDDEN: Final = 403  # it knows who asks (RFC 9110 15.5.4)


def work(errand: Errand, parcel: Parcel) -> Delivered:
    """Fetch what is in *parcel* and not there yet, store it, and say what became of it.

    Nothing that goes wrong is raised; what does not concern one instance is the `problem`.
    """
    with working(errand) as place:
        job = _Job(errand.storage, place, parcel)
        problem: GurneyError | None = None
        try:
            with ExitStack() as stack:
                job.begin(_journal(errand, parcel, stack))
                job.fetch()
        except GurneyError as error:
            problem = error
        obstacle = _obstacle(problem)
        if obstacle is Obstacle.FORBIDDEN:
            job.fail(str(problem))
        done = {outcome.reference for outcome in job.outcomes}
        return Delivered(
            parcel=parcel.number,
            outcomes=tuple(job.outcomes),
            received=job.received,
            refusals=place.refusals(),
            obstacle=obstacle,
            problem="" if problem is None else str(problem) or type(problem).__name__,
            parked=problem is None and not done.issuperset(parcel.references),
            by_archive=place.by_archive(job.received),
        )


def look(errand: Errand, parcel: Parcel) -> tuple[Outcome, ...]:
    """Return what is there of *parcel*, fetching nothing.

    Raises
    ------
    StorageError
        If nobody can say.
    """
    with working(errand) as place, ExitStack() as stack:
        job = _Job(errand.storage, place, parcel)
        job.begin(_journal(errand, parcel, stack))
    return tuple(job.outcomes)


def _obstacle(problem: GurneyError | None) -> Obstacle | None:
    if problem is None:
        return None
    if isinstance(problem, ArchiveUnavailableError):
        return Obstacle.AWAY
    if isinstance(problem, AuthenticationError):
        return Obstacle.FORBIDDEN if problem.status == _FORBIDDEN else Obstacle.DENIED
    return Obstacle.BLOCKED


def _journal(errand: Errand, parcel: Parcel, stack: ExitStack) -> Journal:
    """Open the journal; a worker on a machine that does not see its folder does without."""
    if errand.journal is None or not errand.journal.is_dir():
        return MemoryJournal()
    return stack.enter_context(FileJournal(journal_path(errand.journal, parcel.number)))


@attrs.define
class _Job:
    storage: Storage
    place: Workplace
    parcel: Parcel
    outcomes: list[Outcome] = attrs.field(factory=list[Outcome])
    received: int = 0
    _journal: Journal = attrs.field(factory=MemoryJournal)

    def begin(self, journal: Journal) -> None:
        """See what is there already, and who put it there."""
        self._journal = journal
        if journal.noted.before is not None:
            self.outcomes += filter(None, map(self._outcome_before, self.parcel.references))
            return
        there = list(filter(None, map(self.storage.find, self.parcel.references)))
        names = (outcome.reference for outcome in there)
        journal.begin(name for name in names if isinstance(name, InstanceReference))
        for outcome in there:
            journal.note(outcome)
        self.outcomes += [self._said_right(outcome) for outcome in there]  # if not by us alone

    def fetch(self) -> None:
        """Ask for what is not there."""
        done = {outcome.reference for outcome in self.outcomes}
        wanted = [ref for ref in self.parcel.references if ref not in done]
        if not wanted or self.place.parked():
            return
        objects = in_trees(wanted, self.parcel.references, self.parcel.whole)
        downloader = self.place.open().downloader
        for outcome in attempt(downloader, objects, self._take, until=self.place.parked):
            self.outcomes.append(outcome)

    def fail(self, reason: str) -> None:
        """Say of what has no outcome that it has failed."""
        done = {outcome.reference for outcome in self.outcomes}
        self.outcomes += [
            Outcome(reference=reference, status=OutcomeStatus.FAILED, reason=reason)
            for reference in self.parcel.references
            if reference not in done
        ]

    def _outcome_before(self, reference: InstanceReference) -> Outcome | None:
        """Return what became of an instance in the hands of a worker that was stopped."""
        noted = self._journal.noted
        outcome = noted.outcomes.get(reference)
        if outcome is not None and holds(self.storage, outcome):
            return outcome
        found = self.storage.find(reference)
        return None if found is None else self._said_right(found)

    def _said_right(self, found: Outcome) -> Outcome:
        """What is there, and was not before, was stored by us."""
        noted, reference = self._journal.noted, found.reference
        if not isinstance(reference, InstanceReference):
            return found
        if noted.before is None or reference in noted.before:
            return found
        came = noted.coming.get(reference, Coming(found.protocol, found.retries))
        return _stored(found, came)

    def _take(self, item: Item) -> Outcome:
        name = name_of(item)
        coming = Coming()
        if isinstance(item, DICOMFile):
            coming = Coming(item.protocol, item.retries)
            item.chunks = self._counted(item.chunks)
        if isinstance(name, InstanceReference):
            self._journal.intend(name, coming)
        outcome = self.storage.store(item)
        if outcome.status is OutcomeStatus.ALREADY_THERE:
            outcome = self._said_right_of_new(outcome)
        if outcome.good:
            self._journal.note(outcome)
        return outcome

    def _said_right_of_new(self, outcome: Outcome) -> Outcome:
        """What another worker has put there, before it died or was taken for lost, is ours."""
        reference = outcome.reference
        if not isinstance(reference, InstanceReference):
            return outcome
        before = self._journal.noted.before or ()
        came = self._journal.was_coming(reference)
        return outcome if came is None or reference in before else _stored(outcome, came)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.received += len(chunk)
            self.place.count(len(chunk))
            yield chunk


def _stored(found: Outcome, came: Coming) -> Outcome:
    return attrs.evolve(
        found, status=OutcomeStatus.STORED, protocol=came.protocol, retries=came.retries
    )


class _Holding(Protocol):
    def holds(self, outcome: Outcome, /) -> bool: ...


def holds(storage: Storage, outcome: Outcome) -> bool:
    """Say whether what *outcome* says is stored still is; by name and size, if *storage* can."""
    if outcome.status is OutcomeStatus.WITHHELD:
        return True
    if _can_hold(storage):
        return storage.holds(outcome)
    reference = outcome.stored_as or outcome.reference
    return isinstance(reference, InstanceReference) and storage.find(reference) is not None


def _can_hold(storage: object) -> TypeIs[_Holding]:
    return callable(getattr(storage, "holds", None))
