"""What a storage asks of a file system: never overwrite, reach the disk, stay inside."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Final

from gurney.core import (
    OutcomeStatus,
    StorageError,
)

from .locks import exclusive

__all__ = [
    "NotKeptError",
    "disk_errors",
    "give_name",
    "inside",
    "make_folder",
    "sync_folder",
    "unusable",
]

_OF_ONE_FILE: Final = {
    errno.EFBIG, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
    errno.ENOTDIR, errno.EXDEV,
}  # fmt: skip
_NO_LINKS: Final = {
    errno.EACCES, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM,
}  # fmt: skip
_NO_SYNC: Final = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


class NotKeptError(Exception):
    """This instance was not kept; others can be."""

    def __init__(self, status: OutcomeStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status: OutcomeStatus = status
        self.reason: str = reason


@contextmanager
def disk_errors(root: Path) -> Generator[None]:
    """Tell trouble with one file (`NotKeptError`) from the end of storing (`StorageError`).

    Neither names the file: its path may hold values of the data set.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_ONE_FILE:
            raise unusable(root, error) from error
        reason = f"the disk refuses this file: {_in_words(error)}"
        raise NotKeptError(OutcomeStatus.FAILED, reason) from error


def unusable(root: Path, error: OSError) -> StorageError:
    """Return the error that says that nothing can be stored in *root*."""
    return StorageError(
        f"the storage {root.name!r} cannot be used: {_in_words(error)}; "
        f"make room or change permissions, then run again"
    )


def inside(root: Path, relative: PurePath) -> Path:
    """Return where *relative* is, and see that it is under *root*, whose own path has no links."""
    folder, linked = str(root), False
    for part in relative.parts[:-1]:
        folder = os.path.join(folder, part)  # noqa: PTH118  many times as fast
        linked = linked or os.path.islink(folder)  # noqa: PTH114
    if linked:
        folder = os.path.realpath(folder)
        if not Path(folder).is_relative_to(root):
            raise NotKeptError(
                OutcomeStatus.FAILED,
                "a link inside the storage leads out of it and is not followed; remove the link",
            )
    return Path(folder, relative.name)


def give_name(temporary: Path, target: Path) -> bool:
    """Make *target* a name of the file *temporary*, in one step; `False` if it is taken.

    *temporary* stays as a second name, except on file systems without hard links.
    """
    try:
        os.link(temporary, target)
    except FileExistsError:
        return _is_one_file(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _rename(temporary, target)
    return True


def make_folder(folder: Path, *, durable: bool) -> None:
    """Make *folder* and those it is in, as far as they are not there."""
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    except FileNotFoundError:
        make_folder(folder.parent, durable=durable)
        make_folder(folder, durable=durable)
    else:
        if durable:
            sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in *folder* survive a power failure, where the system can do that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:  # some network file systems have no such call
            raise
    finally:
        os.close(descriptor)


def _in_words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _is_one_file(temporary: Path, target: Path) -> bool:
    """NFS may do what it is asked, lose the answer, be asked again, and say that it is done."""
    try:
        return os.path.samestat(temporary.lstat(), target.lstat())
    except FileNotFoundError:
        return False


def _rename(temporary: Path, target: Path) -> bool:
    with exclusive(target.parent):
        if os.path.lexists(target):
            return False
        temporary.rename(target)
        return True
