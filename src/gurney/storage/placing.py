"""A verified newcomer gets its final name, whatever has that name already.

What is there is never overwritten, and nothing is lost::

    nothing               the newcomer takes the name
    the same content      stays, the newcomer goes; so if only file meta or lengths differ
    other content         stays; the newcomer is kept aside as NAME~conflict-HASH
    a damaged file        is kept aside as NAME~damaged-HASH; the newcomer takes the name
    something else        stays; the newcomer needs another name

The hash is of what is kept aside: the same bytes, come again, are kept once.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final, Generic, Protocol, TypeVar

import attrs

from gurney.core import (
    OutcomeStatus,
    Walked,
)

from .content import Readable, checksum_of, identical, is_no_file, look, same_data_set
from .disk import NotKeptError, give_name, make_folder
from .layout import Layout
from .locks import exclusive
from .values import same_values

__all__ = ["FolderShelf", "Newcomer", "Settled", "Shelf", "aside", "compare", "settle"]

_ATTEMPTS: Final = 5
_CONFLICT: Final = (
    "other content is stored under this SOP Instance UID and was left as it is; "
    "what came is kept aside at the path given: compare the two"
)

_Content = TypeVar("_Content", bound=Readable)
_Content_contra = TypeVar("_Content_contra", bound=Readable, contravariant=True)
_Place = TypeVar("_Place", bound=PurePath)
_Place_contra = TypeVar("_Place_contra", bound=PurePath, contravariant=True)


@attrs.frozen
class Newcomer(Generic[_Content]):
    """A whole instance that has no name yet, or a temporary one.

    Attributes
    ----------
    content
        Its bytes.
    walked
        What the walk found.
    checksum
        Of its bytes; empty if none is wanted.
    """

    content: _Content
    walked: Walked
    checksum: str

    def is_shown_by(self, there: Walked) -> bool:
        """Whether *there* is the same instance, be it damaged beyond its UID."""
        return there.instance_uid == self.walked.instance_uid or (
            not there.whole and not there.instance_uid
        )


@attrs.frozen
class Settled(Generic[_Place]):
    """What became of a newcomer, and where what counts is now."""

    status: OutcomeStatus
    path: _Place
    size: int
    checksum: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


class Shelf(Protocol[_Content_contra, _Place_contra]):
    """What gives names: a file system, an object store."""

    @property
    def layout(self) -> Layout:
        """Where instances go."""
        ...

    def take(self, content: _Content_contra, target: _Place_contra, /) -> bool:
        """Give *content* the name *target*, all of it in one step; `False` if it is taken."""
        ...

    def look(self, path: _Place_contra, /) -> Walked | None:
        """Walk over what is at *path*; `None` if there is no file."""
        ...

    def is_no_file(self, path: _Place_contra, /) -> bool:
        """Return whether something else than a file is at *path*."""
        ...

    def at(self, path: _Place_contra, /) -> Readable:
        """Return the file at *path*."""
        ...

    def put_away(self, path: _Place_contra, /) -> None:
        """Rename a damaged file as `aside` says, unless somebody has put a whole one there."""
        ...


def settle(
    new: Newcomer[_Content], target: _Place, shelf: Shelf[_Content, _Place]
) -> Settled[_Place] | None:
    """Give *new* the name *target*, or say why not; `None` if another instance has the name."""
    notes: tuple[str, ...] = ()
    for _ in range(_ATTEMPTS):  # others may come and go meanwhile
        if shelf.take(new.content, target):
            return Settled(OutcomeStatus.STORED, target, new.walked.size, new.checksum, notes=notes)
        there = shelf.look(target)
        if there is None:
            if shelf.is_no_file(target):
                return None
        elif not new.is_shown_by(there):
            return None
        elif there.whole:
            return compare(new, target, there, shelf)
        else:
            shelf.put_away(target)
            notes = ("a damaged file had its name and is kept beside it",)
    raise NotKeptError(OutcomeStatus.FAILED, "others keep changing its place; store it again")


def compare(
    new: Newcomer[_Content], path: _Place, there: Walked, shelf: Shelf[_Content, _Place]
) -> Settled[_Place]:
    """Say whether *new* is what is at *path* already; keep it aside if it is not."""
    if identical(new.content, shelf.at(path)):
        return Settled(OutcomeStatus.ALREADY_THERE, path, there.size, new.checksum)
    note = _sameness(new, shelf.at(path), there)
    if note:
        algorithm = new.checksum.partition(":")[0]
        checksum = checksum_of(shelf.at(path), algorithm) if algorithm else ""
        return Settled(OutcomeStatus.ALREADY_THERE, path, there.size, checksum, notes=(note,))
    beside = aside(path, "conflict", new.content, shelf.layout)
    if not shelf.take(new.content, beside) and not _holds(shelf, beside, new.content):
        raise NotKeptError(
            OutcomeStatus.REFUSED,
            "something else has the name of what is to be kept aside; move it",
        )
    return Settled(OutcomeStatus.REFUSED, beside, new.walked.size, new.checksum, reason=_CONFLICT)


def aside(path: _Place, kind: str, content: Readable, layout: Layout) -> _Place:
    """Return the name for *content* that cannot have the name *path*."""
    digest = checksum_of(content, "sha256").partition(":")[2]
    return path.with_name(layout.marked(path.name, f"{kind}-{digest[:16]}"))


def _sameness(new: Newcomer[_Content], content: Readable, there: Walked) -> str:
    """Say what differs of two files that hold the same; nothing if they do not (D31)."""
    if same_data_set(new.content, new.walked, content, there):
        return "came with other file meta; what was there is kept"
    if same_values(new.content, new.walked, content, there):
        return "came with the same values in other bytes; what was there is kept"
    return ""


def _holds(shelf: Shelf[_Content, _Place], path: _Place, content: Readable) -> bool:
    return not shelf.is_no_file(path) and identical(shelf.at(path), content)


@attrs.frozen
class FolderShelf:
    """Gives names in folders, to files that have a temporary one on the same file system."""

    layout: Layout
    durable: bool

    def take(self, content: Path, target: Path, /) -> bool:
        """Link the temporary name *content* to *target*, whose folder is made if need be."""
        try:
            return give_name(content, target)
        except FileNotFoundError:
            make_folder(target.parent, durable=self.durable)
            return give_name(content, target)

    def look(self, path: Path, /) -> Walked | None:
        """Walk over what is at *path*; `None` if there is no file."""
        return look(path)

    def is_no_file(self, path: Path, /) -> bool:
        """Return whether something else than a file is at *path*."""
        return is_no_file(path)

    def at(self, path: Path, /) -> Path:
        """Return the file at *path*."""
        return path

    def put_away(self, path: Path, /) -> None:
        """Rename a damaged file, unless another process did so and has put a whole one there."""
        with exclusive(path.parent):
            there = look(path)
            if there is None or there.whole:
                return
            beside = aside(path, "damaged", path, self.layout)
            if not os.path.lexists(beside):
                path.rename(beside)
            elif _holds(self, beside, path):
                path.unlink()
            else:
                raise NotKeptError(
                    OutcomeStatus.FAILED,
                    "something else has the name of what is to be kept aside; move it",
                )
