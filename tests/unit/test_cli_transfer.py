"""What is typed after `gurney transfer`, before anything is asked: limits, windows, functions."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import pytest

from gurney.cli.callables import load
from gurney.cli.exits import WrongUseError
from gurney.cli.manners import Told, keep, kept, limits_of, windows_of
from gurney.transfer import Limits


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("500", 500),
        ("20MB", 20_000_000),
        ("20 MB/s", 20_000_000),
        ("1.5G", 1_500_000_000),
        ("500kB", 500_000),
        ("2MiB", 2_097_152),
        ("1tb", 10**12),
    ],
)
def test_a_rate_is_bytes_a_second(typed: str, expected: float) -> None:
    """With or without a unit, of ten or of two."""
    assert expected == limits_of(Told(rate=typed)).bytes_per_second


@pytest.mark.parametrize("typed", ["", "MB", "-5MB", "20 mbit", "1e6", "nan", "0", "0.0MB"])
def test_what_is_no_rate_is_refused(typed: str) -> None:
    """A typing mistake does not become no bound at all."""
    with pytest.raises(WrongUseError, match="--rate is a number"):
        limits_of(Told(rate=typed))


def test_nothing_said_is_the_default() -> None:
    """The command has no defaults of its own."""
    assert Limits() == limits_of(Told())
    assert "always" == str(windows_of(Told()))


def test_minutes_of_patience() -> None:
    """People think of minutes, `Limits` of seconds."""
    assert 90.0 == limits_of(Told(patience=1.5)).patience


def test_what_was_said_last_goes_before() -> None:
    """And what was not said again stays."""
    earlier = Told(parallel=8, rate="20MB", window="19:00-07:00", zone="Europe/Amsterdam")

    assert attrs.evolve(earlier, parallel=2) == Told(parallel=2).over(earlier)


def test_limits_are_kept(tmp_path: Path) -> None:
    """As they were typed, for the runs to come; nothing kept is nothing said."""
    told = Told(parallel=8, requests=2.5, window="Mon-Fri 19:00-07:00; Sat,Sun")
    before = kept(tmp_path)
    keep(Told(parallel=1), tmp_path)
    keep(told, tmp_path)

    assert Told() == before
    assert told == kept(tmp_path)
    assert ["manners.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"speed": 1}', '{"rate": "fast"}'])
def test_what_somebody_else_wrote_is_refused(tmp_path: Path, content: str) -> None:
    """A limit that cannot be read is not taken for none."""
    (tmp_path / "manners.json").write_text(content)

    with pytest.raises(WrongUseError):
        kept(tmp_path)


def test_a_function_by_name() -> None:
    """Where Python finds it; inside a class too."""
    found: list[object] = [load("builtins:len"), load("builtins:dict.fromkeys")]

    assert [len, dict.fromkeys] == found


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("json", "is MODULE:FUNCTION"),
        (":dumps", "is MODULE:FUNCTION"),
        ("json:", "is MODULE:FUNCTION"),
        ("json:dumps.none", "has no function dumps.none"),
        ("json:__doc__", "has no function __doc__"),
        ("no_such_module:f", "no module named no_such_module"),
    ],
)
def test_what_is_no_function_is_refused(name: str, reason: str) -> None:
    """It is said which part of the name is wrong."""
    with pytest.raises(WrongUseError, match=reason):
        load(name)


def test_a_module_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message may hold anything: what is told is the kind of error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "broken_of_mine.py").write_text("raise ValueError('SECRET')")

    with pytest.raises(WrongUseError, match=r"broken_of_mine cannot be imported: ValueError$"):
        load("broken_of_mine:f")
