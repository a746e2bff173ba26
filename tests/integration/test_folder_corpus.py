"""The whole corpus of real files as an archive: listed, found, fetched and compared."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.tag import Tag

from gurney.core import (
    CHUNK_SIZE,
    DownloadError,
    InstanceReference,
    Query,
    QueryLevels,
    SearchResult,
    text,
)
from gurney.core.values import stored
from gurney.folder import FileStatus, FolderArchive, ListedFile
from gurney.folder.headers import KEYWORDS

Rows = dict[str, dict[str, str]]

INDEXED, UNUSABLE, NOT_DICOM = FileStatus.INDEXED, FileStatus.UNUSABLE, FileStatus.NOT_DICOM

TREATMENTS = {
    "index it": {INDEXED},
    "index": {INDEXED},
    "index it, and say what is odd": {INDEXED},
    "index it (or report)": {INDEXED, UNUSABLE},
    "index from the readable head, or report": {INDEXED, UNUSABLE},
    "index from the readable head, or report; never lose the other files": {INDEXED, UNUSABLE},
    "index under the data set SOP class": {INDEXED},
    "index under the data set UID": {INDEXED},
    "report as not DICOM, go on": {NOT_DICOM},
    "report as unusable (no way to place it in a tree), go on": {UNUSABLE},
    "report, or skip the stray first byte": {INDEXED, UNUSABLE, NOT_DICOM},
}


@pytest.fixture(scope="module")
def archive(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> FolderArchive:
    return FolderArchive(corpus, tmp_path_factory.mktemp("index") / "index.sqlite")


@pytest.fixture(scope="module")
def found(archive: FolderArchive) -> SearchResult:
    return archive.find_studies(Query(query_level=QueryLevels.INSTANCE))


@pytest.fixture(scope="module")
def listed(archive: FolderArchive) -> dict[str, ListedFile]:
    archive.refresh()
    return {file.path: file for file in archive.listed()}


@pytest.fixture(scope="module")
def manifest(corpus: Path) -> Rows:
    return table(corpus / "MANIFEST.csv")


def table(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        lines = (line.replace("\0", "") for line in file)  # csv of Python 3.10 takes none
        return {row["path"]: row for row in csv.DictReader(lines)}


def reference(row: dict[str, str]) -> InstanceReference:
    return InstanceReference(row["study_uid"], row["series_uid"], row["sop_uid"])


def placed(manifest: Rows) -> Iterator[tuple[str, dict[str, str]]]:
    """The files that have all their UIDs, according to the manifest."""
    for path, row in manifest.items():
        if row["study_uid"] and row["series_uid"] and row["sop_uid"]:
            yield path, row


def test_every_file_is_listed_once(corpus: Path, listed: dict[str, ListedFile]) -> None:
    """Whatever it is."""
    files = {path.relative_to(corpus).as_posix() for path in corpus.rglob("*") if path.is_file()}

    assert files == set(listed)


def test_every_file_with_uids_is_indexed(manifest: Rows, listed: dict[str, ListedFile]) -> None:
    """And none without, but for one that pydicom cannot read."""
    expected = {path for path, _ in placed(manifest)}
    indexed = {path for path, file in listed.items() if file.status is INDEXED}

    assert set() == expected - indexed
    assert {
        "malformed/as-found/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm"
    } == indexed - expected


def test_trees_are_those_of_pydicom(corpus: Path, manifest: Rows, found: SearchResult) -> None:
    """All of TREES.json, and besides it only what is malformed."""
    trees = json.loads((corpus / "TREES.json").read_text(encoding="utf-8"))
    expected = {
        InstanceReference(study, series, instance)
        for study, all_series in trees.items()
        for series, instances in all_series.items()
        for instance in instances
    }
    malformed = {reference(row) for path, row in placed(manifest) if path.startswith("malformed/")}
    ours = {instance.reference() for study in found for instance in study.all_instances()}
    (unreadable_by_pydicom,) = ours - expected - malformed

    assert set() == (expected | malformed) - ours
    assert "1.3.6.1.4.1.5962.1.2.1.20031208063649.855" == unreadable_by_pydicom.study_uid


def test_malformed_files_are_treated_as_expected(
    corpus: Path, manifest: Rows, listed: dict[str, ListedFile]
) -> None:
    """Nothing crashes, nothing is lost, nothing is taken for what it is not."""
    with_uids = {path for path, _ in placed(manifest)}
    wrong: list[str] = []
    for path, row in table(corpus / "malformed" / "EXPECTED.csv").items():
        allowed = TREATMENTS[row["should"].partition("; ")[0]]
        if path not in with_uids:  # one that should be indexed has no UIDs to index it by
            allowed = allowed | {UNUSABLE}
        if listed[path].status not in allowed:
            wrong.append(f"{path}: {row['should']}, is {listed[path]}")

    assert [] == wrong


def test_missing_bytes_are_noticed(corpus: Path, listed: dict[str, ListedFile]) -> None:
    """Also where plain pydicom reads a cut file without a word."""
    rows = table(corpus / "malformed" / "EXPECTED.csv").items()
    cut = [path for path, row in rows if "must notice the missing" in row["should"]]

    assert {"cut"} == {listed[path].problem for path in cut}
    assert 3 == len(cut)


def test_all_that_was_found_can_be_printed(found: SearchResult) -> None:
    """Whatever the values: none raises when it is decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of values that are no dates, names, numbers
        for study in found:
            for obj in (study, *study.all_series(), *study.all_instances()):
                assert str(obj.data)


