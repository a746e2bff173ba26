"""Which instances make a parcel: as few requests as possible, and none for what is not wanted.

A request for all of a study, or of a series, may only be made by whom all of it is wanted. So
what is whole and fits stays together, and what is not whole is not mixed with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import attrs

from gurney.core import DICOMObjectLevels, chunked

__all__ = ["Cut", "Loose", "cut"]


@attrs.frozen
class Loose:
    """A pending instance.

    Attributes
    ----------
    number
        In the ledger.
    series_uid, uid
        Its name in its study.
    all_of_series
        Of how many instances its series is known to consist; 0 if nobody knows.
    """

    number: int
    series_uid: str
    uid: str
    all_of_series: int


@attrs.frozen
class Cut:
    """Instances that make a parcel, and what they are all of."""

    members: tuple[Loose, ...]
    whole: DICOMObjectLevels


def cut(loose: Sequence[Loose], limit: int, all_of_study: int) -> Iterator[Cut]:
    """Yield the parcels of a study.

    Parameters
    ----------
    loose
        In tree order.
    limit
        Instances in a parcel, at most.
    all_of_study
        Of how many instances the study is known to consist; 0 if nobody knows.
    """
    if 0 < len(loose) <= limit and len(loose) == all_of_study:
        yield Cut(tuple(loose), DICOMObjectLevels.STUDY)
        return
    whole: list[Sequence[Loose]] = []
    parts: list[Loose] = []
    for _, members in groupby(loose, attrgetter("series_uid")):
        series = list(members)
        if len(series) == series[0].all_of_series and len(series) <= limit:
            whole.append(series)
        else:
            parts += series
    for several in _packed(whole, limit):
        yield Cut(several, DICOMObjectLevels.SERIES)
    for some in chunked(parts, limit):
        yield Cut(tuple(some), DICOMObjectLevels.INSTANCE)


def _packed(series: Iterable[Sequence[Loose]], limit: int) -> Iterator[tuple[Loose, ...]]:
    """Put together what fits, in order."""
    together: list[Loose] = []
    for each in series:
        if together and len(together) + len(each) > limit:
            yield tuple(together)
            together = []
        together += each
    if together:
        yield tuple(together)
