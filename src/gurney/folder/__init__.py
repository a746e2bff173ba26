"""Files on disk as an archive: searched and fetched like any other, without a server.

::

    folder ──scan──▶ what is new ──walk──▶ index (sqlite3) ──search──▶ SearchResult
                                              ╰──────────────fetch──▶ the files, byte for byte
"""

from __future__ import annotations

from .archive import FolderArchive, open_url
from .report import FileGroup, FileStatus, FolderReport, ListedFile

__all__ = [
    "FileGroup",
    "FileStatus",
    "FolderArchive",
    "FolderReport",
    "ListedFile",
    "open_url",
]
