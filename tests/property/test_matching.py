"""Attribute matching against a plain re-statement of PS3.4 C.2.2.2, slow and obvious."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from gurney.core.errors import QueryError
from gurney.core.matching import Match, matcher, matches
from gurney.core.values import put

MATCHED, NOT_MATCHED, UNVERIFIED = Match.MATCHED, Match.NOT_MATCHED, Match.UNVERIFIED

KEYWORDS = {
    "AE": "StationAETitle",
    "AS": "PatientAge",
    "CS": "Modality",
    "DA": "StudyDate",
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
    "UT": "TextValue",
    "US": "Rows",
    "FD": "DiffusionBValue",
    "SQ": "RequestAttributesSequence",
}


def data(keyword: str, values: Sequence[str]) -> Dataset:
    dataset = Dataset()
    put(dataset, keyword, values)
    return dataset


def answer(vr: str, key: str, value: str) -> Match:
    keyword = KEYWORDS[vr]
    return matches(data(keyword, [key]), data(keyword, [value]))[keyword]


# ---------------------------------------------------------------- the standard, plainly


def like(pattern: str, text: str) -> bool:
    """C.2.2.2.4, by its recursive definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return like(pattern[1:], text) or (text != "" and like(pattern, text[1:]))
    return text != "" and pattern[0] in ("?", text[0]) and like(pattern[1:], text[1:])


def name_like(key: str, name: str) -> bool:
    """One group of a key and of a name; a component that is not there is an empty one."""
    key, name = folded(key), folded(name)
    fewer = max(0, key.count("^") - name.count("^"))
    return like(key, name + "^" * fewer)


def folded(group: str) -> str:
    """A group of a name in the spelling that all its spellings share; Latin and Greek only."""
    letters = unicodedata.normalize("NFKD", group)
    plain = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
    components = [component.strip(" ") for component in plain.casefold().split("^")]
    while components and not components[-1]:
        components.pop()
    return "^".join(components)


def name_matches(key: str, name: str) -> bool:
    """PS3.5 6.2.1.2: three groups, any of which a key of one group may mean."""
    keys = key.split("=")
    while len(keys) > 1 and not folded(keys[-1]):
        keys.pop()
    names = name.split("=")
    if len(keys) == 1:
        return any(name_like(keys[0], group) for group in names if folded(group))
    names += [""] * len(keys)
    return all(
        name_like(group, other) for group, other in zip(keys, names, strict=False) if folded(group)
    )


def judged(wanted: set[int], found: set[int]) -> Match:
    """C.2.2.2.5 for values of limited precision: all, none or some of what they may mean."""
    if found <= wanted:
        return MATCHED
    return UNVERIFIED if found & wanted else NOT_MATCHED


# ---------------------------------------------------------------- text


texts = st.text("aAbB.[\n", max_size=8)
patterns = st.text("aAb.*?[", max_size=8)


@given(st.sampled_from(["LO", "LT", "UT", "AE", "CS", "SH", "ST", "UC", "UR"]), patterns, texts)
def test_wildcards_mean_what_their_recursive_definition_says(vr: str, key: str, value: str) -> None:
    """Equal to the definition, for any pattern and text."""
    expected = MATCHED if not key.strip("*") or like(key, value) else NOT_MATCHED

    assert expected is answer(vr, key, value)


@given(st.text("ab?", min_size=1, max_size=5), st.text("ab", max_size=40))
def test_a_pattern_between_stars_is_a_substring_search(piece: str, text: str) -> None:
    """``*x*`` matches where some part of the text is ``x``."""
    parts = [text[i : i + len(piece)] for i in range(len(text) - len(piece) + 1)]
    expected = MATCHED if any(like(piece, part) for part in parts) else NOT_MATCHED

    assert expected is answer("LT", f"*{piece}*", text)


