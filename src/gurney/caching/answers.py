"""Search results as JSON and back, and what of a deep result answers a shallower question. Pure."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    HeldBack,
    Instance,
    SearchResult,
    Series,
    Study,
    parse_reference,
    stored,
)

__all__ = ["cut", "from_json", "to_json"]

_FORMAT: Final = "gurney search result 1"


def to_json(result: SearchResult) -> str | None:
    """Return *result* as JSON text; `None` if it would not come back as it is.

    Data sets are held as the bytes in which DICOM writes them: the DICOM JSON Model has no room
    for damaged values, of which real archives are full.

    References
    ----------
    DICOM PS3.5 7, the Data Set.
    """
    try:
        return json.dumps(_result(result), separators=(",", ":"))
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged values (P01)
        return None


def from_json(written: str) -> SearchResult:
    """Return the result that `to_json` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is not one.
    """
    content = json.loads(written)
    if content["format"] != _FORMAT:
        raise ValueError(_FORMAT)
    return SearchResult(
        map(_read_study, content["studies"]),
        Completeness(content["completeness"]),
        content["reasons"],
        map(_read_held_back, content["held_back"]),
        content["notes"],
    )


def cut(result: SearchResult, level: DICOMObjectLevels) -> SearchResult:
    """Return *result* without what lies below *level*."""
    return SearchResult(
        [_cut(study, level) for study in result],
        result.completeness,
        result.reasons,
        [item for item in result.held_back if not item.reference or item.reference.level >= level],
        result.notes,
    )


def _cut(study: Study, level: DICOMObjectLevels) -> Study:
    if level is DICOMObjectLevels.STUDY:
        return Study(study.uid, study.data)
    if level is DICOMObjectLevels.SERIES:
        return Study(study.uid, study.data, [Series(s.uid, s.data) for s in study.series])
    return study


def _result(result: SearchResult) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "completeness": result.completeness.value,
        "reasons": result.reasons,
        "notes": result.notes,
        "held_back": [
            {
                "reason": item.reason,
                "reference": str(item.reference or ""),
                "data": _data(item.data),
            }
            for item in result.held_back
        ],
        "studies": [
            _object(study, [_series(series) for series in study.series]) for study in result
        ],
    }


def _series(series: Series) -> list[Any]:
    return _object(series, [_object(instance, []) for instance in series.instances])


def _object(obj: Study | Series | Instance, children: Iterable[Any]) -> list[Any]:
    return [obj.uid, _data(obj.data), list(children)]


def _data(dataset: Dataset) -> list[Any]:
    """Return the encoding of *dataset* and its bytes; what was read comes as it was read."""
    implicit, little = (
        dataset.original_encoding[0] is True,
        dataset.original_encoding[1] is not False,
    )
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, little
    write_dataset(buffer, dataset)
    content = buffer.getvalue()
    _check(dataset, _decoded(content, implicit, little))
    return [implicit, little, b64encode(content).decode()]


def _check(dataset: Dataset, back: Dataset) -> None:
    """See that no letter was lost: a character set may have no place for it.

    What nobody has looked at since it was read is written as the bytes that were read.
    """
    for tag in list(dataset.keys()):
        raw = isinstance(dataset.get_item(tag), RawDataElement)
        if not raw and stored(dataset, tag) != stored(back, tag):
            raise ValueError(tag)


def _decoded(content: bytes, implicit: bool, little: bool) -> Dataset:
    return read_dataset(BytesIO(content), implicit, little)


def _read_data(content: list[Any]) -> Dataset:
    implicit, little, encoded = content
    return _decoded(b64decode(encoded), bool(implicit), bool(little))


def _read_study(content: list[Any]) -> Study:
    uid, data, children = content
    return Study(uid, _read_data(data), map(_read_series, children))


def _read_series(content: list[Any]) -> Series:
    uid, data, children = content
    return Series(uid, _read_data(data), map(_read_instance, children))


def _read_instance(content: list[Any]) -> Instance:
    uid, data, _ = content
    return Instance(uid, _read_data(data))


def _read_held_back(content: Mapping[str, Any]) -> HeldBack:
    reference = parse_reference(content["reference"]) if content["reference"] else None
    return HeldBack(content["reason"], reference, _read_data(content["data"]))
