"""A de-identifier from the field, dicognito, between the archive and the storage."""

from __future__ import annotations

import csv
import io
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from dicognito.anonymizer import Anonymizer
from pydicom import dcmread
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Query,
    QueryLevels,
    Receipt,
    text,
    texts,
    walk,
)
from gurney.folder import FolderArchive
from gurney.storage import FolderStorage, TransformingStorage, verify
from gurney.trolley import Trolley

# It builds dates and patients of damaged values, too
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@attrs.frozen
class Deidentifier:
    """Makes the same of the same, wherever it runs: all that it does follows from the seed."""

    seed: str

    def __call__(self, dataset: Dataset) -> Dataset | None:
        if text(dataset, "BurnedInAnnotation") == "YES":
            return None
        anonymizer: Any = Anonymizer(seed=self.seed)  # its hints name bare pydicom
        anonymizer.anonymize(dataset)
        return dataset


def withhold_segmentations(dataset: Dataset) -> Dataset | None:
    return None if text(dataset, "Modality") == "SEG" else dataset


def storage_in(folder: Path, seed: str = "secret") -> TransformingStorage:
    return TransformingStorage(FolderStorage(folder, durable=False), Deidentifier(seed))


def fetch(source: Path, storage: TransformingStorage, tmp_path: Path) -> Receipt:
    """Fetch all that is in the folder *source*."""
    archive = FolderArchive(source, index=tmp_path / "index.sqlite")
    studies = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
    return Trolley(archive, archive, storage).download(studies)


def instances_below(source: Path) -> dict[InstanceReference, Dataset]:
    """Return the data sets of all files, as they were, by their names."""
    found: dict[InstanceReference, Dataset] = {}
    for path in sorted(source.rglob("*")):
        if path.is_file():
            walked = walk([path.read_bytes()])
            reference = InstanceReference(walked.study_uid, walked.series_uid, walked.instance_uid)
            found[reference] = dcmread(path, force=True)
    return found


@pytest.fixture
def ct_and_seg(corpus: Path) -> Path:
    return corpus / "studies" / "ct-seg-janct"


def test_receipt_names_both(ct_and_seg: Path, tmp_path: Path) -> None:
    """Of each instance the old and the new UIDs, in JSON and CSV, and the files are the proof."""
    out = tmp_path / "out"
    receipt = fetch(ct_and_seg, storage_in(out), tmp_path)
    rows = list(csv.DictReader(io.StringIO(receipt.to_csv())))
    originals = instances_below(ct_and_seg)

    assert receipt.complete
    assert set(originals) == {outcome.reference for outcome in receipt.outcomes}
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert [str(outcome.stored_as) for outcome in receipt.outcomes] == [
        row["stored_as"] for row in rows
    ]
    found = verify(out, receipt)
    assert found.ok
    assert (len(originals), len(originals)) == (found.whole, found.checksums)
    for outcome in receipt.outcomes:
        assert outcome.stored_as is not None
        assert outcome.reference is not None
        assert set(outcome.stored_as.uids).isdisjoint(outcome.reference.uids)
        stored = dcmread(out / outcome.path)
        assert outcome.stored_as.uids == (
            stored.StudyInstanceUID,
            stored.SeriesInstanceUID,
            stored.SOPInstanceUID,
        )


def test_study_stays_one_study(ct_and_seg: Path, tmp_path: Path) -> None:
    """What was together is together, and what pointed at an instance points at it still."""
    out = tmp_path / "out"
    receipt = fetch(ct_and_seg, storage_in(out), tmp_path)
    originals = instances_below(ct_and_seg)
    renamed = {
        old: new
        for outcome in receipt.outcomes
        if outcome.reference and outcome.stored_as
        for old, new in zip(outcome.reference.uids, outcome.stored_as.uids, strict=True)
    }
    pointed = 0
    for outcome in receipt.outcomes:
        assert isinstance(outcome.reference, InstanceReference)
        before = list(pointers(originals[outcome.reference]))
        after = list(pointers(dcmread(out / outcome.path)))
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            assert old != new
            if old in renamed:
                pointed += 1
                assert renamed[old] == new

    assert 10 < pointed
    assert len({o.study_uid for o in originals}) == len(set(receipt_studies(receipt)))
    assert len(renamed) == len(set(renamed.values()))


