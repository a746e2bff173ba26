"""From facts to the text of a page, and from the receipt of a study to that of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timezone, tzinfo
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, cast

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined

from gurney.core import Outcome, StudyReceipt
from gurney.escaping import visible

from .. import words
from . import plots
from .facts import Counted, Facts
from .gathering import verdict_of

__all__ = ["CSV", "PageLimits", "Pages", "citation"]

CSV: Final = "instances.csv"
"""The file beside the first page that has a line for each instance."""


@attrs.frozen(kw_only=True)
class PageLimits:
    """How much a page holds; what is left out is counted there, and is in the CSV.

    Attributes
    ----------
    studies
        Incomplete studies in the table of the first page, and with a page of their own.
    lines
        Instances, and series, on the page of a study.
    reasons
        Reasons in a list of them.
    """

    studies: int = 1_000
    lines: int = 1_000
    reasons: int = 20


@attrs.define
class Pages:
    """Makes pages of one report.

    Parameters
    ----------
    limits
        How much a page holds.
    zone
        In which clock times are written; `None` for that of this machine.
    """

    limits: PageLimits
    zone: tzinfo | None = None
    environment: Environment = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.environment = _environment(self.zone)

    def first(self, facts: Facts) -> str:
        """Return the first page."""
        return self.environment.get_template("index.html").render(
            facts=facts,
            limits=self.limits,
            csv=CSV,
            plots=_plots(facts, self.zone),
            citation=citation(facts),
        )

    def study(self, study: StudyReceipt) -> str:
        """Return the page of one study."""
        template = self.environment.get_template("study.html")
        return template.render(csv=CSV, limits=self.limits, **_about(study))


def citation(facts: Facts) -> str:
    """Return what a methods section may say: figures, times, and what is missing."""
    source = " and ".join(map(visible, facts.archives)) or "the archive"
    noun = "study" if facts.studies == 1 else "studies"
    when = f" between {words.moment(facts.started)} and {words.moment(facts.finished)}"
    said = (
        f"{words.count(facts.studies)} {noun} with {words.count(facts.expected)} DICOM instances "
        f"were requested from {source}{when if facts.started else ''} with gurney {_version()}. "
        f"{words.count(facts.received)} instances ({words.size(facts.verified_bytes)}) were "
        "received and verified"
    )
    if facts.verdict.tone == "good":
        return f"{said}: the transfer was complete."
    short = None if facts.expected is None else max(0, facts.expected - facts.received)
    lacking = f"; {words.count(short)} are missing" if short else ""
    return (
        f"{said}{lacking}; {words.count(facts.incomplete_studies)} of the {noun} are not known to "
        "be complete."
    )


def _environment(zone: tzinfo | None) -> Environment:
    environment = Environment(
        loader=PackageLoader("gurney.transfer.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    now = datetime.now(timezone.utc).astimezone(zone)
    cast("Any", environment.filters).update(
        count=words.count,
        duration=_together(words.duration),
        moment=partial(_moment, zone),
        share=_together(words.share),
        shown=visible,
        size=_together(words.size),
    )
    cast("Any", environment.globals).update(
        version=_version(), written=now, zone=words.moment(now).split()[-1]
    )
    return environment


def _together(words_of: Callable[..., str]) -> Callable[..., str]:
    """Keep a number and its unit on one line."""
    return lambda *numbers: words_of(*numbers).replace(" ", "\N{NO-BREAK SPACE}")


def _moment(zone: tzinfo | None, time: datetime) -> str:
    return words.moment(time.astimezone(zone))


def _plots(facts: Facts, zone: tzinfo | None) -> Mapping[str, Any]:
    kinds = (
        ("Modalities", facts.modalities, "modalities", "Instances by modality"),
        ("Transfer syntaxes", facts.transfer_syntaxes, "syntaxes", "Instances by transfer syntax"),
        (
            "Protocols",
            facts.protocols if len(facts.protocols) > 1 else (),
            "protocols",
            "How they came",
        ),
    )
    return {
        "throughput": plots.throughput(facts.samples, zone) if len(facts.samples) > 2 else "",
        "outcomes": plots.outcomes(facts.counts) if any(facts.counts.values()) else "",
        "sizes": plots.sizes(facts.sizes) if facts.sizes else "",
        "kinds": [
            (heading, plots.kinds(counted, name, description))
            for heading, counted, name, description in kinds
            if counted
        ],
    }


@attrs.frozen
class _Series:
    uid: str
    named: int
    received: int
    size: int


def _about(study: StudyReceipt) -> Mapping[str, Any]:
    """What the page of *study* says."""
    notes = Counter(note for outcome in study.outcomes if outcome.good for note in outcome.notes)
    return {
        "study": study,
        "verdict": verdict_of(
            complete=study.complete,
            received=study.received,
            expected=study.expectation.count,
            missing=bool(study.missing),
        ),
        "series": _series(study),
        "open": [outcome for outcome in study.outcomes if not outcome.good],
        "oddities": [Counted(text, number) for text, number in notes.most_common()],
        "tones": plots.TONES,
    }


def _series(study: StudyReceipt) -> list[_Series]:
    by_uid: dict[str, list[Outcome]] = {}
    for outcome in study.outcomes:
        uids = outcome.reference.uids if outcome.reference else ()
        if len(uids) > 1:
            by_uid.setdefault(uids[1], []).append(outcome)
    return [
        _Series(
            uid,
            len(outcomes),
            sum(outcome.good for outcome in outcomes),
            sum(outcome.size for outcome in outcomes if outcome.good),
        )
        for uid, outcomes in by_uid.items()
    ]


def _version() -> str:
    try:
        return version("gurney")
    except PackageNotFoundError:  # run from its source
        return "from source"
