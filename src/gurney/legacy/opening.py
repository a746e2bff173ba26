"""From a URL to an archive with MINT, RAD-69 or both, and to who one is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from ..core import AuthenticationError, DICOMDownloadable, DICOMFile, Query, SearchResult
from ..http import Login, Transport, find_login, same_origin
from ..logins import advice, advising, advising_each
from ..manners import Pace
from .archive import LegacyArchive
from .rad69 import Rad69
from .urls import ArchiveURL

__all__ = ["open_url"]


def open_url(url: str, *, pace: Pace | None = None) -> LegacyArchive:
    """Open the archive at *url*, which says all but secrets.

    Credentials come from where `gurney.dicomweb.open_url` takes them.

    Parameters
    ----------
    url
        ``mint+https://user@host:port/path?rad69=/path`` for an archive that is searched by MINT and
        fetched from by RAD-69; ``rad69+https://user@host:port/path?mint=/path`` is the same one.
        With ``wado=/path`` in place of ``rad69``, instances come by WADO-URI. The other service may
        be on another port or host: ``rad69=https://host:port/path``. Without it, the archive can
        only be searched, or fetched from instance by instance. Further options are ``repository``
        and ``home``, the RepositoryUniqueId and the HomeCommunityId of RAD-69.
    pace
        How many requests and bytes a second, of both services together.

    Raises
    ------
    InvalidInputError
        If *url* is malformed, holds a password or an unknown option; if there are no credentials
        for the user it names, or these would go unencrypted.

    Examples
    --------
    >>> open_url("mint+https://archive.example/mint?rad69=/rids")
    LegacyArchive(mint='https://archive.example/mint', rad69='https://archive.example/rids')
    """
    named = ArchiveURL.parse(url)
    mint = None if named.mint is None else _Line(named.mint, named.user, pace)
    address = named.rad69 or named.wado_uri
    if address is None:
        return _OpenedArchive(mint, None, named)
    if mint is not None and same_origin(address, mint.transport.base_url):
        return _OpenedArchive(mint, mint.at(address), named)
    return _OpenedArchive(mint, _Line(address, named.user, pace), named)


class _Line:
    """A line to one service, and who one is there."""

    def __init__(
        self, address: str, user: str, pace: Pace | None, other: _Line | None = None
    ) -> None:
        self.login: Login = find_login(address, user) if other is None else other.login
        self.transport: Transport = (
            self._new(address, pace) if other is None else other.transport.at(address)
        )

    def at(self, address: str) -> _Line:
        """Return a line to another service of the same origin."""
        return _Line(address, "", None, self)

    def advise(self, error: AuthenticationError) -> str:
        """Say what to do about being let in by nobody."""
        login = self.login
        return advice(
            error,
            login.place,
            login.source,
            untrusted="name that file in REQUESTS_CA_BUNDLE",
            nobody="; ".join([_NONE.format(login.place), *login.problems]),
        )

    def _new(self, address: str, pace: Pace | None) -> Transport:
        login = self.login
        return Transport(
            address,
            token=login.token,
            auth=login.auth,
            cert=login.cert,
            pace=pace,
            allow_insecure_credentials=login.allow_insecure_credentials,
        )


class _OpenedArchive(LegacyArchive):
    """An archive that was named by a URL: when it lets nobody in, it says what to do about that."""

    def __init__(self, mint: _Line | None, fetching: _Line | None, named: ArchiveURL) -> None:
        transport = None if fetching is None else fetching.transport
        super().__init__(
            None if mint is None else mint.transport,
            transport if named.wado_uri is None else None,
            wado_uri=None if named.wado_uri is None else transport,
            repository_id=named.repository_id or Rad69.REPOSITORY_ID,
            home_community_id=named.home_community_id,
        )
        self._searching: _Line | None = mint
        self._fetching: _Line | None = fetching
        for line in (mint, fetching):
            if line is not None:
                self._own.callback(line.transport.close)

    def find_studies(self, query: Query, /) -> SearchResult:
        with _advising(self._searching):
            return super().find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        line = self._fetching
        with _advising(line):
            files = super().files(objects)
        return files if line is None else advising_each(files, line.advise)


def _advising(line: _Line | None) -> AbstractContextManager[object]:
    return nullcontext() if line is None else advising(line.advise)


_NONE: Final = (
    "none were found for {0}: set GURNEY_HOST={0} and GURNEY_TOKEN, or put user and password into"
    " ~/.netrc, or name the user (user@{0}) whose password the keyring has"
)
