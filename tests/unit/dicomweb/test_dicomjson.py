"""DICOM JSON, read leniently: what archives send becomes data sets, and nothing is lost unseen."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from threading import Barrier, Thread
from typing import Any

import attrs
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian

from gurney.core import (
    Assembler,
    BudgetExceededError,
    DICOMObjectLevels,
    Instance,
    Match,
    ProtocolViolationError,
    Query,
    Series,
    Study,
    matches,
    texts,
)
from gurney.dicomweb.dicomjson import (
    JSONItem,
    JSONLimits,
    LeftOut,
    Reading,
    is_markup,
    left_out,
    parse,
    to_dataset,
)
from gurney.searching import rechecker

SECRET = "JANE^DOE"
UID = "1.2.3"


def page(*items: object) -> bytes:
    """Return the body of an answer."""
    return json.dumps(items).encode()


def one(**attributes: object) -> JSONItem:
    """Return an item; a tag has to begin with an underscore to be a Python name."""
    named = {name.removeprefix("_"): attribute for name, attribute in attributes.items()}
    (item,) = parse(page(named))
    return item


def sent(study: Study) -> Study:
    """Return what another process would get."""
    there: Study = pickle.loads(pickle.dumps(study))
    return there


def listed(instance: str, **more: object) -> dict[str, object]:
    """Return an item of a listing of instances."""
    return {
        "0020000D": {"vr": "UI", "Value": ["1"]},
        "0020000E": {"vr": "UI", "Value": ["1.2"]},
        "00080018": {"vr": "UI", "Value": [instance]},
        "00200013": {"vr": "IS", "Value": [7]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": SECRET}]},
        **more,
    }


# ---------------------------------------------------------------- pages


def test_items_come_in_the_order_of_the_answer() -> None:
    """White space between them is nothing."""
    content = b' [ {"StudyInstanceUID": "1"} ,\r\n\t{"StudyInstanceUID": "2"}\n] '

    assert ["1", "2"] == [item.text("StudyInstanceUID") for item in parse(content)]


@pytest.mark.parametrize("content", [b"", b" \n", b"[]", b"[ ]", b"\xef\xbb\xbf[]"])
def test_q02_q03_nothing_found_is_no_items(content: bytes) -> None:
    """An empty array, and no bytes at all, which the caller has to note."""
    assert [] == list(parse(content))


def test_byte_order_mark_is_passed_over() -> None:
    """RFC 8259, 8.1: it must not be sent; it is."""
    content = b"\xef\xbb\xbf" + page(listed(UID))

    assert [UID] == [item.text("SOPInstanceUID") for item in parse(content)]


def test_q24_one_object_instead_of_an_array() -> None:
    """Some archives leave out the array around one result."""
    content = json.dumps(listed(UID)).encode()

    assert [UID] == [item.text("SOPInstanceUID") for item in parse(content)]


@pytest.mark.parametrize("entry", [None, 7, "text", True, [], [{}], {}])
def test_entry_that_is_no_object_is_an_item_without_attributes(entry: object) -> None:
    """It counts as received, and is held back for want of UIDs (Q22)."""
    nothing, _ = parse(page(entry, listed(UID)))

    assert Dataset() == nothing.dataset()
    assert Dataset() == nothing.part(lambda _: True)()


def test_last_of_two_members_with_one_name_counts() -> None:
    """RFC 8259, 4, calls the behaviour of readers unpredictable; this is what most do."""
    content = b'[{"PatientID": "1", "PatientID": "2"}]'

    assert ["2"] == [item.text("PatientID") for item in parse(content)]


def test_q27_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    """One damaged name does not cost the page; matching calls it unverified."""
    (item,) = parse(b'[{"PatientName": "M\xfcller"}]')

    assert "M\N{REPLACEMENT CHARACTER}ller" == item.text("PatientName")
    assert Match.UNVERIFIED is rechecker(Query(PatientName="Möller"))(item)["PatientName"]


def test_control_characters_in_text_are_taken() -> None:
    """Reports hold line ends, and some archives send them as they are."""
    (item,) = parse(b'[{"PatientComments": "one\r\ntwo"}]')

    assert "one\r\ntwo" == item.dataset().PatientComments


def test_q25_login_page_is_told_apart() -> None:
    """Markup is markup after white space and a byte order mark too."""
    for content in (b"<html>", b" \n<?xml?>", b"\xef\xbb\xbf<a/>"):
        assert is_markup(content)
        with pytest.raises(ProtocolViolationError, match="XML or HTML"):
            parse(content)
    assert not is_markup(page("<"))


@pytest.mark.parametrize("content", [b"null", b"7", b'"JANE^DOE"', b'{"error": "JANE^DOE"}', b"{}"])
def test_json_of_something_else_is_refused(content: bytes) -> None:
    """An error in JSON, answered with 200, is not an item."""
    with pytest.raises(ProtocolViolationError, match="without DICOM attributes") as caught:
        list(parse(content))

    assert SECRET not in repr(caught.value)


def test_page_cut_anywhere_is_never_taken_for_whole() -> None:
    """Whatever is cut off, items that came before are right and the end is an error."""
    whole = page(listed("1"), listed("2"), listed("3"))

    for end in range(1, len(whole)):
        found: list[str] = []
        with pytest.raises(ProtocolViolationError, match="cut short") as caught:
            found.extend(item.text("SOPInstanceUID") for item in parse(whole[:end]))
        assert ["1", "2", "3"][: len(found)] == found
        assert SECRET not in repr(caught.value)
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "content", [b"[{},]", b"[{} {}]", b"[,]", b"[{}]]", b"[{}] x", b"[{}}", b"{]", b"]", b"\0[]"]
)
def test_junk_is_refused(content: bytes) -> None:
    """Lenient is not careless: what is no JSON is none."""
    with pytest.raises(ProtocolViolationError, match="no JSON from character"):
        list(parse(content))


def test_answer_over_the_size_limit_is_refused_unread() -> None:
    """The limit is in bytes, and is the largest size allowed."""
    content = page(listed(UID))

    assert 1 == len(list(parse(content, JSONLimits(size=len(content)))))
    with pytest.raises(BudgetExceededError, match="limit"):
        parse(content, JSONLimits(size=len(content) - 1))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_nested_without_end_is_refused(opening: bytes) -> None:
    """Python gives up before its stack does, and that is said."""
    with pytest.raises(BudgetExceededError, match="nested"):
        list(parse(opening * 100_000))


# ---------------------------------------------------------------- oddities of attributes (Q23)

ODDITIES: dict[str, tuple[object, tuple[str, ...]]] = {
    "lower-case tag": ({"0020000d": {"vr": "UI", "Value": ["1.2"]}}, ("1.2",)),
    "keyword as name": ({"StudyInstanceUID": {"vr": "UI", "Value": ["1.2"]}}, ("1.2",)),
    "proper name wins": (
        {"StudyInstanceUID": "1", "0020000D": "2", "0020000d": "3"},
        ("2",),
    ),
    "no object around the value": ({"0020000D": "1.2"}, ("1.2",)),
    "no object around values": ({"0020000D": ["1.2", "1.3"]}, ("1.2", "1.3")),
    "value without a list": ({"0020000D": {"vr": "UI", "Value": "1.2"}}, ("1.2",)),
    "value null": ({"0020000D": {"vr": "UI", "Value": None}}, ()),
    "value empty": ({"0020000D": {"vr": "UI", "Value": []}}, ()),
    "value of an empty text": ({"0020000D": {"vr": "UI", "Value": [""]}}, ()),
    "value of one null": ({"0020000D": {"vr": "UI", "Value": [None]}}, ()),
    "no value": ({"0020000D": {"vr": "UI"}}, ()),
    "nothing": ({"0020000D": None}, ()),
    "empty object": ({"0020000D": {}}, ()),
    "no vr": ({"0020000D": {"Value": ["1.2"]}}, ("1.2",)),
    "vr null": ({"0020000D": {"vr": None, "Value": ["1.2"]}}, ("1.2",)),
    "vr unknown": ({"0020000D": {"vr": "??", "Value": ["1.2"]}}, ("1.2",)),
    "vr in lower case": ({"0020000D": {"vr": "ui", "Value": ["1.2"]}}, ("1.2",)),
    "white space": ({"0020000D": {"vr": "UI", "Value": ["\t1.2\n"]}}, ("1.2",)),
    "vr UN": ({"0020000D": {"vr": "UN", "Value": ["1.2"]}}, ("1.2",)),
    "unknown members": (
        {"0020000D": {"vr": "UI", "keyword": "x", "Value": ["1.2"]}, "x": 1},
        ("1.2",),
    ),
    "padding": ({"0020000D": {"vr": "UI", "Value": [" 1.2\0"]}}, ("1.2",)),
    "backslash": ({"0020000D": {"vr": "UI", "Value": ["1.2\\1.3"]}}, ("1.2", "1.3")),
    "null among values": ({"0020000D": {"vr": "UI", "Value": ["1.2", None]}}, ("1.2", "")),
}


@pytest.mark.parametrize(("attributes", "expected"), ODDITIES.values(), ids=ODDITIES)
def test_q23_oddities_of_writing(attributes: object, expected: tuple[str, ...]) -> None:
    """The item and the data set made of it, at once or later, read the same."""
    (item,) = parse(page(attributes))
    later = item.part(lambda _: True)()

    assert expected == item.texts("StudyInstanceUID")
    assert (expected or ("",))[0] == item.text("StudyInstanceUID")
    for dataset in (item.dataset(), later):
        assert expected == texts(dataset, "StudyInstanceUID")
        assert "StudyInstanceUID" in dataset
        assert {} == left_out(dataset)


NAMES: list[tuple[object, str]] = [
    ({"Alphabetic": "A^B"}, "A^B"),
    ({"Alphabetic": "A^B", "Ideographic": "山^田", "Phonetic": "や^だ"}, "A^B=山^田=や^だ"),
    ({"Ideographic": "山^田"}, "=山^田"),
    ({"Phonetic": "や^だ", "x": 1}, "==や^だ"),
    ({"Alphabetic": "A^B", "Ideographic": None, "Phonetic": ""}, "A^B"),
    ({"Alphabetic": None}, ""),
    ({}, ""),
    ("A^B=山^田", "A^B=山^田"),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_q23_names_with_groups_or_plain(name: object, expected: str) -> None:
    """PS3.18 F.2.2 has three groups; a plain text is read as PS3.5 writes names."""
    item = one(_00100010={"vr": "PN", "Value": [name]})

    assert expected == item.text("PatientName")
    assert expected == item.dataset().PatientName


def test_several_names() -> None:
    """OtherPatientNames takes many; one may be missing."""
    values = [{"Alphabetic": "A"}, None, "B\\C"]

    assert ["A", "", "B", "C"] == one(OtherPatientNames=values).dataset().OtherPatientNames


@pytest.mark.parametrize("vr", ["IS", "DS"])
@pytest.mark.parametrize("written", ["1", '"1"', '"+01 "', '"-0"', "12345678901", "1.0"])
def test_q23_number_strings_stay_as_written(vr: str, written: str) -> None:
    """IS and DS may be numbers or text; either way their digits are those of the archive."""
    (item,) = parse(f'[{{"00200011": {{"vr": "{vr}", "Value": [{written}]}}}}]'.encode())
    value = item.dataset().SeriesNumber

    assert written.strip('" ') == str(value)
    assert float(written.strip('" ')) == value


def test_precision_is_that_of_the_archive() -> None:
    """A DS of 16 digits does not survive a float; here it does."""
    (item,) = parse(b'[{"PatientWeight": {"vr": "DS", "Value": [0.10000000000000000]}}]')

    assert "0.10000000000000000" == str(item.dataset().PatientWeight)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("US", 7, 7),
        ("US", "7", 7),
        ("US", 512.0, 512),
        ("SS", -7, -7),
        ("UV", 2**64 - 1, 2**64 - 1),
        ("SV", "-9223372036854775808", -(2**63)),
        ("FD", 1.5, 1.5),
        ("FD", "1.5", 1.5),
        ("FL", float("inf"), float("inf")),
        ("FD", "-Infinity", float("-inf")),
        ("FD", "1e400", float("inf")),
        ("US", "", None),
        ("FD", "", None),
        ("IS", "", None),
        ("DS", None, None),
        ("US", [1, None, 3], [1, None, 3]),
        ("IS", [1, None, ""], [1, "", ""]),
        ("AT", "0020000D", 0x0020000D),
        ("AT", ["0020000d", None], [0x0020000D, None]),
        ("US or SS", 7, 7),
    ],
)
def test_q23_numbers(vr: str, value: object, expected: object) -> None:
    """Numbers or text, with nothing in between; integral ones may have come as 512.0."""
    item = one(_00090010="ACME", _00091001={"vr": vr, "Value": value})

    assert expected == item.dataset()[0x00091001].value
    assert vr == item.dataset()[0x00091001].VR


def test_not_a_number_is_a_number_to_floats() -> None:
    """As text, as JSON has no way to say it; or as the token that Python's writer uses."""
    (item,) = parse(b'[{"DiffusionBValue": "NaN", "RealWorldValueSlope": NaN}]')
    dataset = item.dataset()

    assert dataset.DiffusionBValue != dataset.DiffusionBValue
    assert dataset.RealWorldValueSlope != dataset.RealWorldValueSlope


