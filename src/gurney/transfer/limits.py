"""How hard an archive may be worked, and when."""

from __future__ import annotations

import attrs
from attrs.validators import ge, gt, optional

from gurney.manners import Retries

__all__ = ["Limits"]


def _retries() -> Retries:
    return Retries(attempts=3, first_wait=10.0, longest_wait=600.0)


@attrs.frozen(kw_only=True)
class Limits:
    """How hard an archive may be worked.

    Attributes
    ----------
    parallel
        Parcels of work at a time, at most. Fewer, when the archive says that it is busy.
    parcel
        Instances in a parcel, at most: what one worker does before it says what became of it.
    requests_per_second, bytes_per_second
        Of all workers together; `None` for no bound.
    retries
        How often an instance is fetched, and how long it is left alone in between. This is beyond
        what the downloader itself does again.
    patience
        Seconds for which an archive may be away before a run gives up.
    """

    parallel: int = attrs.field(default=4, validator=ge(1))
    parcel: int = attrs.field(default=500, validator=ge(1))
    requests_per_second: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    bytes_per_second: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    retries: Retries = attrs.field(factory=_retries)
    patience: float = attrs.field(default=3600.0, validator=ge(0.0))
