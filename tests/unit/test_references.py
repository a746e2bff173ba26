"""References: small, frozen, ordered addresses that print and parse."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest

from gurney.core import (
    DICOMObjectLevels,
    DICOMObjectReference,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    SeriesReference,
    StudyReference,
    parse_reference,
)

STUDY = StudyReference("1.2")
SERIES = SeriesReference("1.2", "1.2.3")
INSTANCE = InstanceReference("1.2", "1.2.3", "1.2.3.4")
ALL: list[DICOMObjectReference] = [STUDY, SERIES, INSTANCE]


@pytest.mark.parametrize(
    ("reference", "level", "text"),
    [
        (STUDY, DICOMObjectLevels.STUDY, "1.2"),
        (SERIES, DICOMObjectLevels.SERIES, "1.2/1.2.3"),
        (INSTANCE, DICOMObjectLevels.INSTANCE, "1.2/1.2.3/1.2.3.4"),
    ],
)
def test_reference_says_what_it_is(
    reference: DICOMObjectReference, level: DICOMObjectLevels, text: str
) -> None:
    """A reference knows its level, prints as a path, points to itself and holds nothing."""
    assert level is reference.level
    assert text == str(reference)
    assert reference is reference.reference()
    assert () == reference.children
    assert tuple(text.split("/")) == reference.uids


@pytest.mark.parametrize("reference", ALL, ids=str)
def test_reference_is_frozen(reference: DICOMObjectReference) -> None:
    """A reference can be a key: nothing about it changes."""
    for name in ("study_uid", "level", "children", "anything"):
        with pytest.raises(AttributeError):
            setattr(reference, name, "1.3")


@pytest.mark.parametrize("reference", ALL, ids=str)
def test_reference_is_small(reference: DICOMObjectReference) -> None:
    """No dictionary per reference, and a pickle not much longer than its UIDs."""
    assert not hasattr(reference, "__dict__")
    assert sys.getsizeof(reference) <= 72
    assert len(pickle.dumps(reference, 5)) < len(str(reference)) + 100


@pytest.mark.parametrize("reference", ALL, ids=str)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_reference_survives_pickling(reference: DICOMObjectReference, protocol: int) -> None:
    """References travel between processes."""
    other = pickle.loads(pickle.dumps(reference, protocol))

    assert reference == other
    assert hash(reference) == hash(other)
    assert type(reference) is type(other)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, attrs.evolve])
@pytest.mark.parametrize("reference", ALL, ids=str)
def test_copy_of_a_reference_is_equal(
    reference: DICOMObjectReference,
    copied: Callable[[DICOMObjectReference], DICOMObjectReference],
) -> None:
    """A reference has no identity but its UIDs."""
    assert reference == copied(reference)


def test_references_of_different_kinds_are_never_equal() -> None:
    """A study is not one of its series, even when an archive gives both the same UID."""
    same: list[object] = [
        StudyReference("1"),
        SeriesReference("1", "1"),
        InstanceReference("1", "1", "1"),
        "1",
        ("1",),
    ]

    assert 5 == len(set(same))
    assert same[0] != same[1]


def test_references_sort_as_the_tree_does() -> None:
    """A study, then each of its series followed by its instances, then the next study."""
    ordered: list[DICOMObjectReference] = [
        StudyReference("1"),
        SeriesReference("1", "1"),
        InstanceReference("1", "1", "1"),
        InstanceReference("1", "1", "2"),
        SeriesReference("1", "2"),
        StudyReference("2"),
    ]
    backwards = ordered[::-1]

    assert ordered == sorted(backwards)
    assert STUDY < SERIES < INSTANCE
    assert INSTANCE > SERIES > STUDY
    assert STUDY <= StudyReference("1.2") <= SERIES
    assert SERIES >= SeriesReference("1.2", "1.2.3") >= STUDY


def test_references_do_not_compare_with_other_things() -> None:
    """Sorting references among texts is a mistake, not an order."""
    things: list[Any] = [STUDY, "1.2"]

    with pytest.raises(TypeError):
        sorted(things)


@pytest.mark.parametrize(
    "make",
    [
        StudyReference,
        partial(SeriesReference, "1"),
        partial(SeriesReference, series_uid="1"),
        partial(InstanceReference, "1", "1"),
        partial(InstanceReference, "1", instance_uid="1"),
        partial(InstanceReference, series_uid="1", instance_uid="1"),
    ],
)
@pytest.mark.parametrize("uid", ["", "..", "1 2", "1/2", "1.2\n", None, 12])
def test_reference_with_a_dangerous_uid_cannot_be_made(
    make: Callable[[object], object], uid: object
) -> None:
    """An empty UID in a request makes some archives send everything they have (D09)."""
    with pytest.raises(InvalidUIDError):
        make(uid)


def test_reference_with_a_dangerous_uid_cannot_be_unpickled() -> None:
    """UIDs are checked on arrival too: a pickle may have been made by something else."""
    forged = pickle.dumps(StudyReference("1.2.3"), 2).replace(b"1.2.3", b"1/2.3")

    with pytest.raises(InvalidUIDError):
        pickle.loads(forged)


@pytest.mark.parametrize("reference", ALL, ids=str)
def test_reference_parses_as_it_prints(reference: DICOMObjectReference) -> None:
    """Lines of a file become references, with the white space around them."""
    assert reference == parse_reference(str(reference))
    assert reference == parse_reference(f"  {reference}\r\n")


@pytest.mark.parametrize("text", ["", " ", "/", "1.2/", "/1.2", "1.2//1.3", "1.2 / 1.3", "1.2/*"])
def test_text_with_a_bad_part_does_not_parse(text: str) -> None:
    """A part that is missing is an error, not a shorter reference."""
    with pytest.raises(InvalidUIDError):
        parse_reference(text)


def test_text_with_four_parts_does_not_parse() -> None:
    """A frame is not addressed."""
    with pytest.raises(InvalidInputError, match=r"at most three parts .* not 4"):
        parse_reference("1/2/3/4")


def test_repr_can_be_pasted_back() -> None:
    """What a traceback shows makes the reference again."""
    assert "SeriesReference(study_uid='1.2', series_uid='1.2.3')" == repr(SERIES)
