"""The URL of a DICOMweb archive, taken apart. A password in it is refused, and never repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import attrs

from ..core import InvalidInputError
from .archive import Retrieve

__all__ = ["ArchiveURL"]

_SCHEMES: Final = {"dicomweb+http": "http", "dicomweb+https": "https"}
_FORM: Final = "dicomweb+https://user@host:port/path?option=value"
_OPTIONS: Final = ("retrieve", "wado")
_has_unsafe: Final = re.compile(r"[\x00-\x20\x7f\\]").search  # urlsplit takes some of them out


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
        parts = _split(url)
        user, _, host = parts.netloc.rpartition("@")
        options = _options(parts.query)
        retrieve = options.get("retrieve", "wado-uri" if "wado" in options else "wado-rs")
        if retrieve not in get_args(Retrieve):
            raise InvalidInputError(f"retrieve is one of {', '.join(get_args(Retrieve))}")
        return cls(
            base_url=f"{_SCHEMES[parts.scheme]}://{host}{parts.path}",
            user=_user(user),
            retrieve=cast("Retrieve", retrieve),
            wado_uri=options.get("wado"),
        )


def _split(url: str) -> SplitResult:
    malformed = InvalidInputError(f"this is not the URL of a DICOMweb archive: write {_FORM}")
    try:
        parts = urlsplit(url)
    except ValueError:  # its message may quote a password
        raise malformed from None
    if parts.scheme not in _SCHEMES or not parts.netloc or _has_unsafe(url):
        raise malformed
    if "@" in parts.path + parts.query or parts.fragment:
        raise InvalidInputError(
            "the URL has a # or, after its host, an @; write %23 and %40. A password does not"
            f" belong there: {_ELSEWHERE}"
        )
    return parts


def _user(text: str) -> str:
    user = unquote(text)
    if ":" in user:
        raise InvalidInputError(f"the URL holds a password, which others can see; {_ELSEWHERE}")
    if not user.isprintable():
        raise InvalidInputError("the user that the URL names holds a control character")
    return user


_ELSEWHERE: Final = "name only the user, and put the password into ~/.netrc or the keyring"


def _options(query: str) -> Mapping[str, str]:
    """Return the options; what is none is not repeated: it may be a secret."""
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    for name in options:
        if name not in _OPTIONS:
            near = get_close_matches(name, _OPTIONS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {' and '.join(_OPTIONS)}"
            raise InvalidInputError(
                f"the URL has an unknown option; {hint} (credentials are no options: put them into"
                " ~/.netrc or the keyring)"
            )
    if len(options) < len(pairs) or "" in options.values():
        raise InvalidInputError("an option of the URL is empty, or given twice")
    return options
