"""The searcher that remembers."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from typing_extensions import Self

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    InvalidInputError,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
)

from .answers import cut, from_json, to_json
from .shelf import Shelf

__all__ = ["CachedSearcher"]

_log: Final = logging.getLogger("gurney.caching")
_NOT_SAID: Final = "the searcher does not say whether this is everything"


class CachedSearcher(Searcher):
    """Answers from a cache what was asked before, and asks *searcher* for the rest.

    A deeper answer serves a shallower question, never the reverse. An answer that was cut short is
    not kept: who asks again may get more. One of which nobody knows whether it is everything is
    kept as just that. An answer from the cache says so in its notes, with its age.

    Only who asks the same question gets the same answer: all fields count, and the class of the
    query. Errors are not kept. If the file of a cache fails, that is logged, and the archive is
    asked. Several threads may use one; several processes may share a file.

    The cache holds what the archive told of patients. Its file is made for its owner only.

    Parameters
    ----------
    searcher
        Who is asked.
    path
        The file of the cache; `None` keeps it in memory, for this object alone.
    name
        Names the archive in the file; needed if there is a file.
    max_age
        Seconds for which an answer is good.
    max_size
        Bytes of all answers together, 100 MB if not said otherwise.
    clock
        Seconds since the epoch.

    Raises
    ------
    InvalidInputError
        If a file is named without a name of the archive, or is not a cache.

    Examples
    --------
    >>> from gurney.testing import MemoryArchive, example_datasets
    >>> searcher = CachedSearcher(MemoryArchive(example_datasets()))
    >>> deep = searcher.find_studies(Query(query_level=QueryLevels.INSTANCE))
    >>> searcher.find_studies(Query()).notes
    ('answered from a cache, 0 s old',)
    """

    def __init__(
        self,
        searcher: Searcher,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str = "",
        max_age: float = 300.0,
        max_size: int = 100_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if path is not None and not name:
            raise InvalidInputError(
                "a cache in a file may serve several archives; say by `name` which this is"
            )
        if not (max_age > 0 and max_size > 0):
            raise InvalidInputError("a cache needs a max_age and a max_size above 0")
        self.searcher: Searcher = searcher
        self.name: str = name
        self._shelf: Shelf = Shelf(Path(path) if path else None, max_age, max_size, clock)

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, as `searcher` gives them, or gave them lately."""
        question, depth = self._question(query), _DEPTHS[query.query_level]
        known = self._known(question, depth)
        if known is not None:
            return known
        found = self.searcher.find_studies(query)
        result = (
            found
            if isinstance(found, SearchResult)
            else SearchResult(found, Completeness.UNKNOWN, [_NOT_SAID])
        )
        if result.completeness is not Completeness.CAPPED:
            self._keep(question, depth, result)
        return result

    def clear(self) -> None:
        """Forget all answers, those of other searchers in the same file too."""
        self._shelf.clear()

    def close(self) -> None:
        """Close the file of the cache; the searcher stays open."""
        self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"CachedSearcher({self.searcher!r})"

    def _question(self, query: Query) -> str:
        asked = attrs.evolve(query, query_level=QueryLevels.STUDY)
        kind = f"{type(query).__module__}.{type(query).__qualname__}"
        return json.dumps([self.name, kind, asked.parameters()], default=repr, sort_keys=True)

    def _known(self, question: str, depth: int) -> SearchResult | None:
        try:
            kept = self._shelf.get(question, depth)
        except sqlite3.Error as error:
            _log.warning("the cache cannot be read (%s): the archive is asked", _why(error))
            return None
        if kept is None:
            return None
        content, found, age = kept
        try:
            result = from_json(content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            _log.warning("the cache holds what is no search result: the archive is asked")
            return None
        if found > depth:
            if not result.complete:  # the doubt may be about what was not asked for
                return None
            result = cut(result, _LEVELS[depth])
        return attrs.evolve(
            result, notes=(*result.notes, f"answered from a cache, {age:.0f} s old")
        )

    def _keep(self, question: str, depth: int, result: SearchResult) -> None:
        content = to_json(result)
        if content is None:
            _log.info("a search result cannot be written as JSON without loss; it is not kept")
            return
        try:
            self._shelf.put(question, depth, content)
        except sqlite3.Error as error:
            _log.warning("the cache cannot be written (%s)", _why(error))


_LEVELS: Final = (DICOMObjectLevels.STUDY, DICOMObjectLevels.SERIES, DICOMObjectLevels.INSTANCE)
_DEPTHS: Final = {QueryLevels.STUDY: 0, QueryLevels.SERIES: 1, QueryLevels.INSTANCE: 2}


def _why(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)
