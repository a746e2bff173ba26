"""The receiver of what archives send for a C-MOVE."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from random import SystemRandom
from threading import RLock

from typing_extensions import Self

from ...core import DICOMObjectReference, InvalidInputError
from ..settings import TLS, Peer, Timeouts
from ..settings import ae_title as checked_title
from .listening import Doors, Listening
from .origins import Origin
from .routing import Request, Routing

__all__ = ["Receiver"]

_PATIENCE = 5.0  # seconds for a thread that was told to end
_MOST_MESSAGES = 65535


class Receiver:
    """Listens for what archives send because a `CMove` has asked for it.

    Only instances of requests in progress are taken, and only from the archives that were asked:
    they are known by AE title or host, or name the request that they answer. Whatever else is
    stored is refused and counted, not kept. Several `CMove` may share one receiver, of several
    archives too.

    It listens from when it is used first, or from when its ``with`` begins, to `close`. Closing is
    safe at any time: what is under way then ends with an error.

    Parameters
    ----------
    ae_title
        The AE title under which the archive knows it: the move destination.
    host
        The address to listen on: that of this machine in the archive's network, or ``"0.0.0.0"``
        for all. Unless told, nobody can connect from outside of this machine.
    port
        The port that the archive has been told; 0 for any that is free.
    tls
        Own certificate, and the authorities that those of archives are signed by, for TLS.
    associations
        Associations at a time, at most.
    callers
        AE titles of archives that may store; `None` for that of the archive that is asked.
    hosts
        Their addresses; `None` for those of the archive that is asked. Where *callers* or *hosts*
        are given, they alone count: for archives that store under another title, from elsewhere.
    max_pdu
        Largest PDU that archives may send, in bytes.
    max_instance
        Largest instance that is taken, in bytes.
    timeouts
        ``answer`` is how long an archive may be silent between two instances while it was asked
        for some, ``idle`` how long else, and in the middle of one.

    Raises
    ------
    InvalidInputError
        If an AE title is none, or a number makes no sense.

    Notes
    -----
    Memory does not grow with instances: 4 MiB are read ahead of one in each association.

    References
    ----------
    DICOM PS3.4 C.4.2.2.1, C-MOVE SCP: the sub-operations.

    Examples
    --------
    >>> with Receiver("GURNEY", port=0) as receiver:
    ...     receiver.port > 0
    True
    """

    def __init__(
        self,
        ae_title: str = "GURNEY",
        host: str = "127.0.0.1",
        port: int = 11112,
        *,
        tls: TLS | None = None,
        associations: int = 16,
        callers: Iterable[str] | None = None,
        hosts: Iterable[str] | None = None,
        max_pdu: int = 131072,
        max_instance: int = 64 << 30,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise InvalidInputError(f"a port is a number from 0 to 65535, not {port}")
        if associations < 1:
            raise InvalidInputError(f"1 association at a time or more, not {associations}")
        self._doors: Doors = Doors(
            ae_title=checked_title(ae_title),
            host=host,
            port=port,
            tls=tls,
            associations=associations,
            callers=None if callers is None else frozenset(map(checked_title, callers)),
            hosts=None if hosts is None else frozenset(hosts),
            max_pdu=max_pdu,
            max_instance=max_instance,
            timeouts=timeouts or Timeouts(),
        )
        self._routing: Routing = Routing()
        self._numbers: Iterator[int] = count(SystemRandom().randrange(_MOST_MESSAGES))
        self._lock: RLock = RLock()
        self._listening: Listening | None = None
        self._closed: bool = False

    @property
    def ae_title(self) -> str:
        """Its AE title: what to ask an archive to move to."""
        return self._doors.ae_title

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._doors.host

    @property
    def port(self) -> int:
        """The port that it listens on; what was given, if it does not."""
        return self._doors.port if self._listening is None else self._listening.port

    @property
    def refused(self) -> int:
        """How many instances were refused because nobody had asked for them (D19)."""
        return 0 if self._listening is None else sum(self._listening.refused.values())

    def open(self) -> Self:
        """Begin to listen, unless it does.

        Raises
        ------
        InvalidInputError
            If the address is not to be had, or the receiver was closed.
        """
        with self._lock:
            if self._closed:
                raise InvalidInputError("this receiver was closed; make another")
            if self._listening is None:
                self._listening = self._listen()
                weakref.finalize(self, self._listening.stop)
        return self

    @contextmanager
    def expecting(
        self,
        references: Iterable[DICOMObjectReference],
        originator: str,
        archive: Peer | None = None,
    ) -> Generator[Request]:
        """Take what is in *references* for the time of a ``with``.

        Parameters
        ----------
        references
            What is asked for.
        originator
            The AE title that asks.
        archive
            Who is asked, and may store; `None` for anyone.

        Raises
        ------
        InvalidInputError
            As `open`.
        """
        message_id = 1 + next(self._numbers) % _MOST_MESSAGES  # unlike that of all who share it
        doors = self._doors
        named = doors.callers is not None or doors.hosts is not None
        origin = None if archive is None or named else Origin(archive)
        request = Request(references, originator, message_id, origin)
        self._routing.add(request)
        try:
            self.open()
            yield request
        finally:
            self._routing.discard(request)
            request.close()

    def close(self) -> None:
        """End whatever is under way, and listen no more."""
        with self._lock:
            self._closed = True
        if self._listening is not None:
            self._listening.stop()
            self._listening.join(_PATIENCE)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Receiver({self.ae_title!r}, {self.host!r}, {self.port})"

    def _listen(self) -> Listening:
        doors = self._doors
        try:
            return Listening(doors, self._routing)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InvalidInputError(
                f"nobody can listen on {doors.host} port {doors.port} ({reason}); choose an address"
                " of this machine and a port that is free, one that the archive has been told"
            ) from error
