"""``gurney transfer run``."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

import attrs

from gurney.transfer import Transfer

from .clusters import executor_of
from .displaying import displaying
from .exits import ExitCode
from .formats import ProgressMode
from .manners import Told, kept
from .standing import conclude
from .terminal import Terminal
from .transfers import Kept, ledger_of, transfer_of

__all__ = ["How", "run"]


@attrs.frozen
class How:
    """How to run, as it was typed."""

    told: Told = attrs.field(factory=Told)
    dask: str | None = None
    retry_failed: bool = False
    progress: ProgressMode = ProgressMode.AUTO


def run(terminal: Terminal, output: str, how: How) -> ExitCode:
    """Fetch what is pending, and say whether it is everything."""
    ledger = ledger_of(output)
    told = how.told.over(kept(ledger))
    transfer = transfer_of(ledger, Kept.of(ledger), told)
    before = transfer.receipts
    try:
        _run(terminal, transfer, how)
    except KeyboardInterrupt:
        terminal.warn(
            "interrupted: what is stored is stored, whole; nothing of it is fetched again"
        )
        terminal.warn(
            f"run the same command again for the rest: gurney transfer run {shlex.quote(output)}"
        )
        return ExitCode.INTERRUPTED
    code = conclude(terminal, ledger, output)
    for path in transfer.receipts:
        if path not in before:
            terminal.note(f"receipt: {path}")
    return code


def _run(terminal: Terminal, transfer: Transfer, how: How) -> None:
    with (
        _terminated_as_interrupted(),
        executor_of(terminal, how.dask) as executor,
        displaying(terminal, how.progress) as progress,
    ):
        transfer.run(executor, progress=progress, retry_failed=how.retry_failed)


@contextmanager
def _terminated_as_interrupted() -> Generator[None]:
    """Have SIGTERM, with which clusters and services stop their jobs, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # who embeds the command keeps the signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
