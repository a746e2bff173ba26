"""Where instances may go by URL, and what is refused before anything is sent."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gurney.core import (
    DICOMFile,
    DownloadError,
    InvalidInputError,
    LayoutError,
    OutcomeStatus,
    StorageError,
)
from gurney.storage import FLAT, FolderStorage, ObjectStorage, storage_at
from gurney.storage.objects.spool import PART, Spool
from gurney.testing import conformance_files

ENDPOINT = "https://s3.example.org"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("out", "no URL of a store"),
        ("s3:bucket", "no URL of a store"),
        ("ftp://host/x", "ftp is no URL of a store that takes an instance whole or not at all"),
        ("simplecache::s3://bucket", "no URL of a store"),
        ("s3://bucket/x?versionId=1", "no URL of a store"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
    ],
)
def test_urls_that_are_refused(url: str, message: str) -> None:
    """What cannot keep the promise is refused by name."""
    with pytest.raises(InvalidInputError, match=message):
        ObjectStorage(url)


@pytest.mark.parametrize(
    "options",
    [
        {"key": "abc"},
        {"secret": "abc"},
        {"client_kwargs": {"aws_secret_access_key": "abc"}},
        {"Token": "abc"},
    ],
)
def test_credentials_are_refused(options: dict[str, object]) -> None:
    """Options travel to other processes; credentials come from the environment. None is shown."""
    with pytest.raises(InvalidInputError, match="AWS_ACCESS_KEY_ID") as caught:
        ObjectStorage("s3://bucket", FLAT, checksum=None, **options)

    assert "abc" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="the URL") as caught:
        ObjectStorage("s3://user:abc@bucket/x")
    assert "abc" not in str(caught.value)


def test_layouts_of_other_keywords_are_refused() -> None:
    """What is there could not be found again."""
    with pytest.raises(LayoutError, match="other keywords than UIDs"):
        ObjectStorage("s3://bucket", "{PatientID}/{SOPInstanceUID}.dcm")


def test_unknown_checksum_is_refused() -> None:
    """As for a folder."""
    with pytest.raises(InvalidInputError, match="no checksum 'crc'"):
        ObjectStorage("s3://bucket", checksum="crc")


def test_storage_pickles_with_its_settings() -> None:
    """Another process gets the same."""
    storage = ObjectStorage("memory://bucket/x", FLAT, checksum="md5", skip_instance_cache=True)
    again = pickle.loads(pickle.dumps(storage))

    assert (storage.url, storage.layout, "md5") == (again.url, again.layout, again.checksum)
    assert {"skip_instance_cache": True} == again.options
    assert (
        repr(storage) == repr(again) == "ObjectStorage('memory://bucket/x', '{SOPInstanceUID}.dcm')"
    )


def test_storage_at_a_path_or_url(tmp_path: Path) -> None:
    """A path and a file URL are folders, other URLs object stores."""
    folder = tmp_path / "a b"
    found = storage_at(folder, FLAT, checksum=None, durable=False)
    by_url = storage_at(folder.as_uri())
    objects = storage_at("memory://bucket/x", FLAT, checksum="md5", skip_instance_cache=True)

    assert isinstance(found, FolderStorage)
    assert (folder.resolve(), FLAT, None, False) == (
        found.root,
        found.layout,
        found.checksum,
        found.durable,
    )
    assert isinstance(by_url, FolderStorage)
    assert folder.resolve() == by_url.root
    assert isinstance(objects, ObjectStorage)
    assert ("memory://bucket/x", "md5") == (objects.url, objects.checksum)


def test_storage_at_refuses_what_a_folder_cannot_have() -> None:
    """Options of a store, or a folder of another machine."""
    with pytest.raises(InvalidInputError, match="no options endpoint_url"):
        storage_at("out", endpoint_url=ENDPOINT)
    with pytest.raises(InvalidInputError, match="file:///PATH"):
        storage_at("file://host/out")


WITHOUT = """
import sys
sys.modules["fsspec"] = None
from gurney.core import InvalidInputError
from gurney.storage import FolderStorage, storage_at
storage_at("out")
try:
    storage_at("s3://bucket")
except InvalidInputError as error:
    print(error)
"""


def test_library_is_asked_for_when_it_is_needed() -> None:
    """Folders need none; an object store says what to install."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], check=True, capture_output=True)

    assert b's3:// needs fsspec, which is not installed; run: pip install "gurney[objects]"' in (
        done.stdout
    )


def test_import_of_the_face_loads_no_library() -> None:
    """Whoever stores in folders does not wait for it."""
    program = "import sys, gurney.storage; print(*{'fsspec', 's3fs'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert b"" == done.stdout.strip()


# ---------------------------------------------------------------------- the spool


@pytest.mark.parametrize("pieces", [[5], [PART], [PART, 1], [PART - 1, 2, PART], [PART + 1, 1]])
def test_spool_gives_back_what_it_took(pieces: list[int]) -> None:
    """In memory or on disk, as often as wanted."""
    contents = [bytes([n + 1]) * size for n, size in enumerate(pieces)]
    with Spool() as spool:
        for content in contents:
            spool.write(content)
        for _ in range(2):
            with spool.open("rb") as file:
                assert b"".join(contents) == file.read()

        assert sum(pieces) == spool.size


def test_full_temporary_folder_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder that takes nothing is told, with what to do."""

    def full() -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gurney.storage.objects.spool.TemporaryFile", full)
    with Spool() as spool, pytest.raises(StorageError, match=r"No space left.*TMPDIR"):
        spool.write(bytes(PART + 1))


# ---------------------------------------------------------------------- what is there


def test_holds_goes_by_name_and_size() -> None:
    """Nothing is read; a name that leads out of the root is not looked at."""
    reference, content = next(iter(conformance_files().items()))
    storage = ObjectStorage("memory://holds")
    outcome = storage.store(DICOMFile(iter([content]), reference))

    assert storage.holds(outcome)
    assert not ObjectStorage("memory://other").holds(outcome)
    assert not ObjectStorage("memory://holds/below").holds(
        type(outcome)(reference=reference, status=outcome.status, path="../" + outcome.path)
    )


def test_foreign_trouble_of_the_stream_is_not_the_stores() -> None:
    """What a downloader raises on its own account goes through; what it says is an outcome."""

    def chunks(error: Exception) -> Iterator[bytes]:
        yield b""
        raise error

    storage = ObjectStorage("memory://trouble")

    with pytest.raises(ZeroDivisionError):
        storage.store(DICOMFile(chunks(ZeroDivisionError())))
    outcome = storage.store(DICOMFile(chunks(DownloadError("it", "the line is dead"))))
    assert (OutcomeStatus.FAILED, "the line is dead") == (outcome.status, outcome.reason)
