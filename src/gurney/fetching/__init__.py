"""Retrieving over HTTP, whatever the service.

Questions are asked several at a time, answers taken apart while they arrive, and what is missing
is asked for again. A backend says how it asks, and how its answers are to be read: a `Service`.
"""

from __future__ import annotations

from .arriving import Arrived, EndMark, Withheld, arrivals, arriving, check_ending, end_of
from .lines import transport_of
from .readahead import Line, ReadAhead
from .retrieving import Retrieval, Service
from .sources import Direct, Source
from .wado_uri import WadoURI

__all__ = [
    "Arrived",
    "Direct",
    "EndMark",
    "Line",
    "ReadAhead",
    "Retrieval",
    "Service",
    "Source",
    "WadoURI",
    "Withheld",
    "arrivals",
    "arriving",
    "check_ending",
    "end_of",
    "transport_of",
]