@pytest.mark.parametrize("vr", ["IS", "DS", "US", "SL", "UV", "FD", "FL", "AT"])
@pytest.mark.parametrize("value", [SECRET, "1_000", "７", "1" * 5000, "0x10", "1e99999999"])
def test_q23_number_that_is_none_stays_text(vr: str, value: str) -> None:
    """It is said as it came, alone or among others, without a warning."""
    alone = one(_00090010="ACME", _00091001={"vr": vr, "Value": [value]}).dataset()
    among = one(_00090010="ACME", _00091001={"vr": vr, "Value": ["1", value, None]}).dataset()

    assert value == alone[0x00091001].value
    assert ["1", value, ""] == among[0x00091001].value
    assert isinstance(among[0x00091001].value, MultiValue)
    assert vr == alone[0x00091001].VR


def test_fraction_in_a_whole_number_stays_text() -> None:
    """To round it would be to make it up."""
    dataset = one(Rows=1.5, InstanceNumber="1.50", SeriesNumber=2**53 + 1).dataset()

    assert "1.5" == dataset.Rows
    assert "1.50" == dataset.InstanceNumber
    assert "9007199254740993" == dataset.SeriesNumber


def test_inline_binary_is_decoded() -> None:
    """Base64, in lines, or in a list as an example in PS3.18 has it."""
    for written in ("AQID", ["AQID"], "AQ\r\nID", " AQID\n"):
        dataset = one(_00420011={"vr": "OB", "InlineBinary": written}).dataset()

        assert b"\1\2\3" == dataset.EncapsulatedDocument


