"""`kill -9` at any instant: run again, and nothing is lost, nothing twice, nothing tells of it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hostile import transfer_to_kill as program

from gurney.core import Receipt
from gurney.transfer import Report

EVERYTHING = program.ARCHIVE.studies * program.ARCHIVE.instances
KILLS = 4


def run(folder: Path, workers: str, instant: int = 0) -> tuple[int, str]:
    """Run the program; return how it ended, and what it said."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, program.__file__, str(folder), workers, str(instant)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout


def receipt(folder: Path) -> Receipt:
    return Report(folder / "out" / "gurney-transfer").receipt()


def content(folder: Path) -> dict[str, bytes]:
    """Return what lies in the output, but for the ledger and receipts."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "out").rglob("*"))
        if path.is_file() and "gurney-" not in path.relative_to(folder).as_posix()
    }


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the folder of a transfer in which nothing happens, and how long it takes in calls.

    That is not the same each time: half of it is surely reached.
    """
    folder = tmp_path_factory.mktemp("calm")
    code, said = run(folder, "threads")
    assert code == 0
    return folder, int(said)


@pytest.mark.parametrize("seed", range(4))
def test_killed_run_goes_on(tmp_path: Path, calm: tuple[Path, int], seed: int) -> None:
    """The receipt is that of an undisturbed run, and so are the files."""
    undisturbed, calls = calm
    chance = random.Random(seed)
    kills = 0
    for _ in range(KILLS):
        code, _ = run(tmp_path / "killed", "threads", chance.randrange(200, calls // 2))
        kills += code == -signal.SIGKILL
    code, _ = run(tmp_path / "killed", "threads")

    assert code == 0
    assert kills
    assert receipt(undisturbed) == receipt(tmp_path / "killed")
    assert content(undisturbed) == content(tmp_path / "killed")
    fetched = (tmp_path / "killed" / program.FETCHED).stat().st_size
    assert EVERYTHING <= fetched <= EVERYTHING + kills * program.PARALLEL


@pytest.mark.parametrize("seed", range(2))
def test_killed_worker_leaves_no_trace(tmp_path: Path, calm: tuple[Path, int], seed: int) -> None:
    """A pool that has lost a process takes nothing any more; with a new one, the run goes on."""
    undisturbed, _ = calm
    chance = random.Random(seed)
    killed = tmp_path / "killed"
    codes = [run(killed, "processes", chance.randrange(500, 4000))[0] for _ in range(2)]
    codes.append(run(killed, "processes")[0])

    assert (3, 0) == (codes[0], codes[-1])
    assert receipt(undisturbed) == receipt(killed)
    assert content(undisturbed) == content(killed)
    fetched = (killed / program.FETCHED).stat().st_size
    assert EVERYTHING <= fetched <= EVERYTHING + 2 * program.PARALLEL


def test_stopped_run_goes_on(tmp_path: Path, calm: tuple[Path, int]) -> None:
    """After the last run, another one changes nothing, fetches nothing, and says the same."""
    run(tmp_path / "again", "threads")
    before = content(tmp_path / "again")
    code, _ = run(tmp_path / "again", "threads")

    assert code == 0
    assert receipt(calm[0]) == receipt(tmp_path / "again")
    assert before == content(tmp_path / "again")
    assert EVERYTHING == (tmp_path / "again" / program.FETCHED).stat().st_size
    assert 1 == len(list((tmp_path / "again" / "out").glob("gurney-receipt*")))
