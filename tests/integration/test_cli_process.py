"""The command as a process: on a terminal, in a pipe, killed, on real files, out of the box."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gurney import Receipt
from gurney.cli import ExitCode, main
from gurney.cli.picture import record_demo
from gurney.cli.samples import samples

GURNEY = (sys.executable, "-m", "gurney.cli")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")

Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes go where nobody else's are, and are gone after the test."""
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONUTF8", "1")


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return a function that runs a command line in a folder of its own."""

    def run(*command: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
        )

    return run


# ---------------------------------------------------------------- before any work


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fetch", "--help"], ["--version"], ["nonsense"]]
)
def test_help_does_not_wait_for_pydicom(process: Process, arguments: list[str]) -> None:
    """Nor for anything else that only commands need."""
    code = (
        "import sys; from gurney.cli import main; main(sys.argv[1:]);"
        "print({'pydicom', 'numpy', 'sqlite3', 'gurney.core'} & set(sys.modules))"
    )
    ran = process(sys.executable, "-c", code, *arguments)

    assert "set()" == ran.stdout.splitlines()[-1]


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(process: Process, missing: str) -> None:
    """The library can be installed alone; the command then says what it needs."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None;"
        "from gurney.cli import main; sys.exit(main(['find', 'demo://']))"
    )
    ran = process(sys.executable, "-c", code)

    assert ExitCode.WRONG_USE == ran.returncode
    assert missing in ran.stderr
    assert 'pip install "gurney[cli]"' in ran.stderr
    assert 1 == len(ran.stderr.splitlines())


# ---------------------------------------------------------------- terminals and pipes


def on_terminal(command: str, **environment: str) -> tuple[str, int]:
    """Run *command* on a terminal of 100 columns; return what it shows, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    with subprocess.Popen(
        [*GURNEY, *command.split()],
        stdin=there,
        stdout=there,
        stderr=there,
        env={**os.environ, "TERM": "xterm-256color", **environment},
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
def test_on_a_terminal_there_is_a_table_in_colour() -> None:
    """A person gets a table; with NO_COLOR the same table without colours."""
    coloured, code = on_terminal("find demo://")
    plain, _ = on_terminal("find demo://", NO_COLOR="1")

    assert 0 == code
    assert "Patient" in coloured
    assert "StudyInstanceUID" not in coloured
    assert COLOUR.search(coloured)
    assert not COLOUR.search(plain)
    assert "Doe^Archibald" in plain


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    """Instances, of how many; not when quiet, and not where nobody looks."""
    shown, code = on_terminal(f"fetch demo:// --all -o {tmp_path / 'a'}")
    quiet, _ = on_terminal(f"fetch demo:// --all -q -o {tmp_path / 'b'}")

    assert 0 == code
    assert "fetching" in shown
    assert "/81 instances" in shown
    assert "fetching" not in quiet


def test_in_a_pipe_results_and_talk_are_apart(process: Process) -> None:
    """Standard output is what the next program reads, whole; no colours, no bar."""
    ran = process(*GURNEY, "find", "demo://")

    assert 7 == len(list(csv.DictReader(ran.stdout.splitlines())))
    assert "7 studies; complete" in ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr


def test_one_command_feeds_another(process: Process, tmp_path: Path) -> None:
    """`find | fetch --from -` fetches what was found."""
    found = process(*GURNEY, "find", "demo://", "--modalities-in-study", "MR")
    fetched = process(*GURNEY, "fetch", "demo://", "--from", "-", "-o", "out", stdin=found.stdout)

    assert 0 == fetched.returncode
    assert 17 == len(list((tmp_path / "out").rglob("*.dcm")))


@pytest.mark.parametrize("command", ["tree", "find"])
def test_a_reader_that_goes_away_is_no_bug(tmp_path: Path, command: str) -> None:
    """`gurney find ... | head -1` ends quietly."""
    with subprocess.Popen(
        [*GURNEY, command, "demo://", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        talk = running.stderr.read()
        code = running.wait(60)

    assert b"" == talk
    assert ExitCode.UNREAD == code


def test_a_locale_without_its_letters(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the C locale a name is escaped, not a reason to fail."""
    code = (
        "import sys\nfrom gurney.cli import main\nimport gurney.cli.opening as opening\n"
        "from gurney.testing import MemoryArchive, example_datasets\n"
        "opening.open_archive = lambda url: MemoryArchive(example_datasets())\n"
        "sys.exit(main(['find', 'x', '--format', sys.argv[1]]))"
    )
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for shown_as in ("table", "tree", "csv", "json"):
        ran = process(sys.executable, "-c", code, shown_as)
        escaped = "M\\u00fcller" if shown_as == "json" else "M\\xfcller"

        assert 0 == ran.returncode
        assert escaped in ran.stdout


# ---------------------------------------------------------------- on files


