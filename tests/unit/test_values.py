"""The one door to values: it never raises, and never lets a value slip into a warning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from io import BytesIO

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian

from gurney.core import InvalidInputError
from gurney.core.values import items, number, put, stored, subset, text, texts

SECRET = b"JANE~DOE"  # breaks the rules of every VR that has any
VRS = ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI"]
KEYWORDS = {
    "AE": "StationAETitle",
    "AS": "PatientAge",
    "CS": "Modality",
    "DA": "PatientBirthDate",
    "DS": "PatientWeight",
    "DT": "AcquisitionDateTime",
    "IS": "InstanceNumber",
    "LO": "PatientID",
    "LT": "AdditionalPatientHistory",
    "PN": "PatientName",
    "SH": "AccessionNumber",
    "ST": "DerivationDescription",
    "TM": "StudyTime",
    "UC": "LongCodeValue",
    "UI": "StudyInstanceUID",
    "UR": "URNCodeValue",
}


def as_read(keyword: str, value: bytes, vr: str | None = None) -> Dataset:
    """Return a data set as it comes out of a file: nothing is converted yet."""
    tag = Tag(keyword)
    raw = RawDataElement(tag, vr, len(value), value, 0, vr is None, True, True)
    dataset = Dataset({tag: raw})
    dataset.set_original_encoding(vr is None, True, "ISO_IR 100")
    return dataset


# ---------------------------------------------------------------- reading


def test_values_come_without_padding_in_order() -> None:
    """Padding is insignificant (PS3.5 6.2); a backslash separates values (6.4)."""
    assert ("CT", "MR") == texts(
        as_read("ModalitiesInStudy", b"CT\\MR ", "CS"), "ModalitiesInStudy"
    )
    assert ("1.2.3",) == texts(as_read("StudyInstanceUID", b"1.2.3\0", "UI"), "StudyInstanceUID")


def test_first_value_or_nothing() -> None:
    """Absent and empty are the same to one who wants text."""
    assert "CT" == text(as_read("ModalitiesInStudy", b"CT\\MR ", "CS"), "ModalitiesInStudy")
    assert "" == text(as_read("PatientID", b"", "LO"), "PatientID")
    assert "" == text(Dataset(), "PatientID")
    assert "" == text(Dataset(), "NoKeyword")


@pytest.mark.parametrize(
    ("value", "expected"), [(b"12 ", 12), (b" 7", 7), (b"0 ", 0), (b"", None), (b"1.5 ", None)]
)
def test_number_absent_is_none_and_not_zero(value: bytes, expected: int | None) -> None:
    """A count that is not given is not a count of nothing."""
    keyword = "NumberOfStudyRelatedInstances"

    assert expected == number(as_read(keyword, value, "IS"), keyword)
    assert None is number(Dataset(), keyword)


def test_stored_tells_absent_from_empty() -> None:
    """An attribute may be there and have no value (type 2)."""
    tag = BaseTag(0x00100020)

    assert None is stored(Dataset(), tag)
    assert () == stored(as_read("PatientID", b"", "LO"), tag)
    assert () == stored(as_read("PatientID", b"  ", "LO"), tag)
    assert ("x",) == stored(as_read("PatientID", b"x ", "LO"), tag)


@pytest.mark.parametrize("vr", [None, "UN"])
def test_value_representation_comes_from_the_dictionary(vr: str | None) -> None:
    """Implicit VR has none, and some archives write UN for all they do not know."""
    assert "1.2.3" == text(as_read("StudyInstanceUID", b"1.2.3\0", vr), "StudyInstanceUID")
    assert 7 == number(as_read("InstanceNumber", b"7 ", vr), "InstanceNumber")


@pytest.mark.parametrize("vr", VRS)
@pytest.mark.parametrize("value", [SECRET, b"\xff\xfe\x80", b"\x1b$B\x00", b"\\\\", b"9" * 5000])
def test_damaged_values_are_read_without_error(vr: str, value: bytes) -> None:
    """pydicom raises a dozen classes on them (P01)."""
    keyword = KEYWORDS[vr]

    texts(as_read(keyword, value, vr), keyword)
    number(as_read(keyword, value, vr), keyword)
    stored(as_read(keyword, value, vr), BaseTag(Tag(keyword)))
    items(as_read(keyword, value, vr), BaseTag(Tag(keyword)))


@pytest.mark.parametrize("vr", ["US", "UL", "FD", "SQ", "AT", "XX"])
def test_binary_of_the_wrong_length_is_read_without_error(vr: str) -> None:
    """Three bytes are no number of any kind."""
    dataset = as_read("Rows", b"\1\2\3", vr)

    assert texts(dataset, "Rows") is not None
    assert None is items(dataset, BaseTag(Tag("Rows")))


def test_items_of_a_sequence() -> None:
    """A sequence without items is not an absent one."""
    tag = BaseTag(Tag("RequestAttributesSequence"))
    dataset = Dataset()

    assert None is items(dataset, tag)
    dataset.RequestAttributesSequence = []
    assert () == items(dataset, tag)
    item = Dataset()
    item.ScheduledProcedureStepID = "x"
    dataset.RequestAttributesSequence = [item]
    assert (item,) == items(dataset, tag)


# ---------------------------------------------------------------- nothing slips out


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[Callable[[], object]], str]:
    """Return a function that returns all that a call warns of or logs."""

    def listen(call: Callable[[], object]) -> str:
        caplog.clear()
        with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
            warnings.simplefilter("always")
            call()
        return " ".join([caplog.text, *(str(warning.message) for warning in caught)])

    return listen


@pytest.mark.parametrize("vr", [*VRS, "UR"])
@pytest.mark.parametrize("written", [True, False], ids=["explicit", "implicit"])
def test_reading_puts_no_value_into_a_warning(
    said: Callable[[Callable[[], object]], str], vr: str, written: bool
) -> None:
    """Standard error and logs are read by people who may not know the patient."""
    keyword = KEYWORDS[vr]
    dataset = as_read(keyword, SECRET, vr if written else None)

    assert "JANE" not in said(lambda: texts(dataset, keyword))
    assert "JANE" not in said(lambda: number(dataset, keyword))
    assert "JANE" not in said(lambda: stored(dataset, BaseTag(Tag(keyword))))


@pytest.mark.parametrize("vr", sorted({*VRS, "UR"} - {"DS", "IS"}))
def test_put_puts_no_value_into_a_warning(
    said: Callable[[Callable[[], object]], str], vr: str
) -> None:
    """A key that breaks a rule is the archive's to judge; wildcards break most."""
    assert "JANE" not in said(lambda: put(Dataset(), KEYWORDS[vr], [SECRET.decode()]))
    assert "JANE" not in said(lambda: put(Dataset(), KEYWORDS[vr], ["JANE*", "JANE?"]))


