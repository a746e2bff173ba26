"""From a report to the facts of its page: one walk over the studies, one of them at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import attrs
from pydicom.uid import UID

from gurney.core import OutcomeStatus, StudyReceipt

from .. import words
from ..ledger import Ledger, Run, Sample, Setting
from ..reporting import Report
from .facts import Counted, Facts, Row, Verdict
from .timeline import at_work

__all__ = ["Tally", "facts_of", "verdict_of"]

_DISTINCT: Final = 10_000  # reasons that are told apart; no archive makes up more without a fault
_OTHERS: Final = "other reasons, of which there are too many to list"

COMPLETE: Final = Verdict("complete", "good")
DOUBT: Final = Verdict("nobody can say whether this is everything", "doubt")
INCOMPLETE: Final = Verdict("incomplete", "bad")


def verdict_of(*, complete: bool, received: int, expected: int | None, missing: bool) -> Verdict:
    """Return the answer: what is known to be missing is worse than what nobody knows."""
    if complete:
        return COMPLETE
    if expected is not None and received >= expected and not missing:
        return DOUBT
    return INCOMPLETE


def facts_of(report: Report, row_of: Callable[[StudyReceipt], Row | None]) -> Facts:
    """Return what the page says of *report*.

    Parameters
    ----------
    report
        Of any transfer; it may still be running.
    row_of
        Is given each incomplete study in turn, and returns its row, or `None` for no row.
    """
    tally, complete = Tally(), report.complete
    rows = [row for study in tally.counting(report.studies()) if (row := row_of(study))]
    with Ledger.reading(report.folder) as ledger:
        samples, runs = ledger.samples(), ledger.runs()
        settings, counts, modalities = ledger.settings, ledger.counts, ledger.modalities
    return Facts(
        verdict=verdict_of(
            complete=complete,
            received=tally.received,
            expected=tally.expected,
            missing=tally.missing > 0,
        ),
        archives=_texts(settings.get("from")),
        target=_target(settings, report.folder),
        studies=tally.studies,
        complete_studies=tally.complete,
        expected=tally.expected,
        received=tally.received,
        verified_bytes=tally.verified_bytes,
        counts={status: tally.statuses[status] for status in OutcomeStatus},
        retries=tally.retries,
        started=_time(runs[0].began) if runs else None,
        finished=_finished(runs, samples),
        seconds=at_work(samples),
        arrived=counts.received,
        reasons=report.reasons,
        problems=_counted(tally.problems),
        rows=tuple(rows),
        sizes=dict(sorted(tally.sizes.items())),
        modalities=_counted(Counter(modalities)),
        transfer_syntaxes=_counted(tally.syntaxes, _name),
        protocols=_counted(tally.protocols),
        samples=samples,
        settings=tuple(
            (name, _text(value))
            for name, value in settings.items()
            if name not in ("from", "to") and not name.startswith("command ")
        ),
    )


@attrs.define
class Tally:
    """Counts studies as they pass; keeps none."""

    studies: int = 0
    complete: int = 0
    expected: int | None = 0
    missing: int = 0
    received: int = 0
    verified_bytes: int = 0
    retries: int = 0
    statuses: Counter[OutcomeStatus] = attrs.field(factory=Counter[OutcomeStatus])
    problems: Counter[str] = attrs.field(factory=Counter[str])
    sizes: Counter[int] = attrs.field(factory=Counter[int])
    syntaxes: Counter[str] = attrs.field(factory=Counter[str])
    protocols: Counter[str] = attrs.field(factory=Counter[str])

    def counting(self, studies: Iterable[StudyReceipt]) -> Iterable[StudyReceipt]:
        """Count each of *studies*, and yield those that are not complete."""
        for study in studies:
            self.count(study)
            if study.complete:
                self.complete += 1
            else:
                yield study

    def count(self, study: StudyReceipt) -> None:
        """Count *study* and its outcomes."""
        self.studies += 1
        expected = study.expectation.count
        self.expected = (
            None if expected is None or self.expected is None else self.expected + expected
        )
        self.received += study.received
        self.missing += len(study.missing)
        self.verified_bytes += study.verified_bytes
        for outcome in study.outcomes:
            self.statuses[outcome.status] += 1
            self.retries += outcome.retries
            if not outcome.good:
                self._problem(f"{outcome.status.value}: {outcome.reason}")
            elif outcome.in_place:
                self.sizes[_bin(outcome.size)] += 1
                self.syntaxes[outcome.transfer_syntax] += 1
            if outcome.protocol:
                self.protocols[outcome.protocol] += 1

    def _problem(self, text: str) -> None:
        known = text in self.problems or len(self.problems) < _DISTINCT
        self.problems[text if known else _OTHERS] += 1


def _bin(size: int) -> int:
    """Return ``n`` such that *size* is in ``10**(n/4)`` to ``10**((n+1)/4)`` bytes."""
    return math.floor(math.log10(max(size, 1)) * 4 + 1e-9)


def _counted(counter: Counter[str], name: Callable[[str], str] = str) -> tuple[Counted, ...]:
    """Most frequent first, then by name; what nobody knows is not a kind if it is all there is."""
    if set(counter) <= {""}:
        return ()
    items = [Counted(name(text) or "not known", number) for text, number in counter.items()]
    return tuple(sorted(items, key=lambda item: (-item.count, item.text)))


def _name(uid: str) -> str:
    return UID(uid).name if uid else ""


def _target(settings: Mapping[str, Setting], ledger: Path) -> str:
    """Where it went; a folder in which the ledger is, by its name: it may have been moved."""
    said = " ".join(_texts(settings.get("to")))
    return ledger.absolute().parent.name if said == words.BESIDE else said


def _texts(value: Setting) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return () if value is None else (str(value),)


def _text(value: Setting) -> str:
    return "none" if value is None else ", ".join(_texts(value))


def _finished(runs: Sequence[Run], samples: Sequence[Sample]) -> datetime | None:
    """When the last run ended; if it goes on, or was killed, when it was last heard of."""
    if not runs:
        return None
    heard = [runs[-1].began, *(sample.time for sample in samples[-1:])]
    return _time(runs[-1].ended or max(heard))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
