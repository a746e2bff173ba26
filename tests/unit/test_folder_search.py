"""Searching a folder: every key at every level, what is returned, and what is said about it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from gurney.core import (
    Completeness,
    ExtendedQuery,
    Query,
    QueryLevels,
    SearchResult,
    Study,
    UnsupportedParameterError,
    encode,
    matches,
    put,
    text,
)
from gurney.core.query import DateLike
from gurney.folder import FolderArchive

STUDY, SERIES, INSTANCE = QueryLevels.STUDY, QueryLevels.SERIES, QueryLevels.INSTANCE

Save = Callable[..., Path]


def dicom(**values: str | int) -> bytes:
    """A small instance; `None` leaves an attribute out."""
    dataset = Dataset()
    usual = {"SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": SecondaryCaptureImageStorage}
    for keyword, value in {**usual, **values}.items():
        put(dataset, keyword, [value] if isinstance(value, int) else value.split("\\"))
    return encode(dataset)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save an instance as a file of the archive; UIDs are given as ``study/series/instance``."""

    def save(name: str, uids: str, **values: str | int) -> Path:
        keywords = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        path = tmp_path / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom(**dict(zip(keywords, uids.split("/"), strict=True)), **values))
        return path

    return save


@pytest.fixture
def archive(save: Save, tmp_path: Path) -> FolderArchive:
    """Two studies: a CT and an SR of one patient, an MR of another."""
    ct = {
        "PatientName": "Müller^Jürgen",
        "PatientID": "P1",
        "PatientSex": "M",
        "PatientBirthDate": "19600229",
        "AccessionNumber": "A1",
        "StudyDate": "20240115",
        "StudyTime": "0915",
        "StudyDescription": "Thorax",
        "InstitutionName": "General",
        "InstitutionalDepartmentName": "Radiology",
    }
    mr = {
        "PatientName": "Yamada^Tarou=山田^太郎",
        "PatientID": "P2",
        "PatientSex": "F",
        "PatientBirthDate": "19850704",
        "AccessionNumber": "A2",
        "StudyDate": "20240302",
        "StudyDescription": "Head",
        "InstitutionName": "City",
        "InstitutionalDepartmentName": "Neurology",
    }
    lung = {"Modality": "CT", "SeriesNumber": 10, "SeriesDescription": "Lung"}
    report = {"Modality": "SR", "SeriesNumber": 9, "SeriesDescription": "Report"}
    save("b", "1.1/1.1.1/1.1.1.2", InstanceNumber=2, Rows=4, **ct, **lung)
    save("a", "1.1/1.1.1/1.1.1.1", InstanceNumber=10, Rows=4, **ct, **lung)
    save("c", "1.1/1.1.2/1.1.2.1", **ct, **report)
    save("d", "1.2/1.2.1/1.2.1.1", Modality="MR", SeriesDescription="Brain", **mr)
    return FolderArchive(tmp_path / "archive", index=":memory:")


def uids(studies: SearchResult) -> list[str]:
    return [study.uid for study in studies]


def tree(study: Study) -> dict[str, list[str]]:
    return {s.uid: [instance.uid for instance in s.instances] for s in study.series}


# ---------------------------------------------------------------- keys

KEYS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["1.1", "1.2"]),
    ({"StudyInstanceUID": "1.2"}, ["1.2"]),
    ({"StudyInstanceUID": "1.2\\1.1\\1.9"}, ["1.1", "1.2"]),
    ({"StudyInstanceUID": "1.9"}, []),
    ({"SeriesInstanceUID": "1.1.2"}, ["1.1"]),
    ({"SeriesInstanceUID": "1.1.2\\1.2.1"}, ["1.1", "1.2"]),
    ({"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.1.2"}, []),
    ({"PatientName": "muller*"}, ["1.1"]),
    ({"PatientName": "山田*"}, ["1.2"]),
    ({"PatientName": "Müller^Jürgen"}, ["1.1"]),
    ({"PatientName": "Müller"}, []),
    ({"PatientID": "P?"}, ["1.1", "1.2"]),
    ({"PatientID": "p1"}, []),
    ({"AccessionNumber": "A2"}, ["1.2"]),
    ({"ModalitiesInStudy": "SR"}, ["1.1"]),
    ({"ModalitiesInStudy": "SR\\MR"}, ["1.1", "1.2"]),
    ({"ModalitiesInStudy": "US"}, []),
    ({"min_study_date": "20240201"}, ["1.2"]),
    ({"max_study_date": "20240201"}, ["1.1"]),
    ({"min_study_date": "20240115", "max_study_date": "20240302"}, ["1.1", "1.2"]),
    ({"InstitutionName": "Gen*"}, ["1.1"]),
    ({"InstitutionalDepartmentName": "Neurology"}, ["1.2"]),
    ({"PatientSex": "F"}, ["1.2"]),
    ({"StudyDescription": "T*x"}, ["1.1"]),
    ({"SeriesDescription": "Report"}, ["1.1"]),
    ({"SeriesDescription": "?r*"}, ["1.2"]),
    ({"PatientBirthDate": "19600101-19691231"}, ["1.1"]),
    ({"PatientID": "P1", "ModalitiesInStudy": "MR"}, []),
    ({"PatientID": "P1", "SeriesDescription": "Brain"}, []),
    ({"SeriesInstanceUID": "1.1.2", "SeriesDescription": "Lung"}, []),
]


