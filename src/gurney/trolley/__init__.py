"""One searcher, one downloader and one storage, put together."""

from __future__ import annotations

from .progress import Progress, ProgressListener
from .trolley import Trolley

__all__ = ["Progress", "ProgressListener", "Trolley"]
