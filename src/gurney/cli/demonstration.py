"""``gurney demo``: the real commands, one after the other, on samples that are here already."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.text import Text

from gurney.core import QueryLevels

from .exits import ExitCode
from .fetching import Selection, Target, fetch
from .finding import find
from .formats import Format, ProgressMode
from .samples import DEMO, samples
from .terminal import Terminal
from .verifying import verify

__all__ = ["demo"]

_PATIENT: Final = "77654033"
_ONE: Final = {"patient_id": _PATIENT}


def demo(terminal: Terminal, folder: Path) -> ExitCode:
    """Find, show, fetch and verify the samples; stop where a command does not end well."""
    samples()
    out = shlex.quote(str(folder))
    steps: tuple[tuple[str, str, Callable[[], ExitCode]], ...] = (
        (
            f"gurney find {DEMO}",
            "What is there? These are studies that came with pydicom.",
            lambda: find(terminal, {}, DEMO, QueryLevels.STUDY, Format.TABLE),
        ),
        (
            f"gurney tree {DEMO} --patient-id {_PATIENT}",
            "What is in the studies of one patient?",
            lambda: find(terminal, _ONE, DEMO, QueryLevels.SERIES, Format.TREE),
        ),
        (
            f"gurney fetch {DEMO} --patient-id {_PATIENT} -o {out}",
            "Fetch them. Each instance is checked on its way, and accounted for in a receipt.",
            lambda: fetch(terminal, DEMO, Selection(given=_ONE), Target(folder), ProgressMode.AUTO),
        ),
        (
            f"gurney verify {out}",
            "Is it all still here, whole and unchanged? Ask any time.",
            lambda: verify(terminal, folder, None),
        ),
    )
    for typed, why, run in steps:
        terminal.show(Text.assemble(("# ", "faint"), (why, "faint")))
        terminal.show(Text.assemble(("$ ", "faint"), (typed, "heading")), "")
        code = run()
        terminal.show("")
        if code is not ExitCode.COMPLETE:
            return code
    terminal.show(Text(f"Type the same yourself, with the path of a folder in place of {DEMO}"))
    return ExitCode.COMPLETE
