"""A server of yesterday's protocols: searched by MINT, fetched from by RAD-69."""

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
from ..fetching import transport_of
from ..http import Transport
from ..manners import Pace
from .mint import Mint
from .rad69 import Rad69

__all__ = ["LegacyArchive"]


class LegacyArchive(Searcher, FileDownloader):
    """One archive: `Mint` to search it, `Rad69` to fetch from it. One of them may be missing.

    Parameters
    ----------
    mint, rad69
        Their addresses, or what talks to them; `None` for what the archive does not have.
    session
        Your own session for addresses; it is not changed.
    repository_id, home_community_id
        As `Rad69` takes them.
    pace
        How many requests and bytes a second, of both together, if these are addresses.

    Raises
    ------
    InvalidInputError
        If an address is none, or there is none at all.

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
        pace: Pace | None = None,
    ) -> None:
        if mint is None and rad69 is None:
            raise InvalidInputError("an archive is searched, or fetched from; name one address")
        self._own: ExitStack = ExitStack()
        self._addresses: dict[str, str] = {}
        self.searcher: Mint | None = None
        self.downloader: Rad69 | None = None
        if mint is not None:
            self.searcher = Mint(self._line("mint", mint, session, pace))
        if rad69 is not None:
            self.downloader = Rad69(
                self._line("rad69", rad69, session, pace),
                repository_id=repository_id,
                home_community_id=home_community_id,
            )

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
        """Yield one file for each instance in *objects*; see `Rad69.files`.

        Raises
        ------
        InvalidInputError
            At once, if the archive is not known to have RAD-69.
        """
        if self.downloader is None:
            raise InvalidInputError(f"{self!r} gives no files; name the address of its RAD-69")
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
