"""The benchmark of transfers runs; what it measures is nobody's business here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

BENCHMARK: Final = Path(__file__).parents[2] / "benchmarks" / "transfer.py"


def test_small_run_prints_its_table(tmp_path: Path) -> None:
    """It plans, runs, is killed, and goes on; and it draws."""
    picture = tmp_path / "picture.png"
    command = [sys.executable, str(BENCHMARK), "--no-folder", "--picture", str(picture), "2000"]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    assert 0 == ran.returncode, ran.stderr
    assert 1 == sum(line.startswith("| 2 000 |") for line in ran.stdout.splitlines())
    assert picture.stat().st_size
