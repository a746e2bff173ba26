"""Starting up: how long until gurney can be used, and until the command answers.

Each is measured in processes of its own, in turns, with the import of pydicom as the peer.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
CASES = {
    "python -c pass": "pass",
    "import pydicom": "import pydicom",
    "import gurney": "import gurney",
    "import gurney.core": "import gurney.core",
    "gurney --help": "import gurney.cli; gurney.cli.main(['--help'])",
}  # fmt: skip


def main() -> None:
    """Print the median of each, and its ratio to ``import pydicom``."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, code in CASES.items():
            times[name].append(seconds(code))
    peer = statistics.median(times["import pydicom"])
    print("| what | median | against import pydicom |")
    print("| --- | ---: | ---: |")
    for name, samples in times.items():
        median = statistics.median(samples)
        print(f"| {name} | {median * 1000:.0f} ms | {median / peer:.2f} |")


def seconds(code: str) -> float:
    """Return how long a new interpreter takes to run *code*."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
