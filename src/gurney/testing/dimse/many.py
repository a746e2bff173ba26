"""Instances of very many SOP classes (D21)."""

from __future__ import annotations

from typing import Final

from pydicom import uid as known
from pydicom.dataset import Dataset

from gurney.core import decode, encode, put

from ..making import MadeSeries, made

__all__ = ["many_classes"]

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_STUDY: Final = "2.25.4021"


def many_classes(count: int = 130) -> list[Dataset]:
    """Return a study of *count* instances, each of another storage class.

    Contexts of one association reach for 128 (PS3.8 9.3.2.2). The instances are grey squares,
    whatever their class says; classes that PS3.6 does not have are made up when it has no more.

    Examples
    --------
    >>> len({dataset.SOPClassUID for dataset in many_classes()})
    130
    """
    real = sorted({str(uid) for uid in vars(known).values() if str(uid).startswith(_STORAGE)})
    made_up = [f"{_STORAGE}9999.{place}" for place in range(1, count + 1)]
    datasets = made(_STUDY, {"PatientID": "EX-21"}, MadeSeries("OT", count))
    return [_of_class(*pair) for pair in zip(datasets, [*real, *made_up], strict=False)]


def _of_class(dataset: Dataset, sop_class: str) -> Dataset:
    put(dataset, "SOPClassUID", [sop_class])
    put(dataset.file_meta, "MediaStorageSOPClassUID", [sop_class])
    return decode(encode(dataset), "an instance")
