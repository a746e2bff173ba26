"""A list of what is wanted becomes a list of what there is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from threading import Event
from typing import Final

import attrs

from gurney.core import Completeness, GurneyError, Searcher, unique

from .items import Item
from .ledger import Counts, Ledger
from .limits import Limits
from .looking import several
from .planner import Planner
from .questions import batches
from .running.clock import Clock

__all__ = ["NOTHING", "Plan", "announced", "plan_items", "plan_of"]

NOTHING: Final = "nothing has been planned: say what is wanted"


@attrs.frozen(kw_only=True)
class Plan:
    """What a transfer is going to fetch, and how sure that is.

    Attributes
    ----------
    items, unplanned, failed
        Lines of what is wanted: all; those not looked up yet; those of which nothing is known.
    studies, instances
        What they stand for.
    completeness
        Whether that is known to be everything.
    reasons
        Why not, by the places of the items.
    notes
        Oddities that do not touch completeness.
    """

    items: int
    unplanned: int
    failed: int
    studies: int
    instances: int
    completeness: Completeness
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all items are looked up, and what they stand for is known to be everything."""
        return self.completeness is Completeness.COMPLETE

    def __str__(self) -> str:
        found = f"{self.instances} instances of {self.studies} studies, for {self.items} items"
        state = "" if self.complete else f"; INCOMPLETE ({self.completeness.value})"
        return "\n  ".join([f"{found}{state}", *self.reasons])


def plan_items(
    items: Iterable[Item],
    searcher: Searcher,
    ledger: Ledger,
    limits: Limits | None = None,
    *,
    retry_failed: bool = True,
    progress: Callable[[Counts], None] | None = None,
    stop: Event | None = None,
    clock: Clock | None = None,
) -> Plan:
    """Look up *items*, as far as that has not been done, and note what there is.

    An archive that is busy, or away, is left alone for a while, and asked again; what a killed
    process has found out is not asked again.

    Parameters
    ----------
    items
        What is wanted.
    searcher
        Whom to ask; from several threads at a time.
    ledger
        Open, and locked by the caller.
    limits
        How hard the searcher may be worked, and how long it may be away.
    retry_failed
        Whether what could not be looked up before, or of which not all may have been found, is
        looked up again, after what never was.
    progress
        Is called now and then with how far it is.
    stop
        Ends the planning in good order when it is set.
    clock
        What tells the time, for tests.

    Raises
    ------
    ArchiveUnavailableError
        If there has been nobody to ask for too long. What was found out until then is noted.
    AuthenticationError
        If nobody answers us.
    """
    known = announced(items, ledger)
    asked = [number for number in ledger.unplanned(failed=retry_failed) if number in known]
    if not asked:
        return plan_of(ledger)
    planner = Planner(searcher, ledger, limits or Limits(), stop or Event(), clock)
    wanted = batches((number, known[number].wanted) for number in asked)
    run, why = uuid.uuid4().hex, "interrupted"
    ledger.began(run, "plan", time.time())
    try:
        for _ in planner.work(wanted, {number: known[number].place for number in asked}):
            if progress is not None:
                progress(ledger.counts)
        why = "stopped" if ledger.counts.unplanned else ""
    except GurneyError as error:
        why = str(error)
        raise
    finally:
        ledger.ended(run, time.time(), why)
    return plan_of(ledger)


def plan_of(ledger: Ledger) -> Plan:
    """Return what has been planned so far."""
    counts = ledger.counts
    doubts = ledger.doubts()
    unplanned = [(item.place, "not looked up yet") for item in ledger.items(state="unplanned")]
    failed = [(item.place, item.reason) for item in ledger.items(state="failed")]
    doubtful = [(item.place, item.reason) for item in ledger.items(state="doubtful")]
    reasons = several([*unplanned, *failed, *doubtful])
    said = {reason for _, reason in doubtful}
    of_studies = [
        f"{number} of the listings of studies: {reason}"
        for _, reason, number in doubts
        if not any(reason in each for each in said)
    ]
    if not counts.items:
        reasons = (NOTHING,)
    unknown = [Completeness.UNKNOWN] if reasons else []
    return Plan(
        items=counts.items,
        unplanned=counts.unplanned,
        failed=counts.unplannable,
        studies=counts.studies,
        instances=counts.instances,
        completeness=Completeness.of_all([*(doubt for doubt, _, _ in doubts), *unknown]),
        reasons=(*reasons, *of_studies),
        notes=tuple(unique(note for item in ledger.items(state="noted") for note in item.notes)),
    )


def announced(items: Iterable[Item], ledger: Ledger) -> dict[int, Item]:
    """Note that *items* are wanted, before anybody is asked; return them by their numbers."""
    listed = list(items)
    numbers = ledger.announce((item.place, ledger.digest(item.text)) for item in listed)
    return dict(zip(numbers, listed, strict=True))
