"""Instances go into a real S3-compatible server: whole or not at all, and never over another."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pydicom.dataset import Dataset
from tests.servers.s3 import S3

from gurney.core import (
    DICOMFile,
    DownloadError,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    StorageError,
    encode,
    put,
)
from gurney.storage import FLAT, Layout, ObjectStorage
from gurney.storage.layout import DEFAULT_LAYOUT
from gurney.storage.objects.spool import PART
from gurney.testing import Contents, StorageConformance

UID = "1.2.3"
REFERENCE = InstanceReference(UID, UID, UID)
NAME = f"{UID}.dcm"
LARGE = 2 * PART + 1_000_000  # bytes: three parts

_number = count()


@pytest.fixture(autouse=True)
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store's library find a login where it looks for one, and no other."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in S3.login.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture
def bucket(s3_server: S3) -> str:
    name = f"bucket-{next(_number)}"
    s3_server.make_bucket(name)
    return name


@pytest.fixture
def storage(s3_server: S3, bucket: str) -> ObjectStorage:
    return ObjectStorage(f"s3://{bucket}/below", FLAT, endpoint_url=s3_server.url)


@pytest.fixture
def objects(s3_server: S3, bucket: str) -> Contents:
    def look() -> dict[str, bytes]:
        found = s3_server.objects(bucket).items()
        return {key.removeprefix("below/"): content for key, content in found}

    return look


Hook = Callable[[str, dict[str, object]], None]


@pytest.fixture
def before_calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Hook], None]:
    """Return a function that has another one see, and change, each request to the store."""
    client: Any = import_module("s3fs").S3FileSystem
    call = client.call_s3

    def install(hook: Hook) -> None:
        def hooked(files: object, method: str, *args: object, **options: object) -> object:
            hook(method, options)
            return call(files, method, *args, **options)

        monkeypatch.setattr(client, "call_s3", hooked)

    return install


def instance(patient: str = "x", size: int = 4000) -> bytes:
    """Return one instance, a little larger than *size* bytes."""
    dataset = Dataset()
    put(dataset, "SOPClassUID", ["1.2.840.10008.5.1.4.1.1.7"])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        put(dataset, keyword, [UID])
    put(dataset, "PatientID", [patient])
    dataset.add_new(0x7FE00010, "OB", os.urandom(4) + bytes(size))
    return encode(dataset)


def file(content: bytes) -> DICOMFile:
    """Return *content* as it comes: in pieces."""
    step = 1 << 20
    return DICOMFile((content[n : n + step] for n in range(0, len(content), step)), REFERENCE)


# ---------------------------------------------------------------------- what every storage does


class TestObjectStorage(StorageConformance):
    """By default: a prefix for each study and series."""

    layout: Layout | str = DEFAULT_LAYOUT

    @pytest.fixture
    def storage(self, s3_server: S3, bucket: str) -> ObjectStorage:
        return ObjectStorage(f"s3://{bucket}/below", self.layout, endpoint_url=s3_server.url)

    @pytest.fixture
    def contents(self, objects: Contents) -> Contents:
        return objects


class TestCrowdedObjectStorage(TestObjectStorage):
    """All instances of a series want one and the same name."""

    layout = "{StudyInstanceUID}/{SeriesInstanceUID}.dcm"


# ---------------------------------------------------------------------- cut


@pytest.mark.parametrize("size", [4000, LARGE])
def test_stream_that_is_cut_leaves_nothing(
    storage: ObjectStorage, s3_server: S3, bucket: str, size: int
) -> None:
    """No object, and no upload that was begun: bytes of a part are not even sent."""
    content = instance(size=size)

    def chunks() -> Iterator[bytes]:
        yield content[: len(content) - 1000]
        raise DownloadError(str(REFERENCE), "the line is dead")

    outcome = storage.store(DICOMFile(chunks(), REFERENCE))

    assert OutcomeStatus.FAILED is outcome.status
    assert {} == s3_server.objects(bucket)
    assert [] == s3_server.uploads(bucket)


def test_upload_that_is_cut_leaves_nothing(
    storage: ObjectStorage, s3_server: S3, bucket: str, before_calls: Callable[[Hook], None]
) -> None:
    """A line that dies between two parts leaves no object, and the parts are given up."""
    begun: list[str] = []

    def die(_: str, options: dict[str, object]) -> None:
        if options.get("PartNumber") == 2:
            begun.extend(s3_server.uploads(bucket))
            raise ConnectionResetError

    before_calls(die)
    with pytest.raises(StorageError, match="cannot be used"):
        storage.store(file(instance(size=LARGE)))

    assert [f"below/{NAME}"] == begun
    assert {} == s3_server.objects(bucket)
    assert [] == s3_server.uploads(bucket)


def test_interrupted_upload_leaves_nothing(
    storage: ObjectStorage, s3_server: S3, bucket: str, before_calls: Callable[[Hook], None]
) -> None:
    """Ctrl-C in the middle of an upload: nothing is made of what has been sent."""

    def interrupt(_: str, options: dict[str, object]) -> None:
        if options.get("PartNumber") == 2:
            raise KeyboardInterrupt

    before_calls(interrupt)
    with pytest.raises(KeyboardInterrupt):
        storage.store(file(instance(size=LARGE)))

    gc.collect()  # fsspec tidies up what is left open
    assert {} == s3_server.objects(bucket)
    assert [] == s3_server.uploads(bucket)


CHILD = """
    import sys
    from pathlib import Path
    from s3fs import S3FileSystem
    from gurney.core import DICOMFile
    from gurney.storage import FLAT, ObjectStorage

    url, endpoint, source = sys.argv[1:]
    call = S3FileSystem.call_s3

    def waiting(self, method, *args, **options):
        if options.get("PartNumber") == 2:
            print("ready", flush=True)
            sys.stdin.readline()
        return call(self, method, *args, **options)

    S3FileSystem.call_s3 = waiting
    ObjectStorage(url, FLAT, endpoint_url=endpoint).store(
        DICOMFile(iter([Path(source).read_bytes()]))
    )
