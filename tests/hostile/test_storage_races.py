"""Several threads and processes store at once: nothing is lost, overwritten or stored twice."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Walked,
    encode,
    put,
)
from gurney.storage import FLAT, FolderStorage, Layout, content, placing, verify

THREADS = 8
ALL_ALIKE = Layout("{PatientID}/{InstanceNumber:03d}.dcm")


def instance(uid: str = "1.2.3", patient: str = "x") -> bytes:
    """Return one instance."""
    dataset = Dataset()
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        put(dataset, keyword, [uid])
    put(dataset, "PatientID", [patient])
    return encode(dataset)


def at_once(storage: FolderStorage, make: Callable[[int], bytes]) -> list[Outcome]:
    """Store one instance in each of `THREADS` threads, all when the last byte is read."""
    barrier = Barrier(THREADS)

    def store(number: int) -> Outcome:
        def chunks() -> Iterator[bytes]:
            barrier.wait()
            yield make(number)

        return storage.store(DICOMFile(chunks()))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(store, range(THREADS)))


def files(root: Path) -> list[Path]:
    """Return all files under *root*."""
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("layout", [FLAT, ALL_ALIKE], ids=["flat", "template"])
def test_same_instance_in_many_threads_is_stored_once(tmp_path: Path, layout: Layout) -> None:
    """One is stored, the others find it there."""
    outcomes = at_once(FolderStorage(tmp_path, layout), lambda _: instance())

    assert {OutcomeStatus.STORED: 1, OutcomeStatus.ALREADY_THERE: THREADS - 1} == Counter(
        outcome.status for outcome in outcomes
    )
    assert 1 == len(files(tmp_path))


@pytest.mark.parametrize("layout", [FLAT, ALL_ALIKE], ids=["flat", "template"])
def test_different_contents_of_one_instance_are_all_kept(tmp_path: Path, layout: Layout) -> None:
    """One is stored, the others are refused and kept aside, wherever their values lead."""
    outcomes = at_once(FolderStorage(tmp_path, layout), lambda n: instance(patient=f"P{n}"))

    assert {OutcomeStatus.STORED: 1, OutcomeStatus.REFUSED: THREADS - 1} == Counter(
        outcome.status for outcome in outcomes
    )
    kept = {path.read_bytes() for path in files(tmp_path)}
    assert {instance(patient=f"P{n}") for n in range(THREADS)} == kept


def test_different_instances_of_one_path_are_all_stored(tmp_path: Path) -> None:
    """A template that cannot tell them apart loses none."""
    storage = FolderStorage(tmp_path, ALL_ALIKE)
    outcomes = at_once(storage, lambda n: instance(uid=f"1.{n}"))

    assert {OutcomeStatus.STORED} == {outcome.status for outcome in outcomes}
    assert THREADS == len({outcome.path for outcome in outcomes}) == len(files(tmp_path))
    assert all(
        storage.find(InstanceReference(f"1.{n}", f"1.{n}", f"1.{n}")) for n in range(THREADS)
    )


def test_damaged_file_is_replaced_once(tmp_path: Path) -> None:
    """All threads find it damaged; the one whole file that replaces it is not put away again."""
    (tmp_path / "1.2.3.dcm").write_bytes(instance()[:-1])
    outcomes = at_once(FolderStorage(tmp_path, FLAT), lambda _: instance())

    assert 1 == sum(outcome.status is OutcomeStatus.STORED for outcome in outcomes)
    assert all(outcome.good for outcome in outcomes)
    assert 2 == len(files(tmp_path))
    assert instance() == (tmp_path / "1.2.3.dcm").read_bytes()


def test_file_that_appears_while_looking_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is free, taken, and free again, as others put a damaged file away."""
    path = tmp_path / "1.2.3.dcm"
    path.write_bytes(b"damaged")

    def look(target: Path) -> Walked | None:
        monkeypatch.undo()
        target.unlink()
        found = content.look(target)
        target.write_bytes(instance())
        return found

    monkeypatch.setattr(placing, "look", look)
    outcome = FolderStorage(tmp_path, FLAT).store(DICOMFile(iter([instance()])))

    assert (OutcomeStatus.ALREADY_THERE, "1.2.3.dcm") == (outcome.status, outcome.path)
    assert [path] == files(tmp_path)


PROCESS = """
    import sys
    from pathlib import Path
    from gurney.core import DICOMFile
    from gurney.storage import FLAT, FolderStorage

    source, root = map(Path, sys.argv[1:])
    print("ready", flush=True)
    sys.stdin.readline()
    storage = FolderStorage(root, FLAT, durable=False)
    for path in sorted(source.iterdir()):
        print(storage.store(DICOMFile(iter([path.read_bytes()]))).status.value)
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    """Each instance is stored by one of them; damaged files are put away once."""
    source, root = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    root.mkdir()
    for number in range(40):
        (source / str(number)).write_bytes(instance(f"1.{number}"))
        if number % 2:
            (root / f"1.{number}.dcm").write_bytes(instance(f"1.{number}")[:-2])
    program = [sys.executable, "-c", textwrap.dedent(PROCESS), str(source), str(root)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        assert "ready\n" == worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    said = [line for worker in workers for line in worker.communicate()[0].split("\n") if line]
    found = verify(root)

    assert {"stored": 40, "already there": 80} == Counter(said)
    assert (True, 40, 20, ()) == (found.ok, found.whole, len(found.aside), found.unfinished)
