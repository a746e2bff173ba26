"""Where instances go, by its name: a path, or a URL."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gurney.core import InvalidInputError

from .folder import FolderStorage
from .layout import DEFAULT_LAYOUT, Layout
from .objects import ObjectStorage

__all__ = ["storage_at"]


def storage_at(
    path_or_url: str | os.PathLike[str],
    layout: Layout | str = DEFAULT_LAYOUT,
    *,
    checksum: str | None = "sha256",
    durable: bool = True,
    **options: object,
) -> FolderStorage | ObjectStorage:
    """Return the storage at *path_or_url*.

    Parameters
    ----------
    path_or_url
        A folder, by its path or as ``file:///...``; or the URL of an object store.
    layout, checksum
        As of `FolderStorage` and `ObjectStorage`.
    durable
        Of a folder: whether ``STORED`` means that the instance survives a power failure.
    **options
        Of an object store, as of `ObjectStorage`.

    Raises
    ------
    LayoutError, InvalidInputError
        As those two.

    Examples
    --------
    >>> storage_at("memory://research/ct", "{SOPInstanceUID}.dcm")
    ObjectStorage('memory://research/ct', '{SOPInstanceUID}.dcm')
    """
    text = os.fspath(path_or_url)
    if "://" in text and not text.startswith("file://"):
        return ObjectStorage(text, layout, checksum=checksum, **options)
    if options:
        raise InvalidInputError(f"a folder has no options {', '.join(options)}; leave them out")
    folder = _folder_in(text) if text.startswith("file://") else text
    return FolderStorage(folder, layout, checksum=checksum, durable=durable)


def _folder_in(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise InvalidInputError("a file URL of this machine is file:///PATH; or give the path")
    return url2pathname(parts.path)
