"""What becomes of an instance that is stored, and how it is found again."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    DICOMObjectReference,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    SeriesReference,
    Storage,
    StorageError,
    StudyReference,
    encode,
    put,
)
from gurney.storage import FLAT, FolderStorage, Layout

ONE = InstanceReference("1.2", "1.2.3", "1.2.3.4")
TWO = InstanceReference("1.2", "1.2.3", "1.2.3.5")
PATH = "1.2/1.2.3/1.2.3.4.dcm"
BY_NUMBER = Layout("{PatientID}/{InstanceNumber:03d}.dcm")


def dataset(reference: InstanceReference = ONE, **values: str) -> Dataset:
    """Return a small instance."""
    result = Dataset()
    uids = zip(("Study", "Series", "SOP"), reference.uids, strict=True)
    names = {f"{level}InstanceUID": uid for level, uid in uids}
    for keyword, value in {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", **names, **values}.items():
        put(result, keyword, [value])
    return result


def content(reference: InstanceReference = ONE, **values: str) -> bytes:
    """Return its bytes."""
    return encode(dataset(reference, **values))


def file(
    chunks: bytes | Iterable[bytes],
    reference: DICOMObjectReference | None = None,
    size: int | None = None,
) -> DICOMFile:
    """Return a stream as a downloader gives it."""
    pieces = [chunks] if isinstance(chunks, bytes) else chunks
    return DICOMFile(iter(pieces), reference, protocol="test", size=size, retries=2)


def names(root: Path) -> list[str]:
    """Return all files under *root*, also those that begin with a dot."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture(name="storage")
def _storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "out")


def test_stored_bytes_are_those_that_came(storage: FolderStorage) -> None:
    """What is on disk is what came, byte for byte, in however many pieces."""
    data = content()
    outcome = storage.store(file([data[i : i + 7] for i in range(0, len(data), 7)], ONE))

    assert data == (storage.root / PATH).read_bytes()
    assert [PATH] == names(storage.root)
    assert (
        Outcome(
            reference=ONE,
            status=OutcomeStatus.STORED,
            path=PATH,
            size=len(data),
            checksum=f"sha256:{hashlib.sha256(data).hexdigest()}",
            transfer_syntax="1.2.840.10008.1.2.1",
            protocol="test",
            retries=2,
        )
        == outcome
    )


def test_data_sets_are_stored_too(storage: FolderStorage) -> None:
    """A downloader that has no files gives data sets."""
    outcome = storage.store(dataset(PatientID="P"))

    assert (OutcomeStatus.STORED, ONE) == (outcome.status, outcome.reference)
    assert "P" == dcmread(storage.root / outcome.path).PatientID


def test_nameless_file_is_named_by_its_content(storage: FolderStorage) -> None:
    """Whoever sends need not say what it is."""
    assert ONE == storage.store(file(content())).reference


@pytest.mark.parametrize(("checksum", "begins"), [("blake2b", "blake2b:"), (None, "")])
def test_checksum_is_what_was_asked_for(tmp_path: Path, checksum: str | None, begins: str) -> None:
    """Any fixed-size algorithm of hashlib, or none."""
    outcome = FolderStorage(tmp_path, checksum=checksum).store(file(content()))

    assert begins == outcome.checksum[: len("blake2b:")]


@pytest.mark.parametrize("checksum", ["sha257", "shake_128", ""])
def test_unknown_checksum_is_refused(tmp_path: Path, checksum: str) -> None:
    """The mistake is found before anything is stored."""
    with pytest.raises(InvalidInputError, match="sha256"):
        FolderStorage(tmp_path, checksum=checksum)


@pytest.mark.parametrize("durable", [True, False])
def test_is_found_after_it_was_stored(tmp_path: Path, *, durable: bool) -> None:
    """What was stored is there, for another storage object too."""
    FolderStorage(tmp_path, durable=durable).store(file(content()))
    found = FolderStorage(tmp_path).find(ONE)

    assert found is not None
    assert (OutcomeStatus.ALREADY_THERE, PATH) == (found.status, found.path)
    assert (len(content()), "1.2.840.10008.1.2.1") == (found.size, found.transfer_syntax)
    assert FolderStorage(tmp_path).find(TWO) is None


