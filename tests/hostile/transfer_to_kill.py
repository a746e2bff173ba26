"""Plans and runs a transfer, and kills itself, or a worker of its, at some instant: a program.

Usage: ``python transfer_to_kill.py FOLDER threads|processes INSTANT``. An instant is a number of
calls into C that are made before it, in all threads; 0 for none: then it prints how many there are.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from gurney.core import DICOMDownloadable, DICOMFile, FileDownloader
from gurney.storage import FolderStorage
from gurney.testing import SimulatedArchive
from gurney.transfer import Given, Limits, Transfer

__all__ = ["ARCHIVE", "FETCHED", "PARALLEL", "transfer"]

ARCHIVE = SimulatedArchive(studies=5, instances=7, series=2)
FETCHED = "fetched"
PARALLEL = 3


@attrs.frozen
class Counted(FileDownloader):
    """Gives what the simulated archive gives, and leaves a byte in a file for each."""

    path: Path

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield a file for each instance."""
        for file in ARCHIVE.files(objects):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, b".")
            os.close(descriptor)
            yield file


def transfer(folder: Path) -> Transfer:
    """Return the transfer of all there is to *folder*."""
    return Transfer(
        [ARCHIVE.study(number) for number in range(ARCHIVE.studies)],
        Given(ARCHIVE, Counted(folder / FETCHED), "simulated"),
        FolderStorage(folder / "out", durable=False),
        limits=Limits(parallel=PARALLEL, parcel=4),
    )


class Bomb:
    """Kills its process at an instant."""

    def __init__(self, instant: int) -> None:
        self.calls: Iterator[int] = count(1)
        self.instant: int = instant

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> None:
        if event == "c_call" and next(self.calls) == self.instant:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(self) -> None:
        """Count from now on, in this thread and in all that are started."""
        threading.setprofile(self)
        sys.setprofile(self)


def arm(instant: int) -> None:
    """Arm a process of a pool; the first one only, by whoever comes first."""
    Bomb(instant).arm()


def main(folder: Path, workers: str, instant: int) -> None:
    """Do all of it, or as much as comes before the instant."""
    bomb = Bomb(instant)
    if workers == "threads":
        bomb.arm()
        report = transfer(folder).run()
    else:
        made = transfer(folder)
        made.plan()
        context = get_context("spawn")
        with ProcessPoolExecutor(
            PARALLEL, context, initializer=arm, initargs=(instant,)
        ) as executor:
            report = made.run(executor)
    complete = report.complete
    sys.setprofile(None)
    sys.stdout.write(str(next(bomb.calls)))
    sys.exit(0 if complete else 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
