"""QIDO-RS: the searcher."""

from __future__ import annotations

from requests import Session

from ...core import InvalidInputError, Query, Searcher, SearchResult
from ...fetching import transport_of
from ...http import Transport
from ...manners import Pace
from ...searching import Experience, Finding, Window
from ..query import DICOMwebQuery
from .asking import Pages
from .desk import QidoDesk

__all__ = ["QidoRS"]


class QidoRS(Searcher):
    """Searches a DICOMweb archive, and says whether what it found is everything.

    Parameters
    ----------
    archive
        The archive's address, or a `Transport` to it, which has all settings of the line and can
        be shared with other services.
    session
        Your own session, if *archive* is an address.
    page_size
        How many items to ask for at a time.
    max_requests
        How many requests a search may make beyond the plain ones, to find out whether something
        is missing, and to find what is.
    relational
        Whether to list series and instances of all studies at once. It saves requests where an
        archive can do it; where it cannot, each study is asked about by itself.
    parallel
        How many studies to ask about at a time; the gate of the transport may let through fewer.
    missing_is_none
        Whether status 404 means that nothing was found, as with some archives. With others it
        means that the address is wrong.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Examples
    --------
    >>> qido = QidoRS("https://archive.example/dicom-web")
    >>> qido
    QidoRS(Transport('https://archive.example/dicom-web'))
    """

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        page_size: int = 5000,
        max_requests: int = 500,
        relational: bool = False,
        parallel: int = 4,
        missing_is_none: bool = False,
        pace: Pace | None = None,
    ) -> None:
        if min(page_size, parallel) < 1 or max_requests < 0:
            raise InvalidInputError(
                "page_size and parallel must be 1 or more, max_requests 0 or more"
            )
        self.transport: Transport = transport_of(archive, session, pace)
        self.max_requests: int = max_requests
        self.relational: bool = relational
        self.parallel: int = parallel
        self._desk: QidoDesk = QidoDesk(
            Pages(self.transport, page_size, missing_is_none=missing_is_none)
        )
        self._experience: Experience = Experience()

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all.

        Studies are in the archive's order. With keys of series (``SeriesInstanceUID``,
        ``SeriesDescription``) only studies are returned that have such series, and at SERIES and
        INSTANCE level only these series.

        Raises
        ------
        UnsupportedParameterError
            If *query* has a parameter that `DICOMwebQuery` does not have.
        ArchiveUnavailableError, AuthenticationError, NotFoundError, RequestRefusedError
            If the archive does not answer, or not to this. See `Transport.get`.
        ProtocolViolationError
            If what it answers is not DICOM JSON.
        """
        asked = DICOMwebQuery.init_from_query(query)
        finding = Finding(
            self._desk,
            self._experience,
            asked,
            Window(asked.offset, asked.limit),
            fuzzy=asked.fuzzy_matching,
            max_requests=self.max_requests,
            relational=self.relational,
            parallel=self.parallel,
        )
        return finding.result()

    def __repr__(self) -> str:
        return f"QidoRS({self.transport!r})"
