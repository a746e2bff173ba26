"""The benchmark of DICOMweb runs; what it measures is nobody's business here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

BENCHMARK: Final = Path(__file__).parents[2] / "benchmarks" / "dicomweb.py"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is its floor")
@pytest.mark.usefixtures("start_orthanc")
def test_small_run_prints_its_tables() -> None:
    """Of searching, and of fetching over the delaying proxy; it checks that everything came."""
    command = [sys.executable, str(BENCHMARK), *"--scale 0.005 --rounds 1 list-1200 far".split()]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    assert "" == ran.stderr
    assert 2 == sum(line.startswith("| gurney |") for line in ran.stdout.splitlines())
