"""What a search says of itself, collected while it goes on."""

from __future__ import annotations

from collections.abc import Iterable

from ..core import Completeness, HeldBack, SearchResult, Study
from .doubts import Doubt, in_words

__all__ = ["Report"]


class Report:
    """Doubts, items held back and notes, of all parts of a search.

    Examples
    --------
    >>> report = Report()
    >>> report.add(doubts=[Doubt("the archive stops at 5")])
    >>> report.of([])
    SearchResult(0 studies, unknown: the archive stops at 5)
    """

    def __init__(self) -> None:
        self._doubts: list[Doubt] = []
        self._held_back: list[HeldBack] = []
        self._notes: dict[str, None] = {}

    def add(
        self,
        *,
        doubts: Iterable[Doubt] = (),
        held_back: Iterable[HeldBack] = (),
        notes: Iterable[str] = (),
    ) -> None:
        """Take in what one part has to say; notes are kept once."""
        self._doubts += doubts
        self._held_back += held_back
        self._notes |= dict.fromkeys(notes)

    def of(self, studies: Iterable[Study]) -> SearchResult:
        """Return *studies* with all this."""
        return SearchResult(
            studies,
            Completeness.of_all(doubt.completeness for doubt in self._doubts),
            reasons=in_words(self._doubts),
            held_back=self._held_back,
            notes=self._notes,
        )
