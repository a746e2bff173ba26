"""DICOMweb from a real Orthanc: curl as the floor, dicomweb-client and dicomtrolley as peers.

Usage: ``python benchmarks/dicomweb.py [--scale 0.01] [--rounds N] [WORK ...]``

One Orthanc, its storage and all that is written are on a tmpfs, so that neither a disk nor creating
files is measured. Each figure is of a process of its own that knows one contender; it starts when
all is imported, and what counts is the fastest of the rounds, in turns. CPU is that of the client,
user and system; memory is the peak of the process above what it needs before it begins. Gurney
verifies and stores; the search comes before, unless the row says otherwise. A peer that is not
installed, or fails, has no row.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # for tests.servers

TMPFS = next(path for path in (Path("/dev/shm"), Path(tempfile.gettempdir())) if path.is_dir())
ROUND_TRIP, RATE = 0.040, 20e6  # of the delaying proxy: seconds, bytes per second
CURLS = 4
EVERY_SYNTAX = 'multipart/related; type="application/dicom"; transfer-syntax=*'
ROOT = "2.25.8"

Figures = dict[str, float]


@attrs.frozen
class Work:
    """Something to do, and who does it.

    Attributes
    ----------
    name
        What it is called on the command line.
    title
        What it is called in the table, with numbers for ``{}``.
    sizes
        Studies, instances in each, bytes of pixels in each.
    contenders
        Who does it, the floor first; names of functions below.
    aims
        Of gurney: what figure may be how many times the floor's; ``"peak"`` in MB.
    """

    name: str
    title: str
    sizes: tuple[int, int, int]
    contenders: tuple[str, ...]
    aims: dict[str, float]

    def scaled(self, scale: float) -> Work:
        studies, instances, size = self.sizes
        if studies > 1:
            studies = max(2, round(studies * scale))
        elif instances > 1:
            instances = max(8, round(instances * scale))
        else:
            size = max(1_000_000, round(size * scale))
        return attrs.evolve(self, sizes=(studies, instances, size))

    def uids(self) -> list[str]:
        """Return the Study Instance UIDs."""
        place = [work.name for work in WORKS].index(self.name)
        return [f"{ROOT}.{place + 1}.{number + 1}" for number in range(self.sizes[0])]


FETCHERS = (
    "curl", "write_only", "dicomweb_client", "dicomtrolley",
    "gurney", "gurney_not_durable", "gurney_no_checksum", "gurney_with_search",
)  # fmt: skip
LISTERS = ("json_only", "dicomweb_client_listing", "dicomtrolley_listing", "gurney_listing")
WORKS = (
    Work("list-1200", "list {1} instances of a study", (1, 1200, 16), LISTERS, {"cpu": 1.5}),
    Work("list-2000", "list {1} instances of a study", (1, 2000, 16), LISTERS, {"cpu": 1.5}),
    Work("ct", "{1} slices of {2}", (1, 1000, 524_288), FETCHERS, {"wall": 1.2, "cpu": 1.6}),
    Work("tiny", "{1} instances of {2}", (1, 5000, 10_600), FETCHERS, {"wall": 2.5, "cpu": 8}),
    Work(
        "large",
        "one instance of {2}",
        (1, 1, 1_000_000_000),
        ("curl", "write_only", "dicomweb_client", "dicomtrolley", "gurney"),
        {"peak": 60},
    ),
    Work(
        "far",
        "{0} studies of {1} slices of {2}, 40 ms away, 20 MB/s a connection",
        (50, 10, 524_288),
        ("four_curls", "dicomtrolley", "gurney", "gurney_with_search"),
        {"wall": 1.2},
    ),
)
PEERS = (
    "dicomweb_client", "dicomtrolley", "dicomweb_client_listing", "dicomtrolley_listing",
)  # fmt: skip
ROUNDS = {"large": 1, "far": 2}  # else as asked for


@attrs.frozen
class Task:
    """What a contender is given."""

    address: str
    studies: tuple[str, ...]
    instances: int
    size: int
    folder: Path

    def urls(self) -> list[str]:
        return [f"{self.address}/studies/{study}" for study in self.studies]

    def check(self, count: int) -> None:
        """Make sure that everything came."""
        if count != len(self.studies) * self.instances:
            raise AssertionError(f"{count} of {len(self.studies) * self.instances} instances")


def main() -> None:
    """Print the table; or do one thing in a process of its own."""
    if sys.argv[1:2] == ["--contend"]:
        contend(sys.argv[2], json.loads(sys.argv[3]))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("works", nargs="*", help=", ".join(work.name for work in WORKS))
    given = parser.parse_args()
    works = [w.scaled(given.scale) for w in WORKS if not given.works or w.name in given.works]
    from tests.servers.orthanc import Orthanc

    with tempfile.TemporaryDirectory(dir=TMPFS, prefix="gurney-bench-") as folder:
        for name in ("orthanc", "out"):
            Path(folder, name).mkdir()
        with Orthanc(Path(folder, "orthanc")) as server:
            for work in works:
                server.fill(made(work))
                with address_for(work, server.http_port) as address:
                    rounds = min(given.rounds, ROUNDS.get(work.name, given.rounds))
                    report(work, measure(work, address, Path(folder, "out"), rounds))


# ---------------------------------------------------------------- the house


def made(work: Work) -> Iterator[bytes]:
    """Yield the instances of *work*: noise."""
    from gurney.core import encode
    from gurney.testing import conformance_datasets

    _, instances, size = work.sizes
    dataset = conformance_datasets()[0]
    pixels = os.urandom(min(size, 1 << 20))
    dataset.PixelData = (pixels * (size // len(pixels) + 1))[: size - size % 2]
    for study in work.uids():
        for number in range(instances):
            series = f"{study}.{number * 4 // instances}"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
            dataset.SOPInstanceUID = f"{series}.{number}"
            dataset.InstanceNumber = number + 1
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            yield encode(dataset)


@contextmanager
def address_for(work: Work, port: int) -> Iterator[str]:
    """Yield where *work* is asked for: at Orthanc itself, or at the other end of a long line."""
    with ExitStack() as stack:
        if work.name == "far":
            script, pipe = str(HERE / "_delaying_proxy.py"), subprocess.PIPE
            command = [sys.executable, script, str(port), str(ROUND_TRIP), str(RATE)]
            proxy = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            stack.enter_context(proxy)
            stack.callback(proxy.kill)
            assert proxy.stdout is not None
            port = int(proxy.stdout.readline())
        yield f"http://localhost:{port}/dicom-web"


def measure(work: Work, address: str, out: Path, rounds: int) -> dict[str, Figures]:
    """Return the best figures of each contender, whose turn comes once a round."""
    turns: dict[str, list[Figures]] = {name: [] for name in work.contenders}
    for _ in range(rounds):
        for name, figures in turns.items():
            folder = Path(tempfile.mkdtemp(dir=out))
            task = [address, work.uids(), *work.sizes[1:], str(folder)]
            command = [sys.executable, __file__, "--contend", name, json.dumps(task)]
            answer = subprocess.run(command, check=False, capture_output=True, text=True)
            shutil.rmtree(folder)
            if answer.returncode == 0:
                figures.append(json.loads(answer.stdout))
            elif name not in PEERS:
                sys.exit(answer.stderr)
            else:
                print(f"{name} failed: {answer.stderr.splitlines()[-1]}", flush=True)
    return {
        name: {key: min(turn[key] for turn in turns) for key in ("wall", "cpu", "peak")}
        for name, turns in turns.items()
        if turns
    }


def report(work: Work, found: dict[str, Figures]) -> None:
    """Print one table; the ratio is that to the first row, an aim that is missed is bold."""
    studies, instances, size = work.sizes
    floor = found[work.contenders[0]]
    print(f"\n| {work.title.format(studies, instances, in_words(size))} |", end="")
    print(" wall | ratio | aim | client CPU | ratio | aim | peak memory | aim |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, figures in found.items():
        aims = work.aims if name in {"gurney", "gurney_listing"} else {}
        cells = [name.replace("_", " ").removesuffix(" listing")]
        for key in ("wall", "cpu"):
            ratio, aim = figures[key] / floor[key], aims.get(key)
            shown = f"**{ratio:.2f}**" if aim is not None and ratio > aim else f"{ratio:.2f}"
            cells += [f"{figures[key]:.3f} s", shown, "" if aim is None else f"{aim:g}"]
        peak, aim = figures["peak"] / 1e6, aims.get("peak")
        cells.append(f"**{peak:.0f} MB**" if aim is not None and peak > aim else f"{peak:.0f} MB")
        cells.append("" if aim is None else f"{aim:g} MB")
        print(f"| {' | '.join(cells)} |", flush=True)


def in_words(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


# ---------------------------------------------------------------- one contender in a process


def contend(name: str, given: list[Any]) -> None:
    """Let one contender do its task, and print what it took."""
    address, studies, instances, size, folder = given
    task = Task(address, tuple(studies), instances, size, Path(folder))
    contender: Callable[[Task], Callable[[], None] | list[list[str]]] = globals()[name]
    ready = contender(task)
    print(json.dumps(of_processes(task, ready) if isinstance(ready, list) else of_call(ready)))


def of_call(call: Callable[[], None]) -> Figures:
    """Measure *call* in this process."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    idle = peak_of("self")
    busy, start = processor(resource.RUSAGE_SELF), time.perf_counter()
    call()
    wall = time.perf_counter() - start
    return {
        "wall": wall,
        "cpu": processor(resource.RUSAGE_SELF) - busy,
        "peak": peak_of("self") - idle,
    }


