"""The archive itself: it listens on loopback, and leaves nothing behind when it is closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from pydicom.dataset import Dataset
from typing_extensions import Self
from werkzeug.datastructures import EnvironHeaders

from gurney.core import InvalidInputError, QueryError

from ..holdings import Holdings
from .asked import URI, WEB, Asked, Service, asked
from .delivery import StartResponse, deliver
from .fault import Exchange, Fault, Settings
from .faults import fault_of
from .listening import Listener
from .ranges import in_range
from .reply import RefusedError, Reply, plain
from .retrieving import bulkdata, describe, retrieve
from .searching import search
from .wado_uri import retrieve_by_uri

__all__ = ["DICOMwebServer"]


class DICOMwebServer:
    """A DICOMweb archive on loopback: well-behaved, but for the faults that are switched on.

    QIDO-RS in all its forms, WADO-RS with metadata and bulk data, WADO-URI. It listens from the
    moment it is made until it is closed, best by a ``with`` statement. Every request is answered
    in a thread, and on a connection, of its own. All data are held in memory. What a fault of your
    own raises is a 500, and logged by werkzeug.

    Parameters
    ----------
    datasets
        One for each instance; they are neither copied nor changed.
    faults
        Ids of quirks, see `FAULTS`, or `Fault` objects of your own. They act in this order.
    port
        To listen on; 0 for any that is free.
    page, keys, cut_after, times, pause, elsewhere
        What faults need to be told, see `Settings`; a `page` is obeyed without faults, too.

    Attributes
    ----------
    requests
        What was asked, in order of arrival; it names whom was searched for.

    Raises
    ------
    InvalidInputError
        For an id that `FAULTS` does not have, an empty page, or a port that is taken.
    InvalidUIDError, DuplicateUIDError
        If a data set has no UIDs, or two are one instance.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> from gurney.testing import example_datasets
    >>> with DICOMwebServer(example_datasets(), faults=["Q05"], page=3) as server:
    ...     with urlopen(f"{server.url}/studies") as answer:
    ...         print(answer.headers["Warning"])
    299 gurney "There are 1 additional results that can be requested"
    >>> [request.path for request in server.requests]
    ['/dicom-web/studies']
    """

    def __init__(
        self,
        datasets: Iterable[Dataset] = (),
        faults: Iterable[str | Fault] = (),
        *,
        port: int = 0,
        page: int | None = None,
        keys: Collection[str] | None = None,
        cut_after: int | None = None,
        times: int | None = None,
        pause: float = 0.05,
        elsewhere: str = "",
    ) -> None:
        if page is not None and page < 1:
            raise InvalidInputError(f"a page holds 1 result or more, not {page}")
        self.requests: list[Asked] = []
        self._settings: Settings = Settings(page, keys, cut_after, times, pause, elsewhere)
        self._faults: Sequence[Fault] = [fault_of(fault, self._settings) for fault in faults]
        self._holdings: Holdings = Holdings(datasets)
        self._listener: Listener = Listener(port, self._answer)

    @property
    def url(self) -> str:
        """Of the DICOMweb services, without a slash at its end."""
        return f"http://127.0.0.1:{self._listener.port}{WEB}"

    @property
    def wado_uri(self) -> str:
        """The URL of WADO-URI."""
        return f"http://127.0.0.1:{self._listener.port}{URI}"

    def close(self) -> None:
        """Stop, also in the middle of an answer; no thread and no socket is left."""
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        self.requests.append(request)
        exchange = Exchange(request, self._holdings, self.url, self._settings, self._faults)
        reply = exchange.through(_reply(exchange), lambda fault: fault.replied)
        return deliver(reply, environ, start_response, self._listener.closing)


def _request(environ: dict[str, Any]) -> Asked:
    headers = {name.lower(): value for name, value in EnvironHeaders(environ)}
    path, _, query = str(environ["REQUEST_URI"]).partition("?")
    return asked(environ["REQUEST_METHOD"], path, query, headers)


_SERVICES: Final[Mapping[Service, Callable[[Exchange], Reply]]] = {
    Service.SEARCH: search,
    Service.RETRIEVE: retrieve,
    Service.METADATA: describe,
    Service.BULKDATA: bulkdata,
    Service.WADO_URI: retrieve_by_uri,
}


def _reply(exchange: Exchange) -> Reply:
    try:
        refusal = exchange.refusal()
        if refusal is not None:
            return refusal
        if exchange.asked.service is Service.NONE:
            raise RefusedError(404, "there is nothing here")
        if exchange.asked.method != "GET":
            raise RefusedError(405, "this archive is only for reading")
        exchange.asked = exchange.through(exchange.asked, lambda fault: fault.understood)
        return in_range(exchange.asked, _SERVICES[exchange.asked.service](exchange))
    except RefusedError as refused:
        return refused.reply
    except QueryError as error:
        return plain(400, str(error))
