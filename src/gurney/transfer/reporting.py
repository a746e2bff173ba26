"""The receipt of a transfer, told from its ledger: at once, or one study at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path

import attrs

from gurney.core import (
    OutcomeStatus,
    Receipt,
    StudyReceipt,
    receipt_csv,
    receipt_json,
    unique,
)
from gurney.storage import keep_receipt, write_new

from .ledger import Ledger, Run
from .planning import NOTHING

__all__ = ["Report"]


def _path(value: str | PathLike[str]) -> Path:
    return Path(value)


@attrs.frozen
class Report:
    """What a transfer has to show for itself, as its ledger says when it is asked.

    What is pending is ``MISSING``. Studies are in the order in which they were wanted, their
    instances in tree order, so that equal work gives equal receipts. Every member raises
    `InvalidInputError` if there is no ledger.

    Parameters
    ----------
    folder
        Of the ledger.
    """

    folder: Path = attrs.field(converter=_path)

    @property
    def complete(self) -> bool:
        """The answer: everything wanted is here, whole, and is known to be everything."""
        with self._ledger() as ledger, ledger.snapshot():
            return _is_complete(ledger)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the whole is not known to be complete, beyond what the studies say."""
        with self._ledger() as ledger, ledger.snapshot():
            return _reasons(ledger)

    @property
    def counts(self) -> dict[OutcomeStatus, int]:
        """How many instances had which outcome, as `Receipt.counts`."""
        with self._ledger() as ledger, ledger.snapshot():
            counts = ledger.counts
            more = {
                OutcomeStatus.MISSING: counts.pending + ledger.unresolved,
                OutcomeStatus.UNEXPECTED: -ledger.strays.repeated - ledger.strays.nameless,
            }
        return {status: count + more.get(status, 0) for status, count in counts.by_status.items()}

    def studies(self, *, incomplete: bool = False) -> Iterator[StudyReceipt]:
        """Yield what was expected of each study and what came; one study is in memory at a time.

        Parameters
        ----------
        incomplete
            Whether to leave out those that are complete.
        """
        with self._ledger() as ledger, ledger.snapshot():
            yield from ledger.studies(_why_pending(ledger), incomplete=incomplete)

    def receipt(self) -> Receipt:
        """Return all of it; for a large transfer, see `write_json`."""
        with self._ledger() as ledger, ledger.snapshot():
            return attrs.evolve(_heading(ledger), studies=ledger.studies(_why_pending(ledger)))

    def write_json(self, path: str | PathLike[str]) -> None:
        """Write what ``receipt().to_json()`` gives to a new file, one study at a time.

        Raises
        ------
        StorageError
            If it cannot be written; nothing is left behind then. No file is overwritten.
        """
        with self._ledger() as ledger, ledger.snapshot():
            write_new(_json(ledger), Path(path))

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Write what ``receipt().to_csv()`` gives to a new file, as `write_json` does."""
        with self._ledger() as ledger, ledger.snapshot():
            write_new(receipt_csv(ledger.studies(_why_pending(ledger))), Path(path))

    def keep_receipt(self, folder: Path) -> Path:
        """Write the same into *folder* under the next free name of a receipt; return where it is.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        with self._ledger() as ledger, ledger.snapshot():
            return keep_receipt(_json(ledger), folder)

    def _ledger(self) -> Ledger:
        return Ledger.reading(self.folder)


def _is_complete(ledger: Ledger) -> bool:
    return not _reasons(ledger) and ledger.complete


def _json(ledger: Ledger) -> Iterator[str]:
    """The receipt as text, one study at a time."""
    studies = ledger.studies(_why_pending(ledger))
    return receipt_json(_heading(ledger), studies, complete=_is_complete(ledger))


def _heading(ledger: Ledger) -> Receipt:
    """The receipt, without its studies."""
    runs = ledger.runs()
    ended = [run.ended for run in runs if run.ended is not None]
    return Receipt(
        [],
        reasons=_reasons(ledger),
        notes=_notes(ledger),
        archive=_archive(ledger),
        started=_time(runs[0].began) if runs else None,
        finished=_time(max(ended)) if ended else None,
    )


def _archive(ledger: Ledger) -> str:
    source = ledger.settings.get("from")
    return ", ".join(source) if isinstance(source, tuple) else str(source or "")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _why_pending(ledger: Ledger) -> str:
    last = _last_run(ledger)
    return f"not fetched yet: {last.why}" if last and last.why else "not fetched yet"


def _last_run(ledger: Ledger) -> Run | None:
    return next((run for run in reversed(ledger.runs()) if run.doing == "run"), None)


def _reasons(ledger: Ledger) -> tuple[str, ...]:
    return (
        *_nothing(ledger),
        *_unplanned(ledger),
        *_unplannable(ledger),
        *_doubtful(ledger),
        *_nameless(ledger),
    )


def _nothing(ledger: Ledger) -> Iterator[str]:
    """All of nothing is no proof of anything."""
    if not ledger.counts.items:
        yield NOTHING


def _unplanned(ledger: Ledger) -> Iterator[str]:
    waiting = [item.place for item in ledger.items(state="unplanned")]
    if waiting:
        yield f"{_several(waiting)}: not looked up yet"


def _unplannable(ledger: Ledger) -> Iterator[str]:
    return (f"{item.place}: {item.reason}" for item in ledger.items(state="failed"))


def _doubtful(ledger: Ledger) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for item in ledger.items(state="doubtful"):
        places.setdefault(item.reason, []).append(item.place)
    return (f"{_several(group)}: {reason}" for reason, group in places.items())


def _nameless(ledger: Ledger) -> Iterator[str]:
    """What cannot be named may be what is missing; where nothing is, it came again, whole."""
    if not _is_all_here(ledger):
        yield from _count_nameless(ledger)


def _count_nameless(ledger: Ledger) -> Iterator[str]:
    count = ledger.strays.nameless
    if count:
        yield f"{count} instances came that cannot be named"


def _is_all_here(ledger: Ledger) -> bool:
    counts = ledger.counts
    return counts.good == counts.instances and not ledger.unresolved


def _several(places: list[str]) -> str:
    """The first of *places*, and how many there are more."""
    more = len(places) - 1
    return f"{places[0]} and {more} more" if more else places[0]


def _notes(ledger: Ledger) -> Iterator[str]:
    yield from unique(note for item in ledger.items(state="noted") for note in item.notes)
    if _is_all_here(ledger):
        yield from _count_nameless(ledger)
    count = ledger.strays.repeated
    if count:
        yield f"{count} instances came a second time, or with others; they were not taken again"
