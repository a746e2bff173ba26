"""The choices that options offer. Known to ``--help``, so nothing else is imported here."""

from __future__ import annotations

from enum import Enum

__all__ = ["Format", "Level", "Over", "ProgressMode", "StatusFormat"]


class Level(str, Enum):
    """How deep to look."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


class Format(str, Enum):
    """How a search result is shown."""

    TABLE = "table"
    TREE = "tree"
    JSON = "json"
    CSV = "csv"


class ProgressMode(str, Enum):
    """How progress is shown on standard error."""

    AUTO = "auto"
    JSON = "json"
    NONE = "none"


class Over(str, Enum):
    """How the demonstration reaches its samples."""

    FILES = "files"
    DIMSE = "dimse"


class StatusFormat(str, Enum):
    """How the standing of a transfer is shown."""

    TABLE = "table"
    JSON = "json"