"""


def test_process_killed_in_mid_upload_leaves_no_object(
    storage: ObjectStorage, s3_server: S3, bucket: str, tmp_path: Path
) -> None:
    """kill -9 between two parts: no name holds a part, and the same can be stored again."""
    content = instance(size=LARGE)
    source = tmp_path / "source"
    source.write_bytes(content)
    program = [sys.executable, "-c", textwrap.dedent(CHILD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*program, storage.url, s3_server.url, str(source)], stdin=pipe, stdout=pipe, text=True
    ) as child:
        assert child.stdout is not None
        assert "ready\n" == child.stdout.readline()
        child.kill()
        child.communicate()

    assert {} == s3_server.objects(bucket)
    assert storage.find(REFERENCE) is None
    assert OutcomeStatus.STORED is storage.store(file(content)).status
    assert {f"below/{NAME}": content} == s3_server.objects(bucket)


# ---------------------------------------------------------------------- two of one name


@pytest.mark.parametrize("size", [4000, LARGE])
def test_large_and_small_come_whole(
    storage: ObjectStorage, objects: Contents, s3_server: S3, bucket: str, size: int
) -> None:
    """One request or many parts: the object is what came; what comes again is there already."""
    content = instance(size=size)
    outcome = storage.store(file(content))
    again = storage.store(file(content))

    assert OutcomeStatus.STORED is outcome.status
    assert {NAME: content} == objects()
    assert OutcomeStatus.ALREADY_THERE is again.status
    assert (outcome.size, outcome.checksum) == (again.size, again.checksum)
    assert [] == s3_server.uploads(bucket)


@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_writers_of_one_instance(s3_server: S3, bucket: str, objects: Contents, same: bool) -> None:
    """Of several that upload at the same moment one stores; no other content is lost."""
    writers = 4
    contents = [instance(patient="x" if same else f"x{n}") for n in range(writers)]
    contents = [contents[0]] * writers if same else contents
    start = Barrier(writers)

    def chunks(content: bytes) -> Iterator[bytes]:
        yield content[:1000]
        start.wait(60)
        yield content[1000:]

    def write(content: bytes) -> Outcome:
        storage = ObjectStorage(f"s3://{bucket}/below", FLAT, endpoint_url=s3_server.url)
        return storage.store(DICOMFile(chunks(content), REFERENCE))

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(write, contents))

    others = OutcomeStatus.ALREADY_THERE if same else OutcomeStatus.REFUSED
    statuses = sorted(outcome.status.value for outcome in outcomes)
    assert sorted([OutcomeStatus.STORED.value, *[others.value] * (writers - 1)]) == statuses
    assert sorted(set(contents)) == sorted(objects().values())
    for outcome, content in zip(outcomes, contents, strict=True):
        assert content == objects()[outcome.path]


@pytest.mark.parametrize("knows", [True, False], ids=["knows", "does not"])
def test_large_instance_that_is_stored_meanwhile_stays(
    storage: ObjectStorage,
    objects: Contents,
    s3_server: S3,
    bucket: str,
    before_calls: Callable[[Hook], None],
    *,
    knows: bool,
) -> None:
    """Whether or not a server knows the condition of an upload in parts, the first one stays."""
    first, second = instance("first", LARGE), instance("second", LARGE)

    def be_faster(_: str, options: dict[str, object]) -> None:
        if not knows:
            options.pop("IfNoneMatch", None)
        if options.get("PartNumber") == 2 and not s3_server.objects(bucket):
            s3_server.put(bucket, f"below/{NAME}", first)

    before_calls(be_faster)
    outcome = storage.store(file(second))

    assert OutcomeStatus.REFUSED is outcome.status
    assert {NAME: first, outcome.path: second} == objects()
    assert [] == s3_server.uploads(bucket)


def test_damaged_object_is_put_away(
    storage: ObjectStorage, objects: Contents, s3_server: S3, bucket: str
) -> None:
    """Half an instance that somebody left under the name is kept beside it, and told."""
    content = instance()
    s3_server.put(bucket, f"below/{NAME}", content[:2000])

    assert storage.find(REFERENCE) is None

    outcome = storage.store(file(content))
    kept = objects()
    (aside,) = kept.keys() - {NAME}

    assert (OutcomeStatus.STORED, NAME) == (outcome.status, outcome.path)
    assert outcome.notes[-1].startswith("a damaged file had its name")
    assert aside.startswith(f"{UID}~damaged-")
    assert {NAME: content, aside: content[:2000]} == kept


def test_damaged_object_that_is_repaired_meanwhile_stays(
    storage: ObjectStorage,
    objects: Contents,
    s3_server: S3,
    bucket: str,
    before_calls: Callable[[Hook], None],
) -> None:
    """What another process has put there in the meantime is not removed as damaged."""
    content = instance()
    s3_server.put(bucket, f"below/{NAME}", content[:2000])

    def repair(method: str, options: dict[str, object]) -> None:
        if method == "delete_object":
            conditions.append(options["IfMatch"])
            s3_server.put(bucket, f"below/{NAME}", content)
            raise OSError(errno.EINVAL, "PreconditionFailed")  # moto does not know this one

    conditions: list[object] = []
    etag = s3_server.client().head_object(Bucket=bucket, Key=f"below/{NAME}")["ETag"]
    before_calls(repair)
    outcome = storage.store(file(content))

    assert [etag] == conditions
    assert OutcomeStatus.ALREADY_THERE is outcome.status
    assert content == objects()[NAME]


def test_holds_goes_by_name_and_size(storage: ObjectStorage, s3_server: S3, bucket: str) -> None:
    """What has gone, or has another size, is not held; a name that leads out is not looked at."""
    outcome = storage.store(file(instance()))

    assert storage.holds(outcome)
    s3_server.put(bucket, f"below/{NAME}", b"x")
    assert not storage.holds(outcome)
    s3_server.client().delete_object(Bucket=bucket, Key=f"below/{NAME}")
    assert not storage.holds(outcome)


def test_storage_travels(storage: ObjectStorage, objects: Contents) -> None:
    """To another process, with its settings and without a login."""
    packed = pickle.dumps(storage)

    assert S3.login["AWS_SECRET_ACCESS_KEY"].encode() not in packed
    assert OutcomeStatus.STORED is pickle.loads(packed).store(file(instance())).status
    assert [NAME] == list(objects())


# ---------------------------------------------------------------------- nothing can be stored


def test_no_such_bucket(s3_server: S3) -> None:
    """Nobody makes buckets for others; the message says what to do."""
    storage = ObjectStorage("s3://nowhere-at-all/x", FLAT, endpoint_url=s3_server.url)

    with pytest.raises(StorageError, match="s3://nowhere-at-all/x: there is no such bucket"):
        storage.store(file(instance()))


@pytest.mark.parametrize("size", [4000, LARGE])
def test_access_denied(storage: ObjectStorage, s3_server: S3, bucket: str, size: int) -> None:
    """Wrong credentials end it, and nothing is there."""
    s3_server.let_in(everybody=False)
    try:
        with pytest.raises(StorageError, match="access is denied; check the credentials"):
            storage.store(file(instance(size=size)))
        with pytest.raises(StorageError, match="access is denied"):
            storage.find(REFERENCE)
    finally:
        s3_server.let_in(everybody=True)

    assert {} == s3_server.objects(bucket)


@pytest.mark.usefixtures("s3_server")  # is one installed?
def test_server_away(bucket: str, tmp_path: Path) -> None:
    """Nobody answers: that is told, and when somebody does again, it goes on."""
    with S3(tmp_path) as server:
        server.make_bucket(bucket)
        storage = ObjectStorage(f"s3://{bucket}/x", FLAT, endpoint_url=server.url)
        assert OutcomeStatus.STORED is storage.store(file(instance())).status
        server.kill()
        with pytest.raises(StorageError, match="cannot be used"):
            storage.find(REFERENCE)
        server.start()
        server.make_bucket(bucket)

        assert OutcomeStatus.STORED is storage.store(file(instance())).status


# ---------------------------------------------------------------------- memory

MEASURED = """
    import resource, sys
    from gurney.core import DICOMFile
    from gurney.storage import FLAT, ObjectStorage
    from tests.integration.test_object_storage import beginning

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

    def chunks(uid, size):
        yield beginning(uid, size)
        for _ in range(size >> 20):
            yield bytes(1 << 20)

    storage = ObjectStorage(sys.argv[1], FLAT, endpoint_url=sys.argv[2])
    print(storage.store(DICOMFile(chunks("1.2.4", 1 << 20))).status.value)
    before = peak()
    print(storage.store(DICOMFile(chunks("1.2.5", 300 << 20))).status.value)
    print(peak() - before)
"""


def beginning(uid: str, size: int) -> bytes:
    """Return an instance up to *size* bytes of pixels."""
    content = instance(size=0).replace(UID.encode(), uid.encode())
    return content[:-8] + size.to_bytes(4, "little")  # four of the pixels, and their length


@pytest.mark.skipif(sys.platform != "linux", reason="measured in kB of Linux")
def test_memory_does_not_grow_with_the_instance(
    storage: ObjectStorage, s3_server: S3, bucket: str
) -> None:
    """300 MB pass through a process that grows by a few parts at most."""
    program = [sys.executable, "-c", textwrap.dedent(MEASURED), storage.url, s3_server.url]
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    small, large, grown = done.stdout.split()
    found = s3_server.client().head_object(Bucket=bucket, Key="below/1.2.5.dcm")

    assert ("stored", "stored") == (small, large)
    assert 300 << 20 < found["ContentLength"] < 301 << 20
    assert int(grown) < 64  # MB
