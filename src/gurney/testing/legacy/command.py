"""The archive as a program, for clients in any language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Event

from gurney.core import GurneyError

from ..program import list_faults, options, run, to_serve
from .faults import FAULTS
from .server import LegacyServer

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, stop: Event | None = None) -> int:
    """Serve until interrupted, or until *stop* is set; return the exit code.

    The first line on standard output is the URL of MINT, the second that of RAD-69.
    """
    parser = options(
        "python -m gurney.testing.legacy",
        "An archive with MINT and RAD-69 on loopback, which misbehaves as it is told.",
    )
    parser.add_argument(
        "--page", type=int, default=5, metavar="N", help="the most studies in one answer (X16)"
    )
    given = parser.parse_args(arguments)
    if given.list:
        list_faults(FAULTS)
        return 0
    try:
        server = LegacyServer(
            to_serve(given.folder),
            given.fault,
            port=given.port,
            page=given.page,
            times=given.times,
        )
    except GurneyError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    run(server, server.mint, server.rad69, stop=stop)
    return 0
