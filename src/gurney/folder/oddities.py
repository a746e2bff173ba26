"""What is odd about the files of the studies that were found."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from .report import FileStatus

__all__ = ["copies_that_differ", "damaged_files"]

_NOTES: Final = 100


def copies_that_differ(connection: sqlite3.Connection, studies: Container[str]) -> Iterator[str]:
    """Yield a note for each instance in *studies* of which there are copies with other bytes."""
    rows = connection.execute(
        "SELECT study_uid, series_uid, instance_uid, path, size, digest"
        " FROM file JOIN header ON file.header = header.id WHERE digest IS NOT NULL"
        " ORDER BY study_uid, series_uid, instance_uid, problem IS NOT NULL, path"
    )
    found = 0
    for uids, copies in groupby(rows, itemgetter(0, 1, 2)):
        if uids[0] in studies:
            first, *others = copies
            differing = sum(other[4:] != first[4:] for other in others)
            found += bool(differing)
            if differing and found <= _NOTES:
                yield (
                    f"instance {'/'.join(uids)} has {differing + 1} copies that differ:"
                    f" of the whole ones the first by path is taken"
                )
    if found > _NOTES:
        yield f"{found - _NOTES} more instances have copies that differ"


def damaged_files(connection: sqlite3.Connection, studies: Container[str]) -> Iterator[str]:
    """Yield a note if there are files in *studies* that are not whole."""
    rows = connection.execute(
        "SELECT study_uid FROM file JOIN header ON file.header = header.id"
        " WHERE status = ? AND problem IS NOT NULL",
        (FileStatus.INDEXED.value,),
    )
    count = sum(study_uid in studies for (study_uid,) in rows)
    if count:
        yield f"{count} files are not whole, and cannot be fetched"
