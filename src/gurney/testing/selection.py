"""Which of these instances answer a query? Pure; of data that are our own, where absent is no."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs
from pydicom.dataset import Dataset

from gurney.core import InstanceReference, Match, Query, matches, put, text

__all__ = ["Selected", "select"]

_OF_SERIES: Final = ("SeriesInstanceUID", "SeriesDescription")


@attrs.frozen
class Selected:
    """A study that answers a query.

    Attributes
    ----------
    series
        Those that are part of the answer, each with all of its instances: length >= 1.
    modalities
        Of all its series, in order of first appearance.
    whole
        Whether all its series are part of the answer.
    """

    series: tuple[tuple[Dataset, ...], ...]
    modalities: tuple[str, ...]
    whole: bool


def select(
    query: Query, instances: Iterable[tuple[InstanceReference, Dataset]]
) -> Iterator[Selected]:
    """Yield the studies that match *query*, in order of first appearance.

    Keys of a series must all be matched by one series. Any other key is matched by a study if any
    of its instances matches it.
    """
    of_study, of_series = _keys(query)
    for series in _by_study(instances):
        everything = [dataset for group in series for dataset in group]
        found = [group for group in series if _answers(of_series, group)]
        if found and _answers(of_study, everything):
            modalities = dict.fromkeys(text(dataset, "Modality") for dataset in everything)
            yield Selected(tuple(found), tuple(modalities), len(found) == len(series))


def _keys(query: Query) -> tuple[list[Dataset], list[Dataset]]:
    """One data set for each key: those that choose studies, and those that choose series."""
    of_study: list[Dataset] = []
    of_series: list[Dataset] = []
    for element in query.identifier():
        key = Dataset()
        if element.keyword == "ModalitiesInStudy":
            put(key, "Modality", query.ModalitiesInStudy.split("\\"))
        else:
            key.add(element)
        (of_series if element.keyword in _OF_SERIES else of_study).append(key)
    return of_study, of_series


def _answers(keys: Iterable[Dataset], datasets: Iterable[Dataset]) -> bool:
    return all(any(_matches(key, dataset) for dataset in datasets) for key in keys)


def _matches(key: Dataset, dataset: Dataset) -> bool:
    return all(answer is Match.MATCHED for answer in matches(key, dataset).values())


def _by_study(
    instances: Iterable[tuple[InstanceReference, Dataset]],
) -> list[list[tuple[Dataset, ...]]]:
    studies: dict[str, dict[str, list[Dataset]]] = {}
    for reference, dataset in instances:
        series = studies.setdefault(reference.study_uid, {})
        series.setdefault(reference.series_uid, []).append(dataset)
    return [[tuple(group) for group in series.values()] for series in studies.values()]
