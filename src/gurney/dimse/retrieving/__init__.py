"""What C-GET and C-MOVE share: instances come as C-STORE requests, and are counted."""

from __future__ import annotations

from .arriving import Arrival, arrival
from .conversation import Conversation, Final, Repeats, final_of
from .heads import head_of
from .identifiers import identifier_of
from .listing import Listed, classes_in, list_instances
from .retrieval import Retrieval, Service
from .statuses import CANNOT_UNDERSTAND, NOT_AUTHORIZED, OUT_OF_RESOURCES, meaning

__all__ = [
    "Arrival",
    "CANNOT_UNDERSTAND",
    "Conversation",
    "Final",
    "Listed",
    "NOT_AUTHORIZED",
    "OUT_OF_RESOURCES",
    "Repeats",
    "Retrieval",
    "Service",
    "arrival",
    "classes_in",
    "final_of",
    "head_of",
    "identifier_of",
    "list_instances",
    "meaning",
]
