"""A layout is checked when it is built, and gives every instance a path that is safe everywhere."""

from __future__ import annotations

import copy
import pickle
from pathlib import PurePosixPath

import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from gurney.core import InstanceReference, LayoutError, put
from gurney.storage import DEFAULT_LAYOUT, FLAT, Layout

REFERENCE = InstanceReference("1.2", "1.2.3", "1.2.3.4")


def dataset(**values: str) -> Dataset:
    """Return a data set of *values*, as they come from a file: not yet decoded, nor checked."""
    result = Dataset()
    for keyword, value in values.items():
        tag, vr = Tag(keyword), dictionary_VR(keyword)
        content = int(value).to_bytes(2, "little") if vr == "US" else value.encode()
        raw = RawDataElement(tag, vr, len(content), content, 0, False, True)
        result[tag] = raw
    return result


def test_default_has_a_folder_for_study_and_series() -> None:
    """The default is study/series/instance.dcm, and follows from the UIDs alone."""
    assert PurePosixPath("1.2/1.2.3/1.2.3.4.dcm") == DEFAULT_LAYOUT.path_of(REFERENCE)
    assert DEFAULT_LAYOUT.by_uid


def test_flat_is_one_folder() -> None:
    """All instances lie in the root."""
    assert PurePosixPath("1.2.3.4.dcm") == FLAT.path_of(REFERENCE)


def test_values_are_formatted() -> None:
    """Keywords take the formats of Python: whole numbers, decimals, text."""
    layout = Layout(
        "{PatientID}/{StudyDate}_{StudyDescription:.5}/{SeriesNumber:04d}/"
        "{SliceThickness:.1f}-{Rows:d}-{InstanceNumber:05d}.dcm"
    )
    values = dataset(
        PatientID="P1",
        StudyDate="20240131",
        StudyDescription="Thorax",
        SeriesNumber="7",
        SliceThickness="2.25",
        Rows="512",
        InstanceNumber="12",
    )

    assert PurePosixPath("P1/20240131_Thora/0007/2.2-512-00012.dcm") == layout.path(values)


def test_keywords_are_listed_once_in_order() -> None:
    """A walk is told which values a layout needs."""
    layout = Layout("{PatientID}/{Modality}/{PatientID}-{SOPInstanceUID}.dcm")

    assert ("PatientID", "Modality", "SOPInstanceUID") == layout.keywords


def test_other_keywords_need_the_data_set() -> None:
    """A reference alone does not give the path."""
    layout = Layout("{Modality}/{SOPInstanceUID}.dcm")

    assert not layout.by_uid
    assert layout.path_of(REFERENCE) is None


@pytest.mark.parametrize("value", ["", " ", "\0"])
def test_absent_and_empty_are_said_in_words(value: str) -> None:
    """No step of a path is ever empty, whatever is not known."""
    layout = Layout("{PatientID}/{SeriesNumber:04d}.dcm")

    assert PurePosixPath("no-PatientID/no-SeriesNumber.dcm") == layout.path(Dataset())
    assert PurePosixPath("no-PatientID/no-SeriesNumber.dcm") == layout.path(
        dataset(PatientID=value, SeriesNumber=value)
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("12", "0012"),
        ("-3", "%2D003"),
        ("7.5", "7.5"),
        ("seven", "seven"),
        ("nan", "nan"),
    ],
)
def test_damaged_numbers_lose_their_format_only(value: str, name: str) -> None:
    """What cannot be formatted is taken as it is."""
    layout = Layout("{InstanceNumber:04d}")

    assert name == layout.path(dataset(InstanceNumber=value)).name


def test_endless_numbers_are_shortened() -> None:
    """Python refuses to convert them; a name must be had all the same."""
    path = Layout("{InstanceNumber:04d}").path(dataset(InstanceNumber="9" * 5000))

    assert 120 == len(path.name)


