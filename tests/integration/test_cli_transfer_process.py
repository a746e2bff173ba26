"""`gurney transfer` as a process: watched by another, stopped, on a terminal, on dask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gurney import Receipt
from gurney.cli import ExitCode

GURNEY = (sys.executable, "-m", "gurney.cli", "transfer")
LIST = "StudyInstanceUID\n2.25.4001\n2.25.4002\n2.25.4003\n2.25.4004\n"

# The archive of examples at memory://, which says "here" after four instances, and goes on when it
# is told to; or, for "run free", never stops.
SLOW = """
import sys
from types import SimpleNamespace

import gurney.archives
from gurney.cli import main
from gurney.testing import MemoryArchive, example_datasets

class Slow(MemoryArchive):
    count = 0

    def files(self, objects):
        for file in super().files(objects):
            Slow.count += 1
            if Slow.count == 5 and sys.argv[1] == "slow":
                print("here", flush=True)
                sys.stdin.readline()
            yield file

entry = SimpleNamespace(name="memory", dist=None, load=lambda: lambda _: Slow(example_datasets()))
gurney.archives.entry_points = lambda **_: [entry]
sys.exit(main(["transfer", *sys.argv[2:]]))
"""


@pytest.fixture(autouse=True)
def _plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surroundings, and a folder of one's own."""
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.chdir(tmp_path)


