"""C-MOVE: instances that the archive stores at a receiver of ours (PS3.4 C.4.2)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from typing_extensions import Self

from ...core import (
    ArchiveUnavailableError,
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    Searcher,
)
from ...manners import Pace
from ...retrieving import Wanted, plan
from ..association import Associations, associations_of
from ..find import CFind
from ..retrieving import Conversation, Retrieval, Service, list_instances
from ..settings import Peer
from .conversation import Moving, conversation
from .receiver import Receiver
from .refusals import Suspicion

__all__ = ["CMove"]

_STUDY_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"


class CMove(FileDownloader):
    """Downloads by C-MOVE: studies, series and instances, as the archive holds them.

    The archive has to know the receiver: its AE title, host and port.

    What it says about success is not believed without counting. What is known down to its
    instances comes complete or says what is missing; of what is not known, the archive's own
    listing is what has to be reached. What has not come is asked for again, in the end one by one.

    Parameters
    ----------
    archive
        The archive, or the associations with it, to share them with others.
    receiver
        Where the archive is to send to; it may be shared, and stays open. Without it, one of its
        own listens while this is in use: on loopback, port 11112, under the calling AE title.
    searcher
        What lists the instances of studies that are not known down to them; by default a C-FIND
        at the same archive.
    grace
        Seconds to wait for an instance after the archive has said that all were sent (D18), as
        long as fewer have come than it says.
    pace
        How many requests and bytes a second, if *archive* is a `Peer`.

    Raises
    ------
    InvalidInputError
        If *grace* is negative.

    Notes
    -----
    Memory does not grow with instances: up to 4 MiB of one are held, larger ones are passed on as
    they come.

    References
    ----------
    DICOM PS3.4 C.4.2, C-MOVE Operation.

    Examples
    --------
    >>> from gurney.dimse import Peer
    >>> CMove(Peer("pacs.example", 104, "ARCHIVE"))
    CMove('ARCHIVE at pacs.example:104', to='GURNEY')
    """

    def __init__(
        self,
        archive: Peer | Associations,
        receiver: Receiver | None = None,
        searcher: Searcher | None = None,
        *,
        grace: float = 5.0,
        pace: Pace | None = None,
    ) -> None:
        if grace < 0:
            raise InvalidInputError(f"the grace is 0 seconds or more, not {grace}")
        self._own: ExitStack = ExitStack()
        self._associations: Associations = associations_of(archive, pace)
        if self._associations is not archive:
            self._own.callback(self._associations.close)
        self.receiver: Receiver = receiver or Receiver(self._associations.peer.calling)
        if receiver is None:
            self._own.callback(self.receiver.close)
        self._searcher: Searcher = searcher or CFind(self._associations)
        self._grace: float = grace
        self._running: dict[int, Moving] = {}  # by identity; single operations are atomic
        self._closed: bool = False

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*, in order of arrival.

        Consume each before the next is asked for. An instance that cannot be had is a file whose
        chunks raise `DownloadError`: the others go on. The same instance never comes twice. Who
        leaves early cancels what is under way.

        Raises
        ------
        ArchiveUnavailableError
            If there is nobody to ask.
        AuthenticationError
            If the archive does not know us, or does not let us in.
        InvalidInputError
            At once, if the receiver cannot listen where it is to.
        """
        if not self._closed:
            self.receiver.open()
        service = Service(
            protocol="C-MOVE",
            ask=partial(self._moving, Suspicion(self.receiver)),
            listing=partial(list_instances, self._searcher),
            retries=self._associations.peer.retries,
        )
        return self._associations.during(Retrieval(service, plan(objects)).files())

    def close(self) -> None:
        """End what is under way, and close what is not shared: the receiver, the associations."""
        self._closed = True
        for moving in list(self._running.values()):
            moving.end(self._is_closed())
        self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        address = self._associations.peer.address
        return f"CMove({address!r}, to={self.receiver.ae_title!r})"

    @contextmanager
    def _moving(self, suspicion: Suspicion, wanted: Wanted) -> Generator[Conversation]:
        if self._closed:
            raise self._is_closed()
        with conversation(
            self._associations,
            self.receiver,
            suspicion,
            _STUDY_ROOT_MOVE,
            wanted,
            grace=self._grace,
        ) as moving:
            self._running[id(moving)] = moving
            if self._closed:  # meanwhile
                moving.end(self._is_closed())
            try:
                yield moving
            finally:
                del self._running[id(moving)]

    def _is_closed(self) -> ArchiveUnavailableError:
        return ArchiveUnavailableError(f"{self!r}: closed while it was in use")
