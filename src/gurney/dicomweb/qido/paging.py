"""One listing, page after page, until its end."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Final

from ...core import DICOMObjectLevels, NotFoundError, ProtocolViolationError, RequestRefusedError
from ...searching import Item, Names, NotRelationalError, PlacedItem, Question
from .asking import Page, Pages

__all__ = ["PagedListing"]

_NOT_RELATIONAL: Final = (400, 404, 405, 501)  # of archives that do not list all series
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class PagedListing:
    """The items of one question; see `gurney.searching.Listing`.

    Pages are asked for until one is empty: a short page is no end (Q09). Items that come again on
    a later page are passed over (Q12). The next page begins after as many objects as are known:
    what an answer repeats, or does not name, may stand where another should; so nothing is passed
    over, at worst something comes again. If a page brings nothing new, the next begins after it.

    Parameters
    ----------
    pages
        Who asks.
    question
        What to list.
    expected
        How many there are, if that is known: with so many, no empty page is asked for.
    offset, most
        The window to look at: how many to pass over, how many to take at most.

    Attributes
    ----------
    capped
        Why it is known to be cut short, in words; ``""`` if it is not.
    doubt
        Why nothing can be said about its end, in words.
    total
        How many there are in all, if the archive said so.
    note
        What is odd, and does not matter.
    received
        How many items there were, doubles included.
    """

    def __init__(
        self,
        pages: Pages,
        question: Question,
        *,
        expected: int | None = None,
        offset: int = 0,
        most: int | None = None,
    ) -> None:
        self.accident: bool = False
        self.too_large: bool = False
        self.capped: str = ""
        self.doubt: str = ""
        self.total: int | None = None
        self.note: str = ""
        self.received: int = 0
        self._pages: Pages = pages
        self._question: Question = question
        self._expected: int | None = expected
        self._start: int = offset
        self._most: int | None = most
        self._next: int = 0  # where the next page begins, from the start of the window
        self._repeated: int = 0  # items of the last page that earlier pages had
        self._promised: int = 0  # how many the archive said there are, at least
        self._objects: set[Names] = set()
        self._rows: set[Names] = set()  # of earlier pages; of studies, with the patient (Q33)
        self._above: Mapping[str, str] = dict(zip(_UIDS, question.above, strict=False))
        self._is_of_studies: bool = question.level is DICOMObjectLevels.STUDY
        self._names: Names = _UIDS[: len(_UIDS) - question.level]

    @property
    def count(self) -> int:
        """How many objects have come, each once."""
        return len(self._objects)

    def __iter__(self) -> Iterator[tuple[Names, Item]]:
        patience, stale, cut = self._pages.transport.retries.attempts, False, False
        while not self._is_enough():
            page, known = self._page(), self.count
            if page is None:
                break
            try:
                received = yield from self._new_items(page)
            except ProtocolViolationError:
                patience -= 1
                if page.framed or patience < 1:
                    raise
                cut = True
                continue  # and nothing said so: what came is right, and passed over next time
            if self._repeated > self.received - self._next and not cut:  # not asked for again
                self.doubt = "pages overlap, so that something may be missing between them"
            self.received = max(self.received, self._next + received)
            self._read_signs(page, received)
            if not received:
                break
            new = self.count - known
            if stale and not new:
                self.doubt = "pages repeat what came before, as if `offset` were ignored"
                break
            stale, cut = not new, False
            self._next += new or received
        self._judge_end()

    def _new_items(self, page: Page) -> Generator[tuple[Names, Item], None, int]:
        """Yield what no earlier page had; return how many items the page has.

        Doubles within a page are passed on: there they are no accident of paging (Q22, Q33).
        """
        received, blank, rows, self._repeated = 0, 0, set[Names](), 0
        try:
            for came in page.items():
                received += 1
                blank += came.blank
                item: Item = came
                names: Names = tuple([item.text(name) for name in self._names])
                if not names[0]:
                    item = PlacedItem(item, self._above)
                    names = tuple([item.text(name) for name in self._names])
                row = (*names, item.text("PatientID")) if self._is_of_studies else names
                if row in self._rows:
                    self._repeated += 1
                    continue
                rows.add(row)
                if names[-1]:
                    self._objects.add(names)
                yield names, item
        finally:
            self._rows |= rows
        if received and blank == received:
            raise ProtocolViolationError(
                page.asked, "JSON came without DICOM attributes; is the address that of DICOMweb?"
            )
        return received

    def _page(self) -> Page | None:
        most = None if self._most is None else self._most - self.count
        try:
            return self._pages.page(self._question, self._start + self._next, most)
        except (RequestRefusedError, NotFoundError) as error:
            if error.status == 413:
                self.capped = "the archive refuses to answer with so much at once (status 413)"
            elif self.received:
                self.doubt = f"the archive refuses further pages (status {error.status})"
            elif self._question.is_relational and error.status in _NOT_RELATIONAL:
                raise NotRelationalError(str(error)) from error
            else:
                raise
            return None

    def _is_enough(self) -> bool:
        if self._most is not None and self.count >= self._most:
            return True
        return self._expected is not None and self._expected <= self.count >= self._promised

    def _read_signs(self, page: Page, received: int) -> None:
        """Remember what the archive says of how much there is, and of how the page ended."""
        if page.total is not None:
            self.total = page.total
        if page.more:
            self._promised = self._next + received + page.more
        if page.is_blank and page.framed:
            self.note = "an answer had no content at all; it was taken for an empty list"
        elif page.is_blank:
            self.doubt = "an answer came without content, and without a sign that it was whole"

    def _judge_end(self) -> None:
        """Compare the end with what the archive has promised (Q05)."""
        if self._most is not None and self.count >= self._most:
            return
        promised = max(self._promised, (self.total or 0) - self._start)
        if not self.capped and self.received < promised:
            self.capped = "the archive says that there is more, and does not send it"
