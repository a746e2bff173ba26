"""From a URL to a DICOMweb archive, and to who one is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ..core import AuthenticationError, DICOMDownloadable, DICOMFile, Query, SearchResult
from ..http import Login, Transport, find_login
from ..logins import advice, advising, advising_each
from ..manners import Pace
from .archive import DICOMwebArchive
from .urls import ArchiveURL

__all__ = ["open_url"]


def open_url(url: str, *, pace: Pace | None = None) -> DICOMwebArchive:
    """Open the archive at *url*, which says all but secrets.

    Credentials, in this order, come from the environment, each variable for the archive that
    ``GURNEY_HOST`` names and for no other (``GURNEY_TOKEN``, or ``GURNEY_TOKEN_FILE``, or
    ``GURNEY_USER`` and ``GURNEY_PASSWORD``; ``GURNEY_CERT`` and ``GURNEY_KEY``); from ``~/.netrc``
    or ``$NETRC``; from the keyring, as the password of ``user@host`` for the service ``gurney``.

    Parameters
    ----------
    url
        ``dicomweb+https://user@host:port/path?option=value``. The user is needed only where there
        are several, or for the keyring. Options are ``retrieve`` (``wado-rs`` or ``wado-uri``)
        and ``wado``, the path of WADO-URI if that is not the archive's.
    pace
        How many requests and bytes a second.

    Raises
    ------
    InvalidInputError
        If *url* is malformed, holds a password or an unknown option; if there are no credentials
        for the user it names, or these would go unencrypted.

    Examples
    --------
    >>> open_url("dicomweb+https://archive.example/dicom-web?retrieve=wado-uri&wado=/wado")
    DICOMwebArchive('https://archive.example/dicom-web')
    """
    named = ArchiveURL.parse(url)
    login = find_login(named.base_url, named.user)
    transport = Transport(
        named.base_url,
        token=login.token,
        auth=login.auth,
        cert=login.cert,
        pace=pace,
        allow_insecure_credentials=login.allow_insecure_credentials,
    )
    return _OpenedArchive(transport, login, named)


class _OpenedArchive(DICOMwebArchive):
    """An archive that was named by a URL: when it lets nobody in, it says what to do about that."""

    def __init__(self, transport: Transport, login: Login, named: ArchiveURL) -> None:
        super().__init__(transport, retrieve=named.retrieve, wado_uri=named.wado_uri)
        self._own.callback(transport.close)
        self._login: Login = login

    def __repr__(self) -> str:
        return f"DICOMwebArchive({self._address!r})"

    def find_studies(self, query: Query, /) -> SearchResult:
        with advising(self._advise):
            return super().find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        with advising(self._advise):
            files = super().files(objects)
        return advising_each(files, self._advise)

    def _advise(self, error: AuthenticationError) -> str:
        return advice(
            error,
            self._login.place,
            self._login.source,
            untrusted="name that file in REQUESTS_CA_BUNDLE",
            nobody="; ".join([_NONE.format(self._login.place), *self._login.problems]),
        )


_NONE: Final = (
    "none were found for {0}: set GURNEY_HOST={0} and GURNEY_TOKEN, or put user and password into"
    " ~/.netrc, or name the user (user@{0}) whose password the keyring has"
)
