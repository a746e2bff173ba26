"""From a figure of matplotlib's to SVG inside a page, in the colours of the page, light or dark.

Colours in a figure stand for those of the page: each is drawn as one that nobody would choose, and
becomes a CSS variable in the SVG. Text stays text, in the font of the page.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib gives its keyword arguments no types.

from __future__ import annotations

import io
import re
from typing import Any, Final

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["COLOURS", "NARROW", "WIDE", "bare", "colour", "new_figure", "to_svg"]

COLOURS: Final = (
    "ink",
    "soft",
    "faint",
    "page",
    "accent",
    "stored",
    "there",
    "withheld",
    "missing",
    "failed",
    "refused",
    "unexpected",
)
"""The names of the page's colours, each a CSS variable."""

_STANDS_FOR: Final = {f"#a1b2{n:02x}": name for n, name in enumerate(COLOURS, 1)}
_DRAWN_AS: Final = {name: drawn for drawn, name in _STANDS_FOR.items()}
_SETTINGS: Final[dict[Any, Any]] = {  # what may be a key differs by release
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "path.simplify": True,
}
WIDE: Final = 7.6
"""Inches of a figure as wide as the page, which scales it."""

NARROW: Final = 4.3
"""Inches of one of two figures side by side."""

_drawn: Final = re.compile("|".join(_STANDS_FOR))
_preamble: Final = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_metadata: Final = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_size: Final = re.compile(r'(<svg [^>]*?)\s(?:width|height)="[^"]*pt"')
_font: Final = re.compile(r"font: ([\d.]+px) [^;\"]*")
_identifier: Final = re.compile(r'(\bid="|url\(#|xlink:href="#)')


def colour(name: str) -> str:
    """Return what to draw with for the page's colour *name*."""
    return _DRAWN_AS[name]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_visible(False)
    return figure


def bare(axes: Axes, *, grid: str = "y") -> Axes:
    """Take away what is not data: the box, the ticks; leave a faint grid along one axis."""
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" and grid == "y")
        spine.set_color(colour("faint"))
    axes.tick_params(length=0, colors=colour("soft"), labelsize=9)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis="y" if grid == "y" else "x", color=colour("faint"), linewidth=0.7)
    return axes


def to_svg(figure: Figure, name: str, description: str) -> Markup:
    """Return *figure* as an ``<svg>`` element that is named *name* and loads nothing.

    The same figure gives the same text; no two names share an identifier.
    """
    written = io.StringIO()
    with rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure.savefig(
            written, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    text = _metadata.sub("", _preamble.sub("", written.getvalue()))
    text = _drawn.sub(lambda found: f"var(--{_STANDS_FOR[found.group()]})", text)
    text = _font.sub(r"font: \1 var(--sans)", _size.sub(r"\1", _size.sub(r"\1", text)))
    text = _identifier.sub(rf"\1{name}-", text)
    label = f'<svg role="img" aria-label="{escape(description)}" '
    return Markup(text.replace("<svg ", label, 1))  # matplotlib escapes what it draws
