"""One listing: a C-FIND, asked again or in another form where that helps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

import attrs

from ...core import (
    ArchiveUnavailableError,
    BudgetExceededError,
    DICOMObjectLevels,
    GurneyError,
    ProtocolViolationError,
    TransferInterruptedError,
)
from ...searching import Item, Listing, Names, PlacedItem, Question
from .charsets import CharacterSet
from .exchange import Exchange
from .items import ResponseItem
from .statuses import SUCCESS, ended

__all__ = ["Asker", "FindListing", "Form"]

_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_ATTEMPTS: Final = 2  # at an answer that breaks off
_BROKEN: Final = (ArchiveUnavailableError, BudgetExceededError, ProtocolViolationError)


@attrs.frozen
class Form:
    """How to put a question.

    Attributes
    ----------
    fields
        Whether to ask for fields that an archive need not know.
    charset
        In which character set.
    """

    fields: bool
    charset: CharacterSet


class Asker(Protocol):
    """Who puts questions to the archive, in the forms that it was found to take."""

    @abstractmethod
    def forms(self, question: Question, /) -> Sequence[Form]:
        """Return the forms to try, the best first."""
        ...

    @abstractmethod
    def ask(self, question: Question, form: Form, /) -> AbstractContextManager[Exchange | None]:
        """Give an exchange for the time of a ``with``; `None` if it is known that nothing comes.

        Raises
        ------
        NotRelationalError
            If the question is relational, and the archive takes no such questions.
        """
        ...

    @abstractmethod
    def answered(self, question: Question, form: Form, /) -> None:
        """Remember that a form was answered."""
        ...

    @abstractmethod
    def is_too_much(self, question: Question, form: Form, status: int, /) -> bool:
        """Say whether the archive refuses a form only because the answer would be too large."""
        ...

    @abstractmethod
    def refused(self, question: Question, status: int, /) -> GurneyError:
        """Return what it means that all forms were refused, the last one with *status*."""
        ...

    @abstractmethod
    def counted(self, received: int, /) -> None:
        """Take notice of the length of an answer."""
        ...

    @abstractmethod
    def note(self, question: Question, /) -> str:
        """Return what there is to say about how it is asked."""
        ...

    @abstractmethod
    def saw(self, study: Item, /) -> None:
        """Take notice of a study."""
        ...


class FindListing(Listing):
    """The items of one question; iterate over it once, then see how it ended.

    An answer that breaks off is asked for once more (D30). A question that is refused is put in
    simpler forms. What has come is kept, whatever happens then.

    Parameters
    ----------
    asker
        Who asks.
    question
        What to list.
    offset, most
        The window to look at: how many to pass over, how many to take at most; after these the
        archive is told to stop.
    """

    def __init__(
        self, asker: Asker, question: Question, *, offset: int = 0, most: int | None = None
    ) -> None:
        self.accident: bool = False
        self.too_large: bool = False
        self.capped: str = ""
        self.doubt: str = ""
        self.total: int | None = None
        self.note: str = ""
        self.received: int = 0
        self._asker: Asker = asker
        self._question: Question = question
        self._offset: int = offset
        self._most: int | None = most
        self._objects: set[Names] = set()
        self._rows: set[Names] = set()  # of earlier attempts; of studies, with the patient (Q33)
        self._above: Mapping[str, str] = dict(zip(_UIDS, question.above, strict=False))
        self._is_of_studies: bool = question.level is DICOMObjectLevels.STUDY
        self._names: Names = _UIDS[: len(_UIDS) - question.level]

    def __iter__(self) -> Iterator[tuple[Names, Item]]:
        forms, attempts = [*self._asker.forms(self._question)], _ATTEMPTS
        while forms:
            attempts -= 1
            try:
                exchange = yield from self._rows_of(forms[0])
            except _BROKEN as error:
                if attempts > 0 and isinstance(error, TransferInterruptedError):
                    continue
                if not self.received:
                    raise
                self.capped, self.accident = f"the archive broke off its answer: {error}", True
                return
            if exchange is None or not self._is_refused(exchange, forms[0]):
                return
            if len(forms) == 1:
                raise self._asker.refused(self._question, exchange.status or 0)
            forms.pop(0)
            attempts = _ATTEMPTS

    # ------------------------------------------------------------ what comes

    def _rows_of(self, form: Form) -> Generator[tuple[Names, Item], None, Exchange | None]:
        """Yield what no earlier attempt brought; doubles within one are passed on (Q22, Q33)."""
        received, rows = 0, set[Names]()
        try:
            with self._asker.ask(self._question, form) as exchange:
                if exchange is None:
                    return None
                for came in exchange:
                    received += 1
                    names, item = self._placed(came)
                    row = names
                    if self._is_of_studies:
                        row = (*names, item.text("PatientID"))
                        self._asker.saw(item)
                    if row in self._rows or received <= self._offset:
                        continue
                    rows.add(row)
                    if names[-1]:
                        self._objects.add(names)
                    yield names, item
                    if self._most is not None and len(self._objects) >= self._most:
                        exchange.cancel()
                        break
        finally:
            self._rows |= rows
            self.received = max(self.received, received)
            self._asker.counted(received)
        self._note(exchange)
        return exchange

    def _placed(self, item: ResponseItem) -> tuple[Names, Item]:
        """Return *item* with its UIDs; those above need not be repeated."""
        if item.damaged:
            self._add_note("a response was damaged, and read as far as it goes")
        names: Names = tuple([item.text(name) for name in self._names])
        if all(names[:-1]):
            return names, item
        placed = PlacedItem(item, self._above)
        return tuple([placed.text(name) for name in self._names]), placed

    # ------------------------------------------------------------ how it ended

    def _is_refused(self, exchange: Exchange, form: Form) -> bool:
        """Judge the end; say whether there was none, and another form may help."""
        status = exchange.status
        if exchange.over_budget:
            self.capped = "the archive sent more than fits into memory; narrow the query"
            self.too_large = True
        elif status is None:  # nothing more was wanted
            return False
        elif status == SUCCESS:
            self._asker.answered(self._question, form)
        elif self.received or self._asker.is_too_much(self._question, form, status):
            self.capped = ended(status)
        else:
            return True
        return False

    def _note(self, exchange: Exchange) -> None:
        self._add_note(self._asker.note(self._question))
        if exchange.not_all_keys:
            self._add_note("the archive says that it does not support all keys (status 0xFF01)")

    def _add_note(self, note: str) -> None:
        if note not in self.note:
            self.note = f"{self.note}; {note}" if self.note else note
