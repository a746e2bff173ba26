"""DICOMDIR: a list of the files on a medium. A hint: it says which should be there.

What it says about their contents is not looked at: the files are believed over it.

References: DICOM PS3.10 chapter 8; PS3.3 annex F, Basic Directory IOD.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from ..core.values import items, texts
from .paths import join, parent_of

__all__ = ["note_missing", "note_named"]

_RECORDS: Final = Tag("DirectoryRecordSequence")


def note_named(connection: sqlite3.Connection, root: bytes, directory: bytes) -> bool:
    """Note in the index which files the DICOMDIR *directory* names; False if it is damaged."""
    connection.execute("DELETE FROM named WHERE directory = ?", (directory,))
    try:
        dataset = dcmread(os.fsdecode(join(root, directory)), force=True)
        records = items(dataset, _RECORDS)
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged files (P01)
        return False
    folder = parent_of(directory)
    paths = {join(folder, path) for path in map(_named, records or ()) if path}
    rows = [(directory, path) for path in sorted(paths)]
    connection.executemany("INSERT INTO named VALUES (?, ?, 0)", rows)
    return records is not None


def note_missing(connection: sqlite3.Connection, root: bytes) -> None:
    """Note in the index which of the files that a DICOMDIR names are not there."""
    connection.execute("DELETE FROM named WHERE directory NOT IN (SELECT path FROM file)")
    connection.execute("UPDATE named SET missing = path NOT IN (SELECT path FROM file)")
    absent = connection.execute("SELECT rowid, path FROM named WHERE missing").fetchall()
    if absent:
        disk = _Disk(root)
        there = [(number,) for number, path in absent if disk.holds(path)]
        connection.executemany("UPDATE named SET missing = 0 WHERE rowid = ?", there)


def _named(record: Dataset) -> bytes:
    """Return the path that *record* names, relative to the DICOMDIR; empty if it names none."""
    parts = texts(record, "ReferencedFileID")
    return join(*map(os.fsencode, parts)) if parts else b""


class _Disk:
    """What is there; drivers for such media spell names in lower case, or with a version.

    Names are looked up in folders, from the root downwards: none of them leads out of it.
    """

    def __init__(self, root: bytes) -> None:
        self._root: bytes = root
        self._folders: dict[bytes, dict[bytes, bytes]] = {}

    def holds(self, path: bytes) -> bool:
        """Whether there is something called *path*, spelt in any of these ways."""
        at = self._root
        for part in path.split(os.sep.encode()):
            found = self._names(at).get(_plain(part))
            if found is None:
                return False
            at = join(at, found)
        return True

    def _names(self, folder: bytes) -> dict[bytes, bytes]:
        if folder not in self._folders:
            names: list[bytes] = []
            with suppress(OSError):  # then it holds nothing that could be read
                names = os.listdir(folder)  # noqa: PTH208  it is bytes
            self._folders[folder] = {_plain(name): name for name in names}
        return self._folders[folder]


def _plain(name: bytes) -> bytes:
    """*name* without ISO 9660's version and empty extension, in lower case."""
    return name.lower().partition(b";")[0].removesuffix(b".")
