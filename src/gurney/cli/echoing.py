"""``gurney echo``: whether there is an archive, and how long it takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, cast

from gurney.archives import Archive
from gurney.core import Query

from .exits import ExitCode
from .opening import named, opened
from .terminal import Terminal

__all__ = ["echo"]

_NOBODY: Final = "2.25.160420593728311706249106217305561310513"
"""A Study Instance UID that was drawn by lot once, and given to no study."""


def echo(terminal: Terminal, url: str) -> ExitCode:
    """Ask the archive at *url* whether it answers; say what did, and after how long."""
    with opened(terminal, url) as archive:
        question, seconds = _ask(archive)
    terminal.show(f"{named(url)} answered {question} in {seconds * 1000:.1f} ms")
    return ExitCode.COMPLETE


def _ask(archive: Archive) -> tuple[str, float]:
    """Ask what costs least: a protocol's own question, else for a study that there is not."""
    own: object = getattr(archive, "echo", None)
    if callable(own):
        return "an echo", cast("Callable[[], float]", own)()
    start = time.perf_counter()
    archive.find_studies(Query(StudyInstanceUID=_NOBODY))
    return "a search", time.perf_counter() - start
