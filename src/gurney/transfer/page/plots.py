"""The plots of the page: throughput over time, outcomes, sizes, kinds."""

# pyright: reportUnknownMemberType=false
# matplotlib gives its keyword arguments no types.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gurney.core import OutcomeStatus
from gurney.escaping import visible

from .. import words
from ..ledger import Sample
from .drawing import NARROW, WIDE, bare, colour, new_figure, to_svg
from .facts import Counted
from .timeline import Timeline

__all__ = ["KIND_ROWS", "TONES", "kinds", "outcomes", "sizes", "throughput"]

TONES: Final = {
    OutcomeStatus.STORED: "stored",
    OutcomeStatus.ALREADY_THERE: "there",
    OutcomeStatus.WITHHELD: "withheld",
    OutcomeStatus.MISSING: "missing",
    OutcomeStatus.FAILED: "failed",
    OutcomeStatus.REFUSED: "refused",
    OutcomeStatus.UNEXPECTED: "unexpected",
}
"""The colour of each outcome, from good to bad."""

KIND_ROWS: Final = 12
"""Kinds that are drawn; the rest is summed up."""

_BAR: Final = 0.27  # inches for each
_TALL: Final = 0.42  # for each, if its text is above it
_AS_IT_IS: Final[dict[str, Any]] = {"fontsize": 9, "parse_math": False}
_LONGEST: Final = 48  # characters above one
_LONG: Final = 16  # characters beside a bar


def throughput(samples: Sequence[Sample], zone: tzinfo | None = None) -> Markup:
    """Draw bytes a second, and below it parcels under way with their limit, over time at work.

    Parameters
    ----------
    samples
        At least two, in order of time.
    zone
        In which clock times are written; that of this machine if not given.
    """
    timeline = Timeline.of(samples, zone)
    figure = new_figure(WIDE, 3.2)
    rate, work = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.1))
    for part in timeline.stretches:
        rate.fill_between(part.x, part.rates, step="pre", color=colour("accent"), alpha=0.25, lw=0)
        rate.step(part.x, part.rates, where="pre", color=colour("accent"), linewidth=1.3)
        work.step(
            part.x, part.limits, where="pre", color=colour("soft"), linewidth=0.9, ls=(0, (3, 2))
        )
        work.fill_between(
            part.x, part.under_way, step="pre", color=colour("there"), alpha=0.5, lw=0
        )
    for axes in (rate, work):
        bare(axes).set_ylim(bottom=0)
        axes.set_xlim(0, timeline.length)
        axes.margins(x=0)
        for edge in timeline.breaks:
            axes.axvspan(*edge, color=colour("faint"), alpha=0.55, lw=0)
    rate.yaxis.set_major_formatter(FuncFormatter(_rate))
    rate.yaxis.set_major_locator(MaxNLocator(4))
    work.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    work.set_xticks([x for x, _ in timeline.ticks], [text for _, text in timeline.ticks])
    work.set_ylabel("parcels", color=colour("soft"), fontsize=9)
    peak = max(max(part.rates) for part in timeline.stretches)
    return to_svg(figure, "throughput", f"Throughput over time, at most {words.size(peak)}/s")


def outcomes(counts: Mapping[OutcomeStatus, int]) -> Markup:
    """Draw how many instances had which outcome; those that none had are left out."""
    present = [(status, counts.get(status, 0)) for status in TONES if counts.get(status, 0)]
    bars = [(status.value, number, TONES[status]) for status, number in present]
    return _bars(bars, "outcomes", "Instances by outcome")


def kinds(counted: Sequence[Counted], name: str, description: str) -> Markup:
    """Draw how many instances are of which kind, the most frequent ones."""
    first, rest = counted[:KIND_ROWS], counted[KIND_ROWS:]
    bars = [(_short(item.text), item.count, "accent") for item in first]
    if rest:
        bars.append((f"{len(rest)} more", sum(item.count for item in rest), "soft"))
    return _bars(bars, name, description)


def sizes(histogram: Mapping[int, int]) -> Markup:
    """Draw how many instances have which size, on a logarithmic scale, as `Facts.sizes` counts."""
    figure = new_figure(NARROW, 2.0)
    axes = bare(figure.subplots())
    axes.bar(
        [key + 0.5 for key in histogram],
        list(histogram.values()),
        width=0.9,
        color=colour("accent"),
        linewidth=0,
    )
    first, last = min(histogram) // 4 * 4, max(histogram) + 1
    decades = range(first, last + 4, 4)
    axes.set_xticks(decades, [_round(10 ** (key // 4)) for key in decades])
    axes.set_xlim(first - 0.3, max(last, first + 8) + 0.3)
    axes.yaxis.set_major_formatter(FuncFormatter(_number))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return to_svg(figure, "sizes", "Instances by size")


def _rate(value: float, _place: int | None) -> str:
    return f"{_round(value)}/s" if value else "0"


def _number(value: float, _place: int | None) -> str:
    return f"{value:,.0f}"


def _short(text: str) -> str:
    """Return *text* as any font can draw it, on part of a line."""
    plain = visible(text).encode("ascii", "backslashreplace").decode("ascii")
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."


def _round(size: float) -> str:
    """Return a size that is a round number as people write it: 10 kB, not 10.0 kB."""
    number, _, unit = words.size(size).partition(" ")
    return f"{float(number):g} {unit}"


def _bars(bars: Sequence[tuple[str, int, str]], name: str, description: str) -> Markup:
    """Draw horizontal bars (text, number, colour), each with its number and share.

    Texts stand beside the bars or, where one is long, above them.
    """
    above = max(len(text) for text, _, _ in bars) > _LONG
    figure = new_figure(NARROW, 0.16 + (_TALL if above else _BAR) * len(bars))
    axes = bare(figure.subplots(), grid="")
    total, longest = sum(number for _, number, _ in bars), max(number for _, number, _ in bars)
    places = range(len(bars))
    axes.barh(
        places,
        [number for _, number, _ in bars],
        height=0.42 if above else 0.62,
        color=[colour(tone) for _, _, tone in bars],
        linewidth=0,
    )
    for place, (text, number, _) in zip(places, bars, strict=True):
        said = f"{number:,}  ·  {words.share(number, total)}"
        axes.text(
            number + longest * 0.02, place, said, color=colour("soft"), fontsize=9, va="center"
        )
        if above:
            axes.text(
                0,
                place - 0.28,
                text,
                color=colour("ink"),
                fontsize=9,
                va="bottom",
                parse_math=False,
            )
    axes.set_yticks(
        [] if above else places, [] if above else [text for text, _, _ in bars], parse_math=False
    )
    axes.tick_params(axis="y", labelcolor=colour("ink"))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, longest * 1.45)
    axes.set_ylim(len(bars) - 0.5, -0.8 if above else -0.5)
    return to_svg(figure, name, description)
