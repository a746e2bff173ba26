"""A search result: a sequence of studies that says whether it is everything."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    Completeness,
    HeldBack,
    InvalidInputError,
    SearchResult,
    Study,
    StudyReference,
    completeness_of,
)

A, B, C = Study("1"), Study("2"), Study("3")


def test_result_is_a_sequence_of_studies() -> None:
    """Whatever takes a list of studies takes a result."""
    result = SearchResult([A, B, C], Completeness.COMPLETE)

    assert isinstance(result, Sequence)
    assert 3 == len(result)
    assert [A, B, C] == list(result)
    assert [C, B, A] == list(reversed(result))
    assert C is result[-1]
    assert B in result
    assert Study("9") not in result
    assert 1 == result.index(B)
    assert 1 == result.count(C)
    with pytest.raises(IndexError):
        result[3]


def test_slice_of_a_result_is_a_tuple_of_studies() -> None:
    """A part cannot say that it is everything."""
    result = SearchResult([A, B, C], Completeness.COMPLETE)

    assert (A, B) == result[:2]
    assert (C, B, A) == result[::-1]
    assert Completeness.UNKNOWN is completeness_of(result[:2])


def test_empty_result_is_false() -> None:
    """As an empty list is."""
    assert not SearchResult([], Completeness.COMPLETE)


@pytest.mark.parametrize("completeness", [Completeness.CAPPED, Completeness.UNKNOWN])
def test_incomplete_result_needs_a_reason(completeness: Completeness) -> None:
    """Loudly incomplete, not just incomplete."""
    with pytest.raises(InvalidInputError, match=f"a {completeness.value} result with 0 reasons"):
        SearchResult([A], completeness)

    result = SearchResult([A], completeness, ["the archive stops at 1"])
    assert not result.complete


def test_complete_result_takes_no_reason() -> None:
    """A reason why it is not everything would contradict it."""
    with pytest.raises(InvalidInputError, match="a complete result with 1 reasons"):
        SearchResult([A], Completeness.COMPLETE, ["but"])

    assert SearchResult([A], Completeness.COMPLETE).complete


def test_one_reason_given_as_text_is_one_reason() -> None:
    """Text is an iterable of letters, and never meant so."""
    assert ("it stops",) == SearchResult([A], Completeness.CAPPED, "it stops").reasons


def test_repr_counts_studies_and_says_the_first_reason() -> None:
    """A line, however many studies; held back items, which may be anything, are not shown."""
    held = HeldBack("does not match PatientID", data=Dataset())
    result = SearchResult([A, B], Completeness.CAPPED, ["it stops at 2", "more"], [held])

    assert "SearchResult(2 studies, capped: it stops at 2)" == repr(result)
    assert "SearchResult(1 studies, complete)" == repr(SearchResult([A], Completeness.COMPLETE))


def test_result_survives_pickling() -> None:
    """A search may run in another process."""
    held = HeldBack("has no StudyInstanceUID", StudyReference("1"))
    result = SearchResult(iter([A]), Completeness.UNKNOWN, iter(["?"]), iter([held]), iter(["!"]))
    other = pickle.loads(pickle.dumps(result))

    assert result == other
    assert (("?",), (held,), ("!",)) == (other.reasons, other.held_back, other.notes)


def test_held_back_items_keep_their_data_out_of_sight() -> None:
    """The data of somebody else's patient is not printed."""
    data = Dataset()
    data.PatientName = "DOE^JANE"

    assert "DOE" not in repr(HeldBack("does not match PatientID", data=data))


def test_completeness_of_a_plain_list_is_unknown() -> None:
    """A list says nothing of what is not in it."""
    assert Completeness.UNKNOWN is completeness_of([A])
    assert Completeness.UNKNOWN is completeness_of(iter(()))
    assert Completeness.COMPLETE is completeness_of(SearchResult([], Completeness.COMPLETE))
    assert Completeness.CAPPED is completeness_of(SearchResult([], Completeness.CAPPED, ["x"]))


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), Completeness.COMPLETE),
        ((Completeness.COMPLETE,), Completeness.COMPLETE),
        ((Completeness.COMPLETE, Completeness.UNKNOWN), Completeness.UNKNOWN),
        ((Completeness.UNKNOWN, Completeness.CAPPED), Completeness.CAPPED),
        ((Completeness.CAPPED, Completeness.COMPLETE), Completeness.CAPPED),
    ],
)
def test_whole_is_as_complete_as_its_worst_part(
    parts: tuple[Completeness, ...], whole: Completeness
) -> None:
    """Known to be cut short is worse than not known to be whole."""
    assert whole is Completeness.of_all(parts)
    assert whole is Completeness.of_all(reversed(parts))