def test_nothing_is_found_where_nothing_is(storage: FolderStorage) -> None:
    """Looking makes no folder."""
    assert storage.find(ONE) is None
    assert [] == list(storage.files())
    assert not storage.root.exists()


@pytest.mark.parametrize("cut", [0, 100, 140, 300, -1, -9])
def test_cut_file_is_not_found(storage: FolderStorage, cut: int) -> None:
    """A name proves nothing: another tool may have crashed on it."""
    path = storage.root / PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(content(ImageComments="after all the UIDs")[:cut])

    assert storage.find(ONE) is None


def test_other_instance_under_the_name_is_not_found(storage: FolderStorage) -> None:
    """The UIDs in the file count, all three of them."""
    other = InstanceReference("9.9", "1.2.3", "1.2.3.4")
    path = storage.root / PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(content(other))

    assert storage.find(ONE) is None


def test_same_bytes_again_are_there_already(storage: FolderStorage) -> None:
    """Storing twice is harmless; the file is left alone."""
    first = storage.store(file(content()))
    inode = (storage.root / PATH).stat().st_ino
    again = storage.store(file(content()))

    assert (OutcomeStatus.ALREADY_THERE, PATH, ()) == (again.status, again.path, again.notes)
    assert first.checksum == again.checksum
    assert [PATH] == names(storage.root)
    assert inode == (storage.root / PATH).stat().st_ino


def test_other_file_meta_are_no_other_content(storage: FolderStorage) -> None:
    """D31: every DICOM node writes its own file meta; the data set is what counts."""
    first = storage.store(file(content()))
    rewritten = dataset()
    rewritten.ensure_file_meta()
    rewritten.file_meta.ImplementationVersionName = "ELSEWHERE"
    again = storage.store(rewritten)

    assert (OutcomeStatus.ALREADY_THERE, PATH) == (again.status, again.path)
    assert (first.checksum, first.size) == (again.checksum, again.size)
    assert "came with other file meta; what was there is kept" in again.notes
    assert [PATH] == names(storage.root)


def test_same_values_in_another_transfer_syntax_are_other_content(storage: FolderStorage) -> None:
    """Equal bytes mean something else where another transfer syntax is declared."""
    data = content()
    other = data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    storage.store(file(data))

    assert data != other
    assert OutcomeStatus.REFUSED is storage.store(file(other)).status


def test_other_content_is_kept_aside_once(storage: FolderStorage) -> None:
    """Nothing is overwritten and nothing is lost; the same conflict does not multiply."""
    storage.store(file(content(PatientID="A")))
    outcomes = [storage.store(file(content(PatientID="B"))) for _ in range(3)]
    (aside,) = {outcome.path for outcome in outcomes}

    assert {OutcomeStatus.REFUSED} == {outcome.status for outcome in outcomes}
    assert content(PatientID="A") == (storage.root / PATH).read_bytes()
    assert content(PatientID="B") == (storage.root / aside).read_bytes()
    assert [PATH, aside] == names(storage.root)
    assert aside.startswith("1.2/1.2.3/1.2.3.4~conflict-")
    assert [storage.root / PATH] == list(storage.files())
    assert "kept aside at the path given" in outcomes[0].reason


def test_each_conflict_is_kept(storage: FolderStorage) -> None:
    """Three contents of one instance are three files."""
    for patient in "ABC":
        storage.store(file(content(PatientID=patient)))

    assert 3 == len(names(storage.root))


def test_damaged_file_gives_way_and_is_kept(storage: FolderStorage) -> None:
    """A final name holds a whole instance again, and the damaged file is not lost."""
    path = storage.root / PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(content()[:-1])
    outcome = storage.store(file(content()))
    (aside,) = set(names(storage.root)) - {PATH}

    assert (OutcomeStatus.STORED, PATH) == (outcome.status, outcome.path)
    assert ("a damaged file had its name and is kept beside it",) == outcome.notes
    assert content() == path.read_bytes()
    assert aside.startswith("1.2/1.2.3/1.2.3.4~damaged-")
    assert content()[:-1] == (storage.root / aside).read_bytes()