def of_processes(task: Task, commands: list[list[str]]) -> Figures:
    """Measure *commands*, run at once; the memory is that of one of them, all of it."""
    start = time.perf_counter()
    running = [subprocess.Popen(command, cwd=task.folder) for command in commands]
    peaks = [0]
    watcher = threading.Thread(target=watch, args=(running[0].pid, peaks), daemon=True)
    watcher.start()
    codes = {process.wait() for process in running}
    if codes != {0}:
        raise AssertionError(f"curl failed: {codes}")
    wall = time.perf_counter() - start
    watcher.join()
    written = sum(path.stat().st_size for path in task.folder.rglob("*"))
    if written < len(task.studies) * task.instances * task.size:
        raise AssertionError(f"{written} bytes")
    return {"wall": wall, "cpu": processor(resource.RUSAGE_CHILDREN), "peak": float(max(peaks))}


def watch(pid: int, peaks: list[int]) -> None:
    """Look at the peak of a process until it is over: afterwards nothing tells it."""
    while peak := peak_of(pid):
        peaks.append(peak)
        time.sleep(0.005)


def peak_of(pid: int | str) -> int:
    """Return the most memory that a process has had, in bytes; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def processor(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


# ---------------------------------------------------------------- floors and peers


def curl(task: Task) -> list[list[str]]:
    """One file a study, the multipart as it comes."""
    return [curl_command(task.urls())]


def four_curls(task: Task) -> list[list[str]]:
    """As many at once, each with its share, one after the other over one connection."""
    urls = task.urls()
    return [curl_command(urls[number::CURLS]) for number in range(CURLS) if urls[number::CURLS]]


def curl_command(urls: Sequence[str]) -> list[str]:
    outputs = [part for url in urls for part in ("-o", url.rsplit("/", 1)[1], url)]
    return ["curl", "-sSf", "-H", f"Accept: {EVERY_SYNTAX}", *outputs]


def write_only(task: Task) -> Callable[[], None]:
    """No network: as many files of that size."""
    content = bytes(task.size)

    def run() -> None:
        for study in task.studies:
            folder = task.folder / study
            folder.mkdir()
            for number in range(task.instances):
                with (folder / str(number)).open("wb") as file:
                    file.write(content)

    return run


def dicomweb_client(task: Task) -> Callable[[], None]:
    """Stored syntax; each data set is saved as it comes."""
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(task.address)

    def run() -> None:
        count = 0
        for study in task.studies:
            for dataset in client.iter_study(study, media_types=(("application/dicom", "*"),)):
                dataset.save_as(task.folder / str(dataset.SOPInstanceUID))
                count += 1
        task.check(count)

    return run


def dicomtrolley(task: Task) -> Callable[[], None]:
    """Its trolley; by study, which is faster here than its default by series."""
    import requests
    from dicomtrolley.core import StudyReference
    from dicomtrolley.qido_rs import QidoRS
    from dicomtrolley.trolley import Trolley
    from dicomtrolley.wado_rs import WadoRS

    session = requests.Session()
    wado = WadoRS(session, task.address, request_per_series=False)
    trolley = Trolley(downloader=wado, searcher=QidoRS(session, task.address))

    def run() -> None:
        trolley.download([StudyReference(study_uid=uid) for uid in task.studies], str(task.folder))
        task.check(sum(path.is_file() for path in task.folder.rglob("*")))

    return run


def json_only(task: Task) -> Callable[[], None]:
    """The listing read and parsed, and nothing made of it."""
    import requests

    session = requests.Session()
    headers = {"Accept": "application/dicom+json"}

    def run() -> None:
        answer = session.get(f"{task.urls()[0]}/instances", headers=headers)
        task.check(len(json.loads(answer.content)))

    return run


def dicomweb_client_listing(task: Task) -> Callable[[], None]:
    """Its JSON as data sets."""
    from dicomweb_client import DICOMwebClient
    from pydicom.dataset import Dataset

    client = DICOMwebClient(task.address)

    def run() -> None:
        found = client.search_for_instances(task.studies[0])
        task.check(len([Dataset.from_json(item) for item in found]))

    return run


def dicomtrolley_listing(task: Task) -> Callable[[], None]:
    """Its trees."""
    import requests
    from dicomtrolley.core import QueryLevels
    from dicomtrolley.qido_rs import QidoRS, RelationalQuery

    searcher = QidoRS(requests.Session(), task.address)
    query = RelationalQuery(StudyInstanceUID=task.studies[0], query_level=QueryLevels.INSTANCE)

    def run() -> None:
        (study,) = searcher.find_studies(query)
        task.check(sum(len(series.instances) for series in study.series))

    return run


# ---------------------------------------------------------------- gurney


def gurney_listing(task: Task) -> Callable[[], None]:
    """Trees, and the proof that they are complete."""
    from gurney import Query
    from gurney.core import QueryLevels
    from gurney.dicomweb import QidoRS

    searcher = QidoRS(task.address)
    query = Query(StudyInstanceUID=task.studies[0], query_level=QueryLevels.INSTANCE)

    def run() -> None:
        found = searcher.find_studies(query)
        if not found.complete:
            raise AssertionError(found.reasons)
        task.check(sum(len(series.instances) for series in found[0].series))

    return run


def gurney(task: Task) -> Callable[[], None]:
    """As `Trolley.download` does it, for instances that are known by a search."""
    return gurney_download(task, {}, search_first=True)


def gurney_not_durable(task: Task) -> Callable[[], None]:
    """Without waiting for the disk."""
    return gurney_download(task, {"durable": False}, search_first=True)


def gurney_no_checksum(task: Task) -> Callable[[], None]:
    """Nor with a checksum in the receipt."""
    return gurney_download(task, {"durable": False, "checksum": None}, search_first=True)


def gurney_with_search(task: Task) -> Callable[[], None]:
    """Knowing no more than the UIDs of the studies."""
    return gurney_download(task, {}, search_first=False)


def gurney_download(
    task: Task, settings: dict[str, Any], *, search_first: bool
) -> Callable[[], None]:
    from gurney import Query, StudyReference, Trolley
    from gurney.core import DICOMDownloadable, QueryLevels
    from gurney.dicomweb import QidoRS, WadoRS
    from gurney.http import Transport
    from gurney.storage import FolderStorage

    transport = Transport(task.address)
    storage = FolderStorage(task.folder / "out", **settings)
    trolley = Trolley(QidoRS(transport), WadoRS(transport), storage)
    objects: list[DICOMDownloadable] = [StudyReference(uid) for uid in task.studies]
    if search_first:
        query = Query(StudyInstanceUID=list(task.studies), query_level=QueryLevels.INSTANCE)
        objects = list(trolley.find_studies(query))

    def run() -> None:
        receipt = trolley.download(objects)
        if not receipt.complete:
            raise AssertionError([*receipt.reasons, receipt.outcomes[0].reason])
        task.check(len(receipt.outcomes))

    return run


if __name__ == "__main__":
    main()
