"""What a caller wants done to each instance is done before it is kept, and told."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless

from gurney.core import (
    DICOMFile,
    DownloadError,
    Expectation,
    InstanceReference,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Receipt,
    StudyReceipt,
    encode,
    put,
    text,
)
from gurney.storage import FolderStorage, TransformingStorage, verify
from gurney.testing import MemoryStorage, conformance_files

FILES = conformance_files()
ONE, TWO = list(FILES)[:2]
NEW = InstanceReference("2.25.1", "2.25.2", "2.25.3")


def file(instance: InstanceReference = ONE) -> DICOMFile:
    return DICOMFile(iter([FILES[instance]]), instance, protocol="kit", retries=2)


def same(dataset: Dataset) -> Dataset | None:
    return dataset


def renamed(dataset: Dataset) -> Dataset | None:
    """Give new UIDs, and leave the file meta as it is."""
    for keyword, uid in zip(
        ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), NEW.uids, strict=True
    ):
        put(dataset, keyword, [uid])
    return dataset


def nothing(dataset: Dataset) -> Dataset | None:  # noqa: ARG001
    return None


def failing(dataset: Dataset) -> Dataset | None:
    raise LookupError(f"cannot do {dataset.PatientName}")


def test_both_uids_are_told(tmp_path: Path) -> None:
    """The outcome is that of what was asked for, and names what was kept."""
    outcome = TransformingStorage(FolderStorage(tmp_path), renamed).store(file())
    (path,) = FolderStorage(tmp_path).files()
    stored = dcmread(path)

    assert (OutcomeStatus.STORED, ONE, NEW) == (
        outcome.status,
        outcome.reference,
        outcome.stored_as,
    )
    assert ("kit", 2, f"{'/'.join(NEW.uids)}.dcm") == (
        outcome.protocol,
        outcome.retries,
        outcome.path,
    )
    assert NEW.instance_uid == stored.SOPInstanceUID
    assert path.stat().st_size == outcome.size


def test_file_meta_follows_the_data_set(tmp_path: Path) -> None:
    """Nothing of the old file meta is left but the transfer syntax."""

    def titled(dataset: Dataset) -> Dataset | None:
        put(dataset.file_meta, "SourceApplicationEntityTitle", ["CLINIC7"])
        put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
        return renamed(dataset)

    TransformingStorage(FolderStorage(tmp_path), titled).store(file())
    (path,) = FolderStorage(tmp_path).files()
    meta = dcmread(path).file_meta

    assert NEW.instance_uid == meta.MediaStorageSOPInstanceUID
    assert "1.2.840.10008.5.1.4.1.1.7" == meta.MediaStorageSOPClassUID
    assert "SourceApplicationEntityTitle" not in meta


def test_uids_that_stay_are_told_once() -> None:
    """Without new UIDs nothing is stored as something else."""
    outcome = TransformingStorage(MemoryStorage(), same).store(file())

    assert (OutcomeStatus.STORED, ONE, None) == (
        outcome.status,
        outcome.reference,
        outcome.stored_as,
    )


def test_transform_may_give_another_data_set() -> None:
    """One made anew, without file meta, is written in the transfer syntax that came."""
    kept = MemoryStorage()

    def made_anew(dataset: Dataset) -> Dataset | None:
        new = Dataset()
        for keyword in ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            put(new, keyword, [text(dataset, keyword)])
        return new

    outcome = TransformingStorage(kept, made_anew).store(file())
    (content,) = kept.files.values()

    assert OutcomeStatus.STORED is outcome.status
    assert outcome.transfer_syntax.encode() in content
    assert len(content) < len(FILES[ONE])


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (DeflatedExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian),
        ("2.25.7", ExplicitVRLittleEndian),
        ("1.2.840.10008.1.1", ExplicitVRLittleEndian),
    ],
)
def test_transfer_syntax_is_the_transforms_if_it_is_one(
    tmp_path: Path, chosen: str, expected: str
) -> None:
    """One of the standard's is taken; a UID that was only replaced with the others is not."""

    def set_syntax(dataset: Dataset) -> Dataset | None:
        put(dataset.file_meta, "TransferSyntaxUID", [chosen])
        return dataset

    dataset = Dataset()
    for keyword, uid in zip(
        ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), NEW.uids, strict=True
    ):
        put(dataset, keyword, [uid])
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    outcome = TransformingStorage(FolderStorage(tmp_path), set_syntax).store(
        DICOMFile(iter([encode(dataset)]))
    )
    (path,) = FolderStorage(tmp_path).files()

    assert ExplicitVRLittleEndian == outcome.transfer_syntax
    assert expected == dcmread(path).file_meta.TransferSyntaxUID