@pytest.mark.parametrize("level", list(QueryLevels))
@pytest.mark.parametrize(("keys", "expected"), KEYS, ids=lambda item: str(item)[:60])
def test_every_key_finds_at_every_level(
    archive: FolderArchive, keys: dict[str, str], expected: list[str], level: QueryLevels
) -> None:
    """Which studies match does not depend on how deep they are filled."""
    found = archive.find_studies(ExtendedQuery.from_mapping({**keys, "query_level": level}))

    assert expected == uids(found)
    assert found.complete


def test_all_fields_of_the_query_are_in_the_table() -> None:
    """A key that is added to the query has to be added to this test."""
    tested = {keyword for keys, _ in KEYS for keyword in keys}
    known = set(attrs.fields_dict(ExtendedQuery)) - {"query_level", "include_fields"}

    assert known == tested


def test_keys_about_a_study_have_to_match_in_one_file(save: Save, archive: FolderArchive) -> None:
    """Of two patients in one study, the name of one and the ID of the other match nothing."""
    save("e", "1.2/1.2.1/1.2.1.2", PatientID="P3", PatientName="Doe")

    assert ["1.2"] == uids(archive.find_studies(Query(PatientName="Doe", PatientID="P3")))
    assert [] == uids(archive.find_studies(Query(PatientName="Doe", PatientID="P2")))


def test_what_is_returned_is_the_patient_that_was_found(save: Save, archive: FolderArchive) -> None:
    """Q33: of two patients in one study, the one that matches describes the study; it is noted."""
    save("e", "1.2/1.2.1/1.2.1.2", PatientID="P3")
    for patient in ("P2", "P3"):
        query = Query(PatientID=patient)
        found = archive.find_studies(query)

        assert patient == text(found[0].data, "PatientID")
        assert {"PatientID"} == set(matches(query, found[0].data))
        assert matches(query, found[0].data).matched
        assert ("study 1.2 holds more than one PatientID",) == found.notes
        assert found.complete


def test_absent_attribute_matches_no_key(save: Save, archive: FolderArchive) -> None:
    """The file is the truth: what it does not have, it does not match."""
    save("e", "1.3/1.3.1/1.3.1.1", PatientID="P1")

    assert ["1.1"] == uids(archive.find_studies(Query(PatientID="P1", PatientName="*r*")))
    assert [] == uids(archive.find_studies(Query(StudyInstanceUID="1.3", ModalitiesInStudy="CT")))
    assert "1.3" in uids(archive.find_studies(Query(PatientID="P1", PatientName="*")))


def test_damaged_text_may_match_and_is_noted(save: Save, archive: FolderArchive) -> None:
    """Q27: a name that lost its characters proves nothing against a name that has them."""
    save("e", "1.3/1.3.1/1.3.1.1", PatientName="M?ller^J?rgen")
    found = archive.find_studies(Query(PatientName="Müller^Jürgen"))

    assert ["1.1", "1.3"] == uids(found)
    (note,) = found.notes
    assert note.startswith("study 1.3 is included although PatientName may not match")
    assert "ller" not in note


def test_one_sure_match_leaves_no_doubt(save: Save, archive: FolderArchive) -> None:
    """A damaged name in one file of a study does not matter if another file has it right."""
    save("e", "1.1/1.1.1/1.1.1.3", PatientName="M?ller^J?rgen")
    found = archive.find_studies(Query(PatientName="Müller^Jürgen"))

    assert ["1.1"] == uids(found)
    assert () == found.notes


# ---------------------------------------------------------------- trees


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (STUDY, {}),
        (SERIES, {"1.1.2": [], "1.1.1": []}),
        (INSTANCE, {"1.1.2": ["1.1.2.1"], "1.1.1": ["1.1.1.2", "1.1.1.1"]}),
    ],
)
def test_tree_is_as_deep_as_asked_for_and_in_order_of_numbers(
    archive: FolderArchive, level: QueryLevels, expected: dict[str, list[str]]
) -> None:
    """SeriesNumber 9 comes before 10, InstanceNumber 2 before 10."""
    found = tree(archive.find_study_by_id("1.1", query_level=level))

    assert expected == found
    assert list(expected) == list(found)


