"""The whole corpus of real files goes in, the broken and the oddly named ones too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gurney.core import CHUNK_SIZE, DICOMFile, InstanceReference, OutcomeStatus, is_uid, walk
from gurney.storage import DEFAULT_LAYOUT, FLAT, FolderStorage, Layout, verify

BY_VALUES = Layout(
    "{PatientID}/{StudyDate}_{StudyDescription}/{SeriesNumber:04d}_{SliceThickness:.1f}/"
    "{InstanceNumber:05d}.dcm"
)


@pytest.mark.parametrize("layout", [DEFAULT_LAYOUT, FLAT, BY_VALUES], ids=str)
def test_everything_that_is_whole_is_kept(corpus: Path, tmp_path: Path, layout: Layout) -> None:
    """Each file is stored, here already, kept aside, or failed for a reason; no byte is lost."""
    storage = FolderStorage(tmp_path / "out", layout, durable=False)
    counts: Counter[OutcomeStatus] = Counter()
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        data = path.read_bytes()
        pieces = (data[at : at + CHUNK_SIZE] for at in range(0, len(data), CHUNK_SIZE))
        outcome = storage.store(DICOMFile(pieces))
        counts[outcome.status] += 1
        walked = walk([data])

        if outcome.status in (OutcomeStatus.STORED, OutcomeStatus.REFUSED):
            assert data == (storage.root / outcome.path).read_bytes()
        uids = (walked.study_uid, walked.series_uid, walked.instance_uid)
        if walked.whole and all(map(is_uid, uids)):
            assert InstanceReference(*uids) == outcome.reference
            assert OutcomeStatus.FAILED is not outcome.status
        else:
            assert (OutcomeStatus.FAILED, "") == (outcome.status, outcome.path)
    found = verify(storage.root)

    assert found.ok
    assert counts[OutcomeStatus.STORED] == found.whole == len(list(storage.files()))
    assert counts[OutcomeStatus.STORED] >= 647
    assert ((), ()) == (found.unfinished, found.others)
    assert [storage.root] == list(tmp_path.iterdir())
