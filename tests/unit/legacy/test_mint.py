"""What MINT is made of: questions as URLs, attributes, items, and what is remembered."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Mapping

import pytest
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gurney.core import (
    DICOMObjectLevels,
    InvalidInputError,
    NotFoundError,
    Query,
    QueryError,
    QueryLevels,
    UnsupportedParameterError,
)
from gurney.http import Retries, Transport
from gurney.legacy import Mint, MintQuery
from gurney.legacy.documents import DocumentReader
from gurney.legacy.mint.addresses import query_of
from gurney.legacy.mint.items import MintItem, said
from gurney.legacy.mint.reading import SearchResults
from gurney.manners import Pace
from gurney.searching import Question
from gurney.testing import example_datasets
from gurney.testing.legacy import LegacyServer

STUDY, SERIES = DICOMObjectLevels.STUDY, DICOMObjectLevels.SERIES


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ""),
        ({"PatientName": "DOE^J*"}, "PatientName=DOE%5EJ*&"),
        ({"PatientName": "Müller & Söhne"}, "PatientName=M%C3%BCller%20%26%20S%C3%B6hne&"),
        ({"StudyInstanceUID": "1.2\\1.3"}, "StudyInstanceUID=1.2,1.3&"),
        (
            {"StudyDate": "20240101-20240131"},
            "min_study_date=20240101&max_study_date=20240131&",
        ),
        ({"StudyDate": "20240101-"}, "min_study_date=20240101&max_study_date=99991231&"),
        ({"StudyDate": "-20240131"}, "min_study_date=00010101&max_study_date=20240131&"),
        ({"StudyDate": "20240131"}, "min_study_date=20240131&max_study_date=20240131&"),
        ({"StudyDate": "?*"}, "min_study_date=00010101&max_study_date=99991231&"),
    ],
)
def test_questions_as_urls(keys: Mapping[str, str], expected: str) -> None:
    """Percent-encoded; of dates there are both, or none."""
    assert f"{expected}QueryLevel=STUDY" == query_of(Question(STUDY, keys))


def test_fields_limit_and_what_is_above() -> None:
    """All in one URL."""
    question = Question(SERIES, {}, ("Modality", "SeriesNumber"), above=("1.2",))

    assert (
        "StudyInstanceUID=1.2&QueryLevel=SERIES&IncludeFields=Modality,SeriesNumber&limit=3"
        == query_of(question, limit=3)
    )
    assert "StudyInstanceUID=1.2&QueryLevel=SERIES" == query_of(question, fields=False)


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        ("00100020", "LO", " 7 ", ("LO", ("7",))),
        ("0010,0020", "LO", "7", ("LO", ("7",))),
        ("00080061", "CS", "CT\\MR", ("CS", ("CT", "MR"))),
        ("00100020", "", "7", ("LO", ("7",))),
        ("00100020", "LO", "", ("LO", ())),
        ("00102203", "LT", "a\\b", ("LT", ("a\\b",))),
        ("00102001", "??", "7", None),
        ("7FE00010", "OW", "AAAA", None),
        ("00081110", "SQ", "", None),
        ("PatientID", "LO", "7", None),
        ("", "", "", None),
        ("-0100020", "LO", "7", None),
    ],
)
def test_what_an_attribute_says(
    tag: str, vr: str, value: str, expected: tuple[str, tuple[str, ...]] | None
) -> None:
    """A tag of eight digits, a VR, and text; bytes and items are none."""
    found = said(tag, vr, value)

    assert expected == (None if found is None else tuple(found[1]))


def item() -> MintItem:
    """Return a series in a study."""
    study = [
        said("0020000D", "UI", "1.2"),
        said("00100020", "LO", "7"),
        said("00080060", "CS", "X"),
    ]
    series = [said("0020000E", "UI", "1.2.3"), said("00080060", "CS", "CT")]
    series.append(said("00200011", "IS", "odd"))
    return MintItem(*(dict(filter(None, level)) for level in (series, study)))


def test_an_item_says_what_is_above_it() -> None:
    """Its own word comes first."""
    assert "1.2" == item().text("StudyInstanceUID")
    assert "CT" == item().text("Modality")
    assert ("7",) == item().texts("PatientID")
    assert "" == item().text("PatientName")
    assert [None, ("CS", ("CT",))] == item().written(["00100010", "00080060"])


def test_an_item_as_a_data_set() -> None:
    """Text is Unicode; a number that is none stays text; nothing raises."""
    dataset = item().dataset()

    assert {"1.2", "1.2.3", "7", "CT", "odd", "ISO_IR 192"} == {
        str(element.value) for element in dataset
    }
    assert ["00080005", "00080060"] == [
        f"{tag:08X}" for tag in sorted(item().dataset(lambda tag: tag == 0x00080060).keys())
    ]


def test_a_part_of_an_item_is_made_later_and_travels() -> None:
    """Always the same data set; pickled and copied, a plain one."""
    later = item().part(lambda tag: tag == 0x0020000E)
    made = later()

    assert made is later()
    for other in (pickle.loads(pickle.dumps(later)), copy.deepcopy(made)):
        assert isinstance(other, Dataset)
        assert "1.2.3" == other[BaseTag(0x0020000E)].value


@pytest.mark.parametrize("limit", [0, -1, True, "3", 1.5])
def test_a_limit_is_a_number_of_studies(limit: object) -> None:
    """At least one."""
    with pytest.raises(QueryError, match="limit must be a whole number"):
        MintQuery(limit=limit)  # type: ignore[arg-type]  # that is what is refused


def test_a_query_of_another_kind_is_refused_by_name() -> None:
    """Nothing is silently ignored."""
    import attrs

    @attrs.frozen(kw_only=True)
    class Other(Query):
        offset: int = 0

    with pytest.raises(UnsupportedParameterError, match="offset"):
        Mint("http://localhost/mint").find_studies(Other(offset=3))


def test_limit_is_asked_for_and_said() -> None:
    """One more is asked for, to know whether there is more."""
    with LegacyServer(example_datasets()) as server:
        some = Mint(server.mint).find_studies(MintQuery(limit=2))
        all_of_it = Mint(server.mint).find_studies(MintQuery(limit=4))

    assert 2 == len(some)
    assert ("the query takes 2 studies at most, and there are more",) == some.reasons
    assert 4 == len(all_of_it)
    assert all_of_it.complete, all_of_it.reasons
    assert "3" == server.requests[0].parameter("limit")


def test_relational_asks_once_for_what_is_in_all_studies() -> None:
    """One answer with everything, in place of two for each study."""
    with LegacyServer(example_datasets()) as server:
        query = Query(query_level=QueryLevels.INSTANCE)
        one_by_one = Mint(server.mint).find_studies(query)
        before = len(server.requests)
        at_once = Mint(server.mint, relational=True).find_studies(query)

    assert one_by_one.studies == at_once.studies
    assert before > len(server.requests) - before


def test_not_found_is_an_error_unless_it_means_none() -> None:
    """By itself it means that the address is wrong."""
    with LegacyServer(example_datasets()) as server:
        address = f"{server.mint}/elsewhere"
        with pytest.raises(NotFoundError):
            Mint(address).find_studies(Query())
        found = Mint(address, missing_is_none=True).find_studies(Query(PatientID="7"))

    assert 0 == len(found)


def test_settings_are_checked() -> None:
    """Numbers, and what a transport has already."""
    with pytest.raises(InvalidInputError, match="parallel must be 1 or more"):
        Mint("http://localhost/mint", parallel=0)
    with pytest.raises(InvalidInputError, match="has its own pace"):
        Mint(Transport("http://localhost/mint", retries=Retries()), pace=Pace())


def test_pace_is_kept() -> None:
    """Each request is counted."""
    pace = Pace()
    with LegacyServer(example_datasets()) as server:
        Mint(server.mint, pace=pace).find_studies(Query(StudyInstanceUID="2.25.4001"))

    assert len(server.requests) == pace.requests


def test_what_is_below_the_level_is_not_kept() -> None:
    """Of a server that lists more than it was asked for; it costs no memory."""
    results = SearchResults(STUDY, "GET it")
    reader = DocumentReader(results, "GET it")
    reader.feed(b"<studySearchResults><study><attr tag='0020000D' val='1.2'/><series>")
    tracemalloc.start()
    try:
        for _ in range(20):
            reader.feed(b"<instance><attr tag='00080018' val='1.3'/></instance>" * 1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    reader.feed(b"<attr tag='0020000E' val='1.3'/></series></study></studySearchResults>")
    (item,) = results.items

    assert ("1.2", "") == (item.text("StudyInstanceUID"), item.text("SeriesInstanceUID"))
    assert 1 << 20 > peak
