"""Flat data sets become trees: in order, each attribute where it belongs, nothing lost."""

from __future__ import annotations

import copy

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    Assembler,
    DICOMObjectLevels,
    SeriesReference,
    StudyReference,
    assemble,
    level_of_keyword,
    to_instance_refs,
)
from gurney.core.assembly import _SERIES_KEYWORDS, _STUDY_KEYWORDS  # pyright: ignore[reportPrivateUsage]
from gurney.core.values import put

STUDY, SERIES, INSTANCE = (
    DICOMObjectLevels.STUDY,
    DICOMObjectLevels.SERIES,
    DICOMObjectLevels.INSTANCE,
)


def item(*uids: str, **values: str) -> Dataset:
    """Return what an archive says about one object."""
    dataset = Dataset()
    for keyword, uid in zip(
        ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), uids, strict=False
    ):
        put(dataset, keyword, [uid])
    for keyword, value in values.items():
        put(dataset, keyword, [value])
    return dataset


# ---------------------------------------------------------------- trees


def test_instances_become_one_tree_per_study_in_order_of_appearance() -> None:
    """Nothing is sorted: archives give an order, and instances of one series may be apart."""
    listed = [("2", "2.1", "b"), ("1", "1.1", "x"), ("2", "2.2", "c"), ("2", "2.1", "a")]
    assembly = assemble([item(*uids) for uids in listed], INSTANCE)

    assert ["2/2.1/b", "2/2.1/a", "2/2.2/c", "1/1.1/x"] == [
        str(reference) for reference in to_instance_refs(assembly.studies)
    ]
    assert ((), ()) == (assembly.held_back, assembly.notes)


@pytest.mark.parametrize("level", DICOMObjectLevels)
def test_trees_reach_the_level_of_the_items(level: DICOMObjectLevels) -> None:
    """A study item makes a study without series, and so on down."""
    (study,) = assemble([item("1", "1.1", "1.1.1")], level).studies

    assert level is study.max_object_depth()


def test_nothing_becomes_nothing() -> None:
    """An empty answer is an empty assembly."""
    assert () == assemble([], STUDY).studies


def test_attributes_go_to_the_object_they_describe() -> None:
    """An instance item says something about its study and series too."""
    flat = item("1", "1.1", "1.1.1", StudyDate="20240101", Modality="CT", InstanceNumber="7")
    (study,) = assemble([flat], INSTANCE).studies
    (series,) = study.series
    (instance,) = series.instances

    assert {"StudyInstanceUID", "StudyDate"} == {element.keyword for element in study.data}
    assert {"SeriesInstanceUID", "Modality"} == {element.keyword for element in series.data}
    assert {"SOPInstanceUID", "InstanceNumber"} == {element.keyword for element in instance.data}


def test_attributes_of_no_other_level_stay_with_the_object_listed() -> None:
    """What an archive says about a study is kept, instance attributes and private ones too."""
    flat = item("1", StudyDate="20240101", Modality="CT", InstanceNumber="7")
    flat.add_new(0x00990010, "LO", "MAKER")
    flat.add_new(0x00991001, "LO", "private")
    (study,) = assemble([flat], STUDY).studies

    assert flat == study.data


def test_character_set_goes_along_with_each_part() -> None:
    """Text cannot be read without it."""
    flat = item("1", "1.1", SpecificCharacterSet="ISO_IR 192", StudyDescription="Schädel")
    (study,) = assemble([flat], SERIES).studies

    assert "ISO_IR 192" == study.data.SpecificCharacterSet
    assert "ISO_IR 192" == study.series[0].data.SpecificCharacterSet


def test_first_item_to_mention_a_study_describes_it() -> None:
    """Later items may differ; the first is as good as any, and always the same."""
    first, second = item("1", "1.1", StudyDate="20240101"), item("1", "1.2", StudyDate="20240202")
    (study,) = assemble([first, second], SERIES).studies

    assert "20240101" == study.data.StudyDate


def test_items_are_not_changed() -> None:
    """They are the caller's."""
    flat = item("1", "1.1", "1.1.1", StudyDate="20240101")
    before = copy.deepcopy(flat)
    (study,) = assemble([flat, flat], INSTANCE).studies
    study.data.StudyID = "new"

    assert before == flat


# ---------------------------------------------------------------- level by level


def test_levels_may_be_added_one_after_the_other() -> None:
    """As a relational search goes: studies, then their series, then the instances."""
    assembler = Assembler()
    assembler.add(item("1", StudyDescription="head"), STUDY)
    assembler.add(item("2"), STUDY)
    assembler.add(item("1", "1.1", Modality="CT", StudyDescription="other"), SERIES)
    assembler.add(item("1", "1.1", "1.1.1", Modality="MR"), INSTANCE)
    first, second = assembler.finish().studies

    assert "head" == first.data.StudyDescription
    assert "CT" == first.series[0].data.Modality
    assert "1.1.1" == first.series[0].instances[0].uid
    assert () == second.series


