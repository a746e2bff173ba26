"""What the index says about the files themselves."""

from __future__ import annotations

import sqlite3
from typing import Final

from .paths import printable
from .refreshing import Changes
from .report import FileGroup, FileStatus, FolderReport, ListedFile

__all__ = ["describe", "listing"]

_EXAMPLES: Final = 10
_PAGE: Final = 1000


def describe(connection: sqlite3.Connection, changes: Changes) -> FolderReport:
    """Return what the index holds."""
    groups = tuple(
        FileGroup(FileStatus(status), problem, count, _examples(connection, status, problem))
        for status, problem, count in connection.execute(
            "SELECT status, problem, COUNT(*) FROM file WHERE problem IS NOT NULL"
            " GROUP BY status, problem ORDER BY status, problem"
        ).fetchall()
    )
    counts = dict.fromkeys(FileStatus, 0)
    (counts[FileStatus.INDEXED],) = connection.execute("SELECT COUNT(*) FROM file").fetchone()
    for group in groups:
        if group.status is not FileStatus.INDEXED:
            counts[group.status] += group.count
            counts[FileStatus.INDEXED] -= group.count
    (missing,) = connection.execute("SELECT COUNT(*) FROM named WHERE missing").fetchone()
    examples = _missing(connection) if missing else ()
    return FolderReport(*changes[:3], counts, groups, missing, examples)


def listing(
    connection: sqlite3.Connection, after: bytes, status: FileStatus | None
) -> tuple[list[ListedFile], bytes | None]:
    """Return some files whose paths come after *after*, in order, and where to go on, if at all."""
    condition, values = ("AND status = ?", [status.value]) if status else ("", [])
    rows = connection.execute(
        "SELECT path, status, problem, detail FROM file"  # noqa: S608  text is ours, values are bound
        f" WHERE path > ? {condition} ORDER BY path LIMIT ?",
        (after, *values, _PAGE),
    ).fetchall()
    page = [
        ListedFile(printable(path), FileStatus(status), problem or "", detail)
        for path, status, problem, detail in rows
    ]
    return page, rows[-1][0] if rows else None


def _examples(connection: sqlite3.Connection, status: str, problem: str) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT path FROM file WHERE status = ? AND problem = ? ORDER BY path LIMIT ?",
        (status, problem, _EXAMPLES),
    )
    return tuple(printable(path) for (path,) in rows)


def _missing(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT DISTINCT path FROM named WHERE missing ORDER BY path LIMIT ?", (_EXAMPLES,)
    )
    return tuple(printable(path) for (path,) in rows)
