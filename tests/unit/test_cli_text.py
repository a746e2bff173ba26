"""What reaches a terminal, a program, a file: text made safe, options, references."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney import ExtendedQuery, parse_reference
from gurney.cli.exits import WrongUseError
from gurney.cli.naming import read_file, references_of
from gurney.cli.opening import named
from gurney.cli.options import FILTERS, flag_of, query_values
from gurney.escaping import json_visible, visible

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


def test_references_from_arguments() -> None:
    """Arguments print as they parse."""
    assert [parse_reference("1.2/1.2.3")] == references_of(["1.2/1.2.3"])
    with pytest.raises(WrongUseError, match=r"^reference 2 is not"):
        references_of(["1.2", ".."])


def test_a_list_that_is_wrong_is_wrong_use(tmp_path: Path) -> None:
    """It says where, as whoever typed the command knows it."""
    (tmp_path / "list.txt").write_text("1.2\n1.2//1.3\n")

    with pytest.raises(WrongUseError, match=r"^--from: list.txt cannot be used: line 2 is not"):
        read_file(str(tmp_path / "list.txt"))


def test_an_archive_is_never_named_with_credentials() -> None:
    """Receipts are passed on; user, password and token are not."""
    assert "https://host:1/dicom" == named("https://me:secret@host:1/dicom?token=secret#secret")
