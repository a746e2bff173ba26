"""Sources say where, never who: what they hold is written down, and travels."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    Query,
    StudyReference,
)
from gurney.manners import Pace
from gurney.retrieving import Ladder
from gurney.storage import FolderStorage
from gurney.testing import MemoryArchive, SimulatedArchive, example_datasets
from gurney.transfer import ArchiveURLs, Given
from gurney.trolley import Trolley

STUDY = StudyReference("2.25.4001")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of one study."""
    archive = MemoryArchive(example_datasets())
    Trolley(archive, archive, FolderStorage(tmp_path)).download([STUDY])
    return tmp_path


def test_archives_are_named_without_users_and_options() -> None:
    """Receipts are passed on."""
    source = ArchiveURLs(
        "dimse://ARCHIVE@pacs.example:104?calling=ME&user=jane",
        "dicomweb+https://jane@pacs.example/dicom-web?retrieve=wado-uri",
        "dicomweb+https://jane@pacs.example/dicom-web",
    )

    names = ("dimse://ARCHIVE@pacs.example:104", "dicomweb+https://pacs.example/dicom-web")
    assert names == source.names
    assert "jane" not in repr(source)


@pytest.mark.parametrize(
    "url",
    [
        "dicomweb+https://me:secret@pacs.example",
        "dicomweb+https://me%3Asecret@pacs.example",
        "dimse://ARCHIVE:secret@pacs.example",
        "dicomweb+https://pacs.example?token=secret",
        "other://pacs.example?api_key=secret",
        "other://pacs.example?Password=secret",
        "dicomweb+https://me:sec/secret@pacs.example",
        "dicomweb+https://pacs.example#secret",
        "dicomweb+https://[secret",
    ],
)
def test_urls_with_passwords_are_refused(url: str) -> None:
    """A transfer is written down, and sent to other machines; what to do instead is said."""
    with pytest.raises(InvalidInputError) as first:
        ArchiveURLs(url)
    with pytest.raises(InvalidInputError) as searched:
        ArchiveURLs(".", searcher=url)

    assert "secret" not in str(first.value)
    assert str(first.value) == str(searched.value)
    assert first.value.__cause__ is None


def test_who_has_a_password_is_told_where_to_put_it() -> None:
    """Environment, netrc, keyring."""
    with pytest.raises(InvalidInputError, match=r"~/\.netrc or the keyring, or into GURNEY_PASSW"):
        ArchiveURLs("dicomweb+https://me:secret@pacs.example")


def test_some_archive_is_named() -> None:
    """None would have nothing."""
    with pytest.raises(InvalidInputError, match="no archive was named"):
        ArchiveURLs()
    with pytest.raises(InvalidInputError, match="an archive without a name"):
        ArchiveURLs("")


def test_paths_mean_the_same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers are at work in other folders."""
    monkeypatch.chdir(tmp_path)
    source = ArchiveURLs("studies")

    assert (str(tmp_path / "studies"),) == source.names == source.urls


def test_a_source_travels(folder: Path) -> None:
    """As what it is made of, and opens elsewhere."""
    source = ArchiveURLs(str(folder), "dimse://A@pacs.example", searcher=str(folder))

    copy = pickle.loads(pickle.dumps(source))

    assert source == copy
    assert source.urls == copy.urls


def test_one_archive_is_searched_and_gives(folder: Path) -> None:
    """Each is counted, and both keep to the pace."""
    pace = Pace()
    with ArchiveURLs(str(folder)).open(pace) as opened:
        (study,) = opened.searcher.find_studies(Query())
        files = [file.read() for file in opened.downloader.files([study])]

        (own,) = opened.paces.values()

    assert "2.25.4001" == study.uid
    assert (3, sum(map(len, files))) == (own.requests, own.bytes_received)
    assert (3, own.bytes_received) == (pace.requests, pace.bytes_received)


def test_several_archives_are_a_ladder(folder: Path, tmp_path: Path) -> None:
    """The first is searched, unless another is to be."""
    other = tmp_path / "other"
    other.mkdir()
    with ArchiveURLs(str(folder), str(other)).open(Pace()) as opened:
        assert isinstance(opened.downloader, Ladder)
        assert 2 == len(opened.downloader.rungs)
        assert [str(folder), str(other)] == list(opened.paces)
        assert 1 == len(opened.searcher.find_studies(Query()))
    with ArchiveURLs(str(folder), searcher=str(other)).open(Pace()) as opened:
        assert 0 == len(opened.searcher.find_studies(Query()))


class Closing(FileDownloader):
    """Knows whether its files were closed."""

    def __init__(self) -> None:
        self.closed: bool = False

    @override
    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        try:
            for obj in objects:
                yield DICOMFile(iter([b"123"]), None, protocol=str(obj.level))
        finally:
            self.closed = True


def test_given_objects_are_paced_from_outside() -> None:
    """Each search and each file is a request."""
    downloader = Closing()
    pace = Pace()
    with Given(MemoryArchive(example_datasets()), downloader, "mine").open(pace) as opened:
        opened.searcher.find_studies(Query())
        opened.searcher.find_study_by_id("2.25.4001")
        files = opened.downloader.files([STUDY, STUDY])
        next(files).read()
        getattr(files, "close")()  # noqa: B009  an iterator need not have it

    assert (3, 3) == (pace.requests, pace.bytes_received)
    assert downloader.closed
    assert ["mine"] == list(opened.paces)


def test_given_objects_travel_if_they_can() -> None:
    """And are not shown."""
    archive = SimulatedArchive(studies=1)
    given = Given(archive, archive, "simulated")

    assert given == pickle.loads(pickle.dumps(given))
    assert "Given(name='simulated')" == repr(given)
    assert ("simulated",) == given.names
