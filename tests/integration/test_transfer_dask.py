"""A cohort by threads, and by a dask cluster of which one process is killed: equal receipts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import pytest
from tests.servers.faulty_proxy import FaultyProxy

from gurney.core import OutcomeStatus, Receipt
from gurney.storage import FolderStorage
from gurney.testing import SimulatedArchive
from gurney.testing.dicomweb import DICOMwebServer
from gurney.transfer import ArchiveURLs, Limits, Transfer
from gurney.transfer.items import Item

psutil: Any = import_module("psutil")  # comes with distributed; neither has hints

HELD: Final = SimulatedArchive(studies=12, instances=12, series=3, rows=64, seed=6)
COUNT: Final = HELD.studies * HELD.instances
WORKERS: Final = 3
KILLED_AT: Final = 5  # the answer with files during which a worker is killed
LOOKS: Final = 6000


@attrs.define
class Cluster:
    """Processes that work.

    Attributes
    ----------
    executor
        Has them work.
    pids
        Tells which processes they are now: one that was killed has a successor.
    """

    executor: Executor
    pids: Callable[[], frozenset[int]]


@contextmanager
def local_cluster(folder: Path) -> Generator[Cluster]:
    """Start workers, and leave nothing of them behind."""
    distributed: Any = import_module("distributed")
    options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, local_directory=str(folder)) as cluster,
        distributed.Client(cluster) as client,
    ):

        def pids() -> frozenset[int]:
            return frozenset(nanny.pid for nanny in cluster.workers.values() if nanny.pid)

        yield Cluster(client.get_executor(pure=False), pids)


@pytest.fixture(scope="module")
def archive() -> Iterator[DICOMwebServer]:
    files = HELD.files(map(HELD.study, range(HELD.studies)))
    with DICOMwebServer([file.dataset() for file in files]) as server:
        yield server


@pytest.fixture
def proxy(archive: DICOMwebServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(urlsplit(archive.url).port or 0) as proxy:
        yield proxy


def transfer_to(output: Path, proxy: FaultyProxy) -> Transfer:
    """Return the transfer of all there is, planned."""
    transfer = Transfer(
        [Item(f"study {n}", HELD.study(n)) for n in range(HELD.studies)],
        ArchiveURLs(f"dicomweb+http://127.0.0.1:{proxy.port}/dicom-web"),
        FolderStorage(output),
        limits=Limits(parallel=WORKERS, parcel=HELD.instances),
        ledger=output / "gurney-transfer",
    )
    transfer.plan()
    return transfer


@attrs.define
class KillsOne:
    """Kills the worker that waits for the rest of an answer, once it has stored some of it.

    Attributes
    ----------
    output
        Where it stores.
    killed
        Who was killed.
    """

    cluster: Cluster
    output: Path
    killed: list[int] = attrs.field(factory=list[int])
    _answers: int = 0
    _lock: Lock = attrs.field(factory=Lock)

    def __call__(self, target: str, port: int) -> None:
        if "?" in target:  # a listing
            return
        with self._lock:
            self._answers += 1
            if self._answers == KILLED_AT:
                wait_for(lambda: any(self.output.rglob(f"**/{target.rpartition('/')[2]}/**/*.dcm")))
                pid = owner(port)
                assert pid in self.cluster.pids()
                psutil.Process(pid).kill()
                self.killed.append(pid)


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds, which nobody tells."""
    for _ in range(LOOKS):
        if condition() or Event().wait(0.01):
            return
    raise AssertionError("it does not come true")


def owner(port: int) -> int:
    """Return which process has this port of loopback."""
    found: set[int] = {
        one.pid
        for one in psutil.net_connections("tcp4")
        if one.laddr and one.laddr.port == port and one.pid
    }
    (pid,) = found
    return pid


def test_a_killed_worker_leaves_no_trace(proxy: FaultyProxy, tmp_path: Path) -> None:
    """By threads, and by processes of which one dies in an answer: the receipts are equal."""
    by_threads = transfer_to(tmp_path / "threads", proxy).run().receipt()
    before = children()
    with local_cluster(tmp_path / "scratch") as cluster:
        transfer = transfer_to(tmp_path / "dask", proxy)
        proxy.halfway = kills_one = KillsOne(cluster, tmp_path / "dask")
        by_dask = transfer.run(cluster.executor).receipt()
        started = children() - before
    _, alive = psutil.wait_procs(started, timeout=60)

    assert 1 == len(kills_one.killed)
    assert by_threads.complete, by_threads.reasons
    assert by_threads == by_dask
    assert Counter({OutcomeStatus.STORED: COUNT}) == Counter(o.status for o in by_dask.outcomes)
    assert COUNT == len({outcome.reference for outcome in by_dask.outcomes})
    assert content(tmp_path / "threads", by_threads) == content(tmp_path / "dask", by_dask)
    assert [] == alive


def children() -> set[Any]:
    """Return the processes that this one has started, but for Python's own helper."""
    every = psutil.Process().children(recursive=True)
    return {child for child in every if "resource_tracker" not in "".join(child.cmdline())}


def content(output: Path, receipt: Receipt) -> dict[str, str]:
    """Return SHA-256 of each file that *receipt* names."""
    paths = [outcome.path for outcome in receipt.outcomes]
    return {path: sha256((output / path).read_bytes()).hexdigest() for path in paths}
