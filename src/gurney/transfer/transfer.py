"""A transfer is a value: what, from where, to where, how hard. Its ledger has what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from os import PathLike
from pathlib import Path
from threading import Event

import attrs

from gurney.core import (
    TRANSFER_FOLDER,
    DICOMObjectReference,
    InvalidInputError,
    Query,
    Storage,
)
from gurney.manners import Pace, Windows
from gurney.storage import receipts_in

from .items import Item
from .ledger import Counts, Ledger
from .limits import Limits
from .planning import Plan, announced, plan_items
from .reporting import Report
from .running import Clock, ProgressTaker, run_parcels
from .running.run import Orders
from .sources import Source
from .status import Status, status_of
from .words import BESIDE

__all__ = ["Transfer"]


def _items(wanted: Iterable[Item | DICOMObjectReference | Query]) -> tuple[Item, ...]:
    return tuple(
        each if isinstance(each, Item) else Item(f"item {number}", each)
        for number, each in enumerate(wanted, 1)
    )


def _path(folder: str | PathLike[str] | None) -> Path | None:
    return None if folder is None else Path(folder)


@attrs.frozen
class Transfer:
    """What is wanted, from where, to where, and how hard the archive may be worked.

    `plan` looks up what there is; `run` fetches it, and may be stopped, or killed, and called again
    as often as it takes; `status` tells how it stands, from any process; `report` is the proof. All
    of them go by the ledger: a transfer made anew from the same parts goes on where it was.

    Parameters
    ----------
    wanted
        References, queries, or what `read_cohort` reads. Only `plan` needs it; the ledger knows no
        values, so they are given again when planning is to go on.
    source
        From where: `ArchiveURLs`, `Given`, or another `Source`.
    storage
        To where.
    limits
        How hard the archive may be worked.
    windows
        When instances are fetched; looking up what there is does not wait.
    ledger
        The folder of the ledger. If not given, it is in the folder that the storage fills. It
        tells what a transform made of which instance, as the receipt does that is written there
        then: give a folder elsewhere if what is stored is to be handed on without that.

    Raises
    ------
    InvalidInputError
        If there is no ledger given, and the storage is no folder.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from gurney.core import StudyReference
    >>> from gurney.storage import FolderStorage
    >>> from gurney.testing import MemoryArchive, example_datasets
    >>> from gurney.transfer import Given, Transfer
    >>> archive = MemoryArchive(example_datasets())
    >>> source = Given(archive, archive, "in memory")
    >>> transfer = Transfer([StudyReference("2.25.4001")], source, FolderStorage(mkdtemp()))
    >>> transfer.run().complete
    True
    """

    wanted: tuple[Item, ...] = attrs.field(converter=_items, repr=False)
    source: Source
    storage: Storage
    limits: Limits = attrs.field(factory=Limits, kw_only=True)
    windows: Windows = attrs.field(factory=lambda: Windows.parse("always"), kw_only=True)
    ledger: Path | None = attrs.field(default=None, converter=_path, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.ledger is None:
            folder = _folder_of(self.storage)
            if folder is None:
                raise InvalidInputError("the output is no folder; name one for the ledger")
            object.__setattr__(self, "ledger", folder / TRANSFER_FOLDER)

    @property
    def folder(self) -> Path:
        """The folder of the ledger."""
        if self.ledger is None:
            raise AssertionError  # see above
        return self.ledger

    @property
    def receipts(self) -> tuple[Path, ...]:
        """The receipts that are kept where this transfer keeps its own, oldest first."""
        folder = self._receipt_folder
        return tuple(receipts_in(folder)) if folder is not None and folder.is_dir() else ()

    @property
    def _receipt_folder(self) -> Path | None:
        folder = _folder_of(self.storage)
        if folder is not None and _innermost(self.storage) is not self.storage:
            return self.folder  # it tells which instance became which: not for those who get them
        return folder

    def plan(
        self,
        *,
        progress: Callable[[Counts], None] | None = None,
        retry_failed: bool = True,
        stop: Event | None = None,
    ) -> Plan:
        """Look up what is wanted, as far as that has not been done, and say what there is.

        Parameters
        ----------
        progress
            Is called as it goes on.
        retry_failed
            Whether what could not be looked up before, or of which not all may have been found,
            is looked up again.
        stop
            Ends the planning in good order when it is set.

        Raises
        ------
        LedgerBusyError
            If another process is at work on this transfer.
        InvalidInputError
            If the ledger is that of another transfer.
        ArchiveUnavailableError, AuthenticationError
            If there is nobody to ask, or nobody who answers us.
        """
        with Ledger.open(self.folder) as ledger, ledger.locked("plan"):
            ledger.agree(self._settings())
            announced(self.wanted, ledger)
            pace = Pace(self.limits.requests_per_second, self.limits.bytes_per_second)
            with self.source.open(pace) as opened:
                return plan_items(
                    self.wanted,
                    opened.searcher,
                    ledger,
                    self.limits,
                    retry_failed=retry_failed,
                    progress=progress,
                    stop=stop,
                )

    def run(
        self,
        executor: Executor | None = None,
        *,
        progress: ProgressTaker | None = None,
        retry_failed: bool = False,
        stop: Event | None = None,
        clock: Clock | None = None,
    ) -> Report:
        """Fetch what is planned and not there yet; what is wanted and not planned is planned first.

        What goes wrong is in the report, whatever it is: look at `Report.complete`. When everything
        has its outcome, a receipt is written into the folder that the storage fills; with a
        transform, into that of the ledger.

        Parameters
        ----------
        executor
            Who does the work: threads if not given. Processes, and other machines, get references
            and settings: the source and the storage must pickle, and the storage must be the same
            from there.
        progress
            Is called after each parcel, and every half second while there is work.
        retry_failed
            Whether what has failed for good before is tried again.
        stop
            Ends the run in good order when it is set.
        clock
            What tells the time, for tests.

        Raises
        ------
        LedgerBusyError
            If another process is at work on this transfer.
        InvalidInputError
            If the ledger is that of another transfer, or the work cannot travel to *executor*.
        ArchiveUnavailableError, AuthenticationError
            If something is still to be planned, and there is nobody to ask.
        StorageError
            If the ledger, or the receipt, cannot be written.
        KeyboardInterrupt
            If Ctrl-C was pressed. It is raised when the workers have stopped and the ledger is in
            order; at once if it is pressed again.
        """
        if self.wanted:
            self.plan(retry_failed=retry_failed, stop=stop)
        with Ledger.open(self.folder) as ledger, ledger.locked("run"):
            ledger.agree(self._settings())
            if retry_failed:
                ledger.retry_failed()
            orders = Orders(
                source=self.source,
                storage=self.storage,
                limits=self.limits,
                windows=self.windows,
                executor=executor,
                progress=progress,
                stop=stop or Event(),
                clock=clock,
            )
            looked_up = _has_looked_up(ledger)
            changed = run_parcels(ledger, orders)
            counts = ledger.counts
        report = self.report()
        if counts.items and not counts.pending and not counts.unplanned:
            self._keep_receipt(report, anew=changed or looked_up)
        return report

    def status(self) -> Status:
        """Return how the transfer stands; any process may ask, at any time."""
        return status_of(self.folder)

    def report(self) -> Report:
        """Return what there is to show; any process may ask, at any time."""
        return Report(self.folder)

    def _settings(self) -> dict[str, str | tuple[str, ...]]:
        return {"from": self.source.names, **_described(self.storage, self.folder)}

    def _keep_receipt(self, report: Report, *, anew: bool) -> None:
        folder = self._receipt_folder
        if folder is not None and (anew or not self.receipts):
            report.keep_receipt(folder)


def _has_looked_up(ledger: Ledger) -> bool:
    """Say whether the last who worked on it looked up what there is, and fetched nothing yet."""
    return any(run.doing == "plan" for run in ledger.runs()[-1:])


def _innermost(storage: Storage) -> Storage:
    """Return what is behind a transform."""
    inner: Storage | None = getattr(storage, "storage", None)
    return storage if inner is None else _innermost(inner)


def _folder_of(storage: Storage) -> Path | None:
    """Return the folder that *storage* fills, if it is one."""
    root: object = getattr(_innermost(storage), "root", None)
    return root if isinstance(root, Path) else None


def _described(storage: Storage, ledger: Path) -> dict[str, str]:
    """Return what must stay as it is for a storage to be the same one."""
    inner = _innermost(storage)
    root = _folder_of(storage)
    beside = root is not None and ledger.absolute().is_relative_to(root)
    place: object = root or getattr(inner, "url", type(inner).__name__)
    layout: object = getattr(inner, "layout", None)
    template: object = getattr(layout, "template", "")
    checksum: object = getattr(inner, "checksum", None)
    return {
        "to": BESIDE if beside else str(place),
        "layout": str(template),
        "checksum": str(checksum or "none"),
        "transformed": "no" if inner is storage else "yes",
    }
