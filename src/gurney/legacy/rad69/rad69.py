"""RAD-69: instances by SOAP, some hundreds with one question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final

from requests import Session

from ...core import (
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    FileDownloader,
    InstanceReference,
    InvalidInputError,
    to_instance_refs,
)
from ...fetching import Retrieval, Service, transport_of
from ...http import Answer, Retries, Transport
from ...manners import Pace
from ...retrieving import Wanted, in_lists, plan
from .arriving import answers
from .asking import DEFAULT_SYNTAXES, Asking

__all__ = ["Rad69"]

_FAULTS: Final = (400, 500)
_XML: Final = ("application/soap+xml", "application/xop+xml", "application/xml", "text/xml")


class Rad69(FileDownloader):
    """Downloads by RAD-69, Retrieve Imaging Document Set: instances only, named one by one.

    One question names up to *documents* instances, all of one series. What does not come of an
    answer that was cut, or does not say why, is asked for again; what the archive says it does not
    send fails with the archive's code for that.

    Parameters
    ----------
    archive
        The address of this service, e.g. ``"https://archive.example/rad69"``, or what talks to it.
    session
        Your own, if *archive* is an address; it is not changed.
    repository_id
        The RepositoryUniqueId of the archive, an OID; by default that of Vitrea Connection.
    home_community_id
        The HomeCommunityId, e.g. ``"urn:oid:1.2.3"``; by default none.
    transfer_syntaxes
        UIDs of those to send instances in; by default all that archives are likely to hold, so that
        they send what they have.
    documents
        Instances that one question names, at most.
    mtom
        Whether questions are sent as MTOM, as the profile wants it; some archives take plain SOAP
        only.
    parallel
        Answers at a time, at most. The gate of the transport may allow fewer.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Raises
    ------
    InvalidInputError
        If *archive* is no address, an id none, or a number less than 1.

    Notes
    -----
    Memory does not grow with instances: 4 MiB are read ahead of each of up to ``2 * parallel``
    answers. Documents inside of XML, and parts that come before the one that names them, wait in
    temporary files.

    References
    ----------
    IHE RAD TF-2 4.69, Retrieve Imaging Document Set; W3C MTOM and XOP; RFC 2387 and 2392.

    Examples
    --------
    >>> Rad69("https://archive.example/rad69")
    Rad69('https://archive.example/rad69')
    """

    REPOSITORY_ID: ClassVar[str] = "1.3.6.1.4.1000"

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        repository_id: str = REPOSITORY_ID,
        home_community_id: str = "",
        transfer_syntaxes: Iterable[str] = DEFAULT_SYNTAXES,
        documents: int = 200,
        mtom: bool = True,
        parallel: int = 4,
        pace: Pace | None = None,
    ) -> None:
        if min(parallel, documents) < 1:
            raise InvalidInputError("1 answer at a time or more, and 1 document in each or more")
        self._asking: Asking = Asking(
            repository_id, home_community_id, tuple(transfer_syntaxes), mtom
        )
        self._transport: Transport = transport_of(archive, session, pace)
        self._documents: int = documents
        self._parallel: int = parallel

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
            protocol="RAD-69",
            ask=self._ask,
            listing=_no_listing,
            gate=self._transport.gate,
            retries=self._transport.retries,
            arrivals=answers,
        )
        wanted = in_lists(plan(to_instance_refs(objects)), self._documents)
        return Retrieval(service, wanted, parallel=self._parallel, ordered=False).files()

    def __repr__(self) -> str:
        return f"Rad69({self._transport.base_url!r})"

    def _ask(self, wanted: Wanted, retries: Retries) -> Answer:
        references = (wanted.expected or {}).values()
        headers, body = self._asking.request(references, self._transport.base_url)
        return self._transport.post(
            body=body, headers=headers, retries=retries, is_answer=_reader_of_faults(retries)
        )


def _reader_of_faults(retries: Retries) -> Callable[[int, str], bool]:
    """Return what says whether a fault is to be read; a 500 only when it stays."""
    left = min(retries.attempts, retries.attempts_on_500)

    def is_answer(status: int, media_type: str) -> bool:
        nonlocal left
        if status not in _FAULTS or not (media_type in _XML or media_type.startswith("multipart/")):
            return False
        left -= status == 500
        return status != 500 or left <= 0

    return is_answer


def _no_listing(reference: DICOMObjectReference) -> Iterable[InstanceReference]:
    raise AssertionError(f"{reference}: only instances are asked for, and those are known")
