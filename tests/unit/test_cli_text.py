"""What reaches a terminal, a program, a file: text made safe, options, references."""

from __future__ import annotations

import json
import unicodedata
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney import ExtendedQuery, parse_reference
from gurney.cli.escaping import json_visible, visible
from gurney.cli.exits import WrongUseError
from gurney.cli.naming import references_in, references_of
from gurney.cli.opening import named
from gurney.cli.options import FILTERS, flag_of, query_values

HAZARDS: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@given(st.text(st.characters()))
def test_visible_text_has_no_effect_of_its_own(text: str) -> None:
    """Whatever an archive sends, no control, bidirectional or invisible character is left."""
    shown = visible(text)

    assert {unicodedata.category(character) for character in shown}.isdisjoint(HAZARDS)


@given(st.text(st.characters(exclude_categories=HAZARDS)))
def test_harmless_text_is_shown_as_it_is(text: str) -> None:
    """Names in any script stay readable."""
    assert text == visible(text)


def test_long_text_is_cut() -> None:
    """A value of megabytes does not push everything else away."""
    assert 20 == len(visible("x" * 1_000_000, limit=20))


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_json_is_the_same_for_a_reader(content: dict[str, str]) -> None:
    """Escapes in JSON change what a terminal sees, not what a program reads."""
    document = json.dumps(content, ensure_ascii=False, indent=2)
    shown = json_visible(document)

    assert content == json.loads(shown)
    assert {unicodedata.category(c) for c in shown if c != "\n"}.isdisjoint(HAZARDS)


def test_every_field_of_a_query_has_an_option() -> None:
    """No field is forgotten; level and include fields have options of their own."""
    fields = set(attrs.fields_dict(ExtendedQuery)) - {"query_level", "include_fields"}

    assert fields == {filter_.field for filter_ in FILTERS}
    assert len(FILTERS) == len({flag for filter_ in FILTERS for flag in filter_.flags[:1]})


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("PatientID", "--patient-id"),
        ("ModalitiesInStudy", "--modalities-in-study"),
        ("SeriesInstanceUID", "--series-instance-uid"),
        ("max_study_date", "--max-study-date"),
    ],
)
def test_options_are_keywords_in_kebab_case(field: str, flag: str) -> None:
    """Who knows the DICOM keyword knows the option."""
    assert flag == flag_of(field)


def test_lists_come_repeated_or_with_commas() -> None:
    """Both ways to give several values mean the same."""
    expected = {"StudyInstanceUID": ["1.2", "1.3", "1.4"]}

    assert expected == query_values({"study_instance_uid": ["1.2,1.3", "1.4"]})


@pytest.mark.parametrize(
    "given_",
    [
        {"patient_id": ""},
        {"patient_id": "  "},
        {"study_instance_uid": [""]},
        {"study_instance_uid": ["1.2,"]},
        {"modalities_in_study": [","]},
        {"min_study_date": ""},
    ],
)
def test_an_empty_value_is_refused(given_: dict[str, object]) -> None:
    """`--patient-id "$ID"` with ID unset must not match everything."""
    with pytest.raises(WrongUseError, match="is empty; leave it out"):
        query_values(given_)


def test_references_from_lines() -> None:
    """Comments and empty lines do not count; each reference comes once, in order."""
    text = "\N{ZERO WIDTH NO-BREAK SPACE}# a comment\r\n1.2/1.2.3\r\n\r\n  1.3  \n1.2/1.2.3\n"

    assert ["1.2/1.2.3", "1.3"] == [str(reference) for reference in references_in(text)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_references_from_a_table(delimiter: str) -> None:
    """What `find --format csv` writes can be fetched, also after a spreadsheet saved it."""
    rows = [
        ["PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
        ['"Doe\nJane"', "1.2", "1.2.3", "1.2.3.4"],
        ["x", "1.2", "1.2.3", ""],
        ["y", "1.5", "", ""],
    ]
    text = "\n".join(delimiter.join(row) for row in rows)

    found = references_in(text)

    assert ["1.2/1.2.3/1.2.3.4", "1.2/1.2.3", "1.5"] == [str(reference) for reference in found]


def test_a_table_without_rows_asks_for_nothing() -> None:
    """A search that found nothing is no mistake."""
    assert [] == references_in("StudyInstanceUID,PatientName\n")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_list_without_anything_is_refused(text: str) -> None:
    """More likely than nothing was meant, the command that should have written it failed."""
    with pytest.raises(WrongUseError, match="empty"):
        references_in(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1.2\n1.2//1.3\n", "line 2"),
        ("# x\n1.2 1.3\n", "line 2"),
        ("1/2/3/4\n", "line 1"),
        ("StudyInstanceUID,x\n,y\n", "line 2 of the table"),
    ],
)
def test_what_is_no_reference_is_named_by_line(text: str, where: str) -> None:
    """It can be found and corrected; its text, which might be a patient's, is not repeated."""
    with pytest.raises(WrongUseError, match=f"^{where} is not a reference"):
        references_in(text)


def test_a_table_that_cannot_be_read_is_refused() -> None:
    """A cell of megabytes is no reference; the reader of CSV gives up, and that is said."""
    with pytest.raises(WrongUseError, match="cannot be read"):
        references_in("StudyInstanceUID,PatientName\n1.2," + "x" * 1_000_000 + "\n")


def test_references_from_arguments() -> None:
    """Arguments print as they parse."""
    assert [parse_reference("1.2/1.2.3")] == references_of(["1.2/1.2.3"])
    with pytest.raises(WrongUseError, match=r"^reference 2 is not"):
        references_of(["1.2", ".."])


def test_an_archive_is_never_named_with_credentials() -> None:
    """Receipts are passed on; user, password and token are not."""
    assert "https://host:1/dicom" == named("https://me:secret@host:1/dicom?token=secret#secret")


def test_json_is_not_a_list_of_references() -> None:
    """A receipt or the JSON of find is named for what it is."""
    with pytest.raises(WrongUseError, match="is JSON; give one a line, or CSV"):
        references_in('{"format": "gurney receipt 1"}')
