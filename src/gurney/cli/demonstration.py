"""``gurney demo``: the real commands, one after the other, on samples that are here already."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.text import Text

from gurney.core import QueryLevels

from .echoing import echo
from .exits import ExitCode
from .fetching import Selection, Target, fetch
from .finding import find
from .formats import Format, Over, ProgressMode
from .samples import DEMO, samples
from .terminal import Terminal
from .verifying import verify

__all__ = ["demo"]

_PATIENT: Final = "77654033"
_ONE: Final = {"patient_id": _PATIENT}


def demo(terminal: Terminal, folder: Path, over: Over = Over.FILES) -> ExitCode:
    """Find, show, fetch and verify the samples; stop where a command does not end well."""
    with _served(over) as archive:
        for typed, why, run in _steps(terminal, folder, archive):
            terminal.show(Text.assemble(("# ", "faint"), (why, "faint")))
            terminal.show(Text.assemble(("$ ", "faint"), (typed, "heading")), "")
            code = run()
            terminal.show("")
            if code is not ExitCode.COMPLETE:
                return code
    other = f"the path of a folder in place of {DEMO}" if over is Over.FILES else "your own URL"
    terminal.show(Text(f"Type the same yourself, with {other}"))
    return ExitCode.COMPLETE


@contextmanager
def _served(over: Over) -> Generator[str]:
    """Yield what to call the samples by on a command line."""
    folder = samples()
    if over is Over.FILES:
        yield DEMO
        return
    from gurney.core import UnknownArchiveError
    from gurney.folder import FolderArchive

    try:
        from gurney.testing.dimse import DIMSEServer
    except ModuleNotFoundError as error:
        raise UnknownArchiveError(
            f'dimse:// needs {error.name}, which is not installed; run: pip install "gurney[dimse]"'
        ) from error
    with DIMSEServer(FolderArchive(folder)) as server:
        yield f"{server.url}?retrieve=get"


def _steps(
    terminal: Terminal, folder: Path, archive: str
) -> tuple[tuple[str, str, Callable[[], ExitCode]], ...]:
    """Return what is typed, why, and what that does."""
    url, out = shlex.quote(archive), shlex.quote(str(folder))
    asked = (
        ()
        if archive == DEMO
        else ((f"gurney echo {url}", "Is anybody there?", lambda: echo(terminal, archive)),)
    )
    return (
        *asked,
        (
            f"gurney find {url}",
            "What is there? These are studies that came with pydicom.",
            lambda: find(terminal, {}, archive, QueryLevels.STUDY, Format.TABLE),
        ),
        (
            f"gurney tree {url} --patient-id {_PATIENT}",
            "What is in the studies of one patient?",
            lambda: find(terminal, _ONE, archive, QueryLevels.SERIES, Format.TREE),
        ),
        (
            f"gurney fetch {url} --patient-id {_PATIENT} -o {out}",
            "Fetch them. Each instance is checked on its way, and accounted for in a receipt.",
            lambda: fetch(
                terminal, archive, Selection(given=_ONE), Target(folder), ProgressMode.AUTO
            ),
        ),
        (
            f"gurney verify {out}",
            "Is it all still here, whole and unchanged? Ask any time.",
            lambda: verify(terminal, folder, None),
        ),
    )
