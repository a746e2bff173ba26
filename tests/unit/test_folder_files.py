"""The files of a folder: which there are, what they are, and how they are fetched."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from typing_extensions import Self

from gurney.core import (
    CHUNK_SIZE,
    DICOMDownloadable,
    DICOMObjectReference,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    Query,
    QueryLevels,
    SeriesReference,
    StudyReference,
    encode,
    put,
)
from gurney.folder import FileStatus, FolderArchive, ListedFile, open_url
from gurney.testing import example_datasets

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file systems")


def dicom(uids: str = "1/1.1/1.1.1", /, **values: str | None) -> bytes:
    """A small instance; an attribute that is `None` is left out."""
    dataset = Dataset()
    keywords = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    named = dict(zip(keywords, uids.split("/"), strict=True))
    for keyword, value in {"SOPClassUID": SecondaryCaptureImageStorage, **named, **values}.items():
        if value is not None:
            put(dataset, keyword, [value])
    return encode(dataset)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    root.mkdir()
    return root


@pytest.fixture
def archive(root: Path) -> FolderArchive:
    return FolderArchive(root, index=":memory:")


def listed(archive: FolderArchive) -> dict[str, FileStatus]:
    archive.refresh()
    return {file.path: file.status for file in archive.listed()}


def only(archive: FolderArchive) -> ListedFile:
    archive.refresh()
    (file,) = archive.listed()
    return file


def given(archive: FolderArchive, objects: Iterable[DICOMDownloadable]) -> list[str]:
    return [str(file.reference) for file in archive.files(objects)]


def refusal(archive: FolderArchive, reference: DICOMObjectReference) -> str:
    """What the only file for *reference* says instead of bytes."""
    (file,) = archive.files([reference])
    assert (reference, "file") == (file.reference, file.protocol)
    with pytest.raises(DownloadError) as caught:
        file.read()
    assert str(reference) == caught.value.subject
    return caught.value.reason


INSTANCES = [InstanceReference("1", "1.1", f"1.1.{number}") for number in (1, 2)]


# ---------------------------------------------------------------- which files there are


@pytest.mark.parametrize("name", ["x", ".hidden", "x.dcm", "x.txt", "x y", "é", "a/b/c/x.y.z"])
def test_any_name_and_depth(root: Path, archive: FolderArchive, name: str) -> None:
    """What a file is called says nothing about what is in it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom())

    assert {name: FileStatus.INDEXED} == listed(archive)
    assert [str(INSTANCES[0])] == given(archive, [StudyReference("1")])


@posix
def test_name_that_is_no_text(root: Path, archive: FolderArchive) -> None:
    """Bytes that are no text, and line breaks, are indexed and fetched, and shown escaped."""
    try:
        (root / os.fsdecode(b"\xff\n.dcm")).write_bytes(dicom())
    except OSError:
        pytest.skip("this file system takes text only")

    assert {r"\udcff\n.dcm": FileStatus.INDEXED} == listed(archive)
    assert dicom() == next(archive.files([INSTANCES[0]])).read()


@posix
def test_links_are_followed(root: Path, archive: FolderArchive) -> None:
    """To files and to folders outside."""
    outside = root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "a").write_bytes(dicom())
    (root.parent / "b").write_bytes(dicom("1/1.1/1.1.2"))
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(root.parent / "b")

    assert ["file", "folder/deep/a"] == list(listed(archive))
    assert [str(uid) for uid in INSTANCES] == given(archive, [StudyReference("1")])


@posix
def test_links_in_circles_end(root: Path, archive: FolderArchive) -> None:
    """Each folder is read once, by whatever way; what lies in the root is found there."""
    outside = root.parent / "outside"
    for folder in (root / "real", outside / "deep"):
        folder.mkdir(parents=True)
        (folder / "a").write_bytes(dicom())
        (folder / "up").symlink_to(folder.parent)
        (folder / "here").symlink_to(folder)
        (folder / "root").symlink_to(root)
        (folder / "all").symlink_to(root.parent)
    for name, target in (("x", outside / "deep"), ("y", outside), ("z", root / "real" / "a")):
        (root / name).symlink_to(target)
    archive.refresh()
    places = [(root / file.path).resolve() for file in archive.listed()]

    assert {root / "real" / "a", outside / "deep" / "a"} == set(places)
    assert 2 == len(places)


