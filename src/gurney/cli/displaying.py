"""Progress of a transfer on standard error: a display for people, JSON lines for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TypeAlias

import attrs
from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gurney.escaping import visible
from gurney.transfer import Counts, TransferProgress
from gurney.transfer.words import duration

from .formats import ProgressMode
from .tables import number_text
from .terminal import Terminal

__all__ = ["Taker", "displaying", "looking_up", "moment", "panel"]

Taker: TypeAlias = Callable[[TransferProgress], None]

_WIDTH = 40  # of the bar, in columns
_NAME = 60  # characters of the name of an archive that are shown


@contextmanager
def displaying(terminal: Terminal, mode: ProgressMode) -> Generator[Taker]:
    """Yield what shows progress while the ``with`` lasts; a display goes only to a person."""
    if mode is ProgressMode.JSON:
        yield _Lines(terminal.err)
    elif mode is ProgressMode.NONE or not terminal.animated:
        yield _nobody
    else:
        with Live(
            Text("connecting", "faint"), console=terminal.err, transient=True, auto_refresh=False
        ) as live:
            yield lambda progress: live.update(panel(progress), refresh=True)


@contextmanager
def looking_up(terminal: Terminal, lines: int) -> Generator[Callable[[Counts], None] | None]:
    """Yield what shows how far planning is, of so many *lines*; `None` where nobody looks."""
    if not terminal.animated:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=_WIDTH),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=terminal.err, transient=True) as bar:
        task = bar.add_task("looking up", total=lines)
        yield lambda counts: bar.update(
            task, total=counts.items, completed=counts.items - counts.unplanned
        )


def panel(progress: TransferProgress) -> RenderableType:
    """Return what a person sees of *progress*."""
    counts = progress.counts
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="faint")
    lines.add_column()
    lines.add_row("instances", _instances(counts.done, counts.instances))
    studies = f"{number_text(counts.finished_studies)} of {number_text(counts.studies)}"
    lines.add_row("studies", Text(studies, "number"))
    lines.add_row("received", _traffic(progress))
    if not progress.waiting:
        lines.add_row("left", _left(progress))
    lines.add_row("at work", _work(progress))
    if counts.failed:
        lines.add_row("failed", Text(number_text(counts.failed), "bad"))
    if len(progress.by_archive) > 1:
        for name, size in progress.by_archive.items():
            lines.add_row("from", Text(f"{decimal(size):>9}  {visible(name, _NAME)}"))
    said = [Text(text, "doubt") for text in _said(progress)]
    return Group(lines, *said)


def moment(seconds: float, now: float) -> str:
    """Return a clock time in this time zone; with the day, if that is not today's."""
    then, today = (datetime.fromtimestamp(at, timezone.utc).astimezone() for at in (seconds, now))
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%a %d %b %H:%M}"


def _instances(done: int, expected: int) -> RenderableType:
    share = f"{100 * done / expected:.1f} %" if expected else ""
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(total=max(expected, 1), completed=done, width=_WIDTH),
        Text(f"{number_text(done)} of {number_text(expected)}", "number"),
        Text(share, "faint"),
    )
    return row


def _traffic(progress: TransferProgress) -> Text:
    said = Text(decimal(progress.received), "number")
    if progress.rate:
        said.append(f"   {decimal(int(progress.rate))}/s, ")
        said.append(f"{progress.instance_rate:,.1f} instances/s")
    return said


def _left(progress: TransferProgress) -> Text:
    if progress.eta is None:
        return Text("nobody can say yet", "faint")
    now = time.time()
    return Text(f"{duration(progress.eta)}, until {moment(now + progress.eta, now)}")


def _work(progress: TransferProgress) -> Text:
    said = Text(f"{progress.under_way} of {progress.limit} parcels")
    if progress.counts.refusals:
        said.append(f"; refused {number_text(progress.counts.refusals)} times as too many", "faint")
    return said


def _said(progress: TransferProgress) -> Generator[str]:
    if progress.waiting:
        until = "" if progress.until is None else f" until {moment(progress.until, time.time())}"
        yield f"waiting {visible(progress.waiting)}{until}"
    if progress.problem:
        yield visible(progress.problem)


def _nobody(_: TransferProgress, /) -> None:
    """Nobody watches."""


@attrs.frozen
class _Lines:
    """One line of JSON each time."""

    console: Console

    def __call__(self, progress: TransferProgress, /) -> None:
        counts = progress.counts
        content = {
            "instances": counts.instances,
            "done": counts.done,
            "pending": counts.pending,
            "failed": counts.failed,
            "by_status": {status.value: number for status, number in counts.by_status.items()},
            "studies": counts.studies,
            "finished_studies": counts.finished_studies,
            "incomplete_studies": counts.incomplete_studies,
            "received": progress.received,
            "rate": progress.rate,
            "instance_rate": progress.instance_rate,
            "eta": progress.eta,
            "under_way": progress.under_way,
            "limit": progress.limit,
            "refusals": counts.refusals,
            "by_archive": dict(progress.by_archive),
            "waiting": progress.waiting,
            "until": progress.until,
            "problem": progress.problem,
        }
        self.console.file.write(json.dumps(content) + "\n")
        self.console.file.flush()