def test_values_are_those_that_pydicom_reads(archive: FolderArchive, found: SearchResult) -> None:
    """In every byte order and transfer syntax; what the index keeps is not changed by it."""
    wrong: list[str] = []
    seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        for study in found:
            alone = len(study.all_instances()) == 1
            for instance in study.all_instances():
                objects = (instance, instance.parent, study) if alone else (instance,)
                try:
                    expected = archive.get_dataset(instance.reference())
                except DownloadError:
                    continue
                for data in (obj.data for obj in objects if obj is not None):
                    known = [keyword for keyword in KEYWORDS if keyword in data]
                    seen += len(known)
                    wrong.extend(
                        f"{keyword} of {instance.reference()}"
                        for keyword in known
                        if stored(data, Tag(keyword)) != stored(expected, Tag(keyword))
                    )

    (unknown_vr,) = wrong  # pydicom does not read it; here it is taken for what it should be
    assert unknown_vr.startswith("Rows of ")
    assert unknown_vr.endswith(".1.1.22")
    assert seen > 5000


def test_result_is_loudly_incomplete(found: SearchResult, listed: dict[str, ListedFile]) -> None:
    """Every file that cannot be placed is counted in a reason; no reason names a patient."""
    unusable = [file for file in listed.values() if file.status is UNUSABLE]
    counts = [int(reason.split(": ")[1].split(" ")[0]) for reason in found.reasons]

    assert not found.complete
    assert len(unusable) == sum(counts)


def test_studies_alone_are_complete(corpus: Path, tmp_path: Path) -> None:
    """The folder of plain studies has nothing that cannot be placed."""
    result = FolderArchive(corpus / "studies", tmp_path / "index").find_studies(Query())

    assert result.complete


def test_every_instance_is_fetched_byte_for_byte(
    archive: FolderArchive, found: SearchResult, manifest: Rows, listed: dict[str, ListedFile]
) -> None:
    """One of its files, a whole one if there is one; if there is none it says why."""
    hashes: dict[InstanceReference, dict[str, bool]] = {}
    for path, row in placed(manifest):
        hashes.setdefault(reference(row), {})[row["sha256"]] = not listed[path].problem
    wrong: list[str] = []
    given = 0
    for file in archive.files(found):
        assert isinstance(file.reference, InstanceReference)
        whole = hashes.get(file.reference)
        digest, sizes = hashlib.sha256(), [0]
        try:
            for chunk in file.chunks:
                digest.update(chunk)
                sizes.append(len(chunk))
        except DownloadError:
            if whole is None or any(whole.values()):
                wrong.append(f"{file.reference} was not given")
        else:
            given += 1
            if whole is not None and not whole.get(digest.hexdigest()):
                wrong.append(f"{file.reference} has other bytes")
            if file.size != sum(sizes) or max(sizes) > CHUNK_SIZE:
                wrong.append(f"{file.reference} has another size")

    assert [] == wrong
    assert sum(any(whole.values()) for whole in hashes.values()) + 1 == given


def test_differing_copies_are_noted(found: SearchResult, manifest: Rows) -> None:
    """For every instance with two contents; for none that is there twice, byte for byte."""
    contents: dict[InstanceReference, set[str]] = {}
    for _, row in placed(manifest):
        contents.setdefault(reference(row), set()).add(row["sha256"])
    differing = {str(ref) for ref, hashes in contents.items() if len(hashes) > 1}
    noted = {note.split(" ")[1] for note in found.notes if "copies that differ" in note}

    assert differing == noted


def test_patients_that_share_a_study_are_noted(found: SearchResult) -> None:
    """Q33: siemens-ct-5 and the SR that belongs to it, the hazard made for this, and malformed."""
    noted = {note.split(" ")[1] for note in found.notes if "more than one PatientID" in note}

    assert 3 == len(noted)
    assert "1.2.826.0.1.3680043.10.1561.330.5" in noted


def test_names_in_all_character_sets_are_found(corpus: Path, tmp_path: Path) -> None:
    """As pydicom reads them: whole, by their first group, and by the beginning of a name."""
    archive = FolderArchive(corpus / "charsets", tmp_path / "index")
    missed: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken escape sequences
        for path in sorted((corpus / "charsets").rglob("*.dcm")):
            dataset = dcmread(path)
            name = str(dataset.get("PatientName", ""))
            if "StudyInstanceUID" not in dataset or not name.isprintable() or not name:
                continue  # of escape sequences that pydicom leaves as they are nobody can search
            for key in (name, name.split("=", maxsplit=1)[0], f"{name[:2]}*"):
                studies = archive.find_studies(Query(PatientName=key))
                if dataset.StudyInstanceUID not in [study.uid for study in studies]:
                    missed.append(f"{path.name}: {key}")

    assert [] == missed


def test_variants_of_a_dicomdir_are_hints(corpus: Path, tmp_path: Path) -> None:
    """Big endian, implicit, without offsets or patients, reordered, empty: none is an instance."""
    folder = corpus / "dicomdir" / "archibald-and-peter"
    archive = FolderArchive(folder, tmp_path / "index")
    report = archive.refresh()
    variants = {path.name for path in folder.glob("DICOMDIR*")}

    assert 7 == len(variants)
    assert variants == {file.path for file in archive.listed(FileStatus.DICOMDIR)}
    assert report.complete


def test_file_in_the_wrong_place_keeps_its_data(archive: FolderArchive, manifest: Rows) -> None:
    """W28: the UID of the data set counts, not that of the file meta."""
    path = "malformed/made/meta-sop-uid-differs.dcm"
    (file,) = archive.files([reference(manifest[path])])

    assert manifest[path]["sop_uid"] == text(file.dataset(), "SOPInstanceUID")