@given(
    st.lists(st.sampled_from(["CT", "MR", "SR", "C?"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["CT", "MR", "US", "CR"]), min_size=1, max_size=3),
)
def test_several_values_match_if_any_pair_does(keys: list[str], values: list[str]) -> None:
    """Any of the key's, any of the attribute's."""
    expected = MATCHED if any(like(k, v) for k in keys for v in values) else NOT_MATCHED

    assert expected is matches(data("Modality", keys), data("Modality", values))["Modality"]


@given(st.text("aä1 ", min_size=1).filter(lambda text: text.strip() != ""))
def test_only_names_are_folded(text: str) -> None:
    """Case counts for every VR but PN."""
    upper = text.upper()

    assert MATCHED is answer("PN", text, upper)
    for vr in ("LO", "SH", "LT", "UT"):
        assert (MATCHED if text == upper else NOT_MATCHED) is answer(vr, text, upper)


# ---------------------------------------------------------------- names


names = st.text("aAäÄeÉñzσΣς ^=ａＺ", max_size=10)
name_keys = st.text("aAäeÉσＡ ^=*?", max_size=8)


@given(name_keys, names)
def test_names_match_as_their_folded_groups_do(key: str, name: str) -> None:
    """Equal to the plain statement, unless there is nothing left of the name."""
    assume(key.strip("^= ") and key.strip("*"))
    assume(name.strip("^= "))
    expected = MATCHED if name_matches(key, name) else NOT_MATCHED

    assert expected is answer("PN", key, name)


@given(names, st.integers(0, 4), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_every_spelling_of_a_name_matches_it(name: str, carets: int, form: str) -> None:
    """Case, composition, width and trailing components are spelling."""
    assume("=" not in name)
    normal = unicodedata.normalize("NFKD" if "K" in form else "NFD", name)
    spelled = unicodedata.normalize("NFC" if form.endswith("C") else "NFD", normal).upper()

    assert MATCHED is answer("PN", spelled + "^" * carets, name) or not name.strip("^ ")


# ---------------------------------------------------------------- dates and times


FIRST = date(2023, 11, 20)
days = st.integers(0, 150).map(lambda n: FIRST + timedelta(days=n))
EVERY_DAY = [date(2023, 1, 1) + timedelta(days=n) for n in range(731)]


def da(day: date) -> str:
    return day.strftime("%Y%m%d")


def meant(text: str) -> set[int]:
    """The days that a date of any precision may mean."""
    return {day.toordinal() for day in EVERY_DAY if da(day).startswith(text)}


@given(st.none() | days, st.none() | days, days, st.sampled_from([4, 6, 8]))
def test_date_ranges_are_the_days_in_them(
    first: date | None, last: date | None, day: date, precision: int
) -> None:
    """All days of the target in the range, none of them, or some."""
    assume(first or last)
    assume(not (first and last) or first <= last)
    begin, end = first or date(2023, 1, 1), last or date(2024, 12, 31)
    key = f"{da(first) if first else ''}-{da(last) if last else ''}"
    wanted = {day.toordinal() for day in EVERY_DAY if begin <= day <= end}
    value = da(day)[:precision]

    assert judged(wanted, meant(value)) is answer("DA", key, value)
    assert judged(wanted, meant(value)) is answer("DT", key, value)


@given(st.tuples(days, days, days).map(sorted), days)
def test_a_split_range_matches_what_the_whole_does(ends: list[date], day: date) -> None:
    """a-b is a-m or (m+1)-b: what splitting a capped query relies on."""
    first, middle, last = ends
    assume(middle < last)
    whole = answer("DA", f"{da(first)}-{da(last)}", da(day))
    halves = {
        answer("DA", f"{da(first)}-{da(middle)}", da(day)),
        answer("DA", f"{da(middle + timedelta(days=1))}-{da(last)}", da(day)),
    }

    assert whole is (MATCHED if MATCHED in halves else NOT_MATCHED)


clock_texts = st.tuples(
    st.integers(0, 2), st.integers(0, 59), st.integers(0, 59), st.sampled_from([2, 4, 6])
).map(lambda t: f"{t[0]:02}{t[1]:02}{t[2]:02}"[: t[3]])


def seconds(text: str) -> range:
    """The seconds of the day that a time of any precision may mean."""
    first, last = text + "000000"[len(text) :], text + "005959"[len(text) :]
    start, end = ((int(t[:2]) * 60 + int(t[2:4])) * 60 + int(t[4:]) for t in (first, last))
    return range(start, end + 1)


@given(clock_texts, clock_texts, clock_texts)
def test_time_ranges_are_the_seconds_in_them(first: str, last: str, value: str) -> None:
    """All seconds of the target in the range, none of them, or some."""
    assume(seconds(first)[0] <= seconds(last)[-1])
    wanted = set(range(seconds(first)[0], seconds(last)[-1] + 1))

    assert judged(wanted, set(seconds(value))) is answer("TM", f"{first}-{last}", value)
    assert judged(set(seconds(first)), set(seconds(value))) is answer("TM", first, value)


minutes_of_offset = st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 3)).map(  # noqa: DTZ001
    lambda moment: moment.replace(second=0, microsecond=0)
)


