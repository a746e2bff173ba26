"""Over real archives, the backends for DIMSE do what every searcher and downloader has to."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from tests.servers.dcmqrscp import Dcmqrscp
from tests.servers.orthanc import Orthanc, Settings

from gurney.core import ExtendedQuery, decode
from gurney.dimse import Associations, CFind, CGet, CMove, DIMSEArchive, Peer, Receiver, Retries
from gurney.testing import (
    TREE,
    DownloaderFeatures,
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_files,
    differences,
    keys_of,
)

from .conftest import Destinations, StartDcmqrscp, StartOrthanc

RLE = ["--prefer-rle", "--propose-rle"]
EVERY_KEY = SearcherFeatures(keys=keys_of(ExtendedQuery))
BY_CONTENT = DownloaderFeatures(keeps_bytes=False)  # D31: file meta is made anew


@pytest.fixture(scope="module")
def capped(start_orthanc: StartOrthanc) -> Iterator[Associations]:
    """Return the associations with one that never gives more than two of anything."""
    server = start_orthanc(Settings(limit_results=2, limit_instances=2))
    server.fill(conformance_files().values())
    with Associations(peer(server)) as associations:
        yield associations


@pytest.fixture(scope="module")
def dcmqrscp(start_dcmqrscp: StartDcmqrscp, destinations: Destinations) -> Dcmqrscp:
    server = start_dcmqrscp(destinations, RLE)
    server.fill(conformance_files().values())
    return server


@pytest.fixture(scope="module", params=["Orthanc", "dcmqrscp"])
def archive(request: pytest.FixtureRequest) -> Iterator[Associations]:
    """Return the associations with one that holds what the kit wants."""
    fixture = {"Orthanc": "orthanc_with_kit", "dcmqrscp": "dcmqrscp"}[request.param]
    server: Orthanc | Dcmqrscp = request.getfixturevalue(fixture)
    with Associations(peer(server)) as associations:
        yield associations


@pytest.fixture(scope="module")
def orthanc(orthanc_with_kit: Orthanc) -> Iterator[Associations]:
    with Associations(peer(orthanc_with_kit)) as associations:
        yield associations


@pytest.fixture(scope="module")
def receiver(destinations: Destinations) -> Iterator[Receiver]:
    """Return what both archives may send to."""
    with Receiver("GURNEY", port=destinations["GURNEY"]) as receiver:
        yield receiver


def peer(server: Orthanc | Dcmqrscp) -> Peer:
    retries = Retries(attempts=2, sleep=lambda _: None)
    return Peer("127.0.0.1", server.dicom_port, server.ae_title, retries=retries)


class TestCFind(SearcherConformance):
    """It finds by every key; an archive that stops early is found out."""

    features = EVERY_KEY

    @pytest.fixture
    def searcher(self, orthanc: Associations) -> CFind:
        return CFind(orthanc)

    @pytest.fixture
    def capped_searcher(self, capped: Associations) -> CFind:
        return CFind(capped, max_requests=1)


@pytest.mark.filterwarnings("ignore::gurney.core.IncompleteResultWarning")
class TestCFindOverLimits(SearcherConformance):
    """An archive that never gives more than two of anything is asked until it has given all.

    That there are no studies without a date, it cannot prove; so no result of several is COMPLETE.
    """

    features = attrs.evolve(EVERY_KEY, states_completeness=False)

    @pytest.fixture
    def searcher(self, capped: Associations) -> CFind:
        return CFind(capped)


class TestCGet(FileDownloaderConformance):
    """Every level, and the data sets that are stored."""

    features = BY_CONTENT

    @pytest.fixture
    def downloader(self, archive: Associations, request: pytest.FixtureRequest) -> CGet:
        if archive.peer.called == Dcmqrscp.ae_title and "given_up" in request.node.name:
            pytest.skip("dcmqrscp locks its index: a retrieval waits for one that was put aside")
        return CGet(archive)


class TestCMove(FileDownloaderConformance):
    """As `TestCGet`, to a receiver."""

    features = BY_CONTENT

    @pytest.fixture
    def downloader(self, orthanc: Associations, receiver: Receiver) -> CMove:
        return CMove(orthanc, receiver)


class TestArchive(FileDownloaderConformance):
    """All in one: C-GET, and C-MOVE for what is missing."""

    features = BY_CONTENT

    @pytest.fixture
    def downloader(self, orthanc: Associations, receiver: Receiver) -> DIMSEArchive:
        return DIMSEArchive(orthanc, receiver=receiver)


def test_c_move_from_dcmqrscp(dcmqrscp: Dcmqrscp, receiver: Receiver) -> None:
    """It offers what it can send all at once, whatever it holds: RLE first."""
    with Associations(peer(dcmqrscp)) as associations:
        files = {
            file.reference: file.dataset() for file in CMove(associations, receiver).files(TREE)
        }

    stored = conformance_files()
    assert stored.keys() == files.keys()
    assert [] == [
        (name, difference)
        for name, content in stored.items()
        for difference in differences(decode(content, str(name)), files[name])
    ]
