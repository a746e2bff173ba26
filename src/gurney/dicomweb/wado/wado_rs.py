"""WADO-RS: instances over HTTP, by study, series or instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from pydicom.dataset import Dataset
from requests import Session

from ...core import (
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    FileDownloader,
    InvalidInputError,
)
from ...fetching import Retrieval, Service, transport_of
from ...http import Answer, Retries, Transport
from ...manners import Pace
from ...retrieving import Wanted, plan
from .accept import Ladder
from .metadata import Metadata
from .paths import path_of

__all__ = ["WadoRS"]


class WadoRS(FileDownloader):
    """Downloads by WADO-RS: studies, series and instances, as the archive holds them.

    What is known down to its instances comes complete or says what is missing: after an answer
    that was cut, or was not all, only that is asked for again. Of what is not known, the archive's
    own listing is what has to be reached whenever its answer leaves a doubt.

    Parameters
    ----------
    archive
        Its address, e.g. ``"https://archive.example/dicom-web"``, or what talks to it.
    session
        Your own, if *archive* is an address; it is not changed.
    parallel
        Answers at a time, at most. The gate of the transport may allow fewer.
    ordered
        Whether what was asked for first comes first; else whatever is there is passed on.
    pace
        How many requests and bytes a second, if *archive* is an address.

    Raises
    ------
    InvalidInputError
        If *archive* is no address, or *parallel* less than 1.

    Notes
    -----
    Memory does not grow with instances: 4 MiB are read ahead of each of up to ``2 * parallel``
    answers.

    References
    ----------
    DICOM PS3.18 10.4, Retrieve Transaction.

    Examples
    --------
    >>> WadoRS("https://archive.example/dicom-web")
    WadoRS('https://archive.example/dicom-web')
    """

    def __init__(
        self,
        archive: str | Transport,
        session: Session | None = None,
        *,
        parallel: int = 4,
        ordered: bool = False,
        pace: Pace | None = None,
    ) -> None:
        if parallel < 1:
            raise InvalidInputError(f"1 answer at a time or more, not {parallel}")
        self._transport: Transport = transport_of(archive, session, pace)
        self._parallel: int = parallel
        self._ordered: bool = ordered
        self._ladder: Ladder = Ladder()
        self._metadata: Metadata = Metadata(self._transport)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*, in order of arrival, or as asked for.

        Consume each before the next is asked for. An instance that cannot be had is a file whose
        chunks raise `DownloadError`: the others go on. The same instance never comes twice.

        Raises
        ------
        ArchiveUnavailableError
            If there is nobody to ask.
        AuthenticationError
            If the archive wants to know who asks.
        """
        service = Service(
            protocol="WADO-RS",
            ask=self._ask,
            listing=self._metadata.references,
            gate=self._transport.gate,
            retries=self._transport.retries,
        )
        wanted = plan(objects)
        return Retrieval(service, wanted, parallel=self._parallel, ordered=self._ordered).files()

    def metadata(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield the data sets of *objects* without pixels and other bulk data.

        What is left out is told by `left_out`; nothing that it names is fetched (W21).

        Raises
        ------
        IncompleteDownloadError
            At the end, if instances that are known to be in *objects* did not come (W16).
        DownloadError
            If a study or series has no metadata.
        ArchiveUnavailableError
            If there is nobody to ask.
        """
        return self._metadata.datasets(objects)

    def __repr__(self) -> str:
        return f"WadoRS({self._transport.base_url!r})"

    def _ask(self, wanted: Wanted, retries: Retries) -> Answer:
        ask = partial(self._ask_for, wanted.reference, retries)
        return self._ladder.climb(ask, one=wanted.one)

    def _ask_for(self, reference: DICOMObjectReference, retries: Retries, accept: str) -> Answer:
        return self._transport.get(path_of(reference), headers={"Accept": accept}, retries=retries)
