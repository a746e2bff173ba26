"""What travels: work to a worker, and what became of it back. References and settings."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import attrs

from gurney.core import DICOMObjectLevels, InstanceReference, Outcome, Storage

from .sources import Source

__all__ = ["Delivered", "Errand", "Obstacle", "Parcel"]


@attrs.frozen
class Parcel:
    """Instances of one study that one worker fetches.

    Attributes
    ----------
    number
        Names the parcel in its transfer, for ever: a parcel of other instances has another.
    references
        All of one study, in tree order; at least one.
    whole
        The level of which they are everything, as far as anyone knows: STUDY, SERIES (each series
        that occurs is whole), or INSTANCE. One request may ask for what is whole.
    """

    number: int
    references: tuple[InstanceReference, ...]
    whole: DICOMObjectLevels = DICOMObjectLevels.INSTANCE


@attrs.frozen(kw_only=True)
class Errand:
    """What every worker of a run needs to know. Pickles; holds no secret and no connection.

    Attributes
    ----------
    run
        Names the run; a worker in the process of the run finds there what cannot travel.
    source
        From where.
    storage
        To where. If there is a transform, it is in the storage.
    journal
        A folder in which workers note what they have stored, before they say so; `None` if there
        is none that they share.
    requests_per_second, bytes_per_second
        The share of one parcel, for a worker in another process; `None` for no bound.
    """

    run: str
    source: Source
    storage: Storage
    journal: Path | None = None
    requests_per_second: float | None = None
    bytes_per_second: float | None = None


class Obstacle(str, Enum):
    """What keeps a worker from its work, and is no fault of an instance.

    ``AWAY``: nobody answers; that may pass. ``DENIED``: the archive does not let us in.
    ``FORBIDDEN``: it does, but not to what is in the parcel, which has failed. ``BLOCKED``: nothing
    can be stored, or the source is none; that stays until somebody does something about it.
    """

    AWAY = "away"
    DENIED = "denied"
    FORBIDDEN = "forbidden"
    BLOCKED = "blocked"


@attrs.frozen(kw_only=True)
class Delivered:
    """What became of a parcel.

    Attributes
    ----------
    parcel
        Its number.
    outcomes
        One for each instance that has one, and those of what came unasked. Instances without one
        are to be tried again, and that is not their fault.
    received
        Bytes that arrived, of whole instances or not.
    refusals
        How often the archive said that it was busy.
    obstacle
        What kept the worker from finishing the parcel; `None` if it was finished, or parked.
    problem
        That in words; empty if there was none.
    parked
        Whether the worker was told to stop between two instances.
    by_archive
        Bytes that arrived, by the name of the archive.
    """

    parcel: int
    outcomes: tuple[Outcome, ...]
    received: int = 0
    refusals: int = 0
    obstacle: Obstacle | None = None
    problem: str = ""
    parked: bool = False
    by_archive: tuple[tuple[str, int], ...] = ()
