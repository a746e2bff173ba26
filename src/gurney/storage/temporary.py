"""Files on their way to a final name, and what is left of them when a process dies."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import Self

from .locks import hold, remove_abandoned

__all__ = ["Temporary", "is_temporary", "remove_leftovers"]

_HOST: Final = re.sub("[^0-9A-Za-z]", "_", socket.gethostname())[:40]
_is_ours: Final = re.compile(r"\.gurney-(\w+)-\d+-[0-9a-f]{16}\.part").fullmatch


def is_temporary(name: str) -> bool:
    """Return whether *name* is that of a `Temporary`, of whatever process."""
    return _is_ours(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove what dead processes of this host left in *folder*. Other hosts' are not judged."""
    for path in list(folder.iterdir()):
        found = _is_ours(path.name)
        if found is not None and found.group(1) == _HOST:
            remove_abandoned(path)


class Temporary:
    """A new file in *folder* under a name of its own, which is gone when the ``with`` ends.

    The name carries host and process, for those who find it; the lock tells that it is in use.
    """

    def __init__(self, folder: Path) -> None:
        self.path: Path
        self._output: FileIO
        while True:
            name = f".gurney-{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.part"
            self.path = folder / name
            self._output = FileIO(self.path, "x")
            if hold(self._output.fileno()):
                break
            self._output.close()

    def write(self, chunk: bytes) -> None:
        """Append *chunk*."""
        done = self._output.write(chunk)
        while done < len(chunk):
            done += self._output.write(memoryview(chunk)[done:])

    def finish(self, *, durable: bool) -> None:
        """See that all bytes were taken; if *durable*, bring them to the disk."""
        if durable:
            os.fsync(self._output.fileno())
        else:  # a network file system says on close that the disk is full, so close it once
            os.close(os.dup(self._output.fileno()))
        if sys.platform == "win32":  # where an open file cannot be renamed
            self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._output.close()
        finally:
            self.path.unlink(missing_ok=True)
