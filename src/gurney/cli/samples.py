"""The sample studies inside pydicom's own wheel: an archive that needs no download."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["DEMO", "samples"]

DEMO: Final = "demo://"
"""The URL of the samples, for the command line."""

_FOLDER: Final = "dicomdirtests"


def samples() -> Path:
    """Return the folder of sample studies.

    Raises
    ------
    ArchiveUnavailableError
        If this pydicom came without them: some Linux distributions leave them out.
    """
    import pydicom.data

    from gurney.core import ArchiveUnavailableError

    folder = Path(pydicom.data.__file__).parent / "test_files" / _FOLDER
    if not folder.is_dir():
        raise ArchiveUnavailableError(
            "this pydicom came without its sample studies; install it from PyPI, "
            "or name a folder of your own"
        )
    return folder
