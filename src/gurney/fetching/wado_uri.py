"""WADO-URI: instances over HTTP, one by one, from archives that are searched by anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from requests import Session

from ..core import (
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    FileDownloader,
    InstanceReference,
    InvalidInputError,
    check_uid,
    to_instance_refs,
)
from ..http import Answer, Retries, Transport
from ..manners import Pace
from ..retrieving import Wanted, plan
from .lines import transport_of
from .retrieving import Retrieval, Service

__all__ = ["WadoURI"]


class WadoURI(FileDownloader):
    """Downloads by WADO-URI: instances only, each with a request of its own.

    What comes is checked as by `WadoRS`. The bytes are those that the archive sends for
    ``contentType=application/dicom``; many archives unpack or pack images for that.

    Parameters
    ----------
    archive
        The address of this service, e.g. ``"https://archive.example/wado"``, or what talks to it.
    session
        Your own, if *archive* is an address; it is not changed.
    transfer_syntax
        The UID of the transfer syntax to ask for; by default none. Many archives ignore it: what
        has come is what the file says (W25).
    parallel
        Instances at a time, at most. The gate of the transport may allow fewer.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Raises
    ------
    InvalidInputError
        If *archive* is no address, *transfer_syntax* no UID, or *parallel* less than 1.

    References
    ----------
    DICOM PS3.18 chapter 9, URI Service.

    Examples
    --------
    >>> WadoURI("https://archive.example/wado")
    WadoURI('https://archive.example/wado')
    """

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        transfer_syntax: str | None = None,
        parallel: int = 4,
        pace: Pace | None = None,
    ) -> None:
        if parallel < 1:
            raise InvalidInputError(f"1 answer at a time or more, not {parallel}")
        self._transport: Transport = transport_of(archive, session, pace)
        self._parallel: int = parallel
        self._more: str = ""
        if transfer_syntax is not None:
            uid = check_uid(transfer_syntax, "transfer syntax UID")
            self._more = f"&transferSyntax={quote(uid, safe='')}"

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*, in order of arrival.

        Consume each before the next is asked for. An instance that cannot be had is a file whose
        chunks raise `DownloadError`: the others go on. The same instance never comes twice.

        Raises
        ------
        NonInstanceParameterError
            At once, if a study or series in *objects* is not expanded to its instances.
        ArchiveUnavailableError
            If there is nobody to ask.
        AuthenticationError
            If the archive wants to know who asks.
        """
        service = Service(
            protocol="WADO-URI",
            ask=self._ask,
            listing=_no_listing,
            gate=self._transport.gate,
            retries=self._transport.retries,
        )
        wanted = plan(to_instance_refs(objects))
        return Retrieval(service, wanted, parallel=self._parallel, ordered=False).files()

    def __repr__(self) -> str:
        return f"WadoURI({self._transport.base_url!r})"

    def _ask(self, wanted: Wanted, retries: Retries) -> Answer:
        names = zip(("studyUID", "seriesUID", "objectUID"), wanted.reference.uids, strict=True)
        keys = "&".join(f"{name}={quote(uid, safe='')}" for name, uid in names)
        return self._transport.get(
            params=f"requestType=WADO&{keys}&contentType=application/dicom{self._more}",
            headers={"Accept": "application/dicom"},
            retries=retries,
        )


def _no_listing(reference: DICOMObjectReference) -> Iterable[InstanceReference]:
    raise AssertionError(f"{reference}: only instances are asked for, and those are known")
