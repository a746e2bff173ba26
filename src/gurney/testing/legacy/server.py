"""The archive itself: it listens on loopback, and leaves nothing behind when it is closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from pydicom.dataset import Dataset
from typing_extensions import Self
from werkzeug.datastructures import EnvironHeaders

from gurney.core import InvalidUIDError

from ..dicomweb.delivery import StartResponse, deliver
from ..dicomweb.listening import Listener
from ..dicomweb.reply import RefusedError, Reply
from ..holdings import Holdings
from .asked import MINT, RAD69, Asked, Service, asked, understood
from .fault import Exchange, Fault, Settings
from .faults import fault_of
from .retrieving import retrieve
from .searching import search

__all__ = ["LegacyServer"]


class LegacyServer:
    """An archive with MINT and RAD-69 on loopback: well-behaved, but for faults switched on.

    It listens from the moment it is made until it is closed, best by a ``with`` statement. All data
    are held in memory.

    Parameters
    ----------
    datasets
        One for each instance; they are neither copied nor changed.
    faults
        Ids of quirks, see `FAULTS`, or `Fault` objects of your own. They act in this order.
    port
        To listen on; 0 for any that is free.
    page, times, pause
        What faults need to be told, see `Settings`.

    Attributes
    ----------
    requests
        What was asked, in order of arrival; it names whom was searched for.

    Raises
    ------
    InvalidInputError
        For an id that `FAULTS` does not have, or a port that is taken.
    InvalidUIDError, DuplicateUIDError
        If a data set has no UIDs, or two are one instance.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> from gurney.testing import example_datasets
    >>> with LegacyServer(example_datasets()) as server:
    ...     with urlopen(f"{server.mint}/studies?PatientID=EX-1") as answer:
    ...         print(answer.headers["Content-Type"])
    application/xml; charset=utf-8
    >>> [request.path for request in server.requests]
    ['/mint/studies']
    """

    def __init__(
        self,
        datasets: Iterable[Dataset] = (),
        faults: Iterable[str | Fault] = (),
        *,
        port: int = 0,
        page: int = 5,
        times: int | None = None,
        pause: float = 0.0,
    ) -> None:
        self.requests: list[Asked] = []
        self._settings: Settings = Settings(page, times, pause)
        self._faults: Sequence[Fault] = [fault_of(fault, self._settings) for fault in faults]
        self._holdings: Holdings = Holdings(datasets)
        self._listener: Listener = Listener(port, self._answer)

    @property
    def mint(self) -> str:
        """The URL of MINT."""
        return f"http://127.0.0.1:{self._listener.port}{MINT}"

    @property
    def rad69(self) -> str:
        """The URL of RAD-69."""
        return f"http://127.0.0.1:{self._listener.port}{RAD69}"

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
        exchange = Exchange(_request(environ), self._holdings, self._settings, self._faults)
        reply = self._reply(exchange)
        reply = exchange.through(reply, lambda fault: fault.replied)
        return deliver(reply, environ, start_response, self._listener.closing)

    def _reply(self, exchange: Exchange) -> Reply:
        request = exchange.asked
        try:
            if request.service is Service.RETRIEVE:
                request = exchange.asked = understood(request)
        except RefusedError as refused:
            return refused.reply
        except InvalidUIDError:
            return RefusedError(400, "a UID is none").reply
        finally:
            self.requests.append(request)
        try:
            exchange.asked = exchange.through(request, lambda fault: fault.understood)
            if request.service is Service.NONE:
                raise RefusedError(404, "there is nothing here")
            return search(exchange) if request.service is Service.SEARCH else retrieve(exchange)
        except RefusedError as refused:
            return refused.reply


def _request(environ: dict[str, Any]) -> Asked:
    headers = {name.lower(): value for name, value in EnvironHeaders(environ)}
    path, _, query = str(environ["REQUEST_URI"]).partition("?")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    return asked(environ["REQUEST_METHOD"], path, query, headers, body)
