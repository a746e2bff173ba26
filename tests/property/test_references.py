"""Laws of references: text, pickle and order."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gurney.core import (
    DICOMObject,
    DICOMObjectReference,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    SeriesReference,
    Study,
    StudyReference,
    check_uid,
    is_uid,
    parse_reference,
)
from gurney.testing.strategies import odd_uids, references, studies, uids

KINDS = (StudyReference, SeriesReference, InstanceReference)
ODD = st.one_of(
    st.builds(StudyReference, odd_uids()),
    st.builds(SeriesReference, odd_uids(), odd_uids()),
    st.builds(InstanceReference, odd_uids(), odd_uids(), odd_uids()),
)


@given(references() | ODD)
def test_text_round_trip(reference: DICOMObjectReference) -> None:
    """What prints, parses."""
    assert reference == parse_reference(str(reference))


@given(references() | ODD)
def test_pickle_round_trip(reference: DICOMObjectReference) -> None:
    """What leaves, arrives."""
    assert reference == pickle.loads(pickle.dumps(reference))


@given(st.text())
@example("1.2/1.2.3/1.2.3.4")
@example("1..2")
def test_any_text_parses_or_is_refused(text: str) -> None:
    """There is no third way, and what parses prints as it was, but for white space around it."""
    try:
        reference = parse_reference(text)
    except InvalidInputError:
        return

    assert text.strip() == str(reference)


@given(st.text())
def test_checking_and_asking_agree(text: str) -> None:
    """`check_uid` raises if and only if `is_uid` says no."""
    if is_uid(text):
        assert text == check_uid(text)
    else:
        with pytest.raises(InvalidUIDError):
            check_uid(text)


@given(uids() | odd_uids())
def test_what_archives_hold_is_a_uid(uid: str) -> None:
    """Odd ones too."""
    assert is_uid(uid)


@given(st.lists(references()))
def test_order_is_total_and_that_of_the_uids(refs: list[DICOMObjectReference]) -> None:
    """Sorting is the same from whatever order, and equal means equal."""
    ordered = sorted(refs)

    assert sorted(ref.uids for ref in refs) == [ref.uids for ref in ordered]
    for one in refs:
        for other in refs:
            assert 1 == (one < other) + (one == other) + (one > other)
            assert (one <= other) is (one < other or one == other)
            assert (one >= other) is (other <= one)


@given(studies())
def test_order_is_that_of_the_tree(study: Study) -> None:
    """Parents come before their children, and children stay together."""
    parts: list[DICOMObject] = [study, *study.all_series(), *study.all_instances()]
    ordered = sorted(part.reference() for part in parts)

    assert study.reference() == ordered[0]
    groups = [ref.uids[:2] for ref in ordered[1:]]
    assert sorted(groups) == groups


@given(uids(), uids(), uids())
def test_kinds_are_never_equal(study: str, series: str, instance: str) -> None:
    """Not even with one UID for all."""
    for one, other in ((study, series), (study, study)):
        made = [
            StudyReference(one),
            SeriesReference(one, other),
            InstanceReference(one, other, instance),
        ]

        assert 3 == len(set(made))