def test_several_values_are_joined() -> None:
    """A multi-valued element gives one name."""
    values = Dataset()
    put(values, "ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"])

    assert "ORIGINAL_PRIMARY_AXIAL" == Layout("{ImageType}").path(values).name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("../../x", "%2E.%2F..%2Fx"),
        ("/etc/x", "%2Fetc%2Fx"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("-rf", "%2Drf"),
        (".hidden", "%2Ehidden"),
        ("1.2.", "1.2%2E"),
        ("CON", "%43ON"),
        ("nul.tar.gz", "%6Eul.tar.gz"),
        ("com1", "%63om1"),
        ("CONSOLE", "CONSOLE"),
        ('<>:"|?*\\', "%3C%3E%3A%22%7C%3F%2A%5C"),
        ("a\0b\nc", "a%00b%0Ac"),
        ("é", "%C3%A9"),
        ("e\u0301", "e%CC%81"),
        ("100%", "100%25"),
        ("~", "%7E"),
        ("a b+c", "a+b%2Bc"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_values_become_safe_names(value: str, name: str) -> None:
    """F01: no value is a path, a device, a hidden file or an option, on any system."""
    values = Dataset()
    put(values, "ImageComments", [value])  # a VR in which \\ separates nothing

    assert name == Layout("{ImageComments}").path(values).name


def test_device_names_are_found_whatever_the_extension() -> None:
    """On Windows CON.dcm is the console."""
    assert "%6Eul.dcm" == Layout("{PatientID}.dcm").path(dataset(PatientID="nul")).name


def test_uids_that_differ_in_case_differ_everywhere() -> None:
    """F05: on a system where case does not count, a.B and a.b are two files."""
    upper, lower = (FLAT.path_of(InstanceReference("1", "1", uid)) for uid in ("1.A", "1.a"))

    assert str(upper).casefold() != str(lower).casefold()


def test_long_uids_are_shortened_and_stay_different() -> None:
    """F05: names of 300 characters fit, and end in a hash of the whole."""
    names = {
        str(FLAT.path_of(InstanceReference("1", "1", "1" * 300 + last))) for last in ("", "1", "2")
    }

    assert 3 == len(names)
    assert {120} == {len(name) for name in names}
    assert all(name.endswith(".dcm") for name in names)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{PatientId}.dcm", "did you mean 'PatientID'"),
        ("{}.dcm", "no keyword ''"),
        ("{0}.dcm", "no keyword '0'"),
        ("{PatientID.real}", "no keyword 'PatientID.real'"),
        ("{PatientID!r}.dcm", "leave it out"),
        ("{PatientID:04d}", "no format for PatientID"),
        ("{InstanceNumber:zz}", "no format for InstanceNumber"),
        ("{InstanceNumber:99999d}", "no format for InstanceNumber"),
        ("{InstanceNumber:{Rows}}", "no format for InstanceNumber"),
        ("{PatientID:.0}", "no format for PatientID"),
        ("{PixelData}", "sequence or binary"),
        ("{ReferencedSeriesSequence}", "sequence or binary"),
        ("{TransferSyntaxUID}", "not part of the data set"),
        ("{Item}", "sequence or binary"),
        ("/{PatientID}", "inside the root"),
        ("../{PatientID}", "inside the root"),
        ("a/../{PatientID}", "inside the root"),
        ("./{PatientID}", "inside the root"),
        ("{PatientID}//{Modality}", "inside the root"),
        ("{PatientID}/", "inside the root"),
        ("C:/{PatientID}", "not safe"),
        ("{PatientID}\\{Modality}", "separate folders with /"),
        ("{PatientID} {Modality}", "not safe"),
        ("~{PatientID}", "not safe"),
        ("{{{PatientID}}}", "not safe"),
        ("{PatientID", "cannot be read"),
        ("PatientID}", "cannot be read"),
        ("", "names no keyword"),
        ("all.dcm", "names no keyword"),
    ],
)
def test_mistakes_are_found_when_it_is_built(template: str, says: str) -> None:
    """A layout that cannot become a path says why, and what to do."""
    with pytest.raises(LayoutError, match=says.replace("(", r"\(")):
        Layout(template)


def test_survives_pickle_and_copy() -> None:
    """Layouts travel between processes with the storage they belong to."""
    layout = Layout("{PatientID}/{InstanceNumber:04d}.dcm")

    assert layout == pickle.loads(pickle.dumps(layout)) == copy.deepcopy(layout)
    assert pickle.loads(pickle.dumps(layout)).path(Dataset()) == layout.path(Dataset())
