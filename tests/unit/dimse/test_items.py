"""Responses read leniently and lazily: whatever came, nothing is raised."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from gurney.core import DICOMObjectLevels, Query, assemble, matches, text, texts
from gurney.core.matching import Match
from gurney.dimse.find.charsets import decoder
from gurney.dimse.find.items import ResponseItem
from gurney.searching import rechecker

SYNTAXES: Final = pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
KEYWORDS: Final = (
    "StudyInstanceUID",
    "PatientName",
    "PatientID",
    "ModalitiesInStudy",
    "InstanceNumber",
    "Rows",
    "PixelSpacing",
    "PatientComments",
    "RequestAttributesSequence",
    "FrameIncrementPointer",
    "PixelData",
    "Nonsense",
)


def written(dataset: Dataset, implicit: bool) -> bytes:
    """Return a data set as pydicom writes it."""
    output = DicomBytesIO()
    output.is_implicit_VR, output.is_little_endian = implicit, True
    write_dataset(output, dataset)
    return output.getvalue()


def example() -> Dataset:
    """Return something of each kind."""
    dataset, request = Dataset(), Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.QueryRetrieveLevel = "IMAGE"
    dataset.PatientName = "Müller^Jürgen"
    dataset.PatientID = ""
    dataset.StudyInstanceUID = "1.2.3"
    dataset.ModalitiesInStudy = ["CT", "MR"]
    dataset.InstanceNumber = 7
    dataset.Rows = 512
    dataset.FrameIncrementPointer = [0x00181063, 0x00540010]
    dataset.PixelSpacing = [0.5, 0.25]
    dataset.PatientComments = "one\\two"
    request.RequestedProcedureID = "Ä1"
    dataset.RequestAttributesSequence = [request, Dataset()]
    return dataset


def item(dataset: Dataset, implicit: bool = False) -> ResponseItem:
    """Return a data set as a response that has come."""
    return ResponseItem(written(dataset, implicit), implicit=implicit)


def element(tag: str, vr: str, value: bytes) -> bytes:
    """Return an element in explicit VR, as it is, of any length."""
    group, number = bytes.fromhex(tag[:4])[::-1], bytes.fromhex(tag[4:])[::-1]
    return group + number + vr.encode() + len(value).to_bytes(2, "little") + value


@SYNTAXES
def test_values_are_read_as_text(implicit: bool) -> None:
    """All of them, whatever their VR; none of what is empty, absent, binary or a sequence."""
    found = item(example(), implicit)

    assert [
        ("1.2.3",),
        ("Müller^Jürgen",),
        (),
        ("CT", "MR"),
        ("7",),
        ("512",),
        ("0.5", "0.25"),
        ("one\\two",),
        (),
        ("00181063", "00540010"),
        (),
        (),
    ] == [found.texts(keyword) for keyword in KEYWORDS]
    assert ["1.2.3", "Müller^Jürgen", "", "CT", "7", "512"] == [
        found.text(keyword) for keyword in KEYWORDS[:6]
    ]


@SYNTAXES
def test_a_data_set_says_the_same(implicit: bool) -> None:
    """Text has been decoded; the level is no attribute of the object."""
    dataset = item(example(), implicit).dataset()

    assert ("Müller^Jürgen", "7", "512") == tuple(
        text(dataset, keyword) for keyword in ("PatientName", "InstanceNumber", "Rows")
    )
    assert ("CT", "MR") == texts(dataset, "ModalitiesInStudy")
    assert ["Ä1", ""] == [text(one, "RequestedProcedureID") for one in dataset[0x00400275].value]
    assert "QueryRetrieveLevel" not in dataset
    assert "ISO_IR 192" == dataset.SpecificCharacterSet
    assert example().PatientName == pickle.loads(pickle.dumps(dataset)).PatientName


def test_parts_are_made_once_and_travel() -> None:
    """What is known of an object is made when somebody looks, always the same one."""
    (study,) = assemble([item(example())], DICOMObjectLevels.STUDY).studies

    assert study.data is study.data
    assert "Müller^Jürgen" == text(pickle.loads(pickle.dumps(study)).data, "PatientName")


@pytest.mark.parametrize("implicit", [False, True])
@given(st.binary(max_size=300))
def test_whatever_comes_is_an_item(implicit: bool, content: bytes) -> None:
    """No bytes make it raise, nor make it warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ResponseItem(content, implicit=implicit)
        said = [(found.text(keyword), found.texts(keyword)) for keyword in KEYWORDS]
        list(found.dataset())
        list(found.part(lambda _: True)())

    assert all((first or "") == (rest[0] if rest else "") for first, rest in said)


