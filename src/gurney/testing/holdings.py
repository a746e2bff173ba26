"""What the archive holds, and which of it answers a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

import attrs
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gurney.core import (
    DICOMObjectLevels,
    DuplicateUIDError,
    InstanceReference,
    Match,
    encode,
    matcher,
    put,
    subset,
    text,
    unique,
)

from .comparing import reference_of

__all__ = ["Held", "Holdings"]

_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_LARGE: Final = 1024  # bytes
_PIXELS: Final = 0x7FE0


@attrs.define(eq=False, slots=False)
class Held:
    """An instance in the archive.

    Attributes
    ----------
    reference
        Where it is in the tree.
    dataset
        As it was given.
    item
        What can be searched by and listed: without bulk data, with what is counted or derived.
    """

    reference: InstanceReference
    dataset: Dataset
    item: Dataset

    @cached_property
    def content(self) -> bytes:
        """The Part 10 file."""
        return encode(self.dataset)

    @property
    def bulk(self) -> tuple[BaseTag, ...]:
        """The tags of its bulk data."""
        return _bulk(self.dataset)


class Holdings:
    """Instances, in the order in which they were given.

    Raises
    ------
    InvalidUIDError
        If a data set has no UIDs.
    DuplicateUIDError
        If two data sets are one instance.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        known: dict[InstanceReference, Dataset] = {}
        for dataset in datasets:
            reference = reference_of(dataset)
            if reference in known:
                raise DuplicateUIDError(f"{reference} is given twice; give it once")
            known[reference] = dataset
        self.instances: Sequence[Held] = tuple(_held(known))

    def under(self, uids: Sequence[str]) -> list[Held]:
        """Return the instances of a study, of a series, or one; all for no UIDs."""
        return [held for held in self.instances if held.reference.uids[: len(uids)] == tuple(uids)]

    def find(
        self, level: DICOMObjectLevels, uids: Sequence[str], identifier: Dataset
    ) -> list[Held]:
        """Return one instance for each object of *level* that matches.

        An object matches if one of its instances does. What an instance does not say does not
        match: these data are our own, so absent is no.
        """
        match, depth = matcher(identifier), 3 - level
        found: dict[tuple[str, ...], Held] = {}
        for held in self.under(uids):
            key = held.reference.uids[:depth]
            if key not in found and set(match(held.item).values()) <= {Match.MATCHED}:
                found[key] = held
        return list(found.values())


def _held(instances: dict[InstanceReference, Dataset]) -> Iterator[Held]:
    studies: dict[str, dict[str, list[Dataset]]] = {}
    for reference, dataset in instances.items():
        series = studies.setdefault(reference.study_uid, {})
        series.setdefault(reference.series_uid, []).append(dataset)
    derived = {uid: _of_study(series) for uid, series in studies.items()}
    for reference, dataset in instances.items():
        item = _without_bulk(dataset)
        item.update(derived[reference.study_uid])
        siblings = studies[reference.study_uid][reference.series_uid]
        put(item, "NumberOfSeriesRelatedInstances", [len(siblings)])
        put(item, "InstanceAvailability", ["ONLINE"])
        yield Held(reference, dataset, item)


def _of_study(series: dict[str, list[Dataset]]) -> Dataset:
    """Count and gather, PS3.4 C.3.4."""
    derived = Dataset()
    everything = [dataset for group in series.values() for dataset in group]
    modalities = unique(text(dataset, "Modality") for dataset in everything)
    classes = unique(text(dataset, "SOPClassUID") for dataset in everything)
    put(derived, "ModalitiesInStudy", list(modalities))
    put(derived, "SOPClassesInStudy", list(classes))
    put(derived, "NumberOfStudyRelatedSeries", [len(series)])
    put(derived, "NumberOfStudyRelatedInstances", [len(everything)])
    return derived


def _without_bulk(dataset: Dataset) -> Dataset:
    bulk = frozenset(_bulk(dataset))
    return subset(dataset, lambda tag: tag not in bulk)


def _bulk(dataset: Dataset) -> tuple[BaseTag, ...]:
    return tuple(tag for tag in dataset.keys() if _is_bulk(dataset, tag))  # noqa: SIM118


def _is_bulk(dataset: Dataset, tag: BaseTag) -> bool:
    element = dataset.get_item(tag)
    vr = element.VR or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
    value: object = element.value
    large = isinstance(value, bytes) and len(value) > _LARGE
    return tag.group == _PIXELS or (vr in _BINARY and large)
