"""The archive as a program, for clients in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

from pydicom.dataset import Dataset

from gurney.core import DownloadError, GurneyError, decode

from ..program import run
from ..samples import example_datasets
from .faults import FAULTS
from .server import DICOMwebServer

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, stop: Event | None = None) -> int:
    """Serve until interrupted, or until *stop* is set; return the exit code.

    The first line on standard output is the URL of the DICOMweb services, the second that of
    WADO-URI.
    """
    given = _parser().parse_args(arguments)
    if given.list:
        _say(*(f"{name}  {fault.__doc__}" for name, fault in FAULTS.items()))
        return 0
    try:
        server = DICOMwebServer(
            _datasets(given.folder) if given.folder else example_datasets(),
            given.fault,
            port=given.port,
            page=given.page,
            keys=given.key or None,
            cut_after=given.cut_after,
            times=given.times,
            pause=given.pause,
            elsewhere=given.elsewhere,
        )
    except GurneyError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    run(server, server.url, server.wado_uri, stop=stop)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gurney.testing.dicomweb",
        description="A DICOMweb archive on loopback, which misbehaves as it is told.",
    )
    add = parser.add_argument
    add("folder", nargs="?", type=Path, help="DICOM files to serve; made-up ones by default")
    add("--list", action="store_true", help="list the faults, and end")
    add("--fault", action="append", default=[], metavar="ID", help="one to have; repeatable")
    add("--port", type=int, default=0, help="to listen on; any that is free by default")
    add("--page", type=int, metavar="N", help="the most results in one answer")
    add(
        "--key", action="append", metavar="KEYWORD", help="one not supported (Q15, Q16); repeatable"
    )
    add("--cut-after", type=int, metavar="BYTES", help="of a body, after which it is cut (W01)")
    add("--times", type=int, metavar="N", help="requests that each fault spoils before it stops")
    add("--pause", type=float, default=0.05, metavar="SECONDS", help="of a slow body (W19, W20)")
    add("--elsewhere", default="", metavar="URL", help="of another origin (Q25, Q28, W21)")
    return parser


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
