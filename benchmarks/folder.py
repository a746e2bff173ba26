"""Indexing a folder, against reading each of its files with pydicom.

Usage: ``python benchmarks/folder.py [COUNT] [FOLDER]``; COUNT small files (5000) are written to
FOLDER, which says which disk is measured. All files are in the cache of the system then.

The peer reads headers only: ``pydicom.dcmread(path, stop_before_pixels=True)``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from gurney.core import Query, QueryLevels
from gurney.folder import FileStatus, FolderArchive

ROUNDS = 3
REFRESHES = 5


def main() -> None:
    """Print the best of some rounds, in which the two take turns."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    where = sys.argv[2] if len(sys.argv) > 2 else tempfile.gettempdir()
    with tempfile.TemporaryDirectory(dir=where) as folder:
        root = Path(folder, "archive")
        paths = write(root, count)
        rounds = [measure(paths, root, Path(folder, f"index {n}")) for n in range(ROUNDS)]
        size = sum(path.stat().st_size for path in paths) / count
    reading, first, again, found = map(min, zip(*rounds, strict=True))
    print(f"{count} files of {size / 1000:.0f} kB")
    show("pydicom.dcmread(stop_before_pixels=True)", reading)
    show("first indexing", first, f"{first / reading:.2f} of pydicom's time")
    show("refreshing it, unchanged", again, f"1/{first / again:.0f} of the first indexing")
    show("refreshing, and finding every instance", found)


def measure(paths: list[Path], root: Path, index: Path) -> tuple[float, float, float, float]:
    """Return the seconds of reading, first indexing, refreshing, and finding everything."""
    reading = seconds(lambda: read(paths))
    archive = FolderArchive(root, index)
    first = seconds(archive.refresh)
    again = min(seconds(archive.refresh) for _ in range(REFRESHES))
    query = Query(query_level=QueryLevels.INSTANCE)
    found = seconds(lambda: archive.find_studies(query))
    assert len(paths) == archive.refresh().counts[FileStatus.INDEXED]
    return reading, first, again, found


def write(root: Path, count: int) -> list[Path]:
    """Write *count* files: studies of four series of 25 instances, MR and CT by turns."""
    templates = [
        dcmread(BytesIO(Path(str(get_testdata_file(name))).read_bytes()))
        for name in ("MR_small.dcm", "CT_small.dcm")
    ]
    paths: list[Path] = []
    for number in range(count):
        study, series = number // 100, number // 25 % 4
        dataset = templates[study % 2]
        uid = f"1.2.826.0.1.3680043.10.1561.{study}"
        dataset.PatientID = f"P{study}"
        dataset.StudyInstanceUID = uid
        dataset.SeriesInstanceUID = f"{uid}.{series}"
        dataset.SeriesNumber = series
        dataset.SOPInstanceUID = f"{uid}.{series}.{number}"
        dataset.InstanceNumber = number % 25
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
        path = root / f"study{study}" / f"series{series}" / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path)
        paths.append(path)
    return paths


def read(paths: list[Path]) -> None:
    """Do what scripts do."""
    for path in paths:
        dcmread(path, stop_before_pixels=True)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(what: str, time: float, ratio: str = "") -> None:
    print(f"{what:42} {time * 1000:8.1f} ms  {ratio}")


if __name__ == "__main__":
    main()