@pytest.mark.parametrize("keyword", ["PatientWeight", "InstanceNumber"])
def test_put_refuses_text_for_numbers_without_quoting_it(keyword: str) -> None:
    """pydicom's own error holds the value, and is not even chained."""
    with pytest.raises(InvalidInputError, match=f"{keyword} .* takes numbers only") as caught:
        put(Dataset(), keyword, [SECRET.decode(), "x"])

    assert "JANE" not in str(caught.value)
    assert caught.value.__suppress_context__


# ---------------------------------------------------------------- writing


def test_put_sets_one_value_or_several() -> None:
    """As a C-FIND key carries them."""
    dataset = Dataset()
    put(dataset, "PatientID", ["x"])
    put(dataset, "StudyInstanceUID", ["1.2", "1.3"])
    put(dataset, "Rows", [512])

    assert "x" == dataset.PatientID
    assert ["1.2", "1.3"] == dataset.StudyInstanceUID
    assert 512 == dataset.Rows


def test_put_knows_the_dictionary_only() -> None:
    """A misspelt keyword would set a Python attribute and send nothing."""
    with pytest.raises(KeyError, match="PatientNam"):
        put(Dataset(), "PatientNam", ["x"])


# ---------------------------------------------------------------- parts


def written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def test_subset_is_new_and_leaves_the_original_unread() -> None:
    """Values are converted when somebody asks for them, not when a tree is made."""
    dataset = as_read("PatientName", "MÜLLER".encode("latin-1"), "PN")
    dataset.SpecificCharacterSet = "ISO_IR 100"
    part = subset(dataset, lambda tag: tag == Tag("PatientName"))

    assert isinstance(dataset.get_item("PatientName"), RawDataElement)
    assert isinstance(part.get_item("PatientName"), RawDataElement)
    assert "MÜLLER" == part.PatientName
    part.PatientID = "x"
    assert "PatientID" not in dataset


def test_subset_takes_the_character_set_along() -> None:
    """The other values cannot be read without it."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientID = "x"
    dataset.Modality = "CT"

    assert {"SpecificCharacterSet", "Modality"} == {
        element.keyword for element in subset(dataset, lambda tag: tag == Tag("Modality"))
    }


def test_subset_of_a_file_reads_as_the_file_does() -> None:
    """Character set and encoding are those of the whole."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.add(DataElement("PatientName", "PN", "山田^太郎"))
    dataset.Rows = 512
    file = dcmread(BytesIO(written(dataset)), force=True)
    part = subset(file, lambda _: True)

    assert "山田^太郎" == part.PatientName
    assert 512 == part.Rows
    assert ExplicitVRLittleEndian.is_little_endian is part.original_encoding[1]
