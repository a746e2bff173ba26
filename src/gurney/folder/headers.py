"""Elements as bytes for the index, and back: as they were stored, decoded by nobody yet.

A header is one byte of flags (1: little endian, 2: implicit), then for each element its tag, its
value representation (two zeros if implicit), its length and its value.
"""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import STANDARD_VR

from ..core import level_of_keyword
from ..core.walk import Walked
from .index import DamagedIndexError

__all__ = [
    "CHARACTER_SET",
    "KEYWORDS",
    "SERIES_TAGS",
    "STUDY_TAGS",
    "StoredDataset",
    "split",
    "tag_of",
    "unpack",
]

CHARACTER_SET: Final = 0x00080005
_INSTANCE_UID: Final = 0x00080018
_INSTANCE_NUMBER: Final = 0x00200013
_CLASS_UID: Final = 0x00080016
_IN_COLUMNS: Final = frozenset({_INSTANCE_UID, _CLASS_UID})

KEYWORDS: Final = tuple(
    """
    PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex PatientAge
    StudyInstanceUID StudyDate StudyTime StudyID AccessionNumber StudyDescription
    ReferringPhysicianName
    SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDate SeriesTime Laterality
    BodyPartExamined PatientPosition ProtocolName Manufacturer ManufacturerModelName StationName
    InstitutionName InstitutionalDepartmentName FrameOfReferenceUID
    SOPClassUID SOPInstanceUID InstanceNumber NumberOfFrames Rows Columns ImageType
    AcquisitionNumber ContentDate ContentTime TimezoneOffsetFromUTC
    """.split()
)
"""What is kept of every file: all that a query can ask for, and what people like to see."""


@lru_cache(maxsize=256)
def tag_of(keyword: str) -> int:
    """Return the tag of *keyword*, which is in the dictionary."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


_LEVEL_OF_TAG: Final = {tag_of(keyword): int(level_of_keyword(keyword)) for keyword in KEYWORDS}
STUDY_TAGS: Final = frozenset(tag for tag, level in _LEVEL_OF_TAG.items() if level == 2)
SERIES_TAGS: Final = frozenset(tag for tag, level in _LEVEL_OF_TAG.items() if level == 1)

_ELEMENT: Final = Struct("<I2sI")
_IMPLICIT: Final = b"\0\0"
_KNOWN_VRS: Final = frozenset(vr.encode() for vr in STANDARD_VR)
_DATA_SET: Final = 0x00030000  # tags below are file meta's
"""One that nobody knows is stored as none: then pydicom takes that of the dictionary, or raises."""


class Parts(NamedTuple):
    """What a file says, by what it is about."""

    study: bytes
    series: bytes
    instance: bytes
    number: bytes  # InstanceNumber as it is stored


def split(walked: Walked) -> Parts:
    """Return what *walked* found about the study, the series and the instance, as three headers.

    The character set is in each of them. UIDs of the instance have columns of their own.
    """
    flags = bytes((walked.little_endian | walked.implicit_vr << 1,))
    instance, series, study = parts = ([flags], [flags], [flags])  # by level, the lowest first
    number = b""
    pack, level_of = _ELEMENT.pack, _LEVEL_OF_TAG.get
    for tag, (vr, value, _) in sorted(walked.values.items()):
        if tag in _IN_COLUMNS or tag < _DATA_SET:
            continue
        piece = pack(tag, vr if vr in _KNOWN_VRS else _IMPLICIT, len(value)) + value
        if tag == CHARACTER_SET:
            for part in parts:
                part.append(piece)
        else:
            parts[level_of(tag, 0)].append(piece)
            if tag == _INSTANCE_NUMBER:
                number = value
    return Parts(b"".join(study), b"".join(series), b"".join(instance), number)


class StoredDataset(Dataset):
    """A data set that takes a header apart when it is first looked at.

    Until then it needs a tenth of the memory and of the time, and most instances in the result of
    a search are never looked at. *also* are further UIDs, by keyword.
    """

    def __init__(self, header: bytes, also: tuple[tuple[str, str], ...] = ()) -> None:
        self.__dict__["_stored"] = (header, also)  # pydicom's own attributes are not there yet

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  as pydicom declares it
        stored = self.__dict__.get("_stored")
        if stored is None:
            return super().__getattr__(name)
        header, also = stored
        elements = _elements(header)
        for keyword, uid in also:
            element = _uid_element(keyword, uid)
            elements[element.tag] = element
        super().__init__(elements)
        self.set_original_encoding(*_encoding(header))
        self.__dict__.pop("_stored", None)
        return getattr(self, name)


def unpack(header: bytes, wanted: Container[int] | None = None) -> Dataset:
    """Return a data set of the elements in *header*, or of those *wanted*; values are read later.

    Raises
    ------
    DamagedIndexError
        If *header* is not one.
    """
    dataset = Dataset(_elements(header, wanted))
    dataset.set_original_encoding(*_encoding(header))
    return dataset


def _elements(
    header: bytes, wanted: Container[int] | None = None
) -> dict[BaseTag, DataElement | RawDataElement]:
    _, little = _encoding(header)
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    at, end = 1, len(header)
    while at < end:
        if end - at < _ELEMENT.size:
            raise DamagedIndexError
        tag, vr, length = _ELEMENT.unpack_from(header, at)
        at += _ELEMENT.size
        if wanted is None or tag in wanted:
            name = None if vr == _IMPLICIT else vr.decode("ascii")
            value = header[at : at + length] if length else _empty(name)
            base = _base_tag(tag)
            elements[base] = RawDataElement(base, name, length, value, 0, name is None, little)
        at += length
    if at != end:
        raise DamagedIndexError
    return elements


def _encoding(header: bytes) -> tuple[bool, bool]:
    """Whether the values are implicit, and little endian."""
    if not header:
        raise DamagedIndexError
    return bool(header[0] & 2), bool(header[0] & 1)


def _uid_element(keyword: str, uid: str) -> RawDataElement:
    value = uid.encode("latin-1")
    return RawDataElement(_base_tag(tag_of(keyword)), "UI", len(value), value, 0, False, True)


@lru_cache(maxsize=256)
def _base_tag(tag: int) -> BaseTag:
    return BaseTag(tag)


@lru_cache(maxsize=64)
def _empty(vr: str | None) -> bytes | None:
    """What pydicom's own reader hands on for an empty value: for some, None."""
    value = None if vr is None else empty_value_for_VR(vr, raw=True)
    return value if isinstance(value, bytes) else None
