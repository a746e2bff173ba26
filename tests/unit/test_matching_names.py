"""Matching of person names (PS3.4 C.2.2.2.1, PS3.5 6.2.1)."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from gurney.core.matching import Match, matches

MATCHED, NOT_MATCHED, UNVERIFIED = Match.MATCHED, Match.NOT_MATCHED, Match.UNVERIFIED
YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう"


def named(name: str) -> Dataset:
    dataset = Dataset()
    dataset.PatientName = name
    return dataset


def answer(key: str, value: str) -> Match:
    return matches(named(key), named(value))["PatientName"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("DOE^JOHN", "DOE^JOHN", MATCHED),
        ("DOE^JOHN", "DOE^JOHN^^^", MATCHED),
        ("DOE^JOHN^^", "DOE^JOHN", MATCHED),
        ("DOE^JOHN", "DOE^JOHN^A", NOT_MATCHED),
        ("DOE^JOHN*", "DOE^JOHN^A", MATCHED),
        ("DOE^JOHN*", "DOE^JOHN", MATCHED),
        ("DOE", "DOE^JOHN", NOT_MATCHED),
        ("DOE*", "DOE^JOHN", MATCHED),
        ("*JOHN", "DOE^JOHN", MATCHED),
        ("D?E^*", "DOE^JOHN", MATCHED),
        ("DOE^*", "DOE", MATCHED),
        ("DOE^*", "DOE^^", MATCHED),
        ("DOE^?*", "DOE", NOT_MATCHED),
        ("DOE?", "DOE", NOT_MATCHED),
        ("^JOHN", "DOE^JOHN", NOT_MATCHED),
        ("DOE^^A", "DOE^JOHN^A", NOT_MATCHED),
    ],
)
def test_components(key: str, value: str, expected: Match) -> None:
    """Trailing empty components do not count; all others do, unless a wildcard covers them."""
    assert expected is answer(key, value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("doe^john", "DOE^John", MATCHED),
        ("Muller", "Müller", MATCHED),
        ("MÜLLER", "muller", MATCHED),
        ("Mu\N{COMBINING DIAERESIS}ller", "Müller", MATCHED),
        ("YILDIZ", "Yıldız", MATCHED),
        ("Strasse", "Straße", MATCHED),
        ("Dionysios", "Διονυσιος", NOT_MATCHED),
        ("διονύσιοσ", "ΔΙΟΝΥΣΙΟΣ", MATCHED),
        ("люксембург", "Люкceмбypг", NOT_MATCHED),  # Latin c, e, y, p, as in chrRuss
        ("люксембург", "Люксембург", MATCHED),
        ("ﾔﾏﾀﾞ", "ヤマダ", MATCHED),
        ("ＤＯＥ^ＪＯＨＮ", "doe^john", MATCHED),
        ("か", "が", NOT_MATCHED),
        ("?", "が", MATCHED),
        ("김?중", "김희중", MATCHED),
        (" DOE ^ JOHN ", "DOE^JOHN", MATCHED),
        ("VAN DOE", "VANDOE", NOT_MATCHED),
        ("Mü*", "MULLER^HANS", MATCHED),
        ("Muller", "Möller", NOT_MATCHED),
    ],
)
def test_folding(key: str, value: str, expected: Match) -> None:
    """Case, accents, width and outer spaces do not count; letters do, kana with a mark too."""
    assert expected is answer(key, value)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("yamada^tarou", MATCHED),
        ("山田^太郎", MATCHED),
        ("やまだ^たろう", MATCHED),
        ("山田*", MATCHED),
        ("=山田^太郎", MATCHED),
        ("==やまだ^たろう", MATCHED),
        ("Yamada^Tarou=山田^太郎", MATCHED),
        ("Yamada*=山田*=*", MATCHED),
        ("山田^太郎=", MATCHED),
        ("山田^太郎=山田^太郎", NOT_MATCHED),
        ("=Yamada^Tarou", NOT_MATCHED),
        ("Yamada^Tarou=鈴木^太郎", NOT_MATCHED),
        ("鈴木*", NOT_MATCHED),
    ],
)
def test_groups(key: str, expected: Match) -> None:
    """A key of one group may match any group; each of several its own."""
    assert expected is answer(key, YAMADA)


def test_a_key_of_one_group_is_compared_with_the_groups_there_are() -> None:
    """``A==B`` has no second group, so no name without a family name."""
    assert NOT_MATCHED is answer("^*", "A==B")
    assert MATCHED is answer("^*", "A==^B")


def test_a_group_that_the_value_lacks_does_not_match() -> None:
    """It is compared with an empty group."""
    assert NOT_MATCHED is answer("Yamada^Tarou=山田^太郎", "Yamada^Tarou")
    assert MATCHED is answer("Yamada^Tarou=*", "Yamada^Tarou")


@pytest.mark.parametrize("key", ["^", "=", " ^ = "])
def test_a_key_of_separators_is_universal(key: str) -> None:
    """It names nobody, as an empty key does."""
    assert MATCHED is answer(key, "DOE^JOHN")
    assert MATCHED is matches(named(key), Dataset())["PatientName"]


def test_several_names_are_alternatives() -> None:
    """In the value (OtherPatientNames) and in the key."""
    query, dataset = Dataset(), Dataset()
    query.OtherPatientNames = ["DOE*", "ROE*"]
    dataset.OtherPatientNames = ["POE^X", "ROE^X"]

    assert MATCHED is matches(query, dataset)["OtherPatientNames"]


def test_case_counts_everywhere_else() -> None:
    """Only PN may be folded (C.2.2.2.1)."""
    query, dataset = Dataset(), Dataset()
    query.PatientID, dataset.PatientID = "abc", "ABC"

    assert NOT_MATCHED is matches(query, dataset)["PatientID"]


def test_d25_real_names_in_their_character_sets(corpus: Path) -> None:
    """D25: a name is found by itself, by each group, in other case or width, with a wildcard."""
    files = sorted((corpus / "charsets").rglob("*.dcm"))
    names = [(file.name, dcmread(file, specific_tags=["PatientName"])) for file in files]
    named_ones = [(file, dataset) for file, dataset in names if dataset.get("PatientName")]
    for file, dataset in named_ones:
        name = str(dataset.PatientName)
        groups = [group for group in name.split("=") if group]
        family = groups[0].split("^")[0]
        wide = normalize("NFD", name)
        for key in [name, *groups, name.upper(), name.casefold(), wide, family + "*"]:
            assert {"PatientName": MATCHED} == matches(named(key), dataset), file
        # pydicom leaves escape sequences of ISO 2022 IR 58 in the text
        expected = UNVERIFIED if "\x1b" in name else NOT_MATCHED
        assert {"PatientName": expected} == matches(named("NOBODY"), dataset), file
    assert len(named_ones) == 19


def test_d25_left_over_escape_sequences_do_not_hide_a_name(corpus: Path) -> None:
    """D25: pydicom 3.0 decodes ISO 2022 IR 58, but leaves its escape sequences in the text."""
    dataset = dcmread(corpus / "charsets" / "fo-dicom" / "chrGB2312.dcm")

    assert {"PatientName": MATCHED} == matches(named("张^小东"), dataset)
