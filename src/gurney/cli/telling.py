"""``gurney transfer report``: what became of a transfer, in files."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Final

import attrs

from gurney.transfer import Report, status_of

from .exits import ExitCode, WrongUseError
from .standing import answer
from .terminal import Terminal
from .transfers import ledger_of

__all__ = ["Written", "report"]

_LINES: Final = 10  # that are shown; the rest is counted


@attrs.frozen
class Written:
    """What to write, and whether to show it."""

    json: Path | None = None
    csv: Path | None = None
    html: Path | None = None
    open: bool = False


def report(terminal: Terminal, output: str, written: Written) -> ExitCode:
    """Write what became of the transfer at *output*, and say whether it is everything."""
    ledger = ledger_of(output)
    made = Report(ledger)
    for path in (written.json, written.csv):
        if path is not None and path.exists():
            raise WrongUseError(f"{path.name} is there already; reports are not overwritten")
    if written.json is not None:
        made.write_json(written.json)
        terminal.note(f"receipt: {written.json}")
    if written.csv is not None:
        made.write_csv(written.csv)
        terminal.note(f"instances: {written.csv}")
    if written.html or written.open or not (written.json or written.csv):
        _write_pages(terminal, made, written.html or ledger / "report", show=written.open)
    return _conclude(terminal, made, ledger)


def _write_pages(terminal: Terminal, made: Report, folder: Path, *, show: bool) -> None:
    try:
        from gurney.transfer.page import write_page
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"jinja2", "markupsafe", "matplotlib"}:
            raise
        raise WrongUseError(
            f"pages need {error.name}, which is not installed; run: "
            'pip install "gurney[report]", or write --json FILE or --csv FILE'
        ) from error
    with terminal.busy("drawing"):
        page = write_page(made, folder)
    terminal.note(f"pages: {page}")
    if show:
        webbrowser.open(page.absolute().as_uri())


def _conclude(terminal: Terminal, made: Report, ledger: Path) -> ExitCode:
    complete = made.complete
    terminal.show(answer(status_of(ledger).counts, complete=complete))
    for reason in made.reasons[:_LINES]:
        terminal.warn(reason)
    if len(made.reasons) > _LINES:
        terminal.warn(f"and {len(made.reasons) - _LINES} more, which the receipt lists")
    return ExitCode.COMPLETE if complete else ExitCode.INCOMPLETE
