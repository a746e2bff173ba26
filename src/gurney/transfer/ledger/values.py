"""What goes into a ledger, and the figures that come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from gurney.core import (
    DICOMObjectLevels,
    DICOMObjectReference,
    Expectation,
    InstanceReference,
    OutcomeStatus,
)

__all__ = ["Announced", "Claim", "Counts", "Run", "Sample", "Setting"]

Setting: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""What a transfer is agreed on: plain values, which come back from the ledger as they went in."""


def _references(items: tuple[InstanceReference, ...]) -> tuple[InstanceReference, ...]:
    return tuple(items)


def _no_modalities() -> dict[str, str]:
    return {}


@attrs.frozen(kw_only=True)
class Claim:
    """What one question of the planning said of one study.

    Attributes
    ----------
    study_uid
        Study Instance UID (0020,000D).
    references
        The instances it named, all of this study; may be empty if it could name none.
    expectation
        How many there should be, and who says so.
    whole
        The level of which *references* are everything: STUDY, SERIES (each series that occurs), or
        INSTANCE.
    item
        The item that asked for it; `None` for the first of those planned together. The studies of
        a receipt are in the order of items, whatever the order in which they were planned.
    unresolved
        Studies and series of which not even the instances are known, each with the reason.
    modalities
        Modality (0008,0060) by Series Instance UID, as far as the listing said it.
    """

    study_uid: str
    references: tuple[InstanceReference, ...] = attrs.field(converter=_references)
    expectation: Expectation
    whole: DICOMObjectLevels = DICOMObjectLevels.INSTANCE
    item: int | None = None
    unresolved: tuple[tuple[DICOMObjectReference, str], ...] = ()
    modalities: Mapping[str, str] = attrs.field(factory=_no_modalities)


@attrs.frozen
class Announced:
    """One line of what is wanted, as a ledger knows it: by its place.

    Attributes
    ----------
    number
        Names it in its ledger.
    place
        Where in the list it is, e.g. ``"row 17 of cohort.csv"``.
    state
        ``"unplanned"``, ``"planned"`` or ``"failed"``.
    reason
        Why it could not be planned, or why its search may not have found everything.
    notes
        What its planning has said besides.
    """

    number: int
    place: str
    state: str
    reason: str = ""
    notes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Counts:
    """How far a transfer is. Kept as it goes on, so that asking costs nothing.

    Attributes
    ----------
    items, unplanned, unplannable
        Lines of what is wanted: all; those not looked up yet; those that could not be.
    studies, finished_studies, incomplete_studies
        All that are known; those of which nothing is pending; those of these of which an instance
        failed, is missing or was refused.
    instances, pending
        All that are expected; those that are to be fetched, for the first time or again.
    by_status
        Instances that have their outcome; every status is there. ``UNEXPECTED`` ones are counted
        here only.
    stored_bytes
        Verified bytes of what is whole in its place.
    received
        Bytes that arrived, of whole instances or not.
    refusals
        How often archives said that they were busy.
    by_archive
        Bytes that arrived, by the name of the archive.
    """

    items: int
    unplanned: int
    unplannable: int
    studies: int
    finished_studies: int
    incomplete_studies: int
    instances: int
    pending: int
    by_status: Mapping[OutcomeStatus, int]
    stored_bytes: int
    received: int
    refusals: int
    by_archive: Mapping[str, int]

    @property
    def done(self) -> int:
        """Instances that have their outcome, good or bad."""
        return self.instances - self.pending

    @property
    def good(self) -> int:
        """Instances of which nothing is left to be done."""
        good = (OutcomeStatus.STORED, OutcomeStatus.ALREADY_THERE, OutcomeStatus.WITHHELD)
        return sum(self.by_status[status] for status in good)

    @property
    def failed(self) -> int:
        """Instances that have their outcome, and it is not a good one."""
        return self.done - self.good


@attrs.frozen(kw_only=True)
class Sample:
    """How a run stood at a moment: one every few seconds, for rates and plots.

    Attributes
    ----------
    time
        Seconds since the epoch.
    done, failed
        Instances that have their outcome so far; those of them whose outcome is not good.
    received
        Bytes that have arrived so far in this transfer, with those of parcels under way.
    under_way
        Parcels at work.
    limit
        Parcels that may be at work.
    waiting
        Why nothing is started, e.g. ``"for the window"`` or ``"for the archive"``; empty if work
        goes on.
    until
        When it will be tried again, in seconds since the epoch, if that is known.
    """

    time: float
    done: int
    failed: int
    received: int
    under_way: int = 0
    limit: int = 0
    waiting: str = ""
    until: float | None = None


@attrs.frozen(kw_only=True)
class Run:
    """One time that somebody worked on a transfer.

    Attributes
    ----------
    name
        Unique to it.
    doing
        ``"plan"`` or ``"run"``.
    pid, host
        Who.
    began, ended
        Seconds since the epoch; `ended` is `None` while it goes on, and if it was killed.
    why
        Why it ended before everything was done; empty if it was done.
    """

    name: str
    doing: str
    pid: int
    host: str
    began: float
    ended: float | None = None
    why: str = ""
