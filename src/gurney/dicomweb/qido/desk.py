"""The desk of a DICOMweb archive: it lists what answers a question, page after page."""

from __future__ import annotations

from ...core import DICOMObjectLevels
from ...searching import Desk, Keys, Question, loosened
from .addresses import ESCAPED
from .asking import Pages
from .paging import PagedListing

__all__ = ["QidoDesk"]


class QidoDesk(Desk):
    """Lists by QIDO-RS.

    Parameters
    ----------
    pages
        Who asks for each page.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages: Pages = pages

    def list(
        self,
        question: Question,
        /,
        *,
        expected: int | None = None,
        offset: int = 0,
        most: int | None = None,
    ) -> PagedListing:
        """Return what answers *question*; asking begins when it is iterated over."""
        return PagedListing(self._pages, question, expected=expected, offset=offset, most=most)

    def takes_fields(self, level: DICOMObjectLevels, /) -> bool:
        """Say whether the archive has not refused to be asked for fields by name (Q21)."""
        return self._pages.takes_fields(level)

    def across_series(self) -> bool:
        """All instances of a study are a resource of their own."""
        return True

    def loosened(self, keys: Keys, /) -> Keys | None:
        """Return wider keys that need no escapes: some archives do not decode these (Q32)."""
        return loosened(keys, ESCAPED)