def test_none_is_withheld() -> None:
    """It came whole and was not to be kept: that is good, and no bytes of it are counted."""
    kept = MemoryStorage()
    outcome = TransformingStorage(kept, nothing).store(file())

    assert (OutcomeStatus.WITHHELD, ONE) == (outcome.status, outcome.reference)
    assert outcome.good
    assert not outcome.in_place
    assert ("", 0, "the transform nothing wants it not to be kept") == (
        outcome.path,
        outcome.size,
        outcome.reason,
    )
    assert {} == kept.files


def test_exception_of_the_transform_is_told_by_its_class() -> None:
    """Its text may name a patient, and is nowhere."""
    kept = MemoryStorage()
    outcome = TransformingStorage(kept, failing).store(file())

    assert (OutcomeStatus.FAILED, ONE) == (outcome.status, outcome.reference)
    assert "the transform failing raised LookupError; nothing was kept" == outcome.reason
    assert {} == kept.files


def test_what_is_not_dicom_any_more_has_failed() -> None:
    """A transform that leaves no UIDs, or values that cannot be written."""

    def nameless(dataset: Dataset) -> Dataset | None:
        del dataset.StudyInstanceUID
        return dataset

    def unwritable(dataset: Dataset) -> Dataset | None:
        dataset.add_new("Rows", "US", "many")
        return dataset

    for transform in (nameless, unwritable):
        kept = MemoryStorage()
        outcome = TransformingStorage(kept, transform).store(file())

        assert (OutcomeStatus.FAILED, ONE) == (outcome.status, outcome.reference)
        assert outcome.stored_as is None
        assert {} == kept.files


def test_padding_after_the_data_set_is_left_out() -> None:
    """Some writers fill a block with zeros, which pydicom would take for elements."""
    kept = MemoryStorage()
    storage = TransformingStorage(kept, same)
    outcome = storage.store(DICOMFile(iter([FILES[ONE], bytes(512)]), ONE))

    assert OutcomeStatus.STORED is outcome.status
    assert "512 zero bytes after the data set" in outcome.notes
    assert len(FILES[ONE]) >= len(kept.files[ONE])


def test_transform_sees_only_what_is_whole_and_was_asked_for() -> None:
    """What is cut, or another instance, is not transformed."""
    seen: list[Dataset] = []

    def watch(dataset: Dataset) -> Dataset | None:
        seen.append(dataset)
        return dataset

    def dying() -> Iterator[bytes]:
        yield FILES[ONE][:900]
        raise DownloadError(str(ONE), "the line is dead")

    storage = TransformingStorage(MemoryStorage(), watch)
    cut = storage.store(DICOMFile(iter([FILES[ONE][:-9]]), ONE))
    dead = storage.store(DICOMFile(dying(), ONE))
    other = storage.store(DICOMFile(iter([FILES[TWO]]), ONE))

    assert [] == seen
    assert OutcomeStatus.FAILED is cut.status
    assert (OutcomeStatus.FAILED, "the line is dead") == (dead.status, dead.reason)
    assert (OutcomeStatus.REFUSED, ONE) == (other.status, other.reference)


