"""F03, F04: whatever stops a storage, no final name ever holds a part, and it can go on."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    StorageError,
    encode,
    put,
)
from gurney.storage import FLAT, FolderStorage, temporary, verify

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and locks of POSIX")

UID = "1.2.3"
REFERENCE = InstanceReference(UID, UID, UID)
NAME = f"{UID}.dcm"


def instance(patient: str = "x") -> bytes:
    """Return one instance, of 4 kB."""
    dataset = Dataset()
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        put(dataset, keyword, [UID])
    put(dataset, "PatientID", [patient])
    put(dataset, "ImageComments", ["." * 4000])
    return encode(dataset)


def store(root: Path, data: bytes, *, durable: bool = True) -> Outcome:
    """Store *data* in two pieces, as a new process would."""
    pieces = iter([data[:2000], data[2000:]])
    return FolderStorage(root, FLAT, durable=durable).store(DICOMFile(pieces, REFERENCE))


def names(root: Path) -> list[str]:
    """Return the names of all files in *root*."""
    return sorted(path.name for path in root.iterdir())


def is_folder(descriptor: int) -> bool:
    """Return whether an open file is a folder."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


# ---------------------------------------------------------------------- killed

CHILD = """
    import sys
    from pathlib import Path
    from gurney.core import DICOMFile
    from gurney.storage import FLAT, FolderStorage, placing

    root, source, where = sys.argv[1:]
    data = Path(source).read_bytes()

    def wait(place):
        if place == where:
            print("ready", flush=True)
            sys.stdin.readline()

    def chunks():
        wait("first")
        yield data[:2000]
        wait("middle")
        yield data[2000:]
        wait("last")

    def give_name(*args, link=placing.give_name):
        wait("before")
        done = link(*args)
        wait("after")
        return done

    placing.give_name = give_name
    print(FolderStorage(root, FLAT).store(DICOMFile(chunks())).status.value, flush=True)
"""


class Child:
    """A process that stores one instance, and waits at one place for a line."""

    def __init__(self, root: Path, source: Path, where: str) -> None:
        program = [sys.executable, "-c", textwrap.dedent(CHILD), str(root), str(source), where]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdout is not None
        assert "ready\n" == self.process.stdout.readline()

    def kill(self) -> None:
        """Kill it, as the system does when memory runs out."""
        self.process.kill()
        self.process.communicate()

    def go_on(self) -> str:
        """Let it end, and return the status it reports."""
        return self.process.communicate("\n")[0].strip()


@pytest.fixture(name="child")
def _child(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    source = tmp_path / "source"
    source.write_bytes(instance())
    children: list[Child] = []

    def make(where: str) -> Child:
        children.append(Child(tmp_path / "out", source, where))
        return children[-1]

    yield make
    for child in children:
        child.kill()


@posix_only
@pytest.mark.parametrize("where", ["first", "middle", "last", "before", "after"])
def test_killed_at_any_place(tmp_path: Path, child: Callable[[str], Child], where: str) -> None:
    """F03: kill -9, then the same again: complete, nothing partial, nothing left over."""
    root = tmp_path / "out"
    child(where).kill()
    there = [NAME] if where == "after" else []

    assert there == [path.name for path in FolderStorage(root, FLAT).files()]
    assert 1 == len(verify(root).unfinished)
    assert bool(there) == (FolderStorage(root, FLAT).find(REFERENCE) is not None)
    assert store(root, instance()).good
    assert [NAME] == names(root)
    assert instance() == (root / NAME).read_bytes()


@posix_only
@pytest.mark.parametrize("where", ["first", "middle", "before"])
def test_living_process_is_left_alone(
    tmp_path: Path, child: Callable[[str], Child], where: str
) -> None:
    """Two processes share a folder: neither takes the other's file for a leftover."""
    other = child(where)

    assert OutcomeStatus.STORED is store(tmp_path / "out", instance()).status
    assert 2 == len(names(tmp_path / "out"))
    assert "already there" == other.go_on()
    assert [NAME] == names(tmp_path / "out")


@posix_only
def test_leftovers_are_removed_in_every_folder(tmp_path: Path) -> None:
    """A process that dies deep in the tree leaves nothing for ever."""
    storage, folder = FolderStorage(tmp_path), tmp_path / UID / UID
    folder.mkdir(parents=True)
    program = (
        "import os, sys; from pathlib import Path; from gurney.storage import temporary;"
        "temporary.Temporary(Path(sys.argv[1])); os._exit(1)"
    )
    for place in (tmp_path, folder):
        subprocess.run([sys.executable, "-c", program, str(place)], check=False)
        assert 1 == sum(path.is_file() for path in place.iterdir())
    for asked in (REFERENCE, None):
        assert storage.store(DICOMFile(iter([instance()]), asked)).good

    assert [folder / NAME] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_leftovers_of_other_hosts_stay(tmp_path: Path) -> None:
    """Whether their process lives cannot be known here; they are listed, and do no harm."""
    name = ".gurney-elsewhere-1-0123456789abcdef.part"
    (tmp_path / name).write_bytes(b"")
    store(tmp_path, instance())

    assert [name, NAME] == names(tmp_path)
    assert (name,) == verify(tmp_path).unfinished
    assert verify(tmp_path).ok


# ---------------------------------------------------------------------- a full or forbidden disk


def failing(code: int, after: int) -> type[io.FileIO]:
    """Return files that take *after* bytes, and then fail."""

    class Failing(io.FileIO):
        def write(self, data: object, /) -> int:
            room = after - self.tell()
            if room <= 0:
                raise OSError(code, os.strerror(code), "/data/Doe^Jane")
            return super().write(memoryview(data)[:room])  # type: ignore[arg-type]

    return Failing


@pytest.mark.parametrize("after", [0, 100, 3000])
@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM]
)
def test_full_disk_stops_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, after: int
) -> None:
    """F04: an error that says so, nothing partial, and it goes on when there is room."""
    with monkeypatch.context() as patch:
        patch.setattr(temporary, "FileIO", failing(code, after))
        with pytest.raises(StorageError, match="make room") as caught:
            store(tmp_path, instance())

    assert os.strerror(code) in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert [] == names(tmp_path)
    assert OutcomeStatus.STORED is store(tmp_path, instance()).status


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may take a part of what it is given."""

    class Slow(io.FileIO):
        def write(self, data: object, /) -> int:
            return super().write(memoryview(data)[:7])  # type: ignore[arg-type]

    monkeypatch.setattr(temporary, "FileIO", Slow)

    assert OutcomeStatus.STORED is store(tmp_path, instance()).status
    assert instance() == (tmp_path / NAME).read_bytes()


def test_file_that_is_too_large_stops_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system with a limit of 4 GB takes all the smaller ones."""
    monkeypatch.setattr(temporary, "FileIO", failing(errno.EFBIG, 1000))

    assert OutcomeStatus.FAILED is store(tmp_path, instance()).status
    assert [] == names(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "dup"])
