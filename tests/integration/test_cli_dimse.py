"""The command and a DIMSE archive: what is fetched, what is said, and what is never shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from tests.servers.orthanc import Orthanc

from gurney import Receipt
from gurney.cli import ExitCode, main
from gurney.testing import TREE, example_datasets
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.dimse import DIMSEServer

from .conftest import Destinations

INSTANCES = sum(1 for study in TREE for _ in study.all_instances())


@attrs.frozen
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Gurney = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the files of whoever runs this are not looked at."""
    for name in [name for name in os.environ if name.startswith("GURNEY_")]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def gurney(capsys: pytest.CaptureFixture[str]) -> Gurney:
    """Return a function that runs the command in this process."""

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def server() -> Iterator[DIMSEServer]:
    """A well-behaved archive."""
    with DIMSEServer(example_datasets()) as server:
        yield server


def test_echo_says_who_answered(gurney: Gurney, server: DIMSEServer) -> None:
    """And after how long; by C-ECHO, and nothing else."""
    ran = gurney("echo", f"{server.url}?calling=ME")

    assert (ExitCode.COMPLETE, "") == (ran.code, ran.err)
    assert re.fullmatch(rf"{server.url} answered an echo in [0-9.]+ ms\n", ran.out)
    assert ["C-ECHO"] == [request.service.value for request in server.requests]


def test_echo_of_an_archive_that_is_not_there(gurney: Gurney, server: DIMSEServer) -> None:
    """It is asked once."""
    server.close()
    ran = gurney("echo", server.url)

    assert (ExitCode.UNREACHABLE, "") == (ran.code, ran.out)
    assert 1 == len(ran.err.splitlines())
    assert "nothing accepts connections there" in ran.err


def test_echo_of_an_archive_that_does_not_know_us(gurney: Gurney, server: DIMSEServer) -> None:
    """What to do is said."""
    ran = gurney("echo", server.url.replace("ARCHIVE", "OTHER"))

    assert (ExitCode.UNREACHABLE, "") == (ran.code, ran.out)
    assert "AE title" in ran.err


def test_echo_of_other_archives(gurney: Gurney, tmp_path: Path) -> None:
    """They are asked for a study that there is not."""
    (tmp_path / "empty").mkdir()
    with DICOMwebServer(example_datasets()) as web:
        url = web.url.replace("http://", "dicomweb+http://")
        ran = [gurney("echo", url), gurney("echo", "empty")]

    assert [ExitCode.COMPLETE] * 2 == [one.code for one in ran]
    assert all("answered a search in" in one.out for one in ran)
    assert 1 == len(web.requests)


def test_find_shows_what_the_archive_has(gurney: Gurney, server: DIMSEServer) -> None:
    """As every archive."""
    ran = gurney("find", server.url, "--patient-id", "EX-1", "--format", "json")

    assert ExitCode.COMPLETE == ran.code, ran.err
    document = json.loads(ran.out)
    assert 2 == len(document["studies"])
    assert server.url == document["archive"]


@pytest.mark.parametrize("retrieve", ["get", "move", "auto"])
def test_fetch_is_complete(
    gurney: Gurney,
    orthanc_with_kit: Orthanc,
    destinations: Destinations,
    retrieve: str,
    tmp_path: Path,
) -> None:
    """``gurney fetch dimse://… --all``: exit status 0, and a receipt that proves it."""
    url = f"dimse://ORTHANC@127.0.0.1:{orthanc_with_kit.dicom_port}?retrieve={retrieve}"
    if retrieve != "get":
        url += f"&receiver=127.0.0.1:{destinations['GURNEY']}"
    ran = gurney("fetch", url, "--all", "-o", "out", "--receipt", "receipt.json")

    assert ExitCode.COMPLETE == ran.code, ran.err
    receipt = Receipt.from_json((tmp_path / "receipt.json").read_text(encoding="utf-8"))
    protocol = {"move": "C-MOVE"}.get(retrieve, "C-GET")
    assert receipt.complete
    assert INSTANCES == len(receipt.outcomes) == sum(1 for _ in Path("out").rglob("*.dcm"))
    assert {protocol} == {outcome.protocol for outcome in receipt.outcomes}
    assert url.partition("?")[0] == receipt.archive


def test_destination_that_the_archive_does_not_know(
    gurney: Gurney, orthanc_with_kit: Orthanc
) -> None:
    """D15: it is said by its title, and nothing passes for complete."""
    port = orthanc_with_kit.dicom_port
    url = f"dimse://ORTHANC@127.0.0.1:{port}?retrieve=move&destination=NOBODY"
    ran = gurney("fetch", url, "--all", "-o", "out")

    assert ExitCode.INCOMPLETE == ran.code
    assert "NOBODY" in ran.out + ran.err
    assert [] == list(Path("out").rglob("*.dcm"))


def test_move_from_elsewhere_needs_a_receiver(gurney: Gurney) -> None:
    """Nobody out there can send to this machine's own address."""
    ran = gurney("fetch", "dimse://A@archive.example?retrieve=move", "--all", "-o", "out")

    assert ExitCode.WRONG_USE == ran.code
    assert "receiver" in ran.err


def test_demo_over_dimse(tmp_path: Path) -> None:
    """The same commands, on an archive that answers by DIMSE."""
    command = [sys.executable, "-m", "gurney.cli", "demo", "--over", "dimse"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    receipt = (tmp_path / "gurney-demo/gurney-receipt.json").read_text(encoding="utf-8")
    assert ExitCode.COMPLETE == ran.returncode, ran.stderr
    assert "$ gurney echo 'dimse://ARCHIVE@127.0.0.1:" in ran.stdout
    assert {"C-GET"} == {outcome.protocol for outcome in Receipt.from_json(receipt).outcomes}
