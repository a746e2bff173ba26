"""One searcher, one downloader and one storage, put together."""

from __future__ import annotations

from .asking import in_trees, to_be_asked
from .delivery import STOPPING, Item, attempt, deliver, name_of
from .progress import Progress, ProgressListener
from .resolution import NOT_SAID, Branch, Resolution, instances, resolve, resolve_each, unresolved
from .trolley import Trolley

__all__ = [
    "Branch",
    "Item",
    "NOT_SAID",
    "Progress",
    "ProgressListener",
    "Resolution",
    "STOPPING",
    "Trolley",
    "attempt",
    "deliver",
    "in_trees",
    "instances",
    "name_of",
    "resolve",
    "resolve_each",
    "to_be_asked",
    "unresolved",
]