@posix
def test_link_to_nothing_makes_a_result_incomplete(root: Path, archive: FolderArchive) -> None:
    """A file that should be there is not: content that was not copied along with its links."""
    (root / "annex").mkdir()
    (root / "gone").symlink_to(root / "annex" / "gone")
    (root / "self").symlink_to(root / "self")
    (root / "a").write_bytes(dicom())
    found = archive.find_studies(Query())

    assert not found.complete
    assert 1 == len(found)
    assert {"gone": FileStatus.UNREADABLE, "self": FileStatus.UNREADABLE} == {
        path: status for path, status in listed(archive).items() if path != "a"
    }
    assert "files or folders that cannot be read: 1 a link to nothing" in found.reasons
    (root / "annex" / "gone").write_bytes(dicom())
    (root / "self").unlink()

    assert archive.find_studies(Query()).complete


@posix
def test_pipes_are_not_opened(root: Path, archive: FolderArchive) -> None:
    """Whoever opens one waits for ever."""
    os.mkfifo(root / "pipe")
    found = archive.find_studies(Query())

    assert found.complete
    assert ("1 files are not DICOM: 1 not a regular file",) == found.notes


def test_unreadable_file_makes_a_result_incomplete_until_it_can_be_read(
    root: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again each time, though neither its size nor its time has changed."""
    (root / "a").write_bytes(dicom())

    def refuse(*_: object) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("gurney.folder.reading.open_at", refuse)
        first = archive.find_studies(Query())
        second = archive.refresh()
    third = archive.find_studies(Query())

    reason = "files or folders that cannot be read: 1 permission denied"
    assert ([], (reason,)) == (list(first), first.reasons)
    assert (0, 0, 0) == (second.added, second.changed, second.removed)
    assert third.complete
    assert 1 == len(third)


def test_unreadable_folder_makes_a_result_incomplete(
    root: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; the others are searched."""
    (root / "closed").mkdir()
    (root / "closed" / "a").write_bytes(dicom())
    (root / "b").write_bytes(dicom("1/1.1/1.1.2"))
    scandir = os.scandir

    def refuse(path: bytes) -> object:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        found = archive.find_studies(Query())
    reason = "files or folders that cannot be read: 1 permission denied"

    assert (1, (reason,)) == (len(found), found.reasons)
    assert archive.find_studies(Query()).complete
    assert ["b", "closed/a"] == list(listed(archive))


def test_file_that_vanishes_before_it_is_read(
    root: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not there: no fault of anybody."""
    (root / "a").write_bytes(dicom())

    def vanish(*_: object) -> object:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("gurney.folder.reading.open_at", vanish)
    found = archive.find_studies(Query())

    assert found.complete
    assert [] == list(archive.listed())


def test_file_that_vanishes_while_the_folder_is_read(
    root: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that come after it in the folder are found all the same."""
    for name in "abcdef":
        (root / name).write_bytes(dicom(f"1/1.1/{ord(name)}"))
    scandir = os.scandir

    class Listed(list["os.DirEntry[bytes]"]):
        def __enter__(self) -> Self:
            (root / "c").unlink(missing_ok=True)
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def close(self) -> None:
            pass

    def scan(path: bytes) -> Listed:
        with scandir(path) as entries:
            return Listed(entries)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scan)
        archive.refresh()
    assert archive.find_studies(Query()).complete
    assert 5 == len([*archive.listed()])


# ---------------------------------------------------------------- what they are

JUNK = {
    "text": b"hello\n",
    "an HTML page or XML document": b"<html>404</html>",
    "JSON text": b'{"error": 404}',
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(30),
    "a ZIP archive; unpack it first": b"PK\x03\x04" + bytes(30),
    "no bytes at all": b"",
}


@pytest.mark.parametrize("what", JUNK)
def test_what_is_not_dicom_is_counted_by_kind(
    root: Path, archive: FolderArchive, what: str
) -> None:
    """It does not make a result less complete."""
    (root / "x.dcm").write_bytes(JUNK[what])
    found = archive.find_studies(Query())

    assert ListedFile("x.dcm", FileStatus.NOT_DICOM, what) == only(archive)
    assert (f"1 files are not DICOM: 1 {what}",) == found.notes
    assert found.complete


@pytest.mark.parametrize(
    ("keyword", "uid", "problem"),
    [
        ("StudyInstanceUID", None, "without StudyInstanceUID"),
        ("StudyInstanceUID", "", "without StudyInstanceUID"),
        ("SeriesInstanceUID", None, "without SeriesInstanceUID"),
        ("StudyInstanceUID", "../x", "with a StudyInstanceUID that is none"),
        ("SeriesInstanceUID", "a b", "with a SeriesInstanceUID that is none"),
        ("SOPInstanceUID", "*", "with a SOPInstanceUID that is none"),
    ],
)
def test_dicom_that_cannot_be_placed_makes_a_result_incomplete(
    root: Path, archive: FolderArchive, keyword: str, uid: str | None, problem: str
) -> None:
    """F01, F02: nobody knows what it is part of, so anything may be missing."""
    (root / "x").write_bytes(dicom("1/1.1/1.1.1", **{keyword: uid}))
    found = archive.find_studies(Query())

    assert ListedFile("x", FileStatus.UNUSABLE, problem) == only(archive)
    assert (f"DICOM that cannot be placed: 1 {problem}",) == found.reasons
    assert [] == list(found)


def test_cut_before_its_uids(root: Path, archive: FolderArchive) -> None:
    """It cannot be placed; where it was cut is said."""
    (root / "x").write_bytes(dicom()[:-15])
    file = only(archive)

    assert (FileStatus.UNUSABLE, "cut, without StudyInstanceUID") == (file.status, file.problem)
    assert file.detail.startswith("cut in ")


def test_cut_after_its_uids(root: Path, archive: FolderArchive) -> None:
    """It can be found, and not be fetched."""
    (root / "x").write_bytes(dicom(ImageComments="a long comment")[:-4])
    found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))

    assert found.complete
    assert (INSTANCES[0],) == tuple(i.reference() for i in found[0].all_instances())
    assert ("1 files are not whole, and cannot be fetched",) == found.notes
    assert refusal(archive, INSTANCES[0]).startswith("its file is not whole: cut in (0020,4000)")


