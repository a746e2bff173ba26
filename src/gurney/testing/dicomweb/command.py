"""The archive as a program, for clients in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from threading import Event

from gurney.core import GurneyError

from ..program import list_faults, options, run, to_serve
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
        list_faults(FAULTS)
        return 0
    try:
        server = DICOMwebServer(
            to_serve(given.folder),
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
    parser = options(
        "python -m gurney.testing.dicomweb",
        "A DICOMweb archive on loopback, which misbehaves as it is told.",
    )
    add = parser.add_argument
    add("--page", type=int, metavar="N", help="the most results in one answer")
    add(
        "--key", action="append", metavar="KEYWORD", help="one not supported (Q15, Q16); repeatable"
    )
    add("--cut-after", type=int, metavar="BYTES", help="of a body, after which it is cut (W01)")
    add("--pause", type=float, default=0.05, metavar="SECONDS", help="of a slow body (W19, W20)")
    add("--elsewhere", default="", metavar="URL", help="of another origin (Q25, Q28, W21)")
    return parser