def test_only_matching_series_are_in_the_tree(archive: FolderArchive) -> None:
    """Series keys choose series; the counts are still those of the whole study."""
    for keys in ({"SeriesInstanceUID": "1.1.1"}, {"SeriesDescription": "Lung"}):
        query = ExtendedQuery.from_mapping({**keys, "query_level": SERIES})
        (study,) = archive.find_studies(query)

        assert ["1.1.1"] == list(tree(study))
        assert "3" == text(study.data, "NumberOfStudyRelatedInstances")


def test_modality_returns_all_series_of_a_study(archive: FolderArchive) -> None:
    """ModalitiesInStudy is a key about the study (PROTOCOL-NOTES 1)."""
    (study,) = archive.find_studies(Query(ModalitiesInStudy="SR", query_level=SERIES))

    assert {"1.1.1", "1.1.2"} == set(tree(study))


def test_studies_are_in_order_of_date_time_and_uid(save: Save, archive: FolderArchive) -> None:
    """Those without a date come last."""
    save("e", "1.0/1/1", StudyDescription="undated")
    save("f", "1.4/1/1", StudyDate="20240115", StudyTime="0900")
    save("g", "1.5/1/1", StudyDate="20240115")
    save("h", "1.3/1/1", StudyDate="20240302")

    assert ["1.4", "1.1", "1.5", "1.2", "1.3", "1.0"] == uids(archive.find_studies(Query()))


# ---------------------------------------------------------------- attributes


def test_computed_attributes(archive: FolderArchive) -> None:
    """They are counted, so that none is ever absent."""
    study = archive.find_study_by_id("1.1", query_level=INSTANCE)
    series = study["1.1.1"]
    instance = series["1.1.1.2"]

    assert ["CT", "SR"] == list(study.data.ModalitiesInStudy)
    assert [SecondaryCaptureImageStorage] == [study.data.SOPClassesInStudy]
    assert "2" == text(study.data, "NumberOfStudyRelatedSeries")
    assert "3" == text(study.data, "NumberOfStudyRelatedInstances")
    assert "2" == text(series.data, "NumberOfSeriesRelatedInstances")
    assert ("1.1", "1.1.1", "1.1.1.2") == (
        study.data.StudyInstanceUID,
        series.data.SeriesInstanceUID,
        instance.data.SOPInstanceUID,
    )
    assert SecondaryCaptureImageStorage == instance.data.SOPClassUID
    assert 4 == instance.data.Rows


def test_attributes_are_at_the_level_they_describe(archive: FolderArchive) -> None:
    """As from a server: a patient is in the study, a modality in the series."""
    study = archive.find_study_by_id("1.1", query_level=INSTANCE)
    series = study["1.1.1"]

    assert "Müller^Jürgen" == study.data.PatientName
    assert "PatientName" not in series.data
    assert "General" == series.data.InstitutionName
    assert "InstitutionName" not in study.data
    assert "Modality" not in series["1.1.1.1"].data


def test_include_fields_are_read_from_the_files(save: Save, archive: FolderArchive) -> None:
    """What the index does not hold is read: at the level that it belongs to, and no deeper."""
    save("e", "1.3/1.3.1/1.3.1.1", OperatorsName="Öl", ImageComments="übel", PatientComments="ä")
    fields = ["OperatorsName", "ImageComments", "PatientComments", "PatientName", "Rows"]
    query = Query(StudyInstanceUID="1.3", query_level=INSTANCE, include_fields=fields)
    found = archive.find_studies(query)
    series = found[0].series[0]

    assert "ä" == found[0].data.PatientComments
    assert "Öl" == series.data.OperatorsName
    assert "übel" == series.instances[0].data.ImageComments
    assert () == found.notes


def test_include_fields_below_the_level_are_noted(archive: FolderArchive) -> None:
    """They are not there, and not in silence."""
    found = archive.find_studies(Query(include_fields=["Rows", "PixelData", "Modality"]))

    assert (
        "Rows describes instances; search at INSTANCE level for it",
        "PixelData is not returned by a search; fetch the instances",
        "Modality describes series; search at SERIES level for it",
    ) == found.notes


def test_instance_data_can_be_copied_pickled_and_changed(archive: FolderArchive) -> None:
    """They are taken apart when first looked at; nobody can tell."""

    def data() -> Dataset:
        return archive.find_study_by_id("1.1", query_level=INSTANCE)["1.1.1"]["1.1.1.1"].data

    expected = Dataset(data())
    changed = data()
    changed.Rows = 5

    assert expected == data()
    assert data() == expected
    assert expected == copy.copy(data())
    assert expected == copy.deepcopy(data())
    assert expected == pickle.loads(pickle.dumps(data()))
    assert str(expected) == str(data())
    assert (5, 10) == (changed.Rows, changed.InstanceNumber)
    assert "PatientName" not in data()
    with pytest.raises(AttributeError):
        _ = data().PatientName


