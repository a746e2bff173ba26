"""Part 10 bytes to data sets and back: whole, or an error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from gurney.core import (
    CHUNK_SIZE,
    DICOMFile,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    decode,
    encode,
)
from gurney.core.values import put
from gurney.core.walk import walk

FILES = {
    "explicit": "CT_small.dcm",
    "implicit": "MR_small_implicit.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "encapsulated": "JPEG2000.dcm",
    "deflated": "image_dfl.dcm",
    "structured report": "reportsi.dcm",
}


def content_of(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def small() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1", "1.1", "1.2"
    dataset.PatientName = "DOE^JANE"
    return dataset


# ---------------------------------------------------------------- decode


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
def test_decode_returns_what_pydicom_reads(name: str) -> None:
    """A whole file loses nothing."""
    content = content_of(name)

    assert dcmread(BytesIO(content)) == decode(content, "x")


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
@pytest.mark.parametrize("lost", [1, 2, 9, 1000])
def test_decode_refuses_a_cut_file(name: str, lost: int) -> None:
    """P01: pydicom takes most of these for whole ones."""
    content = without_padding(content_of(name))[:-lost]

    with pytest.raises(DownloadError, match="could not be downloaded") as caught:
        decode(content, "1/1.1/1.2")
    assert "1/1.1/1.2" == caught.value.subject


def without_padding(content: bytes) -> bytes:
    """Some programs write bytes after a data set; nothing is lost with those."""
    return content[: walk([content]).end]


def test_decode_refuses_what_pydicom_accepts() -> None:
    """The case that the structural walk is there for."""
    content = content_of("CT_small.dcm")
    cut = content[: len(content) - 1000]

    assert dcmread(BytesIO(cut)).SOPInstanceUID
    with pytest.raises(DownloadError):
        decode(cut, "x")


@pytest.mark.parametrize("content", [b"", b"\0", b"<html>", b"\0" * 128 + b"DICM"])
def test_decode_refuses_what_is_not_dicom(content: bytes) -> None:
    """A login page is not an instance."""
    with pytest.raises(DownloadError):
        decode(content, "x")


# ---------------------------------------------------------------- encode


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
def test_encode_and_decode_give_the_same_data_set(name: str) -> None:
    """In its own transfer syntax, pixels untouched."""
    dataset = decode(content_of(name), "x")
    again = decode(encode(dataset), "x")

    assert dataset == again
    assert dataset.file_meta.TransferSyntaxUID == again.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
def test_encode_leaves_the_data_set_as_it_was(name: str) -> None:
    """It is the caller's: file meta, elements, encoding and all."""
    dataset = dcmread(BytesIO(content_of(name)))
    before = state(dataset)
    encode(dataset)

    assert before == state(dataset)


def test_encode_leaves_a_data_set_without_file_meta_without_it() -> None:
    """Nor does one made by hand get anything it did not have."""
    dataset = small()
    before = state(dataset)
    encode(dataset)

    assert before == state(dataset)
    assert not hasattr(dataset, "file_meta")


def state(dataset: Dataset) -> tuple[str, ...]:
    """Return all that can be seen of *dataset*, with the values that pydicom keeps to itself."""
    elements = [dataset.get_item(tag) for tag in dataset.keys()]  # noqa: SIM118
    hidden = {
        name: value for name, value in vars(dataset).items() if name not in ("_dict", "file_meta")
    }
    meta = [] if "file_meta" not in vars(dataset) else list(dataset.file_meta)
    return repr(elements), repr(hidden), repr(meta)


def test_encode_leaves_ambiguous_value_representations_to_the_caller() -> None:
    """pydicom settles "US or SS" in the elements that it writes."""
    dataset = small()
    dataset.PixelRepresentation = 1
    dataset.add(DataElement("SmallestImagePixelValue", "US or SS", 5))
    before = state(dataset)
    encode(dataset)

    assert before == state(dataset)


def test_encode_leaves_half_a_file_meta_as_it_was() -> None:
    """What it lacks is added to the copy that is written."""
    dataset = small()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.ImplementationVersionName = "MAKER 1"
    again = decode(encode(dataset), "x")

    assert ["ImplementationVersionName"] == [element.keyword for element in dataset.file_meta]
    assert ExplicitVRLittleEndian == again.file_meta.TransferSyntaxUID


def test_encode_writes_explicit_little_endian_if_nothing_is_said() -> None:
    """The syntax that every archive takes."""
    again = decode(encode(small()), "x")

    assert ExplicitVRLittleEndian == again.file_meta.TransferSyntaxUID
    assert SecondaryCaptureImageStorage == again.file_meta.MediaStorageSOPClassUID
    assert "1.2" == again.file_meta.MediaStorageSOPInstanceUID
    assert small() == again


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_encode_keeps_the_encoding_it_was_read_in(syntax: UID) -> None:
    """A data set that came without file meta, over a network, is written as it came."""
    dataset = small()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    read = dcmread(BytesIO(encode(dataset)))
    bare = Dataset(dict(read._dict))  # pyright: ignore[reportPrivateUsage]
    bare.set_original_encoding(*read.original_encoding)

    assert syntax == decode(encode(bare), "x").file_meta.TransferSyntaxUID


def test_encode_of_a_part_that_was_read_in_another_encoding() -> None:
    """Big endian numbers stay numbers."""
    dataset = decode(content_of("MR_small_bigendian.dcm"), "x")

    assert dataset.Rows == decode(encode(dataset), "x").Rows == 64


def test_encode_refuses_what_has_no_name() -> None:
    """Without SOP Instance UID there is no instance; the message quotes no value."""
    dataset = small()
    del dataset.SOPInstanceUID

    with pytest.raises(InvalidInputError, match="cannot be written as a DICOM file") as caught:
        encode(dataset)
    assert "DOE" not in str(caught.value)


# ---------------------------------------------------------------- files


def test_file_is_read_once_in_order() -> None:
    """What is left is what was not read yet."""
    file = DICOMFile(iter([b"a", b"b", b"c"]))

    assert b"a" == next(file.chunks)
    assert b"bc" == file.read()
    assert b"" == file.read()


def test_file_becomes_a_data_set() -> None:
    """Chunks of any size."""
    content = encode(small())
    file = DICOMFile(content[n : n + 7] for n in range(0, len(content), 7))

    assert small() == file.dataset()


def test_cut_file_is_named_in_the_error() -> None:
    """By its reference if there is one."""
    content = encode(small())[:-1]

    with pytest.raises(DownloadError, match=r"^1/1\.1/1\.2 could not"):
        DICOMFile(iter([content]), InstanceReference("1", "1.1", "1.2")).dataset()
    with pytest.raises(DownloadError, match=r"^an instance without a name could not"):
        DICOMFile(iter([content])).dataset()


def test_error_of_the_sender_comes_through() -> None:
    """A downloader knows best what went wrong."""

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise DownloadError("1/1.1/1.2", "connection closed")

    with pytest.raises(DownloadError, match="connection closed"):
        DICOMFile(broken()).dataset()


def test_chunk_size_is_a_power_of_two() -> None:
    """One mebibyte: large enough for a disk, small enough for a thousand streams."""
    assert 2**20 == CHUNK_SIZE


def test_encoding_a_damaged_value_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    """Written as it is; standard error and logs stay clean."""
    dataset = small()
    put(dataset, "PatientBirthDate", ["JANE~DOE"])
    with caplog.at_level(logging.DEBUG):
        again = decode(encode(dataset), "x")

    assert "JANE" not in caplog.text
    assert "JANE~DOE" == again.PatientBirthDate
