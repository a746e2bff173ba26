"""Transfers of up to a million instances: what an instance costs, how much memory, how to go on.

Usage: ``python benchmarks/transfer.py [--picture FILE] [--no-folder] [INSTANCES ...]``

Everything comes from a `SimulatedArchive`, 100 instances in a study, 0.8 kB each. The floor is a
plain loop in the same run: each study is listed, and each of its files is given to the same
storage. One storage takes no room, so that nothing but gurney is measured; the other is a folder on
a tmpfs. Each step is a process of its own. Times are the processor's, user and system, but for the
last column: after a kill in the middle, it is the time by the clock until the archive is asked for
the first file, without the start of Python.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).parent))

from _contest import TMPFS, Figures, peak_of, processor
from _null_storage import NullStorage

from gurney.core import DICOMDownloadable, DICOMFile, FileDownloader, QueryLevels, Storage
from gurney.storage import FolderStorage
from gurney.testing import SimulatedArchive
from gurney.transfer import Given, Limits, Transfer

SIZES = (10_000, 100_000, 1_000_000)
IN_A_FOLDER = 100_000  # instances at most; more would fill the memory
PER_STUDY = 100
PICTURE = Path(__file__).with_suffix(".png")
AIMS = {"peak": 300.0, "resume": 10.0}  # MB, seconds


@attrs.define
class Site:
    """What a step works on.

    Attributes
    ----------
    count
        Instances.
    folder
        For the ledger, and for what is stored.
    """

    count: int
    folder: Path

    @property
    def archive(self) -> SimulatedArchive:
        return SimulatedArchive(studies=self.count // PER_STUDY, instances=PER_STUDY)

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def storage(self, kind: str) -> Storage:
        return FolderStorage(self.output, durable=False) if kind == "folder" else NullStorage()

    def transfer(self, kind: str, downloader: FileDownloader | None = None) -> Transfer:
        """Return the transfer that has been planned: the ledger knows what is wanted."""
        archive = self.archive
        return Transfer(
            (),
            Given(archive, downloader or archive, "simulated"),
            self.storage(kind),
            limits=Limits(parallel=4),
            ledger=self.ledger,
        )


# ---------------------------------------------------------------- steps, each in a process


def floor(site: Site, kind: str) -> Figures:
    """List and store, study by study, as one does without gurney's transfers."""
    archive, storage = site.archive, site.storage(kind)

    def work() -> None:
        done = 0
        for number in range(archive.studies):
            uid = archive.study(number).study_uid
            study = archive.find_study_by_id(uid, QueryLevels.INSTANCE)
            done += sum(storage.store(file).good for file in archive.files([study]))
        assert done == site.count

    return measured(work)


def plan(site: Site, kind: str) -> Figures:
    studies = map(site.archive.study, range(site.archive.studies))
    transfer = attrs.evolve(site.transfer(kind), wanted=studies)
    return measured(transfer.plan)


def run(site: Site, kind: str) -> Figures:
    transfer = site.transfer(kind)

    def work() -> None:
        assert transfer.run().complete

    return measured(work)


def half(site: Site, kind: str) -> Figures:
    """Run, and die as if by a power failure when half is done."""

    def die(progress: Any) -> None:
        if progress.counts.done >= site.count // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    site.transfer(kind).run(progress=die)
    raise AssertionError("nobody died")


@attrs.define
class StopsAtTheFirst(FileDownloader):
    """Notes when it is asked for the first file, and has the run stop there."""

    archive: SimulatedArchive
    stop: Event
    asked: list[float]

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        self.asked.append(time.perf_counter())
        self.stop.set()
        return self.archive.files(objects)


def resume(site: Site, kind: str) -> Figures:
    """Go on; see how long it takes until the archive is asked."""
    downloader = StopsAtTheFirst(site.archive, Event(), [])
    started = time.perf_counter()
    site.transfer(kind, downloader).run(stop=downloader.stop)
    return {"wall": downloader.asked[0] - started}


def report(site: Site, kind: str) -> Figures:
    """Write the receipt, as JSON."""
    transfer = site.transfer(kind)
    path = site.folder / "receipt.json"
    figures = measured(lambda: transfer.report().write_json(path))
    return {**figures, "size": path.stat().st_size}


STEPS: dict[str, Callable[[Site, str], Figures]] = {
    step.__name__: step for step in (floor, plan, run, half, resume, report)
}