def test_oddities_are_listed(root: Path, archive: FolderArchive) -> None:
    """They do no harm; whoever wants to know can."""
    (root / "x").write_bytes(dicom() + bytes(10))

    assert ListedFile("x", FileStatus.INDEXED, "", "10 zero bytes after the data set") == only(
        archive
    )


def test_many_files_are_listed_in_order(
    root: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page; by status if wanted."""
    monkeypatch.setattr("gurney.folder.reporting._PAGE", 2)
    for name in "fbdac":
        (root / name).write_bytes(b"text" if name in "bc" else dicom(f"1/1/{ord(name)}"))
    archive.refresh()

    assert list("abcdf") == [file.path for file in archive.listed()]
    assert list("bc") == [file.path for file in archive.listed(FileStatus.NOT_DICOM)]


def test_reports_name_a_few_files_and_count_all(root: Path, archive: FolderArchive) -> None:
    """A million of them still make a line that can be read."""
    for number in range(12):
        (root / f"{number:02}").write_bytes(dicom(StudyInstanceUID=None))
    (group,) = archive.refresh().groups

    assert (12, 10) == (group.count, len(group.examples))
    assert "12 without StudyInstanceUID" == str(group)


# ---------------------------------------------------------------- DICOMDIR


@pytest.fixture
def medium(root: Path) -> Path:
    """The medium that comes with pydicom: a DICOMDIR, and 31 files that it names."""
    source = Path(str(get_testdata_file("DICOMDIR"))).parent
    shutil.copy(source / "DICOMDIR", root)
    for folder in ("77654033", "98892001", "98892003"):
        shutil.copytree(source / folder, root / folder)
    return root


def test_medium_is_complete(medium: Path, archive: FolderArchive) -> None:
    """Every file that the DICOMDIR names is there; the DICOMDIR is no instance."""
    found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))

    assert found.complete
    assert () == found.notes
    assert 31 == sum(len(study.all_instances()) for study in found)
    assert FileStatus.DICOMDIR is listed(archive)["DICOMDIR"]
    assert 32 == sum(path.is_file() for path in medium.rglob("*"))


def test_files_that_a_dicomdir_names_and_that_are_not_there(
    medium: Path, archive: FolderArchive
) -> None:
    """A hint that something is missing; when it comes, all is well."""
    archive.refresh()
    away = medium / "77654033" / "CR1" / "6154"
    content = away.read_bytes()
    away.unlink()
    found = archive.find_studies(Query())

    assert ("a DICOMDIR names files that are not there: 1",) == found.reasons
    away.write_bytes(content)
    assert archive.find_studies(Query()).complete


def test_names_may_be_spelt_as_drivers_do(medium: Path, archive: FolderArchive) -> None:
    """In lower case, or with the version of ISO 9660."""
    for path in sorted(medium.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower() + ".;1" * path.is_file()))

    assert archive.find_studies(Query()).complete


def test_dicomdir_goes_with_its_names(medium: Path, archive: FolderArchive) -> None:
    """Without it nothing is known to be missing."""
    shutil.rmtree(medium / "98892003")
    assert not archive.find_studies(Query()).complete

    (medium / "DICOMDIR").unlink()
    assert archive.find_studies(Query()).complete


def test_damaged_dicomdir_is_reported_and_harmless(medium: Path, archive: FolderArchive) -> None:
    """It is a hint; the files are there."""
    path = medium / "DICOMDIR"
    path.write_bytes(path.read_bytes()[:3000])
    found = archive.find_studies(Query())
    groups = [group for group in archive.refresh().groups if group.status is FileStatus.DICOMDIR]

    assert [("cut", 1)] == [(group.problem, group.count) for group in groups]
    assert 6 == len(found)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x"])
def test_dicomdir_that_points_outside_is_not_followed(
    root: Path, archive: FolderArchive, name: str
) -> None:
    """Whatever it names there is said to be missing."""
    record, directory = Dataset(), Dataset()
    put(record, "DirectoryRecordType", ["IMAGE"])
    put(record, "ReferencedFileID", name.split("\\"))
    put(directory, "SOPInstanceUID", ["1.1"])
    put(directory, "SOPClassUID", ["1.2.840.10008.1.3.10"])
    directory.DirectoryRecordSequence = [record]
    (root / "DICOMDIR").write_bytes(encode(directory))
    found = archive.find_studies(Query())

    assert 1 == len(found.reasons)
    assert found.reasons[0].startswith("a DICOMDIR names files that are not there: 1")


# ---------------------------------------------------------------- fetching


@pytest.fixture
def two(root: Path) -> Path:
    """Two instances of a series."""
    for number in (1, 2):
        content = dicom(f"1/1.1/1.1.{number}", InstanceNumber=str(number))
        (root / str(3 - number)).write_bytes(content)
    return root


@pytest.mark.parametrize(
    "objects",
    [
        [StudyReference("1")],
        [SeriesReference("1", "1.1")],
        INSTANCES,
        [INSTANCES[0], StudyReference("1"), SeriesReference("1", "1.1"), INSTANCES[1]],
    ],
)
def test_objects_of_any_level_give_each_instance_once_in_order(
    two: Path, archive: FolderArchive, objects: list[DICOMDownloadable]
) -> None:
    """Before any search too."""
    contents = [file.read() for file in archive.files(objects)]

    assert [(two / "2").read_bytes(), (two / "1").read_bytes()] == contents
    assert [str(reference) for reference in INSTANCES] == given(archive, objects)


def test_found_objects_give_what_is_in_them(two: Path, archive: FolderArchive) -> None:
    """A tree that holds some of a study stands for these, not for all."""
    (two / "3").write_bytes(dicom("1/1.2/1.2.1"))
    query = Query(SeriesInstanceUID="1.2", query_level=QueryLevels.SERIES)
    (study,) = archive.find_studies(query)

    assert ["1/1.2/1.2.1"] == given(archive, [study])
    assert ["1/1.1/1.1.1", "1/1.1/1.1.2"] == given(archive, [SeriesReference("1", "1.1")])


def test_files_say_what_they_are(two: Path, archive: FolderArchive) -> None:
    """Reference, protocol, size."""
    (file,) = archive.files([INSTANCES[0]])

    assert (INSTANCES[0], "file", (two / "2").stat().st_size, 0) == (
        file.reference,
        file.protocol,
        file.size,
        file.retries,
    )


def test_datasets_follow(two: Path, archive: FolderArchive) -> None:
    """They are derived from the files."""
    assert ["1.1.1", "1.1.2"] == [str(d.SOPInstanceUID) for d in archive.datasets(INSTANCES)]
    assert "1.1.2" == archive.get_dataset(INSTANCES[1]).SOPInstanceUID
    assert two.is_dir()


def test_objects_are_taken_as_files_are_asked_for(
    two: Path, archive: FolderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless stream of references is no problem."""
    monkeypatch.setattr("gurney.folder.archive._AT_ONCE", 2)
    endless = iter(lambda: INSTANCES[0], None)

    assert INSTANCES[0] == next(archive.files(endless)).reference
    assert two.is_dir()


@pytest.mark.parametrize(
    "reference",
    [StudyReference("2"), SeriesReference("1", "2"), InstanceReference("1", "1.1", "2")],
)
def test_what_is_not_here_says_so(
    two: Path, archive: FolderArchive, reference: DICOMObjectReference
) -> None:
    """Once, and the others go on."""
    reason = "it is not in this folder; if it is new, search again"

    assert reason == refusal(archive, reference)
    objects: list[DICOMDownloadable] = [INSTANCES[0], reference, reference, INSTANCES[1]]
    assert [str(INSTANCES[0]), str(reference), str(INSTANCES[1])] == given(archive, objects)
    assert two.is_dir()


def test_file_that_is_gone(two: Path, archive: FolderArchive) -> None:
    """Since it was indexed; the other one goes on."""
    archive.refresh()
    (two / "2").unlink()
    first, second = archive.files(INSTANCES)

    with pytest.raises(DownloadError, match="its file cannot be read: no such file or directory"):
        first.read()
    assert (two / "1").read_bytes() == second.read()


@pytest.mark.parametrize("how", ["longer", "shorter", "later"])
def test_file_that_has_changed(two: Path, archive: FolderArchive, how: str) -> None:
    """It may be another instance now: better none than a wrong one. A search puts it right."""
    archive.refresh()
    path = two / "2"
    before, content = path.stat(), path.read_bytes()
    if how != "later":
        path.write_bytes(content + bytes(2) if how == "longer" else content[:-2])
    later = before.st_mtime_ns + (how == "later")
    os.utime(path, ns=(before.st_atime_ns, later))

    assert "its file has changed since; search again" == refusal(archive, INSTANCES[0])
    if how != "shorter":
        archive.refresh()
        assert path.read_bytes() == next(archive.files([INSTANCES[0]])).read()


def test_file_that_becomes_shorter_while_it_is_read(root: Path, archive: FolderArchive) -> None:
    """What comes is not whole, and says so at its end."""
    path = root / "x"
    path.write_bytes(dicom() + bytes(3 * CHUNK_SIZE))
    chunks = next(archive.files([INSTANCES[0]])).chunks

    assert CHUNK_SIZE == len(next(chunks))
    os.truncate(path, CHUNK_SIZE)
    with pytest.raises(DownloadError, match="has become shorter"):
        next(chunks)


@posix
def test_no_file_stays_open(two: Path, archive: FolderArchive) -> None:
    """Opened when first read, closed at its end, or when its reader loses interest."""
    folder = Path("/dev/fd")
    if not folder.exists():
        pytest.skip("needs /dev/fd")

    def is_open() -> bool:
        return any(link.exists() and link.samefile(two / "2") for link in folder.iterdir())

    (file,) = archive.files([INSTANCES[0]])
    assert not is_open()
    next(file.chunks)
    assert is_open()
    del file
    assert not is_open()


# ---------------------------------------------------------------- URLs


@posix
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///data/x", "/data/x"),
        ("FILE:///data/a%20b%23%C3%A9", "/data/a b#é"),
        ("file://localhost/data", "/data"),
        ("file:/data", "/data"),
        ("/data/100%25/?x#y", "/data/100%25/?x#y"),
    ],
)
def test_urls(url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File URLs are decoded, paths are taken as they are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert Path(path) == open_url(url).path


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "file://server/x", "file:///x?y", "file:///x#y", "file:x"]
)
def test_urls_of_something_else_are_refused(url: str) -> None:
    """Nothing in a URL is ignored."""
    with pytest.raises(InvalidInputError):
        open_url(url)


def test_paths_stay_out_of_messages(tmp_path: Path) -> None:
    """A folder may be named after a patient; who wants the paths asks for the list."""
    folder = tmp_path / "DOE^JANE"
    folder.mkdir()
    whole = encode(example_datasets()[0])
    (folder / "a").write_bytes(whole)
    (folder / "b").write_bytes(whole[:-9])
    (folder / "c").write_bytes(whole[:400])
    archive = FolderArchive(tmp_path, index=":memory:")
    found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))

    assert not found.complete
    assert "DOE" not in "".join((*found.reasons, *found.notes))
    assert ["DOE^JANE/c"] == [file.path for file in archive.listed(FileStatus.UNUSABLE)]
