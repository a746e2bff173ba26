"""F01, F05: names from hostile instances stay inside the root, and apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from gurney.core import DICOMFile, InstanceReference, OutcomeStatus, encode, is_uid, put
from gurney.storage import DEFAULT_LAYOUT, FLAT, FolderStorage, Layout

LAYOUTS = [DEFAULT_LAYOUT, FLAT, Layout("{PatientID}/{StudyDescription}/{InstanceNumber:05d}.dcm")]

FORBIDDEN = ["../../x", "/etc/x", "..\\..\\x", "C:\\x", "a\0b", "a b", "a\nb", "a/b", "1?2", "1*2"]
ALLOWED = [
    *("..", ".", "...", "CON", "con", "NUL", "Aux.1", "COM1", "lpt9.dcm", "-rf", ".hidden"),
    *("1.2.", "a:b", '<">|', "1.A", "1.a", "é", "e\u0301", "~", "a~conflict-0123456789abcdef"),
    *("1" * 300, "1" * 301, "A" * 300, "a" * 300),
]


def instance(uid: str, value: str = "x") -> bytes:
    """Return an instance of which everything is *uid* or *value*."""
    dataset = Dataset()
    put(dataset, "SpecificCharacterSet", ["ISO_IR 192"])
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        put(dataset, keyword, ["1.2.3"])
    for keyword in ("PatientID", "StudyDescription"):
        put(dataset, keyword, [value])
    data = encode(dataset)
    raw = uid.encode("latin-1", "replace")
    raw += b"\0" * (len(raw) % 2)
    old, new = (b"UI" + len(u).to_bytes(2, "little") + u for u in (b"1.2.3\0", raw))
    start = data.index(b"\x08\x00\x05\x00CS")  # the data set; the file meta stay as they are
    return data[:start] + data[start:].replace(old, new)


def outside(tmp_path: Path) -> list[Path]:
    """Return what is not in the root."""
    return [path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "out")]


def files(root: Path) -> list[Path]:
    """Return all files under *root*."""
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("uid", FORBIDDEN)
def test_what_cannot_be_addressed_is_not_kept(tmp_path: Path, layout: Layout, uid: str) -> None:
    """A UID that no reference may hold makes no name at all, asked for or not."""
    storage = FolderStorage(tmp_path / "out", layout)
    for reference in (None, InstanceReference("1", "2", "3")):
        outcome = storage.store(DICOMFile(iter([instance(uid)]), reference))

        assert not outcome.good
        assert reference == outcome.reference
    assert [] == files(storage.root)
    assert [] == outside(tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_odd_uids_are_stored_inside_and_apart(tmp_path: Path, layout: Layout) -> None:
    """What a reference may hold is stored and found, whatever a system makes of it."""
    storage = FolderStorage(tmp_path / "out", layout, durable=False)
    uids = list(
        dict.fromkeys(uid.encode("latin-1", "replace").decode("latin-1") for uid in ALLOWED)
    )
    uids = [uid for uid in uids if is_uid(uid)]
    for uid in uids:
        reference = InstanceReference(uid, uid, uid)
        outcome = storage.store(DICOMFile(iter([instance(uid)]), reference))
        found = storage.find(reference)

        assert OutcomeStatus.STORED is outcome.status
        assert found is not None
        assert outcome.path == found.path
    assert len(uids) == len(files(storage.root)) == len(list(storage.files()))
    assert len(uids) == len({str(path).casefold() for path in files(storage.root)})
    assert [] == outside(tmp_path)


@pytest.mark.parametrize("value", ["../../x", "/etc/x", "CON", "a\0b", "..", "x" * 64, "~", "山田"])
def test_values_never_lead_out(tmp_path: Path, value: str) -> None:
    """Patient IDs and descriptions come from people, and from worse."""
    storage = FolderStorage(tmp_path / "out", LAYOUTS[2])

    assert OutcomeStatus.STORED is storage.store(DICOMFile(iter([instance("1.2", value)]))).status
    assert 3 == len(files(storage.root)[0].relative_to(storage.root).parts)
    assert [] == outside(tmp_path)


def test_reasons_name_no_patient(tmp_path: Path) -> None:
    """A path may hold a patient's ID; what is said, and so logged, does not."""
    storage = FolderStorage(tmp_path / "out", LAYOUTS[2])
    storage.store(DICOMFile(iter([instance("1.2", "SECRET-1")])))
    outcome = storage.store(DICOMFile(iter([instance("1.2", "SECRET-2")])))

    assert OutcomeStatus.REFUSED is outcome.status
    assert "SECRET" not in outcome.reason + "".join(outcome.notes)


def test_link_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    """A folder that is a link to elsewhere stops what would go there, and nothing else."""
    storage = FolderStorage(tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    storage.root.mkdir()
    (storage.root / "1.2").symlink_to(tmp_path / "elsewhere")
    outcome = storage.store(DICOMFile(iter([instance("1.2")])))

    assert OutcomeStatus.FAILED is outcome.status
    assert "leads out" in outcome.reason
    assert storage.find(InstanceReference("1.2", "1.2", "1.2")) is None
    assert [] == files(tmp_path / "elsewhere")
    assert [] == files(storage.root)
    assert OutcomeStatus.STORED is storage.store(DICOMFile(iter([instance("1.3")]))).status


def test_link_with_the_name_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """A link to a file elsewhere is neither read nor overwritten."""
    storage = FolderStorage(tmp_path / "out", FLAT)
    storage.root.mkdir()
    (tmp_path / "mine").write_bytes(instance("1.2"))
    (storage.root / "1.2.dcm").symlink_to(tmp_path / "mine")
    reference = InstanceReference("1.2", "1.2", "1.2")

    assert storage.find(reference) is None
    outcome = storage.store(DICOMFile(iter([instance("1.2", "other")])))
    assert OutcomeStatus.STORED is outcome.status
    assert "1.2.dcm" != outcome.path
    assert instance("1.2") == (tmp_path / "mine").read_bytes()


def test_link_that_hangs_is_not_filled(tmp_path: Path) -> None:
    """Nothing is created where a link points."""
    storage = FolderStorage(tmp_path / "out", FLAT)
    storage.root.mkdir()
    (storage.root / "1.2.dcm").symlink_to(tmp_path / "absent")

    assert "1.2.dcm" != storage.store(DICOMFile(iter([instance("1.2")]))).path
    assert not (tmp_path / "absent").exists()


def test_root_may_be_a_link(tmp_path: Path) -> None:
    """Where the user says is where it goes."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    FolderStorage(tmp_path / "out", FLAT).store(DICOMFile(iter([instance("1.2")])))

    assert [tmp_path / "disk" / "1.2.dcm"] == files(tmp_path / "disk")


def test_link_within_the_root_is_followed(tmp_path: Path) -> None:
    """A study that was moved, and linked to, is still inside."""
    storage = FolderStorage(tmp_path / "out")
    (storage.root / "moved").mkdir(parents=True)
    (storage.root / "1.2").symlink_to("moved")
    outcome = storage.store(DICOMFile(iter([instance("1.2")])))

    assert "moved/1.2/1.2.dcm" == outcome.path
    assert storage.find(InstanceReference("1.2", "1.2", "1.2")) is not None
