"""``gurney verify``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import attrs
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from gurney.core import TRANSFER_FOLDER, Receipt
from gurney.storage import Verification
from gurney.storage import verify as verify_folder

from .exits import ExitCode, WrongUseError
from .merging import merged
from .receipts import read, receipts_in
from .summaries import explain, list_paths, verification_table
from .terminal import Terminal

__all__ = ["verify"]


def verify(terminal: Terminal, folder: Path, receipt: Path | None) -> ExitCode:
    """Walk over every file in *folder*, compare it with the receipts, and say what is wrong."""
    if not folder.is_dir():
        raise WrongUseError(f"{folder} is not a folder; name the one that was fetched into")
    paths = [receipt] if receipt else _receipts_of(folder)
    together = merged([read(path) for path in paths]) if paths else None
    found = _without(_verified(terminal, folder, together), folder, paths)
    table = verification_table(found)
    if table.row_count:
        terminal.show(table)
    list_paths(terminal, "wrong", found.faults)
    list_paths(terminal, "missing", found.missing)
    if not terminal.quiet:
        list_paths(terminal, "extra", found.extra)
    again = "run the fetch again"
    if (folder / TRANSFER_FOLDER).is_dir():
        again = f"run: gurney transfer run {shlex.quote(str(folder))} --retry-failed"
    return _conclude(terminal, found, together, paths, again)


def _receipts_of(folder: Path) -> list[Path]:
    """Those in *folder*, and with the ledger of a transfer, where they are if it transforms."""
    ledger = folder / TRANSFER_FOLDER
    return [*receipts_in(folder), *(receipts_in(ledger) if ledger.is_dir() else ())]


def _verified(terminal: Terminal, folder: Path, receipt: Receipt | None) -> Verification:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn())
    hidden = not terminal.animated
    with Progress(*columns, console=terminal.err, transient=True, disable=hidden) as bar:
        task = bar.add_task("verifying", total=None)
        return verify_folder(
            folder,
            receipt,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _without(found: Verification, folder: Path, receipts: Sequence[Path]) -> Verification:
    """Receipts are no foreign files."""
    ours = {path.name for path in [*receipts, *receipts_in(folder)]}
    return attrs.evolve(found, others=tuple(path for path in found.others if path not in ours))


def _conclude(
    terminal: Terminal,
    found: Verification,
    receipt: Receipt | None,
    paths: Sequence[Path],
    again: str,
) -> ExitCode:
    names = ", ".join(path.name for path in paths)
    if receipt is None:
        terminal.show(_answer("nobody can say", "doubt", "there is no receipt here"))
        for reason in found.reasons:
            terminal.warn(reason)
        terminal.warn("files that are wholly absent cannot be seen; name a --receipt")
        return ExitCode.INCOMPLETE
    if found.ok:
        terminal.show(_answer("complete", "good", f"all that {names} proves is here, whole"))
        return ExitCode.COMPLETE
    terminal.show(_answer("INCOMPLETE", "bad", f"measured by {names}"))
    if found.shortfall:
        explain(terminal, receipt)
    if found.wanted:
        first = "move the files named above away and " if found.faults else ""
        terminal.warn(f"to go on, {first}{again}; what is whole is not fetched twice")
    return ExitCode.INCOMPLETE


def _answer(word: str, style: str, rest: str) -> Text:
    return Text.assemble((word, style), f": {rest}")