@SYNTAXES
@given(st.data())
def test_damage_anywhere_is_survived(implicit: bool, data: st.DataObject) -> None:
    """Bytes of a real response, some of which are others, and which may end anywhere."""
    content = bytearray(written(example(), implicit))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    found = ResponseItem(cut, implicit=implicit)
    list(found.dataset())

    assert all(isinstance(found.text(keyword), str) for keyword in KEYWORDS)


@SYNTAXES
def test_what_is_cut_is_read_as_far_as_it_goes(implicit: bool) -> None:
    """And says so."""
    content = written(example(), implicit)
    found = ResponseItem(content[:-1], implicit=implicit)

    assert (False, True) == (ResponseItem(content, implicit=implicit).damaged, found.damaged)
    assert "1.2.3" == found.text("StudyInstanceUID")


def test_lengths_are_never_believed() -> None:
    """Four billion bytes are announced, and two come."""
    found = ResponseItem(
        element("0020000D", "UI", b"1.2.3\0") + b"\x40\x00\x75\x02SQ\0\0\xfe\xff\xff\xffAB",
        implicit=False,
    )

    assert ("1.2.3", True) == (found.text("StudyInstanceUID"), found.damaged)


@SYNTAXES
def test_sequences_of_undefined_length_are_passed_over(implicit: bool) -> None:
    """However deep they are nested; what follows is found."""
    inner, middle, outer = Dataset(), Dataset(), Dataset()
    inner.RequestedProcedureID = "R1"
    middle.RequestAttributesSequence = [inner]
    outer.RequestAttributesSequence = [middle]
    outer.SOPInstanceUID, outer[0x00400275].is_undefined_length = "1.2", True
    middle[0x00400275].is_undefined_length = True
    outer.ContentLabel = "AFTER"
    for sequence in (middle[0x00400275].value, outer[0x00400275].value):
        sequence[0].is_undefined_length_sequence_item = True
    found = item(outer, implicit)
    (one,) = found.dataset()[0x00400275].value
    (two,) = one[0x00400275].value

    assert not found.damaged
    assert "AFTER" == found.text("ContentLabel")
    assert "R1" == text(two, "RequestedProcedureID")


def test_the_other_way_of_writing_is_seen() -> None:
    """Some archives do not write what was agreed on."""
    explicit, implicit = written(example(), False), written(example(), True)

    assert "1.2.3" == ResponseItem(explicit, implicit=True).text("StudyInstanceUID")
    assert "1.2.3" == ResponseItem(implicit, implicit=False).text("StudyInstanceUID")


@pytest.mark.parametrize("padding", [b"", b"\0", b" ", b"\0\0", b"  ", b" \0"])
def test_padding_is_no_part_of_a_value(padding: bytes) -> None:
    """Neither NUL nor space, however many."""
    content = element("00100020", "LO", b"A" + padding) + element("0020000D", "UI", b"1" + padding)
    found = ResponseItem(content, implicit=False)

    assert ("A", "1") == (found.text("PatientID"), found.text("StudyInstanceUID"))


@pytest.mark.parametrize("uid", ["1.2.03", "abc", "1." * 60, "1.2.\xe9"])
def test_odd_uids_are_kept_as_they_are(uid: str) -> None:
    """Archives hold them; what is no ASCII shows that it could not be read."""
    raw = uid.encode("latin-1")
    found = ResponseItem(element("0020000D", "UI", raw), implicit=False)

    assert uid.replace("\xe9", "\N{REPLACEMENT CHARACTER}") == found.text("StudyInstanceUID")


@pytest.mark.parametrize("spelt", ["7", "+7", "0007", " 7 ", "7\0"])
def test_numbers_are_numbers_however_they_are_spelt(spelt: str) -> None:
    """Their text stays as it was (D26)."""
    found = ResponseItem(element("00200013", "IS", spelt.encode()), implicit=False)

    assert 7 == int(found.text("InstanceNumber"))
    assert 7 == int(found.dataset().InstanceNumber)


