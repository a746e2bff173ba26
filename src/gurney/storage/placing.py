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
from pathlib import Path
from typing import Final

import attrs

from gurney.core import (
    OutcomeStatus,
    Walked,
)

from .content import checksum_of, identical, is_no_file, look, same_data_set
from .disk import NotKeptError, give_name, make_folder
from .layout import Layout
from .locks import exclusive
from .values import same_values

__all__ = ["Newcomer", "Settled", "compare", "settle"]

_ATTEMPTS: Final = 5
_CONFLICT: Final = (
    "other content is stored under this SOP Instance UID and was left as it is; "
    "what came is kept aside at the path given: compare the two"
)


@attrs.frozen
class Newcomer:
    """A whole instance under a temporary name.

    Attributes
    ----------
    path
        The temporary name.
    walked
        What the walk found.
    checksum
        Of its bytes; empty if none is wanted.
    """

    path: Path
    walked: Walked
    checksum: str

    def is_shown_by(self, there: Walked) -> bool:
        """Whether *there* is the same instance, be it damaged beyond its UID."""
        return there.instance_uid == self.walked.instance_uid or (
            not there.whole and not there.instance_uid
        )


@attrs.frozen
class Settled:
    """What became of a newcomer, and where what counts is now."""

    status: OutcomeStatus
    path: Path
    size: int
    checksum: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


def settle(new: Newcomer, target: Path, layout: Layout, *, durable: bool) -> Settled | None:
    """Give *new* the name *target*, or say why not; `None` if another instance has the name."""
    notes: tuple[str, ...] = ()
    for _ in range(_ATTEMPTS):  # others may come and go meanwhile
        if _take(new.path, target, durable=durable):
            return Settled(OutcomeStatus.STORED, target, new.walked.size, new.checksum, notes=notes)
        there = look(target)
        if there is None:
            if is_no_file(target):
                return None
        elif not new.is_shown_by(there):
            return None
        elif there.whole:
            return compare(new, target, there, layout)
        else:
            _put_away(target, layout)
            notes = ("a damaged file had its name and is kept beside it",)
    raise NotKeptError(OutcomeStatus.FAILED, "others keep changing its place; store it again")


def compare(new: Newcomer, path: Path, there: Walked, layout: Layout) -> Settled:
    """Say whether *new* is what is at *path* already; keep it aside if it is not."""
    if identical(new.path, path):
        return Settled(OutcomeStatus.ALREADY_THERE, path, there.size, new.checksum)
    note = _sameness(new, path, there)
    if note:
        algorithm = new.checksum.partition(":")[0]
        checksum = checksum_of(path, algorithm) if algorithm else ""
        return Settled(OutcomeStatus.ALREADY_THERE, path, there.size, checksum, notes=(note,))
    aside = _aside(path, "conflict", new.path, layout)
    if not give_name(new.path, aside) and not _holds(aside, new.path):
        raise NotKeptError(
            OutcomeStatus.REFUSED,
            "something else has the name of what is to be kept aside; move it",
        )
    return Settled(OutcomeStatus.REFUSED, aside, new.walked.size, new.checksum, reason=_CONFLICT)


def _sameness(new: Newcomer, path: Path, there: Walked) -> str:
    """Say what differs of two files that hold the same; nothing if they do not (D31)."""
    if same_data_set(new.path, new.walked, path, there):
        return "came with other file meta; what was there is kept"
    if same_values(new.path, new.walked, path, there):
        return "came with the same values in other bytes; what was there is kept"
    return ""


def _take(temporary: Path, target: Path, *, durable: bool) -> bool:
    try:
        return give_name(temporary, target)
    except FileNotFoundError:
        make_folder(target.parent, durable=durable)
        return give_name(temporary, target)


def _put_away(path: Path, layout: Layout) -> None:
    """Rename a damaged file, unless another process did so and has put a whole one there."""
    with exclusive(path.parent):
        there = look(path)
        if there is None or there.whole:
            return
        aside = _aside(path, "damaged", path, layout)
        if not os.path.lexists(aside):
            path.rename(aside)
        elif _holds(aside, path):
            path.unlink()
        else:
            raise NotKeptError(
                OutcomeStatus.FAILED,
                "something else has the name of what is to be kept aside; move it",
            )


def _holds(aside: Path, content: Path) -> bool:
    return not is_no_file(aside) and identical(aside, content)


def _aside(path: Path, kind: str, content: Path, layout: Layout) -> Path:
    digest = checksum_of(content, "sha256").partition(":")[2]
    return path.with_name(layout.marked(path.name, f"{kind}-{digest[:16]}"))
