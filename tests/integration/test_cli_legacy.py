"""The command, MINT and RAD-69: what is found, what is fetched, and what is said of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs
import pytest

from gurney import Receipt
from gurney.cli import ExitCode, main
from gurney.http import Retries, Transport
from gurney.testing import example_datasets
from gurney.testing.legacy import LegacyServer


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


@pytest.fixture
def gurney(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gurney:
    """Return the command; it does not wait before it asks again."""
    patient = partial(Transport, retries=Retries(attempts=2, sleep=lambda _: None))
    monkeypatch.setattr("gurney.legacy.opening.Transport", patient)

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


def url_of(server: LegacyServer) -> str:
    """Return how the command is told of an archive."""
    return f"mint+{server.mint}?rad69=/rad69"


def receipt_in(folder: Path) -> Receipt:
    """Return the receipt that was written there."""
    return Receipt.from_json((folder / "gurney-receipt.json").read_text(encoding="utf-8"))


def test_finds_by_mint(gurney: Gurney) -> None:
    """All there is, and that it is all."""
    with LegacyServer(example_datasets()) as server:
        ran = gurney("find", f"mint+{server.mint}", "--format", "csv")

    assert ExitCode.COMPLETE == ran.code
    assert 4 == ran.out.count("2.25.400")
    assert "complete" in ran.err


@pytest.mark.parametrize("quirk", ["X03", "X04", "X06", "X10", "X11", "X12", "X17", "X18", "X19"])
def test_fetches_by_rad69_whatever_the_archive_does(
    gurney: Gurney, tmp_path: Path, quirk: str
) -> None:
    """What can be had is had; the receipt proves it."""
    with LegacyServer(example_datasets(), [quirk]) as server:
        ran = gurney("fetch", url_of(server), "2.25.4002", "-o", tmp_path)

    receipt = receipt_in(tmp_path)
    assert ExitCode.COMPLETE == ran.code
    assert receipt.complete
    assert 3 == len(receipt.outcomes)


@pytest.mark.parametrize("quirk", ["X02", "X07", "X08", "X09"])
def test_what_does_not_come_is_said(gurney: Gurney, tmp_path: Path, quirk: str) -> None:
    """All but one come; the exit code and the receipt say so, and name it."""
    with LegacyServer(example_datasets(), [quirk]) as server:
        ran = gurney("fetch", url_of(server), "2.25.4002", "-o", tmp_path)

    receipt = receipt_in(tmp_path)
    assert ExitCode.COMPLETE != ran.code
    assert not receipt.complete
    assert ["2.25.400202001"] == [
        str(outcome.reference).rpartition("/")[2]
        for outcome in receipt.outcomes
        if not outcome.good
    ]
    assert "DOE" not in ran.out + ran.err


@pytest.mark.parametrize("quirk", ["X01", "X05", "X13", "X20"])
def test_what_is_no_answer_is_said(gurney: Gurney, quirk: str) -> None:
    """In one line, that repeats nothing of it."""
    with LegacyServer(example_datasets(), [quirk]) as server:
        ran = gurney("find", f"mint+{server.mint}", "-i", "EX-1")

    assert ExitCode.COMPLETE != ran.code
    assert "DOE" not in ran.out + ran.err
    assert "Traceback" not in ran.err
