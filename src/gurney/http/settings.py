"""How long to wait, how much to take, how often to try: what a transport is set to."""

from __future__ import annotations

import attrs
from attrs.validators import ge, gt, optional

from .. import manners

__all__ = ["Budgets", "Retries", "Timeouts"]


@attrs.frozen
class Timeouts:
    """How long to wait for one answer, in seconds. There is no limit to the whole of it.

    A limit to the whole would break large studies on slow lines (W19); what is too slow altogether
    is told by a rate (W20).

    Attributes
    ----------
    connect
        For the connection.
    first_byte
        For the headers, and again for the first byte after them: an archive may have to fetch
        from tape.
    idle
        For each byte after the first.
    minimum_rate
        Bytes a second that have to come over `window`; `None` for no such rule. Only the time
        spent waiting for the archive counts.
    window
        Seconds over which the rate is taken.
    """

    connect: float = attrs.field(default=10.0, validator=gt(0.0))
    first_byte: float = attrs.field(default=300.0, validator=gt(0.0))
    idle: float = attrs.field(default=60.0, validator=gt(0.0))
    minimum_rate: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    window: float = attrs.field(default=60.0, validator=gt(0.0))


@attrs.frozen
class Budgets:
    """How much to take of one answer; beyond it is a `BudgetExceededError` (W22).

    Attributes
    ----------
    body
        Bytes of a body, unpacked.
    document
        Bytes of a body that is read as a whole: JSON, XML.
    expansion
        Unpacked bytes for each packed byte, once `inflated` bytes are unpacked.
    inflated
        Unpacked bytes that are not looked at for their expansion: an empty image packs well.
    """

    body: int = attrs.field(default=1 << 40, validator=gt(0))
    document: int = attrs.field(default=1 << 28, validator=gt(0))
    expansion: int = attrs.field(default=200, validator=gt(0))
    inflated: int = attrs.field(default=1 << 26, validator=ge(0))


@attrs.frozen
class Retries(manners.Retries):
    """How often to ask, and how long to wait in between.

    The wait is random up to a bound that doubles each time ("full jitter"), and comes on top of
    what the archive asks for by Retry-After (Q29).

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
    attempts_on_500
        Times to ask if the answer is 500: often it will be the same again.
    longest_retry_after
        Seconds to wait at most because the archive asks for it.
    """

    attempts_on_500: int = attrs.field(default=2, validator=ge(1))
    longest_retry_after: float = attrs.field(default=600.0, validator=ge(0.0))
