"""The archive itself: it listens on loopback, and leaves nothing behind when it is closed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final

from typing_extensions import Self

from gurney.core import InvalidInputError

from .archives import Served, archive_of
from .asked import Asked, Association, Level
from .fault import Fault, Settings
from .faults import fault_of
from .line import Line, LineEndedError
from .sending import connected
from .session import House, Session
from .steps import Ending, Store

__all__ = ["DIMSEServer"]

_LOOPBACK: Final = "127.0.0.1"
_POLL: Final = 0.01  # seconds


class DIMSEServer:
    """A DIMSE archive on loopback: well-behaved, but for the faults that are switched on.

    C-ECHO; C-FIND, C-GET and C-MOVE with study root and patient root, level by level, relational
    where that is agreed on. It listens from the moment it is made until it is closed, best by a
    ``with`` statement. Every association is answered in a thread of its own. Instances are sent as
    they are stored, if there is a presentation context for that; uncompressed ones also in another
    uncompressed transfer syntax.

    Parameters
    ----------
    served
        Data sets, one for each instance, held in memory, neither copied nor changed; or any
        archive that is a `Searcher` and a `Downloader`, whose instances are read when they are
        sent, and as streams if it is a `FileDownloader`.
    faults
        Ids of quirks, see `FAULTS`, or `Fault` objects of your own. They act in this order.
    port
        To listen on; 0 for any that is free.
    ae_title
        Its own; associations that call another one are rejected.
    destinations
        Host and port of those whom C-MOVE can send to, by AE title. Looked at for each request.
    tls, destinations_tls
        For those who come, and for destinations; `None` for none.
    max_pdu
        The longest PDU it says it takes, in bytes; 0 for any.
    max_associations
        More at a time are rejected, as transient; `None` for no limit.
    cap, keys, status, failing, listed, charset, cut_after, between, ending, times, pause, resume
        What faults need to be told, see `Settings`.

    Attributes
    ----------
    requests
        What was asked, in order of arrival; it names whom was searched for.
    associations
        Those that were asked for, in order of arrival.

    Raises
    ------
    InvalidInputError
        For an id that `FAULTS` does not have, or a port that is taken.
    InvalidUIDError, DuplicateUIDError
        If a data set has no UIDs, or two are one instance.

    Examples
    --------
    >>> from pynetdicom import AE
    >>> from gurney.testing import example_datasets
    >>> ae = AE()
    >>> ae.add_requested_context("1.2.840.10008.1.1")
    >>> with DIMSEServer(example_datasets()) as server:
    ...     association = ae.associate("127.0.0.1", server.port, ae_title=server.ae_title)
    ...     print(f"{association.send_c_echo().Status:04X}")
    ...     association.release()
    0000
    >>> [request.service.value for request in server.requests]
    ['C-ECHO']
    """

    def __init__(
        self,
        served: Served = (),
        faults: Iterable[str | Fault] = (),
        *,
        port: int = 0,
        ae_title: str = "ARCHIVE",
        destinations: Mapping[str, tuple[str, int]] | None = None,
        tls: ssl.SSLContext | None = None,
        destinations_tls: ssl.SSLContext | None = None,
        max_pdu: int = 1 << 17,
        max_associations: int | None = None,
        cap: int | None = None,
        keys: Collection[str] | None = None,
        status: int | None = None,
        failing: Collection[str] | None = None,
        listed: bool = True,
        charset: str = "none",
        cut_after: int | None = None,
        between: bool = False,
        ending: Ending | None = None,
        times: int | None = None,
        pause: float = 0.05,
        resume: Event | None = None,
    ) -> None:
        settings = Settings(
            cap=cap,
            keys=keys,
            status=status,
            failing=failing,
            listed=listed,
            charset=charset,
            cut_after=cut_after,
            between=between,
            ending=ending,
            times=times,
            pause=pause,
            resume=resume,
        )
        self._house: House = House(
            ae_title,
            archive_of(served),
            settings,
            [fault_of(fault, settings) for fault in faults],
            {} if destinations is None else destinations,
            max_pdu,
            max_associations,
            self._join,
            self._silent,
            self._later,
        )
        self._tls: ssl.SSLContext | None = tls
        self._destinations_tls: ssl.SSLContext | None = destinations_tls
        self._closing: Event = Event()
        self._lock: Lock = Lock()
        self._lines: set[Line] = set()
        self._threads: set[Thread] = set()
        self._listener: socket.socket = _listener(port)
        self.port: int = self._listener.getsockname()[1]
        self._thread: Thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def ae_title(self) -> str:
        """Its own AE title."""
        return self._house.ae_title

    @property
    def url(self) -> str:
        """Of this archive, as ``dimse://`` URLs are written."""
        return f"dimse{'+tls' if self._tls else ''}://{self.ae_title}@{_LOOPBACK}:{self.port}"

    @property
    def requests(self) -> list[Asked]:
        """What was asked, in order of arrival."""
        return self._house.requests

    @property
    def associations(self) -> list[Association]:
        """Those that were asked for, in order of arrival."""
        return self._house.associations

    def push(self, destination: str, uids: Sequence[str] = ()) -> list[int]:
        """Send instances that nobody asked for (D19), and return the statuses that came back.

        Parameters
        ----------
        destination
            One of `destinations`.
        uids
            SOP Instance UIDs; all instances by default.
        """
        chosen = self._house.archive.instances({Level.IMAGE: uids} if uids else {})
        sender = self._house.destination(destination, chosen)
        try:
            return [sender.send(Store(instance), {}) for instance in chosen]
        finally:
            sender.close()

    def close(self) -> None:
        """Stop, also in the middle of an answer; no thread and no socket is left."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
        with suppress(OSError), socket.create_connection((_LOOPBACK, self.port)):
            pass  # it wakes the one who listens
        self._thread.join()
        self._listener.close()
        with self._lock:
            lines, threads = set(self._lines), set(self._threads)
        for line in lines:
            line.end()
        for thread in threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the other side has gone before it was let in
                if self._closing.is_set():
                    return
                continue
            if self._closing.is_set():
                connection.close()
                return
            try:
                line = self._line(connection, self._tls)
                self._later(partial(self._serve, self._keep(line)))
            except (OSError, LineEndedError):  # it has gone by now, or the server has
                connection.close()

    @staticmethod
    def _line(connection: socket.socket, tls: ssl.SSLContext | None) -> Line:
        if tls is None:
            return Line(connection)
        return Line(tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False))

    def _serve(self, line: Line) -> None:
        try:
            Session(self._house, line).run()
        finally:
            line.end()
            line.close()

    def _join(self, address: tuple[str, int]) -> Line:
        return self._keep(Line(connected(address, self._destinations_tls)))

    def _keep(self, line: Line) -> Line:
        """Keep a line where closing finds it."""
        with self._lock:
            if self._closing.is_set():
                line.close()
                raise LineEndedError("the server is closed")
            self._lines = {line, *(one for one in self._lines if not one.closed)}
        return line

    def _later(self, task: Callable[[], None]) -> None:
        """Do it in a thread of its own, for which closing waits."""
        thread = Thread(target=task, daemon=True)
        with self._lock:
            self._threads = {thread, *(one for one in self._threads if one.is_alive())}
            thread.start()

    def _silent(self, *, for_ever: bool = False) -> None:
        """Wait for the pause; closing the server ends it."""
        settings = self._house.settings
        if for_ever or settings.resume is None:
            self._closing.wait(None if for_ever else settings.pause)
            return
        while not (settings.resume.wait(_POLL) or self._closing.is_set()):
            pass


def _listener(port: int) -> socket.socket:
    try:
        if not 0 <= port < 1 << 16:
            raise OSError
        return socket.create_server((_LOOPBACK, port), backlog=128)
    except OSError:
        reason = f"port {port} cannot be listened on; give another, or 0 for any that is free"
        raise InvalidInputError(reason) from None
