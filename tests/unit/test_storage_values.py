"""D31: the same values in other bytes are the same instance; anything else is not."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from gurney.core import CHUNK_SIZE, DICOMFile, OutcomeStatus, encode, walk
from gurney.storage import FolderStorage
from gurney.storage.values import same_values
from gurney.testing import example_datasets
from gurney.testing.making import MadeSeries, made


def instance(syntax: UID = ExplicitVRLittleEndian, pixels: int = 4) -> Dataset:
    """Return an instance with nested sequences, all of defined length."""
    (dataset,) = made("1.2.3", {}, MadeSeries("CT", 1))
    item, nested = Dataset(), Dataset()
    nested.CodeValue = "A"
    item.ReferencedSOPInstanceUID = "1.2.9"
    item.PurposeOfReferenceCodeSequence = [nested]
    dataset.ReferencedImageSequence = [item, Dataset()]
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == RLELossless:
        dataset.PixelData = encapsulate([bytes(pixels)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset.PixelData = bytes(pixels)
        dataset["PixelData"].VR = "OW"
    return read(encode(dataset))


def read(content: bytes) -> Dataset:
    """Return a data set that is nobody else's."""
    return dcmread(BytesIO(content))


def with_delimiters(dataset: Dataset) -> bytes:
    """Write sequences and items of undefined length."""
    undefined_lengths(dataset)
    return encode(dataset)


def undefined_lengths(dataset: Dataset) -> None:
    """Have them written so."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                undefined_lengths(item)


def padded(dataset: Dataset) -> bytes:
    """Write more spaces than there have to be."""
    dataset.Modality = f"{dataset.Modality}  "
    return encode(dataset)


def with_group_length(dataset: Dataset) -> bytes:
    """Write what PS3.5 7.2 has retired."""
    content = encode(dataset)
    start = walk([content]).data_set_offset
    vr = b"" if dataset.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian else b"UL"
    length = b"\4\0\0\0" if not vr else b"\4\0"
    return content[:start] + b"\x08\0\0\0" + vr + length + b"\1\2\3\4" + content[start:]


def is_same(folder: Path, one: bytes, other: bytes) -> bool:
    """Write both down, and compare."""
    paths = [folder / "one", folder / "other"]
    for path, content in zip(paths, (one, other), strict=True):
        path.write_bytes(content)
    return same_values(paths[0], walk([one]), paths[1], walk([other]))


@pytest.mark.parametrize("change", [with_delimiters, padded, with_group_length])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("pixels", [4, 3 * CHUNK_SIZE])
def test_other_bytes_same_values(
    tmp_path: Path, change: Callable[[Dataset], bytes], syntax: UID, pixels: int
) -> None:
    """Lengths, padding, group lengths: it is there already, and stays as it is."""
    one, other = encode(instance(syntax, pixels)), change(instance(syntax, pixels))
    storage = FolderStorage(tmp_path)
    there = storage.store(DICOMFile(iter([one])))
    again = storage.store(DICOMFile(iter([other])))

    assert one != other
    assert (OutcomeStatus.ALREADY_THERE, there.checksum) == (again.status, again.checksum)
    assert "came with the same values in other bytes; what was there is kept" in again.notes
    assert [one] == [path.read_bytes() for path in storage.files()]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("pixels", [4, 3 * CHUNK_SIZE])
def test_other_pixels_are_other_values(tmp_path: Path, syntax: UID, pixels: int) -> None:
    """The last byte counts, however large the instance."""
    one = encode(instance(syntax, pixels))
    other = instance(syntax, pixels)
    undefined_lengths(other)
    changed = bytes(pixels - 1) + b"\1"
    other.PixelData = encapsulate([changed]) if syntax == RLELossless else changed
    if syntax == RLELossless:
        other["PixelData"].is_undefined_length = True

    assert not is_same(tmp_path, one, encode(other))


@pytest.mark.parametrize(
    "keyword", ["Modality", "InstanceNumber", "CodeValue", "Rows", "StudyDescription"]
)
def test_other_values_are_other_values(tmp_path: Path, keyword: str) -> None:
    """At any depth, of any kind, and one that was not there."""
    one, other = instance(), instance()
    holder = other
    if keyword == "CodeValue":
        holder = other.ReferencedImageSequence[0].PurposeOfReferenceCodeSequence[0]
    setattr(holder, keyword, 7 if keyword in {"InstanceNumber", "Rows"} else "OTHER")
    undefined_lengths(other)

    assert not is_same(tmp_path, encode(one), encode(other))


def test_one_item_more_is_another_value(tmp_path: Path) -> None:
    """Empty as it may be."""
    other = instance()
    other.ReferencedImageSequence.append(Dataset())

    assert not is_same(tmp_path, encode(instance()), encode(other))


def test_another_transfer_syntax_is_other_content(tmp_path: Path) -> None:
    """A receipt says which is on disk; so nothing is taken for another one."""
    implicit = encode(instance(ImplicitVRLittleEndian))

    assert not is_same(tmp_path, encode(instance()), implicit)


@given(place=st.integers(0, 7), at=st.integers(0), value=st.integers(1, 255))
def test_a_changed_byte_is_seen(
    tmp_path_factory: pytest.TempPathFactory, place: int, at: int, value: int
) -> None:
    """Unless it is padding, or in the file meta: whatever pydicom reads differently differs."""
    content = encode(example_datasets()[place])
    start = walk([content]).data_set_offset or 0
    changed = bytearray(content)
    changed[start + at % (len(content) - start)] ^= value
    same = is_same(tmp_path_factory.mktemp("pair"), content, bytes(changed))

    assert not same or read(content) == read(bytes(changed))
