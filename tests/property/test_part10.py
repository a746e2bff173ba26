"""Laws of encoding: a round trip loses nothing, and what was cut is never taken for whole."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.core import DICOMFile, DownloadError, decode, encode
from gurney.testing.strategies import datasets


@given(datasets())
def test_encoding_round_trip(dataset: Dataset) -> None:
    """Every value comes back, and the data set is left as it was."""
    before = copy.deepcopy(dataset)
    content = encode(dataset)

    assert before == dataset
    assert before == decode(content, "x")
    assert content == encode(decode(content, "x"))


@given(datasets(), st.data())
def test_a_file_cut_anywhere_is_refused(dataset: Dataset, data: st.DataObject) -> None:
    """Unless the cut is between two elements, where nothing shows it: then no value is half."""
    content = encode(dataset)
    cut = data.draw(st.integers(0, len(content) - 1))

    try:
        found = decode(content[:cut], "x")
    except DownloadError:
        return
    assert [element for element in dataset if element.tag in found] == list(found)


@given(datasets(), st.lists(st.integers(1, 50), min_size=1))
def test_chunks_of_any_size_are_one_file(dataset: Dataset, sizes: list[int]) -> None:
    """How bytes arrive says nothing of what they are."""
    content = encode(dataset)
    chunks: list[bytes] = []
    while content:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(content[:size])
        content = content[size:]

    assert dataset == DICOMFile(iter(chunks)).dataset()


@given(datasets())
def test_last_byte_is_never_spare(dataset: Dataset) -> None:
    """The most common cut of all."""
    with pytest.raises(DownloadError):
        decode(encode(dataset)[:-1], "x")
