"""MINT: the searcher."""

from __future__ import annotations

from requests import Session

from ...core import InvalidInputError, Query, Searcher, SearchResult
from ...fetching import transport_of
from ...http import Transport
from ...manners import Pace
from ...searching import Experience, Finding, Window
from .asking import Asker
from .desk import MintDesk
from .query import MintQuery

__all__ = ["Mint"]


class Mint(Searcher):
    """Searches a MINT server, and says whether what it found is everything.

    Parameters
    ----------
    archive
        The server's address, e.g. ``"https://archive.example/mint"``, or a `Transport` to it, which
        has all settings of the line and can be shared with other services.
    session
        Your own session, if *archive* is an address.
    max_requests
        How many requests a search may make beyond the plain ones, to find out whether something
        is missing, and to find what is.
    relational
        Whether to list series and instances of all studies at once. It saves requests; but one
        answer holds everything then, and may be more than a server, or the budget, can take.
    parallel
        How many studies to ask about at a time; the gate of the transport may let through fewer.
    missing_is_none
        Whether status 404 means that nothing was found. It may mean that the address is wrong.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Notes
    -----
    MINT is historic, and no specification of it is maintained. It only searches: pair it with
    `Rad69` or `gurney.dicomweb.WadoURI` to download.

    Examples
    --------
    >>> mint = Mint("https://archive.example/mint")
    >>> mint
    Mint(Transport('https://archive.example/mint'))
    """

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        max_requests: int = 500,
        relational: bool = False,
        parallel: int = 4,
        missing_is_none: bool = False,
        pace: Pace | None = None,
    ) -> None:
        if parallel < 1 or max_requests < 0:
            raise InvalidInputError("parallel must be 1 or more, max_requests 0 or more")
        self.transport: Transport = transport_of(archive, session, pace)
        self.max_requests: int = max_requests
        self.relational: bool = relational
        self.parallel: int = parallel
        self._desk: MintDesk = MintDesk(Asker(self.transport, missing_is_none=missing_is_none))
        self._experience: Experience = Experience()

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all.

        Studies are in the server's order. With keys of series (``SeriesInstanceUID``,
        ``SeriesDescription``) only studies are returned that have such series, and at SERIES and
        INSTANCE level only these series.

        Raises
        ------
        UnsupportedParameterError
            If *query* has a parameter that `MintQuery` does not have.
        ArchiveUnavailableError, AuthenticationError, NotFoundError, RequestRefusedError
            If the server does not answer, or not to this. See `Transport.get`.
        ProtocolViolationError
            If what it answers is not MINT.
        BudgetExceededError
            If an answer is larger than the transport's budget for documents.
        """
        asked = MintQuery.init_from_query(query)
        finding = Finding(
            self._desk,
            self._experience,
            asked,
            Window(0, asked.limit),
            max_requests=self.max_requests,
            relational=self.relational,
            parallel=self.parallel,
        )
        return finding.result()

    def __repr__(self) -> str:
        return f"Mint({self.transport!r})"
