"""Who is at work: locks that the system takes back when a process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["exclusive", "hold", "remove_abandoned"]

if sys.platform == "win32":
    # An open file cannot be removed, and renaming never overwrites: the system does it all.

    def hold(descriptor: int) -> bool:  # noqa: ARG001  the same shape everywhere
        """Claim a new file; `False` if it was removed meanwhile."""
        return True

    def remove_abandoned(path: Path) -> None:
        """Remove a file unless somebody holds it."""
        with suppress(OSError):
            path.unlink()

    @contextmanager
    def exclusive(folder: Path) -> Generator[None]:  # noqa: ARG001  as above
        """Keep other processes that ask for the same from changing *folder*."""
        yield

else:
    import fcntl

    def hold(descriptor: int) -> bool:
        """Claim a new file; `False` if it was removed meanwhile."""
        with suppress(OSError):  # a file system without locks: nobody removes anything there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        return os.fstat(descriptor).st_nlink > 0

    def remove_abandoned(path: Path) -> None:
        """Remove a file unless somebody holds it."""
        # What cannot be locked or removed stays; `verify` lists it.
        with suppress(OSError), path.open("r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()

    @contextmanager
    def exclusive(folder: Path) -> Generator[None]:
        """Keep other processes that ask for the same from changing *folder*."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # without locks two processes must not share a storage
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
