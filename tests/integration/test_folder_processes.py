"""One index and several processes; and how much memory an archive takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from gurney.core import Query, QueryLevels, encode, put
from gurney.folder import FolderArchive

SCRIPT = """
import json, sys
from gurney.core import Query
from gurney.folder import FolderArchive

print("ready", flush=True)
sys.stdin.readline()
archive = FolderArchive(sys.argv[1], sys.argv[2])
studies = archive.find_studies(Query())
counts = {study.uid: int(study.data.NumberOfStudyRelatedInstances) for study in studies}
contents = sum(len(file.read()) for file in archive.files(studies))
print(json.dumps([counts, contents, str(archive.index)]), flush=True)
"""


def fill(root: Path, count: int) -> dict[str, int]:
    """Write *count* instances, ten a study; return how many each study has."""
    counts: dict[str, int] = {}
    for number in range(count):
        study = f"1.{number // 10}"
        dataset = Dataset()
        put(dataset, "SOPClassUID", [SecondaryCaptureImageStorage])
        put(dataset, "PatientID", [study])
        put(dataset, "InstanceNumber", [number])
        put(dataset, "StudyInstanceUID", [study])
        put(dataset, "SeriesInstanceUID", [f"{study}.1"])
        put(dataset, "SOPInstanceUID", [f"{study}.1.{number}"])
        (root / str(number)).write_bytes(encode(dataset))
        counts[study] = counts.get(study, 0) + 1
    return counts


def run_at_once(root: Path, index: Path, processes: int) -> list[list[object]]:
    """Let *processes* search the archive at the same time, and return what each found."""
    command = [sys.executable, "-c", SCRIPT, str(root), str(index)]
    pipe = subprocess.PIPE
    results: list[list[object]] = []
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
            for _ in range(processes)
        ]
        for process in running:
            stack.callback(process.kill)
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            out, _ = process.communicate(timeout=120)
            assert 0 == process.returncode
            results.append(json.loads(out))
    return results


def leave(_: Path) -> None:
    """Do nothing: there is no index yet."""


def damage(index: Path) -> None:
    index.write_bytes(b"SQLite format 3\0" + index.read_bytes()[16:100] + b"damage" * 1000)


@pytest.mark.parametrize("prepare", [leave, damage])
def test_processes_that_refresh_at_once_all_end_right(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    """A new index, and one that all find damaged: each process sees everything."""
    root, index = tmp_path / "archive", tmp_path / "index"
    root.mkdir()
    counts = fill(root, 300)
    size = sum(path.stat().st_size for path in root.iterdir())
    if prepare is damage:
        FolderArchive(root, index).refresh()
        prepare(index)
    results = run_at_once(root, index, 3)

    assert [[counts, size, str(index)]] * 3 == results
    archive = FolderArchive(root, index)
    report = archive.refresh()
    assert (0, 0, 0) == (report.added, report.changed, report.removed)
    assert index == archive.index
    assert () == report.notes


def peak(work: Callable[[], object]) -> int:
    """Return the most memory that *work* took, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_indexing_does_not_grow_with_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that of a batch of files: the row of a file alone would take more."""
    monkeypatch.setattr("gurney.folder.refreshing._BATCH", 50)
    monkeypatch.setattr("gurney.folder.refreshing._PIECE", 50)
    peaks: list[int] = []
    for count in (100, 100, 800):  # the first one also fills caches
        root = tmp_path / f"archive {len(peaks)}"
        root.mkdir()
        fill(root, count)
        archive = FolderArchive(root, tmp_path / f"index {len(peaks)}")
        peaks.append(peak(archive.refresh))

    assert (peaks[2] - peaks[1]) / 700 < 250


def test_memory_of_a_tree_is_small(tmp_path: Path) -> None:
    """An instance that was found takes less than its data set would, read with pydicom."""
    root = tmp_path / "archive"
    root.mkdir()
    fill(root, 500)
    archive = FolderArchive(root, tmp_path / "index")
    archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
    kept: list[object] = []
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept.append(archive.find_studies(Query(query_level=QueryLevels.INSTANCE)))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (after - before) / 500 < 2500
