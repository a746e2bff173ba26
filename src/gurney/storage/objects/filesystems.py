"""What is asked of fsspec, whose own classes have no type hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

__all__ = ["FileSystem", "S3Like", "Upload"]


class FileSystem(Protocol):
    """An fsspec file system, which is given paths without a protocol."""

    def info(self, path: str, /) -> Mapping[str, Any]:
        """Return ``size`` in bytes and ``type``; `FileNotFoundError` if nothing is there."""
        ...

    def open(self, path: str, mode: str, /, **options: object) -> BinaryIO:
        """Open a file; for writing, an `Upload`."""
        ...

    def pipe_file(self, path: str, value: bytes, /, *, mode: str) -> object:
        """Write a whole file; with mode ``"create"`` over no other."""
        ...

    def cat_file(self, path: str, /) -> bytes:
        """Return all of a file."""
        ...

    def cp_file(self, path: str, to: str, /) -> object:
        """Copy a file, over what is there."""
        ...

    def rm_file(self, path: str, /) -> object:
        """Remove a file."""
        ...


class S3Like(FileSystem, Protocol):
    """What s3fs has beyond that."""

    def split_path(self, path: str, /) -> tuple[str, str, str | None]:
        """Return bucket, key and version of *path*."""
        ...

    def call_s3(self, method: str, /, **options: object) -> Mapping[str, Any]:
        """Send one request, as a client of botocore's does; raise `OSError` if it fails."""
        ...


class Upload(Protocol):
    """A file opened for writing with ``autocommit=False``."""

    closed: bool

    def write(self, data: bytes, /) -> int:
        """Take *data*, and send what makes a part."""
        ...

    def close(self) -> None:
        """Send the rest."""
        ...

    def commit(self) -> None:
        """Make an object of the parts."""
        ...

    def discard(self) -> None:
        """Forget the parts."""
        ...