def test_what_gives_the_same_again_is_already_there(tmp_path: Path) -> None:
    """Nothing can be found under the old name, but nothing is kept twice."""
    storage = TransformingStorage(FolderStorage(tmp_path), renamed)
    storage.store(file())
    again = storage.store(file())

    assert storage.find(ONE) is None
    assert (OutcomeStatus.ALREADY_THERE, ONE, NEW) == (
        again.status,
        again.reference,
        again.stored_as,
    )


def test_two_that_get_one_name_are_told(tmp_path: Path) -> None:
    """Other content under a new UID is refused, and kept aside."""
    storage = TransformingStorage(FolderStorage(tmp_path), renamed)
    storage.store(file())
    outcome = storage.store(file(TWO))

    assert (OutcomeStatus.REFUSED, TWO) == (outcome.status, outcome.reference)
    assert "~conflict-" in outcome.path


def test_holds_asks_the_storage(tmp_path: Path) -> None:
    """What was withheld is held; what was stored as something else is looked for as that."""
    storage = TransformingStorage(FolderStorage(tmp_path), renamed)
    in_memory = TransformingStorage(MemoryStorage(), renamed)
    stored, also = storage.store(file()), in_memory.store(file())
    withheld = TransformingStorage(MemoryStorage(), nothing).store(file())

    assert storage.holds(withheld)
    assert storage.holds(stored)
    assert in_memory.holds(also)
    (tmp_path / stored.path).unlink()
    assert not storage.holds(stored)
    assert not TransformingStorage(MemoryStorage(), renamed).holds(also)


def test_transform_travels_if_it_can(tmp_path: Path) -> None:
    """One that cannot says so when it is packed, with its name and what to do."""
    storage = TransformingStorage(FolderStorage(tmp_path), renamed)
    again = pickle.loads(pickle.dumps(storage))

    assert renamed is again.transform
    assert repr(storage) == repr(again)
    with pytest.raises(InvalidInputError, match=r"<lambda> cannot travel.*top of a module"):
        pickle.dumps(TransformingStorage(MemoryStorage(), lambda dataset: dataset))


def test_verification_goes_by_the_new_names(tmp_path: Path) -> None:
    """A receipt with both UIDs proves the files; what was withheld is not wanted."""
    stored = TransformingStorage(FolderStorage(tmp_path), renamed).store(file())
    withheld = TransformingStorage(FolderStorage(tmp_path), nothing).store(file(TWO))
    receipt = receipt_of(stored, withheld)
    found = verify(tmp_path, Receipt.from_json(receipt.to_json()))

    assert receipt.complete
    assert found.ok
    assert (1, 1, (), ()) == (found.whole, found.checksums, found.missing, found.wanted)

    (tmp_path / stored.path).write_bytes(FILES[ONE])
    found = verify(tmp_path, receipt)

    assert {stored.path: "it holds another instance than the receipt says"} == found.faults
    assert (ONE,) == found.wanted


def receipt_of(*outcomes: Outcome) -> Receipt:
    study_uid = ONE.study_uid
    return Receipt([StudyReceipt(study_uid, Expectation(len(outcomes), "a test"), outcomes)])


def test_compressed_pixels_stay() -> None:
    """Fragments are written as they came."""
    dataset = Dataset()
    for keyword, uid in zip(
        ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), NEW.uids, strict=True
    ):
        put(dataset, keyword, [uid])
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    item, end = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
    pixels = item + bytes(4) + item + b"\x04\0\0\0abcd" + end
    content = encode(dataset).replace(b"1.2.840.10008.1.2.1\0", f"{RLELossless}\0".encode())
    content += b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + pixels
    kept = MemoryStorage()
    outcome = TransformingStorage(kept, same).store(DICOMFile(iter([content])))
    (stored,) = kept.files.values()

    assert RLELossless == outcome.transfer_syntax
    assert stored.endswith(pixels)
