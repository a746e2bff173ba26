"""The DIMSE clients do what every backend has to do, against the archive that behaves well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gurney.core import ExtendedQuery
from gurney.dimse import CFind, CGet, CMove, Peer, Receiver
from gurney.testing import (
    DownloaderFeatures,
    FileDownloaderConformance,
    SearcherConformance,
    SearcherFeatures,
    conformance_datasets,
    keys_of,
)
from gurney.testing.dimse import DIMSEServer

# The file meta is not on the line (D31); all else is as it is stored.
SAME_VALUES = DownloaderFeatures(keeps_bytes=False)


@pytest.fixture(scope="module")
def server() -> Iterator[DIMSEServer]:
    with DIMSEServer(conformance_datasets()) as server:
        yield server


@pytest.fixture
def peer(server: DIMSEServer) -> Peer:
    return Peer("127.0.0.1", server.port, server.ae_title)


@pytest.fixture(scope="module")
def capped() -> Iterator[DIMSEServer]:
    with DIMSEServer(conformance_datasets(), ["D03"], cap=2) as server:
        yield server


class TestCFind(SearcherConformance):
    """It finds by every key."""

    features = SearcherFeatures(keys=keys_of(ExtendedQuery))

    @pytest.fixture
    def searcher(self, peer: Peer) -> CFind:
        return CFind(peer)

    @pytest.fixture
    def capped_searcher(self, capped: DIMSEServer) -> CFind:
        return CFind(Peer("127.0.0.1", capped.port, capped.ae_title), max_requests=2)


class TestCFindRelational(TestCFind):
    """The same, where the archive grants relational queries."""

    @pytest.fixture
    def searcher(self, peer: Peer) -> CFind:
        return CFind(peer, relational=True)


@pytest.fixture(scope="module")
def by_patient(server: DIMSEServer) -> CFind:
    """One for all tests: to find out whether the archive lists all patients takes requests."""
    return CFind(Peer("127.0.0.1", server.port, server.ae_title), root="patient")


class TestCFindByPatient(TestCFind):
    """The same with patient root, where studies are asked for patient by patient."""

    @pytest.fixture
    def searcher(self, by_patient: CFind) -> CFind:
        return by_patient

    @pytest.fixture
    def capped_searcher(self, capped: DIMSEServer) -> CFind:
        peer = Peer("127.0.0.1", capped.port, capped.ae_title)
        return CFind(peer, root="patient", max_requests=2)


class TestCGet(FileDownloaderConformance):
    """It gives the data sets that the archive holds."""

    features = SAME_VALUES

    @pytest.fixture
    def downloader(self, peer: Peer) -> CGet:
        return CGet(peer)


class TestCMove(FileDownloaderConformance):
    """The same, by way of a receiver."""

    features = SAME_VALUES

    @pytest.fixture
    def downloader(self) -> Iterator[CMove]:
        with (
            Receiver("GURNEY", port=0) as receiver,
            DIMSEServer(
                conformance_datasets(), destinations={"GURNEY": ("127.0.0.1", receiver.port)}
            ) as server,
            CMove(Peer("127.0.0.1", server.port, server.ae_title), receiver) as move,
        ):
            yield move
