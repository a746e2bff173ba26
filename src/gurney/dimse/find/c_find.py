"""C-FIND: the searcher."""

from __future__ import annotations

from ...core import InvalidInputError, Query, Searcher, SearchResult
from ...manners import Pace
from ...searching import Experience, Finding, Window
from ..association import Associations, associations_of
from ..settings import Peer
from .desk import FindDesk
from .identifiers import check_query
from .negotiation import MODELS, Root
from .query import CFindQuery

__all__ = ["CFind"]


class CFind(Searcher):
    """Searches a DIMSE archive, and says whether what it found is everything.

    Parameters
    ----------
    archive
        The archive, or `Associations` with it, which can be shared with other services.
    root
        Where the information model begins: with ``"study"``, as nearly all archives have it, or
        with ``"patient"``.
    relational
        Whether to ask the archive for relational queries: to list the instances of a study, or of
        all studies, at once. They are used unless it denies them, or refuses one.
    max_requests
        How many requests a search may make beyond the plain ones, to find out whether something
        is missing, and to find what is.
    parallel
        How many studies to ask about at a time, each over its own association; of these there are
        no more than `Peer.associations`.
    pace
        How many requests and bytes a second, if *archive* is a `Peer`.

    Examples
    --------
    >>> find = CFind(Peer("pacs.example", 104, "ARCHIVE"))
    >>> find
    CFind(ARCHIVE at pacs.example:104)
    """

    def __init__(
        self,
        archive: Peer | Associations,
        *,
        root: Root = "study",
        relational: bool = False,
        max_requests: int = 500,
        parallel: int = 1,
        pace: Pace | None = None,
    ) -> None:
        if root not in MODELS:
            raise InvalidInputError("root must be 'study' or 'patient'")
        if parallel < 1 or max_requests < 0:
            raise InvalidInputError("parallel must be 1 or more, max_requests 0 or more")
        self.associations: Associations = associations_of(archive, pace)
        self.relational: bool = relational
        self.max_requests: int = max_requests
        self.parallel: int = parallel
        self._desk: FindDesk = FindDesk(self.associations, root, relational=relational)
        self._experience: Experience = Experience()

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all.

        Studies are in the archive's order. With keys of series (``SeriesInstanceUID``,
        ``SeriesDescription``) only studies are returned that have such series, and at SERIES and
        INSTANCE level only these series.

        Raises
        ------
        UnsupportedParameterError
            If *query* has a parameter that `CFindQuery` does not have.
        QueryError
            If a value must not be sent, because its VR does not allow it. Nothing has been sent.
        ArchiveUnavailableError, AuthenticationError
            If the archive does not answer, or not to this.
        RequestRefusedError
            If it does not search, or not by this.
        ProtocolViolationError
            If what it answers is no DIMSE.
        """
        asked = CFindQuery.init_from_query(query)
        check_query(asked)
        finding = Finding(
            self._desk,
            self._experience,
            asked,
            Window(limit=asked.limit),
            fuzzy=asked.fuzzy_matching,
            max_requests=self.max_requests,
            relational=self.relational,
            parallel=self.parallel,
        )
        with self.associations.reusing():
            return finding.result()

    def __repr__(self) -> str:
        return f"CFind({self.associations.peer.address})"
