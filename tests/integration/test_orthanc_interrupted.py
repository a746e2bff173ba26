"""Orthanc dies in the middle of a transfer, comes back, and the same call gets what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import requests
from pydicom.uid import UID
from tests.servers.orthanc import Orthanc, Settings

from gurney import Trolley
from gurney.core import (
    FileDownloader,
    InstanceReference,
    OutcomeStatus,
    QueryLevels,
    Receipt,
    StudyReference,
    encode,
    to_instance_refs,
)
from gurney.dicomweb import QidoRS, WadoRS, WadoURI
from gurney.http import Retries, Transport
from gurney.storage import FolderStorage
from gurney.testing import conformance_datasets
from gurney.trolley import Progress

from .conftest import StartOrthanc

STUDY = "2.25.7100"
COUNT, SIZE = 60, 1_000_000  # far more than what is on its way at any time
BEFORE = 5  # stored, when the server dies

Make = Callable[[Orthanc, requests.Session], FileDownloader]


@pytest.fixture(scope="module")
def orthanc(start_orthanc: StartOrthanc) -> Orthanc:
    server = start_orthanc(Settings())
    server.fill(instances())
    return server


def instances() -> Iterator[bytes]:
    """Yield the instances of one study: grey squares."""
    dataset = conformance_datasets()[0]
    dataset.Rows = dataset.Columns = 1000
    for number in range(COUNT):
        dataset.StudyInstanceUID = STUDY
        dataset.SeriesInstanceUID = f"{STUDY}.{number // 20}"
        dataset.SOPInstanceUID = f"{STUDY}.{number // 20}.{number}"
        dataset.InstanceNumber = number
        dataset.PixelData = bytes([number]) * SIZE
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
        yield encode(dataset)


@attrs.define
class KillsWhenSome:
    """Kills the server once so many instances have come."""

    server: Orthanc
    after: int = BEFORE

    def __call__(self, progress: Progress) -> None:
        if progress.done == self.after:
            self.server.kill()


def without_patience(address: str, session: requests.Session | None = None) -> Transport:
    """Two attempts, and no wait in between: nobody starts the server meanwhile."""
    return Transport(address, session, retries=Retries(attempts=2, sleep=lambda _: None))


def by_wado_rs(server: Orthanc, session: requests.Session) -> FileDownloader:
    return WadoRS(without_patience(server.url, session))


def by_wado_uri(server: Orthanc, session: requests.Session) -> FileDownloader:
    return WadoURI(without_patience(server.wado_url, session))


class Listened(requests.Session):
    """A session of the caller; it notes what is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.hooks["response"].append(self._note)

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self.asked.append(str(response.url))


@pytest.fixture
def session() -> Iterator[Listened]:
    with Listened() as session:
        yield session


@pytest.mark.parametrize("downloader", [by_wado_rs, by_wado_uri])
@pytest.mark.parametrize("known", [True, False], ids=["tree", "reference"])
def test_same_call_completes(
    orthanc: Orthanc,
    tmp_path: Path,
    session: Listened,
    downloader: Make,
    known: bool,
) -> None:
    """The first receipt says what is missing; the second is complete; nothing comes twice."""
    trolley = Trolley(QidoRS(without_patience(orthanc.url)), downloader(orthanc, session))
    study = trolley.find_study_by_id(STUDY, query_level=QueryLevels.INSTANCE)
    objects = [study if known else StudyReference(STUDY)]
    first = trolley.download(objects, tmp_path, progress=KillsWhenSome(orthanc))
    there = {outcome.reference for outcome in first.outcomes if outcome.good}
    files = sum(1 for _ in FolderStorage(tmp_path).files())
    orthanc.start()
    session.asked.clear()
    progress: list[Progress] = []
    second = trolley.download(objects, tmp_path, progress=progress.append)

    assert not first.complete
    assert BEFORE <= len(there) < COUNT
    assert set(to_instance_refs([study])) == {outcome.reference for outcome in first.outcomes}
    assert len(there) == files
    assert second.complete, second.reasons
    assert there == references(second, OutcomeStatus.ALREADY_THERE)
    assert COUNT - len(there) == len(references(second, OutcomeStatus.STORED))
    assert progress[-1].received < (COUNT - len(there)) * (SIZE + 10_000)
    assert [] == [url for url in session.asked for ref in there if names(url, ref)]


def test_instances_alone_are_asked_for_again(
    orthanc: Orthanc, tmp_path: Path, session: Listened
) -> None:
    """What names no more than one instance each is resumed the same way."""
    trolley = Trolley(QidoRS(without_patience(orthanc.url)), by_wado_rs(orthanc, session))
    wanted = to_instance_refs([trolley.find_study_by_id(STUDY, query_level=QueryLevels.INSTANCE)])
    first = trolley.download(wanted, tmp_path, progress=KillsWhenSome(orthanc))
    orthanc.start()
    session.asked.clear()
    second = trolley.download(first.missing, tmp_path)

    assert not first.complete
    assert second.complete
    assert set(first.missing) == references(second, OutcomeStatus.STORED)
    assert len(wanted) == sum(1 for _ in FolderStorage(tmp_path).files())


def references(receipt: Receipt, status: OutcomeStatus) -> set[object]:
    return {outcome.reference for outcome in receipt.outcomes if outcome.status is status}


def names(url: str, reference: object) -> bool:
    """Say whether *url* asks for an instance, alone or with all of its study or series."""
    assert isinstance(reference, InstanceReference)
    study, series, instance = reference.uids
    whole = (f"/studies/{study}", f"/studies/{study}/series/{series}")
    return url.endswith((*whole, f"/instances/{instance}", f"objectUID={instance}"))


def test_restart_in_between_costs_nothing(orthanc: Orthanc, tmp_path: Path) -> None:
    """A server that is soon back: one call, complete; the receipt counts what was asked again."""

    def restart(progress: Progress) -> None:
        if progress.done == BEFORE and progress.outcome is not None:
            orthanc.kill()
            orthanc.start()

    transport = without_patience(orthanc.url)
    trolley = Trolley(QidoRS(transport), WadoRS(transport))
    study = trolley.find_study_by_id(STUDY, query_level=QueryLevels.INSTANCE)
    receipt = trolley.download([study], tmp_path, progress=restart)

    assert receipt.complete, receipt.reasons
    assert 0 < sum(one.retries for one in receipt.studies)
