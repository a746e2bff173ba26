r"""A search level by level, counted and compared, whatever protocol asks the archive.

::

    query ──Questions──▶ Question ──Desk──▶ Listing of Items ──▶ trees, and whether they are all

A backend brings a `Desk`, which lists what answers one question, and `Item`\ s.
"""

from __future__ import annotations

from .desk import Desk, Item, Listing, Names, NotRelationalError, Question
from .elements import Elements, Reading, Readings
from .finding import Finding
from .gathering import Experience, Window
from .keys import Keys, loosened
from .later import Later
from .placing import PlacedItem
from .rechecking import rechecker

__all__ = [
    "Desk",
    "Elements",
    "Experience",
    "Finding",
    "Item",
    "Keys",
    "Later",
    "Listing",
    "Names",
    "NotRelationalError",
    "PlacedItem",
    "Question",
    "Reading",
    "Readings",
    "Window",
    "loosened",
    "rechecker",
]
