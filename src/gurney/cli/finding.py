"""``gurney find`` and ``gurney tree``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from gurney.core import Completeness, DICOMObjectLevels, QueryLevels, SearchResult

from .columns import check_shown, wanted_keywords
from .command import Given
from .documents import to_csv, to_json
from .exits import ExitCode
from .formats import Format
from .opening import build_query, named, opened, search_with
from .tables import to_table
from .terminal import Terminal
from .trees import to_tree

__all__ = ["find", "report"]

_LINES = 20  # of one kind that are shown; the rest is counted


def find(
    terminal: Terminal, given: Given, archive: str, level: QueryLevels, format_: Format
) -> ExitCode:
    """Search *archive*, show what was found, and say whether it is everything."""
    extra = tuple(given.get("include_field") or ())
    check_shown(extra)
    query = build_query(given, level, extra)
    deepest = DICOMObjectLevels.from_query_level(level)
    with opened(terminal, archive) as searcher:
        result = search_with(terminal, searcher, query, wanted_keywords(deepest, extra))
    _show(terminal, result, _View(archive, deepest, extra, format_))
    return report(terminal, result)


@attrs.frozen
class _View:
    """How to show a result."""

    archive: str
    deepest: DICOMObjectLevels
    extra: tuple[str, ...]
    format: Format


def _show(terminal: Terminal, result: SearchResult, view: _View) -> None:
    if view.format is Format.JSON:
        terminal.write_json(to_json(result, view.deepest, view.extra, named(view.archive)))
    elif view.format is Format.CSV:
        terminal.write(to_csv(result, view.deepest, view.extra))
    elif view.format is Format.TREE:
        terminal.show(to_tree(result, view.deepest, view.extra, _heading(view.archive)))
    elif len(result):
        terminal.show(to_table(result, view.deepest, view.extra))


def _heading(archive: str) -> str:
    """Return the archive as it was typed if it is a path; of a URL no credentials."""
    return named(archive) if "://" in archive else archive


def report(terminal: Terminal, result: SearchResult) -> ExitCode:
    """Say whether *result* is everything, on standard error, and return the exit code."""
    count = f"{len(result)} {'study' if len(result) == 1 else 'studies'}"
    for note in _first(result.notes):
        terminal.note(f"note: {note}")
    for reason, held in Counter(item.reason for item in result.held_back).most_common(_LINES):
        terminal.note(f"held back: {held} that the archive returned; {reason}")
    if result.complete:
        terminal.note(f"{count}; complete" if len(result) else "nothing matches; complete")
        return ExitCode.COMPLETE
    terminal.warn(f"{count}; {_DOUBTS[result.completeness]}")
    for reason in _first(result.reasons):
        terminal.warn(f"  {reason}")
    return ExitCode.INCOMPLETE


_DOUBTS = {
    Completeness.CAPPED: "INCOMPLETE: the answer was cut short",
    Completeness.UNKNOWN: "nobody can say whether this is everything",
}


def _first(lines: Iterable[str]) -> Iterable[str]:
    lines = list(lines)
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"and {len(lines) - _LINES} more, which --format json lists"