def test_disk_that_is_full_on_the_last_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Network file systems take all bytes, and say only at the end that they did not fit."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)

    with pytest.raises(StorageError, match="No space left"):
        store(tmp_path, instance(), durable=call == "fsync")
    assert [] == names(tmp_path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_disk_that_takes_no_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A folder cannot grow on a full disk; the temporary is taken away again."""

    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", full)

    with pytest.raises(StorageError, match="make room"):
        store(tmp_path, instance())
    assert [] == names(tmp_path)


@posix_only
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="root may do anything")
def test_folder_without_permission(tmp_path: Path) -> None:
    """No permission: an error that says so, when storing and when looking."""
    root = tmp_path / "out"
    root.mkdir()
    root.chmod(0o000)
    try:
        with pytest.raises(StorageError, match="Permission"):
            store(root, instance())
        with pytest.raises(StorageError, match="Permission"):
            FolderStorage(root, FLAT).find(REFERENCE)
    finally:
        root.chmod(0o700)


# ---------------------------------------------------------------------- lesser file systems


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_file_system_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """FAT and some network file systems have none; nothing is overwritten there either."""

    def link(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    outcomes = [store(tmp_path, instance(patient)) for patient in "AABB"]

    assert ["stored", "already there", "refused", "refused"] == [o.status.value for o in outcomes]
    assert sorted([NAME, outcomes[2].path]) == names(tmp_path)
    assert instance("A") == (tmp_path / NAME).read_bytes()
    assert instance("B") == (tmp_path / outcomes[2].path).read_bytes()


@posix_only
def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process alone needs none."""
    import fcntl

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    (tmp_path / NAME).write_bytes(instance()[:-1])

    assert OutcomeStatus.STORED is store(tmp_path, instance()).status


def test_link_that_was_made_and_is_reported_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS repeats a call whose answer was lost, and then finds its own name."""
    real = os.link

    def link(source: Path, target: Path) -> None:
        real(source, target)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    monkeypatch.setattr(os, "link", link)

    assert OutcomeStatus.STORED is store(tmp_path, instance()).status
    assert [NAME] == names(tmp_path)


def test_file_system_that_cannot_sync_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some refuse to sync a folder; the file itself has been synced."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if is_folder(descriptor):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    assert OutcomeStatus.STORED is store(tmp_path, instance()).status


# ---------------------------------------------------------------------- order of what is done


def test_bytes_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure at any time leaves a final name with all its bytes, or none."""
    calls: list[str] = []
    sync, link = os.fsync, os.link

    def fsync(descriptor: int) -> None:
        calls.append("sync folder" if is_folder(descriptor) else "sync file")
        sync(descriptor)

    def named(source: Path, target: Path) -> None:
        calls.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", named)
    store(tmp_path, instance())

    assert ["sync file", "link", "sync folder"] == calls
