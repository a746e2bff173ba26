"""How a caller watches a run: something callable, passed in by whoever wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from ..ledger import Counts

__all__ = ["ProgressTaker", "TransferProgress"]


@attrs.frozen(kw_only=True)
class TransferProgress:
    """How far a run has come.

    Attributes
    ----------
    counts
        How far the whole transfer is, as the ledger has it.
    received
        Bytes that have arrived in this run, with those of parcels under way in this process.
    rate
        Bytes a second over the last minute.
    instance_rate
        Instances a second over the last minute.
    eta
        Seconds until nothing is pending, at this rate; `None` if it cannot be told.
    under_way
        Parcels at work.
    limit
        Parcels that may be at work: fewer than wanted while the archive is busy.
    by_archive
        Bytes that have arrived in this run, by the name of the archive.
    waiting
        What for, if nothing is started: ``"for the window"``, ``"for the archive"``, ``"to ask
        again"``, ``"to stop"``, ``"for a look at what is stored"``; empty while work goes on.
    until
        When it will be tried again, in seconds since the epoch, if that is known.
    problem
        What went wrong last with the archive or the executor; empty since it is well again.
    """

    counts: Counts
    received: int = 0
    rate: float = 0.0
    instance_rate: float = 0.0
    eta: float | None = None
    under_way: int = 0
    limit: int = 0
    by_archive: Mapping[str, int] = attrs.field(factory=dict[str, int])
    waiting: str = ""
    until: float | None = None
    problem: str = ""


class ProgressTaker(Protocol):
    """Is told how far a run has come: after each parcel, and every half second at most."""

    def __call__(self, progress: TransferProgress, /) -> None:
        """Take note of *progress*. Runs in the thread that runs the transfer: be quick."""
        ...