def dt(moment: datetime, offset: int) -> str:
    return moment.astimezone(timezone(timedelta(minutes=offset))).strftime("%Y%m%d%H%M%z")


@given(st.tuples(moments, moments).map(sorted), moments, st.tuples(*[minutes_of_offset] * 3))
def test_date_times_are_moments_whatever_their_offsets(
    ends: list[datetime], moment: datetime, offsets: tuple[int, int, int]
) -> None:
    """Single values and ranges, hyphens in them included, mean the same in every time zone."""
    first, last = (end.replace(tzinfo=timezone.utc) for end in ends)
    moment = moment.replace(tzinfo=timezone.utc)
    a, b, c = offsets
    value = dt(moment, c)

    assert answer("DT", dt(first, a), value) is (MATCHED if moment == first else NOT_MATCHED)
    expected = MATCHED if first <= moment <= last else NOT_MATCHED
    assert expected is answer("DT", f"{dt(first, a)}-{dt(last, b)}", value)
    assert answer("DT", f"{dt(first, a)}-", value) is (MATCHED if moment >= first else NOT_MATCHED)
    assert answer("DT", f"-{dt(last, b)}", value) is (MATCHED if moment <= last else NOT_MATCHED)


@given(moments, moments, minutes_of_offset)
def test_an_unstated_offset_is_never_guessed(key: datetime, value: datetime, offset: int) -> None:
    """One side without an offset: never MATCHED, and NOT_MATCHED only if no offset would do."""
    stated = dt(key.replace(tzinfo=timezone.utc), offset)
    unstated = value.strftime("%Y%m%d%H%M")
    ahead = value - key
    possible = timedelta(hours=-12, minutes=-1) < ahead < timedelta(hours=14, minutes=1)

    assert (UNVERIFIED if possible else NOT_MATCHED) is answer("DT", stated, unstated)
    assert (UNVERIFIED if possible else NOT_MATCHED) is answer("DT", unstated, stated)


# ---------------------------------------------------------------- numbers


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.data())
def test_numbers_match_by_value(key: int, other: int, draw: st.DataObject) -> None:
    """However they are written."""
    written = draw.draw(st.sampled_from(["{:d}", "{:+d}", "{:012d}", "{:d}.0", "{:d}.", "{:d}E0"]))

    assert MATCHED is answer("IS", str(key), written.format(key))
    assert (MATCHED if key == other else NOT_MATCHED) is answer(
        "DS", str(key), written.format(other)
    )


# ---------------------------------------------------------------- sequences


item_values = st.sampled_from(["", "a", "b", None])
step_items = st.tuples(item_values, item_values)


def item(step: tuple[str | None, str | None]) -> Dataset:
    dataset = Dataset()
    for keyword, value in zip(
        ("ScheduledProcedureStepID", "RequestedProcedureID"), step, strict=True
    ):
        if value is not None:
            put(dataset, keyword, [value])
    return dataset


def holder(*items: Dataset) -> Dataset:
    dataset = Dataset()
    dataset.RequestAttributesSequence = list(items)
    return dataset


