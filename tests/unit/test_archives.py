"""Archives keep to a pace, whether their backend knows of such a thing or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import attrs
import pytest
from tests.unit.manners.clocks import Clock
from typing_extensions import Self

from gurney.archives import Archive, open_archive
from gurney.core import DICOMDownloadable, DICOMFile, DownloadError, Query, QueryLevels, encode
from gurney.dicomweb import open_url as open_dicomweb
from gurney.dimse import open_url as open_dimse
from gurney.folder import FolderArchive
from gurney.manners import Pace, paced_files
from gurney.testing import MemoryArchive, example_datasets

EVERYTHING = Query(query_level=QueryLevels.INSTANCE)


Opener = Callable[..., Archive]
Install = Callable[[Opener], None]


@attrs.frozen
class Installed:
    """An entry point."""

    opener: Opener
    name: str = "mine"

    def load(self) -> Opener:
        """Return the opener."""
        return self.opener


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a backend for ``mine://``."""

    def installing(opener: Opener) -> None:
        def installed(group: str) -> list[Installed]:
            return [Installed(opener)] if group == "gurney.archives" else []

        monkeypatch.setattr("gurney.archives.entry_points", installed)

    return installing


def giving(archive: Archive) -> Opener:
    """Return what opens *archive*, and knows of no pace."""

    def opener(_: str) -> Archive:
        return archive

    return opener


class Closing(MemoryArchive):
    """An archive that is closed in the end."""

    closed: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


def test_backends_that_take_a_pace_get_it(install: Install) -> None:
    """Ours and others'; nothing is put around what they return."""
    archive, given = MemoryArchive([]), list[object]()

    def opener(url: str, *, pace: Pace | None = None) -> Archive:
        assert "mine://here" == url
        given.append(pace)
        return archive

    install(opener)
    pace = Pace()

    assert archive is open_archive("mine://here", pace=pace)
    assert archive is open_archive("mine://here")
    assert [pace, None] == given


def test_backends_that_take_none_are_paced(install: Install) -> None:
    """Each search and each file is a request, and the bytes are those of the files."""
    install(giving(MemoryArchive(example_datasets())))
    clock = Clock(0.0)
    pace = Pace(1, 1000, clock=clock, sleep=clock.sleep)
    archive = open_archive("mine://here", pace=pace)

    files = [file.read() for file in archive.files(archive.find_studies(EVERYTHING))]
    expected = [encode(dataset) for dataset in example_datasets()]

    assert sorted(expected) == sorted(files)
    assert 1 + len(files) == pace.requests
    size = sum(map(len, files))
    assert size == pace.bytes_received
    assert pytest.approx(max(len(files), size / 1000 - 1), rel=0.05) == clock.now


def test_without_a_pace_nothing_is_put_around(install: Install) -> None:
    """What a backend returns is what its user gets."""
    archive = MemoryArchive([])
    install(giving(archive))

    assert archive is open_archive("mine://here")


def test_what_is_closed_is_closed_through_the_pace(install: Install) -> None:
    """A ``with`` reaches the archive; one that needs none may be used in one, too."""
    archive = Closing([])
    for each in (archive, MemoryArchive([])):
        install(giving(each))
        paced = open_archive("mine://here", pace=Pace())
        assert isinstance(paced, AbstractContextManager)
        with cast("AbstractContextManager[object]", paced):
            assert archive.closed is (each is not archive)

    assert archive.closed


def test_openers_that_nobody_can_look_into(install: Install) -> None:
    """Some that are written in C do not say what they take."""

    class Opaque:
        __signature__ = "nothing that Python knows"

        def __call__(self, _: str) -> Archive:
            return MemoryArchive([])

    install(Opaque())
    pace = Pace()
    open_archive("mine://here", pace=pace).find_studies(Query())

    assert 1 == pace.requests


def test_folders_are_paced(tmp_path: Path) -> None:
    """They know of no pace themselves."""
    for number, dataset in enumerate(example_datasets()):
        (tmp_path / f"{number}.dcm").write_bytes(encode(dataset))
    pace = Pace()
    archive = open_archive(str(tmp_path), pace=pace)
    files = [file.read() for file in archive.files(archive.find_studies(EVERYTHING))]

    assert repr(FolderArchive(tmp_path)) == repr(archive)
    assert sum(map(len, files)) == pace.bytes_received > 0


def test_urls_of_the_network_give_the_pace_on() -> None:
    """The searcher and the downloader have it."""
    pace = Pace()
    web = open_dicomweb("dicomweb+http://localhost:1/a", pace=pace)
    dimse = open_dimse("dimse://A@localhost:1?retrieve=get", pace=pace)

    assert pace is web.searcher.transport.pace
    assert pace is dimse.searcher.associations.pace
    web.close()
    dimse.close()


# ---------------------------------------------------------------- files at a pace


class Failing:
    """Files of which one raises, and that note when they are given up."""

    def __init__(self) -> None:
        self.closed: bool = False

    def files(self, _: Iterable[DICOMDownloadable] = ()) -> Iterator[DICOMFile]:
        """Yield them."""
        try:
            yield DICOMFile(iter([b"1", b"23"]))
            yield DICOMFile(self._cut())
            yield DICOMFile(iter([b"4"]))
        finally:
            self.closed = True

    def _cut(self) -> Iterator[bytes]:
        yield b"56"
        raise DownloadError("1.2", "cut")


def test_what_cannot_be_had_raises_as_before() -> None:
    """The others go on, and what had come is counted."""
    pace = Pace()
    files = paced_files(Failing().files(), pace)
    assert b"123" == next(files).read()
    with pytest.raises(DownloadError):
        next(files).read()
    assert b"4" == next(files).read()
    assert (3, 6) == (pace.requests, pace.bytes_received)


def test_leaving_early_closes_the_files() -> None:
    """What is under way is given up, as without a pace."""
    failing = Failing()
    files = paced_files(failing.files(), Pace())
    next(files)
    files.close()

    assert failing.closed


def test_any_iterator_will_do() -> None:
    """One that cannot be closed, too."""
    pace = Pace()
    (file,) = paced_files(iter([DICOMFile(iter([b"1"]))]), pace)

    assert b"1" == file.read()
