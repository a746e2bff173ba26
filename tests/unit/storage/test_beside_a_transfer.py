"""What a transfer remembers lies beside the instances, and is none of them."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from gurney.core import (
    TRANSFER_FOLDER,
    DICOMFile,
    InstanceReference,
    Outcome,
    OutcomeStatus,
)
from gurney.folder import FolderArchive
from gurney.storage import FLAT, FolderStorage, Layout, verify
from gurney.testing import conformance_files

FILES = conformance_files()
ONE = next(iter(FILES))


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "out", FLAT, durable=False)


@pytest.fixture
def stored(storage: FolderStorage) -> Outcome:
    return storage.store(DICOMFile(iter([FILES[ONE]]), ONE))


def test_its_folder_is_passed_over(storage: FolderStorage, stored: Outcome, tmp_path: Path) -> None:
    """By the storage, the verification and the archive; also if a DICOM file lies in it."""
    for below in (TRANSFER_FOLDER, f"{TRANSFER_FOLDER}/journal", f"study/{TRANSFER_FOLDER}"):
        (storage.root / below).mkdir(parents=True)
        (storage.root / below / "a.dcm").write_bytes(FILES[ONE])
    (storage.root / TRANSFER_FOLDER / "ledger.db").write_bytes(b"SQLite")
    archive = FolderArchive(storage.root, index=tmp_path / "index")
    there = ["study/gurney-transfer/a.dcm", stored.path]  # only that directly in the root is one

    assert sorted(there) == sorted(
        path.relative_to(storage.root).as_posix() for path in storage.files()
    )
    assert (2, ()) == (verify(storage.root).whole, verify(storage.root).others)
    assert 2 == archive.refresh().added


@pytest.mark.parametrize("value", ["gurney-transfer", "Gurney-Transfer", "gurney-transfer.x"])
def test_no_instance_goes_into_it(tmp_path: Path, value: str) -> None:
    """A value that is its name becomes another one."""
    layout = Layout("{StudyInstanceUID}/{SOPInstanceUID}.dcm")
    path = layout.path_of(InstanceReference(value, "1", "1"))

    assert path is not None
    assert TRANSFER_FOLDER != path.parts[0].casefold()
    literal = Layout("gurney-transfer/{SOPInstanceUID}.dcm").path_of(ONE)
    assert literal is not None
    assert TRANSFER_FOLDER != literal.parts[0]
    assert tmp_path.exists()


# ---------------------------------------------------------------------- holds


def test_holds_what_is_there(storage: FolderStorage, stored: Outcome) -> None:
    """By name and size alone: the content may be another."""
    path = storage.root / stored.path

    assert storage.holds(stored)
    path.write_bytes(bytes(stored.size))
    assert storage.holds(stored)
    path.write_bytes(bytes(stored.size - 1))
    assert not storage.holds(stored)
    path.unlink()
    assert not storage.holds(stored)
    path.mkdir()
    assert not storage.holds(stored)


def test_holds_nothing_outside(storage: FolderStorage, stored: Outcome, tmp_path: Path) -> None:
    """Paths of a receipt may say anything; no link is followed out."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.dcm").write_bytes(FILES[ONE])
    (storage.root / "link").symlink_to(outside)
    (storage.root / "file").symlink_to(outside / "a.dcm")
    paths = ["../outside/a.dcm", str(outside / "a.dcm"), "link/a.dcm", "file", "", "1/x"]

    assert [] == [path for path in paths if storage.holds(attrs.evolve(stored, path=path))]


def test_holds_nothing_where_there_is_no_folder(tmp_path: Path) -> None:
    """The disk is not there."""
    outcome = Outcome(reference=ONE, status=OutcomeStatus.STORED, path="a/b.dcm", size=3)

    assert not FolderStorage(tmp_path / "nowhere").holds(outcome)
