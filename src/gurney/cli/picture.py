"""A picture of the demo for the README: ``python -m gurney.cli.picture images/demo.svg``."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from .demonstration import demo
from .terminal import THEME, Terminal

__all__ = ["record_demo"]

_WIDTH: Final = 100  # columns
# Background, foreground, the eight colours, and those again but bright.
_COLOURS: Final = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
    [
        (139, 148, 158),
        (255, 161, 152),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (255, 255, 255),
    ],
)
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
    picture = console.export_svg(title="gurney demo", theme=_COLOURS, unique_id="gurney")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_self_contained(picture), encoding="utf-8")


def _self_contained(picture: str) -> str:
    """Without fonts from the web, which no README loads; with every space."""
    without = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    local = re.sub(r"font-family: ?Fira Code, ?monospace", f"font-family: {_FONTS}", without)
    return local.replace("<svg ", '<svg xml:space="preserve" ', 1)


@contextmanager
def _in_empty_folder() -> Generator[None, None, None]:
    """Somewhere new, and with an index that is new too."""
    before, cache = Path.cwd(), os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            os.chdir(before)
            del os.environ["XDG_CACHE_HOME"]
            if cache is not None:
                os.environ["XDG_CACHE_HOME"] = cache


if __name__ == "__main__":
    record_demo(sys.argv[1])