def receipt_studies(receipt: Receipt) -> Iterator[str]:
    return (outcome.stored_as.study_uid for outcome in receipt.outcomes if outcome.stored_as)


def pointers(dataset: Dataset) -> Iterator[str]:
    """Yield what points at other instances, however deep."""
    for element in dataset.iterall():
        if element.keyword == "ReferencedSOPInstanceUID":
            yield str(element.value)


def test_same_again_is_there_already(ct_and_seg: Path, tmp_path: Path) -> None:
    """The same seed, in a storage that has travelled, gives the same; another does not."""
    out = tmp_path / "out"
    first = fetch(ct_and_seg, storage_in(out), tmp_path)
    again = fetch(ct_and_seg, pickle.loads(pickle.dumps(storage_in(out))), tmp_path)
    other = fetch(ct_and_seg, storage_in(tmp_path / "other", "another"), tmp_path)

    assert {OutcomeStatus.ALREADY_THERE} == {outcome.status for outcome in again.outcomes}
    assert {o.reference: (o.stored_as, o.checksum) for o in first.outcomes} == {
        o.reference: (o.stored_as, o.checksum) for o in again.outcomes
    }
    assert set(receipt_studies(first)).isdisjoint(receipt_studies(other))


def test_what_is_withheld_is_good(ct_and_seg: Path, tmp_path: Path) -> None:
    """The receipt is complete, says what was withheld, and the folder is verified without it."""
    out = tmp_path / "out"
    storage = TransformingStorage(FolderStorage(out, durable=False), withhold_segmentations)
    receipt = fetch(ct_and_seg, storage, tmp_path)
    withheld = [o for o in receipt.outcomes if o.status is OutcomeStatus.WITHHELD]

    assert receipt.complete
    assert 0 < len(withheld) < len(receipt.outcomes)
    assert len(receipt.outcomes) == receipt.studies[0].received
    assert receipt.verified_bytes == sum(p.stat().st_size for p in FolderStorage(out).files())
    assert verify(out, receipt).ok


def test_whole_corpus(corpus: Path, tmp_path: Path) -> None:
    """Each file, odd or damaged, is renamed with its pixels untouched, or fails for a reason."""
    out = tmp_path / "out"
    storage, counts = storage_in(out), Counter[OutcomeStatus]()
    for path in chosen(corpus):
        content = path.read_bytes()
        outcome = storage.store(DICOMFile(iter([content])))
        counts[outcome.status] += 1
        if outcome.status is OutcomeStatus.STORED:
            check(outcome, content, out / outcome.path)
        else:
            assert outcome.reason or outcome.status is OutcomeStatus.ALREADY_THERE

    assert counts[OutcomeStatus.STORED] >= 250
    assert verify(out).ok


def chosen(corpus: Path) -> Iterator[Path]:
    """Yield all but the many slices of one series, of which a few will do."""
    folders: Counter[Path] = Counter()
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        folders[path.parent] += 1
        if folders[path.parent] <= 4 or "studies" not in path.parts:
            yield path


def check(outcome: Outcome, content: bytes, path: Path) -> None:
    """Compare what came with what is there."""
    before, after = dcmread(io.BytesIO(content), force=True), dcmread(path)
    walked = walk([path.read_bytes()])

    assert outcome.stored_as is not None
    assert outcome.stored_as.instance_uid == walked.meta_instance_uid == walked.instance_uid
    assert walked.sop_class_uid == walked.meta_class_uid
    assert set(walked.oddities) <= set(outcome.notes)
    if outcome.transfer_syntax:
        assert outcome.transfer_syntax == after.file_meta.TransferSyntaxUID
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        assert (keyword in before) is (keyword in after)
        if keyword in before:
            value = before[keyword].value
            assert value + b"\0" * (len(value) % 2) == after[keyword].value
    for keyword in ("Rows", "Columns", "BitsAllocated", "Modality"):
        assert texts(before, keyword) == texts(after, keyword)
    if text(before, "PatientName"):
        assert text(before, "PatientName") != text(after, "PatientName")
