"""One run or plan at a time: a lock that the system takes back when its holder ends, however."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from gurney.core import StorageError

from .failures import LedgerBusyError

__all__ = ["Holder", "holder_of", "locked"]

_NAME: Final = "lock"
_TRIES: Final = 10  # somebody who only looks holds it for a moment
_PAUSE: Final = 0.05  # seconds

_held = set[int]()


@attrs.frozen
class Holder:
    """Who is at work on a transfer, doing what."""

    doing: str
    pid: int
    host: str


@contextmanager
def locked(folder: Path, doing: str) -> Generator[None]:
    """Keep others from working on the ledger in *folder*."""
    path = folder / _NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"the file {_NAME} of the ledger cannot be opened ({error.strerror}); "
            "check who may write there"
        ) from error
    _held.add(descriptor)
    try:
        if not any(_taken(descriptor, attempt) for attempt in range(_TRIES)):
            raise LedgerBusyError(_busy(_read(path)))
        holder = {"doing": doing, "pid": os.getpid(), "host": socket.gethostname()}
        _write(descriptor, json.dumps(holder))
        yield
        _write(descriptor, "")
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def holder_of(folder: Path) -> Holder | None:
    """Return who is at work on the ledger in *folder*; `None` if nobody is."""
    path = folder / _NAME
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # nobody ever was, or it is not for us to know
        return None
    try:
        return None if _is_free(descriptor) else _read(path)
    finally:
        os.close(descriptor)


def _busy(holder: Holder | None) -> str:
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    doing = "planning it" if holder and holder.doing == "plan" else "running it"
    return (
        f"{who} is at work on this transfer, {doing}; wait until it ends, or stop it. "
        "Meanwhile its status can be asked"
    )


def _read(path: Path) -> Holder | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(path.read_bytes())
        return Holder(str(content["doing"]), int(content["pid"]), str(content["host"]))
    return None


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):  # it is for messages only: a full disk does not matter
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text.encode())


def _taken(descriptor: int, attempt: int) -> bool:
    if attempt:
        time.sleep(_PAUSE)
    return _take(descriptor)


def _let_go() -> None:
    """In a forked worker, which may outlive its parent: the lock is the parent's alone."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)

if sys.platform == "win32":
    import msvcrt

    _FAR: Final = 1 << 30  # beyond the text, which others may read

    def _take(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

    def _is_free(descriptor: int) -> bool:
        if not _take(descriptor):
            return False
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: two processes must not share a ledger
            return True
        return True

    def _is_free(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # as above: nobody can tell
            return True
        return True