def test_a_folder_that_is_not_there(process: Process, tmp_path: Path) -> None:
    """An archive that cannot be reached is told from everything else."""
    ran = process(*GURNEY, "find", tmp_path / "nowhere")

    assert ExitCode.UNREACHABLE == ran.returncode
    assert "" == ran.stdout
    assert 1 == len(ran.stderr.splitlines())


def test_a_scheme_that_nobody_opens(process: Process) -> None:
    """It is a wrong use, and says which archives can be opened."""
    ran = process(*GURNEY, "find", "gopher://example.org/")

    assert ExitCode.WRONG_USE == ran.returncode
    assert "file://" in ran.stderr


KILLED = """
import os, signal, sys
from gurney.cli import main
import gurney.cli.opening as opening
from gurney.testing import MemoryArchive, example_datasets

class Killed(MemoryArchive):
    def files(self, objects):
        for n, file in enumerate(super().files(objects), 1):
            if n == 5:
                file.chunks = self.dying(file.chunks)
            yield file

    def dying(self, chunks):
        yield next(chunks)[:400]
        os.kill(os.getpid(), signal.SIGKILL)

kind = Killed if sys.argv[1] == "die" else MemoryArchive
opening.open_archive = lambda url: kind(example_datasets())
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_then_the_same_command(process: Process, tmp_path: Path) -> None:
    """Whenever it dies, final names hold whole files; the same command fetches the rest only."""
    fetch = ("fetch", "x", "--all", "-o", "out")
    killed = process(sys.executable, "-c", KILLED, "die", *fetch)
    left = sorted((tmp_path / "out").rglob("*.dcm"))
    ages = [path.stat().st_mtime_ns for path in left]
    again = process(sys.executable, "-c", KILLED, "live", *fetch)
    verified = process(*GURNEY, "verify", "out")

    assert -9 == killed.returncode
    assert 4 == len(left)
    assert (0, 0) == (again.returncode, verified.returncode)
    assert ages == [path.stat().st_mtime_ns for path in left]
    assert "4 of them were there already" in again.stdout
    assert not list((tmp_path / "out").rglob("*.part"))


def test_demo(process: Process, tmp_path: Path) -> None:
    """A newcomer sees it all, and can type each command that was run."""
    ran = process(*GURNEY, "demo")
    again = process(*GURNEY, "demo", "--output-dir", "other folder")

    typed = [line[2:].split()[1:] for line in ran.stdout.splitlines() if line.startswith("$ ")]
    assert (0, 0) == (ran.returncode, again.returncode)
    assert ["find", "tree", "fetch", "verify"] == [words[0] for words in typed]
    assert [0] * 4 == [process(*GURNEY, *words).returncode for words in typed]
    assert "verify 'other folder'" in again.stdout
    assert Receipt.from_json((tmp_path / "gurney-demo/gurney-receipt.json").read_text()).complete


def test_demo_fetches_samples_byte_for_byte(process: Process, tmp_path: Path) -> None:
    """All samples of pydicom: each file that was fetched is one of them."""
    ran = process(*GURNEY, "fetch", "demo://", "--all", "-o", "out", "--receipt", "receipt.csv")

    source = {path.read_bytes() for path in samples().rglob("*") if path.is_file()}
    fetched = [path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")]
    assert 0 == ran.returncode
    assert 81 == len(fetched) == len((tmp_path / "receipt.csv").read_text().splitlines()) - 1
    assert set(fetched) <= source


def test_picture_of_the_demo(tmp_path: Path) -> None:
    """It is made by running the demo, is the same each time, and loads nothing from elsewhere."""
    record_demo(tmp_path / "one.svg")
    record_demo(tmp_path / "images" / "two.svg")

    picture = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert picture == (tmp_path / "images" / "two.svg").read_text(encoding="utf-8")
    assert "gurney&#160;verify&#160;gurney-demo" in picture
    assert {"url(#"} == set(re.findall(r"url\(.", picture))
    assert str(tmp_path) not in picture


def test_corpus_is_fetched_complete_and_byte_for_byte(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each distinct instance of real studies, from many makers: found, fetched and verified."""
    with (corpus / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        lines = (line.replace("\0", "") for line in manifest)  # Python 3.10 reads no NUL
        rows = [row for row in csv.DictReader(lines) if row["path"].startswith("studies/")]
    out = tmp_path / "out"
    codes = [
        main(["fetch", str(corpus / "studies"), "--all", "-o", str(out), "--progress", "none"]),
        main(["verify", str(out)]),
        main(["find", str(out), "--level", "instance", "--format", "json", "--quiet"]),
    ]

    found = json.loads(capsys.readouterr().out.partition("{\n")[2].join(["{", ""]))
    receipt = Receipt.from_json((out / "gurney-receipt.json").read_text())
    distinct = {row["sop_uid"] for row in rows}
    fetched = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.dcm")}
    assert [0, 0, 0] == codes
    assert len(distinct) == len(receipt.outcomes) == len(fetched)
    assert set(fetched.values()) <= {row["sha256"] for row in rows}
    assert {row["study_uid"] for row in rows} == {
        study["StudyInstanceUID"] for study in found["studies"]
    }
