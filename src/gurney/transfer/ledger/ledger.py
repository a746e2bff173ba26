"""The memory of a transfer: what is expected, and what became of it. An sqlite3 database."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from os import PathLike
from pathlib import Path

from typing_extensions import Self

from gurney.core import Completeness, InstanceReference
from gurney.manners import Retries

from ..parcels import Delivered, Parcel
from . import journeys
from .claims import Found, announce, fail, plan
from .handing import Handing
from .locking import locked
from .recording import Recorder, lost, retry_failed
from .schema import open_to_read, open_to_write, transaction
from .telling import Telling
from .values import Claim, Sample, Setting

__all__ = ["Ledger"]


class Ledger(Telling):
    """What a transfer expects, and one line for each instance that has its outcome.

    Each method that writes is one transaction: after `kill -9` it has been done, or it has not. A
    ledger is used by the thread that opened it; other threads and processes read it meanwhile,
    see `reading`.

    It holds no value that names a patient: what is wanted is known by its place in a list, and by
    a digest with a key that is in the ledger alone.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        super().__init__(folder, connection)
        self._handing: Handing = Handing(connection)
        self._run: int | None = None

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> Self:
        """Open the ledger in *folder* to read and write; make it if there is none.

        Raises
        ------
        InvalidInputError
            If there is something else, or a ledger of a later version.
        DamagedLedgerError
            If it cannot be read.
        StorageError
            If it cannot be written there.
        """
        path = Path(folder)
        return cls(path, open_to_write(path))

    @classmethod
    def reading(cls, folder: str | PathLike[str]) -> Self:
        """Open the ledger in *folder* to read, at any time, also while another process writes.

        Raises
        ------
        InvalidInputError
            If there is none.
        """
        path = Path(folder)
        return cls(path, open_to_read(path))

    def locked(self, doing: str = "run") -> AbstractContextManager[None]:
        """Keep others from working on this transfer. *doing* is ``"plan"`` or ``"run"``.

        Raises
        ------
        LedgerBusyError
            If somebody else does: it says who.
        """
        return locked(self.folder, doing)

    def agree(self, settings: Mapping[str, Setting]) -> None:
        """Keep *settings* for ever; a name that is kept already must have the same value.

        Raises
        ------
        InvalidInputError
            If one differs: it says which.
        """
        with self._writing():
            journeys.agree(self._db, settings)

    def began(self, run: str, doing: str, now: float) -> None:
        """Note that *run* begins; *doing* is ``"plan"`` or ``"run"``; times are of `time.time`."""
        with self._writing():
            self._run = journeys.begin(self._db, run, doing, now)

    def ended(self, run: str, now: float, why: str = "") -> None:
        """Note that *run* ended, and *why* before everything was done; empty if it was done."""
        with self._writing():
            journeys.end(self._db, run, now, why)

    def announce(
        self, items: Iterable[tuple[str, bytes]], *, part_of: int | None = None
    ) -> list[int]:
        """Note what is wanted, each as its place and its `digest`; return their numbers in order.

        What has the same digest has the same number; what is known already keeps its first place.

        Parameters
        ----------
        items
            Places and digests.
        part_of
            The number of the item of which these are the parts that are listed now. What is left
            of parts when that item has been looked up is forgotten.
        """
        with self._writing():
            return announce(self._db, items, part_of)

    def planned(
        self,
        items: Iterable[int],
        claims: Iterable[Claim],
        notes: Iterable[str] = (),
        reasons: Iterable[str] = (),
        completeness: Completeness = Completeness.COMPLETE,
    ) -> None:
        """Note what was found for *items*: all of it or, after an interruption, nothing of it.

        Instances that are new are pending. What *items* claimed before, if they were planned
        before, is replaced; what was expected once stays so.

        Parameters
        ----------
        items
            Numbers of those that were looked up together.
        claims
            What was said of each study that was found.
        notes
            Oddities that do not touch completeness.
        reasons, completeness
            Whether the search for *items* is known to have found everything, and why not: studies
            may be missing, beyond what claims say of those that are there.
        """
        with self._writing():
            found = Found(tuple(items), tuple(notes), tuple(reasons), completeness)
            plan(self._db, found, claims)

    def failed_to_plan(self, items: Iterable[int], reason: str) -> None:
        """Note that *items* could not be planned, and why, naming no patient."""
        with self._writing():
            fail(self._db, items, reason)

    def parcels(self, limit: int, now: float) -> Iterator[Parcel]:
        """Yield what is pending, due, and not handed out, in parcels of up to *limit* instances.

        A parcel counts as handed out as soon as it is yielded, until `record` or `give_back`; a
        caller may stop at any time and call again. Those that are due again come first, then
        those never tried, in the order of planning. A parcel keeps its number and its instances
        until it is recorded, also over the end of a process, and no other has its number.
        """
        while (parcel := self._next(limit, now)) is not None:
            yield parcel

    def give_back(self, parcel: int) -> None:
        """Say that nobody is at work any more on the parcel of this number: it comes again."""
        self._handing.give_back(parcel)

    def record(self, delivered: Delivered, retries: Retries, now: float) -> None:
        """Note what became of a parcel, which is over with this.

        Instances that failed or did not come are pending again, if *retries* allow it; so are at
        once those without outcome. Reports that come late, or twice, change nothing that is good
        already; what they name that is whole is believed.
        """
        self._load()
        live = self._handing.find(delivered.parcel)
        with self._writing():
            recorder = Recorder(self._db, self._texts, self._handing, live, retries, self._run, now)
            recorder.record(delivered)
        if live is not None:
            self._handing.over(live)

    def next_due(self, now: float) -> float | None:
        """Return the seconds until `parcels` has something; `None` if it all is handed out."""
        with self._translated():
            if self._handing.some_are_ready:
                return 0.0
            asked = "SELECT min(due) FROM study WHERE loose > 0"
            (due,) = self._db.execute(asked).fetchone()
        return None if due is None else max(0.0, due - now)

    def retry_failed(self) -> int:
        """Make pending what failed, went missing or was refused, as if for the first time.

        Returns how many instances.
        """
        with self._writing():
            return retry_failed(self._db)

    def lost(self, references: Iterable[InstanceReference]) -> int:
        """Make pending what was stored, and is not there any more; return how many instances."""
        self._load()
        with self._writing():
            return lost(self._db, self._texts, self._handing, references)

    def sample(self, sample: Sample) -> None:
        """Keep how a run stands."""
        with self._writing():
            journeys.sample(self._db, sample)

    def _next(self, limit: int, now: float) -> Parcel | None:
        self._load()
        while not self._handing.some_are_ready:
            with self._writing():
                made = self._handing.cut(limit, now)
            if made is None:
                return None
            self._handing.keep(made)
        return self._handing.next()

    def _load(self) -> None:
        """Take up what an earlier process has left; by the process that holds the lock."""
        with self._translated():
            self._handing.load()

    @contextmanager
    def _writing(self) -> Generator[None]:
        """One transaction; if it fails, nothing is remembered that was written in it."""
        with self._translated():
            try:
                with transaction(self._db):
                    yield
            except BaseException:
                self._texts.forget()
                raise
