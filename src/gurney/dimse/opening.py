"""From a URL to a DIMSE archive, and to who one is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

import attrs
from pydicom.dataset import Dataset

from ..core import AuthenticationError, DICOMDownloadable, DICOMFile, Query, SearchResult
from ..logins import Login, Place, advice, advising, advising_each, find_login, is_loopback
from ..manners import Pace
from .archive import DIMSEArchive
from .move import Receiver
from .settings import TLS, Peer, UserIdentity
from .urls import ArchiveURL

__all__ = ["open_url"]


def open_url(url: str, *, pace: Pace | None = None) -> DIMSEArchive:
    """Open the archive at *url*, which says all but secrets.

    Who is somebody there, which few archives want to know, says so by a user identity: an option
    ``user`` (or ``GURNEY_USER``) whose password is in ``GURNEY_PASSWORD``, in netrc or in the
    keyring; or a JSON Web Token in ``GURNEY_TOKEN`` or ``GURNEY_TOKEN_FILE``. For TLS,
    ``GURNEY_CERT`` and ``GURNEY_KEY`` name the own certificate. All these variables are for the
    archive that ``GURNEY_HOST`` names and for no other; see `gurney.logins.environment`. The
    authorities to trust are those of ``SSL_CERT_FILE``, else those of the system.

    Parameters
    ----------
    url
        ``dimse://CALLED@host:port?option=value``, or ``dimse+tls://``; the port is 104, or 2762, if
        not given. Options:

        - ``calling``: our AE title, else ``GURNEY``
        - ``retrieve``: ``get``, ``move``, or ``auto``, which is one after the other
        - ``receiver``: where to listen for what C-MOVE sends, ``host:port``; else port 11112 of
          this machine, for nobody outside of it
        - ``destination``: by what AE title the archive knows that, else ours
        - ``root``: ``study`` or ``patient``
        - ``associations``: how many at a time
        - ``user``: who to be

    pace
        How many requests and bytes a second.

    Raises
    ------
    InvalidInputError
        If *url* is malformed, holds a password or an unknown option; if there are no credentials
        for the user it names, or these would go unencrypted.

    Examples
    --------
    >>> open_url("dimse://ARCHIVE@archive.example:11112?calling=ME&retrieve=get")
    DIMSEArchive('ARCHIVE at archive.example:11112')
    """
    named = ArchiveURL.parse(url)
    return _OpenedArchive(named, _login(named, os.environ), pace)


class _OpenedArchive(DIMSEArchive):
    """An archive that was named by a URL: when it lets nobody in, it says what to do about that."""

    def __init__(self, named: ArchiveURL, login: Login, pace: Pace | None) -> None:
        tls = _tls(login) if named.tls else None
        with ExitStack() as failing:
            receiver = None
            if named.receiver is not None:
                place = named.receiver
                receiver = Receiver(named.destination, place.host, place.port, tls=tls)
                failing.callback(receiver.close)
            super().__init__(
                _peer(named, login, tls),
                retrieve=named.retrieve,
                receiver=receiver,
                root=named.root,
                pace=pace,
            )
            self._own.push(failing.pop_all())
        self._login: Login = login

    def __repr__(self) -> str:
        return f"DIMSEArchive({self._associations.peer.address!r})"

    def find_studies(self, query: Query, /) -> SearchResult:
        with advising(self._advise):
            return super().find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        with advising(self._advise):
            files = super().files(objects)
        return advising_each(files, self._advise)

    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        with advising(self._advise):
            datasets = super().datasets(objects)
        return advising_each(datasets, self._advise)

    def echo(self) -> float:
        with advising(self._advise):
            return super().echo()

    def _advise(self, error: AuthenticationError) -> str:
        return advice(
            error,
            self._login.place,
            self._login.source,
            untrusted="name the file of the authority that signed it in SSL_CERT_FILE",
            nobody="the URL says both AE titles: dimse://CALLED@host:port?calling=CALLING",
        )


def _peer(named: ArchiveURL, login: Login, tls: TLS | None) -> Peer:
    peer = Peer(
        named.host,
        named.port,
        named.called,
        calling=named.calling,
        tls=tls,
        identity=_identity(login),
        allow_insecure_credentials=login.allow_insecure_credentials,
    )
    return (
        peer if named.associations is None else attrs.evolve(peer, associations=named.associations)
    )


def _tls(login: Login) -> TLS:
    if isinstance(login.cert, tuple):
        return TLS(cert=login.cert[0], key=login.cert[1])
    return TLS(cert=login.cert)


def _identity(login: Login) -> UserIdentity | None:
    if login.token is not None:
        return UserIdentity(jwt=login.token())
    return UserIdentity(login.user, login.password) if login.user else None


def _login(named: ArchiveURL, environ: Mapping[str, str]) -> Login:
    return find_login(_place_of(named), named.user, environ, only_named=True)


def _place_of(named: ArchiveURL) -> Place:
    host, usual = named.host.lower(), named.usual_port
    shown = f"[{host}]" if ":" in host else host
    names = {f"{shown}:{named.port}", *([shown] if named.port == usual else [])}
    return Place(
        name=shown if named.port == usual else f"{shown}:{named.port}",
        host=host,
        is_meant_by=lambda name: name.lower() in names,
        safe=named.tls or is_loopback(host),
        instead="dimse+tls",
    )
