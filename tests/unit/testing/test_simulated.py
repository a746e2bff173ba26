"""An archive that makes up its answers gives those of one that holds the same files."""

from __future__ import annotations

import pickle
import tracemalloc
from functools import cache
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import (
    DICOMObjectLevels,
    DICOMObjectReference,
    DownloadError,
    InstanceReference,
    Query,
    QueryLevels,
    SeriesReference,
    Study,
    StudyReference,
    UnsupportedParameterError,
    parse_reference,
    text,
    to_references,
    walk,
)
from gurney.testing import MemoryArchive, SimulatedArchive, reference_of

SMALL = SimulatedArchive(studies=8, instances=5, series=2, seed=3)
HUGE = SimulatedArchive(studies=10**9 - 1, instances=10**6, series=10**4)
UNKNOWN = SimulatedArchive(studies=9, instances=5, series=2, seed=3).study(8).study_uid
INSTANCE = DICOMObjectLevels.INSTANCE
OF_STUDY = """
    StudyInstanceUID StudyDate AccessionNumber PatientID ModalitiesInStudy
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
""".split()
OF_SERIES = ["Modality", "SeriesNumber", "NumberOfSeriesRelatedInstances"]


@cache
def tree() -> tuple[Study, ...]:
    """Everything in `SMALL`."""
    return SMALL.find_studies(Query(query_level=QueryLevels.INSTANCE)).studies


@cache
def held() -> MemoryArchive:
    """Return an archive that really holds what `SMALL` makes up."""
    return MemoryArchive(file.dataset() for file in SMALL.files(map(SMALL.study, range(8))))


def queries() -> st.SearchStrategy[Query]:
    """Make queries by any of the keys, of what is there and of what is not."""
    studies = [*(SMALL.study(n).study_uid for n in range(8)), UNKNOWN, "2.25.7"]
    series = [ref.series_uid for ref in to_references(tree(), DICOMObjectLevels.SERIES)]
    days = st.sampled_from([SMALL.study_date(n) for n in range(8)])
    optional = {
        "StudyInstanceUID": st.lists(st.sampled_from(studies), min_size=1, max_size=4),
        "SeriesInstanceUID": st.lists(st.sampled_from([*series, UNKNOWN]), min_size=1, max_size=4),
        "AccessionNumber": st.integers(0, 7).map(SMALL.accession_number) | st.just("SIM9"),
        "PatientID": st.integers(0, 7).map(SMALL.patient_id) | st.just("EX-1"),
        "ModalitiesInStudy": st.lists(st.sampled_from(["CT", "MR", "OT"]), min_size=1),
        "min_study_date": days,
        "query_level": st.sampled_from(QueryLevels),
    }
    return st.fixed_dictionaries({}, optional=optional).map(Query.from_mapping)


@given(queries())
def test_finds_what_is_there(query: Query) -> None:
    """The answer to any query is that of an archive which holds the files, in the same order."""
    level = DICOMObjectLevels.from_query_level(query.query_level)
    found, expected = SMALL.find_studies(query), held().find_studies(query)

    assert found.complete
    assert to_references(expected, level) == to_references(found, level)
    assert [said(study) for study in expected] == [said(study) for study in found]


def said(study: Study) -> list[list[str]]:
    of_study = [text(study.data, word) for word in OF_STUDY]
    return [of_study, *([text(one.data, word) for word in OF_SERIES] for one in study.series)]


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        (Query(PatientName="x"), "PatientName"),
        (Query(AccessionNumber="SIM*"), "AccessionNumber"),
        (Query(PatientID="SIM00000000?"), "PatientID"),
        (Query(include_fields=["StudyTime"]), "include_fields"),
    ],
)
def test_refuses_what_it_would_ignore(query: Query, refused: str) -> None:
    """A key that it does not know is named, as every searcher does."""
    with pytest.raises(UnsupportedParameterError) as caught:
        SMALL.find_studies(query)

    assert refused == caught.value.parameter


