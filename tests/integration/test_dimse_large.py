"""Memory does not grow with instances, whichever way they come."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from pydicom.uid import UID
from tests.servers.orthanc import Orthanc, Settings

from gurney.core import encode
from gurney.testing import conformance_datasets

from .conftest import Destinations, StartOrthanc

SIZE: Final = 300_000_000  # bytes; benchmarks/dimse.py has one of 1 GB
BUDGET: Final = 100_000_000
STUDY: Final = "2.25.7200"
SCRIPT: Final = """
import json, sys
from pathlib import Path
from gurney.core import StudyReference
from gurney.dimse import DIMSEArchive, Peer, Receiver

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

archive_port, port, retrieve, study = sys.argv[1:]
receiver = Receiver("GURNEY", port=int(port)) if retrieve == "move" else None
peer = Peer("127.0.0.1", int(archive_port), "ORTHANC")
archive = DIMSEArchive(peer, retrieve=retrieve, receiver=receiver)
archive.echo()
idle = peak()
size = sum(len(chunk) for file in archive.files([StudyReference(study)]) for chunk in file.chunks)
archive.close()
if receiver is not None:
    receiver.close()
print(json.dumps([size, peak() - idle]))
"""


@pytest.fixture(scope="module")
def orthanc(start_orthanc: StartOrthanc, destinations: Destinations) -> Orthanc:
    server = start_orthanc(Settings(destinations=destinations))
    server.fill(instances())
    return server


def instances() -> Iterator[bytes]:
    """Yield one, large."""
    dataset = conformance_datasets()[0]
    dataset.StudyInstanceUID = STUDY
    dataset.SOPInstanceUID = f"{STUDY}.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    dataset.PixelData = bytes(SIZE)
    yield encode(dataset)


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that says how much was needed")
@pytest.mark.parametrize("retrieve", ["get", "move"])
def test_one_large_instance_needs_little_memory(
    orthanc: Orthanc, destinations: Destinations, retrieve: str
) -> None:
    """Beyond what the process needs before it asks."""
    ports = (str(orthanc.dicom_port), str(destinations["GURNEY"]))
    command = [sys.executable, "-c", SCRIPT, *ports, retrieve, STUDY]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "" == ran.stderr
    size, grown = json.loads(ran.stdout)
    assert SIZE <= size < SIZE + 10_000
    assert grown < BUDGET
