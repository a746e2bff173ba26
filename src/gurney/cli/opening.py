"""From what a command line names to an archive, a query and its result."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import attrs

from gurney.archives import Archive, open_archive
from gurney.core import (
    Completeness,
    ExtendedQuery,
    QueryLevels,
    Searcher,
    SearchResult,
    Study,
    UnsupportedParameterError,
)
from gurney.logins import named

from .options import query_values
from .samples import DEMO, samples
from .terminal import Terminal

__all__ = ["build_query", "named", "opened", "search", "search_with"]


@contextmanager
def opened(terminal: Terminal, url: str) -> Generator[Archive]:
    """Open the archive at *url*, a URL or a path; ``demo://`` is the samples of pydicom.

    It is closed in the end, if there is something to close.
    """
    with ExitStack() as stack:
        with terminal.busy("opening the archive"):
            archive = open_archive(str(samples()) if url == DEMO else url)
            if isinstance(archive, AbstractContextManager):
                stack.enter_context(archive)
        yield archive


def build_query(
    given: Mapping[str, Any], level: QueryLevels, include_fields: Sequence[str] = ()
) -> ExtendedQuery:
    """Return the query that the options *given* describe."""
    values = query_values(given)
    return ExtendedQuery.from_mapping(
        {**values, "query_level": level, "include_fields": tuple(include_fields)}
    )


def search(terminal: Terminal, searcher: Searcher, query: ExtendedQuery) -> SearchResult:
    """Return what *searcher* finds; a plain list becomes a result that nobody vouches for."""
    with terminal.busy("searching"):
        found: Sequence[Study] = searcher.find_studies(query)
    if isinstance(found, SearchResult):
        return found
    reason = "this archive does not say whether it found everything"
    return SearchResult(found, Completeness.UNKNOWN, [reason])


def search_with(
    terminal: Terminal, searcher: Searcher, query: ExtendedQuery, nice: Sequence[str]
) -> SearchResult:
    """Search, asking for the attributes *nice* to have too, if the archive takes such a wish."""
    wish = tuple(dict.fromkeys([*query.include_fields, *nice]))
    try:
        return search(terminal, searcher, attrs.evolve(query, include_fields=wish))
    except UnsupportedParameterError as error:
        if error.parameter != "include_fields" or query.include_fields:
            raise
        return search(terminal, searcher, query)
