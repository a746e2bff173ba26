"""The house for real servers: they keep what they took, and none outlives the tests."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.servers.corpus import Loaded
from tests.servers.orthanc import Orthanc, Settings

from gurney.testing import conformance_files

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = """
import sys
from pathlib import Path
from tests.servers.orthanc import Orthanc

with Orthanc(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    sys.stdin.readline()
"""


def test_corpus_is_taken_as_far_as_it_can_be(loaded: Loaded) -> None:
    """What is refused has not all of its UIDs, is malformed, or is one of two in old syntaxes."""
    refused = {path for path in loaded.refused if loaded.is_placed(path)}
    kept = [path for path, status in loaded.statuses.items() if status == "Success"]
    unplaced = [path for path in loaded.statuses if not loaded.is_placed(path)]

    assert {"single/fo-dicom/GH1339.dcm", "single/fo-dicom/GH364.dcm"} == {
        path for path in refused if not path.startswith("malformed/")
    }
    assert loaded.refused == refused.union(unplaced)
    assert len(kept) == loaded.server.count("Instances") == len(loaded.held)


@pytest.mark.usefixtures("start_orthanc")
def test_holds_what_it_was_given_when_it_was_killed(
    tmp_path: Path,
) -> None:
    """It comes back under the same address."""
    with Orthanc(tmp_path, Settings()) as server:
        server.fill(conformance_files().values())
        address = server.url
        server.kill()
        server.start()

        assert len(conformance_files()) == server.count("Instances")
        assert address == server.url


@pytest.mark.skipif(not shutil.which("setpriv"), reason="without setpriv nothing binds it")
@pytest.mark.usefixtures("start_orthanc")
def test_dies_with_whoever_started_it(tmp_path: Path) -> None:
    """Also when that is killed, and has no time to stop it."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as starter:
        assert starter.stdout is not None
        server = os.pidfd_open(int(starter.stdout.readline()))
        starter.kill()
    ended, _, _ = select.select([server], [], [], 60)  # the moment it is dead, not a while later
    os.close(server)

    assert [server] == ended