def test_same_damage_again_is_kept_once(storage: FolderStorage) -> None:
    """A tool that crashes each night leaves one damaged file, not one a night."""
    path = storage.root / PATH
    path.parent.mkdir(parents=True)
    for _ in range(2):
        path.write_bytes(b"")
        assert OutcomeStatus.STORED is storage.store(file(content())).status

    assert 2 == len(names(storage.root))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no bytes"),
        (b"<html>404</html>", "HTML"),
        (content()[:-1], "cut in"),
        (content()[:140], ""),
        (b"\0" * 5000, "DICM"),
    ],
)
def test_what_is_not_whole_is_not_kept(storage: FolderStorage, data: bytes, reason: str) -> None:
    """Cut, or no DICOM at all: nothing is left, under no name."""
    outcome = storage.store(file(data, ONE))

    assert (OutcomeStatus.FAILED, ONE, "") == (outcome.status, outcome.reference, outcome.path)
    assert reason in outcome.reason
    assert ("test", 2, 0) == (outcome.protocol, outcome.retries, outcome.size)
    assert [] == list(storage.root.rglob("*"))


def test_broken_stream_is_a_failed_instance(storage: FolderStorage) -> None:
    """The downloader's reason is handed on, and nothing is left."""

    def chunks() -> Iterator[bytes]:
        yield content()[:200]
        raise DownloadError(str(ONE), "the line went dead")

    outcome = storage.store(file(chunks(), ONE))

    assert (OutcomeStatus.FAILED, "the line went dead") == (outcome.status, outcome.reason)
    assert [] == names(storage.root)


def test_broken_connection_is_not_a_broken_disk(storage: FolderStorage) -> None:
    """An OSError of the stream concerns one instance; its text is not repeated."""

    def chunks() -> Iterator[bytes]:
        yield content()[:200]
        raise ConnectionResetError("/data/Doe^Jane")

    outcome = storage.store(file(chunks(), ONE))

    assert OutcomeStatus.FAILED is outcome.status
    assert "ConnectionResetError" in outcome.reason
    assert "Doe" not in outcome.reason
    assert [] == names(storage.root)


def test_foreign_errors_pass_and_leave_nothing(storage: FolderStorage) -> None:
    """A mistake in a downloader is not covered up."""

    def chunks() -> Iterator[bytes]:
        yield content()[:200]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.store(file(chunks(), ONE))

    assert [] == names(storage.root)


def test_fewer_bytes_than_announced_are_cut(storage: FolderStorage) -> None:
    """A cut between two elements is seen by the announced size only."""
    outcome = storage.store(file(content(), ONE, size=len(content()) + 1))

    assert OutcomeStatus.FAILED is outcome.status
    assert "announced" in outcome.reason
    assert [] == names(storage.root)


def test_more_bytes_than_announced_are_whole(storage: FolderStorage) -> None:
    """An announced size is a hint: compressed transport announces less."""
    assert OutcomeStatus.STORED is storage.store(file(content(), ONE, size=1)).status


@pytest.mark.parametrize("got", [TWO, InstanceReference("9", "1.2.3", "1.2.3.4")])
def test_another_instance_than_asked_for_is_refused(
    storage: FolderStorage, got: InstanceReference
) -> None:
    """Nothing is kept under the name of what was asked for, nor under another."""
    outcome = storage.store(file(content(got), ONE))

    assert (OutcomeStatus.REFUSED, ONE) == (outcome.status, outcome.reference)
    assert f"asked for {ONE}, got {got}" == outcome.reason
    assert [] == names(storage.root)


@pytest.mark.parametrize("asked", [StudyReference("1.2"), SeriesReference("1.2", "1.2.3")])
def test_what_answers_for_a_series_must_be_of_it(
    storage: FolderStorage, asked: DICOMObjectReference
) -> None:
    """Bytes may answer for a study or a series; then any instance of it will do."""
    elsewhere = InstanceReference(*asked.uids[:-1], *("7", "8", "9")[len(asked.uids) - 1 :])

    assert ONE == storage.store(file(content(), asked)).reference
    assert OutcomeStatus.REFUSED is storage.store(file(content(elsewhere), asked)).status
    assert [PATH] == names(storage.root)