def test_item_about_an_object_wins_over_what_was_mentioned_from_below() -> None:
    """Instances may come before the study they are in."""
    assembler = Assembler()
    assembler.add(item("1", "1.1", StudyDescription="from below", StudyID="7"), SERIES)
    assembler.add(item("1", StudyDescription="head"), STUDY)
    (study,) = assembler.finish().studies

    assert "head" == study.data.StudyDescription
    assert "7" == study.data.StudyID
    assert 1 == len(study.series)


# ---------------------------------------------------------------- what cannot be placed


@pytest.mark.parametrize(
    ("uids", "level", "named"),
    [
        ((), STUDY, "study UID"),
        (("",), STUDY, "study UID"),
        (("1 2",), STUDY, "study UID"),
        (("1",), SERIES, "series UID"),
        (("1", "1.1"), INSTANCE, "instance UID"),
        (("1", "..", "1.1.1"), INSTANCE, "series UID"),
    ],
)
def test_item_without_a_usable_uid_is_held_back(
    uids: tuple[str, ...], level: DICOMObjectLevels, named: str
) -> None:
    """Q22: it cannot be placed, so it is given back with the reason, and the others go on."""
    bad = item(*uids, PatientName="DOE^JANE")
    assembly = assemble([bad, item("1", "1.1", "1.1.1")], level)
    (held,) = assembly.held_back

    assert bad is held.data
    assert None is held.reference
    assert held.reason.startswith(named)
    assert "DOE" not in held.reason
    assert 1 == len(assembly.studies)


def test_item_without_a_usable_uid_leaves_no_half_a_tree() -> None:
    """A series without UID does not make its study."""
    assert () == assemble([item("1", "")], SERIES).studies


def test_second_listing_is_held_back() -> None:
    """Q22: counted, so that overlapping pages are seen; the first is kept."""
    again = item("1", "1.1", Modality="MR")
    assembly = assemble([item("1", "1.1", Modality="CT"), again], SERIES)
    (held,) = assembly.held_back

    assert ("is listed more than once", SeriesReference("1", "1.1")) == (
        held.reason,
        held.reference,
    )
    assert again is held.data
    assert "CT" == assembly.studies[0].series[0].data.Modality


def test_same_uid_in_two_places_is_two_objects() -> None:
    """A series UID is unique within its study here; what archives do with it is their affair."""
    assembly = assemble([item("1", "9"), item("2", "9")], SERIES)

    assert () == assembly.held_back
    assert ["1/9", "2/9"] == [
        str(s.reference()) for study in assembly.studies for s in study.series
    ]


# ---------------------------------------------------------------- patients


def test_two_patients_in_one_study_are_merged_and_noted() -> None:
    """Q33: real, and said by UID; the ids themselves stay where they are."""
    items = [item("1", "1.1", PatientID="A"), item("1", "1.2", PatientID="B")]
    assembly = assemble([*items, item("1", "1.3", PatientID="C")], SERIES)

    assert ("study 1 holds more than one PatientID",) == assembly.notes
    assert 3 == len(assembly.studies[0].series)


@pytest.mark.parametrize("other", [{}, {"PatientID": ""}, {"PatientID": "A "}])
def test_patient_left_out_is_not_another_patient(other: dict[str, str]) -> None:
    """Archives leave attributes out, or empty, at deeper levels; padding means nothing."""
    for items in ([{"PatientID": "A"}, other], [other, {"PatientID": "A"}]):
        flat = [item("1", f"1.{n}", **values) for n, values in enumerate(items)]

        assert () == assemble(flat, SERIES).notes


def test_one_patient_in_two_studies_is_no_oddity() -> None:
    """Only within a study do patients have to agree."""
    assert () == assemble([item("1", PatientID="A"), item("2", PatientID="B")], STUDY).notes


# ---------------------------------------------------------------- keywords


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("PatientName", STUDY),
        ("StudyInstanceUID", STUDY),
        ("ModalitiesInStudy", STUDY),
        ("Modality", SERIES),
        ("SeriesInstanceUID", SERIES),
        ("InstitutionName", SERIES),
        ("SOPInstanceUID", INSTANCE),
        ("Rows", INSTANCE),
        ("NoSuchKeyword", INSTANCE),
    ],
)
def test_each_attribute_describes_one_level(keyword: str, level: DICOMObjectLevels) -> None:
    """Patient and study together, series, and everything else."""
    assert level is level_of_keyword(keyword)


def test_lists_of_keywords_hold_real_ones_once() -> None:
    """A slip in a list would put an attribute on the wrong object."""
    keywords = f"{_STUDY_KEYWORDS} {_SERIES_KEYWORDS}".split()

    assert len(keywords) == len(set(keywords))
    assert [] == [keyword for keyword in keywords if level_of_keyword(keyword) is INSTANCE]
    assert INSTANCE is level_of_keyword("")


def test_study_found_by_its_reference() -> None:
    """The references of held back items are those of the trees."""
    assembly = assemble([item("1"), item("1")], STUDY)

    assert StudyReference("1") == assembly.held_back[0].reference
    assert StudyReference("1") == assembly.studies[0].reference()
