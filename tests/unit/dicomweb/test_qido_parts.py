"""The pure parts of QIDO-RS: addresses."""

from __future__ import annotations

import pytest

from gurney.core import DICOMObjectLevels
from gurney.dicomweb.qido.addresses import path_of, query_of
from gurney.searching import Question

_, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DOE*", "DOE*"),
        ("D?E", "D?E"),
        ("a/b:c", "a/b:c"),
        ("DOE^JOHN", "DOE%5EJOHN"),
        ("a b", "a%20b"),
        ("a,b", "a%2Cb"),
        ("a&b=c#d%e;f+g", "a%26b%3Dc%23d%25e%3Bf%2Bg"),
        ("山田", "%E5%B1%B1%E7%94%B0"),
    ],
)
def test_values_are_percent_encoded(value: str, expected: str) -> None:
    """UTF-8; what a URL may hold stays as it is, as some archives decode nothing (Q32)."""
    assert f"PatientID={expected}" == query_of({"PatientID": value}, [])


def test_several_values_are_a_list() -> None:
    """Values are separated by commas, which are not escaped."""
    assert "StudyInstanceUID=1.2,1.3" == query_of({"StudyInstanceUID": "1.2\\1.3"}, [])


def test_fields_are_named_one_by_one() -> None:
    """Fields repeat the parameter, which all archives take."""
    asked = query_of({}, ["Modality", "SeriesNumber"])

    assert "includefield=Modality&includefield=SeriesNumber" == asked


def test_options_are_asked_for_only_if_wanted() -> None:
    """An archive may refuse what it does not know."""
    assert "StudyDate=%22%22&emptyvaluematching=true" == query_of({"StudyDate": '""'}, [])
    assert "fuzzymatching=true" == query_of({}, [], fuzzy=True)


def test_uids_in_paths_are_escaped() -> None:
    """Odd UIDs that real archives hold do not change the path."""
    assert "studies/1.2%C3%A9/series" == path_of(Question(SERIES, above=("1.2é",)))
    assert "studies/1.2/instances" == path_of(Question(INSTANCE, above=("1.2",)))
    assert "studies/1.2/series/1.3/instances" == path_of(Question(INSTANCE, above=("1.2", "1.3")))
