"""How often to ask an archive again, and how long to leave it alone in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import attrs
from attrs.validators import ge

__all__ = ["Retries"]


@attrs.resolve_types  # so that the hints of classes that inherit from it resolve where those are
@attrs.frozen
class Retries:
    """How often to ask, and how long to wait in between.

    The wait is random up to a bound that doubles each time ("full jitter").

    Attributes
    ----------
    attempts
        Times to ask in all; 1 is to ask once.
    first_wait
        Bound of the first random wait, in seconds.
    longest_wait
        Bound of any random wait, in seconds.
    sleep
        What waits.
    """

    attempts: int = attrs.field(default=5, validator=ge(1))
    first_wait: float = attrs.field(default=1.0, validator=ge(0.0))
    longest_wait: float = attrs.field(default=60.0, validator=ge(0.0))
    sleep: Callable[[float], None] = attrs.field(default=time.sleep, repr=False)

    def wait_before(self, attempt: int) -> float:
        """Return how long to wait before asking once more, in seconds: random, up to the bound.

        Parameters
        ----------
        attempt
            How often it was asked before, 1 or more.
        """
        doublings = min(attempt - 1, 60)  # enough for any bound, and no number too large
        return random.uniform(0.0, min(self.longest_wait, self.first_wait * 2**doublings))
