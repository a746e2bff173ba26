"""Does a listing agree with what the archive counts? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import attrs

from ..core import Completeness
from .desk import Item
from .doubts import Doubt

__all__ = ["Counts", "count_of", "doubts_about_instances", "doubts_about_series"]

_SHORT: Final = "the archive counts more {} than it lists"


def count_of(items: Collection[Item], keyword: str) -> int | None:
    """Return what *items* say of a number of related objects; `None` if one does not say.

    A study that is listed once for each of its patients (Q33) has the sum of what is counted.
    """
    texts = [item.text(keyword).removeprefix("+") for item in items]  # D26
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts):
        return None
    return sum(map(int, texts))


@attrs.frozen
class Counts:
    """What an archive counts in one study; `None` where it does not say.

    Attributes
    ----------
    series, instances
        In the study, as the study says.
    in_series
        Instances by series UID, as the series say.
    rows_of_series
        How many series were listed, once for each of their patients (Q33).
    """

    series: int | None
    instances: int | None
    in_series: Mapping[str, int | None]
    rows_of_series: int = attrs.field(kw_only=True)

    @classmethod
    def of(cls, study: Collection[Item], series: Mapping[str, Collection[Item]]) -> Counts:
        """Read them from the items of a study and of its series."""
        return cls(
            count_of(study, "NumberOfStudyRelatedSeries"),
            count_of(study, "NumberOfStudyRelatedInstances"),
            {
                uid: count_of(items, "NumberOfSeriesRelatedInstances")
                for uid, items in series.items()
            },
            rows_of_series=sum(map(len, series.values())),
        )

    def agree_by_series(self, listed: Mapping[str, int]) -> bool:
        """Say whether all series are there, and as much *listed* in each as it counts.

        What the study counts may be something else then, a value stored long ago: some archives
        return it as it is. What its series count is the better proof.
        """
        return self.series == self.rows_of_series and self.in_series == listed

    @property
    def all_instances(self) -> int | None:
        """How many there are in the study: of two counts that differ, the larger."""
        known = [count for count in self.in_series.values() if count is not None]
        if self.instances is not None:
            return max(self.instances, sum(known))
        is_sum_of_all = self.series is not None and len(known) >= self.series
        return sum(known) if is_sum_of_all and len(known) == len(self.in_series) else None


def doubts_about_series(
    study_uid: str, listed: int, counted: int | None, *, cut: bool
) -> Iterator[Doubt]:
    """Yield why the series of a study may not be all.

    If the listing is known to be *cut*, what is not there is missing; else the count may be wrong.
    """
    if counted is None:
        yield Doubt("the archive does not say how many series there are", study_uid)
    elif listed < counted:
        yield _short("series", study_uid, listed, counted, cut)


def doubts_about_instances(
    study_uid: str,
    listed: Counter[str],
    counts: Counts,
    *,
    whole: bool,
    cut: bool,
    sure: Callable[[], bool] | None = None,
) -> Iterator[Doubt]:
    """Yield why the instances of a study, counted by series, may not be all.

    The study's own count applies if the *whole* study was to be listed. Where there is none, the
    archive may be *sure* to have listed all, as each answer is so small.
    """
    counted = sum(count or 0 for count in counts.in_series.values())
    missing = sum(max(0, (n or 0) - listed[uid]) for uid, n in counts.in_series.items())
    is_counted = whole and counts.instances is not None
    is_short = listed.total() < (counts.instances or 0) and not counts.agree_by_series(listed)
    if missing:
        yield _short("instances", study_uid, counted - missing, counted, cut)
    elif is_counted and is_short:
        yield _short("instances", study_uid, listed.total(), counts.instances or 0, cut)
    elif not is_counted and None in counts.in_series.values():
        if sure is not None and sure():
            return
        yield Doubt("the archive does not say how many instances there are", study_uid)


def _short(what: str, study_uid: str, listed: int, counted: int, cut: bool) -> Doubt:
    completeness = Completeness.CAPPED if cut else Completeness.UNKNOWN
    return Doubt(_SHORT.format(what), study_uid, f"{listed} of {counted}", completeness)
