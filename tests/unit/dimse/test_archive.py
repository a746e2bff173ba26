"""One archive: searched by C-FIND, fetched from by C-GET, C-MOVE, or both, over one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from gurney import InvalidInputError, Query, QueryLevels, to_instance_refs
from gurney.dimse import Associations, DIMSEArchive, Peer, Receiver
from gurney.testing import example_datasets
from gurney.testing.dimse import DIMSEServer

DEEP = Query(PatientID="EX-1", query_level=QueryLevels.INSTANCE)
AWAY = Peer("archive.example", 104, "ARCHIVE")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somewhere to send to."""
    with Receiver("HERE", port=0) as receiver:
        yield receiver


@pytest.fixture
def server(receiver: Receiver) -> Iterator[DIMSEServer]:
    """A well-behaved archive."""
    destinations = {"HERE": ("127.0.0.1", receiver.port)}
    with DIMSEServer(example_datasets(), destinations=destinations) as server:
        yield server


@pytest.fixture
def peer(server: DIMSEServer) -> Peer:
    return Peer("127.0.0.1", server.port, server.ae_title)


def services(server: DIMSEServer) -> set[str]:
    """Return what was asked for."""
    return {request.service.value for request in server.requests}


@pytest.mark.parametrize(
    ("retrieve", "service"), [("get", "C-GET"), ("move", "C-MOVE"), ("auto", "C-GET")]
)
def test_search_and_fetch(
    server: DIMSEServer, peer: Peer, receiver: Receiver, retrieve: Any, service: str
) -> None:
    """What is found is what comes: each instance once, under its name; by what it says."""
    used = None if retrieve == "get" else receiver
    with DIMSEArchive(peer, retrieve=retrieve, receiver=used) as archive:
        found = archive.find_studies(DEEP)
        names = {file.reference: len(file.read()) for file in archive.files(found)}
        datasets = list(archive.datasets(found))

    assert found.complete, found.reasons
    assert set(to_instance_refs(found)) == set(names)
    assert 5 == len(datasets)
    assert {"C-FIND", service} == services(server)


def test_c_move_brings_what_c_get_does_not(
    server: DIMSEServer, peer: Peer, receiver: Receiver
) -> None:
    """Of an archive that grants no roles (D14), nothing comes by C-GET."""
    server.close()
    destinations = {"HERE": ("127.0.0.1", receiver.port)}
    with (
        DIMSEServer(example_datasets(), ["D14"], destinations=destinations, port=peer.port),
        DIMSEArchive(peer, receiver=receiver) as archive,
    ):
        found = archive.find_studies(DEEP)
        files = [file for file in archive.files(found) if file.read()]

    assert 5 == len(files)
    assert {"C-MOVE"} == {file.protocol for file in files}


def test_patient_root(server: DIMSEServer, peer: Peer) -> None:
    """For archives that know no other."""
    with DIMSEArchive(peer, root="patient", retrieve="get") as archive:
        found = archive.find_studies(DEEP)

    assert 5 == len(to_instance_refs(found))
    assert {"1.2.840.10008.5.1.4.1.2.1.1"} == {one.sop_class_uid for one in server.requests}


def test_echo_asks_once(server: DIMSEServer, peer: Peer) -> None:
    """And says how long it took."""
    with DIMSEArchive(peer, retrieve="get") as archive:
        assert 0 < archive.echo()

    assert {"C-ECHO"} == services(server)


@pytest.mark.parametrize("given", [True, False])
def test_only_its_own_associations_are_closed(
    peer: Peer, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were given are for others, too."""
    close = Mock()
    monkeypatch.setattr(Associations, "close", close)
    with DIMSEArchive(Associations(peer) if given else peer, retrieve="get"):
        pass

    assert (0 if given else 1) == close.call_count


def test_receiver_that_was_given_stays(peer: Peer, receiver: Receiver) -> None:
    """It is for others, too."""
    with DIMSEArchive(peer, receiver=receiver):
        pass

    assert receiver is receiver.open()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"retrieve": "wado-rs"}, "one of auto, get, move"),
        ({"root": "series"}, "one of study, patient"),
        ({"retrieve": "get", "receiver": Receiver(port=0)}, "a receiver is for C-MOVE"),
        ({"retrieve": "move"}, "needs a receiver that the archive can send to"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], words: str) -> None:
    """Before anybody is asked."""
    with pytest.raises(InvalidInputError, match=words):
        DIMSEArchive(AWAY, **settings)


def test_repr_names_the_archive() -> None:
    """And nothing else."""
    with DIMSEArchive(AWAY) as archive:
        assert "DIMSEArchive('ARCHIVE at archive.example:104')" == repr(archive)
