"""A server of yesterday's protocols: searched by MINT, fetched from by RAD-69 or WADO-URI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from requests import Session
from typing_extensions import Self

from ..core import (
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    Query,
    Searcher,
    SearchResult,
)
from ..fetching import WadoURI, transport_of
from ..http import Transport
from ..manners import Pace
from .mint import Mint
from .rad69 import Rad69

__all__ = ["LegacyArchive"]


class LegacyArchive(Searcher, FileDownloader):
    """One archive: `Mint` to search it, `Rad69` or `WadoURI` to fetch from it; or one of these.

    Parameters
    ----------
    mint, rad69, wado_uri
        Their addresses, or what talks to them; `None` for what it does not have.
    session
        Your own session for addresses; it is not changed.
    repository_id, home_community_id
        As `Rad69` takes them.
    pace
        How many requests and bytes a second, of both together, if these are addresses.

    Raises
    ------
    InvalidInputError
        If an address is none, or there is none at all; if there are two to fetch from.

    Notes
    -----
    To set more, make the parts yourself; `gurney.Trolley` takes them as they are.

    Examples
    --------
    >>> with LegacyArchive("https://archive.example/mint", "https://archive.example/rids") as both:
    ...     both
    LegacyArchive(mint='https://archive.example/mint', rad69='https://archive.example/rids')
    """

    def __init__(
        self,
        mint: str | Transport | None = None,
        rad69: str | Transport | None = None,
        session: Session | None = None,
        *,
        repository_id: str = Rad69.REPOSITORY_ID,
        home_community_id: str = "",
        wado_uri: str | Transport | None = None,
        pace: Pace | None = None,
    ) -> None:
        if mint is None and rad69 is None and wado_uri is None:
            raise InvalidInputError("an archive is searched, or fetched from; name one address")
        if rad69 is not None and wado_uri is not None:
            raise InvalidInputError("instances come by RAD-69 or by WADO-URI; name one of them")
        self._own: ExitStack = ExitStack()
        self._addresses: dict[str, str] = {}
        self.searcher: Mint | None = None
        self.downloader: Rad69 | WadoURI | None = None
        if mint is not None:
            self.searcher = Mint(self._line("mint", mint, session, pace))
        if rad69 is not None:
            self.downloader = Rad69(
                self._line("rad69", rad69, session, pace),
                repository_id=repository_id,
                home_community_id=home_community_id,
            )
        if wado_uri is not None:
            self.downloader = WadoURI(self._line("wado_uri", wado_uri, session, pace))

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*; see `Mint.find_studies`.

        Raises
        ------
        InvalidInputError
            If the archive is not known to have MINT.
        """
        if self.searcher is None:
            raise InvalidInputError(f"{self!r} cannot be searched; name the address of its MINT")
        return self.searcher.find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*; see `Rad69.files`, `WadoURI.files`.

        Raises
        ------
        InvalidInputError
            At once, if the archive is not known to have RAD-69 or WADO-URI.
        """
        if self.downloader is None:
            raise InvalidInputError(
                f"{self!r} gives no files; name the address of its RAD-69 or WADO-URI"
            )
        return self.downloader.files(objects)

    def close(self) -> None:
        """Close the connections; those of your own session or transport stay."""
        self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        addresses = ", ".join(f"{name}={url!r}" for name, url in self._addresses.items())
        return f"LegacyArchive({addresses})"

    def _line(
        self, name: str, archive: str | Transport, session: Session | None, pace: Pace | None
    ) -> Transport:
        transport = transport_of(archive, session, pace)
        if transport is not archive:
            self._own.callback(transport.close)
        self._addresses[name] = transport.base_url
        return transport
