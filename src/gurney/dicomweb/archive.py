"""A DICOMweb archive: searched by QIDO-RS, fetched from by WADO-RS or WADO-URI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Literal, TypeAlias, get_args

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
from .qido import QidoRS
from .wado import WadoRS, WadoURI

__all__ = ["DICOMwebArchive", "Retrieve"]

Retrieve: TypeAlias = Literal["wado-rs", "wado-uri"]
"""The services that instances can be fetched by."""


class DICOMwebArchive(Searcher, FileDownloader):
    """One archive over one line: `QidoRS` to search, and `WadoRS` or `WadoURI` to fetch.

    Parameters
    ----------
    archive
        Its address, e.g. ``"https://archive.example/dicom-web"``; or a `gurney.http.Transport`,
        on which all that concerns the line is set: credentials, timeouts, retries, budgets.
    session
        Your own session for an address; it is not changed.
    retrieve
        What to fetch by.
    wado_uri
        The address of WADO-URI, if that is not the archive's own: a path such as ``"/wado"``, or
        a URL of the same origin.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Raises
    ------
    InvalidInputError
        If an address is none, holds credentials, or is of another origin; if there is no such
        service to fetch by, or the address of another than that.

    Notes
    -----
    To set more, make the parts yourself and have them share a transport; `gurney.Trolley` takes
    them as they are.

    Examples
    --------
    >>> with DICOMwebArchive("https://archive.example/dicom-web") as archive:
    ...     archive
    DICOMwebArchive('https://archive.example/dicom-web')
    """

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        retrieve: Retrieve = "wado-rs",
        wado_uri: str | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._own: ExitStack = ExitStack()
        transport = transport_of(archive, session, pace)
        if transport is not archive:
            self._own.callback(transport.close)
        self._address: str = transport.base_url
        self.searcher: QidoRS = QidoRS(transport)
        self.downloader: WadoRS | WadoURI = _downloader(transport, retrieve, wado_uri)

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*; see `QidoRS.find_studies`."""
        return self.searcher.find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*; see `WadoRS.files`, `WadoURI.files`."""
        return self.downloader.files(objects)

    def close(self) -> None:
        """Close the connections; those of your own session or transport stay."""
        self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address!r})"


def _downloader(transport: Transport, retrieve: str, wado_uri: str | None) -> WadoRS | WadoURI:
    if retrieve == "wado-uri":
        return WadoURI(transport if wado_uri is None else transport.at(wado_uri))
    if retrieve != "wado-rs":
        raise InvalidInputError(f"retrieve is one of {', '.join(get_args(Retrieve))}")
    if wado_uri is not None:
        raise InvalidInputError("wado_uri is for retrieve='wado-uri'; say that, or leave it out")
    return WadoRS(transport)