def test_a_number_that_is_none_stays_text() -> None:
    """And nobody is warned with its value."""
    found = ResponseItem(element("00200013", "IS", b"DOE^JOHN"), implicit=False)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = found.dataset()[0x00200013].value

    assert "DOE^JOHN" == value


# ---------------------------------------------------------------- character sets


@pytest.mark.parametrize(
    ("declared", "raw", "expected"),
    [
        (b"", b"DOE^JOHN", "DOE^JOHN"),
        (b"ISO_IR 100", "Müller".encode("latin-1"), "Müller"),
        (b"ISO_IR 100", "Müller".encode(), "Müller"),
        (b"", "Müller".encode(), "Müller"),
        (b"iso ir 192 ", "山田".encode(), "山田"),
        (b"ISO_IR 192", "山田".encode(), "山田"),
        (b"GB18030", "王^小东".encode("gb18030"), "王^小东"),
        (b"GBK", "王^小东".encode("gbk"), "王^小东"),
        (b"ISO 2022 GBK", "王^小东".encode("gbk"), "王^小东"),
        (b"ISO_IR 144", "Люкceмбypг".encode("iso8859-5"), "Люкceмбypг"),
        (b"ISO_IR 127", "قباني^لنزار".encode("iso8859-6"), "قباني^لنزار"),
        (b"ISO_IR 138", "שרון^דבורה".encode("iso8859-8"), "שרון^דבורה"),
        (b"ISO_IR 166", "นามสกุล".encode("tis-620"), "นามสกุล"),
        (b"ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        (
            rb"\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            rb"ISO 2022 IR 13\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        ),
        (
            rb"\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            rb"\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab",
            "Zhang^XiaoDong=张^小东",
        ),
        (rb"ISO 2022 IR 100\ISO 2022 IR 144", b"M\xfcller=\x1b-L\xbb\xee", "Müller=Лю"),
    ],
)
def test_text_is_read_in_its_character_set(declared: bytes, raw: bytes, expected: str) -> None:
    """The examples of PS3.5 annexes H to K, and what archives make of declarations."""
    assert expected == decoder(declared).text(raw)


@pytest.mark.parametrize("declared", [b"", b"NONSENSE", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 192"])
@pytest.mark.parametrize(
    "raw",
    ["王^小东".encode("gb18030"), "홍^길동".encode("euc_kr"), "山田^太郎".encode("shift_jis")],
)
def test_what_cannot_be_read_says_so(declared: bytes, raw: bytes) -> None:
    """Nobody takes it for another text: a comparison tells nothing, rather than "different"."""
    dataset = ResponseItem(
        element("00080005", "CS", declared + b" " * (len(declared) % 2))
        + element("00100010", "PN", raw),
        implicit=False,
    ).dataset()

    assert Match.UNVERIFIED is matches(Query(PatientName="王^小东"), dataset)["PatientName"]
    assert Match.UNVERIFIED is matches(Query(PatientName="DOE*"), dataset)["PatientName"]


@pytest.mark.parametrize(
    "raw", [b"\x1b", b"\x1b$", b"A\x1b$B;", b"\x1b$)C\xfb", b"\x1b%GA", b"\xff"]
)
@pytest.mark.parametrize("declared", [b"", rb"\ISO 2022 IR 87", rb"\ISO 2022 IR 149", b"GBK"])
def test_broken_escapes_are_read_somehow(declared: bytes, raw: bytes) -> None:
    """And show that they are damaged."""
    read = decoder(declared).text(raw)

    assert not read.isascii() or "\x1b" in read


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_text_is_read_in_any_character_set(declared: bytes, raw: bytes) -> None:
    """Nothing is raised; what is read can be written."""
    decoder(declared).text(raw).encode()


def test_the_same_bytes_in_another_character_set_are_not_the_same() -> None:
    """A comparison that was made for one item is not taken over for the other."""
    items: Sequence[ResponseItem] = [
        ResponseItem(
            element("00080005", "CS", charset) + element("00100010", "PN", b"M\xfcller"),
            implicit=False,
        )
        for charset in (b"ISO_IR 100", b"ISO_IR 144")
    ]
    check = rechecker(Query(PatientName="Müller"))

    assert [True, False] == [check(one).matched for one in items]
