"""The benchmark of DIMSE runs; what it measures is nobody's business here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

BENCHMARK: Final = Path(__file__).parents[2] / "benchmarks" / "dimse.py"


@pytest.mark.usefixtures("start_orthanc", "start_storescp")
def test_small_run_prints_its_tables() -> None:
    """Of searching and of fetching; it checks that everything came."""
    works = "--scale 0.005 --rounds 1 find tiny-move".split()
    command = [sys.executable, str(BENCHMARK), *works]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    assert "" == ran.stderr
    assert 4 == sum(line.startswith("| gurney ") for line in ran.stdout.splitlines())
