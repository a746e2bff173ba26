"""The two streams of a command: results on standard output, talk on standard error."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import TextIOWrapper
from os import environ
from typing import Final

import attrs
from rich.console import Console, RenderableType
from rich.text import Text
from rich.theme import Theme

from gurney.escaping import json_visible, visible

__all__ = ["THEME", "Terminal"]

THEME: Final = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "doubt": "yellow",
        "faint": "bright_black",
        "heading": "bold",
        "study": "bold cyan",
        "series": "green",
        "instance": "default",
        "number": "default",
        "bar.complete": "cyan",
        "bar.finished": "green",
        "bar.pulse": "cyan",
    }
)

_UNBOUNDED: Final = 4_096  # columns where no terminal sets a limit: no line is folded or cut


@attrs.frozen
class Terminal:
    """Where a command writes.

    Attributes
    ----------
    out
        Results, and nothing else.
    err
        Progress, notes, warnings, reasons.
    quiet
        No progress and no notes; what is wrong is said all the same.
    read_by_person
        Whether results go to a terminal.
    animated
        Whether standard error is looked at while things happen: spinners, bars.
    """

    out: Console
    err: Console
    quiet: bool = False
    read_by_person: bool = True
    animated: bool = False

    @classmethod
    def standard(cls, *, quiet: bool = False) -> Terminal:
        """Return the terminal of this process. Colours are left out for ``NO_COLOR`` and files."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a name in a locale without its letters
                stream.reconfigure(errors="backslashreplace")
        return cls(
            _console(stderr=False),
            _console(stderr=True),
            quiet,
            read_by_person=sys.stdout.isatty(),
            animated=sys.stderr.isatty() and not quiet,
        )

    def show(self, *results: RenderableType) -> None:
        """Write a result for people."""
        for result in results:
            self.out.print(result)

    def write(self, text: str) -> None:
        """Write a result for programs, as it is."""
        self.out.file.write(text)

    def write_json(self, document: str) -> None:
        """Write a JSON document, so that it says the same and steers no terminal."""
        self.write(json_visible(document, self.out.encoding))

    def note(self, text: str) -> None:
        """Say something that is good to know; not in quiet mode."""
        if not self.quiet:
            self._say(Text(visible(text), style="faint"))

    def warn(self, text: str) -> None:
        """Say something that must not be missed."""
        self._say(Text(visible(text), style="doubt"))

    def error(self, text: str) -> None:
        """Say why the command cannot go on, on one line."""
        self._say(Text.assemble(("gurney: ", "bad"), visible(text)))

    @contextmanager
    def busy(self, text: str) -> Generator[None, None, None]:
        """Show that something is going on, for as long as it takes; only to a person."""
        if not self.animated:
            yield
            return
        with self.err.status(Text(visible(text), style="faint"), spinner="line"):
            yield

    def _say(self, line: Text) -> None:
        self.err.print(line, soft_wrap=True)


class _Console(Console):
    """Leaves it to the command what to do when nobody reads on: rich itself exits with code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    console = _Console(
        stderr=stderr, theme=THEME, highlight=False, markup=False, emoji=False, soft_wrap=False
    )
    if not console.is_terminal and "COLUMNS" not in environ:
        console.width = _UNBOUNDED
    return console
