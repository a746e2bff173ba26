"""What retrieving has in common, whatever the protocol: what to ask for, and what has come of it.

Nothing here asks an archive anything.
"""

from __future__ import annotations

from .failing import Failures, failing
from .judging import Came, Judged, Verdict
from .ladder import Ladder
from .peeking import UIDs, peek, peek_dataset
from .planning import Expected, Wanted, expectation, finer, in_lists, plan
from .resuming import unbroken

__all__ = [
    "Came",
    "Expected",
    "Failures",
    "Judged",
    "Ladder",
    "UIDs",
    "Verdict",
    "Wanted",
    "expectation",
    "failing",
    "finer",
    "in_lists",
    "peek",
    "peek_dataset",
    "plan",
    "unbroken",
]
