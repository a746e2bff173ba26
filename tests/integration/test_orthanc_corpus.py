"""The corpus of real files inside Orthanc: found, fetched and compared with what went in."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.servers.corpus import Loaded, reference

from gurney import Trolley
from gurney.core import (
    InstanceReference,
    Query,
    QueryLevels,
    Receipt,
    SearchResult,
    StudyReference,
    to_instance_refs,
)
from gurney.dicomweb import QidoRS, WadoRS, WadoURI
from gurney.storage import FolderStorage
from gurney.testing import differences
from gurney.trolley import Progress

EVERYTHING = Query(query_level=QueryLevels.INSTANCE)


@pytest.fixture(scope="module")
def found(loaded: Loaded) -> SearchResult:
    return QidoRS(loaded.server.url).find_studies(EVERYTHING)


def differing(held: Mapping[InstanceReference, str], receipt: Receipt) -> list[str]:
    """Name what is not here, or has other bytes, or is here and was not asked for."""
    found = {
        outcome.reference: outcome.checksum.removeprefix("sha256:")
        for outcome in receipt.outcomes
        if outcome.good
    }
    return sorted({str(one) for one, _ in {*held.items()} ^ {*found.items()}})


def readable(loaded: Loaded, folder: str = "") -> dict[str, InstanceReference]:
    """Return the files, by path, that Orthanc keeps and pydicom reads as they are."""
    return {
        path: reference(loaded.manifest[path])
        for path, status in loaded.statuses.items()
        if status == "Success" and path.startswith(folder)
        if loaded.manifest[path]["readable"] == "yes"
    }


def shared(loaded: Loaded, *, named: bool = False) -> set[str]:
    """Return the studies that several patients share, which Orthanc takes for several studies.

    Only those whose patients are *named*, by a PatientID, if that is wanted.
    """
    patients: dict[str, set[str]] = {}
    for path, instance in readable(loaded).items():
        patients.setdefault(instance.study_uid, set()).add(loaded.manifest[path]["patient_id"])
    return {study for study, ids in patients.items() if len(ids - ({""} if named else set())) > 1}


def ambiguous(loaded: Loaded) -> set[InstanceReference]:
    """Return the instances in a series or study whose UID means several things to Orthanc."""
    studies: dict[str, set[str]] = {}
    for instance in loaded.held:
        studies.setdefault(instance.series_uid, set()).add(instance.study_uid)
    return {
        instance
        for instance in loaded.held
        if len(studies[instance.series_uid]) > 1 or instance.study_uid in shared(loaded)
    }


def test_all_is_found(found: SearchResult, loaded: Loaded) -> None:
    """Every instance once, in its series and study; only second listings are held back (Q33)."""
    references = to_instance_refs(found)

    assert set() == loaded.held.keys() ^ set(references)
    assert len(loaded.held) == len(references)
    assert found.complete, found.reasons
    assert shared(loaded) == {one.reference.study_uid for one in found.held_back if one.reference}


@pytest.mark.parametrize("relational", [False, True])
def test_all_is_found_at_every_level(loaded: Loaded, relational: bool) -> None:
    """Studies and series too, each once, with children if and only if they were asked for."""
    searcher = QidoRS(loaded.server.url, relational=relational)
    studies = searcher.find_studies(Query())
    series = searcher.find_studies(Query(query_level=QueryLevels.SERIES))

    expected = {reference.uids[:2] for reference in loaded.held}
    assert set() == {uids[0] for uids in expected} ^ {study.uid for study in studies}
    assert set() == expected ^ {one.reference().uids for study in series for one in study.series}
    assert studies.complete, studies.reasons
    assert series.complete, series.reasons
    assert not any(study.series for study in studies)


def test_patients_that_share_a_study_are_noted(found: SearchResult, loaded: Loaded) -> None:
    """Q33: Orthanc lists such a study once for each; here it is one, and a note says so.

    A row without PatientID is no other patient: rows of series have none either.
    """
    noted = {note.split(" ")[1] for note in found.notes if "more than one PatientID" in note}

    assert shared(loaded, named=True) == noted
    assert 2 <= len(noted) < len(shared(loaded))


def test_wado_rs_fetches_all_byte_for_byte(
    loaded: Loaded, found: SearchResult, tmp_path: Path
) -> None:
    """Orthanc keeps bytes, and here they are; the receipt says how they came."""
    url = loaded.server.url
    receipt = Trolley(QidoRS(url), WadoRS(url)).download(found, tmp_path)

    assert [] == [f"{one.reference}: {one.reason}" for one in receipt.outcomes if not one.good]
    assert receipt.complete, receipt.reasons
    assert [] == differing(loaded.held, receipt)
    assert {"WADO-RS": len(loaded.held)} == Counter(one.protocol for one in receipt.outcomes)
    assert len(loaded.held) == sum(1 for _ in FolderStorage(tmp_path).files())


def test_wado_uri_fetches_all_byte_for_byte(
    loaded: Loaded, found: SearchResult, tmp_path: Path
) -> None:
    """But for those in a series or study of several patients: Orthanc says that there are none."""
    server = loaded.server
    receipt = Trolley(QidoRS(server.url), WadoURI(server.wado_url)).download(found, tmp_path)

    refused = ambiguous(loaded)
    expected = {one: digest for one, digest in loaded.held.items() if one not in refused}
    assert set() == refused ^ set(receipt.missing)
    assert all("404" in one.reason for one in receipt.outcomes if not one.good)
    assert not receipt.complete
    assert [] == differing(expected, receipt)
    assert {"WADO-URI"} == {one.protocol for one in receipt.outcomes}


def test_studies_are_fetched_without_a_listing(loaded: Loaded, tmp_path: Path) -> None:
    """A trolley asks for what it has to know; the receipt is the same."""
    url = loaded.server.url
    trolley = Trolley(QidoRS(url), WadoRS(url))
    receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert receipt.complete, receipt.reasons
    assert [] == differing(loaded.held, receipt)


def test_data_sets_are_those_of_the_files(loaded: Loaded, corpus: Path) -> None:
    """`get_dataset` gives a whole instance, in every transfer syntax that Orthanc takes."""
    one_each = {loaded.manifest[path]["transfer_syntax"]: path for path in readable(loaded)}
    wado = WadoRS(loaded.server.url)
    wrong = [
        path
        for path in one_each.values()
        if differences(dcmread(corpus / path), wado.get_dataset(reference(loaded.manifest[path])))
    ]

    assert 12 <= len(one_each)
    assert [] == wrong


def test_metadata_are_those_of_the_files(loaded: Loaded, corpus: Path) -> None:
    """One data set for each instance, and its values; no pixels."""
    folder = "studies/siemens-mr-mixed-syntax"
    expected = {
        instance.instance_uid: dcmread(corpus / path, stop_before_pixels=True)
        for path, instance in readable(loaded, folder).items()
    }
    (study,) = {instance.study_uid for instance in readable(loaded, folder).values()}
    metadata = list(WadoRS(loaded.server.url).metadata([StudyReference(study)]))

    assert sorted(expected) == sorted(str(dataset.SOPInstanceUID) for dataset in metadata)
    assert all("PixelData" not in dataset for dataset in metadata)
    assert all(
        expected[str(dataset.SOPInstanceUID)].ImagePositionPatient == dataset.ImagePositionPatient
        for dataset in metadata
    )


def test_names_in_all_character_sets_are_found(loaded: Loaded, corpus: Path) -> None:
    """By what the file holds; where Orthanc does not find it, nobody says that there is none."""
    searcher = QidoRS(loaded.server.url)
    silent: list[str] = []
    for path, instance in readable(loaded, "charsets/").items():
        name = str(dcmread(corpus / path).get("PatientName", "")).partition("=")[0]
        if name and name.isprintable():  # escape sequences nobody types
            result = searcher.find_studies(Query(PatientName=name))
            if result.complete and instance.study_uid not in [study.uid for study in result]:
                silent.append(path)

    assert [] == silent


def test_progress_is_told_while_it_runs(
    loaded: Loaded, found: SearchResult, tmp_path: Path
) -> None:
    """Bytes and instances grow, and end at what the receipt says."""
    told: list[Progress] = []
    server = loaded.server
    trolley = Trolley(QidoRS(server.url), WadoRS(server.url))
    receipt = trolley.download(found[:20], tmp_path, progress=told.append)

    assert len(receipt.outcomes) == told[-1].done == told[-1].expected
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert receipt.verified_bytes == told[-1].received


def test_command_fetches_everything(loaded: Loaded, tmp_path: Path) -> None:
    """``gurney fetch URL --patient-name '*'``: exit status 0, and a receipt that proves it."""
    address = loaded.server.url.replace("http://", "dicomweb+http://")
    options = ["--patient-name", "*", "-o", str(tmp_path / "out"), "--receipt", "receipt.json"]
    ran = subprocess.run(
        [sys.executable, "-m", "gurney.cli", "fetch", address, *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
    )

    assert (0, "") == (ran.returncode, ran.stderr if ran.returncode else "")
    receipt = Receipt.from_json((tmp_path / "receipt.json").read_text(encoding="utf-8"))
    assert receipt.complete
    assert [] == differing(loaded.held, receipt)
