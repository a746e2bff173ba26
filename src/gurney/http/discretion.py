"""What the library below logs of our requests: never a query, which may name patients."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["discreetly"]

_ours: Final = ContextVar("gurney_request", default=False)


@contextmanager
def discreetly() -> Generator[None]:
    """Have queries left out of what urllib3 logs here; what others send it logs as ever."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get() and isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


def _without_query(value: object) -> object:
    if isinstance(value, str) and "?" in value:
        return value.partition("?")[0] + "?..."
    return value


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())
