"""What the archives that misbehave share as programs: options, files to serve, an end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import Event
from typing import Final

from pydicom.dataset import Dataset

from gurney.core import DownloadError, decode

from .samples import example_datasets

__all__ = ["list_faults", "options", "run", "to_serve"]

_BLINK: Final = 0.5  # seconds


def options(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all of them have."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    add = parser.add_argument
    add("folder", nargs="?", type=Path, help="DICOM files to serve; made-up ones by default")
    add("--list", action="store_true", help="list the faults, and end")
    add("--fault", action="append", default=[], metavar="ID", help="one to have; repeatable")
    add("--times", type=int, metavar="N", help="requests that each fault spoils before it stops")
    add("--port", type=int, default=0, help="to listen on; any that is free by default")
    return parser


def list_faults(faults: Mapping[str, type]) -> None:
    """Write a line for each of *faults* to standard output."""
    _say(*(f"{name}  {fault.__doc__}" for name, fault in faults.items()))


def to_serve(folder: Path | None) -> Iterable[Dataset]:
    """Return what is in *folder*, read as it is asked for; by default made-up data sets.

    Standard error tells what is left out because it cannot be read.
    """
    return _datasets(folder) if folder else example_datasets()


def run(server: AbstractContextManager[object], *urls: str, stop: Event | None = None) -> None:
    """Say the *urls*, a line each; then serve until interrupted, or until *stop* is set."""
    stop = stop or Event()
    with server, suppress(KeyboardInterrupt):
        _say(*urls)
        while not stop.wait(_BLINK):  # an interrupt that comes just before a wait does not end it
            pass


def _datasets(folder: Path) -> Iterator[Dataset]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            yield decode(path.read_bytes(), path.name)
        except DownloadError as error:
            sys.stderr.write(f"left out: {error}\n")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
