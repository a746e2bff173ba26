"""What every test may ask for: the corpus of real files. And how hard hypothesis tries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]
collect_ignore = ["typing"]  # checked, never run

IN_CI = os.environ.get("CI") == "true"

# Never judged by wall time: a loaded machine is not a failing test.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True
)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Return the folder of real DICOM files; skip where it is absent, and fail there in CI."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "real"
    folder = Path(os.environ.get("GURNEY_CORPUS") or beside)
    if (folder / "MANIFEST.csv").is_file():
        return folder
    problem = (
        f"no corpus of real files at {folder}: set GURNEY_CORPUS to the folder that holds its"
        " MANIFEST.csv, see CONTRIBUTING.md"
    )
    if IN_CI:
        pytest.fail(problem)
    pytest.skip(problem)
