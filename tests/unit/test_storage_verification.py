"""A folder is compared with its receipt, or at least with itself."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Receipt,
    StorageError,
    StudyReceipt,
    encode,
    put,
)
from gurney.core.walk import Walked
from gurney.storage import FLAT, FolderStorage, Verification, verify
from gurney.storage.content import look

UIDS = ("1.1", "1.2", "1.3")
NAMES = tuple(f"{uid}.dcm" for uid in UIDS)


def instance(uid: str, patient: str = "x") -> bytes:
    """Return one instance."""
    dataset = Dataset()
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    put(dataset, "StudyInstanceUID", ["1"])
    put(dataset, "SeriesInstanceUID", ["2"])
    put(dataset, "SOPInstanceUID", [uid])
    put(dataset, "PatientID", [patient])
    return encode(dataset)


def reference(uid: str) -> InstanceReference:
    """Return how it is addressed."""
    return InstanceReference("1", "2", uid)


def receipt_of(*outcomes: Outcome, count: int = 3) -> Receipt:
    """Return the receipt of one study."""
    return Receipt([StudyReceipt("1", Expectation(count, "a listing"), outcomes)])


@pytest.fixture(name="receipt")
def _receipt(tmp_path: Path) -> Receipt:
    storage = FolderStorage(tmp_path, FLAT)
    return receipt_of(*(storage.store(DICOMFile(iter([instance(uid)]))) for uid in UIDS))


def test_all_is_well(tmp_path: Path, receipt: Receipt) -> None:
    """What the receipt says is here, byte for byte."""
    found = verify(tmp_path, receipt)

    assert found.ok
    assert (3, 3, receipt.verified_bytes) == (found.whole, found.checksums, found.verified_bytes)
    assert ((), (), (), {}) == (found.reasons, found.missing, found.wanted, found.faults)


@pytest.mark.usefixtures("receipt")
def test_all_is_well_without_receipt(tmp_path: Path) -> None:
    """Every file is whole; that none is missing, nobody claims."""
    found = verify(tmp_path)

    assert found.ok
    assert not found.against_receipt
    assert (3, 0, ()) == (found.whole, found.checksums, found.extra)


def test_receipt_read_back_serves_as_well(tmp_path: Path, receipt: Receipt) -> None:
    """The receipt is a file by the time that it is needed."""
    assert verify(tmp_path, Receipt.from_json(receipt.to_json())).ok


def test_missing_file_is_wanted(tmp_path: Path, receipt: Receipt) -> None:
    """What is absent is named by path, and by reference for the next download."""
    (tmp_path / NAMES[1]).unlink()
    found = verify(tmp_path, receipt)

    assert not found.ok
    assert ((NAMES[1],), (reference(UIDS[1]),)) == (found.missing, found.wanted)
    assert ("1 file is in the receipt and not here",) == found.reasons


def cut(path: Path) -> None:
    """Lose the end."""
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    """Change a value, and nothing else."""
    path.write_bytes(path.read_bytes().replace(b"x ", b"y "))


def replace(path: Path) -> None:
    """Put another instance in its place."""
    path.write_bytes(instance("9.9"))


def lengthen(path: Path) -> None:
    """Change a value to a longer one."""
    path.write_bytes(instance("1.1", "longer"))


def empty(path: Path) -> None:
    """Lose everything but the name."""
    path.write_bytes(b"")


def link(path: Path) -> None:
    """Leave a link where the file was."""
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "cut in"),
        (flip, "checksum is not that of the receipt"),
        (replace, "another instance"),
        (lengthen, "bytes, the receipt says"),
        (empty, "no bytes"),
        (link, "it is a link"),
    ],
)
def test_damage_is_found(tmp_path: Path, receipt: Receipt, damage: object, says: str) -> None:
    """Whatever happened to a file, it is named with what is wrong, and wanted again."""
    assert callable(damage)
    damage(tmp_path / NAMES[0])
    found = verify(tmp_path, receipt)

    assert not found.ok
    assert [NAMES[0]] == list(found.faults)
    assert says in found.faults[NAMES[0]]
    assert ((), (reference(UIDS[0]),)) == (found.missing, found.wanted)
    assert "1 file is damaged, changed or unreadable" in found.reasons


@pytest.mark.usefixtures("receipt")
@pytest.mark.parametrize("damage", [cut, empty])
def test_damage_is_found_without_receipt(tmp_path: Path, damage: object) -> None:
    """A cut file shows by its structure, an empty one by its name."""
    assert callable(damage)
    damage(tmp_path / NAMES[0])

    assert [NAMES[0]] == list(verify(tmp_path).faults)


def test_other_things_are_listed(tmp_path: Path, receipt: Receipt) -> None:
    """What is no part of the download is told apart, and does no harm."""
    storage = FolderStorage(tmp_path, FLAT)
    aside = storage.store(DICOMFile(iter([instance(UIDS[0], "y")]))).path
    unfinished = ".gurney-elsewhere-1-0123456789abcdef.part"
    (tmp_path / unfinished).write_bytes(b"")
    (tmp_path / "receipt.json").write_text(receipt.to_json())
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "no-extension").write_bytes(instance("7.7"))
    found = verify(tmp_path, receipt)

    assert found.ok
    assert ((aside,), (unfinished,)) == (found.aside, found.unfinished)
    assert (("link", "receipt.json"), ("more/no-extension",)) == (
        tuple(sorted(found.others)),
        found.extra,
    )


def test_incomplete_receipt_is_not_ok(tmp_path: Path, receipt: Receipt) -> None:
    """A folder that is what its receipt says is still incomplete if the receipt is."""
    failed = Outcome(reference=reference("5.5"), status=OutcomeStatus.FAILED, reason="cut")
    found = verify(tmp_path, receipt_of(*receipt.outcomes, failed, count=4))

    assert not found.ok
    assert (reference("5.5"),) == found.wanted
    assert ("receipt: 1 of 1 studies are not complete",) == found.reasons


def test_reasons_of_the_whole_receipt_are_handed_on(tmp_path: Path, receipt: Receipt) -> None:
    """So is one whose search was capped."""
    capped = attrs.evolve(receipt, reasons=["the search was capped"])

    assert ("receipt: the search was capped",) == verify(tmp_path, capped).reasons


def test_unexpected_instances_are_not_wanted(tmp_path: Path, receipt: Receipt) -> None:
    """What came unasked was never asked for."""
    stray = Outcome(reference=reference("6.6"), status=OutcomeStatus.UNEXPECTED, reason="unasked")

    assert () == verify(tmp_path, receipt_of(*receipt.outcomes, stray)).wanted


def test_receipt_without_checksums(tmp_path: Path, receipt: Receipt) -> None:
    """Without them the structure and the size must do, and the count says so."""
    bare = receipt_of(*(attrs.evolve(outcome, checksum="") for outcome in receipt.outcomes))
    found = verify(tmp_path, bare)

    assert (True, 3, 0) == (found.ok, found.whole, found.checksums)


def test_checksum_nobody_can_make(tmp_path: Path, receipt: Receipt) -> None:
    """It is not taken for granted."""
    first, *others = receipt.outcomes
    odd = receipt_of(attrs.evolve(first, checksum="crc7:00"), *others)

    assert "crc7" in verify(tmp_path, odd).faults[NAMES[0]]


def test_receipt_cannot_point_elsewhere(tmp_path: Path, receipt: Receipt) -> None:
    """Only what lies in the folder is looked at, whatever a receipt says."""
    first, *others = receipt.outcomes
    (tmp_path / "in").mkdir()
    outside = receipt_of(attrs.evolve(first, path=f"../{NAMES[0]}"), *others)
    found = verify(tmp_path / "in", outside)

    assert (f"../{NAMES[0]}", *NAMES[1:]) == found.missing


def test_empty_folder_is_not_ok(tmp_path: Path) -> None:
    """Nothing is wrong with nothing, and nothing is proved either."""
    assert ("no DICOM instance is here",) == verify(tmp_path).reasons
    assert verify(tmp_path, Receipt([])).ok


@pytest.mark.parametrize("name", ["absent", "file"])
def test_root_must_be_a_folder(tmp_path: Path, name: str) -> None:
    """A mistyped name is not an empty folder."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError, match=name):
        verify(tmp_path / name)


