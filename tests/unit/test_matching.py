"""Attribute matching, rule by rule (PS3.4 C.2.2.2) and quirk by quirk."""

from __future__ import annotations

import pickle
import traceback
import warnings
from datetime import date

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from gurney.core.errors import QueryError
from gurney.core.matching import Match, Matches, matcher, matches
from gurney.core.query import ExtendedQuery, Query
from gurney.core.values import put

MATCHED, NOT_MATCHED, UNVERIFIED = Match.MATCHED, Match.NOT_MATCHED, Match.UNVERIFIED


def data(**attributes: str) -> Dataset:
    """A data set; several values are separated by a backslash, as in DICOM."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        put(dataset, keyword, value.split("\\"))
    return dataset


def raw(keyword: str, vr: str | None, value: bytes) -> Dataset:
    """A data set as it is read from a file, its only value not looked at yet."""
    tag = Tag(keyword)
    dataset = Dataset()
    dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, vr is None, True)
    return dataset


def answer(keyword: str, key: str, value: str) -> Match:
    return matches(data(**{keyword: key}), data(**{keyword: value}))[keyword]


# ---------------------------------------------------------------- the report


def test_report_has_one_answer_for_each_key_in_the_order_of_the_query() -> None:
    """A mapping from keyword to answer, comparable with a plain dict."""
    query = data(StudyDate="20240101", Modality="CT", PatientName="DOE", PatientID="1")
    report = matches(query, data(PatientID="2", Modality="CT"))

    assert ["StudyDate", "Modality", "PatientName", "PatientID"] == list(report)
    assert {
        "StudyDate": UNVERIFIED,
        "Modality": MATCHED,
        "PatientName": UNVERIFIED,
        "PatientID": NOT_MATCHED,
    } == report
    assert ("PatientID",) == report.unmatched
    assert ("StudyDate", "PatientName") == report.unverified
    assert not report.matched


def test_report_is_matched_unless_a_key_speaks_against_it() -> None:
    """An unverified key leaves the data set in the result, and is named."""
    report = matches(data(PatientID="1", Modality="CT"), data(PatientID="1"))

    assert report.matched
    assert ("Modality",) == report.unverified
    assert () == report.unmatched


def test_report_of_a_query_without_keys_is_matched() -> None:
    """Nothing asked, nothing against it."""
    report = matches(Query(), data(PatientID="1"))

    assert {} == report
    assert report.matched


def test_report_is_small_immutable_and_survives_pickling() -> None:
    """It travels between processes and holds no value of the data set."""
    report = matches(data(PatientID="SECRET"), data(PatientID="SECRET"))

    assert report == pickle.loads(pickle.dumps(report))
    assert b"SECRET" not in pickle.dumps(report)
    assert "SECRET" not in repr(report)
    with pytest.raises(AttributeError):
        report.answers = ()  # type: ignore[misc]  # it is frozen


def test_report_does_not_know_other_keys() -> None:
    """A keyword that was not asked for is a KeyError, not an answer."""
    with pytest.raises(KeyError, match="Modality"):
        matches(data(PatientID="1"), Dataset())["Modality"]


# ---------------------------------------------------------------- queries


def test_query_dates_are_a_range_and_lists_are_alternatives() -> None:
    """A `Query` means what its identifier says."""
    query = Query(
        StudyInstanceUID=["1.2", "1.3"],
        ModalitiesInStudy=["CT", "MR"],
        min_study_date=date(2024, 1, 1),
        max_study_date=date(2024, 1, 31),
    )
    match = matcher(query)
    good = data(StudyInstanceUID="1.3", ModalitiesInStudy="SR\\MR", StudyDate="20240131")
    bad = data(StudyInstanceUID="1.4", ModalitiesInStudy="SR", StudyDate="20240201")

    assert set(match(good).values()) == {MATCHED}
    assert set(match(bad).values()) == {NOT_MATCHED}
    assert {"StudyDate", "StudyInstanceUID", "ModalitiesInStudy"} == set(match(bad))


def test_extended_query_matches_its_own_keys() -> None:
    """Keys of a subclass count like any other."""
    query = ExtendedQuery(PatientSex="F", PatientBirthDate="19600101-19691231")

    assert matches(query, data(PatientSex="F", PatientBirthDate="19650704")).matched
    assert ("PatientBirthDate",) == matches(
        query, data(PatientSex="F", PatientBirthDate="1970")
    ).unmatched


def test_parts_of_an_identifier_that_are_no_keys_are_passed_over() -> None:
    """SpecificCharacterSet is never matched (PS3.4 C.2.2.2); the level says where to search."""
    query = data(SpecificCharacterSet="ISO_IR 192", QueryRetrieveLevel="STUDY", PatientID="1")
    query.add_new(0x00100000, "UL", 10)  # a group length

    assert ["PatientID"] == list(matches(query, data(PatientID="1")))


def test_q15_d05_an_ignored_key_is_found_out() -> None:
    """Q15, D05: the archive ignored a key; its answer is not what was asked for."""
    query = Query(PatientID="1", AccessionNumber="A7")

    assert ("AccessionNumber",) == matches(
        query, data(PatientID="1", AccessionNumber="B")
    ).unmatched


def test_q16_a_key_the_archive_does_not_know_is_unverified() -> None:
    """Q16: an absent attribute proves nothing, in either direction."""
    assert UNVERIFIED is matches(data(StudyDescription="HEAD"), Dataset())["StudyDescription"]


# ---------------------------------------------------------------- kinds of matching


@pytest.mark.parametrize("key", ["", "*", "  ", "**"])
def test_universal_matching(key: str) -> None:
    """C.2.2.2.3: an empty key or ``*`` matches anything, an absent attribute too."""
    query = data(PatientID=key)

    assert MATCHED is matches(query, data(PatientID="1"))["PatientID"]
    assert MATCHED is matches(query, data(PatientID=""))["PatientID"]
    assert MATCHED is matches(query, Dataset())["PatientID"]


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "StudyDate", "StudyTime", "PatientAge"])
def test_universal_star_of_vrs_without_wildcards(keyword: str) -> None:
    """``*`` alone is universal whatever the VR."""
    assert MATCHED is answer(keyword, "*", "1")


def test_empty_value_matching() -> None:
    """C.2.2.2.7: two quotes match what is present and empty, and nothing else."""
    query = data(PatientID='""')

    assert MATCHED is matches(query, data(PatientID=""))["PatientID"]
    assert MATCHED is matches(query, raw("PatientID", "LO", b"  "))["PatientID"]
    assert MATCHED is matches(query, raw("PatientID", "LO", b""))["PatientID"]
    assert NOT_MATCHED is matches(query, data(PatientID="1"))["PatientID"]
    assert UNVERIFIED is matches(query, Dataset())["PatientID"]


@pytest.mark.parametrize(
    "keyword", ["PatientID", "StudyDate", "StudyInstanceUID", "InstanceNumber"]
)
def test_an_empty_attribute_does_not_match_a_value(keyword: str) -> None:
    """Empty is not absent: it was compared, and differs."""
    query = data(**{keyword: "20240101"})
    empty = Dataset()
    setattr(empty, keyword, None)

    assert NOT_MATCHED is matches(query, empty)[keyword]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("CT", "CT", MATCHED),
        (" CT", "CT ", MATCHED),
        ("CT", "ct", NOT_MATCHED),
        ("CT", "CTA", NOT_MATCHED),
        ("CT", "MR\\CT", MATCHED),
        ("CT\\MR", "MR", MATCHED),
        ("CT\\MR", "SR\\US", NOT_MATCHED),
        ("CT\\", "MR", NOT_MATCHED),
        ("C?\\M?", "MR", MATCHED),
    ],
)
def test_single_and_several_values(key: str, value: str, expected: Match) -> None:
    """C.2.2.2.1: equal but for padding, case counts; several values are alternatives."""
    assert expected is answer("Modality", key, value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("1.2.3", "1.2.3", MATCHED),
        ("1.2.3", "1.2.3\0", MATCHED),
        ("1.2.3", "1.2.3 ", MATCHED),
        ("1.2.3", "1.2.30", NOT_MATCHED),
        ("1.2\\1.3", "1.3", MATCHED),
        ("1.2\\1.3", "1.4", NOT_MATCHED),
        ("1.02.a", "1.02.a", MATCHED),
    ],
)
def test_list_of_uid_matching(key: str, value: str, expected: Match) -> None:
    """C.2.2.2.2: any of the list, exactly but for padding; odd UIDs are kept as they are."""
    assert expected is answer("StudyInstanceUID", key, value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("A*", "A", MATCHED),
        ("A*", "ABC", MATCHED),
        ("A*", "BA", NOT_MATCHED),
        ("*A", "BA", MATCHED),
        ("*B*", "ABC", MATCHED),
        ("A?C", "ABC", MATCHED),
        ("A?C", "AC", NOT_MATCHED),
        ("?", "", NOT_MATCHED),
        ("AB*BA", "ABA", NOT_MATCHED),
        ("A*B?D*E", "AxBxxDyE", NOT_MATCHED),
        ("A*B?D*E", "AxBxByDyE", MATCHED),
        ("a*", "ABC", NOT_MATCHED),
        ("A*C", "A\r\nB\nC", MATCHED),
        ("A?C", "A\nC", MATCHED),
        ("A*BC*C", "ABC", NOT_MATCHED),
        ("A[BC]", "AB", NOT_MATCHED),
        ("A[BC]*", "A[BC]D", MATCHED),
        (r"A.C*", "ABC", NOT_MATCHED),
    ],
)
def test_wildcard_matching(key: str, value: str, expected: Match) -> None:
    """C.2.2.2.4: ``*`` is any run, ``?`` one character; nothing else is special."""
    assert expected is answer("AdditionalPatientHistory", key, value)


@pytest.mark.parametrize(
    "keyword",
    [
        *("StationAETitle", "Modality", "PatientID", "AdditionalPatientHistory", "PatientName"),
        *("AccessionNumber", "CodeMeaning", "DerivationDescription", "LongCodeValue"),
        *("URNCodeValue", "TextValue"),
    ],
)
def test_wildcard_matching_by_vr(keyword: str) -> None:
    """AE CS LO LT PN SH ST UC UR UT take wildcards."""
    assert MATCHED is answer(keyword, "A*C?", "ABCD")


def test_a_wildcard_is_literal_where_the_vr_has_none() -> None:
    """AS has no wildcards."""
    assert NOT_MATCHED is answer("PatientAge", "04?Y", "042Y")


def test_wildcards_over_long_text_take_no_time() -> None:
    """A pattern that makes a backtracking matcher try for longer than anyone lives."""
    text = "a" * 1_000_000

    assert NOT_MATCHED is answer("TextValue", "a*" * 50 + "b", text)
    assert NOT_MATCHED is answer("TextValue", "*" + "a*a?" * 25 + "b*", text)
    assert MATCHED is answer("TextValue", "a*" * 50 + "a", text)


@pytest.mark.parametrize(
    ("keyword", "key", "value", "expected"),
    [
        ("InstanceNumber", "4", "+4", MATCHED),
        ("InstanceNumber", "4", "004 ", MATCHED),
        ("InstanceNumber", "4", "5", NOT_MATCHED),
        ("InstanceNumber", "4\\5", "5", MATCHED),
        ("PatientWeight", "70", "70.0", MATCHED),
        ("PatientWeight", "70", "7E+1", MATCHED),
        ("PatientWeight", "0.1", ".10", MATCHED),
        ("PatientWeight", "70", "70.1", NOT_MATCHED),
        ("PatientWeight", "70", "1\\70", MATCHED),
    ],
)
def test_d26_numbers_are_compared_by_value(
    keyword: str, key: str, value: str, expected: Match
) -> None:
    """D26: ``4``, ``+4``, ``004`` and ``4.0`` are one number."""
    dataset = raw(keyword, None, value.encode())

    assert expected is matches(data(**{keyword: key}), dataset)[keyword]


@pytest.mark.parametrize(
    ("keyword", "key", "value"),
    [
        ("Rows", 512, 512),
        ("DiffusionBValue", 0.1, 0.1),
        ("RecommendedDisplayFrameRateInFloat", 0.1, 0.1),
    ],
)
def test_binary_numbers_match_themselves(keyword: str, key: float, value: float) -> None:
    """An FL holds the nearest number of 32 bits; the key means that one."""
    query, dataset = Dataset(), Dataset()
    setattr(query, keyword, key)
    setattr(dataset, keyword, value)

    assert MATCHED is matches(query, dataset)[keyword]


def test_fl_is_compared_as_a_number_of_32_bits() -> None:
    """0.1 comes back from an FL as 0.10000000149; it is still 0.1."""
    query = Dataset()
    query.RecommendedDisplayFrameRateInFloat = 0.1
    dataset = raw("RecommendedDisplayFrameRateInFloat", "FL", b"\xcd\xcc\xcc\x3d")

    assert {"RecommendedDisplayFrameRateInFloat": MATCHED} == matches(query, dataset)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("InstanceNumber", "IS", b"four"),
        ("InstanceNumber", None, b"4\xff"),
        ("PatientWeight", "DS", b"NaN"),
        ("PatientWeight", "DS", b"1e99999999999"),
        ("PatientWeight", "DS", b"4" * 100_000),
        ("Rows", "US", b"\x04\x00\x00"),
        ("StudyDate", "DA", b"\xff\xfe"),
    ],
)
def test_a_value_that_cannot_be_read_is_unverified(
    keyword: str, vr: str | None, value: bytes
) -> None:
    """What pydicom refuses or warns of is no error, no warning, and no proof."""
    query = Dataset()
    setattr(query, keyword, "20240101" if keyword == "StudyDate" else 4)

    assert {keyword: UNVERIFIED} == matches(query, raw(keyword, vr, value))


def test_a_value_that_is_no_number_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """pydicom would quote it in a warning, and log that."""
    query = data(InstanceNumber="4")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        matches(query, raw("InstanceNumber", "IS", b"SECRET"))

    assert [] == caught
    assert "SECRET" not in caplog.text


def test_a_value_left_in_a_file_that_is_gone_is_unverified() -> None:
    """It is present, and cannot be read any more."""
    dataset, tag = Dataset(), Tag("PatientID")
    dataset[tag] = RawDataElement(tag, "LO", 4, None, 0, False, True)

    assert {"PatientID": UNVERIFIED} == matches(data(PatientID="1"), dataset)


# ---------------------------------------------------------------- sequences


def sequence(*items: Dataset) -> Dataset:
    dataset = Dataset()
    dataset.RequestAttributesSequence = list(items)
    return dataset


STEP = data(ScheduledProcedureStepID="S1", RequestedProcedureID="P1")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([STEP], MATCHED),
        ([data(ScheduledProcedureStepID="S2"), STEP], MATCHED),
        (
            [
                data(ScheduledProcedureStepID="S1", RequestedProcedureID="P2"),
                data(ScheduledProcedureStepID="S2", RequestedProcedureID="P1"),
            ],
            NOT_MATCHED,
        ),
        ([data(ScheduledProcedureStepID="S1")], UNVERIFIED),
        ([data(ScheduledProcedureStepID="S2")], NOT_MATCHED),
        ([data(ScheduledProcedureStepID="S2"), data(RequestedProcedureID="P1")], UNVERIFIED),
        ([], NOT_MATCHED),
    ],
)
def test_sequence_matching(items: list[Dataset], expected: Match) -> None:
    """C.2.2.2.6: one and the same item has to match all keys; the best item counts."""
    assert {"RequestAttributesSequence": expected} == matches(sequence(STEP), sequence(*items))


@pytest.mark.parametrize("key", [sequence(), sequence(Dataset()), sequence(data(PatientID=""))])
def test_a_sequence_without_keys_is_universal(key: Dataset) -> None:
    """Zero length, an empty item, or an item of zero-length keys: all ask to have it returned."""
    assert {"RequestAttributesSequence": MATCHED} == matches(key, sequence(STEP))
    assert {"RequestAttributesSequence": MATCHED} == matches(key, Dataset())


def test_a_sequence_that_is_absent_or_none_is_unverified() -> None:
    """Bytes where a sequence should be prove nothing."""
    broken = raw("RequestAttributesSequence", "SQ", b"\xfe\xff\x00\xe0\xff\xff")

    assert {"RequestAttributesSequence": UNVERIFIED} == matches(sequence(STEP), Dataset())
    assert {"RequestAttributesSequence": UNVERIFIED} == matches(sequence(STEP), broken)


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("Müller", "M\N{REPLACEMENT CHARACTER}ller", UNVERIFIED),
        ("Smith", "\N{REPLACEMENT CHARACTER}", UNVERIFIED),
        ("Smith", "????^???", UNVERIFIED),
        ("Smith", "^^=?", UNVERIFIED),
        ("Müller", "M?ller", UNVERIFIED),
        ("Müller", "MÃ¼ller", UNVERIFIED),
        ("山田", "\x1b$B;3ED\x1b(B", UNVERIFIED),
        ("张", "\x1b$)A张", MATCHED),
        ("Müller", "Maier", NOT_MATCHED),
        ("Smith", "Why?", NOT_MATCHED),
        ("Müller", "Möller", NOT_MATCHED),
        ("M?ller", "M\N{REPLACEMENT CHARACTER}ller", MATCHED),
    ],
)
@pytest.mark.parametrize("keyword", ["PatientName", "StudyDescription"])
def test_q27_d25_damaged_text_is_never_a_proof(
    keyword: str, key: str, value: str, expected: Match
) -> None:
    """Q27, D25: characters lost on the way make an answer unverified, if it does not match."""
    assert expected is answer(keyword, key, value)


def test_d25_text_in_another_character_set_than_declared() -> None:
    """D25: UTF-8 in a data set that declares no character set."""
    dataset = raw("PatientName", "PN", "Müller^Jürg".encode())

    assert {"PatientName": UNVERIFIED} == matches(Query(PatientName="Müller*"), dataset)


# ---------------------------------------------------------------- mistakes in a query


@pytest.mark.parametrize(
    ("keyword", "key"),
    [
        ("StudyDate", "2024-01-01"),  # Q17
        ("StudyDate", "20241301"),
        ("StudyDate", "20230229"),
        ("StudyDate", "2024*"),
        ("StudyDate", " - "),
        ("StudyDate", "20240201-20240101"),
        ("StudyDate", "20240101-20240102-20240103"),
        ("StudyTime", "2460"),
        ("StudyTime", "12:30"),
        ("StudyTime", "2200-0600"),
        ("AcquisitionDateTime", "2024-13"),
        ("AcquisitionDateTime", "20240101+1500"),
        ("StudyInstanceUID", "1.2.*"),
        ("StudyInstanceUID", "1.2\\1.3 4"),
        ("InstanceNumber", "1.5"),
        ("InstanceNumber", "9999999999"),
        ("InstanceNumber", "1E999999999"),
        ("TimezoneOffsetFromUTC", "+0100"),
    ],
)
def test_q17_an_illegal_key_is_a_mistake_that_names_the_keyword_only(
    keyword: str, key: str
) -> None:
    """Q17: found out before anything is searched; a key may be a patient's, so it is not quoted."""
    query = raw(keyword, None, key.encode())

    with pytest.raises(QueryError, match=keyword) as caught:
        matcher(query)
    assert key not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("keyword", "key"),
    [
        ("PatientID", 73519),
        ("StudyDate", date(1973, 5, 19)),
        ("Rows", -73519),
        ("Rows", 73519.5),
        ("DiffusionBValue", float("nan")),
        ("PixelData", b"73519"),
    ],
)
def test_d27_a_key_of_the_wrong_type_is_a_mistake(keyword: str, key: object) -> None:
    """D27: pydicom would take it, and fail while sending."""
    query = Dataset()
    setattr(query, keyword, key)

    with pytest.raises(QueryError, match=keyword) as caught:
        matcher(query)
    assert "73519" not in str(caught.value)


