"""``gurney transfer status``: how a transfer stands, for people and for programs."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gurney.core import OutcomeStatus
from gurney.escaping import visible
from gurney.transfer import Counts, Report, Status, status_of
from gurney.transfer.words import duration

from .displaying import moment
from .exits import ExitCode
from .formats import StatusFormat
from .summaries import instances
from .tables import number_text, plain_table, uid_text
from .terminal import Terminal
from .transfers import ledger_of

__all__ = ["answer", "conclude", "status"]

FORMAT: Final = "gurney transfer status 1"
"""Says what the document is; the number changes when a reader would have to."""

_AT_WORK: Final = frozenset({"planning", "running", "waiting"})
_STYLES: Final = {"running": "good", "planning": "good", "waiting": "doubt", "stopped": "doubt"}
_BAR: Final = 40  # columns
_REASONS: Final = 10  # that are shown; the report has all


def status(terminal: Terminal, output: str, shown: StatusFormat, every: float | None) -> ExitCode:
    """Say how the transfer at *output* stands; every so many seconds, until nobody is at work."""
    ledger = ledger_of(output)
    if every is None:
        complete = _show(terminal, ledger, status_of(ledger, most=_REASONS), shown)
    elif shown is StatusFormat.TABLE and terminal.read_by_person:
        complete = _watch(terminal, ledger, every)
    else:
        complete = _repeat(terminal, ledger, shown, every)
    return ExitCode.COMPLETE if complete else ExitCode.INCOMPLETE


def conclude(terminal: Terminal, ledger: Path, output: str) -> ExitCode:
    """Say how the transfer stands when a run has ended, and what to do next."""
    now = status_of(ledger, most=_REASONS)
    complete = _complete(now, ledger)
    terminal.show(table(now), "", answer(now.counts, complete=complete))
    if complete:
        return ExitCode.COMPLETE
    for reason in Report(ledger).reasons[:_REASONS]:
        terminal.warn(reason)
    for sentence in _next(now.counts, output):
        terminal.warn(sentence)
    terminal.note(f"for all of it: gurney transfer report {shlex.quote(output)}")
    return ExitCode.INCOMPLETE


def answer(counts: Counts, *, complete: bool) -> Text:
    """Return whether it is everything, on one line."""
    known_missing = counts.pending or counts.failed or counts.unplanned or counts.unplannable
    if complete:
        said = ("complete", "good")
    elif known_missing:
        said = ("INCOMPLETE", "bad")
    else:
        said = ("nobody can say whether this is everything", "doubt")
    studies = f"{number_text(counts.studies)} {'study' if counts.studies == 1 else 'studies'}"
    here = f"{number_text(counts.good)} of {instances(counts.instances)}"
    withheld = counts.by_status.get(OutcomeStatus.WITHHELD, 0)
    kept_back = f"; {number_text(withheld)} withheld by the transform" if withheld else ""
    size = decimal(counts.stored_bytes)
    return Text.assemble(said, f": {here} of {studies}, {size}{kept_back}")


def _next(counts: Counts, output: str) -> Iterator[str]:
    place = shlex.quote(output)
    if counts.unplanned:
        yield "to look up the rest, run the same gurney transfer plan again"
    if counts.pending:
        yield f"to go on: gurney transfer run {place}"
    elif counts.failed:
        yield f"to try again what failed: gurney transfer run {place} --retry-failed"


def table(now: Status) -> RenderableType:
    """Return what a person sees of how a transfer stands."""
    counts = now.counts
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="faint")
    grid.add_column()
    grid.add_row("state", _state(now))
    grid.add_row("instances", _progress(now))
    grid.add_row("studies", _studies(now))
    if counts.received or counts.stored_bytes:
        grid.add_row("received", _traffic(now))
    if now.eta is not None:
        grid.add_row("left", f"{duration(now.eta)}, until {moment(now.now + now.eta, now.now)}")
    if now.latest is not None and now.state in _AT_WORK:
        refused = f"; refused {number_text(counts.refusals)} times" if counts.refusals else ""
        grid.add_row("at work", f"{now.latest.under_way} of {now.latest.limit} parcels{refused}")
    for status_, style in _OUTCOMES:
        if counts.by_status.get(status_, 0):
            grid.add_row(status_.value, Text(number_text(counts.by_status[status_]), style))
    for count, text in ((counts.unplanned, "to look up"), (counts.unplannable, "not found")):
        if count:
            grid.add_row(
                text, Text(f"{number_text(count)} of {number_text(counts.items)}", "doubt")
            )
    for name in now.archives:
        size = decimal(counts.by_archive.get(name, 0))
        grid.add_row("from", Text(f"{size:>9}  {visible(name)}"))
    return Group(grid, *_tables(now))


def document(now: Status, *, complete: bool, reasons: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return the same for programs; times are ISO 8601, in UTC."""
    counts = now.counts
    return {
        "format": FORMAT,
        "state": now.state,
        "complete": complete,
        "detail": now.detail,
        "until": _iso(now.until),
        "pid": now.pid,
        "host": now.host,
        "since": _iso(now.since),
        "now": _iso(now.now),
        "items": counts.items,
        "unplanned": counts.unplanned,
        "unplannable": counts.unplannable,
        "studies": counts.studies,
        "finished_studies": counts.finished_studies,
        "incomplete_studies": counts.incomplete_studies,
        "instances": counts.instances,
        "done": counts.done,
        "pending": counts.pending,
        "failed": counts.failed,
        "by_status": {status_.value: number for status_, number in counts.by_status.items()},
        "stored_bytes": counts.stored_bytes,
        "received": counts.received,
        "refusals": counts.refusals,
        "archives": {name: counts.by_archive.get(name, 0) for name in now.archives},
        "rate": now.rate,
        "instance_rate": now.instance_rate,
        "eta": now.eta,
        "reasons": list(reasons),
        "failures": [{"reason": reason, "instances": number} for reason, number in now.failures],
        "incomplete": [{"study_uid": uid, "missing": number} for uid, number in now.incomplete],
    }


