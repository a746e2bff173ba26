"""The desk of a MINT server: it lists what answers a question, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...core import DICOMObjectLevels, RequestRefusedError
from ...searching import Desk, Item, Keys, Names, PlacedItem, Question, loosened
from .addresses import EMPTY, ESCAPED
from .asking import Asker

__all__ = ["MintDesk", "MintListing"]

_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class MintListing:
    """The items of one question; see `gurney.searching.Listing`."""

    def __init__(self, asker: Asker, question: Question, most: int | None) -> None:
        self.accident: bool = False
        self.too_large: bool = False
        self.capped: str = ""
        self.doubt: str = ""
        self.total: int | None = None
        self.note: str = ""
        self.received: int = 0
        self._asker: Asker = asker
        self._question: Question = question
        self._most: int | None = most

    def __iter__(self) -> Iterator[tuple[Names, Item]]:
        question = self._question
        if EMPTY in question.keys.values():
            self.doubt = "MINT cannot ask for what is present and empty"
            return
        try:
            page = self._asker.ask(question, self._most)
        except RequestRefusedError as error:
            if error.status != 413:
                raise
            self.capped = "the archive refuses to answer with so much at once (status 413)"
            return
        if page.is_blank and page.framed:
            self.note = "an answer had no content at all; it was taken for an empty list"
        elif page.is_blank:
            self.doubt = "an answer came without content, and without a sign that it was whole"
        names: Names = _UIDS[: len(_UIDS) - question.level]
        above: dict[str, str] = dict(zip(_UIDS, question.above, strict=False))
        for found in page.items:
            self.received += 1
            item: Item = found if found.text(_UIDS[0]) or not above else PlacedItem(found, above)
            yield tuple([item.text(name) for name in names]), item


class MintDesk(Desk):
    """Lists by MINT.

    No specification of it is maintained any more, and no server says what it can search by: what
    it need not know, as far as is known, is put to the test when nothing is found.

    Parameters
    ----------
    asker
        Who asks.
    """

    required: frozenset[str] = frozenset(
        ("AccessionNumber", "PatientID", "PatientName", "SeriesInstanceUID", "StudyInstanceUID")
    )
    folds_case: bool = False

    def __init__(self, asker: Asker) -> None:
        self._asker: Asker = asker

    def list(
        self,
        question: Question,
        /,
        *,
        expected: int | None = None,  # noqa: ARG002  there are no pages
        offset: int = 0,  # noqa: ARG002  nor is there an offset
        most: int | None = None,
    ) -> MintListing:
        """Return what answers *question*; asking begins when it is iterated over."""
        return MintListing(self._asker, question, most)

    def takes_fields(self, level: DICOMObjectLevels, /) -> bool:
        """Say whether the server has not refused to be asked for fields by name (Q21)."""
        return self._asker.takes_fields(level)

    def across_series(self) -> bool:
        """The instances of a study come with their series."""
        return True

    def loosened(self, keys: Keys, /) -> Keys | None:
        """Return wider keys that need no escapes: some servers do not decode these (Q32)."""
        return loosened(keys, ESCAPED)
