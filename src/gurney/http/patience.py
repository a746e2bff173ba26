"""When to ask again, and after how long."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception
from tenacity.wait import wait_random_exponential

from ..core import ArchiveUnavailableError, BusyError
from .settings import Retries

__all__ = ["persistently"]

T = TypeVar("T")

_log = logging.getLogger("gurney.http")
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


def persistently(attempt: Callable[[], T], retries: Retries) -> tuple[T, int]:
    """Return what *attempt* returns, and how often it failed before that.

    It is made again after an `ArchiveUnavailableError`, except for status codes that stay.
    """
    waits = wait_random_exponential(multiplier=retries.first_wait, max=retries.longest_wait)

    def wait(state: RetryCallState) -> float:
        error = _error_of(state)
        asked_for = (error.retry_after if isinstance(error, BusyError) else None) or 0.0
        return min(asked_for, retries.longest_retry_after) + waits(state)

    broken = 0

    def stop(state: RetryCallState) -> bool:
        nonlocal broken
        error = _error_of(state)
        broken += isinstance(error, BusyError) and error.status == 500
        return state.attempt_number >= retries.attempts or broken >= retries.attempts_on_500

    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        wait=wait,
        stop=stop,
        sleep=retries.sleep,
        before_sleep=_tell,
        reraise=True,
    )
    result = retrying(attempt)
    return result, int(retrying.statistics["attempt_number"]) - 1


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, BusyError):
        return error.status in _AGAIN
    return isinstance(error, ArchiveUnavailableError)


def _error_of(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _tell(state: RetryCallState) -> None:
    """Say why nothing happens for a while; our errors name no patient."""
    _log.info(
        "%s; attempt %d in %.1f s", _error_of(state), state.attempt_number + 1, state.upcoming_sleep
    )