def _show(
    terminal: Terminal, ledger: Path, now: Status, shown: StatusFormat, *, line: bool = False
) -> bool:
    """Show how it stands, as JSON on one *line* if asked for; return whether it is complete."""
    complete, reasons = _complete(now, ledger), Report(ledger).reasons[:_REASONS]
    if shown is StatusFormat.TABLE:
        terminal.show(table(now))
        for reason in reasons:
            terminal.warn(reason)
    else:
        content = json.dumps(
            document(now, complete=complete, reasons=reasons),
            indent=None if line else 2,
            ensure_ascii=False,
        )
        terminal.write_json(f"{content}\n")
        terminal.out.file.flush()
    return complete


def _watch(terminal: Terminal, ledger: Path, every: float) -> bool:
    """Show it in one place, always the latest."""
    now = status_of(ledger, most=_REASONS)
    with Live(table(now), console=terminal.out, auto_refresh=False) as live:
        while now.state in _AT_WORK:
            time.sleep(every)
            now = status_of(ledger, most=_REASONS)
            live.update(table(now), refresh=True)
    return _complete(now, ledger)


def _repeat(terminal: Terminal, ledger: Path, shown: StatusFormat, every: float) -> bool:
    """Write it again and again; as JSON, each time on one line."""
    while True:
        now = status_of(ledger, most=_REASONS)
        complete = _show(terminal, ledger, now, shown, line=True)
        if now.state not in _AT_WORK:
            return complete
        time.sleep(every)


def _complete(now: Status, ledger: Path) -> bool:
    """Whether everything is here; while it is not finished nothing is walked over to know."""
    return now.state == "finished" and Report(ledger).complete


def _state(now: Status) -> Text:
    good = now.state == "finished" and not now.counts.failed and not now.counts.unplannable
    style = _STYLES.get(now.state, "good" if good else "bad" if now.state == "finished" else "")
    said = Text(now.state, style)
    if now.pid is not None:
        said.append(f"  by process {now.pid} on {visible(now.host)}", "faint")
    if now.since is not None:
        said.append(f"  since {moment(now.since, now.now)}", "faint")
    if now.detail:
        said.append(f"\n{visible(now.detail)}", "doubt")
    if now.until is not None:
        said.append(f" until {moment(now.until, now.now)}", "doubt")
    return said


def _progress(now: Status) -> RenderableType:
    counts = now.counts
    share = f"{100 * counts.done / counts.instances:.1f} %" if counts.instances else ""
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(total=max(counts.instances, 1), completed=counts.done, width=_BAR),
        Text(f"{number_text(counts.done)} of {number_text(counts.instances)}"),
        Text(share, "faint"),
        Text(f"{number_text(counts.failed)} of them failed" if counts.failed else "", "bad"),
    )
    return row


def _studies(now: Status) -> Text:
    counts = now.counts
    said = Text(f"{number_text(counts.finished_studies)} of {number_text(counts.studies)}")
    if counts.incomplete_studies:
        said.append(f"; {number_text(counts.incomplete_studies)} of them incomplete", "bad")
    return said


def _traffic(now: Status) -> Text:
    said = Text(f"{decimal(now.counts.received)}; {decimal(now.counts.stored_bytes)} are in place")
    if now.rate is not None and now.instance_rate is not None:
        said.append(f"   {decimal(int(now.rate))}/s, {now.instance_rate:,.1f} instances/s", "faint")
    return said


_OUTCOMES: Final = (
    (OutcomeStatus.ALREADY_THERE, ""),
    (OutcomeStatus.WITHHELD, ""),
    (OutcomeStatus.FAILED, "bad"),
    (OutcomeStatus.MISSING, "bad"),
    (OutcomeStatus.REFUSED, "bad"),
    (OutcomeStatus.UNEXPECTED, "doubt"),
)


def _tables(now: Status) -> list[RenderableType]:
    tables: list[RenderableType] = []
    if now.failures:
        reasons = plain_table()
        reasons.add_column("Times", justify="right")
        reasons.add_column("Why")
        for reason, number in now.failures:
            reasons.add_row(Text(number_text(number), "bad"), visible(reason))
        tables += ["", reasons]
    if now.incomplete:
        studies = plain_table()
        studies.add_column("Missing", justify="right")
        studies.add_column("Incomplete study")
        for uid, number in now.incomplete:
            studies.add_row(Text(number_text(number), "bad"), uid_text(uid))
        rest = now.counts.incomplete_studies - len(now.incomplete)
        if rest > 0:
            studies.add_row("", f"and {number_text(rest)} more, which the report lists")
        tables += ["", studies]
    return tables


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()