def test_progress_counts_files(tmp_path: Path, receipt: Receipt) -> None:
    """Somebody waits: after each file they learn how many are done, and of how many."""
    calls: list[tuple[int, int]] = []
    verify(tmp_path, receipt, progress=lambda done, total: calls.append((done, total)))

    assert [(1, 3), (2, 3), (3, 3)] == calls


def test_nothing_is_changed(tmp_path: Path, receipt: Receipt) -> None:
    """Verification only looks."""
    before = {path: path.stat() for path in tmp_path.iterdir()}
    found: Verification = verify(os.fspath(tmp_path), receipt)
    after = {path: path.stat() for path in tmp_path.iterdir()}

    assert found == verify(tmp_path, receipt)
    assert before.keys() == after.keys()
    assert all(before[p].st_mtime_ns == after[p].st_mtime_ns for p in before)


def test_unreadable_file_does_not_hide_the_others(
    tmp_path: Path, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is wrong by itself; the rest is judged."""

    def refuse(path: Path) -> Walked | None:
        if path.name == NAMES[1]:
            raise PermissionError(path)
        return look(path)

    monkeypatch.setattr("gurney.storage.verification.look", refuse)
    found = verify(tmp_path, receipt)

    assert 2 == found.whole
    assert {NAMES[1]: "it cannot be read: permission denied"} == found.faults
