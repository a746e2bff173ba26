"""``gurney transfer plan``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs
from rich.text import Text

from gurney.core import TRANSFER_FOLDER, Completeness
from gurney.transfer import Plan

from .displaying import looking_up
from .exits import ExitCode, WrongUseError
from .manners import Told, keep
from .naming import read_file
from .summaries import instances
from .tables import number_text
from .terminal import Terminal
from .transfers import Kept, transfer_of

__all__ = ["Wanted", "plan"]

_LINES: Final = 10  # of one kind that are shown; the rest is counted


@attrs.frozen
class Wanted:
    """What `plan` was told, as it was typed."""

    archives: tuple[str, ...]
    file: str
    output: str
    ledger: Path | None = None
    layout: str = "default"
    checksum: str = "sha256"
    transform: str | None = None


def plan(terminal: Terminal, wanted: Wanted, told: Told) -> ExitCode:
    """Look up what is wanted, keep it in the ledger, and say how much that is."""
    _check_paths(wanted.archives)
    ledger = _ledger(wanted)
    kept = _kept(wanted, ledger)
    cohort = read_file(wanted.file)
    if not cohort:
        raise WrongUseError(
            "--from: the table has a heading, and nothing below it; did what made it fail?"
        )
    for note in cohort.notes:
        terminal.note(f"note: {note}")
    transfer = transfer_of(ledger, kept, told, tuple(cohort))
    kept.keep(ledger)
    keep(told, ledger)
    try:
        with looking_up(terminal, len(cohort)) as progress:
            made = transfer.plan(progress=progress)
    except KeyboardInterrupt:
        terminal.warn("interrupted: what was looked up is kept; run the same command again")
        return ExitCode.INTERRUPTED
    return _say(terminal, made, wanted)


def _check_paths(archives: Iterable[str]) -> None:
    """A transfer waits for an archive that is away; for a path that is mistyped, in vain."""
    for name in archives:
        if "://" not in name and not Path(name).exists():
            raise WrongUseError(f"{name} is not there; name a folder, or the URL of an archive")


def _ledger(wanted: Wanted) -> Path:
    if wanted.ledger is not None:
        return wanted.ledger.absolute()
    if "://" in wanted.output:
        raise WrongUseError(
            "an object store keeps no ledger: say where on this machine, with --ledger DIR"
        )
    return Path(wanted.output).absolute() / TRANSFER_FOLDER


def _kept(wanted: Wanted, ledger: Path) -> Kept:
    """What is kept does not depend on where the command was typed."""
    archives = tuple(url if "://" in url else str(Path(url).absolute()) for url in wanted.archives)
    output = wanted.output if "://" in wanted.output else str(Path(wanted.output).absolute())
    beside = ledger.name == TRANSFER_FOLDER and output == str(ledger.parent)
    return Kept(
        archives=archives,
        output="" if beside else output,
        layout=wanted.layout,
        checksum=wanted.checksum,
        transform=wanted.transform or "",
    )


def _say(terminal: Terminal, made: Plan, wanted: Wanted) -> ExitCode:
    studies = f"{number_text(made.studies)} {'study' if made.studies == 1 else 'studies'}"
    answer = _ANSWERS[made.completeness]
    terminal.show(Text.assemble(f"{instances(made.instances)} of {studies}; ", answer))
    for note in made.notes[:_LINES]:
        terminal.note(f"note: {note}")
    for reason in made.reasons[:_LINES]:
        terminal.warn(reason)
    if len(made.reasons) > _LINES:
        terminal.warn(f"and {len(made.reasons) - _LINES} more, which the report lists")
    if wanted.transform and wanted.ledger is None and "://" not in wanted.output:
        terminal.note(
            f"note: {TRANSFER_FOLDER} in the output will tell what became of which instance; leave"
            " it out of what is handed on"
        )
    place = wanted.output if wanted.ledger is None else str(wanted.ledger)
    terminal.note(f"to fetch them: gurney transfer run {shlex.quote(place)}")
    return ExitCode.COMPLETE if made.complete else ExitCode.INCOMPLETE


_ANSWERS: Final = {
    Completeness.COMPLETE: ("known to be everything", "good"),
    Completeness.CAPPED: ("INCOMPLETE: something was not found, or cut short", "bad"),
    Completeness.UNKNOWN: ("nobody can say whether this is everything", "doubt"),
}
