"""The URL of a DICOMweb archive, taken apart. A password in it is refused, and never repeated."""

from __future__ import annotations

from typing import Final, cast, get_args

import attrs

from ..core import InvalidInputError
from ..logins import split_url, url_options
from .archive import Retrieve

__all__ = ["ArchiveURL"]

_SCHEMES: Final = {"dicomweb+http": "http", "dicomweb+https": "https"}
_FORM: Final = "dicomweb+https://user@host:port/path?option=value"
_OPTIONS: Final = ("retrieve", "wado")


@attrs.frozen
class ArchiveURL:
    """What a URL says of an archive.

    Attributes
    ----------
    base_url
        The archive's address.
    user
        Who to be; empty if it does not say.
    retrieve, wado_uri
        As `gurney.dicomweb.DICOMwebArchive` takes them.

    Examples
    --------
    >>> url = ArchiveURL.parse("dicomweb+http://me@localhost:8042/dicom-web?retrieve=wado-uri")
    >>> url.base_url, url.user, url.retrieve
    ('http://localhost:8042/dicom-web', 'me', 'wado-uri')
    """

    base_url: str
    user: str = attrs.field(default="", repr=False)
    retrieve: Retrieve = "wado-rs"
    wado_uri: str | None = None

    @classmethod
    def parse(cls, url: str) -> ArchiveURL:
        """Return what *url* says.

        Raises
        ------
        InvalidInputError
            If it is malformed, holds a password, or an option that there is not.
        """
        parts, user = split_url(url, _SCHEMES, _FORM, "DICOMweb")
        options = url_options(parts.query, _OPTIONS)
        retrieve = options.get("retrieve", "wado-uri" if "wado" in options else "wado-rs")
        if retrieve not in get_args(Retrieve):
            raise InvalidInputError(f"retrieve is one of {', '.join(get_args(Retrieve))}")
        return cls(
            base_url=f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}{parts.path}",
            user=user,
            retrieve=cast("Retrieve", retrieve),
            wado_uri=options.get("wado"),
        )
