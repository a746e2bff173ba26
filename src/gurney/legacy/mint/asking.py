"""One answer to a search; and the manners that a server was found to want."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import islice
from threading import Lock

import attrs

from ...core import (
    DICOMObjectLevels,
    NotFoundError,
    RequestRefusedError,
    TransferInterruptedError,
)
from ...http import Answer, Transport
from ...searching import Question
from ..documents import DocumentReader
from .addresses import query_of
from .items import MintItem
from .reading import SearchResults

__all__ = ["Asker", "Page"]

_PATH = "studies"
_ACCEPT = {"Accept": "application/xml, text/xml;q=0.9, */*;q=0.1"}


@attrs.frozen
class Page:
    """What came.

    Attributes
    ----------
    items
        In the archive's order.
    is_blank
        Whether nothing came where something should have come.
    framed
        Whether HTTP itself tells that it is whole.
    """

    items: tuple[MintItem, ...] = ()
    is_blank: bool = False
    framed: bool = True


class Asker:
    """Asks a server, in the way that it was found to answer. Safe to share between threads."""

    def __init__(self, transport: Transport, *, missing_is_none: bool) -> None:
        self.transport: Transport = transport
        self._missing_is_none: bool = missing_is_none
        self._without_fields: set[DICOMObjectLevels] = set()
        self._lock: Lock = Lock()

    def takes_fields(self, level: DICOMObjectLevels) -> bool:
        """Say whether the server has not refused to be asked for fields by name (Q21)."""
        with self._lock:
            return level not in self._without_fields

    def ask(self, question: Question, most: int | None) -> Page:
        """Return what answers *question*, *most* items of it at most.

        A server that refuses is asked once more without the names of fields; that is remembered.
        """
        fields = self.takes_fields(question.level)
        try:
            return self._ask(question, most, fields=fields)
        except RequestRefusedError as error:
            if error.status != 400 or not fields:
                raise
            refused = error
        try:
            page = self._ask(question, most, fields=False)
        except RequestRefusedError:
            raise refused from None
        with self._lock:
            self._without_fields.add(question.level)
        return page

    def _ask(self, question: Question, most: int | None, *, fields: bool) -> Page:
        of_studies = question.level is DICOMObjectLevels.STUDY  # which is what the limit counts
        params = query_of(question, fields=fields, limit=most if of_studies else None)
        return self._read(question.level, params, most, self.transport.retries.attempts)

    def _read(self, level: DICOMObjectLevels, params: str, most: int | None, attempts: int) -> Page:
        """Ask again if an answer stops; the transport does so only if there is none."""
        try:
            with self.transport.get(_PATH, params=params, headers=_ACCEPT) as answer:
                return self._page(level, answer, most)
        except TransferInterruptedError:
            if attempts <= 1:
                raise
        except NotFoundError:
            if not self._missing_is_none:
                raise
            return Page()
        return self._read(level, params, most, attempts - 1)

    def _page(self, level: DICOMObjectLevels, answer: Answer, most: int | None) -> Page:
        if answer.status == 204:
            return Page()
        results = SearchResults(level, answer.asked)
        reader = DocumentReader(results, answer.asked, self.transport.budgets.document)
        with closing(_items(reader, results, answer)) as items:
            found = tuple(islice(items, most))
        return Page(found, not reader.begun, answer.framed)


def _items(reader: DocumentReader, results: SearchResults, answer: Answer) -> Generator[MintItem]:
    """Yield what comes, while it comes.

    Raises
    ------
    TransferInterruptedError
        If the document does not come to its end.
    """
    for chunk in answer.chunks():
        reader.feed(chunk)
        yield from results.items
        results.items.clear()
    if reader.begun and not reader.ended:
        raise TransferInterruptedError(answer.asked, "the answer ends in the middle of its XML")