# ---------------------------------------------------------------- copies


def test_equal_copies_are_one_instance_in_silence(save: Save, archive: FolderArchive) -> None:
    """The same bytes twice are nothing to worry about."""
    path = save("e", "1.3/1.3.1/1.3.1.1")
    path.with_name("copy").write_bytes(path.read_bytes())
    found = archive.find_studies(Query(StudyInstanceUID="1.3", query_level=INSTANCE))

    assert {"1.3.1": ["1.3.1.1"]} == tree(found[0])
    assert "1" == text(found[0].data, "NumberOfStudyRelatedInstances")
    assert () == found.notes


@pytest.mark.parametrize("other", ["Head", "Other head"], ids=["same size", "other size"])
def test_differing_copies_are_a_reported_conflict(
    save: Save, archive: FolderArchive, other: str
) -> None:
    """One instance, the first by path; the note names the files, and no value in them."""
    save("x/2", "1.3/1.3.1/1.3.1.1", StudyDescription=other)
    save("x/1", "1.3/1.3.1/1.3.1.1", StudyDescription="Feet")
    found = archive.find_studies(Query(StudyInstanceUID="1.3", query_level=INSTANCE))

    assert {"1.3.1": ["1.3.1.1"]} == tree(found[0])
    assert (
        "instance 1.3/1.3.1/1.3.1.1 has 2 copies that differ:"
        " of the whole ones the first by path is taken",
    ) == found.notes
    assert found.complete


def test_conflict_ends_when_a_copy_goes(save: Save, archive: FolderArchive) -> None:
    """What was noted before is not noted for ever; a third file is compared with both."""
    first = save("x/1", "1.3/1.3.1/1.3.1.1", StudyDescription="Feet")
    second = save("x/2", "1.3/1.3.1/1.3.1.1", StudyDescription="Head")
    assert 1 == len(archive.find_studies(Query()).notes)

    second.unlink()
    assert () == archive.find_studies(Query()).notes

    first.with_name("3").write_bytes(first.read_bytes())
    assert () == archive.find_studies(Query()).notes


def test_whole_copy_is_preferred(save: Save, archive: FolderArchive) -> None:
    """A cut file is taken only if there is no other."""
    cut = save("x/1", "1.3/1.3.1/1.3.1.1", Rows=1, ImageComments="some text to cut off")
    cut.write_bytes(cut.read_bytes()[:-5])
    save("x/2", "1.3/1.3.1/1.3.1.1", Rows=2)
    found = archive.find_studies(Query(StudyInstanceUID="1.3", query_level=INSTANCE))

    assert [2] == [instance.data.Rows for instance in found[0].all_instances()]
    assert "has 2 copies that differ" in found.notes[0]
    assert "1 files are not whole, and cannot be fetched" == found.notes[1]


# ---------------------------------------------------------------- queries


def test_query_of_another_class_is_converted_or_refused(archive: FolderArchive) -> None:
    """A parameter that nobody here would look at is refused by name, never ignored."""

    @attrs.frozen(kw_only=True)
    class Limited(ExtendedQuery):
        limit: int = 0

    @attrs.frozen(kw_only=True)
    class Other(Query):
        fuzzy: bool = False

    assert 2 == len(archive.find_studies(Limited(PatientID="P*")))
    assert 2 == len(archive.find_studies(Other(PatientID="P*")))
    with pytest.raises(UnsupportedParameterError, match="ExtendedQuery does not support limit"):
        archive.find_studies(Limited(limit=1))
    with pytest.raises(UnsupportedParameterError, match="ExtendedQuery does not support fuzzy"):
        archive.find_studies(Other(fuzzy=True))


def test_a_long_list_of_uids(archive: FolderArchive) -> None:
    """More UIDs than old databases take parameters."""
    uids_wanted = [f"2.{number}" for number in range(40_000)]

    assert ["1.2"] == uids(archive.find_studies(Query(StudyInstanceUID=[*uids_wanted, "1.2"])))


@pytest.mark.parametrize("date", ["20240115", None])
def test_empty_folder_is_complete_and_empty(tmp_path: Path, date: DateLike) -> None:
    """Nothing is there, and that is everything."""
    (tmp_path / "empty").mkdir()
    found = FolderArchive(tmp_path / "empty", index=":memory:").find_studies(
        Query(min_study_date=date)
    )

    assert [] == list(found)
    assert Completeness.COMPLETE is found.completeness
