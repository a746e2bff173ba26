"""What lies in a storage: final files, and what is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gurney.core import TRANSFER_FOLDER

from .names import is_aside
from .temporary import is_temporary

__all__ = ["everything", "final_files"]


def everything(root: Path) -> Iterator[Path]:
    """Yield all that is under *root* and no folder, sorted by path; links are not followed.

    What a transfer remembers, in a folder of its own, is passed over.

    Raises
    ------
    OSError
        If a folder cannot be read: nothing is passed over in silence.
    """
    for folder, folders, files in os.walk(root, onerror=_raise):
        folders.sort()
        if folder == str(root) and TRANSFER_FOLDER in folders:
            folders.remove(TRANSFER_FOLDER)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in sorted(files + links):
            yield Path(folder, name)


def final_files(root: Path) -> Iterator[Path]:
    """Yield the files under *root* that have a final name, sorted within each folder."""
    for path in everything(root):
        if not is_temporary(path.name) and not is_aside(path.name) and path.is_file():
            yield path


def _raise(error: OSError) -> None:
    raise error
