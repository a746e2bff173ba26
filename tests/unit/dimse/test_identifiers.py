"""From questions to the bytes of identifiers: what is sent, and what never is."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMObjectLevels,
    ExtendedQuery,
    InvalidUIDError,
    Query,
    QueryError,
    text,
)
from gurney.dimse.find.charsets import ASCII, decoder, sets_for
from gurney.dimse.find.elements import layout
from gurney.dimse.find.identifiers import check_query, encoded, level_name, values_of
from gurney.dimse.find.values import check_value
from gurney.searching import Question

STUDY, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)
SYNTAXES: Final = pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])


def read(content: bytes, implicit: bool) -> Dataset:
    """Return what pydicom makes of an identifier."""
    syntax = b"1.2.840.10008.1.2\0" if implicit else b"1.2.840.10008.1.2.1\0"
    syntax += b"\0" * (len(syntax) % 2)
    meta = b"\x02\x00\x10\x00UI" + len(syntax).to_bytes(2, "little") + syntax
    head = b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little")
    return dcmread(BytesIO(bytes(128) + b"DICM" + head + meta + content))


@SYNTAXES
def test_an_identifier_is_what_pydicom_reads(implicit: bool) -> None:
    """Level, keys, fields of no length, in the order of their tags."""
    question = Question(STUDY, {"PatientName": "DOE*"}, ("StudyDate", "RequestAttributesSequence"))
    values = values_of(attrs.evolve(question, fields=("StudyDate",)), relational=False)
    found = read(encoded("STUDY", values, ASCII, implicit=implicit), implicit)

    assert ["StudyDate", "QueryRetrieveLevel", "PatientName", "StudyInstanceUID"] == [
        element.keyword for element in found
    ]
    assert ("STUDY", "DOE*", "") == (
        text(found, "QueryRetrieveLevel"),
        text(found, "PatientName"),
        text(found, "StudyDate"),
    )


@SYNTAXES
def test_sequences_and_long_vrs_are_asked_for(implicit: bool) -> None:
    """Those whose length takes four bytes, too."""
    values = dict.fromkeys(["RequestAttributesSequence", "PixelData", "Rows"], "")
    found = read(encoded("IMAGE", values, ASCII, implicit=implicit), implicit)

    assert set(values) < {element.keyword for element in found}


@SYNTAXES
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\"), min_size=1))
def test_text_arrives_in_any_character_set_that_is_offered(implicit: bool, name: str) -> None:
    """Whatever set is chosen, it is declared, unless it is ASCII; all bytes are of even length."""
    for charset in sets_for([name]):
        content = encoded("STUDY", {"PatientID": name}, charset, implicit=implicit)
        places, whole, _ = layout(content, implicit)
        declared = places.get(0x00080005)
        _, start, stop = places[0x00100020]
        term = content[declared[1] : declared[2]] if declared else b""

        assert whole
        assert len(content) % 2 == 0
        assert (term.strip() == b"") == name.isascii()
        assert decoder(term).text(content[start:stop]).rstrip(" ") == name.rstrip(" ") or (
            charset.term == "ISO_IR 100"  # which can be taken for UTF-8, see `decoder`
        )


def test_ascii_needs_no_character_set() -> None:
    """What archives know best, in any other case: Latin-1 if that is enough, and UTF-8."""
    assert [""] == [each.term for each in sets_for(["DOE^JOHN"])]
    assert ["ISO_IR 100", "ISO_IR 192"] == [each.term for each in sets_for(["Müller"])]
    assert ["ISO_IR 192"] == [each.term for each in sets_for(["Müller", "山田"])]


@pytest.mark.parametrize(
    ("level", "above", "name"),
    [(STUDY, (), "STUDY"), (SERIES, ("1.2",), "SERIES"), (INSTANCE, ("1.2", "1.3"), "IMAGE")],
)
def test_unique_keys_of_all_levels_above_are_sent(
    level: DICOMObjectLevels, above: tuple[str, ...], name: str
) -> None:
    """With one value each; that of the level itself is asked for."""
    values = values_of(Question(level, above=above), relational=False)

    assert name == level_name(level)
    assert [*above, ""] == [
        values[uid]
        for uid in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")[: len(above) + 1]
    ]


def test_fields_of_other_levels_are_left_out_of_hierarchical_questions() -> None:
    """They are not allowed there (PS3.4 C.4.1.2.2.1); PatientID tells patients apart (Q33)."""
    question = Question(SERIES, fields=("Modality", "StudyDate", "PatientID"), above=("1.2",))

    hierarchical = values_of(question, relational=False)
    relational = values_of(question, relational=True)

    assert {"Modality", "PatientID", "SeriesInstanceUID", "StudyInstanceUID"} == set(hierarchical)
    assert "StudyDate" in relational


@pytest.mark.parametrize("uid", ["", "*", "1.2*", "1.2?", "1.2\\1.3", " ", "1.2\0"])
def test_what_is_no_uid_never_stands_for_what_is_above(uid: str) -> None:
    """An empty one would mean everything (D09)."""
    with pytest.raises(InvalidUIDError):
        values_of(Question(SERIES, above=(uid,)), relational=False)


def test_only_uids_may_be_lists() -> None:
    """Of other keys several values have no agreed meaning (PS3.4 C.2.2.2.8)."""
    uids = Question(STUDY, {"StudyInstanceUID": "1.2\\1.3"})

    assert "1.2\\1.3" == values_of(uids, relational=False)["StudyInstanceUID"]
    with pytest.raises(QueryError, match="ModalitiesInStudy takes one value"):
        values_of(Question(STUDY, {"ModalitiesInStudy": "CT\\MR"}), relational=False)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientID", "LO", "A" * 64),
        ("PatientID", "LO", "A" * 64 + "*"),
        ("AccessionNumber", "SH", "山" * 16),
        ("PatientName", "PN", "=".join(["A" * 64] * 3)),
        ("PatientName", "PN", "A^B^C^D^E"),
        ("StudyDate", "DA", "20240101"),
        ("StudyDate", "DA", "20240101-"),
        ("StudyDate", "DA", "-20240101"),
        ("StudyDate", "DA", "20240101-20241231"),
        ("StudyDate", "DA", '""'),
        ("StudyTime", "TM", "12"),
        ("StudyTime", "TM", "1200-115959.999999"),
        ("ModalitiesInStudy", "CS", "C?"),
        ("InstanceNumber", "IS", "-4"),
        ("PatientAge", "AS", "018M"),
        ("PatientWeight", "DS", "1.5"),
        ("RetrieveAETitle", "AE", "AE_1"),
        ("AcquisitionDateTime", "DT", "20240101120000.5+0100"),
        ("StudyInstanceUID", "UI", "1.2.03.a"),
        ("StudyInstanceUID", "UI", "1." * 37 + "1"),
        ("PatientComments", "LT", "a\nb"),
        ("RetrieveURL", "UR", "http://x"),
        ("StudyDate", "DA", ""),
    ],
)
def test_what_a_vr_allows_passes(keyword: str, vr: str, value: str) -> None:
    """To its full length; wildcards do not count. Odd UIDs are what archives hold."""
    check_value(keyword, vr, value)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientID", "LO", "A" * 65),
        ("PatientID", "LO", "A\\B"),
        ("PatientID", "LO", "A\x1bB"),
        ("AccessionNumber", "SH", "A" * 17),
        ("PatientName", "PN", "A" * 65),
        ("PatientName", "PN", "A=B=C=D"),
        ("PatientName", "PN", "A^B^C^D^E^F"),
        ("PatientName", "PN", "A\nB"),
        ("StudyDate", "DA", "2024-01-01"),
        ("StudyDate", "DA", "202401*"),
        ("StudyDate", "DA", "-"),
        ("StudyDate", "DA", "２０２４０１０１"),
        ("StudyTime", "TM", "12:00"),
        ("StudyTime", "TM", "2500"),
        ("ModalitiesInStudy", "CS", "ct"),
        ("InstanceNumber", "IS", "4*"),
        ("InstanceNumber", "IS", "1.5"),
        ("PatientAge", "AS", "18"),
        ("PatientWeight", "DS", "many"),
        ("RetrieveAETitle", "AE", "A" * 17),
        ("AcquisitionDateTime", "DT", "yesterday"),
        ("StudyInstanceUID", "UI", "1.2*"),
        ("StudyInstanceUID", "UI", "1.2 "),
        ("StudyInstanceUID", "UI", "1." * 64 + "1"),
        ("StudyInstanceUID", "UI", "1.é"),
        ("PixelData", "OW", "A"),
        ("ReferencedStudySequence", "SQ", "A"),
    ],
)
def test_what_a_vr_does_not_allow_is_refused_without_being_quoted(
    keyword: str, vr: str, value: str
) -> None:
    """The message says which key and VR, and what to do."""
    with pytest.raises(QueryError) as caught:
        check_value(keyword, vr, value)

    message = str(caught.value)
    assert keyword in message
    assert vr in message
    assert len(value) < 3 or value not in message


def test_each_of_several_values_is_checked() -> None:
    """They are sent one by one."""
    check_query(Query(ModalitiesInStudy=["CT", "MR"]))

    with pytest.raises(QueryError, match="ModalitiesInStudy"):
        check_query(Query(ModalitiesInStudy=["CT", "mr"]))


def test_a_query_without_keys_is_legal() -> None:
    """It asks for everything."""
    check_query(ExtendedQuery())
