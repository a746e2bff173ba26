"""The structural walk against pydicom's reader, over the same bytes.

Prints one table; every figure is the best of several rounds, in which the candidates take turns,
so that a busy machine slows all alike. The aims are ratios: a third of the time of `dcmread`, and
memory that does not depend on the instance. Files come from the corpus of real files
(``GURNEY_CORPUS``), or else from pydicom's own wheel::

    python benchmarks/walk.py
"""

from __future__ import annotations

import io
import os
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from pydicom import dcmread
from pydicom.data import get_testdata_file

from gurney.core.walk import StructuralWalk, Walked, walk, walk_file

KEYWORDS = [
    *("SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "Modality"),
    *("StudyDescription", "SeriesDescription", "PatientName", "PatientID", "PatientBirthDate"),
    *("PatientSex", "SeriesNumber", "InstanceNumber"),
]
PICKED = [
    *("studies/siemens-ct-5", "studies/ge-mr-fmri-3x100", "studies/ge-genesis-mr-16-implicit"),
    *("studies/toshiba-mr-dti-5-series", "studies/philips-mr-phantom-27"),
    *("studies/siemens-mr-mixed-syntax", "studies/siemens-enhanced-mr-vs-agfa-resend"),
]
ROUNDS = 15
CHUNK = 64 * 1024
GIGABYTE = 1024


def main() -> None:
    """Print all that is measured."""
    warnings.simplefilter("ignore")
    corpus = Path(os.environ.get("GURNEY_CORPUS") or _beside())
    print(f"{'instance':40} {'bytes':>9} {'dcmread':>9} {'walk':>13} {'64 KiB chunks':>15}")
    for path in _picked(corpus):
        _whole_instance(path)
    print()
    _many_headers(sorted(file for file in (corpus / "studies").rglob("*") if file.is_file()))
    _one_gigabyte()


def _whole_instance(path: Path) -> None:
    content = path.read_bytes()

    def chunked() -> Walked:
        structure = StructuralWalk(KEYWORDS)
        view = memoryview(content)
        for at in range(0, len(content), CHUNK):
            structure.feed(view[at : at + CHUNK])
        return structure.finish()

    theirs, ours, pieces = best(
        lambda: dcmread(io.BytesIO(content)), lambda: walk([content], KEYWORDS), chunked
    )
    name = "/".join(path.parts[-3:-1])[-40:]
    print(
        f"{name:40} {len(content):9} {theirs * 1e6:6.0f} µs",
        f"{ours * 1e6:4.0f} µs = {ours / theirs:4.2f}",
        f"{pieces * 1e6:6.0f} µs = {pieces / theirs:4.2f}",
    )


def _many_headers(paths: list[Path], wanted: int = 5000) -> None:
    if not paths:
        return
    files = (paths * (wanted // len(paths) + 1))[:wanted]

    def theirs() -> None:
        for path in files:
            dcmread(path, stop_before_pixels=True)

    def ours() -> None:
        for path in files:
            with path.open("rb", buffering=0) as file:
                walk_file(file, KEYWORDS)

    them, us = best(theirs, ours, rounds=3)
    print(f"{wanted} headers, dcmread(stop_before_pixels=True)  {them:6.2f} s")
    print(f"{wanted} headers, walk_file with 13 keywords        {us:6.2f} s = {us / them:4.2f}")


def _one_gigabyte() -> None:
    chunk = bytes(1024 * 1024)
    length = (len(chunk) * GIGABYTE).to_bytes(4, "little")

    def chunks() -> Iterator[bytes]:
        yield bytes(128) + b"DICM\2\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
        yield b"\xe0\x7f\x10\0OW\0\0" + length
        for _ in range(GIGABYTE):
            yield chunk

    start = perf_counter()
    walk(chunks())
    took = perf_counter() - start
    tracemalloc.start()
    walk(chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"1 GiB in chunks of 1 MiB: {took * 1e3:.1f} ms, {peak / 1024:.0f} KiB of memory")


def best(*candidates: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the shortest time of each candidate, in seconds; they take turns."""
    shortest = [float("inf")] * len(candidates)
    for candidate in candidates:
        candidate()
    for _ in range(rounds):
        for index, candidate in enumerate(candidates):
            loops, start = 0, perf_counter()
            while loops == 0 or perf_counter() - start < 0.01:
                candidate()
                loops += 1
            shortest[index] = min(shortest[index], (perf_counter() - start) / loops)
    return shortest


def _picked(corpus: Path) -> list[Path]:
    if not corpus.is_dir():
        names = ("CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm")
        found = [get_testdata_file(name, download=False) for name in names]
        return [Path(path) for path in found if isinstance(path, str)]
    return [next(_files(corpus / name)) for name in PICKED if (corpus / name).is_dir()]


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(file for file in folder.rglob("*") if file.is_file())


def _beside() -> Path:
    return Path(__file__).parents[2] / "shared" / "data" / "real"


if __name__ == "__main__":
    main()
