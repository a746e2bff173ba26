"""One page of a listing; and the manners that an archive was found to want."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from ...core import (
    DICOMObjectLevels,
    NotFoundError,
    RequestRefusedError,
    TransferInterruptedError,
)
from ...http import Transport
from ...searching import Question
from ..dicomjson import JSONItem, parse
from .addresses import path_of, query_of

__all__ = ["Page", "Pages"]

_ACCEPT: Final = {"Accept": "application/dicom+json"}
_ADDITIONAL: Final = re.compile(r"(?:(\d+)\s+)?(?:additional|more)\s+results", re.IGNORECASE)
_SMALLER: Final = (1000, 200, 100)  # maxima of known archives


@attrs.frozen
class Page:
    """What came at once.

    Attributes
    ----------
    content
        DICOM JSON, or nothing.
    is_blank
        Whether nothing came where something should have come (Q03).
    framed
        Whether HTTP itself tells that it is whole.
    more
        How many results follow, at least, as the archive says.
    total
        How many results there are in all, if the archive says so.
    asked
        What was asked for, in the words of an error.
    """

    content: bytes = attrs.field(default=b"", repr=False)
    is_blank: bool = False
    framed: bool = True
    more: int = 0
    total: int | None = None
    asked: str = ""

    def items(self) -> Iterator[JSONItem]:
        """Yield the items, in the archive's order."""
        return parse(self.content, asked=self.asked)


@attrs.frozen
class _Manner:
    """How to ask: with how many items a page, and whether fields may be asked for by name."""

    limit: int | None
    fields: bool = True

    def simpler(self) -> Iterator[_Manner]:
        """Yield what else to try, the least loss first."""
        smaller = [size for size in _SMALLER if self.limit is not None and size < self.limit]
        unlimited = [] if self.limit is None else [None]
        if self.fields:
            yield _Manner(self.limit, fields=False)
            yield from (_Manner(size) for size in [*smaller, *unlimited])
        yield from (_Manner(size, fields=False) for size in [*smaller, *unlimited])


class Pages:
    """Asks an archive for pages, in the way that it was found to answer."""

    def __init__(self, transport: Transport, page_size: int, *, missing_is_none: bool) -> None:
        self.transport: Transport = transport
        self._page_size: int = page_size
        self._missing_is_none: bool = missing_is_none
        self._manners: dict[DICOMObjectLevels, _Manner] = {}

    def takes_fields(self, level: DICOMObjectLevels) -> bool:
        """Say whether the archive has not refused to be asked for fields by name (Q21)."""
        return self._manner(level).fields

    def page(self, question: Question, offset: int, most: int | None = None) -> Page:
        """Ask for the items from *offset* on, *most* of them at most.

        An archive that refuses is asked in simpler forms (Q13, Q21); what works is remembered.
        """
        manner = self._manner(question.level)
        try:
            return self._ask(question, offset, most, manner)
        except RequestRefusedError as error:
            if error.status != 400:
                raise
            refused = error
        for simpler in manner.simpler():
            try:
                page = self._ask(question, offset, most, simpler)
            except RequestRefusedError as error:
                if error.status != 400:
                    raise
                continue
            self._manners[question.level] = simpler
            return page
        raise refused

    def _manner(self, level: DICOMObjectLevels) -> _Manner:
        return self._manners.get(level) or _Manner(self._page_size)

    def _ask(self, question: Question, offset: int, most: int | None, manner: _Manner) -> Page:
        fields = question.fields if manner.fields else ()
        window = [query_of(question.keys, fields, fuzzy=question.fuzzy)]
        sizes = [size for size in (manner.limit, most) if size is not None]
        if sizes:
            window.append(f"limit={min(sizes)}")
        if offset:
            window.append(f"offset={offset}")
        params = "&".join(filter(None, window))
        return self._get(path_of(question), params, self.transport.retries.attempts)

    def _get(self, path: str, params: str, attempts: int) -> Page:
        """Ask again if an answer stops; the transport does so only if there is none."""
        try:
            return self._read(path, params)
        except TransferInterruptedError:
            if attempts <= 1:
                raise
        except NotFoundError:
            if not self._missing_is_none:
                raise
            return Page()
        return self._get(path, params, attempts - 1)

    def _read(self, path: str, params: str) -> Page:
        with self.transport.get(path, params=params, headers=_ACCEPT) as answer:
            content = b"" if answer.status == 204 else answer.read()
            return Page(
                content,
                answer.status != 204 and not content.strip(),
                answer.framed,
                _more(answer.status, answer.headers.get("warning", "")),
                _number(answer.headers.get("x-total-count", "")),
                answer.asked,
            )


def _more(status: int, warning: str) -> int:
    """Return how many results follow, at least (Q05); 206 is how some say it."""
    said = _ADDITIONAL.search(warning)
    if said is None:
        return int(status == 206)
    return int(said[1] or 1)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
