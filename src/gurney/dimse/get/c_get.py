"""C-GET: instances over the association on which they are asked for (PS3.4 C.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from ...core import DICOMDownloadable, DICOMFile, FileDownloader, Searcher
from ...manners import Pace
from ...retrieving import Wanted, plan
from ..association import Associations, associations_of
from ..find import CFind
from ..retrieving import Conversation, Retrieval, Service
from ..settings import Peer
from .classes import Classes
from .contexts import proposals
from .conversation import conversing
from .detours import Detours

__all__ = ["CGet"]

_STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"


class CGet(FileDownloader):
    """Downloads by C-GET: studies, series and instances, as the archive holds them.

    What an archive says about success is not believed without counting. What is known down to its
    instances comes complete or says what is missing; of what is not known, the archive's own
    listing is what has to be reached. What has not come is asked for again, in the end one by one.

    Parameters
    ----------
    archive
        The archive, or the associations with it, to share them with others.
    searcher
        What lists the instances of studies that are not known down to them; by default a C-FIND
        at the same archive.
    pace
        How many requests and bytes a second, if *archive* is a `Peer`.

    Notes
    -----
    Memory does not grow with instances: up to 4 MiB of one are held, larger ones are passed on as
    they come.

    References
    ----------
    DICOM PS3.4 C.4.3, C-GET SCU Behavior; PS3.7 D.3.3.4, SCP/SCU Role Selection.

    Examples
    --------
    >>> from gurney.dimse import Peer
    >>> CGet(Peer("pacs.example", 104, "ARCHIVE"))
    CGet('ARCHIVE at pacs.example:104')
    """

    def __init__(
        self,
        archive: Peer | Associations,
        searcher: Searcher | None = None,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._associations: Associations = associations_of(archive, pace)
        self._detours: Detours = Detours()
        self._searcher: Searcher = searcher or CFind(self._associations)

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
        """
        classes = Classes(self._searcher)
        service = Service(
            protocol="C-GET",
            ask=partial(self._ask, classes),
            listing=classes.list,
            retries=self._associations.peer.retries,
        )
        retrieval = Retrieval(service, plan(classes.learning(objects)))
        return self._associations.during(retrieval.files())

    def __repr__(self) -> str:
        return f"CGet({self._associations.peer.address!r})"

    def _ask(self, classes: Classes, wanted: Wanted) -> AbstractContextManager[Conversation]:
        expected, needed = classes.of(wanted)
        batches = proposals(expected, _STUDY_ROOT_GET)
        return conversing(self._associations, batches, wanted, needed, self._detours)
