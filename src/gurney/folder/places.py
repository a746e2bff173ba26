"""Where an index is kept if the caller does not say."""

from __future__ import annotations

import os
import sys
from hashlib import blake2b
from pathlib import Path

__all__ = ["default_index"]


def default_index(root: bytes) -> Path:
    """Return the file in the user's cache for the index of *root*; its folder may be missing.

    Raises
    ------
    OSError
        If nobody knows where the user's cache is.
    """
    return _user_cache() / "gurney" / f"{blake2b(root, digest_size=16).hexdigest()}.sqlite"


def _user_cache() -> Path:
    """As the platforms have it; XDG Base Directory Specification elsewhere."""
    if sys.platform == "win32":
        given, usual = os.environ.get("LOCALAPPDATA", ""), "AppData/Local"
    elif sys.platform == "darwin":
        given, usual = "", "Library/Caches"
    else:
        given, usual = os.environ.get("XDG_CACHE_HOME", ""), ".cache"
    if Path(given).is_absolute():
        return Path(given)
    try:
        return Path.home() / usual
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from error
