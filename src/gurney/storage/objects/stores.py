"""The stores that an instance can be put into whole or not at all, never over another one.

What fsspec has in common for all is not enough for that promise. So each store has its own way,
and a store without one is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, cast

from gurney.core import CHUNK_SIZE

from ..disk import give_name
from ..temporary import Temporary
from .filesystems import FileSystem, S3Like, Upload
from .spool import PART, Spool

__all__ = ["STORES", "Store"]

_AHEAD: Final = 256 * 1024  # bytes: a header, mostly


class Store(ABC):
    """One object store; paths are those of fsspec."""

    def __init__(self, files: FileSystem) -> None:
        self.files: FileSystem = files

    def size(self, path: str) -> int | None:
        """Return the size of the object at *path*; `None` if there is none."""
        try:
            found = self.files.info(path)
        except FileNotFoundError:
            return None
        return int(found["size"]) if found["type"] == "file" else None

    def is_folder(self, path: str) -> bool:
        """Return whether something else than an object has the name *path*."""
        try:
            return bool(self.files.info(path)["type"] != "file")
        except FileNotFoundError:
            return False

    def open(self, path: str, *, through: bool = False) -> BinaryIO:
        """Open the object for reading, to be closed; *through* if most of it will be read."""
        return self.files.open(path, "rb", block_size=PART // 2 if through else _AHEAD)

    @abstractmethod
    def put(self, content: Spool, path: str) -> bool:
        """Make *content* an object, at once and whole; `False` if *path* is taken."""

    def copy(self, path: str, to: str) -> None:
        """Copy an object within the store."""
        self.files.cp_file(path, to)

    def version(self, path: str) -> str:  # noqa: ARG002  of what is always the same
        """Return what tells one content at *path* from another; empty if nothing does."""
        return ""

    def remove(self, path: str, version: str) -> None:  # noqa: ARG002  where there is none
        """Remove the object, unless it has another *version* by now."""
        self.files.rm_file(path)


class _Memory(Store):
    """Memory of this process; for tests."""

    _one_at_a_time: Final = Lock()

    def open(self, path: str, *, through: bool = False) -> BinaryIO:  # noqa: ARG002
        return BytesIO(self.files.cat_file(path))  # fsspec's is the same file for all

    def put(self, content: Spool, path: str) -> bool:
        with content.open("rb") as file, self._one_at_a_time:
            try:
                self.files.pipe_file(path, file.read(), mode="create")
            except (FileExistsError, IsADirectoryError):
                return False
        return True


class _Disk(Store):
    """Folders of this machine. `FolderStorage` does more, and does it faster."""

    def put(self, content: Spool, path: str) -> bool:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with content.open("rb") as file, Temporary(target.parent) as temporary:
            while piece := file.read(CHUNK_SIZE):
                temporary.write(piece)
            temporary.finish(durable=True)
            return give_name(temporary.path, target)


class _S3(Store):
    """S3, and what speaks as it does.

    An upload carries the condition that there is no such object (``If-None-Match: *``). Servers
    that do not know it are asked before.
    """

    def size(self, path: str) -> int | None:
        try:
            return int(self._ask("head_object", path)["ContentLength"])
        except FileNotFoundError:
            return None

    def is_folder(self, path: str) -> bool:  # noqa: ARG002  there are no folders, only names
        return False

    def put(self, content: Spool, path: str) -> bool:
        if self.size(path) is not None:
            return False
        try:
            if content.size < PART:
                with content.open("rb") as file:
                    self.files.pipe_file(path, file.read(), mode="create")
                return True
            return self._put_in_parts(content, path)
        except OSError:
            if self.size(path) is not None:  # somebody was faster
                return False
            raise

    def version(self, path: str) -> str:
        return str(self._ask("head_object", path)["ETag"])

    def remove(self, path: str, version: str) -> None:
        try:
            self._ask("delete_object", path, IfMatch=version)
        except OSError:
            if self.size(path) is not None and self.version(path) == version:
                raise

    def _put_in_parts(self, content: Spool, path: str) -> bool:
        opened = self.files.open(path, "xb", block_size=PART, autocommit=False)
        upload = cast("Upload", opened)
        try:
            with content.open("rb") as file:
                while piece := file.read(CHUNK_SIZE):
                    upload.write(piece)
            upload.close()
            if taken := self.size(path) is not None:
                upload.discard()
            else:
                upload.commit()
        except BaseException:
            _give_up(upload)
            raise
        return not taken

    def _ask(self, call: str, path: str, **options: object) -> Mapping[str, Any]:
        files = cast("S3Like", self.files)
        bucket, key, _ = files.split_path(path)
        return files.call_s3(call, Bucket=bucket, Key=key, **options)


def _give_up(upload: Upload) -> None:
    """Have the store forget the parts it has, and fsspec not send the rest when it tidies up."""
    upload.closed = True
    with suppress(Exception):  # it is away, or does not know the upload any more
        upload.discard()


STORES: Final[Mapping[str, type[Store]]] = {
    "s3": _S3,
    "s3a": _S3,
    "memory": _Memory,
    "file": _Disk,
    "local": _Disk,
}
"""By the protocol of the URL."""
