"""A picture of the demo for the README: ``python -m gurney.cli.picture images/demo.svg``."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from .demonstration import demo
from .terminal import THEME, Terminal

__all__ = ["record_demo"]

_WIDTH: Final = 100  # columns
_FONTS: Final = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'


def record_demo(path: str | os.PathLike[str]) -> None:
    """Run the real demo in a temporary folder, and write what a terminal shows to *path* as SVG.

    The picture loads nothing from elsewhere, and is the same for the same version.
    """
    target = Path(path).absolute()
    console = Console(
        file=io.StringIO(),
        record=True,
        width=_WIDTH,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with _in_empty_folder():
        demo(Terminal(console, console, animated=False), Path("gurney-demo"))
    picture = console.export_svg(title="gurney demo", theme=SVG_EXPORT_THEME, unique_id="gurney")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_self_contained(picture), encoding="utf-8")


def _self_contained(picture: str) -> str:
    """Without fonts from the web, which no README loads."""
    without = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"font-family: ?Fira Code, ?monospace", f"font-family: {_FONTS}", without)


@contextmanager
def _in_empty_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    record_demo(sys.argv[1])