def test_a_key_that_pydicom_cannot_read_is_a_mistake() -> None:
    """It is named, its bytes are not."""
    with pytest.raises(QueryError, match="Rows") as caught:
        matcher(raw("Rows", "US", b"\x01\x02\x03"))
    assert "x01" not in str(caught.value)


def test_a_sequence_key_of_two_items_is_a_mistake() -> None:
    """C.2.2.2.6: exactly one item."""
    with pytest.raises(QueryError, match="RequestAttributesSequence"):
        matcher(sequence(STEP, STEP))


def test_a_mistake_inside_a_sequence_names_the_inner_keyword() -> None:
    """What has to be corrected is named."""
    with pytest.raises(QueryError, match="ScheduledProcedureStepStartDate"):
        matcher(sequence(data(ScheduledProcedureStepStartDate="soon")))


def test_private_keys_are_refused_unless_empty() -> None:
    """The same tag may be another creator's in another data set."""
    query, empty = Dataset(), Dataset()
    query.add_new(0x00091001, "LO", "x")
    empty.add_new(0x00091001, "LO", "")

    nested = Dataset()
    nested.add_new(0x00091002, "SQ", [STEP])

    with pytest.raises(QueryError, match="0009,1001"):
        matcher(query)
    with pytest.raises(QueryError, match="0009,1002"):
        matcher(nested)
    assert [MATCHED] == list(matches(empty, Dataset()).values())


def test_matching_changes_no_data_set() -> None:
    """Pure: neither the query nor the data set differs afterwards."""
    query, dataset = (
        data(PatientName="DOE*", StudyDate="2024"),
        data(PatientName="DOE^J", StudyDate="2024"),
    )
    query.StudyDate = "20240101-"
    before = str(query), str(dataset)
    matches(query, dataset)

    assert before == (str(query), str(dataset))


def test_matches_is_a_plain_value() -> None:
    """Others can build one, for a searcher of their own."""
    report = Matches((("PatientID", MATCHED),))

    assert {"PatientID": MATCHED} == report
    assert 1 == len(report)
