"""Ctrl-C while a run is at work: the first asks it to stop in good order, the second insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["Interrupts", "interrupts"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether somebody has pressed Ctrl-C."""

    def __init__(self) -> None:
        self.came: bool = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take note of a signal; the second time, raise."""
        if self.came:
            raise KeyboardInterrupt
        self.came = True


@contextmanager
def interrupts() -> Generator[Interrupts, None, None]:
    """Take the signals that would raise `KeyboardInterrupt`, for as long as this lasts.

    Other threads than the main one get no signals, and who has a handler of his own keeps it.
    """
    taken = Interrupts()
    names: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        names = [name for name in _ENDING if signal.getsignal(name) is signal.default_int_handler]
    for name in names:
        signal.signal(name, taken)
    try:
        yield taken
    finally:
        for name in names:
            signal.signal(name, signal.default_int_handler)
