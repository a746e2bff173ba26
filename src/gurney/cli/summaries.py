"""What a receipt and a verification say, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from gurney.core import OutcomeStatus, Receipt, StudyReceipt, unique
from gurney.storage import Verification

from .tables import line, number_text, plain_table, uid_text
from .terminal import Terminal

__all__ = ["explain", "headline", "instances", "list_paths", "summary", "verification_table"]

_ROWS: Final = 40  # studies in a summary; of more, those that are not complete come first
_LINES: Final = 10  # of one kind that are shown; the rest is counted
_SPECIAL: Final = {
    OutcomeStatus.ALREADY_THERE: "there already",
    OutcomeStatus.WITHHELD: "withheld by the transform",
}


def summary(receipt: Receipt) -> Table:
    """Return a table with one row for each study; of very many, the worst ones."""
    table = plain_table()
    table.add_column("Study")
    for heading in ("Expected", "Received", "Size"):
        table.add_column(heading, justify="right")
    table.add_column("")
    shown = list(receipt.studies)
    if len(shown) > _ROWS:
        shown = sorted(shown, key=lambda study: (study.complete, _is_whole(study)))[:_ROWS]
    for study in shown:
        table.add_row(*_row(study))
    rest = len(receipt.studies) - len(shown)
    if rest:
        table.add_row(f"and {rest} more, which the receipt lists", "", "", "", "")
    return table


def headline(receipt: Receipt) -> Text:
    """Return the answer on one line."""
    answer, counted = _answer(receipt)
    studies = f"{len(receipt.studies)} {'study' if len(receipt.studies) == 1 else 'studies'}"
    size = decimal(receipt.verified_bytes)
    special = "".join(
        f"; {number_text(receipt.counts[status])} of them were {words}"
        for status, words in _SPECIAL.items()
        if receipt.counts[status]
    )
    return Text.assemble(answer, f": {counted} of {studies}, {size}{special}")


def _answer(receipt: Receipt) -> tuple[tuple[str, str], str]:
    """The answer with its style, and how many instances it is about."""
    here = sum(study.received for study in receipt.studies)
    counts = [study.expectation.count for study in receipt.studies]
    known = None if None in counts else sum(count or 0 for count in counts)
    if receipt.complete:
        return ("complete", "good"), instances(here)
    if known == here and not receipt.missing:
        return ("nobody can say whether this is everything", "doubt"), instances(here)
    return ("INCOMPLETE", "bad"), f"{number_text(here)} of {instances(known)}"


def explain(terminal: Terminal, receipt: Receipt) -> None:
    """Say on standard error why *receipt* is not complete: doubts, each once, then failures."""
    for reason in receipt.reasons:
        terminal.warn(reason)
    about: dict[str, list[str]] = {}
    for study in receipt.studies:
        for reason in unique(study.reasons):
            if reason not in receipt.reasons:
                about.setdefault(reason, []).append(study.study_uid)
    doubts = [
        f"study {uids[0]}: {reason}" if len(uids) == 1 else f"{len(uids)} studies: {reason}"
        for reason, uids in about.items()
    ]
    failures = [
        f"{outcome.reference}: {outcome.status.value}: {outcome.reason}"
        for outcome in receipt.outcomes
        if not outcome.good
    ]
    for lines in (doubts, failures):
        for text in lines[:_LINES]:
            terminal.warn(text)
        if len(lines) > _LINES:
            terminal.warn(f"and {len(lines) - _LINES} more, which the receipt lists")


def verification_table(found: Verification) -> Table:
    """Return what was found in a folder, by kind; what there is none of is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    rows: Sequence[tuple[int, str, str]] = (
        (found.whole, f"whole DICOM instances, {decimal(found.verified_bytes)}", "good"),
        (found.checksums, "of them with the checksum that the receipt has", "good"),
        (len(found.faults), "damaged or changed", "bad"),
        (len(found.missing), "missing: in the receipt, and not here", "bad"),
        (len(found.extra), "extra: whole, and in no receipt", "doubt"),
        (len(found.aside), "kept aside: other content for an instance that is here", "doubt"),
        (len(found.unfinished), "unfinished, by a fetch that runs or was stopped", "doubt"),
        (len(found.others), "other: no DICOM files, or links", "faint"),
    )
    for count, text, style in rows:
        if count:
            table.add_row(number_text(count), Text(text, style))
    return table


def list_paths(terminal: Terminal, heading: str, paths: Iterable[str] | Mapping[str, str]) -> None:
    """Say on standard error which files are meant, the first of them."""
    listed = [f"{p}: {paths[p]}" if isinstance(paths, Mapping) else p for p in paths]
    for text in listed[:_LINES]:
        terminal.warn(f"{heading}: {text}")
    if len(listed) > _LINES:
        terminal.warn(f"{heading}: {len(listed) - _LINES} more")


def instances(count: int | None) -> str:
    """Return a number of instances in words."""
    return f"{number_text(count)} instance{'' if count == 1 else 's'}"


def _row(study: StudyReceipt) -> tuple[Text, str, Text, str, Text]:
    if study.complete:
        state = line("complete", "good")
    elif _is_whole(study):
        state = line("nobody can say", "doubt")
    else:
        state = line("INCOMPLETE", "bad")
    return (
        uid_text(study.study_uid),
        number_text(study.expectation.count),
        Text(number_text(study.received), "" if _is_whole(study) else "bad"),
        decimal(study.verified_bytes),
        state,
    )


def _is_whole(study: StudyReceipt) -> bool:
    """Whether all that is known of the study is here, be there doubts or not."""
    count = study.expectation.count
    return count is not None and study.received >= count and not study.missing
