"""Small, valid, made-up instances."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

import attrs
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from gurney.core import decode, encode, put

__all__ = ["MadeSeries", "made"]

# Present in every instance, empty if nothing is known: PS3.5 7.4.3, type 2.
_TYPE_2: Final = """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber StudyID
    ReferringPhysicianName PatientOrientation
""".split()


@attrs.frozen
class MadeSeries:
    """What a made-up series is like: grey squares.

    Attributes
    ----------
    modality
        ``"CT"``, ``"MR"``, ...: what the squares pretend to be.
    instances
        How many.
    values
        Further attributes, by keyword.
    size
        Rows, and columns, of each; a pixel is a byte. With RLE at most 11.
    transfer_syntax
        Explicit or Implicit VR Little Endian, or RLE Lossless.
    """

    modality: str
    instances: int
    values: Mapping[str, str] = attrs.field(factory=dict[str, str])
    size: int = 2
    transfer_syntax: UID = ExplicitVRLittleEndian


def made(study_uid: str, values: Mapping[str, str], *series: MadeSeries) -> list[Dataset]:
    """Return the instances of one study, as they are when they have been written and read.

    UIDs are that of the study, two digits for the series, three for the instance.
    """
    return [
        _instance(f"{study_uid}{place:02}", number, one, {"StudyInstanceUID": study_uid, **values})
        for place, one in enumerate(series, start=1)
        for number in range(1, one.instances + 1)
    ]


def _instance(uid: str, number: int, series: MadeSeries, values: Mapping[str, str]) -> Dataset:
    dataset = Dataset()
    texts = {
        "SpecificCharacterSet": "ISO_IR 192",
        **dict.fromkeys(_TYPE_2, ""),
        **values,
        **series.values,
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": f"{uid}{number:03}",
        "SeriesInstanceUID": uid,
        "SeriesNumber": uid[-2:],
        "InstanceNumber": str(number),
        "Modality": series.modality,
        "ConversionType": "SYN",
    }
    for keyword, value in texts.items():
        put(dataset, keyword, [value])
    _add_pixels(dataset, series, number)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = series.transfer_syntax
    return decode(encode(dataset), uid)


def _add_pixels(dataset: Dataset, series: MadeSeries, grey: int) -> None:
    """Of the Image Pixel module, PS3.3 C.7.6.3."""
    put(dataset, "PhotometricInterpretation", ["MONOCHROME2"])
    numbers = {
        "SamplesPerPixel": 1,
        "Rows": series.size,
        "Columns": series.size,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
    }
    for keyword, number in numbers.items():
        put(dataset, keyword, [number])
    count = series.size**2
    if series.transfer_syntax == RLELossless:
        dataset.add_new("PixelData", "OB", encapsulate([_rle(grey, count)]))
        dataset["PixelData"].is_undefined_length = True
    else:
        implicit = series.transfer_syntax.is_implicit_VR
        dataset.add_new("PixelData", "OW" if implicit else "OB", bytes([grey]) * count)


def _rle(grey: int, count: int) -> bytes:
    """A frame of up to 128 equal bytes: one segment of one run (PS3.5 G.3 to G.5)."""
    return struct.pack("<16I", 1, 64, *[0] * 14) + bytes([257 - count, grey])
