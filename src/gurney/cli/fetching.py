"""``gurney fetch``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import attrs

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    ExtendedQuery,
    QueryLevels,
    Receipt,
    SearchResult,
    StorageError,
)
from gurney.storage import DEFAULT_LAYOUT, FLAT, FolderStorage, Layout
from gurney.transfer import Item, LookedUp, look_up
from gurney.trolley import Trolley

from .command import Given
from .exits import ExitCode, WrongUseError
from .finding import report
from .formats import ProgressMode
from .naming import read_file, references_of
from .opening import build_query, named, opened, search
from .options import query_values
from .receipts import check_free, keep, write
from .summaries import explain, headline, instances, summary
from .terminal import Terminal
from .watching import watching

__all__ = ["Selection", "Target", "fetch"]

_LAYOUTS = {"default": DEFAULT_LAYOUT, "flat": FLAT}
_ABOUT_SERIES = {"SeriesInstanceUID", "SeriesDescription"}


@attrs.frozen
class Selection:
    """What to fetch: one of the four ways to say it."""

    references: Sequence[str] = ()
    file: str | None = None
    given: Given = attrs.field(factory=dict[str, Any])
    everything: bool = False


@attrs.frozen
class Target:
    """Where it goes, and how."""

    folder: Path
    layout: str = "default"
    checksum: str = "sha256"
    receipt: Path | None = None


def fetch(
    terminal: Terminal, archive: str, selection: Selection, target: Target, mode: ProgressMode
) -> ExitCode:
    """Fetch *selection* into *target*, write a receipt, and say whether it is everything."""
    query = _query(selection)
    listed = _listed(terminal, selection)
    storage = _storage(target)
    with opened(terminal, archive) as source:
        trolley = Trolley(source, source, storage, name=named(archive))
        if query is None:
            wanted = _look_up(terminal, trolley, listed)
            receipt = _download(terminal, trolley, wanted.objects, mode)
            receipt = None if receipt is None else _qualified(receipt, wanted)
        else:
            receipt = _download(terminal, trolley, _found(terminal, trolley, query), mode)
    return ExitCode.INTERRUPTED if receipt is None else _conclude(terminal, receipt, target)


def _download(
    terminal: Terminal, trolley: Trolley, objects: Iterable[DICOMDownloadable], mode: ProgressMode
) -> Receipt | None:
    """Download *objects*; `None` if somebody pressed Ctrl-C."""
    with watching(terminal, mode) as progress:
        try:
            return trolley.download(objects, progress=progress)
        except KeyboardInterrupt:
            latest = progress.progress
            safe = instances(latest.done - latest.failed)
            terminal.warn(f"interrupted: {safe} of {latest.expected} are here, whole; no receipt")
            terminal.warn("run the same command again for the rest: what is here is not fetched")
            return None


def list_instances(terminal: Terminal, archive: str, selection: Selection) -> ExitCode:
    """Write a reference to each instance that would be fetched, one a line."""
    query = _query(selection)
    listed = _listed(terminal, selection)
    with opened(terminal, archive) as source:
        trolley = Trolley(source, source, name=named(archive))
        result = None if query is None else _found(terminal, trolley, query)
        told = _look_up(terminal, trolley, listed)
        with terminal.busy("asking what is there"):
            wanted = trolley.resolve(
                told.objects if result is None else result, DICOMObjectLevels.INSTANCE
            )
    terminal.write("".join(f"{reference}\n" for reference in wanted))
    for reason in told.reasons:
        terminal.warn(reason)
    if result is None:
        return ExitCode.INCOMPLETE if told.reasons else ExitCode.COMPLETE
    return report(terminal, result)


def _query(selection: Selection) -> ExtendedQuery | None:
    """The query to search with, `None` for references; never one that matches all by accident."""
    values = query_values(selection.given)
    ways = (bool(selection.references or selection.file), bool(values), selection.everything)
    if sum(ways) != 1:
        raise WrongUseError(
            "say what to fetch in one way: references (or --from FILE), "
            "options such as --patient-id, or --all"
        )
    if ways[0]:
        return None
    deep = QueryLevels.SERIES if _ABOUT_SERIES & values.keys() else QueryLevels.STUDY
    return build_query(selection.given, deep)


def _listed(terminal: Terminal, selection: Selection) -> Sequence[Item]:
    """What was typed, and what is in the file, each once."""
    typed = [Item("the command line", each) for each in references_of(selection.references)]
    if not selection.file:
        return typed
    cohort = read_file(selection.file)
    for note in cohort.notes:
        terminal.note(note)
    return [*typed, *cohort]


def _look_up(terminal: Terminal, trolley: Trolley, items: Sequence[Item]) -> LookedUp:
    """What rows of a table stand for; those that are references need not be looked up."""
    with terminal.busy(f"looking up {len(items)} rows"):
        return look_up(trolley.searcher, items)


def _qualified(receipt: Receipt, wanted: LookedUp) -> Receipt:
    """What could not be looked up is not forgotten over what could."""
    return attrs.evolve(
        receipt,
        reasons=(*wanted.reasons, *receipt.reasons),
        notes=(*wanted.notes, *receipt.notes),
    )


def _storage(target: Target) -> FolderStorage:
    """Where instances go; that it can be written to is found out before anything is fetched."""
    layout = _LAYOUTS.get(target.layout) or Layout(target.layout)
    checksum = None if target.checksum == "none" else target.checksum
    storage = FolderStorage(target.folder, layout, checksum=checksum)
    try:
        target.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target.folder):
            pass
    except OSError as error:
        raise WrongUseError(f"cannot fetch into {target.folder}: {error.strerror}") from error
    if target.receipt is not None:
        check_free(target.receipt)
    return storage


def _found(terminal: Terminal, trolley: Trolley, query: ExtendedQuery) -> SearchResult:
    result = search(terminal, trolley.searcher, query)
    if not len(result):
        terminal.warn("nothing matches")
    return result


def _conclude(terminal: Terminal, receipt: Receipt, target: Target) -> ExitCode:
    """Keep the receipt first; then the answer, on standard output, and the reasons."""
    kept = _kept(terminal, receipt, target)
    if receipt.studies:
        terminal.show(summary(receipt))
    if kept is None and receipt.complete:
        terminal.warn("all that was asked for is here, and there is no receipt that proves it")
    else:
        terminal.show(headline(receipt))
    if kept is not None:
        terminal.note(f"receipt: {kept}")
        if receipt.complete:
            return ExitCode.COMPLETE
    explain(terminal, receipt)
    terminal.warn("to go on, run the same command again: what is here is not fetched twice")
    return ExitCode.INCOMPLETE


def _kept(terminal: Terminal, receipt: Receipt, target: Target) -> Path | None:
    """Return where the receipt is; `None` if it cannot be written, as when the disk is full."""
    try:
        kept = keep(receipt, target.folder)
        if target.receipt is not None:
            write(receipt, target.receipt)
    except StorageError as error:
        terminal.error(str(error))
        return None
    return kept
