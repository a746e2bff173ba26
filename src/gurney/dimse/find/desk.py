"""The desk of a search by C-FIND."""

from __future__ import annotations

import re
from typing import Final

from ...core import ArchiveUnavailableError, DICOMObjectLevels, ProtocolViolationError
from ...searching import Desk, Keys, Listing, Question, loosened
from ..association import Associations
from .asking import REQUIRED, FindAsker
from .listing import FindListing
from .negotiation import Root
from .patients import PatientsListing

__all__ = ["FindDesk"]

_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]+")


class FindDesk(Desk):
    """Lists by C-FIND.

    Parameters
    ----------
    associations
        With the archive.
    root
        Where the information model begins.
    relational
        Whether to ask for relational queries; they are used unless they are denied.
    """

    required = REQUIRED

    def __init__(self, associations: Associations, root: Root, *, relational: bool) -> None:
        self._associations: Associations = associations
        self._root: Root = root
        self._relational: bool = relational
        self._asker: FindAsker = FindAsker(associations, root, relational=relational)

    def list(
        self,
        question: Question,
        /,
        *,
        expected: int | None = None,  # noqa: ARG002  an answer ends by itself
        offset: int = 0,
        most: int | None = None,
    ) -> Listing:
        """Return what answers *question*; asking begins when it is iterated over."""
        if self._root == "patient" and question.level is DICOMObjectLevels.STUDY and not offset:
            return PatientsListing(self._asker, question, most)
        return FindListing(self._asker, question, offset=offset, most=most)

    def takes_fields(self, level: DICOMObjectLevels, /) -> bool:
        """Say whether the archive has not refused fields that it need not know."""
        form = self._asker.manners.forms.get(level)
        return form is None or form.fields

    def across_series(self) -> bool:
        """Say whether relational queries are wanted, and not denied."""
        return self._asker.is_relational

    def lists_more_than(self, count: int, /) -> bool:
        """Say whether the archive has more series than that to list, and lists them.

        That is a relational question; in doubt it is put also where these are not wanted.
        """
        if self._relational:
            return super().lists_more_than(count)
        desk = FindDesk(self._associations, self._root, relational=True)
        try:
            return desk.lists_more_than(count)
        except (ArchiveUnavailableError, ProtocolViolationError):
            return False  # it was not meant to be asked this

    def loosened(self, keys: Keys, /) -> Keys | None:
        """Return *keys* with wildcards for what is beyond ASCII (D25)."""
        return loosened(keys, _BEYOND_ASCII)
