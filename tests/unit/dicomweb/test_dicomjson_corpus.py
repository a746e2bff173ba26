"""Real data sets, written as DICOM JSON by pydicom and read by us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.tag import BaseTag

from gurney.dicomweb.dicomjson import left_out, parse

FOLDERS = ["charsets", "single", "tree-hazards"]
CHARACTER_SET = BaseTag(0x00080005)


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_data_sets_come_back(corpus: Path, folder: str) -> None:
    """Every element has the value that pydicom read from the file, and nothing is left out."""
    compared = 0
    for written, dataset in readable(corpus / folder):
        (item,) = parse(written)
        found = item.dataset()
        compared += 1

        assert [] == list(differences(dataset, found))
        assert {} == left_out(found)
    assert compared > 0


def readable(folder: Path) -> Iterator[tuple[bytes, Dataset]]:
    """Yield each data set of *folder* that pydicom can write, with its JSON."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            dataset = dcmread(path, stop_before_pixels=True)
            written = json.dumps([dataset.to_json_dict()]).encode()
        except Exception:  # noqa: BLE001  pydicom's business
            continue
        yield written, dataset


def differences(one: Dataset, other: Dataset) -> Iterator[BaseTag]:
    """Yield the tags of elements that differ, in items of sequences too."""
    for tag in sorted({*one.keys(), *other.keys()} - {CHARACTER_SET}):
        if tag not in one or tag not in other:
            yield tag
        elif one[tag].VR == "SQ" == other[tag].VR:
            if len(one[tag].value) != len(other[tag].value):
                yield tag
            for mine, theirs in zip(one[tag].value, other[tag].value, strict=False):
                yield from differences(mine, theirs)
        elif one[tag] != other[tag] and not (one[tag].is_empty and other[tag].is_empty):
            yield tag
