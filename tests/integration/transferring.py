"""Plans and runs a transfer from a DICOMweb archive: a program, for tests that kill it.

Usage: ``python transferring.py URL COHORT OUTPUT``. Ends with 0 if the receipt is complete, else 3.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from gurney.dicomweb import DICOMwebArchive
from gurney.http import Retries, Timeouts, Transport
from gurney.manners import Pace
from gurney.storage import FolderStorage
from gurney.transfer import Limits, Transfer, read_cohort
from gurney.transfer.sources import Opened, Source

__all__ = ["Impatient", "transfer_of"]

_LIMITS: Final = Limits(
    parallel=4,
    parcel=100,
    retries=attrs.evolve(Limits().retries, attempts=5, first_wait=0.05, longest_wait=0.5),
)


@attrs.frozen
class Impatient(Source):
    """A DICOMweb archive on loopback, from which nobody waits long for anything."""

    url: str
    idle: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        return ("archive",)

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        transport = Transport(
            self.url,
            retries=Retries(attempts=4, first_wait=0.02),
            timeouts=Timeouts(idle=self.idle),
            pace=pace,
        )
        with transport, DICOMwebArchive(transport) as archive:
            yield Opened(archive, archive)


def transfer_of(url: str, cohort: Path, output: Path) -> Transfer:
    """Return the transfer of what is listed in *cohort* to the folder *output*."""
    return Transfer(
        read_cohort(cohort),
        Impatient(url),
        FolderStorage(output),
        limits=_LIMITS,
        ledger=output / "gurney-transfer",
    )


def main(url: str, cohort: str, output: str) -> None:
    """Do all of it."""
    transfer = transfer_of(url, Path(cohort), Path(output))
    transfer.plan()
    sys.exit(0 if transfer.run().complete else 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
