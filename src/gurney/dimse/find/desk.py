"""The desk of a search by C-FIND."""

from __future__ import annotations

import re
from typing import Final

from ...core import (
    ArchiveUnavailableError,
    DICOMObjectLevels,
    ProtocolViolationError,
    RequestRefusedError,
)
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
    folds_case = False
    equipment_by_series = False

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

    def is_surely_whole(self, received: int, /) -> bool:
        """Say whether an answer of so many is everything, though the archive does not count it.

        Few archives count over DIMSE. Those that stop somewhere stop at one number, or one beyond
        it: who is seen to list more at other times has not stopped.
        """
        return self.lists_more_than(received + 1)

    def lists_more_than(self, count: int, /) -> bool:
        """Say whether the archive lists more than that at a time: studies, or all series.

        The latter is a relational question; in doubt it is put also where these are not wanted.
        """
        manners = self._asker.manners
        if count >= manners.longest and (manners.sought is None or count < manners.sought):
            if self._shows_more_than(count):
                manners.longest = max(manners.longest, count + 1)
            else:
                manners.sought = count
        return count < manners.longest

    def _shows_more_than(self, count: int) -> bool:
        studies = FindListing(self._asker, Question(DICOMObjectLevels.STUDY), most=count + 1)
        try:
            if sum(1 for _ in studies) > count:
                return True
            desk = (
                self
                if self._relational
                else FindDesk(self._associations, self._root, relational=True)
            )
            return Desk.lists_more_than(desk, count)
        except (ArchiveUnavailableError, ProtocolViolationError, RequestRefusedError):
            return False  # it was not meant to be asked this

    def loosened(self, keys: Keys, /) -> Keys | None:
        """Return *keys* with wildcards for what is beyond ASCII (D25)."""
        return loosened(keys, _BEYOND_ASCII)