@pytest.mark.parametrize(
    ("absent", "reference", "reason"),
    [
        ("SOPInstanceUID", SeriesReference("1.2", "1.2.3"), "no SOP Instance UID"),
        ("StudyInstanceUID", None, "no Study Instance UID"),
    ],
)
def test_absent_uids_fail(
    storage: FolderStorage, absent: str, reference: DICOMObjectReference | None, reason: str
) -> None:
    """F02: an instance without UIDs has no place; it is named as far as it can be."""
    data = dataset()
    whole = encode(data)
    uid = getattr(data, absent).encode()
    at = whole.index(uid + (b"\0" if len(uid) % 2 else b""), 300)
    outcome = storage.store(file(whole[:at] + b"\0" * len(uid) + whole[at + len(uid) :]))

    assert (OutcomeStatus.FAILED, reference) == (outcome.status, outcome.reference)
    assert reason in outcome.reason
    assert [] == names(storage.root)


def test_data_set_that_cannot_be_written_fails(storage: FolderStorage) -> None:
    """F02: also when it comes as a data set."""
    data = dataset()
    del data.SOPInstanceUID
    outcome = storage.store(data)

    assert (OutcomeStatus.FAILED, SeriesReference("1.2", "1.2.3")) == (
        outcome.status,
        outcome.reference,
    )
    assert [] == names(storage.root)


def test_file_meta_of_another_instance_are_noted(storage: FolderStorage) -> None:
    """W28: the data set is right; what a tool forgot to change is noted, not refused."""
    data = content()
    at = data.index(b"1.2.3.4")
    outcome = storage.store(file(data[:at] + b"1.2.3.9" + data[at + 7 :], ONE))

    assert OutcomeStatus.STORED is outcome.status
    assert any("file meta" in note for note in outcome.notes)


def test_template_places_by_values(tmp_path: Path) -> None:
    """Values in the data set make the path, and the instance is found by its UIDs."""
    storage = FolderStorage(tmp_path, "{PatientID}/{InstanceNumber:03d}.dcm")
    outcome = storage.store(file(content(PatientID="A", InstanceNumber="7")))

    assert "A/007.dcm" == outcome.path
    for finder in (storage, FolderStorage(tmp_path, BY_NUMBER)):
        found = finder.find(ONE)
        assert found is not None
        assert "A/007.dcm" == found.path
        assert finder.find(TWO) is None


def test_instances_of_one_path_are_kept_apart(tmp_path: Path) -> None:
    """A template need not tell instances apart: the second gets a name of its own, always."""
    for order in ((ONE, TWO), (TWO, ONE)):
        storage = FolderStorage(tmp_path / order[0].instance_uid, BY_NUMBER)
        outcomes = [storage.store(file(content(reference))) for reference in order]
        again = [storage.store(file(content(reference))) for reference in order]

        assert [OutcomeStatus.STORED] * 2 == [outcome.status for outcome in outcomes]
        assert [OutcomeStatus.ALREADY_THERE] * 2 == [outcome.status for outcome in again]
        assert [o.path for o in outcomes] == [o.path for o in again]
        assert "no-PatientID/no-InstanceNumber.dcm" == outcomes[0].path
        assert outcomes[1].path.startswith("no-PatientID/no-InstanceNumber~uid-")
        assert 2 == len(names(storage.root))
        assert all(storage.find(reference) for reference in order)


def test_changed_values_do_not_make_a_second_copy(tmp_path: Path) -> None:
    """An instance that is here under another path is a conflict, not another instance."""
    for storage in (FolderStorage(tmp_path, BY_NUMBER), FolderStorage(tmp_path, BY_NUMBER)):
        storage.store(file(content(PatientID="A", InstanceNumber="1")))
        outcome = storage.store(file(content(PatientID="B", InstanceNumber="1")))

        assert OutcomeStatus.REFUSED is outcome.status
        assert outcome.path.startswith("A/001~conflict-")
        assert 2 == len(names(tmp_path))


