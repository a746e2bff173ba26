"""Progress of a download on standard error: a bar for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

import attrs
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Display
from rich.text import Text

from gurney.trolley import Progress, ProgressListener

from .formats import ProgressMode
from .terminal import Terminal

__all__ = ["Latest", "watching"]


@attrs.define
class Latest:
    """Remembers how far a download has come, and tells who shows it."""

    show: ProgressListener
    progress: Progress = attrs.field(factory=lambda: Progress(0))

    def __call__(self, progress: Progress, /) -> None:
        """Remember and show."""
        self.progress = progress
        self.show(progress)


@contextmanager
def watching(terminal: Terminal, mode: ProgressMode) -> Generator[Latest, None, None]:
    """Show progress while the ``with`` lasts; a bar goes only to a person, who is not `quiet`."""
    if mode is ProgressMode.JSON:
        yield Latest(_Lines(terminal.err))
    elif mode is ProgressMode.NONE or not terminal.animated:
        yield Latest(_nobody)
    else:
        with _display(terminal.err) as display:
            yield Latest(_Bar(display, display.add_task("asking what is there", total=None)))


def _nobody(_: Progress, /) -> None:
    """Nobody watches."""


@attrs.frozen
class _Lines:
    """One line of JSON for each outcome, and one at the beginning."""

    console: Console

    def __call__(self, progress: Progress, /) -> None:
        outcome = progress.outcome
        if outcome is None and progress.received:
            return
        content = attrs.asdict(progress, filter=attrs.filters.exclude("outcome"))
        if outcome is not None:
            content["reference"] = str(outcome.reference) if outcome.reference else None
            content["status"] = outcome.status.value
            content["reason"] = outcome.reason
        self.console.file.write(json.dumps(content) + "\n")
        self.console.file.flush()


@attrs.frozen
class _Bar:
    """Instances, bytes, rate, time left, failures."""

    display: Display
    task: TaskID

    def __call__(self, progress: Progress, /) -> None:
        self.display.update(
            self.task,
            description="fetching",
            total=progress.expected,
            completed=progress.done,
            received=progress.received,
            failed=progress.failed,
        )


class _Traffic(ProgressColumn):
    """Bytes that came, and how fast."""

    def render(self, task: Task) -> Text:
        received = int(task.fields.get("received", 0))
        if not received or not task.elapsed:
            return Text()
        return Text(f"{decimal(received)}  {decimal(int(received / task.elapsed))}/s", "number")


class _Failures(ProgressColumn):
    """Said as soon as there is one."""

    def render(self, task: Task) -> Text:
        failed = int(task.fields.get("failed", 0))
        return Text(f"{failed} failed", "bad") if failed else Text()


class _Count(ProgressColumn):
    """How many of how many."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        return Text(f"{int(task.completed)}/{int(task.total)} instances", "number")


def _display(console: Console) -> Display:
    return Display(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        _Count(),
        _Traffic(),
        TimeRemainingColumn(compact=True),
        _Failures(),
        console=console,
        transient=True,
    )
