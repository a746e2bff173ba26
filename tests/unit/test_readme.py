"""What the README shows is run, and is what the type checkers see."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pydicom
import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three patients beside which the examples run, and an index of their own."""
    samples = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(samples, tmp_path / "studies")


@pytest.mark.usefixtures("studies")
def test_first_example_fetches_studies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It finds the three studies of that year, and has them all."""
    exec(compile(BLOCKS[0], "README.md", "exec"), {})

    assert capsys.readouterr().out.startswith("3 studies; complete\n2 3 2 series\nTrue ")
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 17


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_other_examples_run(block: str) -> None:
    """They assert for themselves what they show."""
    assert "assert " in block

    exec(compile(block, "README.md", "exec"), {})


def test_type_checkers_see_the_examples() -> None:
    """Below tests/typing lies a copy of every example, letter by letter."""
    seen = (ROOT / "tests" / "typing" / "readme.py").read_text("utf-8")

    assert [block for block in BLOCKS if block not in seen] == []
