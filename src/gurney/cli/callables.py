"""``module:function`` on a command line: somebody's own code, loaded."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import cast

from pydicom.dataset import Dataset

from .exits import WrongUseError

__all__ = ["load"]


def load(name: str) -> Callable[[Dataset], Dataset | None]:
    """Return the function that *name* names, as in ``deidentify:anonymise``.

    The module is looked for where Python looks, and in the folder one is in.

    Raises
    ------
    WrongUseError
        If there is no such function; it says which part of the name is wrong.
    """
    module, _, path = name.partition(":")
    if not module or not path:
        raise WrongUseError("--transform is MODULE:FUNCTION, as in deidentify:anonymise")
    found: object = _module(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise WrongUseError(f"--transform: the module {module} has no function {path}")
    return cast("Callable[[Dataset], Dataset | None]", found)


def _module(name: str) -> object:
    here = os.getcwd()  # noqa: PTH109  what sys.path holds
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as error:
        what = type(error).__name__
        reason = f"no module named {error.name}" if isinstance(error, ModuleNotFoundError) else what
        raise WrongUseError(f"--transform: {name} cannot be imported: {reason}") from error