def ran(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SLOW, "free", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def planned() -> None:
    """All of the examples are planned into ``out``."""
    plan = ran("plan", "memory://here", "--from", "-", "-o", "out", "--parallel", "1", stdin=LIST)
    assert 0 == plan.returncode, plan.stderr


@contextmanager
def half_way() -> Generator[subprocess.Popen[str]]:
    """A run that has fetched four of eight instances, and waits to be told to go on."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, "slow", "run", "out", "--progress", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        assert running.stdout
        try:
            assert "here\n" == running.stdout.readline()
            yield running
        finally:
            running.kill()


@pytest.mark.usefixtures("planned")
def test_status_from_another_process() -> None:
    """While a run is under way, anybody may ask how it stands, as often as they like."""
    with half_way() as running:
        during = json.loads(ran("status", "out", "--format", "json").stdout)
        _, talk = running.communicate("go on\n", timeout=60)
    after = json.loads(ran("status", "out", "--format", "json").stdout)

    assert ("running", running.pid, False) == _of(during, "state", "pid", "complete")
    assert 0 < during["pending"] <= 8
    assert 0 == running.returncode, talk
    assert ("finished", None, True, 0) == _of(after, "state", "pid", "complete", "pending")


def _of(content: dict[str, object], *names: str) -> tuple[object, ...]:
    return tuple(content[name] for name in names)


@pytest.mark.usefixtures("planned")
def test_watching_from_another_process() -> None:
    """`--watch` says it again and again, and ends with the run, with its exit code."""
    with (
        half_way() as running,
        subprocess.Popen(
            [*GURNEY, "status", "out", "--watch", "--every", "0.1", "-f", "json"],
            stdout=subprocess.PIPE,
            text=True,
        ) as watching,
    ):
        assert watching.stdout
        first, second = watching.stdout.readline(), watching.stdout.readline()
        running.communicate("go on\n", timeout=60)
        rest, _ = watching.communicate(timeout=60)

    assert ["running", "running"] == [json.loads(line)["state"] for line in (first, second)]
    assert "finished" == json.loads(rest.splitlines()[-1])["state"]
    assert 0 == watching.returncode


@pytest.mark.usefixtures("planned")
def test_a_second_run_leaves_the_first_alone() -> None:
    """It says who is at work, and stops."""
    with half_way() as running:
        second = ran("run", "out")
        running.communicate("go on\n", timeout=60)

    assert ExitCode.INCOMPLETE == second.returncode
    assert str(running.pid) in second.stderr
    assert 0 == running.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("planned")
def test_stopped_in_good_order(tmp_path: Path, sent: signal.Signals) -> None:
    """Ctrl-C, and what clusters send: what is stored stays, the rest is for the next run."""
    with half_way() as running:
        running.send_signal(sent)
        _until_it_stops(running)
        _, talk = running.communicate("go on\n", timeout=60)
    status = json.loads(ran("status", "out", "--format", "json").stdout)
    again = ran("run", "out", "--progress", "json")
    receipt = Receipt.from_json((tmp_path / "out" / "gurney-receipt.json").read_text())

    assert ExitCode.INTERRUPTED == running.returncode, talk
    assert "interrupted: what is stored is stored, whole" in talk
    assert "Traceback" not in talk
    assert ("stopped", None, False) == _of(status, "state", "pid", "complete")
    assert 0 == again.returncode, again.stderr
    assert receipt.complete
    assert 8 == len(list((tmp_path / "out").rglob("*.dcm")))


def _until_it_stops(running: subprocess.Popen[str]) -> None:
    """Read progress until it says that the signal was heard."""
    assert running.stderr
    for line in running.stderr:
        if "to stop" in json.loads(line)["waiting"]:
            return
    pytest.fail("the signal was not heard")


@pytest.mark.parametrize("command", ["", "plan", "run", "status", "report"])
def test_help_does_not_wait_for_pydicom(command: str) -> None:
    """Nor for anything else that only commands need."""
    code = (
        "import sys; from gurney.cli import main; main(['transfer', *sys.argv[1:], '--help']);"
        "print({'pydicom', 'sqlite3', 'gurney.core', 'matplotlib', 'jinja2', 'distributed'}"
        " & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, *([command] if command else [])],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "set()" == shown.stdout.splitlines()[-1]


def test_no_command_needs_what_only_some_do() -> None:
    """Status and run work without jinja2, matplotlib, dask and fsspec."""
    code = (
        "import sys\n"
        "for name in ('jinja2', 'matplotlib', 'distributed', 'fsspec'): sys.modules[name] = None\n"
        "from gurney.cli import main\n"
        "codes = [main(['transfer', 'plan', 'demo://', '--from', '-', '-o', 'out', '-q']),"
        " main(['transfer', 'run', 'out', '-q']), main(['transfer', 'status', 'out'])]\n"
        "print([int(code) for code in codes])"
    )
    study = "1.3.6.1.4.1.5962.1.1.0.0.0.1196527414.5534.0.1"
    shown = subprocess.run(
        [sys.executable, "-c", code], input=study, capture_output=True, text=True, check=False
    )

    assert "[0, 0, 0]" == shown.stdout.splitlines()[-1], shown.stderr


# ---------------------------------------------------------------- terminals


def on_terminal(*command: str) -> tuple[str, int]:
    """Run *command* on a terminal of 100 columns; return what it shows, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    with subprocess.Popen(
        [*GURNEY, *command],
        stdin=there,
        stdout=there,
        stderr=there,
        env={**os.environ, "TERM": "xterm-256color"},
    ) as running:
        os.close(there)
        shown = b"".join(_read(here))
        os.close(here)
    return shown.decode(), running.returncode


def _read(terminal: int) -> Iterator[bytes]:
    """Yield what comes; Linux says by an error, others by nothing, that no more will."""
    with suppress(OSError):
        while chunk := os.read(terminal, 4096):
            yield chunk


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_there_is_a_display(tmp_path: Path) -> None:
    """Instances, bytes, parcels, time left, while it runs; a table in colour when it is over."""
    (tmp_path / "list").write_text("1.3.6.1.4.1.5962.1.1.0.0.0.1196527414.5534.0.1\n")
    _, planned = on_terminal("plan", "demo://", "--from", "list", "-o", "out")
    shown, code = on_terminal("run", "out")
    status, _ = on_terminal("status", "out", "--watch")
    quiet, _ = on_terminal("run", "out", "--quiet")

    assert (0, 0) == (planned, code)
    assert "at work" in shown
    assert "parcels" in shown
    assert "finished" in status
    assert "\x1b[32m" in status
    assert "parcels" not in quiet


# ---------------------------------------------------------------- dask


def test_on_a_cluster_of_processes(tmp_path: Path) -> None:
    """`--dask local:2` gives the same as threads, and leaves nothing running."""
    pytest.importorskip("distributed")
    (tmp_path / "list").write_text("1.3.6.1.4.1.5962.1.1.0.0.0.1196527414.5534.0.1\n")
    codes = [
        subprocess.run([*GURNEY, *command, "-q"], check=False).returncode
        for out, options in (("threads", []), ("dask", ["--dask", "local:2"]))
        for command in (["plan", "demo://", "--from", "list", "-o", out], ["run", out, *options])
    ]
    receipts = [
        Receipt.from_json((tmp_path / out / "gurney-receipt.json").read_text())
        for out in ("threads", "dask")
    ]

    assert [0, 0, 0, 0] == codes
    assert receipts[0] == receipts[1]
