"""Where an answer comes from: read ahead by a thread, or straight from the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol

from typing_extensions import Self

from ..http import Answer

__all__ = ["Direct", "Source"]


class Source(Protocol):
    """An answer, when it has begun, and its body, as it comes."""

    def answer(self) -> Answer:
        """Return the answer; raise why there is none."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the body."""
        ...


class Direct:
    """An answer that is asked for, and read, when it is needed."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask: Callable[[], Answer] = ask
        self._open: ExitStack = ExitStack()
        self._answer: Answer | None = None

    def answer(self) -> Answer:
        """Ask, once."""
        if self._answer is None:
            self._answer = self._open.enter_context(self._ask())
        return self._answer

    def chunks(self) -> Iterator[bytes]:
        """Return the body."""
        return self.answer().chunks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
