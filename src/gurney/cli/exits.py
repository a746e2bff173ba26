"""How the command ends: its exit codes, and what a script may do about each."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["EXIT_CODES", "ExitCode", "WrongUseError"]


class ExitCode(IntEnum):
    """What became of a command.

    Attributes
    ----------
    COMPLETE
        Everything asked for is here, and is known to be everything.
    BUG
        gurney has a mistake.
    WRONG_USE
        The command line has one. Nothing was asked or changed.
    INCOMPLETE
        Something is missing or damaged, or nobody can say whether it is everything.
    UNREACHABLE
        The archive cannot be reached or read at all: it is not there, or does not let one in.
    INTERRUPTED
        By Ctrl-C, as shells count: 128 + SIGINT.
    UNREAD
        Whoever read the output went away, as shells count: 128 + SIGPIPE.
    """

    COMPLETE = 0
    BUG = 1
    WRONG_USE = 2
    INCOMPLETE = 3
    UNREACHABLE = 4
    INTERRUPTED = 130
    UNREAD = 141


EXIT_CODES: Final = (
    "Exit codes: 0 complete; 2 wrong use; 3 incomplete, or nobody can say; "
    "4 archive unreachable; 130 interrupted; 141 output no longer read; 1 a bug."
)
"""The last line of every ``--help``."""


class WrongUseError(Exception):
    """The command line asks for something that cannot be meant; the message says what to change."""
