"""How a transfer stands, told from its ledger, by any process, at any time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from os import PathLike
from typing import Final

import attrs

from .ledger import Counts, Ledger, Run, Sample

__all__ = ["Status", "status_of"]

_MINUTES: Final = 300.0  # seconds over which a rate is told


@attrs.frozen(kw_only=True)
class Status:
    """How a transfer stands.

    Attributes
    ----------
    state
        ``"new"`` (nothing planned yet), ``"planning"``, ``"running"``, ``"waiting"`` (for a
        window, or an archive), ``"stopped"`` (something is pending, and nobody is at work),
        ``"finished"`` (nothing is pending).
    detail
        In words: what it waits for, why it stopped; empty if there is nothing to say.
    until
        When a wait ends, in seconds since the epoch, if that is known.
    pid, host
        Who is at work; `None` and empty if nobody is.
    since
        When that began, or when the last run ended, in seconds since the epoch.
    now
        When this was asked.
    counts
        How far it is.
    archives
        What the transfer calls its archives.
    rate, instance_rate
        Bytes, and instances, in a second over the last minutes; `None` if nobody is at work.
    eta
        Seconds until nothing is pending, at this rate; `None` if it cannot be told.
    failures
        Reasons why instances have no good outcome, with how many; the commonest first.
    incomplete
        Studies of which nothing is pending and something is missing, with how many instances; the
        first by order of planning.
    latest
        The last sample; `None` if there is none.
    """

    state: str
    detail: str = ""
    until: float | None = None
    pid: int | None = None
    host: str = ""
    since: float | None = None
    now: float
    counts: Counts
    archives: tuple[str, ...] = ()
    rate: float | None = None
    instance_rate: float | None = None
    eta: float | None = None
    failures: tuple[tuple[str, int], ...] = ()
    incomplete: tuple[tuple[str, int], ...] = ()
    latest: Sample | None = None


def status_of(folder: str | PathLike[str], now: float | None = None, *, most: int = 10) -> Status:
    """Return how the transfer whose ledger is in *folder* stands.

    Parameters
    ----------
    folder
        Of the ledger.
    now
        Seconds since the epoch; the system's clock if not given.
    most
        Reasons, and incomplete studies, to name at most.

    Raises
    ------
    InvalidInputError
        If there is no ledger.
    """
    asked = time.time() if now is None else now
    with Ledger.reading(folder) as ledger:
        holder = ledger.holder
        with ledger.snapshot():
            counts, runs = ledger.counts, ledger.runs()
            last = runs[-1] if runs else None
            began = last.began if last else asked
            samples = ledger.samples(max(began, asked - _MINUTES)) or ledger.samples(began)[-1:]
            at_work = last is not None and last.ended is None and holder is not None
            told = _told(counts, last, samples, at_work=at_work)
            speed = _Speed.of(samples) if at_work else _Speed()
            source = ledger.settings.get("from")
            return Status(
                **attrs.asdict(told),
                pid=holder.pid if holder else None,
                host=holder.host if holder else "",
                since=(last.ended or last.began) if last else None,
                now=asked,
                counts=counts,
                archives=source if isinstance(source, tuple) else (str(source),) if source else (),
                rate=speed.bytes,
                instance_rate=speed.instances,
                eta=counts.pending / speed.instances if speed.instances else None,
                failures=ledger.failures(most),
                incomplete=ledger.incomplete(most),
                latest=samples[-1] if samples else None,
            )


@attrs.frozen
class _Told:
    """The state of a transfer, and what is to be said of it."""

    state: str
    detail: str = ""
    until: float | None = None


def _told(counts: Counts, last: Run | None, samples: Sequence[Sample], *, at_work: bool) -> _Told:
    if last is None or not (counts.items or at_work):
        return _Told("new")
    if at_work and samples and samples[-1].waiting:
        return _Told("waiting", samples[-1].waiting, samples[-1].until)
    if at_work and last.doing == "plan":
        return _Told("planning")
    if at_work:
        return _Told("running")
    if last.ended is None:
        return _Told("stopped", f"process {last.pid} on {last.host} ended without saying why")
    if counts.pending or counts.unplanned:
        return _Told("stopped", last.why)
    return _Told("finished", last.why)


@attrs.frozen
class _Speed:
    """Bytes and instances in a second; `None` if it cannot be told."""

    bytes: float | None = None
    instances: float | None = None

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> _Speed:
        """Return the speed between the first and the last of *samples*."""
        if len(samples) < 2 or samples[-1].time <= samples[0].time:
            return cls()
        first, last = samples[0], samples[-1]
        seconds = last.time - first.time
        return cls(
            max(0, last.received - first.received) / seconds,
            max(0, last.done - first.done) / seconds,
        )