@given(step_items, st.lists(step_items, max_size=4))
def test_a_sequence_matches_as_its_best_item_does(
    key: tuple[str | None, str | None], steps: list[tuple[str | None, str | None]]
) -> None:
    """C.2.2.2.6: all keys in one item; an item with an absent attribute may be the one."""
    reports = [matches(item(key), item(step)) for step in steps]
    if not any(key) or any(set(report.values()) <= {MATCHED} for report in reports):
        expected = MATCHED
    else:
        expected = UNVERIFIED if any(report.matched for report in reports) else NOT_MATCHED

    report = matches(holder(item(key)), holder(*map(item, steps)))
    assert {"RequestAttributesSequence": expected} == report


# ---------------------------------------------------------------- laws for all


legal = {
    **dict.fromkeys(["AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"], st.text("aB1_ ")),
    "PN": names,
    "AS": st.from_regex(r"[0-9]{3}[DWMY]", fullmatch=True),
    "UI": st.from_regex(r"[1-9](\.[1-9]){1,9}", fullmatch=True),
    "DA": days.map(da),
    "TM": clock_texts,
    "IS": st.integers(-999, 999).map(str),
    "DS": st.decimals(-999, 999, places=2).map(str),
    "DT": moments.map(lambda moment: moment.strftime("%Y%m%d%H%M")),
}


@given(st.data())
@pytest.mark.parametrize("vr", sorted(legal))
def test_a_value_matches_itself(vr: str, draw: st.DataObject) -> None:
    """Any legal value without wildcards, as key and as attribute."""
    value = draw.draw(legal[vr])

    assert MATCHED is answer(vr, value, value)


raw_values = st.binary(max_size=12) | st.text("012359.:-^=?*\\ \0a\x1b", max_size=14).map(
    str.encode
)


@given(st.sampled_from(sorted(KEYWORDS)), raw_values, st.sampled_from(["", "*"]))
def test_universal_matching_matches_all(vr: str, value: bytes, key: str) -> None:
    """Whatever the VR and the value, absent ones too."""
    keyword = KEYWORDS[vr]
    assume(key == "" or vr not in ("SQ", "US", "FD"))
    query = stored(keyword, vr, key.encode())

    assert {keyword: MATCHED} == matches(query, stored(keyword, vr, value))
    assert {keyword: MATCHED} == matches(query, Dataset())


def stored(keyword: str, vr: str | None, value: bytes) -> Dataset:
    """As read from a file, and not looked at yet."""
    tag = Tag(keyword)
    dataset = Dataset()
    dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, vr is None, True)
    return dataset


@given(st.data(), raw_values, st.sampled_from([*sorted(KEYWORDS), None, "UN"]))
@pytest.mark.parametrize("vr", sorted(legal))
def test_no_stored_bytes_make_matching_fail(
    vr: str, draw: st.DataObject, value: bytes, stored_vr: str | None
) -> None:
    """Any bytes under any VR, the wrong one too, get an answer."""
    keyword = KEYWORDS[vr]
    query = data(keyword, [draw.draw(legal[vr])])

    assert matches(query, stored(keyword, stored_vr, value))[keyword] in Match


@given(st.sampled_from(["DA", "TM", "DT", "UI", "IS", "DS"]), st.text("0159-:./*?x ", min_size=1))
def test_a_key_is_understood_or_refused_by_name(vr: str, key: str) -> None:
    """There is no third way; the refusal does not quote the key."""
    keyword = KEYWORDS[vr]
    message = keyword
    try:
        matcher(stored(keyword, vr, key.encode()))
    except QueryError as error:
        message = str(error)

    assert keyword in message
    assert len(key.strip()) < 4 or key.strip() not in message


@given(names.filter(bool), st.integers(0, 10), st.sampled_from("\N{REPLACEMENT CHARACTER}\x85\x1b"))
def test_damaged_text_is_never_a_proof(name: str, at: int, mark: str) -> None:
    """Q27: MATCHED or UNVERIFIED, whatever was asked for."""
    damaged = name[:at] + mark + name[at:]

    assert NOT_MATCHED is not answer("PN", "nobody", damaged)
    assert NOT_MATCHED is not answer("LO", "nobody", damaged)
