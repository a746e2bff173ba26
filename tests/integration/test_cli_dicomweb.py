"""The command and a DICOMweb archive: what is fetched, what is said, and what is never shown."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import attrs
import pytest

from gurney import Receipt
from gurney.cli import ExitCode, main
from gurney.http import Retries, Transport
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer, Exchange, Fault, Reply

GURNEY = (sys.executable, "-m", "gurney.cli")
PASSWORD = "s3cret-pa55word"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
LONG = 60  # seconds; nothing takes as long, unless what is tested is broken


@attrs.frozen
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Gurney = Callable[..., Ran]


class Guarded(Fault):
    """Lets in who sends the right header."""

    def __init__(self, header: str) -> None:
        super().__init__()
        self.header = header

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        right = exchange.asked.headers.get("authorization") == self.header
        return None if right else Reply(401)


@pytest.fixture(autouse=True)
def _as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the files of whoever runs this are not looked at."""
    for name in [name for name in os.environ if name.startswith("GURNEY_")]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("PYTHONUTF8", "1")


@pytest.fixture
def gurney(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gurney:
    """Return the command; it does not wait before it asks again."""
    patient = partial(Transport, retries=Retries(attempts=2, sleep=lambda _: None))
    monkeypatch.setattr("gurney.dicomweb.opening.Transport", patient)

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def server() -> Iterator[DICOMwebServer]:
    """A well-behaved archive."""
    with DICOMwebServer(example_datasets()) as server:
        yield server


def url_of(server: DICOMwebServer, user: str = "") -> str:
    """Return how the command is told of an archive."""
    return server.url.replace("http://", f"dicomweb+http://{user}")


def receipt_in(folder: Path) -> Receipt:
    """Return the receipt that was written there."""
    return Receipt.from_json((folder / "gurney-receipt.json").read_text(encoding="utf-8"))


# ---------------------------------------------------------------- what comes


@pytest.mark.parametrize("options", ["", "?retrieve=wado-rs", "?wado=/wado"])
def test_fetch(server: DICOMwebServer, gurney: Gurney, tmp_path: Path, options: str) -> None:
    """Everything is here, the receipt says so, and progress was shown while it came."""
    url = url_of(server) + options
    ran = gurney("fetch", url, "--patient-name", "*", "-o", tmp_path, "--progress", "json")

    receipt = receipt_in(tmp_path)
    lines = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert ExitCode.COMPLETE == ran.code
    assert receipt.complete
    assert url_of(server) == receipt.archive
    assert [*range(9)] == [line["done"] for line in lines]
    assert receipt.verified_bytes == lines[-1]["received"]
    assert 8 == len(list(tmp_path.rglob("*.dcm")))


def test_find_and_tree(server: DICOMwebServer, gurney: Gurney) -> None:
    """Results are those of any other archive, and complete."""
    found = gurney("find", url_of(server), "--format", "json", "-l", "series", "-m", "MR")
    tree = gurney("tree", url_of(server))

    document = json.loads(found.out)
    assert ("complete", url_of(server)) == (document["completeness"], document["archive"])
    assert [2] == [len(study["series"]) for study in document["studies"]]
    assert tree.out.startswith(f"{url_of(server)}  4 studies\n")
    assert (0, 0) == (found.code, tree.code)


def test_the_line_is_closed(
    server: DICOMwebServer, gurney: Gurney, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the command ends, be it in the middle of a process."""
    closed: list[Transport] = []

    def close(self: Transport) -> None:
        closed.append(self)

    monkeypatch.setattr(Transport, "close", close)
    gurney("find", url_of(server))

    assert 1 == len(closed)


def test_what_is_found_can_be_fetched_by_reference(
    server: DICOMwebServer, gurney: Gurney, tmp_path: Path
) -> None:
    """A study, or one series of it."""
    ran = gurney("fetch", url_of(server), "2.25.4001", "2.25.4002/2.25.400202", "-o", tmp_path)

    assert ExitCode.COMPLETE == ran.code
    assert 3 == len(receipt_in(tmp_path).outcomes)


# ---------------------------------------------------------------- what does not come


@pytest.mark.parametrize("command", ["find", "tree"])
def test_a_doubtful_answer_is_loud(gurney: Gurney, command: str) -> None:
    """With the reasons: this archive repeats its first page for ever (Q11)."""
    with DICOMwebServer(example_datasets(), ["Q11"], page=2) as server:
        ran = gurney(command, url_of(server))

    assert ExitCode.INCOMPLETE == ran.code
    assert "nobody can say whether this is everything" in ran.err
    assert "`offset` were ignored" in ran.err


def test_what_cannot_be_fetched_is_loud(gurney: Gurney, tmp_path: Path) -> None:
    """Each instance that is cut again and again is named, with what to do (W01)."""
    with DICOMwebServer(example_datasets(), ["W01"], cut_after=400, times=10_000) as server:
        ran = gurney("fetch", url_of(server), "-s", "2.25.4001", "-o", tmp_path)

    assert ExitCode.INCOMPLETE == ran.code
    assert "INCOMPLETE: 0 of 2 instances" in ran.out
    assert "2.25.4001/2.25.400101/2.25.400101001: failed: " in ran.err
    assert "run the same command again" in ran.err
    assert not receipt_in(tmp_path).complete


def test_an_archive_that_is_not_there(gurney: Gurney) -> None:
    """Nothing listens; waiting is told, and in the end what to do."""
    with DICOMwebServer() as server:
        url = url_of(server)
    ran = gurney("find", url)

    assert ExitCode.UNREACHABLE == ran.code
    assert "attempt 2 in" in ran.err
    assert ran.err.splitlines()[-1].startswith("gurney: GET http://127.0.0.1:")
    assert "nothing accepts connections there; try again later" in ran.err


LOG_IN = "status 401: log in; the credentials are missing or not accepted; none were found for 127"
LOST = "/elsewhere/studies: not found (status 404); search for it again, and check the archive's"


@pytest.mark.parametrize(
    ("fault", "path", "words"),
    [("Q30", "", LOG_IN), ("Q25", "", "a login page came"), ("Q01", "/elsewhere", LOST)],
)
def test_an_archive_that_does_not_let_in(
    gurney: Gurney, tmp_path: Path, fault: str, path: str, words: str
) -> None:
    """One line says why, and what to do next; nothing is claimed to be missing or complete."""
    with DICOMwebServer(example_datasets(), [fault]) as server:
        url = url_of(server) + path
        ran = [gurney("find", url), gurney("fetch", url, "--all", "-o", tmp_path)]

    assert {ExitCode.UNREACHABLE} == {run.code for run in ran}
    assert [True, True] == [words in run.err for run in ran]
    assert [("", 1)] * 2 == [(run.out, len(run.err.splitlines())) for run in ran]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("dicomweb+https://me:s3cret-pa55word@h/a", "holds a password"),
        ("dicomweb+https://h/a?token=s3cret-pa55word", "unknown option"),
        ("dicomweb+https://me@h/a", "no password for the user at h"),
    ],
)
def test_wrong_use(gurney: Gurney, tmp_path: Path, url: str, words: str) -> None:
    """It is one line, without what may be a secret."""
    ran = gurney("fetch", url, "--all", "-o", tmp_path)

    assert ExitCode.WRONG_USE == ran.code
    assert words in ran.err
    assert 1 == len(ran.err.splitlines())
    assert PASSWORD not in ran.err


# ---------------------------------------------------------------- secrets


SetUp = Callable[[DICOMwebServer], str]


@pytest.fixture(params=["token", "netrc"])
def login(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, SetUp]:
    """Return the header that is to be sent, and what makes it so and gives the URL to use."""

    def set_up(server: DICOMwebServer) -> str:
        if request.param == "netrc":
            (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}")
            return url_of(server, "me@")
        monkeypatch.setenv("GURNEY_HOST", server.url.split("/")[2])
        monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
        return url_of(server)

    return (f"Basic {BASIC}" if request.param == "netrc" else f"Bearer {PASSWORD}"), set_up


@pytest.mark.parametrize("right", [True, False])
def test_no_secret_is_shown_or_kept(
    gurney: Gurney,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    login: tuple[str, SetUp],
    right: bool,
) -> None:
    """Neither in what is written, nor in any log, be they accepted or not."""
    caplog.set_level(logging.DEBUG)
    header, set_up = login
    out = tmp_path / "out"
    with DICOMwebServer(example_datasets(), [Guarded(header if right else "other")]) as server:
        url = set_up(server)
        ran = [
            gurney("find", url, "-f", "json"),
            gurney("tree", url),
            gurney("fetch", url, "-i", "EX-1", "-o", out, "--progress", "json"),
            gurney("fetch", url, "2.25.4003", "-o", out, "--receipt", tmp_path / "r.csv"),
        ]
        sent = {request.headers.get("authorization") for request in server.requests}

    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "netrc"]
    shown = "".join(run.out + run.err for run in ran) + caplog.text
    shown += "".join(path.read_bytes().decode("latin-1") for path in written)
    assert {header} == sent
    assert right == all(run.code == ExitCode.COMPLETE for run in ran)
    assert written or not right
    assert not any(secret in shown for secret in (PASSWORD, BASIC, "me@"))


# ---------------------------------------------------------------- interrupted


def test_interrupted_in_the_middle(
    gurney: Gurney, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C leaves no thread behind, and what has come is whole."""
    before = set(threading.enumerate())

    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gurney.cli.watching._nobody", press)
    with DICOMwebServer(example_datasets()) as server:
        ran = gurney("fetch", url_of(server), "--all", "-o", tmp_path)
        left = {thread.name for thread in set(threading.enumerate()) - before}
    monkeypatch.undo()

    assert ExitCode.INTERRUPTED == ran.code
    assert "run the same command again for the rest" in ran.err
    assert "gurney-read-ahead" not in left


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_interrupted_as_a_process(tmp_path: Path) -> None:
    """It ends at once, with one word about it, though an answer is still coming (W19)."""
    with DICOMwebServer(example_datasets(), ["W19"], pause=0.5) as server:
        # Who started the tests in the background has switched interrupts off; that is inherited
        on = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        program = f"{on}; import sys; from gurney.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "fetch", url_of(server), "--all"]
        with subprocess.Popen(
            [*command, "-o", str(tmp_path / "out"), "--progress", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        ) as running:
            assert running.stderr
            first = running.stderr.readline()
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=LONG)

    assert 8 == json.loads(first)["expected"]
    assert (ExitCode.INTERRUPTED, "") == (running.returncode, out)
    assert "are here, whole; no receipt" in err
    assert "Traceback" not in err
    assert "Exception ignored" not in err


# ---------------------------------------------------------------- not installed


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """The command can be installed without the library that DICOMweb needs."""
    code = (
        "import sys; sys.modules['requests'] = None;"
        "from gurney.cli import main; sys.exit(main(['find', 'dicomweb+https://h/a']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert ExitCode.WRONG_USE == ran.returncode
    assert 'pip install "gurney[dicomweb]"' in ran.stderr
    assert 1 == len(ran.stderr.splitlines())
