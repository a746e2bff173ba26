"""An archive in memory, beyond what the conformance kit asks of every archive."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.core import (
    CHUNK_SIZE,
    Completeness,
    DICOMObjectLevels,
    DownloadError,
    DuplicateUIDError,
    ExtendedQuery,
    InvalidUIDError,
    OutcomeStatus,
    Query,
    QueryLevels,
    encode,
    put,
    subset,
    text,
    to_references,
    walk,
)
from gurney.testing import MemoryArchive, MemoryStorage, example_datasets, reference_of

DATASETS = example_datasets()
INSTANCES = [reference_of(dataset) for dataset in DATASETS]
KEYS = """
    StudyInstanceUID SeriesInstanceUID PatientID PatientName PatientSex PatientBirthDate
    AccessionNumber StudyDescription
""".split()


def changed(dataset: Dataset, **values: str) -> Dataset:
    """Return a copy of *dataset* with other values."""
    copy = subset(dataset, lambda _: True)
    copy.file_meta = dataset.file_meta
    for keyword, value in values.items():
        put(copy, keyword, [value])
    return copy


def test_examples_are_whole_and_always_the_same() -> None:
    """The example data are DICOM without oddities, byte for byte the same at each call."""
    first, second = (
        [encode(dataset) for dataset in datasets] for datasets in (DATASETS, example_datasets())
    )

    assert first == second
    assert [("", ())] * 8 == [(walk([c]).fault, walk([c]).oddities) for c in first]


def test_archive_grows() -> None:
    """An instance that is added is found from then on, and so is what it makes of its study."""
    archive = MemoryArchive()
    counts: list[object] = []
    for dataset in DATASETS[:2]:
        archive.add(dataset)
        (study,) = archive.find_studies(Query())
        counts.append(study.data.NumberOfStudyRelatedInstances)

    assert [1, 2] == counts


def test_instance_is_added_once() -> None:
    """Two data sets with the same UIDs are a mistake in the test that makes them."""
    with pytest.raises(DuplicateUIDError):
        MemoryArchive([DATASETS[0], DATASETS[0]])


def test_instance_without_a_name_is_refused() -> None:
    """What has no UIDs cannot be found."""
    with pytest.raises(InvalidUIDError):
        MemoryArchive([Dataset()])


def test_data_sets_are_left_alone() -> None:
    """Neither a search nor a download changes what the archive was given."""
    before = [encode(dataset) for dataset in example_datasets()]
    datasets = example_datasets()
    archive = MemoryArchive(datasets)
    for study in archive.find_studies(Query(query_level=QueryLevels.INSTANCE)):
        study.data.PatientName = "Changed"
        study.series[0].data.Modality = "XX"
    list(archive.datasets(INSTANCES))

    assert before == [encode(dataset) for dataset in datasets]


@pytest.mark.parametrize(
    ("cap", "completeness"), [(3, Completeness.CAPPED), (4, Completeness.COMPLETE)]
)
def test_cap_is_told_when_it_cuts(cap: int, completeness: Completeness) -> None:
    """A result is capped if there is more, not if there happens to be as much as allowed."""
    found = MemoryArchive(DATASETS, cap=cap).find_studies(Query())

    assert (cap, completeness) == (len(found), found.completeness)


def test_absent_attribute_does_not_match() -> None:
    """What an instance does not say is no match, unless anything is."""
    archive = MemoryArchive(DATASETS)

    assert 0 == len(archive.find_studies(ExtendedQuery(InstitutionName="A*")))
    assert 4 == len(archive.find_studies(ExtendedQuery(InstitutionName="*")))


def test_study_matches_if_one_instance_does() -> None:
    """Two patients in one study are real: each finds it; and the result says so."""
    other = changed(DATASETS[1], PatientID="EX-9", PatientName="Roe^Richard")
    archive = MemoryArchive([DATASETS[0], other])
    everything = Query(query_level=QueryLevels.INSTANCE)

    assert 1 == len(archive.find_studies(Query(PatientID="EX-9")))
    assert 1 == len(archive.find_studies(Query(PatientID="EX-1")))
    assert 0 == len(archive.find_studies(Query(PatientID="EX-9", PatientName="Mueller*")))
    assert ("study 2.25.4001 holds more than one PatientID",) == (
        archive.find_studies(everything).notes
    )


def test_counts_are_of_whole_studies() -> None:
    """A study of which only one series was asked for says how large all of it is."""
    archive = MemoryArchive(DATASETS)
    query = Query(SeriesInstanceUID="2.25.400202", query_level=QueryLevels.INSTANCE)
    (study,) = archive.find_studies(query)
    data, (series,) = study.data, study.series

    assert (2, 3) == (data.NumberOfStudyRelatedSeries, data.NumberOfStudyRelatedInstances)
    assert 1 == series.data.NumberOfSeriesRelatedInstances == len(series.instances)


def test_failing_instance_comes_in_part() -> None:
    """What is made to fail does so half-way, and only that."""
    archive = MemoryArchive(DATASETS, failing=[INSTANCES[0].instance_uid])
    first, second = archive.files(INSTANCES[:2])
    came = bytearray()
    with pytest.raises(DownloadError, match="told to fail"):  # noqa: PT012  in the middle
        for chunk in first.chunks:
            came += chunk

    assert encode(DATASETS[0]).startswith(came)
    assert encode(DATASETS[1]) == second.read()
    assert OutcomeStatus.FAILED is MemoryStorage().store(next(archive.files(INSTANCES))).status


def test_large_instances_come_in_chunks() -> None:
    """No chunk is larger than those that a file is read in."""
    large = changed(DATASETS[0])
    large.add_new("PixelData", "OB", bytes(2 * CHUNK_SIZE))
    (file,) = MemoryArchive([large]).files([INSTANCES[0]])
    sizes = [len(chunk) for chunk in file.chunks]

    assert CHUNK_SIZE == max(sizes)
    assert len(encode(large)) == sum(sizes)


@given(st.sampled_from(DATASETS), st.sets(st.sampled_from(KEYS)))
def test_values_of_an_instance_find_its_study(chosen: Dataset, keys: set[str]) -> None:
    """Whatever is asked with the values of an instance finds all studies with these values."""
    query = ExtendedQuery.from_mapping({key: text(chosen, key) for key in keys})
    found = MemoryArchive(DATASETS).find_studies(query)
    alike = [d for d in DATASETS if all(text(d, key) == text(chosen, key) for key in keys)]

    assert {text(d, "StudyInstanceUID") for d in alike} == {study.uid for study in found}


def test_levels_agree() -> None:
    """Deeper searches find the same studies, and more of each."""
    archive = MemoryArchive(DATASETS)
    by_level = {
        level: to_references(
            archive.find_studies(Query(query_level=QueryLevels.from_object_level(level))), level
        )
        for level in DICOMObjectLevels
    }

    assert [4, 5, 8] == [len(by_level[level]) for level in sorted(by_level, reverse=True)]
    assert tuple(INSTANCES) == by_level[DICOMObjectLevels.INSTANCE]


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import gurney.testing.plugin", {"pydicom", "hypothesis", "gurney.core"}),
        ("from gurney.testing import MemoryArchive", {"pytest", "hypothesis"}),
        ("from gurney.testing import conformance_datasets", {"pytest", "hypothesis"}),
        ("from gurney.testing import SearcherConformance", {"hypothesis"}),
    ],
)
def test_nothing_is_imported_before_its_time(statement: str, absent: set[str]) -> None:
    """pytest starts without pydicom, and an archive in memory does without pytest."""
    script = f"import sys; {statement}; print(*({absent!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "" == done.stdout.strip()


def test_asserts_of_the_kit_are_readable(pytester: pytest.Pytester) -> None:
    """A failure shows the two sides of the assert, as in a test of one's own."""
    pytester.makepyfile(
        """
        import pytest
        from gurney.testing import MemoryArchive, SearcherConformance

        class TestEmpty(SearcherConformance):
            @pytest.fixture
            def searcher(self):
                return MemoryArchive()
        """
    )
    result = pytester.runpytest_subprocess(
        "-p", "no:gurney", "-p", "gurney.testing.plugin", "-k", "result_is_a_sequence"
    )

    result.stdout.fnmatch_lines(["*assert 5 == 0*"])
