"""Text goes into a new file, whole or not at all, however long it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from gurney.core import StorageError

__all__ = ["written"]


def written(path: Path, pieces: Iterable[str]) -> None:
    """Write *pieces* to *path*.

    Raises
    ------
    StorageError
        If it cannot be written, or is there already.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.absolute().parent, prefix=".gurney-"
        ) as draft:
            draft.writelines(pieces)
            draft.flush()
            os.fsync(draft.fileno())
            _placed(Path(draft.name), path)
    except FileExistsError as error:
        raise StorageError(
            f"{path.name} is there already and is not overwritten; name another file"
        ) from error
    except OSError as error:
        raise StorageError(
            f"{path.name} cannot be written ({error.strerror}); make room, or check who may "
            "write there"
        ) from error


def _placed(draft: Path, path: Path) -> None:
    """Give *draft* its name, unless that is taken."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with path.open("xb") as file, draft.open("rb") as source:
            try:
                shutil.copyfileobj(source, file)
            except OSError:
                path.unlink()
                raise
