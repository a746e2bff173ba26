"""What to call an archive that a URL names, where others may read it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ["named"]

_TITLED: Final = ("dimse", "dimse+tls")
"""What begins the URLs in which an AE title, not a user, stands before the host."""


def named(url: str) -> str:
    """Return what to call the archive in receipts and documents: never with credentials.

    Examples
    --------
    >>> named("dicomweb+https://user:secret@pacs.example:8443/studies?token=1")
    'dicomweb+https://pacs.example:8443/studies'
    >>> named("dimse://ARCHIVE@pacs.example:104?calling=ME")
    'dimse://ARCHIVE@pacs.example:104'
    """
    if "://" not in url:
        return str(Path(url).absolute())
    parts = urlsplit(url)
    before, _, host = parts.netloc.rpartition("@")
    if parts.scheme in _TITLED and ":" not in unquote(before):
        host = parts.netloc
    return f"{parts.scheme}://{host}{parts.path}"
