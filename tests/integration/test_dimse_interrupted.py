"""An archive or a client dies in the middle of a transfer; the same call gets what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.orthanc import Orthanc, Settings

from gurney import Trolley
from gurney.core import (
    OutcomeStatus,
    QueryLevels,
    Receipt,
    StudyReference,
    to_instance_refs,
)
from gurney.dimse import DIMSEArchive, Peer, Receiver, Retries
from gurney.storage import FolderStorage
from gurney.trolley import Progress

from .conftest import Destinations, StartOrthanc
from .test_orthanc_interrupted import (
    BEFORE,
    COUNT,
    SIZE,
    STUDY,
    KillsWhenSome,
    instances,
    references,
)


@pytest.fixture(scope="module")
def orthanc(start_orthanc: StartOrthanc, destinations: Destinations) -> Orthanc:
    server = start_orthanc(Settings(destinations=destinations))
    server.fill(instances())
    return server


@pytest.fixture(params=["get", "move"])
def archive(
    request: pytest.FixtureRequest, orthanc: Orthanc, destinations: Destinations
) -> Iterator[DIMSEArchive]:
    """Return the archive, asked twice, with no wait in between: nobody starts it meanwhile."""
    retries = Retries(attempts=2, sleep=lambda _: None)
    peer = Peer("127.0.0.1", orthanc.dicom_port, orthanc.ae_title, retries=retries)
    with Receiver("GURNEY", port=destinations["GURNEY"]) as receiver:
        used = receiver if request.param == "move" else None
        with DIMSEArchive(peer, retrieve=request.param, receiver=used) as archive:
            yield archive


@pytest.mark.parametrize("known", [True, False], ids=["tree", "reference"])
def test_same_call_completes(
    orthanc: Orthanc, archive: DIMSEArchive, known: bool, tmp_path: Path
) -> None:
    """The first receipt says what is missing; the second is complete; nothing comes twice."""
    trolley = Trolley(archive, archive)
    study = trolley.find_study_by_id(STUDY, query_level=QueryLevels.INSTANCE)
    objects = [study if known else StudyReference(STUDY)]
    first = trolley.download(objects, tmp_path, progress=KillsWhenSome(orthanc))
    there = {outcome.reference for outcome in first.outcomes if outcome.good}
    files = sum(1 for _ in FolderStorage(tmp_path).files())
    orthanc.start()
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


def test_restart_in_between_costs_nothing(
    orthanc: Orthanc, archive: DIMSEArchive, tmp_path: Path
) -> None:
    """An archive that is soon back: one call, complete; the receipt counts what was asked again."""

    def restart(progress: Progress) -> None:
        if progress.done == BEFORE and progress.outcome is not None:
            orthanc.kill()
            orthanc.start()

    trolley = Trolley(archive, archive)
    study = trolley.find_study_by_id(STUDY, query_level=QueryLevels.INSTANCE)
    receipt = trolley.download([study], tmp_path, progress=restart)

    assert receipt.complete, receipt.reasons
    assert 0 < sum(one.retries for one in receipt.studies)


def test_command_that_was_killed_is_typed_again(
    orthanc: Orthanc, destinations: Destinations, tmp_path: Path
) -> None:
    """Nothing that it left is taken for whole without a look, or fetched twice."""
    where = f"127.0.0.1:{orthanc.dicom_port}?retrieve=move&receiver={destinations['GURNEY']}"
    command = [sys.executable, "-m", "gurney.cli", "fetch", f"dimse://ORTHANC@{where}", STUDY]
    first = [*command, "-o", "out", "--progress", "json"]
    out, err = subprocess.DEVNULL, subprocess.PIPE
    with subprocess.Popen(first, cwd=tmp_path, stdout=out, stderr=err) as killed:
        assert killed.stderr is not None
        for line in killed.stderr:
            if json.loads(line).get("done") == BEFORE:
                killed.kill()
                break
    files = sum(1 for _ in (tmp_path / "out").rglob("*.dcm"))
    again = [*command, "-o", "out", "--receipt", "receipt.json"]
    ran = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert BEFORE <= files < COUNT
    assert (0, "") == (ran.returncode, ran.stderr if ran.returncode else "")
    receipt = Receipt.from_json((tmp_path / "receipt.json").read_text(encoding="utf-8"))
    assert receipt.complete
    assert files == len(references(receipt, OutcomeStatus.ALREADY_THERE))
    assert COUNT == sum(1 for _ in (tmp_path / "out").rglob("*.dcm"))
