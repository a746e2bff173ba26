"""Storing instances, against writing the same bytes to the same paths with `open`.

Usage: ``python benchmarks/storage.py [FOLDER]``; the folder says which disk is measured.

Each cell is the time of one instance, and its ratio to that of plain writing: no temporary names,
no verification. Durable storing is compared with plain writing that also syncs each file; storing
syncs the folder too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from gurney.core import CHUNK_SIZE, DICOMFile, InstanceReference, encode, put
from gurney.storage import FolderStorage

Items = list[tuple[str, list[bytes]]]

ROUNDS = 2
SETS = {"1000 x 0.5 MB": (1000, 500_000), "5000 x 11 kB": (5000, 10_600)}
BIG = 512 * 1024**2


def main() -> None:
    """Print one table, and the memory that a large instance needs."""
    where = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    print("| instances | how | plain | no checksum | sha256 |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, (count, size) in SETS.items():
        body = os.urandom(size)
        items = [(path(n), [head(n, size), body]) for n in range(count)]
        with tempfile.TemporaryDirectory(dir=where) as folder:
            for durable in (False, True):
                table(Path(folder), name, items, durable=durable)
    with tempfile.TemporaryDirectory(dir=where) as folder:
        print(f"\npeak of Python's memory for {BIG >> 20} MB: {peak(Path(folder)) / 1e6:.1f} MB")


def table(folder: Path, name: str, items: Items, *, durable: bool) -> None:
    """Print the lines of one set: of wall time, and of what the processor did for it."""
    runs = [
        plainly(items, durable=durable),
        storing(items, None, durable=durable),
        storing(items, "sha256", durable=durable),
    ]
    how = "durable" if durable else "not durable"
    for clock, times in best(folder, runs).items():
        cells = [f"{t / len(items) * 1e6:.0f} us, {t / times[0]:.1f}" for t in times]
        print(f"| {name} | {how}, {clock} | {' | '.join(cells)} |")


def plainly(items: Items, *, durable: bool) -> Callable[[Path], None]:
    """Write with `open`, the folders made when they are missing."""

    def run(root: Path) -> None:
        for relative, pieces in items:
            target = root / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(pieces)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())

    return run


def storing(items: Items, checksum: str | None, *, durable: bool) -> Callable[[Path], None]:
    """Store with gurney."""

    def run(root: Path) -> None:
        storage = FolderStorage(root, checksum=checksum, durable=durable)
        for _, pieces in items:
            if not storage.store(DICOMFile(iter(pieces))).good:
                raise AssertionError("not stored")

    return run


def best(folder: Path, runs: list[Callable[[Path], None]]) -> dict[str, list[float]]:
    """Return the seconds of the fastest of `ROUNDS` of each, in turns.

    What they wrote is removed at the end only: ext4 is slow to give out an inode just freed.
    """
    wall: list[list[float]] = [[] for _ in runs]
    processor: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for number, run in enumerate(runs):
            root = Path(tempfile.mkdtemp(dir=folder))
            os.sync()
            start, busy = time.perf_counter(), time.process_time()
            run(root)
            wall[number].append(time.perf_counter() - start)
            processor[number].append(time.process_time() - busy)
    return {"wall": [min(times) for times in wall], "CPU": [min(times) for times in processor]}


def peak(folder: Path) -> int:
    """Return how much memory one large instance needs on its way, in bytes."""

    def chunks() -> Iterator[bytes]:
        yield head(0, BIG)
        piece = bytes(CHUNK_SIZE)
        for _ in range(BIG // CHUNK_SIZE):
            yield piece

    tracemalloc.start()
    outcome = FolderStorage(folder / "big", durable=False).store(DICOMFile(chunks()))
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if not outcome.good:
        raise AssertionError(outcome.reason)
    return found


def reference(number: int) -> InstanceReference:
    """Return one of 100 in its series, of ten series in their study."""
    study, series = number // 1000, number // 100
    return InstanceReference(f"1.2.{study}", f"1.2.{study}.{series}", f"1.2.{series}.{number}")


def path(number: int) -> str:
    """Return where it goes."""
    return "/".join(reference(number).uids) + ".dcm"


def head(number: int, size: int) -> bytes:
    """Return an image without its pixels, which are *size* bytes."""
    dataset = Dataset()
    uids = reference(number).uids
    for keyword, value in {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "SOPInstanceUID": uids[2],
        "StudyInstanceUID": uids[0],
        "SeriesInstanceUID": uids[1],
        "Modality": "MR",
        "PatientID": "PHANTOM",
        "InstanceNumber": str(number),
    }.items():
        put(dataset, keyword, [value])
    dataset.BitsAllocated = 8
    dataset.PixelData = bytes(2)
    return encode(dataset)[:-6] + size.to_bytes(4, "little")


if __name__ == "__main__":
    main()
