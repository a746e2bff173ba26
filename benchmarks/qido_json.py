"""Listings of instances in DICOM JSON become trees, against parsing them and no more.

Usage: ``python benchmarks/qido_json.py [INSTANCES]``, 1200 if not given

The floor is `json.loads` of the same bytes; nothing is fetched. Each row has a process of its own,
as one search would, because what others left of the heap changes figures by a third. They are the
least processor time of all rounds, with the collector of Python on, as in real life, and off. Of
memory it is what is left when the work is done, and the peak.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from pydicom.dataset import Dataset

from gurney.core import Assembler, DICOMObjectLevels, Query, Study
from gurney.dicomweb.dicomjson import parse
from gurney.searching import rechecker

ROUNDS = 15
UID = "1.3.6.1.4.1.14519.5.2.1.2692.1975"
QUERY = Query(PatientName="doe^j*", PatientID="P0001", min_study_date="20240101")


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if sys.argv[1:] else 1200
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer.json")
        path.write_text(json.dumps([listed(number) for number in range(count)]))
        print(f"| {count} instances, {path.stat().st_size / 1e6:.1f} MB ", end="")
        print("| CPU | ratio | without collector | ratio | left | peak |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        floor_on = floor_off = 0.0
        for name in WORK:
            command = [sys.executable, __file__, name, str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            on, off, left, peak = json.loads(answer.stdout)
            floor_on, floor_off = floor_on or on, floor_off or off
            print(
                f"| {name} | {on * 1e3:.1f} ms | {on / floor_on:.2f} | {off * 1e3:.1f} ms "
                f"| {off / floor_off:.2f} | {left / 1e6:.1f} MB | {peak / 1e6:.1f} MB |"
            )


def figures(name: str, path: Path) -> tuple[float, float, int, int]:
    """Return what a row of the table shows, in seconds and bytes."""
    content = path.read_bytes()

    def call() -> object:
        return WORK[name](content)

    return (best(call, collector=True), best(call, collector=False), *memory(call))


def trees(content: bytes, query: Query | None = None) -> tuple[Study, ...]:
    """Return the trees; what does not match would be held back, and everything does."""
    check = rechecker(query) if query else None
    assembler = Assembler()
    for item in parse(content):
        if check is None or check(item).matched:
            assembler.add(item, DICOMObjectLevels.INSTANCE)
        else:
            raise AssertionError("the query does not match the listing")
    return assembler.finish().studies


def looked_at(content: bytes) -> list[Dataset]:
    """Return the data of all instances."""
    studies = trees(content, QUERY)
    return [instance.data for study in studies for instance in study.all_instances()]


def elements(content: bytes) -> list[object]:
    """Return the values of all instances."""
    return [element.value for dataset in looked_at(content) for element in dataset]


def from_json(content: bytes) -> list[Dataset]:
    """Return data sets as pydicom makes them."""
    return [Dataset.from_json(item) for item in json.loads(content)]


def best(call: Callable[[], object], *, collector: bool) -> float:
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


def memory(call: Callable[[], object]) -> tuple[int, int]:
    """Return the bytes that the result of *call* holds, and the most that were held on the way."""
    tracemalloc.start()
    result = call()
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return found


def listed(number: int) -> dict[str, object]:
    """Return an item as Orthanc writes it, of a study of several series of 300 images."""
    series, study = f"{UID}.1.{number // 300 + 1}", f"{UID}.1"
    url = f"http://localhost:8042/dicom-web/studies/{study}/series/{series}/instances/"
    texts = {
        "00080005": ("CS", "ISO_IR 100"),
        "00080016": ("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00080018": ("UI", f"{series}.{number}"),
        "00080020": ("DA", "20240115"),
        "00080030": ("TM", "101530"),
        "00080050": ("SH", "A0001"),
        "00080056": ("CS", "ONLINE"),
        "00080060": ("CS", "CT"),
        "00080061": ("CS", "CT"),
        "00080090": ("PN", {"Alphabetic": "ROE^RICHARD"}),
        "00081190": ("UR", f"{url}{series}.{number}"),
        "00100010": ("PN", {"Alphabetic": "DOE^JOHN"}),
        "00100020": ("LO", "P0001"),
        "00100030": ("DA", "19700101"),
        "00100040": ("CS", "M"),
        "0020000D": ("UI", study),
        "0020000E": ("UI", series),
        "00200010": ("SH", "1"),
        "00200011": ("IS", number // 300 + 1),
        "00200013": ("IS", number),
        "00280008": ("IS", 1),
        "00280010": ("US", 512),
        "00280011": ("US", 512),
        "00280100": ("US", 16),
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in texts.items()}


WORK: dict[str, Callable[[bytes], object]] = {
    "`json.loads`": json.loads,
    "items read": lambda content: sum(1 for _ in parse(content)),
    "trees": trees,
    "trees, three keys checked": lambda content: trees(content, QUERY),
    "- and `data` of each instance looked at": looked_at,
    "- and every element of them": elements,
    "`Dataset.from_json` of each item": from_json,
}

if __name__ == "__main__":
    if sys.argv[2:]:
        print(json.dumps(figures(sys.argv[1], Path(sys.argv[2]))))
    else:
        main()
