"""Trees and references, against dicomtrolley 4 in the same run.

Usage: ``python benchmarks/core.py``

Figures are taken in processes that know one of the two libraries, in turns: the least processor
time of all rounds, the collector off as `timeit` has it, on 200 studies of 5 series of 100
instances. The ratio is gurney's figure by dicomtrolley's; below 1 is better.
"""

from __future__ import annotations

import gc
import json
import pickle
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

STUDIES, SERIES, INSTANCES = 200, 5, 100
COUNT = STUDIES * SERIES * INSTANCES
ROUNDS, TURNS = 5, 3
LIBRARIES = ("gurney", "dicomtrolley")
ROWS = {
    "build trees of 100 000 instances from UIDs": ("build", "s"),
    "- peak of Python's memory": ("build_memory", "MB"),
    "expand them to instance references": ("expand", "s"),
    "- with the collector on": ("expand_collected", "s"),
    "put 100 000 references into a set": ("hash", "s"),
    "pickle them": ("dump", "s"),
    "- size": ("dump_size", "MB"),
    "unpickle them": ("load", "s"),
}

Uids = Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]]


def main() -> None:
    """Print the table; or, in a process of its own, the figures of one library."""
    if sys.argv[1:]:
        print(json.dumps(figures(sys.argv[1])))
        return
    turns = [[measured(library) for library in LIBRARIES] for _ in range(TURNS)]
    ours, theirs = (least(figures) for figures in zip(*turns, strict=True))
    print("| 100 000 instances | gurney | dicomtrolley | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name, (key, unit) in ROWS.items():
        here, there = ours[key], theirs[key]
        print(f"| {name} | {here:.3f} {unit} | {there:.3f} {unit} | {here / there:.2f} |")


def measured(library: str) -> dict[str, float]:
    """Return the figures of *library*, from a process that imports no other."""
    command = [sys.executable, __file__, library]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def least(turns: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the least of each figure: what is more was somebody else's."""
    turns = list(turns)
    return {key: min(turn[key] for turn in turns) for key in turns[0]}


def figures(library: str) -> dict[str, float]:
    """Return what `ROWS` shows of *library*."""
    build, expand = gurney() if library == "gurney" else dicomtrolley()
    uids = made_up()
    tracemalloc.start()
    trees = build(uids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    references = list(expand(trees))
    if len(references) != COUNT:
        raise AssertionError(f"{len(references)} references of {COUNT} instances")
    pickled = pickle.dumps(references, pickle.HIGHEST_PROTOCOL)
    return {
        "build": best(lambda: build(uids)),
        "build_memory": peak / 1e6,
        "expand": best(lambda: expand(trees)),
        "expand_collected": best(lambda: expand(trees), collector=True),
        "hash": best(lambda: set(references)),
        "dump": best(lambda: pickle.dumps(references, pickle.HIGHEST_PROTOCOL)),
        "dump_size": len(pickled) / 1e6,
        "load": best(lambda: pickle.loads(pickled)),
    }


def best(call: Callable[[], object], *, collector: bool = False) -> float:
    """Return the seconds of processor time that *call* takes, the best of `ROUNDS`."""
    times: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        if not collector:
            gc.disable()
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
        gc.enable()
        del result
    return min(times)


def made_up() -> Uids:
    """Return the UIDs of all studies, series and instances, nested as they are."""
    root = "1.2.826.0.1.3680043.8.498"
    return [
        (
            f"{root}.{s}",
            [
                (f"{root}.{s}.{e}", [f"{root}.{s}.{e}.{i}" for i in range(INSTANCES)])
                for e in range(SERIES)
            ],
        )
        for s in range(STUDIES)
    ]


def gurney() -> tuple[Callable[[Uids], Any], Callable[[Any], Iterable[Any]]]:
    """Return how to build and to expand with gurney."""
    from gurney.core import Instance, Series, Study, to_instance_refs

    def build(uids: Uids) -> list[Study]:
        return [
            Study(study, series=[Series(e, instances=map(Instance, uids)) for e, uids in series])
            for study, series in uids
        ]

    return build, to_instance_refs


def dicomtrolley() -> tuple[Callable[[Uids], Any], Callable[[Any], Iterable[Any]]]:
    """Return how to build and to expand with dicomtrolley, as its own parser does."""
    from dicomtrolley.core import DICOMObjectLevels, Instance, Series, Study
    from pydicom.dataset import Dataset

    def build(uids: Uids) -> list[Study]:
        studies: list[Study] = []
        for study_uid, children in uids:
            study = Study(uid=study_uid, data=Dataset(), series=())
            many: list[Series] = []
            for series_uid, instance_uids in children:
                series = Series(uid=series_uid, data=Dataset(), parent=study, instances=())
                series.instances = tuple(
                    Instance(uid=uid, data=Dataset(), parent=series) for uid in instance_uids
                )
                many.append(series)
            study.series = tuple(many)
            studies.append(study)
        return studies

    def expand(trees: Iterable[Study]) -> tuple[Any, ...]:
        level = DICOMObjectLevels.INSTANCE
        return tuple(ref for study in trees for ref in study.contained_references(level))

    return build, expand


if __name__ == "__main__":
    main()