@given(st.data())
def test_gives_what_is_asked_for_once(data: st.DataObject) -> None:
    """References and trees of any level, overlapping, bring each instance once, as it is named."""
    levels = [to_references(tree(), level) for level in DICOMObjectLevels]
    known = [ref for refs in levels for ref in refs] + list(tree())
    asked = data.draw(st.lists(st.sampled_from(known), max_size=6))
    uids = [obj.reference().uids for obj in asked]
    expected = [
        ref
        for ref in to_references(tree(), INSTANCE)
        if any(ref.uids[: len(above)] == above for above in uids)
    ]
    came = [(file.reference, reference_of(file.dataset())) for file in SMALL.files(asked)]

    assert sorted(expected) == sorted(found for _, found in came)
    assert all(called == found for called, found in came)


@given(st.integers(0, HUGE.studies - 1), st.integers(0, 2**16 - 1), st.integers(4, 9))
def test_files_are_whole(study: int, seed: int, rows: int) -> None:
    """Whatever the settings, files are DICOM without oddities; numbers and dates are in range."""
    archive = SimulatedArchive(studies=HUGE.studies, seed=seed, rows=rows)
    for file in islice(archive.files([archive.study(study)]), 0, 100, 33):
        walked = walk([file.read()])

        assert ("", ()) == (walked.fault, walked.oddities)
        assert file.reference is not None
        assert file.reference.uids == (walked.study_uid, walked.series_uid, walked.instance_uid)
        assert all(len(uid) == 44 for uid in file.reference.uids)


def test_instances_differ() -> None:
    """No two files are the same, nor those of two seeds."""
    archives = [SMALL, SimulatedArchive(studies=8, instances=5, series=2, seed=4)]
    files = [
        file.read() for archive in archives for file in archive.files(map(archive.study, range(8)))
    ]

    assert 2 * 8 * 5 == len(set(files))


def strangers() -> list[DICOMObjectReference]:
    first, second = tree()[0], tree()[1]
    other = SimulatedArchive(studies=8, instances=5, series=2, seed=4)
    return [
        StudyReference(UNKNOWN),
        other.study(0),
        StudyReference("2.25.1" + "9" * 38),
        SeriesReference(first.uid, second.series[0].uid),
        SeriesReference(first.uid, first.series[0].instances[0].uid),
        InstanceReference(first.uid, first.series[0].uid, first.series[1].instances[0].uid),
        InstanceReference(first.uid, first.series[0].uid, first.uid),
    ]


@pytest.mark.parametrize("stranger", strangers(), ids=range(7))
def test_unknown_is_a_file_that_fails(stranger: DICOMObjectReference) -> None:
    """What it does not hold fails when it is read, and is named; the next one comes."""
    known = to_references(tree(), INSTANCE)[0]
    bad, good = SMALL.files([stranger, known])
    with pytest.raises(DownloadError) as caught:
        bad.read()

    assert str(stranger) == caught.value.subject
    assert known == reference_of(good.dataset())


def test_answers_do_not_change() -> None:
    """UIDs are those of the seed, today and in years: ledgers may be kept."""
    expected = "2.25.107851458575794019861567365557645044076"

    assert StudyReference(expected) == SimulatedArchive().study(4711)


def test_travels_as_its_settings() -> None:
    """It pickles small, and gives the same bytes on the other side."""
    pickled = pickle.dumps(SMALL)
    copy = pickle.loads(pickled)
    wanted = [parse_reference(str(ref)) for ref in to_references(tree(), INSTANCE)]

    assert copy == SMALL
    assert 500 > len(pickled)
    assert [f.read() for f in SMALL.files(wanted)] == [f.read() for f in copy.files(wanted)]


def test_takes_no_room() -> None:
    """Memory does not grow with what is downloaded: a series of a million is a stream."""
    archive = SimulatedArchive(studies=1, instances=10**6, series=1)
    study = archive.study(0)
    sum(1 for _ in islice(archive.files([study]), 10))
    tracemalloc.start()
    try:
        count = sum(1 for _ in islice(archive.files([study]), 20_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 20_000 == count
    assert 100_000 > peak
