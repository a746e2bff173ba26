"""A DIMSE archive: searched by C-FIND, fetched from by C-GET, C-MOVE, or one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Literal, TypeAlias, get_args

import attrs
from pydicom.dataset import Dataset
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
from ..logins import is_loopback
from ..manners import Pace
from ..retrieving import Ladder
from .association import Associations, associations_of, echo
from .find import CFind
from .get import CGet
from .move import CMove, Receiver
from .settings import Peer, Retries

__all__ = ["DIMSEArchive", "Retrieve", "Root"]

Retrieve: TypeAlias = Literal["auto", "get", "move"]
"""The services that instances can be fetched by."""

Root: TypeAlias = Literal["study", "patient"]
"""The query/retrieve information models, by what their levels begin with."""


class DIMSEArchive(Searcher, FileDownloader):
    """One archive over one set of associations: `CFind` to search, `CGet` and `CMove` to fetch.

    Parameters
    ----------
    archive
        The archive, or associations with it, which may be shared.
    retrieve
        What to fetch by. ``"auto"`` is C-GET, then C-MOVE for what is missing, if the archive can
        send to the receiver.
    receiver
        Where C-MOVE sends to, which may be shared. If not given, one that is known by our AE title
        and listens on port 11112 of this machine, for nobody outside of it.
    root
        The information model to search by. Patient Root is for archives that know no other.
    pace
        How many requests and bytes a second, if *archive* is a `Peer`.

    Raises
    ------
    InvalidInputError
        If there is no such service or model; if there is a receiver and no C-MOVE, or the archive
        is on another machine and cannot send to the receiver that nobody chose.

    Notes
    -----
    To set more, make the parts yourself and have them share associations; `gurney.Trolley` takes
    them as they are.

    References
    ----------
    DICOM PS3.4 C, Query/Retrieve Service Class.

    Examples
    --------
    >>> with DIMSEArchive(Peer("archive.example", 104, "ARCHIVE")) as archive:
    ...     archive
    DIMSEArchive('ARCHIVE at archive.example:104')
    """

    def __init__(
        self,
        archive: Peer | Associations,
        *,
        retrieve: Retrieve = "auto",
        receiver: Receiver | None = None,
        root: Root = "study",
        pace: Pace | None = None,
    ) -> None:
        _check(retrieve, receiver, root)
        self._own: ExitStack = ExitStack()
        self._associations: Associations = associations_of(archive, pace)
        if self._associations is not archive:
            self._own.callback(self._associations.close)
        self.searcher: CFind = CFind(self._associations, root=root)
        self.downloader: CGet | CMove | Ladder = self._downloader(retrieve, receiver)

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*; see `CFind.find_studies`."""
        return self.searcher.find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield one file for each instance in *objects*; see `CGet.files`, `CMove.files`."""
        return self.downloader.files(objects)

    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield one data set for each instance in *objects*."""
        return self.downloader.datasets(objects)

    def echo(self) -> float:
        """Ask the archive, once, whether it answers; return how long it took, in seconds."""
        return echo(attrs.evolve(self._associations.peer, retries=Retries(attempts=1)))

    def close(self) -> None:
        """End the associations, and listen no more; what was given to it stays."""
        self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._associations.peer.address!r})"

    def _downloader(self, retrieve: Retrieve, receiver: Receiver | None) -> CGet | CMove | Ladder:
        get = CGet(self._associations, self.searcher)
        unreachable = receiver is None and not is_loopback(self._associations.peer.host)
        if retrieve == "get" or (retrieve == "auto" and unreachable):
            return get
        if unreachable:
            raise InvalidInputError(
                "C-MOVE needs a receiver that the archive can send to: an address of this machine"
                " and a port, which the archive has to know by an AE title"
            )
        if receiver is None:
            receiver = Receiver(self._associations.peer.calling)
            self._own.callback(receiver.close)
        move = CMove(self._associations, receiver, self.searcher)
        return move if retrieve == "move" else Ladder(get, move)


def _check(retrieve: str, receiver: Receiver | None, root: str) -> None:
    if retrieve not in get_args(Retrieve):
        raise InvalidInputError(f"retrieve is one of {', '.join(get_args(Retrieve))}")
    if root not in get_args(Root):
        raise InvalidInputError(f"root is one of {', '.join(get_args(Root))}")
    if receiver is not None and retrieve == "get":
        raise InvalidInputError("a receiver is for C-MOVE; say retrieve='move', or leave it out")
