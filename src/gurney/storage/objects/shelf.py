"""Names of objects, as `settle` gives them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePosixPath
from threading import Lock
from typing import BinaryIO, Final, Literal

import attrs

from gurney.core import OutcomeStatus, Walked, walk_file

from ..content import identical
from ..disk import NotKeptError
from ..layout import Layout
from ..placing import aside
from .failures import store_errors
from .spool import Spool
from .stores import Store

__all__ = ["StoreShelf"]

_one_at_a_time: Final = Lock()


@attrs.frozen
class StoreShelf:
    """Gives names below *root* in a store; what is asked with a path is relative to it.

    Attributes
    ----------
    store
        The store.
    root
        As fsspec writes it.
    name
        For people; no credentials.
    layout
        Where instances go.
    """

    store: Store
    root: str
    name: str
    layout: Layout

    def take(self, content: Spool, target: PurePosixPath, /) -> bool:
        """Upload *content* as *target*, all of it in one step; `False` if it is taken."""
        with store_errors(self.name):
            return self.store.put(content, self._path(target))

    def look(self, path: PurePosixPath, /) -> Walked | None:
        """Walk over the object at *path*; `None` if there is none."""
        with store_errors(self.name):
            if self.store.size(self._path(path)) is None:
                return None
            try:
                with self.store.open(self._path(path)) as file:
                    return walk_file(file)
            except FileNotFoundError:  # gone meanwhile
                return None

    def size(self, path: PurePosixPath) -> int | None:
        """Return the size of the object at *path*; `None` if there is none."""
        with store_errors(self.name):
            return self.store.size(self._path(path))

    def is_no_file(self, path: PurePosixPath, /) -> bool:
        """Return whether something else than an object has the name *path*."""
        with store_errors(self.name):
            return self.store.is_folder(self._path(path))

    def at(self, path: PurePosixPath, /) -> _Object:
        """Return the object at *path*."""
        return _Object(self, self._path(path))

    def put_away(self, path: PurePosixPath, /) -> None:
        """Rename a damaged object, unless somebody has put a whole one there."""
        with store_errors(self.name), _one_at_a_time:
            there = self._path(path)
            if self.store.size(there) is None:
                return
            version = self.store.version(there)
            walked = self.look(path)
            if walked is None or walked.whole:
                return
            beside = aside(path, "damaged", self.at(path), self.layout)
            if self.store.size(self._path(beside)) is None:
                self.store.copy(there, self._path(beside))
            elif not identical(self.at(path), self.at(beside)):
                raise NotKeptError(
                    OutcomeStatus.FAILED,
                    "something else has the name of what is to be kept aside; move it",
                )
            self.store.remove(there, version)

    def _path(self, relative: PurePosixPath) -> str:
        return f"{self.root}/{relative}"


@attrs.frozen
class _Object:
    """The bytes of an object, for who will read most of them."""

    shelf: StoreShelf
    path: str

    @contextmanager
    def open(self, mode: Literal["rb"], /) -> Generator[BinaryIO]:  # noqa: ARG002  as a path
        """Open it, at its start."""
        with (
            store_errors(self.shelf.name),
            self.shelf.store.open(self.path, through=True) as file,
        ):
            yield file
