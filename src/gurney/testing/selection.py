"""Which of these instances answer a query? Pure; of data that are our own, where absent is no."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
from pydicom.dataset import Dataset

from gurney.core import InstanceReference, Match, Query, matches, put

__all__ = ["Selected", "select"]

_OF_SERIES: Final = ("SeriesInstanceUID", "SeriesDescription")


@attrs.frozen
class Selected:
    """A study that answers a query.

    Attributes
    ----------
    series
        All of them, each with all of its instances.
    answer
        Those series that are part of the answer: length >= 1.
    """

    series: Sequence[Sequence[Dataset]]
    answer: Sequence[Sequence[Dataset]]


def select(
    query: Query, instances: Iterable[tuple[InstanceReference, Dataset]]
) -> Iterator[Selected]:
    """Yield the studies that match *query*, in order of first appearance.

    One instance must match all keys of the study, one of each series returned all keys of the
    series. ModalitiesInStudy is matched by any series.
    """
    of_study, of_series, of_any = _keys(query)
    for series in _by_study(instances):
        everything = [dataset for group in series for dataset in group]
        found = [group for group in series if _any_matches(of_series, group)]
        if found and _any_matches(of_study, everything) and _any_matches(of_any, everything):
            yield Selected(series, found)


def _keys(query: Query) -> tuple[Dataset, Dataset, Dataset]:
    """Part the keys: of the study, of a series, and the modality that any series may have."""
    of_study, of_series, of_any = Dataset(), Dataset(), Dataset()
    for key in query.identifier():
        if key.keyword == "ModalitiesInStudy":
            put(of_any, "Modality", query.ModalitiesInStudy.split("\\"))
        elif key.keyword in _OF_SERIES:
            of_series.add(key)
        else:
            of_study.add(key)
    return of_study, of_series, of_any


def _any_matches(keys: Dataset, datasets: Iterable[Dataset]) -> bool:
    return any(
        all(answer is Match.MATCHED for answer in matches(keys, dataset).values())
        for dataset in datasets
    )


def _by_study(
    instances: Iterable[tuple[InstanceReference, Dataset]],
) -> list[list[list[Dataset]]]:
    studies: dict[str, dict[str, list[Dataset]]] = {}
    for reference, dataset in instances:
        series = studies.setdefault(reference.study_uid, {})
        series.setdefault(reference.series_uid, []).append(dataset)
    return [list(series.values()) for series in studies.values()]
