"""The index of a folder: kept up to date, where it lies, and what happens when it is damaged."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from gurney.core import (
    ArchiveUnavailableError,
    InvalidInputError,
    Query,
    encode,
    put,
    text,
)
from gurney.folder import FileStatus, FolderArchive, FolderReport
from gurney.folder.paths import open_at
from gurney.folder.refreshing import Changes, refresh

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
not_root = pytest.mark.skipif(
    sys.platform != "win32" and os.geteuid() == 0, reason="nothing is forbidden to root"
)


def dicom(uid: str, **values: str) -> bytes:
    dataset = Dataset()
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "SOPInstanceUID": uid}
    for keyword, value in {"SOPClassUID": SecondaryCaptureImageStorage, **uids, **values}.items():
        put(dataset, keyword, [value])
    return encode(dataset)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three instances of one study."""
    root = tmp_path / "archive"
    (root / "b").mkdir(parents=True)
    for number, name in enumerate(("a", "b/b", "b/c")):
        (root / name).write_bytes(dicom(f"1.1.{number}", PatientName="Doe"))
    return root


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is written into the cache of who runs the tests."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache"


def changes(report: FolderReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


def instances(archive: FolderArchive) -> str:
    (study,) = archive.find_studies(Query())
    return text(study.data, "NumberOfStudyRelatedInstances")


# ---------------------------------------------------------------- up to date


def test_only_what_differs_is_read(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second refresh opens no file; a third one the file that was added."""
    opened: list[bytes] = []

    def open_noting(folder: bytes, path: bytes) -> BinaryIO:
        opened.append(path)
        return open_at(folder, path)

    monkeypatch.setattr("gurney.folder.reading.open_at", open_noting)
    first = FolderArchive(root, index).refresh()
    second = FolderArchive(root, index).refresh()
    (root / "d").write_bytes(dicom("1.1.3"))
    third = FolderArchive(root, index).refresh()

    assert [(3, 0, 0), (0, 0, 0), (1, 0, 0)] == [changes(r) for r in (first, second, third)]
    assert [b"a", b"b/b", b"b/c", b"d"] == sorted(opened)


def test_changed_file_is_read_again(root: Path, index: Path) -> None:
    """By its time of modification, its size being the same."""
    archive = FolderArchive(root, index)
    archive.refresh()
    before = (root / "a").stat()
    (root / "a").write_bytes(dicom("1.1.9", PatientName="Doe"))
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    assert before.st_size == (root / "a").stat().st_size
    assert (0, 1, 0) == changes(archive.refresh())
    assert "3" == instances(archive)


def test_same_time_and_another_size_is_a_change(root: Path, index: Path) -> None:
    """By its size, its time of modification being the same."""
    archive = FolderArchive(root, index)
    archive.refresh()
    before = (root / "a").stat()
    (root / "a").write_bytes(dicom("1.1.9", PatientName="Doe^John"))
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (0, 1, 0) == changes(archive.refresh())


def test_vanished_files_are_forgotten(root: Path, index: Path) -> None:
    """What is not on disk is not in the index, nor what it alone said."""
    archive = FolderArchive(root, index)
    archive.refresh()
    (root / "b" / "b").unlink()
    assert (0, 0, 1) == changes(archive.refresh())
    assert "2" == instances(archive)

    for path in (root / "b" / "c", root / "a"):
        path.unlink()
    assert (0, 0, 2) == changes(archive.refresh())
    assert [] == list(archive.find_studies(Query()))


def test_one_goes_and_one_comes(root: Path, index: Path) -> None:
    """The number of files being the same does not hide it; a renamed file is both."""
    archive = FolderArchive(root, index)
    archive.refresh()
    (root / "a").rename(root / "z")

    assert (1, 0, 1) == changes(archive.refresh())
    assert ["b/b", "b/c", "z"] == [file.path for file in archive.listed()]


def test_killed_refresh_is_taken_up(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed before is kept; the next refresh does the rest."""
    monkeypatch.setattr("gurney.folder.refreshing._BATCH", 1)
    with monkeypatch.context() as patch:
        patch.setattr("gurney.folder.refreshing._remove_vanished", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            FolderArchive(root, index).refresh()
    (root / "copy").write_bytes((root / "a").read_bytes())
    archive = FolderArchive(root, index)

    assert (1, 0, 0) == changes(archive.refresh())
    assert "3" == instances(archive)


def test_half_a_refresh_is_not_taken_for_a_whole_one(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the files are put back as they were when it was killed."""
    archive = FolderArchive(root, index)
    archive.refresh()
    kept = root.parent / "kept"
    shutil.copytree(root, kept)
    (root / "a").write_bytes(dicom("1.1.0", PatientName="Doe^John"))
    with monkeypatch.context() as patch:
        patch.setattr("gurney.folder.refreshing._remove_vanished", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            archive.refresh()
    shutil.copy2(kept / "a", root / "a")
    archive.refresh()

    assert {"Doe"} == {text(study.data, "PatientName") for study in archive.find_studies(Query())}
    assert [] == list(archive.find_studies(Query(PatientName="Doe^John")))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


# ---------------------------------------------------------------- its place


@posix
def test_default_is_a_private_file_in_the_cache(root: Path, cache: Path) -> None:
    """It holds patient data; nothing of the path is in its name, nothing is in the archive."""
    before = sorted(root.rglob("*"))
    archive = FolderArchive(root)
    archive.refresh()

    assert archive.index is not None
    assert archive.index.is_relative_to(cache)
    assert 0o700 == stat.S_IMODE(archive.index.parent.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(p.stat().st_mode) for p in archive.index.parent.iterdir()}
    assert "archive" not in archive.index.name
    assert before == sorted(root.rglob("*"))


def test_each_folder_has_an_index_of_its_own(root: Path) -> None:
    """Even if one is part of the other; but a link to a folder is that folder."""
    (root.parent / "link").symlink_to(root)

    assert FolderArchive(root).index != FolderArchive(root / "b").index
    assert FolderArchive(root).index == FolderArchive(root.parent / "link").index


def test_index_in_the_archive_is_not_part_of_it(root: Path) -> None:
    """Else it would change with every search."""
    archive = FolderArchive(root, root / "b" / "index")

    assert 3 == archive.refresh().files
    assert (0, 0, 0) == changes(archive.refresh())
    assert ["a", "b/b", "b/c"] == [file.path for file in archive.listed()]


def test_index_in_memory(root: Path, cache: Path) -> None:
    """It lasts as long as the archive, and leaves nothing behind."""
    archive = FolderArchive(root, index=":memory:")

    assert (3, 0, 0) == changes(archive.refresh())
    assert (0, 0, 0) == changes(archive.refresh())
    assert archive.index is None
    assert not cache.exists()
    assert () == archive.find_studies(Query()).notes


@pytest.mark.parametrize("obstacle", ["file", "folder"])
def test_without_a_place_it_is_kept_in_memory(root: Path, cache: Path, obstacle: str) -> None:
    """A cache that cannot be written is no reason not to search; it is said."""
    if obstacle == "file":
        cache.write_text("")
        archive = FolderArchive(root)
    else:
        (root.parent / "index").mkdir()
        archive = FolderArchive(root, root.parent / "index")
    found = archive.find_studies(Query())

    assert 1 == len(found)
    assert archive.index is None
    (note,) = found.notes
    assert note.startswith("the index cannot be kept on disk")
    assert str(cache) not in note
    assert (note,) == archive.refresh().notes


@not_root
def test_read_only_archive_is_searched(root: Path) -> None:
    """Nothing is written there, not even when the caller wants it."""
    root.chmod(0o500)
    try:
        found = FolderArchive(root, root / "index").find_studies(Query())
    finally:
        root.chmod(0o700)

    assert 1 == len(found)
    assert found.notes[0].startswith("the index cannot be kept on disk")
    assert not (root / "index").exists()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "read-only file system"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
        (sqlite3.OperationalError("unable to open database file"), "unable to open database file"),
    ],
)
def test_when_it_cannot_be_written_any_more_it_goes_on_in_memory(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """A full disk in the middle of a refresh costs time, not the answer."""

    def fail(*_: object) -> NoReturn:
        monkeypatch.undo()
        raise error

    monkeypatch.setattr("gurney.folder.refreshing._compare_copies", fail)
    archive = FolderArchive(root, index)
    found = archive.find_studies(Query())

    assert 1 == len(found)
    assert (f"the index cannot be kept on disk ({reason}); it is kept in memory",) == found.notes


@pytest.mark.parametrize("content", [b"precious", b"SQLite format 3\0" + bytes(100)])
def test_file_of_somebody_else_is_not_overwritten(root: Path, content: bytes) -> None:
    """To name an image as index, by mistake, does not cost the image."""
    (root / "a").write_bytes(content)

    with pytest.raises(InvalidInputError, match="a exists and is no index"):
        FolderArchive(root, root / "a")
    assert content == (root / "a").read_bytes()


def test_index_of_another_archive_is_made_anew(root: Path, index: Path) -> None:
    """Files of the same path, size and time in another folder are other files."""
    other = root.parent / "other"
    other.mkdir()
    (other / "a").write_bytes(dicom("1.1.0", PatientName="Roe"))
    before = (root / "a").stat()
    os.utime(other / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    FolderArchive(root, index).refresh()
    found = FolderArchive(other, index).find_studies(Query())

    assert ["Roe"] == [text(study.data, "PatientName") for study in found]


# ---------------------------------------------------------------- damage


def _overwrite(path: Path, content: bytes, at: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def _sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage": lambda path: _overwrite(path, b"garbage" * 2000),
    "first page": lambda path: _overwrite(path, b"\xff" * 3000, 100),
    "later pages": lambda path: _overwrite(path, b"\xff" * 20000, 4096),
    "cut": lambda path: os.truncate(path, 5000),
    "emptied": lambda path: os.truncate(path, 0),
    "table gone": lambda path: _sql(path, "DROP TABLE header"),
    "header emptied": lambda path: _sql(path, "UPDATE header SET study = X''"),
    "header cut": lambda path: _sql(path, "UPDATE header SET study = SUBSTR(study, 1, 20)"),
    "row gone": lambda path: _sql(path, "DELETE FROM archive"),
    "older version": lambda path: _sql(path, "PRAGMA user_version = 0"),
    "newer version": lambda path: _sql(path, "PRAGMA user_version = 1000000"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_index_is_rebuilt(root: Path, damage: str) -> None:
    """It can always be made from the files; in the cache, whatever is in its place."""
    FolderArchive(root).refresh()
    archive = FolderArchive(root)
    assert archive.index is not None
    DAMAGES[damage](archive.index)
    found = archive.find_studies(Query())

    assert ["Doe"] == [text(study.data, "PatientName") for study in found]
    assert "3" == instances(archive)
    assert archive.index is not None
    harmless = {"emptied", "older version", "newer version", "row gone"}
    expected = () if damage in harmless else ("the index was damaged and has been rebuilt",)
    assert expected == found.notes
    assert () == FolderArchive(root).find_studies(Query()).notes


def test_index_that_another_process_has_rebuilt_is_left_alone(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the lock looks again before deleting anything."""
    from gurney.folder import index as module

    FolderArchive(root, index).refresh()
    good = index.read_bytes()
    archive = FolderArchive(root, index)
    _overwrite(index, b"\xff" * 20000, 4096)
    exclusive = getattr(module, "_exclusive")  # noqa: B009  private, and typed so

    @contextmanager
    def late(path: Path) -> Generator[None, None, None]:
        if path.name.endswith("-use"):
            index.write_bytes(good)
        with exclusive(path):
            yield

    monkeypatch.setattr(module, "_exclusive", late)
    found = archive.find_studies(Query())

    assert 1 == len(found)
    assert () == found.notes
    assert good == index.read_bytes()


def test_index_of_another_version_is_made_anew(root: Path, index: Path) -> None:
    """Also where the caller put it, and without a trace of the old one."""
    FolderArchive(root, index).refresh()
    _sql(index, "PRAGMA user_version = 0")
    _sql(index, "CREATE TABLE relic (content)")
    archive = FolderArchive(root, index)

    assert (3, 0, 0) == changes(archive.refresh())
    with closing(sqlite3.connect(index)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("relic",) not in names


def test_endlessly_locked_index_is_reported(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that writes and does not end is an archive that is not available now."""
    monkeypatch.setattr("gurney.folder.index._PATIENCE", 0)
    archive = FolderArchive(root, index)
    archive.refresh()
    (root / "d").write_bytes(dicom("1.1.3"))
    with closing(sqlite3.connect(f"{index}-writer", isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ArchiveUnavailableError, match="another process"):
            archive.refresh()
        (root / "d").unlink()

        assert (0, 0, 0) == changes(archive.refresh())  # nothing to write, nothing to wait for


# ---------------------------------------------------------------- the folder itself


def test_absent_folder_is_unavailable(root: Path) -> None:
    """It may be there later: a disk that is not mounted. What is known of it is kept."""
    archive = FolderArchive(root)
    archive.refresh()
    root.rename(root.with_name("away"))

    with pytest.raises(ArchiveUnavailableError, match="no such file or directory"):
        archive.find_studies(Query())
    root.with_name("away").rename(root)
    assert (0, 0, 0) == changes(archive.refresh())


def test_file_is_no_folder(root: Path) -> None:
    """The message says so."""
    with pytest.raises(ArchiveUnavailableError, match="not a directory"):
        FolderArchive(root / "a", index=":memory:").refresh()


@pytest.mark.parametrize("where", [None, ":memory:"])
def test_threads_share_an_archive(root: Path, where: str | None) -> None:
    """Several threads search at once; each finds everything."""
    archive = FolderArchive(root, where)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(instances(archive))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["3"] * 8 == found


def test_archive_can_be_pickled(root: Path, index: Path) -> None:
    """It travels to another process as its path, and finds its index there."""
    archive = FolderArchive(root, index)
    archive.refresh()
    copy: FolderArchive = pickle.loads(pickle.dumps(archive))

    assert (root, index) == (copy.path, copy.index)
    assert (0, 0, 0) == changes(copy.refresh())
    assert f"FolderArchive({str(root)!r})" == repr(copy)


def test_pickled_archive_wants_its_index_where_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if that was said in relation to the folder of the first process."""
    monkeypatch.chdir(root.parent)
    pickled = [pickle.dumps(FolderArchive("archive", where)) for where in ("x", ":memory:", None)]
    monkeypatch.chdir(root)
    copies: list[FolderArchive] = [pickle.loads(content) for content in pickled]

    assert [root] * 3 == [copy.path for copy in copies]
    assert [root.parent / "x", None, FolderArchive(root).index] == [copy.index for copy in copies]


def test_search_while_another_process_is_in_the_middle_of_a_refresh(
    root: Path, index: Path
) -> None:
    """What no file has any more is not found."""
    archive = FolderArchive(root, index)
    archive.refresh()
    _sql(
        index,
        "INSERT INTO header SELECT X'00', '2', '2.1', '', '', study, series FROM header LIMIT 1",
    )

    assert ["1"] == [study.uid for study in archive.find_studies(Query())]


def test_search_while_the_index_becomes_that_of_another_folder(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking at the files and searching: what is found is of the folder searched."""
    other = root.parent / "other"
    other.mkdir()
    again: list[int] = [1]

    def refresh_and_lose(*given: Any) -> Changes:
        changes = refresh(*given)
        if given[1] == os.fsencode(root) and again:
            again.pop()
            FolderArchive(other, index).refresh()
        return changes

    monkeypatch.setattr("gurney.folder.archive.refresh", refresh_and_lose)
    found = FolderArchive(root, index).find_studies(Query())

    assert (["1"], True) == ([study.uid for study in found], found.complete)
    assert not again


def test_endlessly_disturbed_search_is_reported(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not answer from the index of somebody else, and ends."""
    other = root.parent / "other"
    other.mkdir()

    def refresh_and_lose(*given: Any) -> Changes:
        changes = refresh(*given)
        if given[1] == os.fsencode(root):
            FolderArchive(other, index).refresh()
        return changes

    monkeypatch.setattr("gurney.folder.archive.refresh", refresh_and_lose)

    with pytest.raises(ArchiveUnavailableError, match="index of its own"):
        FolderArchive(root, index).find_studies(Query())


def test_file_that_is_away_for_a_moment_is_not_forgotten(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone when it is read, and back as it was: the next search finds it."""

    def vanished(*_: bytes) -> NoReturn:
        raise FileNotFoundError(errno.ENOENT, "gone")

    with monkeypatch.context() as patched:
        patched.setattr("gurney.folder.reading.open_at", vanished)
        FolderArchive(root, index).refresh()

    assert "3" == instances(FolderArchive(root, index))


def test_folder_that_goes_while_it_is_scanned_is_not_empty(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk went away, or somebody put another folder there: that is no empty archive."""
    archive = FolderArchive(root, index)
    scandir = os.scandir

    def scan_and_lose(path: bytes) -> object:
        entries = scandir(path)
        if root.exists():
            root.rename(root.parent / "away")
        return entries

    monkeypatch.setattr("gurney.folder.scanning.os.scandir", scan_and_lose)

    with pytest.raises(ArchiveUnavailableError, match="its disk"):
        archive.find_studies(Query())


def test_report_counts_every_status(root: Path) -> None:
    """A status that no file has counts none."""
    report = FolderArchive(root, index=":memory:").refresh()

    assert [3, 0, 0, 0, 0] == [report.counts[status] for status in FileStatus]
    assert 3 == report.files
    assert report.complete