def test_removed_file_is_stored_again(tmp_path: Path) -> None:
    """The disk is believed, not what is remembered."""
    storage = FolderStorage(tmp_path, BY_NUMBER)
    path = storage.root / storage.store(file(content())).path
    path.unlink()

    assert storage.find(ONE) is None
    assert OutcomeStatus.STORED is storage.store(file(content())).status


@pytest.mark.parametrize("reference", [ONE, None])
def test_temporary_is_made_where_the_file_goes(
    storage: FolderStorage, reference: InstanceReference | None
) -> None:
    """In the final folder if that is known and there, else in the root."""
    seen: list[set[str]] = []

    def chunks() -> Iterator[bytes]:
        seen.append({path.rpartition("/")[0] for path in names(storage.root)})
        yield content()

    for _ in range(2):
        storage.store(file(chunks(), reference))

    assert [{""}, {"1.2/1.2.3"} if reference else {"", "1.2/1.2.3"}] == seen


def test_removed_folders_are_made_again(storage: FolderStorage) -> None:
    """Somebody may tidy up while a download runs."""
    storage.store(file(content()))
    (storage.root / PATH).unlink()
    (storage.root / PATH).parent.rmdir()

    assert OutcomeStatus.STORED is storage.store(file(content())).status


def test_two_contents_of_one_uid_in_a_flat_folder(tmp_path: Path) -> None:
    """One SOP Instance UID in two studies has one name there: a conflict, nothing lost."""
    storage = FolderStorage(tmp_path, FLAT)
    other = InstanceReference("8", "9", ONE.instance_uid)
    storage.store(file(content()))

    assert OutcomeStatus.REFUSED is storage.store(file(content(other), other)).status
    assert storage.find(other) is None
    assert 2 == len(names(tmp_path))


def test_something_else_with_the_name_stays(storage: FolderStorage) -> None:
    """A folder in the place of the file is not ours to move."""
    (storage.root / PATH).mkdir(parents=True)
    outcome = storage.store(file(content()))

    assert OutcomeStatus.STORED is outcome.status
    assert outcome.path.startswith("1.2/1.2.3/1.2.3.4~uid-")
    found = storage.find(ONE)
    assert found is not None
    assert outcome.path == found.path


def test_file_in_the_place_of_a_folder_fails_one_instance(storage: FolderStorage) -> None:
    """The others can be stored."""
    storage.root.mkdir()
    (storage.root / "1.2").write_bytes(b"mine")
    other = InstanceReference("5", "6", "7")

    assert OutcomeStatus.FAILED is storage.store(file(content())).status
    assert OutcomeStatus.STORED is storage.store(file(content(other))).status
    assert b"mine" == (storage.root / "1.2").read_bytes()


def test_root_that_is_a_file_stops_everything(tmp_path: Path) -> None:
    """Nothing can be stored: an error, not an outcome."""
    (tmp_path / "out").write_bytes(b"")

    with pytest.raises(StorageError, match="out"):
        FolderStorage(tmp_path / "out").store(file(content()))


def test_travels_between_processes(storage: FolderStorage) -> None:
    """A worker gets the storage by pickle, with all its settings."""
    storage = FolderStorage(storage.root, BY_NUMBER, checksum="md5", durable=False)
    twin: FolderStorage = pickle.loads(pickle.dumps(storage))

    assert storage.store(file(content())).path == getattr(twin.find(ONE), "path", None)
    assert (storage.root, storage.layout, "md5", False) == (
        twin.root,
        twin.layout,
        twin.checksum,
        twin.durable,
    )


def test_has_the_shape_of_a_storage(storage: FolderStorage) -> None:
    """It can be given wherever a `Storage` is wanted."""
    anything: Storage = storage

    assert str(storage.root) in repr(anything)


def test_what_is_found_has_the_checksum_that_it_was_stored_with(storage: FolderStorage) -> None:
    """Without it a receipt of a second run could not show a change that comes later."""
    stored = storage.store(file(content()))
    found = storage.find(ONE)

    assert found is not None
    assert stored.checksum == found.checksum != ""
