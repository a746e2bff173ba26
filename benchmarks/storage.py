"""Storing instances, against writing the same bytes to the same paths with `open`.

Usage: ``python benchmarks/storage.py [FOLDER]``; the folder says which disk is measured.

A ratio of 1 is the time of plain writing: no temporary names, no verification. Durable storing
is compared with plain writing that also syncs each file.
"""

from __future__ import annotations

import os
import shutil
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

ROUNDS = 3
SETS = {"1000 x 0.5 MB": (1000, 500_000), "5000 x 11 kB": (5000, 10_600)}
BIG = 512 * 1024**2


def main() -> None:
    """Print one table, and the memory that a large instance needs."""
    where = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=where) as folder:
        print("| instances | durable | checksum | plain | stored | us each | ratio |")
        print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
        for name, (count, size) in SETS.items():
            shutil.rmtree(folder)
            Path(folder).mkdir()
            body = os.urandom(size)
            items = [(path(n), [head(n, size), body]) for n in range(count)]
            for durable in (False, True):
                plain = best(Path(folder), plainly(items, durable=durable))
                for checksum in (None, "sha256"):
                    stored = best(Path(folder), storing(items, checksum, durable=durable))
                    print(
                        f"| {name} | {durable} | {checksum or 'no'} | {plain:.2f} s "
                        f"| {stored:.2f} s | {stored / count * 1e6:.0f} | {stored / plain:.2f} |"
                    )
        print(f"\npeak of Python's memory for {BIG >> 20} MB: {peak(Path(folder)) / 1e6:.1f} MB")


def plainly(items: Items, *, durable: bool) -> Callable[[Path], None]:
    """Write with `open`, the folders made when they are missing."""

    def run(root: Path) -> None:
        for relative, pieces in items:
            target = os.path.join(root, relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.writelines(pieces)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())

    return run


def storing(
    items: Items, checksum: str | None, *, durable: bool
) -> Callable[[Path], None]:
    """Store with gurney."""

    def run(root: Path) -> None:
        storage = FolderStorage(root, checksum=checksum, durable=durable)
        for _, pieces in items:
            if not storage.store(DICOMFile(iter(pieces))).good:
                raise AssertionError("not stored")

    return run


def best(folder: Path, run: Callable[[Path], None]) -> float:
    """Return the seconds of the fastest of `ROUNDS`, each into a folder of its own.

    They are removed at the end only: ext4 is slow to give out an inode that was just freed.
    """
    times: list[float] = []
    for _ in range(ROUNDS):
        root = Path(tempfile.mkdtemp(dir=folder))
        os.sync()
        start = time.perf_counter()
        run(root)
        times.append(time.perf_counter() - start)
    return min(times)


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
