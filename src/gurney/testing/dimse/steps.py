"""What an archive does to answer a request: one step after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs
from pydicom.dataset import Dataset

from .commands import Status
from .stored import Stored

__all__ = [
    "Counts",
    "Done",
    "End",
    "Ending",
    "Pending",
    "Plan",
    "Progress",
    "Raw",
    "Silence",
    "Step",
    "Store",
]

Ending: TypeAlias = Literal["abort", "cut", "silence"]
"""How an association ends that is not released: by A-ABORT, with its connection, or never."""


@attrs.frozen
class Counts:
    """Numbers of sub-operations (PS3.7 9.1.3)."""

    remaining: int = 0
    completed: int = 0
    failed: int = 0
    warnings: int = 0


@attrs.frozen
class Pending:
    """One result of a search."""

    item: Dataset = attrs.field(repr=False)
    status: int = Status.PENDING


@attrs.frozen
class Store:
    """A sub-operation: one instance is sent by C-STORE.

    Attributes
    ----------
    fails
        Whether it is not sent, and counted as failed.
    cut_after
        Bytes of its data set after which `ending` comes; `None` for all.
    """

    instance: Stored
    fails: bool = False
    cut_after: int | None = None
    ending: Ending = "abort"


@attrs.frozen
class Progress:
    """A pending response between two sub-operations.

    Attributes
    ----------
    counted
        Whether it holds the numbers.
    """

    counted: bool = True


@attrs.frozen
class Done:
    """The last response.

    Attributes
    ----------
    status
        `None` for what follows from the sub-operations.
    counts
        `None` for those of the sub-operations.
    counted, listed
        Whether it holds the numbers, and the Failed SOP Instance UID List.
    """

    status: int | None = None
    counts: Counts | None = None
    counted: bool = True
    listed: bool = True


@attrs.frozen
class Silence:
    """Nothing happens: for the server's `pause`, or until its `resume` is set."""


@attrs.frozen
class End:
    """The association ends, in the middle of everything."""

    ending: Ending = "abort"


@attrs.frozen
class Raw:
    """Bytes that are sent as they are."""

    content: bytes


Step: TypeAlias = Pending | Store | Progress | Done | Silence | End | Raw


@attrs.frozen
class Plan:
    """All steps of an answer.

    Attributes
    ----------
    steps
        In order; a well-behaved archive ends with `Done`.
    heeds_cancel
        Whether a C-CANCEL ends them early.
    """

    steps: Sequence[Step]
    heeds_cancel: bool = True
