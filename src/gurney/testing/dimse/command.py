"""The archive as a program, for clients in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from threading import Event
from typing import get_args

from gurney.core import GurneyError

from ..program import list_faults, options, run, to_serve
from .faults import FAULTS
from .server import DIMSEServer
from .steps import Ending

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, stop: Event | None = None) -> int:
    """Serve until interrupted, or until *stop* is set; return the exit code.

    The first line on standard output is the URL.
    """
    given = _parser().parse_args(arguments)
    if given.list:
        list_faults(FAULTS)
        return 0
    try:
        server = DIMSEServer(
            to_serve(given.folder),
            given.fault,
            port=given.port,
            ae_title=given.ae_title,
            destinations=dict(given.destination),
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
    run(server, server.url, stop=stop)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = options(
        "python -m gurney.testing.dimse",
        "A DIMSE archive on loopback, which misbehaves as it is told.",
    )
    add = parser.add_argument
    add("--ae-title", default="ARCHIVE", metavar="TITLE", help="its own; ARCHIVE by default")
    add(
        "--destination",
        type=_destination,
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
    add("--pause", type=float, default=0.05, metavar="SECONDS", help="of silence (D17, D18)")
    return parser


def _number(text: str) -> int:
    return int(text, 0)


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    title, _, address = text.partition("@")
    host, _, port = address.rpartition(":")
    if not (title and host and port.isdecimal()):
        raise argparse.ArgumentTypeError("a destination is TITLE@HOST:PORT")
    return title, (host, int(port))
