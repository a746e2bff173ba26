"""How many requests beyond the plain ones a search may make."""

from __future__ import annotations

from threading import Lock

__all__ = ["Allowance"]


class Allowance:
    """A number of requests that is used up. Safe to share between threads.

    Examples
    --------
    >>> allowance = Allowance(1)
    >>> allowance.take(), allowance.take(), allowance.left
    (True, False, 0)
    """

    def __init__(self, requests: int) -> None:
        self._left: int = requests
        self._lock: Lock = Lock()

    @property
    def left(self) -> int:
        """How many are left."""
        return self._left

    def take(self) -> bool:
        """Take one; say whether there was one."""
        with self._lock:
            if not self._left:
                return False
            self._left -= 1
            return True
