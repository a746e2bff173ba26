"""Contenders that do the same work, each in a process of its own, and the table of what they took.

Each figure is of a process that knows one contender; it starts when all is imported, and what
counts is the fastest of the rounds, in turns. CPU is that of the client, user and system; memory is
the peak of the process above what it needs before it begins, or all of it for other programs. A
peer that is not installed, or fails, has no row. Servers and output are on a tmpfs, so that neither
a disk nor creating files is measured.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

TMPFS = next(path for path in (Path("/dev/shm"), Path(tempfile.gettempdir())) if path.is_dir())
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
        Who does it, the floor first; names of functions.
    aims
        Of ours: what figure may be how many times the floor's; ``"peak"`` in MB.
    data
        A number for what is stored; works with the same number share it.
    """

    name: str
    title: str
    sizes: tuple[int, int, int]
    contenders: tuple[str, ...]
    aims: dict[str, float]
    data: int

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
        return [f"{ROOT}.{self.data}.{number + 1}" for number in range(self.sizes[0])]

    def made(self) -> Iterator[bytes]:
        """Yield the instances: noise."""
        from gurney.core import encode
        from gurney.testing import conformance_datasets

        _, instances, size = self.sizes
        dataset = conformance_datasets()[0]
        pixels = os.urandom(min(size, 1 << 20))
        dataset.PixelData = (pixels * (size // len(pixels) + 1))[: size - size % 2]
        for study in self.uids():
            for number in range(instances):
                series = f"{study}.{number * 4 // instances}"
                dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
                dataset.SOPInstanceUID = f"{series}.{number}"
                dataset.InstanceNumber = number + 1
                dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                yield encode(dataset)


@attrs.frozen
class Task:
    """What a contender is given."""

    address: str
    studies: tuple[str, ...]
    instances: int
    size: int
    folder: Path

    def check(self, count: int) -> None:
        """Make sure that everything came."""
        if count != len(self.studies) * self.instances:
            raise AssertionError(f"{count} of {len(self.studies) * self.instances} instances")


Commands = list[list[str]]
Contender = Callable[[Task], "Callable[[], None] | Commands"]
Serve = Callable[[Work], AbstractContextManager[str]]
"""Fills a server with what is worked on, and yields its address."""


@attrs.frozen
class Contest:
    """What a benchmark consists of.

    Attributes
    ----------
    script
        The file to run for one contender.
    works
        In the order of their tables.
    contenders
        By name.
    peers
        Names of those that need not be installed.
    house
        Given a folder, yields what serves.
    rounds
        How often at most, by name of work.
    """

    script: str
    works: tuple[Work, ...]
    contenders: Mapping[str, Any]
    peers: tuple[str, ...]
    house: Callable[[Path], AbstractContextManager[Serve]]
    rounds: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def main(self) -> None:
        """Print the tables; or do one thing in a process of its own."""
        if sys.argv[1:2] == ["--contend"]:
            contend(self.contenders[sys.argv[2]], json.loads(sys.argv[3]))
            return
        parser = argparse.ArgumentParser()
        parser.add_argument("--scale", type=float, default=1.0, help="of all sizes")
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument("works", nargs="*", help=", ".join(work.name for work in self.works))
        given = parser.parse_args()
        with tempfile.TemporaryDirectory(dir=TMPFS, prefix="gurney-bench-") as folder:
            for name in ("servers", "out"):
                Path(folder, name).mkdir()
            with self.house(Path(folder, "servers")) as serve:
                for work in self.works:
                    if not given.works or work.name in given.works:
                        self._hold(
                            work.scaled(given.scale), serve, Path(folder, "out"), given.rounds
                        )

    def _hold(self, work: Work, serve: Serve, out: Path, rounds: int) -> None:
        with serve(work) as address:
            most = self.rounds.get(work.name, rounds)
            report(work, self.measure(work, address, out, min(rounds, most)))

    def measure(self, work: Work, address: str, out: Path, rounds: int) -> dict[str, Figures]:
        """Return the best figures of each contender, whose turn comes once a round."""
        turns: dict[str, list[Figures]] = {name: [] for name in work.contenders}
        for _ in range(rounds):
            for name, figures in turns.items():
                folder = Path(tempfile.mkdtemp(dir=out))
                task = [address, work.uids(), *work.sizes[1:], str(folder)]
                command = [sys.executable, self.script, "--contend", name, json.dumps(task)]
                answer = subprocess.run(command, check=False, capture_output=True, text=True)
                shutil.rmtree(folder)
                if answer.returncode == 0:
                    figures.append(json.loads(answer.stdout))
                elif name not in self.peers:
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
    ours = next((name for name in found if name.startswith("gurney")), "")  # aims are for the first
    for name, figures in found.items():
        aims = work.aims if name == ours else {}
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


def contend(contender: Contender, given: list[Any]) -> None:
    """Let one contender do its task, and print what it took."""
    address, studies, instances, size, folder = given
    task = Task(address, tuple(studies), instances, size, Path(folder))
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


def of_processes(task: Task, commands: Commands) -> Figures:
    """Measure *commands*, run at once; the memory is that of one of them, all of it."""
    start = time.perf_counter()
    running = [subprocess.Popen(command, cwd=task.folder) for command in commands]
    peaks = [0]
    watcher = threading.Thread(target=watch, args=(running[0].pid, peaks), daemon=True)
    watcher.start()
    codes = {process.wait() for process in running}
    if codes != {0}:
        raise AssertionError(f"{commands[0][0]} failed: {codes}")
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