@pytest.mark.parametrize("value", ["", [""], None, [None], []])
def test_binary_without_a_value_is_empty(value: object) -> None:
    """Some archives send an empty list for everything they leave out."""
    dataset = one(PixelData={"vr": "OW", "Value": value}).dataset()

    assert dataset["PixelData"].is_empty
    assert {} == left_out(dataset)


def test_backslash_is_text_where_one_value_is_allowed() -> None:
    """PS3.5 6.2: LT, ST and UT take one value."""
    assert "C:\\x" == one(PatientComments="C:\\x").dataset().PatientComments


def test_vr_in_lower_case_is_one() -> None:
    """Also where no dictionary would know better."""
    assert "US" == one(_00091001={"vr": "us", "Value": [1]}).dataset()[0x00091001].VR


@pytest.mark.parametrize("vr", ["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
def test_inline_binary_of_a_known_tag_stays_bytes(vr: str) -> None:
    """UN is what the archive could not read; nor do we guess."""
    element = one(_00100020={"vr": vr, "InlineBinary": "AQID"}).dataset()[0x00100020]

    assert (vr, b"\1\2\3") == (element.VR, element.value)


@pytest.mark.parametrize(
    ("name", "attribute", "vr"),
    [
        ("7FE00010", {"InlineBinary": "AQID"}, "OW"),
        ("00280106", {"Value": [-1]}, "SS"),
        ("00280106", {"Value": [1]}, "US"),
        ("00280106", {}, "US"),
        ("00281101", {"Value": [1, -2, 3]}, "SS"),
        ("00281201", {"InlineBinary": "AQID"}, "OW"),
        ("00283006", {"Value": [1]}, "US"),
        ("00090010", {"Value": ["ACME"]}, "LO"),
        ("00091001", {"Value": ["x" * 100, "y"]}, "UC"),
        ("00091001", {"Value": [1.5]}, "UC"),
        ("00091001", {"Value": [{"00100020": {"vr": "LO", "Value": ["1"]}}]}, "SQ"),
        ("00091001", {"InlineBinary": "AQID"}, "UN"),
        ("00091001", {}, "UN"),
        ("00100020", {"InlineBinary": "AQID"}, "UN"),
        ("00100000", {"Value": [4]}, "UL"),
        ("60020010", {"Value": [4]}, "US"),
    ],
)
def test_q23_vr_missing(name: str, attribute: object, vr: str) -> None:
    """The dictionary knows, or the value tells; text of nobody knows what is UC, and whole."""
    (item,) = parse(page({name: attribute}))
    dataset = item.dataset()

    assert vr == dataset[int(name, 16)].VR
    assert {} == left_out(dataset)


def test_sequences_are_data_sets_in_data_sets() -> None:
    """An item may be null, or empty; there may be none."""
    inner = {"00080100": {"vr": "SH", "Value": ["T-1"]}}
    dataset = one(ProcedureCodeSequence=[inner, None, {}], ReferencedStudySequence=[]).dataset()

    assert ["T-1", "", ""] == [it.get("CodeValue", "") for it in dataset.ProcedureCodeSequence]
    assert 0 == len(dataset.ReferencedStudySequence)
    for none in ("", [""], None, []):
        assert 0 == len(one(ProcedureCodeSequence={"Value": none}).dataset().ProcedureCodeSequence)


def test_q26_character_set_inside_is_not_believed() -> None:
    """JSON is UTF-8 (PS3.18 F.2): so is the data set, and so are items that say otherwise."""
    latin = {"vr": "CS", "Value": ["ISO_IR 100"]}
    inner = {"00080005": latin, "00080104": {"vr": "LO", "Value": ["Schädel"]}}
    dataset = one(_00080005=latin, PatientName="Müller", ProcedureCodeSequence=[inner]).dataset()
    file = BytesIO()
    dcmwrite(file, dataset, implicit_vr=False, little_endian=True)
    read = dcmread(BytesIO(file.getvalue()), force=True)

    assert "ISO_IR 192" == dataset.SpecificCharacterSet
    assert "ISO_IR 192" == dataset.ProcedureCodeSequence[0].SpecificCharacterSet
    assert "Müller" == read.PatientName
    assert "Schädel" == read.ProcedureCodeSequence[0].CodeMeaning


def test_character_set_is_set_where_there_is_none() -> None:
    """Otherwise nothing but ASCII could be written."""
    dataset = one(PatientName="Müller", ProcedureCodeSequence=[{"CodeValue": "1"}]).dataset()

    assert "ISO_IR 192" == dataset.SpecificCharacterSet
    assert "SpecificCharacterSet" not in dataset.ProcedureCodeSequence[0]


def test_lone_surrogates_are_replaced() -> None:
    """JSON can hold half a character; nothing else can."""
    (item,) = parse(b'[{"PatientName": "\\ud800A", "PatientID": "\\ud83d\\ude00"}]')

    assert "\N{REPLACEMENT CHARACTER}A" == item.text("PatientName")
    assert "\N{REPLACEMENT CHARACTER}A" == item.dataset().PatientName
    assert "\N{GRINNING FACE}" == item.dataset().PatientID


def test_private_elements_know_their_creator() -> None:
    """pydicom names them by it."""
    dataset = one(_00091001={"vr": "LO", "Value": ["x"]}, _00090010="GEMS_IDEN_01").dataset()

    assert "GEMS_IDEN_01" == dataset[0x00091001].private_creator
    assert "x" == dataset.private_block(0x0009, "GEMS_IDEN_01")[1].value


# ---------------------------------------------------------------- what cannot be read

UNREADABLE: dict[str, tuple[dict[str, object], str]] = {
    "not base64": ({"vr": "OB", "InlineBinary": "JANE^DOE"}, "base64"),
    "base64 with more": ({"vr": "OB", "InlineBinary": "AQ^ID"}, "base64"),
    "base64 cut": ({"vr": "OB", "InlineBinary": "AQI"}, "base64"),
    "binary is no text": ({"vr": "OB", "InlineBinary": 7}, "base64"),
    "two binaries": ({"vr": "OB", "InlineBinary": ["AQID", "AQID"]}, "base64"),
    "binary for text": ({"vr": "LO", "InlineBinary": "AQID"}, "VR LO takes Value"),
    "values for binary": ({"vr": "OB", "Value": [1, 2]}, "VR OB takes InlineBinary"),
    "object for text": ({"vr": "LO", "Value": [{"a": SECRET}]}, "VR LO"),
    "list for text": ({"vr": "LO", "Value": [[SECRET]]}, "VR LO"),
    "truth for text": ({"vr": "LO", "Value": [True]}, "VR LO"),
    "object for a number": ({"vr": "US", "Value": [{}]}, "VR US"),
    "no group of a name": ({"vr": "PN", "Value": [{"Family": SECRET}]}, "VR PN"),
    "group is no text": ({"vr": "PN", "Value": [{"Alphabetic": {"x": SECRET}}]}, "VR PN"),
    "text for a sequence": ({"vr": "SQ", "Value": [SECRET]}, "item of the sequence"),
    "bulk data for a sequence": ({"vr": "SQ", "InlineBinary": "AQID"}, "VR SQ takes Value"),
    "bulk data nowhere": ({"vr": "OB", "BulkDataURI": {"x": SECRET}}, "BulkDataURI"),
    "object of no VR": ({"Value": [{"a": SECRET}]}, "VR UC"),
}


@pytest.mark.parametrize(("attribute", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_attribute_that_cannot_be_read_is_left_out_and_noted(
    attribute: dict[str, object], reason: str
) -> None:
    """The others are there; the reason does not say what the value was."""
    tag = BaseTag(0x00091001)
    item = one(_00090010="ACME", _00091001=attribute, PatientID="7")
    dataset = item.dataset()
    (noted,) = left_out(dataset).values()

    assert tag not in dataset
    assert "7" == dataset.PatientID
    assert [tag] == list(left_out(dataset))
    assert reason in noted.reason
    assert "" == noted.uri
    assert SECRET not in noted.reason
    assert noted == item.reading("00091001")
    assert () == item.texts("00091001")


@pytest.mark.parametrize("uri", ["http://x/bulk/1", ["http://x/bulk/1"]])
def test_bulk_data_are_a_reference_and_not_fetched(uri: object) -> None:
    """Absent, since the value is not here; empty would be a lie."""
    dataset = one(PixelData={"vr": "OW", "BulkDataURI": uri}, PatientID="7").dataset()

    assert "PixelData" not in dataset
    assert "http://x/bulk/1" == left_out(dataset)[Tag("PixelData")].uri


def test_sequence_may_be_bulk_data() -> None:
    """The standard says no; absent is still more true than empty."""
    dataset = one(ProcedureCodeSequence={"vr": "SQ", "BulkDataURI": "x"}).dataset()

    assert "ProcedureCodeSequence" not in dataset
    assert "x" == left_out(dataset)[Tag("ProcedureCodeSequence")].uri


def test_errors_say_what_was_asked() -> None:
    """In the words of whoever asked."""
    for content in (b"[", b"<", b"{}"):
        with pytest.raises(ProtocolViolationError, match=r"^GET http://x: ") as caught:
            list(parse(content, asked="GET http://x"))
        assert "GET http://x" == caught.value.asked


def test_value_that_came_is_preferred_to_a_reference() -> None:
    """Some archives send both."""
    attribute = {"vr": "OW", "BulkDataURI": "http://x", "InlineBinary": "AQID"}

    assert b"\1\2\3" == one(PixelData=attribute).dataset().PixelData


def test_what_an_item_of_a_sequence_lacks_is_noted_there() -> None:
    """Each data set knows of its own attributes, also after it has travelled."""
    icon = {"PixelData": {"vr": "OB", "BulkDataURI": "icon/1"}}
    dataset = one(IconImageSequence=[icon]).dataset()

    for found in (dataset, copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        assert {} == left_out(found)
        assert "icon/1" == left_out(found.IconImageSequence[0])[Tag("PixelData")].uri


def test_sequences_nested_too_deeply_are_left_out_and_noted() -> None:
    """As many as the limit says may be inside each other."""
    nested: dict[str, Any] = {"CodeValue": "deep"}
    for _ in range(4):
        nested = {"ProcedureCodeSequence": {"vr": "SQ", "Value": [nested]}}
    (item,) = parse(page(nested), JSONLimits(depth=3))
    found = item.dataset()
    for _ in range(3):
        found = found.ProcedureCodeSequence[0]

    assert "ProcedureCodeSequence" not in found
    assert "nested" in left_out(found)[Tag("ProcedureCodeSequence")].reason


def test_empty_sequences_may_be_as_deep_as_they_like() -> None:
    """Nothing of theirs is lost."""
    (item,) = parse(page({"ProcedureCodeSequence": []}), JSONLimits(depth=0))

    assert "ProcedureCodeSequence" in item.dataset()


def test_plain_data_set_lacks_nothing() -> None:
    """What did not come from JSON has nothing left out."""
    assert {} == left_out(Dataset())


def test_no_value_slips_into_a_warning_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """pydicom quotes what breaks the rules of a VR."""
    vrs = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT AT FD FL SL SS UL US SV UV".split()
    attributes = {
        f"0009{0x1000 + n:04X}": {"vr": vr, "Value": [SECRET * 20] * 2} for n, vr in enumerate(vrs)
    }
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        (item,) = parse(page({"00090010": "ACME", **attributes}))
        dataset = item.dataset()
        read = [dataset[tag].value for tag in dataset.keys()]  # noqa: SIM118

    assert len(vrs) + 2 == len(read)
    assert [] == caught
    assert SECRET not in caplog.text


# ---------------------------------------------------------------- trees


@pytest.fixture
def study() -> Study:
    """A study whose data nobody has looked at."""
    assembler = Assembler()
    for item in parse(page(listed("1.2.1"), listed("1.2.2"))):
        assembler.add(item, DICOMObjectLevels.INSTANCE)
    return assembler.finish().studies[0]


def test_attributes_go_to_the_object_they_describe(study: Study) -> None:
    """Each level has its own, and the character set."""
    instance = study.all_instances()[1]
    (series,) = study.series

    assert {"SpecificCharacterSet", "StudyInstanceUID", "PatientName"} == set(study.data.dir())
    assert {"SpecificCharacterSet", "SeriesInstanceUID", "Modality"} == set(series.data.dir())
    assert {"SpecificCharacterSet", "SOPInstanceUID", "InstanceNumber"} == set(instance.data.dir())
    assert "1.2.2" == instance.data.SOPInstanceUID


def test_data_are_made_when_looked_at(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """To list a study, to count it and to refer to it makes none."""
    monkeypatch.delattr("gurney.dicomweb.dicomjson.parsing.to_dataset")

    assert 2 == len([str(instance.reference()) for instance in study.all_instances()])
    assert study == Study(
        "1", series=[Series("1.2", instances=[Instance("1.2.1"), Instance("1.2.2")])]
    )


def test_changed_data_stay_changed(study: Study) -> None:
    """The data set made first is the one, for the object and for its copies."""
    instance = study.all_instances()[0]
    before = attrs.evolve(instance)
    instance.data.InstanceNumber = 9

    assert instance.data is instance.data
    assert 9 == before.data.InstanceNumber
    assert instance.data is attrs.evolve(instance).data


@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize("through", [copy.deepcopy, sent])
def test_trees_travel(study: Study, through: Callable[[Study], Study], looked: bool) -> None:
    """The data arrive, whether somebody had looked at them or not, and are independent."""
    if looked:
        assert 7 == study.all_instances()[0].data.InstanceNumber
    other = through(study)
    other.all_instances()[0].data.InstanceNumber = 9

    assert study == other
    assert other is other.all_instances()[0].root()
    assert 9 == other.all_instances()[0].data.InstanceNumber
    assert 7 == study.all_instances()[0].data.InstanceNumber
    assert "CT" == other.series[0].data.Modality


def test_two_threads_see_one_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though each of them makes one."""
    both_are_making = Barrier(2)

    def make(*arguments: Any, depth: int) -> Dataset:
        both_are_making.wait()
        return to_dataset(*arguments, depth=depth)

    monkeypatch.setattr("gurney.dicomweb.dicomjson.parsing.to_dataset", make)
    later = one(PatientID="7").part(lambda _: True)
    seen: list[Dataset] = []
    threads = [Thread(target=lambda: seen.append(later())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen[0] is seen[1] is later()
    assert "7" == later().PatientID


def test_q22_items_without_uid_or_listed_twice_are_held_back() -> None:
    """Held back as data sets that can be looked at; the tree has the others."""
    assembler = Assembler()
    nameless = listed("")
    for item in parse(page(listed("1.2.1"), nameless, listed("1.2.1"), None)):
        assembler.add(item, DICOMObjectLevels.INSTANCE)
    assembly = assembler.finish()
    reasons = [item.reason.partition(";")[0] for item in assembly.held_back]

    assert ["1.2.1"] == [it.uid for study in assembly.studies for it in study.all_instances()]
    assert ["instance UID is empty", "is listed more than once", "study UID is empty"] == reasons
    assert "CT" == assembly.held_back[0].data.Modality


def test_q33_two_patients_in_one_study_are_noted() -> None:
    """As for data sets."""
    assembler = Assembler()
    for item in parse(page(listed("1", PatientID="7"), listed("2", PatientID="8"))):
        assembler.add(item, DICOMObjectLevels.INSTANCE)

    assert ("study 1 holds more than one PatientID",) == assembler.finish().notes


# ---------------------------------------------------------------- re-checking


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(PatientName="jane^d*"),
        Query(PatientName="jane^d*", PatientID="7"),
        Query(PatientID="8"),
        Query(StudyInstanceUID="1"),
        Query(min_study_date="20240101"),
    ],
    ids=lambda query: query.to_short_string(),
)
def test_q15_items_are_checked_as_data_sets_are(query: Query) -> None:
    """One after the other, the same ones and others."""
    content = page(
        listed("1"),
        listed("2"),
        listed("3", PatientID="7"),
        listed("4", PatientID="8", StudyDate="20231231"),
        listed("5", _00100010="other"),
        listed("1"),
    )
    check = rechecker(query)

    for item in parse(content):
        assert matches(query, item.dataset()) == check(item)


DEEP = b'{"Value":[' * 400 + b"7" + b"]}" * 400


def further_down(frames: int, call: Callable[[], Any]) -> Any:
    """Call with less room on the stack."""
    return further_down(frames - 1, call) if frames else call()


def test_deeply_nested_keys_are_checked_all_the_same() -> None:
    """JSON that was not too deep to parse may be too deep to compare, later and further down."""
    items = list(parse(b'[{"PatientID": %b}, {"PatientID": %b}]' % (DEEP, DEEP)))
    check = rechecker(Query(PatientID="7"))

    for item in items:
        assert ("PatientID",) == further_down(250, partial(check, item)).unverified


def test_deeply_nested_data_are_made_or_refused() -> None:
    """Which of both depends on how much room is left when they are looked at."""
    (item,) = parse(b'[{"PatientID": %b, "Modality": "CT"}]' % DEEP)
    later = item.part(lambda _: True)
    with suppress(BudgetExceededError):
        further_down(250, later)

    assert "CT" == later().Modality


def test_reading_says_what_is_absent() -> None:
    """Absent, empty and unreadable are three things."""
    item = one(PatientID={"vr": "LO"}, PatientName={"vr": "PN", "Value": [7, {"x": 1}]})

    assert item.reading("AccessionNumber") is None
    assert Reading("LO", ()) == item.reading("PatientID")
    assert isinstance(item.reading("PatientName"), LeftOut)


def test_written_file_keeps_raw_numbers() -> None:
    """What is no number is still the archive's: a file of it can be written and read."""
    dataset = one(SeriesNumber="A7", SOPInstanceUID=UID, SOPClassUID="1.2").dataset()
    file = BytesIO()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(file, dataset, enforce_file_format=True)

    assert ("A7",) == texts(dcmread(BytesIO(file.getvalue())), "SeriesNumber")
