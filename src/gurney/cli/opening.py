"""From what a command line names to an archive, a query and its result."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

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

from .options import query_values
from .samples import DEMO, samples
from .terminal import Terminal

__all__ = ["build_query", "named", "opened", "search", "search_with"]

_TITLED: Final = ("dimse", "dimse+tls")
"""What begins the URLs in which an AE title, not a user, stands before the host."""


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


def named(url: str) -> str:
    """Return what to call the archive in receipts and documents: never with credentials.

    Examples
    --------
    >>> named("dicomweb+https://user:secret@pacs.example:8443/studies?token=1")
    'dicomweb+https://pacs.example:8443/studies'
    >>> named("dimse://ARCHIVE@pacs.example:104?calling=ME")
    'dimse://ARCHIVE@pacs.example:104'
    """
    if "://" not in url:
        return str(Path(url).absolute())
    parts = urlsplit(url)
    before, _, host = parts.netloc.rpartition("@")
    if parts.scheme in _TITLED and ":" not in unquote(before):
        host = parts.netloc
    return f"{parts.scheme}://{host}{parts.path}"


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