def measured(work: Callable[[], object]) -> Figures:
    busy, start = processor(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall = time.perf_counter() - start
    cpu = processor(resource.RUSAGE_SELF) - busy
    return {"wall": wall, "cpu": cpu, "peak": float(peak_of("self"))}


# ---------------------------------------------------------------- all steps, and what they took


def main() -> None:
    """Print the table and draw the picture; or do one step."""
    if sys.argv[1:2] == ["--step"]:
        _, _, step, kind, count, folder = sys.argv
        print(json.dumps(STEPS[step](Site(int(count), Path(folder)), kind)))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--no-folder", action="store_true")
    parser.add_argument("instances", nargs="*", type=int, default=SIZES)
    given = parser.parse_args()
    table: list[tuple[int, str, dict[str, Figures]]] = []
    for count in given.instances:
        with_folder = count <= IN_A_FOLDER and not given.no_folder
        for kind in ("null", "folder") if with_folder else ("null",):
            table.append((count, kind, all_steps(count, kind)))
            show(*table[-1], heading=len(table) == 1)
    draw(table, given.picture)


def all_steps(count: int, kind: str) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(dir=TMPFS, prefix="gurney-bench-") as name:
        site = Site(count, Path(name))
        found["floor"] = in_a_process("floor", kind, site)
        shutil.rmtree(site.output, ignore_errors=True)
        found["plan"] = in_a_process("plan", kind, site)
        found["planned"] = {"size": size_of(site.ledger)}
        planned = shutil.copytree(site.ledger, Path(name, "planned"))
        found["run"] = in_a_process("run", kind, site)
        found["done"] = {"size": size_of(site.ledger)}
        found["report"] = in_a_process("report", kind, site)
        for folder in (site.output, site.ledger):
            shutil.rmtree(folder, ignore_errors=True)
        planned.rename(site.ledger)
        in_a_process("half", kind, site, killed=True)
        found["resume"] = in_a_process("resume", kind, site)
    return found


def in_a_process(step: str, kind: str, site: Site, *, killed: bool = False) -> Figures:
    command = [sys.executable, __file__, "--step", step, kind, str(site.count), str(site.folder)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    if answer.returncode != (-signal.SIGKILL if killed else 0):
        sys.exit(f"{step}: {answer.stderr}")
    figures: Figures = {} if killed else json.loads(answer.stdout)
    return figures


def size_of(folder: Path) -> float:
    return float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


HEADINGS = """
    instances, storage, floor, plan, run, (plan + run) / floor, report, peak of plan, of run,
    of report, ledger planned, done, on again after a kill
"""


def show(count: int, kind: str, found: dict[str, Figures], *, heading: bool) -> None:
    """Print a line of the table: times for one instance, and memory."""
    if heading:
        headings = [heading.strip() for heading in HEADINGS.split(",")]
        print(f"| {' | '.join(headings)} |\n|{' ---: |' * len(headings)}")
    each = {step: found[step]["cpu"] / count * 1e6 for step in ("floor", "plan", "run", "report")}
    peaks = [found[step]["peak"] / 1e6 for step in ("plan", "run", "report")]
    seconds = found["resume"]["wall"]
    cells = [
        f"{count:,}".replace(",", " "),
        kind,
        *(f"{each[step]:.0f} us" for step in ("floor", "plan", "run")),
        f"{(each['plan'] + each['run']) / each['floor']:.1f}",
        f"{each['report']:.0f} us",
        *(f"**{p:.0f} MB**" if p > AIMS["peak"] else f"{p:.0f} MB" for p in peaks),
        *(f"{found[when]['size'] / 1e6:.0f} MB" for when in ("planned", "done")),
        f"**{seconds:.2f} s**" if seconds > AIMS["resume"] else f"{seconds:.2f} s",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def draw(table: list[tuple[int, str, dict[str, Figures]]], picture: Path) -> None:
    """Draw what an instance costs, and what memory is needed, by the number of instances."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (costs, memory) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for kind, line in (("null", "-"), ("folder", "--")):
        rows = [(count, found) for count, which, found in table if which == kind]
        where = "no storage" if kind == "null" else "a folder"
        for colour, step in zip(
            ("grey", "tab:blue", "tab:orange"), ("floor", "plan", "run"), strict=True
        ):
            costs.plot(
                [count for count, _ in rows],
                [found[step]["cpu"] / count * 1e6 for count, found in rows],
                line,
                color=colour,
                marker="o",
                label=f"{'plain loop' if step == 'floor' else step}, {where}",
            )
    rows = [(count, found) for count, which, found in table if which == "null"]
    for colour, step in zip(
        ("tab:blue", "tab:orange", "tab:green"), ("plan", "run", "report"), strict=True
    ):
        peaks = [found[step]["peak"] / 1e6 for _, found in rows]
        memory.plot([n for n, _ in rows], peaks, color=colour, marker="o", label=f"peak of {step}")
    sizes = [found["done"]["size"] / 1e6 for _, found in rows]
    memory.plot([n for n, _ in rows], sizes, ":", color="black", marker="o", label="ledger on disk")
    memory.axhline(AIMS["peak"], color="red", linewidth=0.8, label="aim for memory")
    costs.set(
        title="processor time for one instance", ylabel="µs", xlabel="instances", xscale="log"
    )
    memory.set(title="memory and disk", ylabel="MB", xlabel="instances", xscale="log")
    for axes in (costs, memory):
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main()
