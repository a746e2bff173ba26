"""An instance on this side, until it is known to be whole: in memory, or in a nameless file."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import BinaryIO, Final, Literal, cast

from typing_extensions import Self

from gurney.core import StorageError

__all__ = ["PART", "Spool"]

PART: Final = 8 << 20
"""Bytes of an instance that are in memory at most; what a store is sent in one request."""


class Spool:
    """Takes bytes, and gives them again and again; gone when the ``with`` ends, or the process.

    Beyond `PART` they go into a file without a name in the system's folder for those.
    """

    def __init__(self) -> None:
        self.size: int = 0
        self._file: BinaryIO = BytesIO()

    def write(self, piece: bytes) -> None:
        """Append *piece*.

        Raises
        ------
        StorageError
            If the temporary folder is full, or may not be written to.
        """
        try:
            if self.size + len(piece) > PART >= self.size:
                self._to_disk()
            self._file.write(piece)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise StorageError(
                f"the temporary folder {gettempdir()} cannot take an instance on its way "
                f"({reason}); make room there, or have TMPDIR name another"
            ) from error
        self.size += len(piece)

    @contextmanager
    def open(self, mode: Literal["rb"], /) -> Generator[BinaryIO]:  # noqa: ARG002  as a path
        """Give the bytes from the start. One at a time."""
        self._file.seek(0)
        yield self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _to_disk(self) -> None:
        there = cast("BytesIO", self._file)
        self._file = cast("BinaryIO", TemporaryFile())  # noqa: SIM115  closed with the spool
        self._file.write(there.getbuffer())
