"""The ``gurney`` command. This face imports without typer and rich, to say if they are missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .exits import ExitCode

__all__ = ["ExitCode", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code.

    Parameters
    ----------
    arguments
        What follows ``gurney``; `sys.argv` if not given.
    """
    try:
        from .app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich", "click", "shellingham"}:
            raise
        sys.stderr.write(
            f"gurney: the command needs {error.name}, which is not installed; "
            'run: pip install "gurney[cli]"\n'
        )
        return ExitCode.WRONG_USE
    except KeyboardInterrupt:  # while the above is imported
        return ExitCode.INTERRUPTED
    return run(arguments)
