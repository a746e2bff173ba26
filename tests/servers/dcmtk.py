"""The programs of Debian's DCMTK: others' clients, to compare with, and others' servers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from .running import ServerError, program

__all__ = ["HOW_TO_INSTALL", "installed", "path", "run"]

HOW_TO_INSTALL: Final = "apt-get install dcmtk"
_PROGRAMS: Final = "dcmqrscp dcmqridx echoscu findscu getscu movescu storescp storescu".split()
_LONG: Final = 300  # seconds; nothing takes as long, unless it hangs


def installed() -> bool:
    """Say whether the programs are here."""
    return all(map(program, _PROGRAMS))


def path(name: str) -> str:
    """Return the path of a program.

    Raises
    ------
    ServerError
        If it is not installed.
    """
    found = program(name)
    if found is None:
        raise ServerError(f"no {name} here: {HOW_TO_INSTALL}")
    return found


def run(name: str, *arguments: str, folder: Path | None = None) -> str:
    """Run a program, without Nagle's algorithm, and return what it wrote.

    Raises
    ------
    ServerError
        If it ends with anything but 0.
    """
    ran = subprocess.run(
        [path(name), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "TCP_NODELAY": "1"},
        timeout=_LONG,
        check=False,
    )
    output = ran.stdout.decode("utf-8", "replace")
    if ran.returncode:
        raise ServerError(f"{name} ended with {ran.returncode}:\n{output[-1500:]}")
    return output
