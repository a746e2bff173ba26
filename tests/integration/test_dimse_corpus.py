"""The corpus of real files inside real archives: found and fetched by DIMSE, and compared."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.servers import dcmtk
from tests.servers.corpus import Loaded, reference
from tests.servers.dcmqrscp import Dcmqrscp
from tests.servers.orthanc import Orthanc
from tests.servers.running import ServerError
from tests.servers.storescp import Storescp

from gurney import Trolley
from gurney.core import (
    FileDownloader,
    Query,
    QueryLevels,
    Receipt,
    SearchResult,
    to_instance_refs,
)
from gurney.dimse import Associations, CFind, CGet, CMove, DIMSEArchive, Peer, Receiver, Retries
from gurney.storage import FolderStorage

from .conftest import Destinations, StartDcmqrscp, StartStorescp

EVERYTHING = Query(query_level=QueryLevels.INSTANCE)
NATIVE: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
# Orthanc 1.10 knows neither how to send frames that are deflated, nor these classes for C-GET
UNSENT: Final = {"1.2.840.10008.1.2.8.1"}
NOT_GOT: Final = {"1.2.840.10008.5.1.4.1.1.66.7", "2.25.152752519834663263826301420581341174218"}
_ONCE: Final = 10  # studies; Orthanc ends a C-MOVE at the first instance that it cannot send


@pytest.fixture(scope="module")
def line(loaded: Loaded) -> Iterator[Associations]:
    with Associations(peer(loaded.server)) as line:
        yield line


@pytest.fixture(scope="module")
def found(line: Associations) -> SearchResult:
    return CFind(line).find_studies(EVERYTHING)


@pytest.fixture(scope="module")
def receiver(destinations: Destinations) -> Iterator[Receiver]:
    with Receiver("GURNEY", port=destinations["GURNEY"]) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def elsewhere(
    loaded: Loaded, start_storescp: StartStorescp, destinations: Destinations
) -> dict[str, Content]:
    """Return what comes of all studies to a receiver of somebody else, asked for by movescu."""
    receiver = start_storescp(destinations[Storescp.ae_title], None)
    studies = sorted({instance.study_uid for instance in loaded.held})
    for start in range(0, len(studies), _ONCE):
        some = studies[start : start + _ONCE]
        try:
            movescu(loaded.server, some)
        except ServerError:
            for study in some:
                with pytest.MonkeyPatch.context():
                    movescu(loaded.server, [study])
    return contents(receiver.received.iterdir())


def peer(server: Orthanc | Dcmqrscp) -> Peer:
    retries = Retries(attempts=2, sleep=lambda _: None)
    return Peer("127.0.0.1", server.dicom_port, server.ae_title, retries=retries)


def test_all_is_found_at_every_level(loaded: Loaded, line: Associations) -> None:
    """Every instance once, in its series and study; only second listings are held back (Q33)."""
    searcher = CFind(line)
    ...
