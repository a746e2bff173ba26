"""The archive as a program, for clients in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final, get_args

from pydicom.dataset import Dataset

from gurney.core import DownloadError, GurneyError, decode

from ..samples import example_datasets
from .faults import FAULTS
from .server import DIMSEServer
from .steps import Ending

__all__ = ["main"]

_BLINK: Final = 0.5  # seconds


def main(arguments: Sequence[str] | None = None, *, stop: Event | None = None) -> int:
    """Serve until interrupted, or until *stop* is set; return the exit code.

    The first line on standard output is the URL.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.list:
        _say(*(f"{name}  {fault.__doc__}" for name, fault in FAULTS.items()))
        return 0
    try:
        server = DIMSEServer(
            _datasets(given.folder) if given.folder else example_datasets(),
            given.fault,
            port=given.port,
            ae_title=given.ae_title,
            destinations=dict(map(_destination, given.destination)),
            cap=given.cap,
            keys=given.key or None,
            status=given.status,
            failing=given.failing or None,
            listed=not given.unlisted,
            charset=given.charset,
            cut_after=given.cut_after,
            between=given.between,
            ending=given.ending,
            times=given.times,
            pause=given.pause,
        )
    except GurneyError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError:
        parser.error("a destination is TITLE@HOST:PORT")
    with server, suppress(KeyboardInterrupt):
        _say(server.url)
        stop = stop or Event()
        while not stop.wait(_BLINK):  # an interrupt that comes just before a wait does not end it
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gurney.testing.dimse",
        description="A DIMSE archive on loopback, which misbehaves as it is told.",
    )
    add = parser.add_argument
    add("folder", nargs="?", type=Path, help="DICOM files to serve; made-up ones by default")
    add("--list", action="store_true", help="list the faults, and end")
    add("--fault", action="append", default=[], metavar="ID", help="one to have; repeatable")
    add("--port", type=int, default=0, help="to listen on; any that is free by default")
    add("--ae-title", default="ARCHIVE", metavar="TITLE", help="its own; ARCHIVE by default")
    add(
        "--destination",
        action="append",
        default=[],
        metavar="TITLE@HOST:PORT",
        help="one that C-MOVE can send to; repeatable",
    )
    add("--cap", type=int, metavar="N", help="the most results of a search (D01 to D04, D30)")
    add(
        "--key", action="append", metavar="KEYWORD", help="one not supported (D05, D06); repeatable"
    )
    add("--status", type=_number, metavar="STATUS", help="to end with in place of the fault's")
    add("--failing", action="append", metavar="UID", help="not sent (D12, D13); repeatable")
    add("--unlisted", action="store_true", help="leave out the list of what failed (D13)")
    add("--charset", default="none", metavar="TERMS", help="of answers: none, wrong, terms (D25)")
    add("--cut-after", type=int, metavar="BYTES", help="of a data set, then it ends (D30, D32)")
    add("--between", action="store_true", help="end between two instances, not within one (D30)")
    add("--ending", choices=get_args(Ending), help="how an association ends (D15, D29, D30)")
    add("--times", type=int, metavar="N", help="requests that each fault spoils before it stops")
    add("--pause", type=float, default=0.05, metavar="SECONDS", help="of silence (D17, D18)")
    return parser


def _number(text: str) -> int:
    return int(text, 0)


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    title, _, address = text.partition("@")
    host, _, port = address.rpartition(":")
    if not (title and host):
        raise ValueError
    return title, (host, int(port))


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
