"""A bad line, an archive that goes down twice, a client that is killed three times: all arrives."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path
from signal import SIGKILL
from threading import Thread

import attrs
import pytest
from tests.servers.corpus import Loaded, load
from tests.servers.faulty_proxy import Fault, FaultyProxy, Passage, Weather
from tests.servers.orthanc import Settings

from gurney import Receipt
from gurney.core import InstanceReference, OutcomeStatus
from gurney.storage import FolderStorage

from .conftest import StartOrthanc

CLIENT = Path(__file__).with_name("transferring.py")
STORM = Weather(
    seed=5,
    shares={
        Fault.CUT: 0.10,
        Fault.RESET: 0.08,
        Fault.DUPLICATE: 0.10,
        Fault.BUSY: 0.02,
        Fault.STALL: 0.01,
    },
    retry_after=1,
)
# What goes down, once so many requests are over, and such a share of all instances was handed over
EVENTS = (
    ("client", 100, 0.00),  # while it is planning
    ("server", 0, 0.15),
    ("client", 0, 0.30),
    ("server", 0, 0.50),
    ("client", 0, 0.70),
)
StartClient = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def storm_struck(start_orthanc: StartOrthanc, corpus: Path) -> Loaded:
    """Return a server of its own, to be killed, that holds the corpus."""
    return load(corpus, start_orthanc(Settings()))


@pytest.fixture
def start_client(tmp_path: Path, proxy: FaultyProxy, cohort: Path) -> Iterator[StartClient]:
    """Return a function that starts the transfer, or goes on with it, in a process of its own."""
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "client.log").open("ab"))
        url = f"http://127.0.0.1:{proxy.port}/dicom-web"
        command = [sys.executable, str(CLIENT), url, str(cohort), str(tmp_path / "out")]

        def start() -> subprocess.Popen[bytes]:
            client = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
            stack.callback(client.kill)
            Thread(target=watch, args=(client, proxy)).start()
            return client

        yield start


def watch(client: subprocess.Popen[bytes], proxy: FaultyProxy) -> None:
    """Let those who wait at the proxy know when the client is over."""
    client.wait()
    proxy.wake()


@pytest.fixture
def proxy(storm_struck: Loaded) -> Iterator[FaultyProxy]:
    with FaultyProxy(storm_struck.server.http_port, STORM) as proxy:
        yield proxy


@pytest.fixture
def cohort(tmp_path: Path, storm_struck: Loaded) -> Path:
    """Return a list of all studies."""
    path = tmp_path / "cohort.csv"
    studies = dict.fromkeys(reference.study_uid for reference in storm_struck.held)
    path.write_text("\n".join(["StudyInstanceUID", *studies]), encoding="utf-8")
    return path


def test_everything_arrives_once(
    storm_struck: Loaded, proxy: FaultyProxy, start_client: StartClient, tmp_path: Path
) -> None:
    """The receipt is complete, files are those of the archive, and no more fetched than needed."""
    held, output = storm_struck.held, tmp_path / "out"
    client, lives = start_client(), [Life()]
    for what, requests, share in EVENTS:
        now = partial(is_time, proxy, requests, share * len(held), held, client)
        assert proxy.wait_until(now), end_of_log(tmp_path)
        if what == "server":
            storm_struck.server.kill()
            storm_struck.server.start()
        else:
            client.kill()
            assert -SIGKILL == client.wait(), end_of_log(tmp_path)
            assert proxy.wait_until(lambda: not proxy.connections)
            lives.append(Life(len(proxy.passages), frozenset(map(digest, stored(output)))))
            client = start_client()
    assert 0 == client.wait(), end_of_log(tmp_path)
    lives.append(Life(len(proxy.passages), frozenset(held.values())))
    assert 0 == start_client().wait(), end_of_log(tmp_path)
    receipt = the_receipt(output)
    paths = {outcome.reference: output / outcome.path for outcome in receipt.outcomes}

    assert receipt.complete, receipt.reasons
    assert Counter({OutcomeStatus.STORED: len(held)}) == Counter(o.status for o in receipt.outcomes)
    assert held == {reference: digest(path) for reference, path in paths.items()}
    assert sorted(paths.values()) == sorted(stored(output))
    assert {*STORM.shares} <= {*proxy.faults}
    assert [set()] * len(lives) == [
        needless(proxy.passages[life.begins : end], life.there) & {*held.values()}
        for life, end in zip(lives, [*(later.begins for later in lives[1:]), None], strict=True)
    ]


@attrs.frozen
class Life:
    """From the start of a client to its end.

    Attributes
    ----------
    begins
        How many requests were over then.
    there
        SHA-256 of each file that was stored by then.
    """

    begins: int = 0
    there: frozenset[str] = frozenset()


def needless(passages: Sequence[Passage], there: frozenset[str]) -> set[str]:
    """Return what was fetched although it was there, or had been handed over whole before."""
    have, again = set(there), set[str]()
    for passage in passages:
        parts = set(passage.parts)
        again |= parts & have
        if passage.reached:
            have |= parts
    return again


def is_time(
    proxy: FaultyProxy,
    requests: int,
    enough: float,
    held: Mapping[InstanceReference, str],
    client: subprocess.Popen[bytes],
) -> bool:
    """Say whether so many requests are over, and so many instances have come; or the client is."""
    whole = {part for passage in proxy.passages if passage.reached for part in passage.parts}
    come = len(whole.intersection(held.values()))
    return (len(proxy.passages) >= requests and come >= enough) or client.poll() is not None


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def end_of_log(folder: Path) -> str:
    return (folder / "client.log").read_text(encoding="utf-8")[-4000:]


def stored(output: Path) -> list[Path]:
    return [path for path in FolderStorage(output).files() if path.suffix == ".dcm"]


def the_receipt(output: Path) -> Receipt:
    return Receipt.from_json((output / "gurney-receipt.json").read_text(encoding="utf-8"))
